// What Anthropic's models take and refuse, by family and version: the only place that knows.
//
// Facts from Anthropic's model and API pages ("Models overview", "Extended thinking", "Structured outputs",
// "Effort"). A name without a version that can be read counts as the newest: its provider says best what is wrong.

internal import Wire

/// A Claude model, told from its name as Anthropic, Bedrock and Vertex write it.
struct ClaudeModel: Sendable, Equatable {
  enum Family: Sendable { case haiku, sonnet, opus, other }

  private(set) var family = Family.other
  /// Tenths: 3.5 is 35.
  private(set) var version = 99
  /// Whether it can't be kept from thinking (docs: "Adaptive thinking").
  private(set) var alwaysThinks = false

  /// Reads `claude-3-5-haiku-20241022`, `claude-opus-4-5`, `us.anthropic.claude-sonnet-4-20250514-v1:0`,
  /// `claude-sonnet-4-5@20250929`, `anthropic.claude-v2:1`.
  init(_ name: [UInt8]) {
    let name = name.span
    var major: Int?
    var minor: Int?
    var from = 0
    while from < name.count {
      var to = from
      while to < name.count, Self.isLetterOrDigit(name[to]) { to += 1 }
      let part = name.extracting(from..<to)
      from = to + 1
      // The numbers first: the names have four letters and more.
      if part.count <= 2 {
        if major == nil, part.count == 2, part[0] == UInt8(ascii: "v"), ASCII.isDigit(part[1]) {
          // As the oldest were called.
          major = Int(part[1] - 0x30)
        } else if let number = Self.number(part), minor == nil {
          if major == nil { major = number } else { minor = number }
        }
      } else if part.reads("haiku") {
        family = .haiku
      } else if part.reads("sonnet") {
        family = .sonnet
      } else if part.reads("opus") {
        family = .opus
      } else if part.reads("fable") || part.reads("mythos") {
        alwaysThinks = true
      } else if part.count >= 6, major != nil {
        // A date: what follows it is a revision.
        break
      }
    }
    guard let major else { return }
    version = major * 10 + min(minor ?? 0, 9)
  }

  /// What one or two digits say.
  private static func number(_ part: Span<UInt8>) -> Int? {
    guard part.count == 1 || part.count == 2 else { return nil }
    var number = 0
    for at in 0..<part.count {
      guard ASCII.isDigit(part[at]) else { return nil }
      number = number * 10 + Int(part[at] - 0x30)
    }
    return number
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- UInt8(ascii: "a") < 26 || ASCII.isDigit(byte)
  }

  /// `max_tokens`, which must be said, where the client doesn't: the most that the model gives.
  var outputCeiling: Int {
    switch version {
    case ..<35: 4096
    case 35: 8192
    case 36..<40: 64_000
    case 40..<45: family == .opus ? 32_000 : 64_000
    case 45: 64_000
    default: 128_000
    }
  }

  /// Whether it can think at all.
  var thinks: Bool { version >= 37 }
  /// Whether it decides itself how much to think, told by an effort instead of a budget.
  var thinksAdaptively: Bool { version >= 46 }
  /// Whether it refuses to be told a budget.
  var refusesBudget: Bool { version >= 47 }
  /// Whether it gives no thoughts unless it is asked for them (docs: "What's new in Claude Opus 4.7").
  var hidesThoughts: Bool { version >= 47 }
  /// Whether it refuses to be told not to think: those that always do, and at Bedrock all since 4.7 (Bedrock user guide,
  /// "Adaptive thinking").
  func refusesDisabled(isBedrock: Bool) -> Bool { alwaysThinks || isBedrock && (47..<99).contains(version) }
  /// Whether an answer's schema can be said; older ones are made to call a tool instead.
  var takesSchema: Bool { version >= 45 || version == 41 }
  var takesStrictTools: Bool { version >= 45 }
  /// Whether `temperature`, `top_p` and `top_k` are refused.
  var refusesSampling: Bool { version >= 47 }
  /// Whether `temperature` and `top_p` are refused together.
  var takesOneSampling: Bool { version >= 41 }
}

extension ChatEffort {
  /// Tokens to think with, for models that are told a budget.
  var thinkingBudget: Int {
    switch self {
    case .none: 0
    case .minimal, .low: 1024
    case .medium: 2048
    case .high: 4096
    case .xhigh: 8192
    case .max: 16_384
    }
  }

  /// Anthropic's word for it. Claude 4.6 knows none between `high` and `max`: it refuses `xhigh` with "high, low, max,
  /// medium".
  func anthropicName(_ model: ClaudeModel, isBedrock: Bool) -> StaticString {
    switch self {
    case .none, .minimal, .low: "low"
    case .medium: "medium"
    case .high: "high"
    case .xhigh: model.version >= 47 ? "xhigh" : isBedrock ? "high" : "max"
    case .max: "max"
    }
  }
}
