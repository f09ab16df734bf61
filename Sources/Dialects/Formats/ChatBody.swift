// A chat's body in the making, for requests that came in another format.

package import Config
internal import Wire

/// What the chat's provider takes beside what every chat can say.
package struct ChatTarget: Sendable {
  /// It is spoken to in a dialect: parts, cache marks and signed reasoning are read by Remora itself.
  package var isTranslated = false
  /// A tool's result may hold pictures and documents.
  package var takesResultMedia = false
  /// Members that only some know, by name, and which its dialect takes.
  package var extensions: [StaticString] = []
  /// It takes `reasoning_content` back in the conversation.
  package var takesReasoning = false
  /// It reads the newer name of an answer's limit alone.
  package var wantsCompletionTokens = false
  /// The model thinks before it answers, so that it can be told how hard; nil: unknown.
  package var reasons: Bool?
  /// Tokens that an answer may have; 0: unknown.
  package var outputCeiling = 0

  package init() {}

  /// - Parameters:
  ///   - dialect: the provider's; nil for OpenAI's format.
  ///   - model: the name that the provider knows, in UTF-8; without a dialect it isn't looked at.
  ///   - outputCeiling: tokens that an answer of the model may have; 0: unknown.
  ///   - reasons: whether it thinks before it answers; nil: unknown.
  package init(
    _ kind: ProviderKind, _ dialect: (any Dialect)?, model: [UInt8], outputCeiling: Int, reasons: Bool?
  ) throws(RequestFault) {
    if let dialect {
      let spoken = try dialect.spoken(to: model)
      isTranslated = true
      takesResultMedia = spoken.takesResultMedia
      extensions = spoken.takesExtensions
      self.reasons = spoken.takes.contains(ChatFields(.reasoningEffort))
      return
    }
    self.outputCeiling = outputCeiling
    self.reasons = reasons
    switch kind {
    case .openai, .azure: wantsCompletionTokens = true
    case .deepseek, .mistral, .vllm, .openaiCompatible, .openrouter, .together, .fireworks:
      takesReasoning = true
    default: break
    }
  }

  func takes(_ name: StaticString) -> Bool {
    for known in extensions where known.bytes.equals(name) { return true }
    return false
  }
}

struct ChatBody: ~Copyable {
  let target: ChatTarget
  var out = ByteQueue()
  var dropped = DroppedFields()
  private var hasMembers = false

  init(_ target: ChatTarget) {
    self.target = target
    out.append("{")
  }

  /// Begins a member: its value is appended to `out`.
  mutating func member(_ name: StaticString) {
    if hasMembers { out.append(ASCII.comma) }
    hasMembers = true
    out.append("\"")
    out.append(name)
    out.append("\":")
  }

  mutating func member(_ name: StaticString, _ value: Span<UInt8>) {
    member(name)
    out.append(value)
  }

  mutating func finish(into text: inout ByteQueue) {
    out.append("}")
    swap(&text, &out)
  }
}
