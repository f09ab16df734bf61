// One request on its way through a dialect and back: the single thing that the walk holds of it.
//
// Bytes in, bytes out, no I/O: the body goes in once and becomes a `ProviderRequest`; the answer goes in as it
// arrives, cut anywhere, and comes out in OpenAI's form (TranslatedAnswer.swift).

package import Wire

/// One translated exchange. Its memory is kept and used again; `begin` forgets the exchange before.
package final class Translation {
  package private(set) var dialect: any Dialect
  package private(set) var operation = Operation.chat
  /// What goes to the provider.
  package private(set) var request: ProviderRequest
  /// The client wants a stream.
  package private(set) var streams = false
  /// Who is told what the answer says, where the client speaks another format than a chat's.
  var blocks: BlockAnswer?
  var includesUsage = false
  var reader: (any AnswerReader)?
  var answer: AnswerWriter
  var embeddings: EmbeddingRequest?
  var events = EventDecoder(ceiling: eventCeiling)
  var frames = EventStreamDecoder(ceiling: eventCeiling)
  var joined = ByteQueue()
  /// What came of an event that isn't complete, or of an answer that is read whole.
  var held: ByteQueue
  var readsWhole = false
  /// Nothing is left of an exchange.
  private var isOver = true
  /// Bytes of an incomplete line that are known to hold no line feed.
  var searched = 0
  var scanner = JSONScanner(notesStrings: true)
  /// An event that told no more than a piece, for most are like the one before.
  var template = JSONTemplate()
  /// Its name.
  var templateName = ByteQueue()
  /// What ended the stream before its time; told to the client already.
  package internal(set) var failure: AnswerFault?
  /// The tokens that the provider has told so far.
  package var usage: TokenUsage { embeddingUsage ?? answer.usage }
  var embeddingUsage: TokenUsage?
  /// What the provider said and the dialect doesn't know.
  package var unknown: UnknownCounts { answer.unknown }

  /// Bytes of one event: a picture or two in base64.
  static let eventCeiling = 16 << 20

  /// Makes room for exchanges.
  ///
  /// - Parameter pool: what the answer's bytes that wait are kept in.
  package init(_ dialect: any Dialect, pool: BlockPool?) {
    self.dialect = dialect
    held = ByteQueue(pool: pool)
    answer = AnswerWriter(pool: pool)
    request = ProviderRequest(pool: pool)
  }

  /// Translates one request.
  ///
  /// - Parameters:
  ///   - model: the name that the provider knows, in UTF-8.
  ///   - body: the client's body, one JSON object that has been scanned; empty for `models`.
  ///   - strings: where its long strings lie, as far as that is known.
  ///   - pool: what the answer's bytes that wait are kept in.
  package convenience init(
    _ dialect: any Dialect, _ operation: Operation, model: [UInt8], body: Span<UInt8>,
    strings: JSONPlaces = JSONPlaces(), pool: BlockPool? = nil
  ) throws(RequestFault) {
    self.init(dialect, pool: pool)
    try begin(dialect, operation, model: model, body: body, strings: strings, ChatRequest())
  }

  /// Begins an exchange, and forgets the one before.
  ///
  /// - Parameters:
  ///   - model: the name that the provider knows, in UTF-8.
  ///   - body: the client's body, one JSON object that has been scanned; empty for `models`.
  ///   - strings: where its long strings lie, as far as that is known.
  ///   - chat: what a chat is read into; it isn't needed any more when this returns.
  package func begin(
    _ dialect: any Dialect, _ operation: Operation, model: [UInt8], body: Span<UInt8>, strings: JSONPlaces,
    _ chat: ChatRequest
  ) throws(RequestFault) {
    if !isOver { end() }
    isOver = false
    let dialect = try operation == .models ? dialect : dialect.spoken(to: model)
    if operation != .chat || dialect !== self.dialect { reader = nil }
    self.dialect = dialect
    self.operation = operation
    request.begin(model)
    switch operation {
    case .chat, .tokenCount:
      defer { chat.removeAll() }
      try chat.read(body, strings: strings)
      try Self.check(chat, body, dialect, &request)
      chat.given.formIntersection(dialect.takes.union(.always))
      // Mostly it is a little longer, seldom much: so it grows once at most.
      request.body.reserve(body.count + body.count / 8 + 512)
      if operation == .tokenCount { return try dialect.writeCount(chat, of: body, to: &request) }
      try dialect.writeChat(chat, of: body, to: &request)
      if reader == nil { reader = dialect.makeReader(for: chat, of: body) }
      streams = chat.streams
      includesUsage = chat.asksForUsage
    case .embeddings:
      let wanted = try EmbeddingRequest(body)
      try dialect.writeEmbeddings(wanted, of: body, to: &request)
      embeddings = wanted
    case .models:
      guard dialect.writeModels(to: &request) else {
        throw RequestFault(.unsupported, "model", "The provider has no list of models.")
      }
    }
  }

  /// Forgets the exchange; keeps what memory is worth keeping.
  package func end() {
    if isOver { return }
    isOver = true
    request.removeAll()
    streams = false
    blocks = nil
    includesUsage = false
    if let reader, !reader.forget() { self.reader = nil }
    embeddings = nil
    events = EventDecoder(ceiling: Self.eventCeiling)
    frames = EventStreamDecoder(ceiling: Self.eventCeiling)
    joined.removeAll()
    held.removeAll()
    readsWhole = false
    searched = 0
    template.forget()
    failure = nil
    embeddingUsage = nil
    answer.removeAll()
  }

  /// What the dialect has no word for: dropped with a note, or refused.
  private static func check(
    _ chat: ChatRequest, _ body: Span<UInt8>, _ dialect: any Dialect, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    let missing = chat.given.subtracting(dialect.takes).subtracting(.always)
    if !missing.isEmpty { try check(missing, chat, body, &request) }
    chat.noteUnsaid(keepsCacheControl: dialect.keepsCacheControl, &request.dropped)
    for member in chat.extensions {
      var isTaken = false
      for name in dialect.takesExtensions where JSONString.equals(body, member.key, name) { isTaken = true }
      if !isTaken { request.dropped.add(body.extracting(member.key)) }
    }
  }

  private static func check(
    _ missing: ChatFields, _ chat: ChatRequest, _ body: Span<UInt8>, _ request: inout ProviderRequest
  ) throws(RequestFault) {
    for field in ChatField.allCases where missing.contains(field) {
      switch field {
      case .n where chat.n == 1: continue
      case .responseFormat where chat.format == .text: continue
      case .toolChoice where chat.tools.isEmpty || chat.toolChoice == .auto: continue
      case .tools where chat.tools.isEmpty: continue
      case .parallelToolCalls where chat.tools.isEmpty || chat.parallelCalls == true: continue
      case .logprobs where !chat.logprobs: continue
      case .topLogprobs where !chat.logprobs: continue
      case .modalities:
        if onlyText(body, chat.value(.modalities)) { continue }
      default: break
      }
      if ChatFields.meaningful.contains(field) {
        throw RequestFault(
          .unsupported, "\(field.name)",
          "'\(field.name)' can't be expressed for the model's provider; leave it out, or use another model.")
      }
      request.dropped.add(field.name)
    }
  }

  private static func onlyText(_ body: Span<UInt8>, _ range: Range<Int>?) -> Bool {
    guard let range else { return true }
    var elements = JSONArrayCursor(body, range)
    while let element = elements.next() {
      if !JSONString.equals(body, element.value, "text") { return false }
    }
    return true
  }

  /// What the provider is asked to answer with.
  package var acceptedTypes: StaticString {
    guard streams else { return "application/json" }
    switch dialect.framing {
    case .events: return "text/event-stream"
    case .frames: return "application/vnd.amazon.eventstream"
    case .lines: return "application/x-ndjson"
    }
  }

  /// The body has reached the provider and won't be sent again: a long stream doesn't keep it in memory.
  package func forgetBody() { request.body.removeAll() }
}
