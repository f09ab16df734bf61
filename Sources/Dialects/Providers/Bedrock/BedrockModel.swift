// What the models on Bedrock take beside Converse's common form, by maker: the only place that knows.
//
// Facts from the Bedrock user guide ("Inference request parameters and response fields for foundation models") and
// from the recordings of its SDKs' tests. A name that tells nothing, such as the ARN of a profile, has no maker.

internal import Wire

struct BedrockModel: Sendable {
  enum Maker: Sendable {
    case anthropic(ClaudeModel)
    /// Amazon Nova; the second generation thinks.
    case nova(thinks: Bool)
    case mistral
    case openAI
    case other
  }

  let maker: Maker

  /// Reads `us.anthropic.claude-haiku-4-5-20251001-v1:0`, `amazon.nova-lite-v1:0`, or an ARN that ends in one.
  init(_ name: [UInt8]) {
    let name = String(decoding: name, as: UTF8.self)
    if name.contains("claude") {
      maker = .anthropic(ClaudeModel(Array((name.split(separator: "/").last ?? "").utf8)))
    } else if name.contains("amazon.nova") {
      maker = .nova(thinks: name.contains("amazon.nova-2"))
    } else if name.contains("mistral.") {
      maker = .mistral
    } else if name.contains("openai.") {
      maker = .openAI
    } else {
      maker = .other
    }
  }

  var claude: ClaudeModel? {
    if case .anthropic(let model) = maker { model } else { nil }
  }

  /// Whether an answer's schema can be said; the others are made to call a tool instead.
  var takesSchema: Bool { claude?.takesSchema ?? false }
  var takesStrictTools: Bool { claude?.takesStrictTools ?? false }
  /// Whether a call's id must be nine letters and digits (Mistral's own rule).
  var wantsShortIDs: Bool { if case .mistral = maker { true } else { false } }
}

extension ChatEffort {
  /// The word of models that know three of them; nil for none.
  var bedrockName: StaticString? {
    switch self {
    case .none: nil
    case .minimal, .low: "low"
    case .medium: "medium"
    case .high, .xhigh, .max: "high"
    }
  }
}
