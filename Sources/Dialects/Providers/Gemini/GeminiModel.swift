// What Google's models take and refuse, by family and version: the only place that knows.
//
// Facts from Google's pages ("Gemini thinking", "Thought signatures", "Structured outputs", "File input methods",
// "Function calling"; Vertex AI: "Thinking") and from errors that it is known to give. A name without a version
// that can be read counts as the newest: its provider says best what is wrong.

internal import Wire

/// A Gemini or Gemma model, told from its name as the Gemini API and Vertex AI write it.
struct GeminiModel: Sendable, Equatable {
  enum Family: Sendable { case pro, flash, flashLite, gemma, other }

  private(set) var family = Family.other
  /// Tenths: 2.5 is 25.
  private(set) var version = 99
  /// It makes pictures or speech, and can't be told how to think.
  private(set) var isMaker = false

  /// Reads `gemini-2.5-flash-lite`, `gemini-3-pro-preview`, `models/gemini-2.0-flash-001`, `gemma-3-27b-it`.
  init(_ name: [UInt8]) {
    var followsName = false
    for part in name.split(whereSeparator: { !Self.isPartOfWord($0) }) {
      let word = Array(part)
      if followsName, let tenths = Self.tenths(word) { version = tenths }
      followsName = false
      if word.span.equals("gemini") {
        followsName = true
      } else if word.span.equals("gemma") {
        family = .gemma
        followsName = true
      } else if word.span.equals("pro") {
        family = .pro
      } else if word.span.equals("flash") {
        family = .flash
      } else if word.span.equals("lite") {
        family = .flashLite
      } else if word.span.equals("image") || word.span.equals("tts") {
        isMaker = true
      }
    }
  }

  private static func isPartOfWord(_ byte: UInt8) -> Bool {
    ASCII.isDigit(byte) || ASCII.lower(byte) &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: ".")
  }

  /// `2.5` is 25, `3` and `3n` are 30.
  private static func tenths(_ word: [UInt8]) -> Int? {
    guard let first = word.first, ASCII.isDigit(first), word.count == 1 || !ASCII.isDigit(word[1]) else {
      return nil
    }
    let isFraction = word.count > 2 && word[1] == UInt8(ascii: ".") && ASCII.isDigit(word[2])
    return Int(first - 0x30) * 10 + (isFraction ? Int(word[2] - 0x30) : 0)
  }

  // MARK: Thinking

  /// How a model is told how hard to think.
  enum Thinking: Equatable {
    /// Not at all.
    case none
    /// By a number of tokens in this range, or 0 where it can be switched off.
    case budget(ClosedRange<Int>, canStop: Bool)
    /// By a word, the lowest of which is `least`; `hasMedium` is whether there is one between low and high.
    case level(least: StaticString, hasMedium: Bool)

    static func == (one: Thinking, other: Thinking) -> Bool {
      switch (one, other) {
      case (.none, .none): true
      case (.budget(let a, let b), .budget(let c, let d)): a == c && b == d
      case (.level(let a, let b), .level(let c, let d)): a.description == c.description && b == d
      default: false
      }
    }
  }

  var thinking: Thinking {
    if isMaker || family == .gemma || version < 25 { return .none }
    switch (version, family) {
    case (..<30, .pro): return .budget(128...32_768, canStop: false)
    case (..<30, .flashLite): return .budget(512...24_576, canStop: true)
    case (..<30, _): return .budget(1...24_576, canStop: true)
    case (_, .flashLite), (30...36, .flash): return .level(least: "MINIMAL", hasMedium: true)
    case (30, .pro): return .level(least: "LOW", hasMedium: false)
    default: return .level(least: "LOW", hasMedium: true)
    }
  }

  /// Whether calls in the conversation are refused if they lack the signature that they came with.
  var needsSignatures: Bool { family != .gemma && version >= 30 }

  // MARK: Form

  /// Whether schemas go as JSON Schema; older ones want the subset of OpenAPI's that `GeminiSchema` makes.
  var takesJSONSchema: Bool { version >= 20 }
  /// Whether an answer's form and tools go together.
  var takesFormWithTools: Bool { version >= 30 }
  /// Whether a function's result may hold pictures and documents; for older ones they stand beside it.
  var takesMediaInResults: Bool { version >= 30 }
  /// Whether Google's search and the client's functions go together.
  var takesSearchWithTools: Bool { version >= 30 }
  /// Whether there is a place for the system's word; others hear it from the user.
  var takesSystem: Bool { family != .gemma || version >= 40 }
  /// Whether it looks at public web addresses itself where the Gemini API hosts it; Vertex AI does so for all.
  var takesURLs: Bool { version >= 25 }
  /// Whether `presencePenalty` and `frequencyPenalty` other than 0 are allowed.
  var takesPenalties: Bool { version <= 20 }
}

extension ChatEffort {
  /// The word for it among those that the model knows.
  func geminiLevel(least: StaticString, hasMedium: Bool) -> StaticString {
    switch self {
    case .none, .minimal: least
    case .low: "LOW"
    case .medium: hasMedium ? "MEDIUM" : "HIGH"
    case .high, .xhigh, .max: "HIGH"
    }
  }

  /// Tokens to think with, as Google's own surface in OpenAI's format has them (docs: "OpenAI compatibility").
  func geminiBudget(in range: ClosedRange<Int>, canStop: Bool) -> Int {
    let wanted: Int
    switch self {
    case .none: wanted = 0
    case .minimal, .low: wanted = 1024
    case .medium: wanted = 8192
    case .high: wanted = 24_576
    case .xhigh, .max: wanted = range.upperBound
    }
    if wanted == 0, canStop { return 0 }
    return Swift.min(Swift.max(wanted, range.lowerBound), range.upperBound)
  }
}
