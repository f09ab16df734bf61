// A chat's body in the making, for requests that came in another format.

package import Config
internal import Wire

/// What the chat's provider takes beside what every chat can say.
package struct ChatTarget: Sendable {
  /// It is spoken to in a dialect: parts, cache marks and signed reasoning are read by Remora itself.
  package var isTranslated = false
  /// A tool's result may hold pictures and documents.
  package var takesResultMedia = false
  /// It has a word for the marks of what a cache is to keep.
  package var keepsCacheControl = false
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
      keepsCacheControl = spoken.keepsCacheControl
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
  var out: ByteQueue
  /// Where the long strings of the conversation lie in `out`, as far as they are noted: for a dialect, which reads it.
  private(set) var strings = JSONPlaces()
  /// Where the conversation lies in `out`.
  private(set) var conversation = 0..<0
  var dropped = DroppedFields()
  /// Where its parts come from, if that is asked.
  var places: ChatPlaces?
  private var hasMembers = false
  /// How many long strings the request has.
  private let expected: Int

  /// - Parameters:
  ///   - model: the name that the provider knows, in UTF-8; a dialect says it elsewhere.
  ///   - count: the bytes of the request.
  ///   - others: its long strings.
  ///   - pool: what it is written into.
  init(_ target: ChatTarget, model: [UInt8], count: Int, _ others: Span<UInt64>, pool: BlockPool?) {
    self.target = target
    out = ByteQueue(pool: pool)
    expected = others.count
    // Mostly it is about as long, so it grows once at most.
    out.reserve(count + count / 8 + 512)
    out.append("{")
    if !target.isTranslated {
      member("model")
      JSONWriter.string(model.span, into: &out)
    }
  }

  /// Takes over the memory of `places` for its own.
  mutating func reuse(_ places: inout JSONPlaces) {
    swap(&strings, &places)
    strings.removeAll()
    if target.isTranslated { strings.reserve(expected) }
  }

  /// Begins a member: its value is appended to `out`.
  mutating func member(_ name: StaticString) {
    if hasMembers { out.append(ASCII.comma) }
    hasMembers = true
    out.append(literal: "\"")
    out.append(name)
    out.append(literal: "\":")
  }

  mutating func member(_ name: StaticString, _ value: Span<UInt8>) {
    member(name)
    out.append(value)
  }

  /// Begins the list of turns.
  mutating func beginConversation() {
    member("messages")
    conversation = out.count..<out.count
    out.append("[")
  }

  mutating func endConversation() {
    out.append("]")
    conversation = conversation.lowerBound..<out.count
  }

  /// Appends `,"content":` and a value, which is a string or a list.
  mutating func content(_ value: Span<UInt8>) {
    out.append(",\"content\":")
    let start = out.count
    out.append(value)
    if value.count > 0, value[0] == ASCII.quote { note(from: start) }
  }

  /// Notes the string that begins at `start` and ends here.
  @inline(__always) mutating func note(from start: Int) {
    if target.isTranslated { strings.add(start, out.count) }
  }

  /// Ends the body. All but the conversation is read by `scanner`; that was made of what had been read before.
  mutating func finish(
    into text: inout ByteQueue, _ scanner: inout JSONScanner, _ strings: inout JSONPlaces
  ) throws(JSONFault) {
    out.append("}")
    swap(&text, &out)
    swap(&strings, &self.strings)
    if conversation.isEmpty {
      try scanner.feed(text.bytes)
    } else {
      try scanner.feed(text.bytes.extracting(0..<conversation.lowerBound))
      try scanner.pass(.array, count: conversation.count)
      try scanner.feed(text.bytes.extracting(conversation.upperBound...))
    }
    try scanner.finish()
  }
}
