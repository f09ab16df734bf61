// What the models on Bedrock take beside Converse's common form, by maker: the only place that knows.
//
// Facts from the Bedrock user guide ("Inference request parameters and response fields for foundation models", "Supported
// models and model features", "Structured output") and API reference ("ToolChoice"), from the recordings of its SDKs'
// tests, and, for who may begin a conversation and who takes schemas, from pydantic-ai's table of it, verified there
// in July 2026. A name that tells nothing, such as the ARN of a profile, has no maker: its provider says best what is
// wrong.

internal import Wire

struct BedrockModel: Sendable {
  enum Maker: Sendable {
    case anthropic(ClaudeModel)
    /// Amazon Nova; the second generation thinks.
    case nova(thinks: Bool)
    case mistral
    case openAI
    case qwen
    /// Z.AI and Moonshot, which are like Claude and Qwen in who may begin.
    case open
    case other
    case unknown
  }

  /// How a model can be made to call a tool.
  enum Forcing: Sendable { case notAtAll, any, named }

  let maker: Maker
  /// Whether an answer's schema can be said; the others are made to call a tool instead.
  let takesSchema: Bool

  private static let others = [
    "meta.", "cohere.", "ai21.", "deepseek.", "google.", "minimax.", "nvidia.", "writer.", "amazon.",
    "stability.",
    "twelvelabs.", "luma.",
  ]
  /// Beside Claude's own.
  private static let schemaTakers = [
    "qwen.qwen3", "google.gemma-3-12b-it", "google.gemma-3-27b-it", "mistral.magistral-small",
    "mistral.ministral-3",
    "mistral.mistral-large-3", "mistral.voxtral", "minimax.minimax-m2", "nvidia.nemotron-nano", "zai.",
    "moonshot",
  ]
  /// Take schemas at Anthropic's own address, and not here.
  private static let schemaRefusers = [
    "claude-opus-4-1", "claude-opus-4-7", "claude-opus-4-8", "claude-opus-5",
  ]

  /// Reads `us.anthropic.claude-haiku-4-5-20251001-v1:0`, `amazon.nova-lite-v1:0`, or an ARN that ends in one.
  init(_ name: [UInt8]) {
    let name = String(decoding: name, as: UTF8.self)
    if name.contains("claude") {
      let claude = ClaudeModel(Array((name.split(separator: "/").last ?? "").utf8))
      maker = .anthropic(claude)
      takesSchema = claude.takesSchema && !Self.schemaRefusers.contains(where: name.contains)
      return
    }
    takesSchema = Self.schemaTakers.contains(where: name.contains)
    if name.contains("amazon.nova") {
      maker = .nova(thinks: name.contains("amazon.nova-2"))
    } else if name.contains("mistral.") {
      maker = .mistral
    } else if name.contains("openai.") {
      maker = .openAI
    } else if name.contains("qwen.") {
      maker = .qwen
    } else if name.contains("zai.") || name.contains("moonshot") {
      maker = .open
    } else {
      maker = Self.others.contains(where: name.contains) ? .other : .unknown
    }
  }

  /// Where the name of Claude's own model begins in one of a profile (`us.anthropic.…`, `arn:…/us.anthropic.…`), whose
  /// tokens Bedrock doesn't count; 0 in every other name.
  static func baseStart(_ name: [UInt8]) -> Int {
    let maker = ("anthropic." as StaticString).bytes
    guard name.count > maker.count else { return 0 }
    for start in 0..<name.count - maker.count {
      guard name.span.extracting(start..<start + maker.count).equals("anthropic.") else { continue }
      return start
    }
    return 0
  }

  var claude: ClaudeModel? {
    if case .anthropic(let model) = maker { model } else { nil }
  }

  var takesStrictTools: Bool { takesSchema && claude?.takesStrictTools ?? true }

  /// Whether a call's id must be nine letters and digits (Mistral's own rule).
  var wantsShortIDs: Bool { if case .mistral = maker { true } else { false } }

  var forcing: Forcing {
    switch maker {
    // Claude 2 knows no tools at all.
    case .anthropic(let claude): claude.version >= 30 ? .named : .notAtAll
    case .nova, .unknown: .named
    case .mistral: .any
    case .openAI, .qwen, .open, .other: .notAtAll
    }
  }

  /// Whether a conversation must begin with the user's word.
  var wantsUserFirst: Bool {
    switch maker {
    case .anthropic, .qwen, .open, .unknown: false
    case .nova, .mistral, .openAI, .other: true
    }
  }

  /// Whether the model can be given its reasoning back.
  var takesThoughts: Bool {
    switch maker {
    case .anthropic(let claude): claude.thinks
    case .unknown: true
    case .nova, .mistral, .openAI, .qwen, .open, .other: false
    }
  }

  /// Whether `top_k` may be said; a name that isn't known to the model is refused.
  var takesTopK: Bool {
    switch maker {
    case .anthropic(let claude): !claude.refusesSampling
    case .nova, .unknown: true
    case .mistral, .openAI, .qwen, .open, .other: false
    }
  }
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

  /// Qwen's word, of two.
  var qwenName: StaticString? {
    switch self {
    case .none: nil
    case .minimal, .low: "low"
    case .medium, .high, .xhigh, .max: "high"
    }
  }
}
