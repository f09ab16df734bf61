// What a dialect is: how a provider that doesn't speak OpenAI's format is spoken to.
//
// A dialect is one folder and one line in Dialects.swift: `Request` writes what goes out, `Reply` reads a whole answer,
// `Stream` reads one event by event, `Fault` reads an error. Both readers tell what they find to an `AnswerWriter`,
// which alone knows how OpenAI's answers and chunks are written.
// Translation.swift drives all of it; nothing outside this target asks which one it has.

package import Wire

/// What a client wants of a provider.
package enum Operation: Sendable {
  case chat
  case embeddings
  /// The tokens of a chat, ahead of its answer.
  case tokenCount
  /// The list of the provider's models.
  case models
}

/// A request in a provider's own form.
package struct ProviderRequest: ~Copyable {
  /// The model's name as the provider knows it.
  package private(set) var model: [UInt8] = []
  package var method: StaticString = "POST"
  /// Path and query, behind the base URL's prefix.
  package var path = ByteQueue()
  /// Header lines of the dialect's own, each with its CR LF; credentials are not among them.
  package var headers = ByteQueue()
  package var body: ByteQueue
  /// What the provider can't be told.
  package var dropped = DroppedFields()

  /// - Parameter pool: what the body is kept in until it has gone.
  package init(model: [UInt8] = [], pool: BlockPool? = nil) {
    self.model = model
    body = ByteQueue(pool: pool)
  }

  /// What is known of the last Claude that was asked for, which mostly is the next one too.
  private var claudeName: [UInt8] = []
  private var claude = ClaudeModel([])

  /// The model as a Claude.
  mutating func readClaude() -> ClaudeModel {
    if !claudeName.span.equals(model.span) {
      claude = ClaudeModel(model)
      claudeName = model
    }
    return claude
  }

  /// Begins a request to `model`.
  mutating func begin(_ model: [UInt8]) { self.model = model }

  /// Forgets the request; keeps what memory is worth keeping.
  mutating func removeAll() {
    method = "POST"
    path.clear()
    headers.clear()
    body.removeAll()
    dropped.removeAll()
  }

  /// Appends the model's name to the path, each byte that RFC 3986 section 2.3 doesn't leave as it is escaped.
  ///
  /// - Parameter keepsSlashes: whether `/` stays as it is.
  package mutating func appendModel(keepsSlashes: Bool = false) {
    let model = model
    PathSegment.append(model.span, keepsSlashes: keepsSlashes, into: &path)
  }
}

/// How a provider delimits the events of a stream.
package enum StreamFraming: Sendable {
  /// Server-sent events.
  case events
  /// AWS's binary frames (`application/vnd.amazon.eventstream`).
  case frames
  /// One JSON value a line.
  case lines
}

/// An event of a provider's stream.
package struct StreamEvent: Sendable {
  package enum Kind: Sendable {
    case message
    /// A frame that says that something went wrong (AWS's `exception` and `error` messages).
    case exception
  }

  package var kind = Kind.message
  /// The event's name, where the framing has one: in `names` of the call that brings the event.
  package var name = 0..<0

  package init() {}
}

/// What a provider's error says, whatever its shape.
package struct ProviderFault: Sendable {
  /// The status that the client gets; that of the provider unless the dialect knows better.
  package var status: Int
  /// The provider's sentence, in UTF-8; nil where it has none.
  package var message: [UInt8]?
  /// OpenAI's type; nil: what the status says.
  package var type: StaticString?
  /// The provider's own name of the error.
  package var code: [UInt8]?
  /// Seconds, where the body says them.
  package var retryAfter: Int?
  /// Whether the provider has refused Remora's credentials.
  package var isAuthentication = false

  package init(status: Int) { self.status = status }
}

/// Why an answer can't be given: 502 for the client, or an error event where its stream has begun.
package struct AnswerFault: Error, Sendable {
  /// What went wrong, in UTF-8: the provider's words, or ours where it has none.
  package var message: [UInt8]
  package var type: StaticString
  /// The provider's own name of the error; empty where it has none.
  package var code: [UInt8]
  /// The status, where no answer has begun.
  package var status: Int
  /// Whether the provider's bytes were at fault, and not something that it said.
  package private(set) var breaksProtocol = false

  /// The provider's bytes are not what its format promises.
  package init(protocol message: [UInt8]) {
    self.init(message, type: "upstream_error", code: ("upstream_protocol" as StaticString).bytes.array())
    breaksProtocol = true
  }

  /// - Parameters:
  ///   - status: what the client gets where no answer has begun.
  package init(_ message: [UInt8], type: StaticString = "api_error", code: [UInt8] = [], status: Int = 502) {
    self.message = message
    self.type = type
    self.code = code
    self.status = status
  }

  /// The provider's text is not what its format promises.
  package static let malformed = AnswerFault(
    protocol: ("The provider's answer is not valid JSON of its own format." as StaticString).bytes.array())
  /// The provider's stream has ended before its answer.
  package static let truncated = AnswerFault(
    protocol: ("The provider's stream ended before the answer did." as StaticString).bytes.array())
  /// There is no answer.
  static let empty = AnswerFault(
    protocol: ("The provider answered with an empty body." as StaticString).bytes.array())
  /// A stream where there is none to be had.
  static let unexpectedStream = AnswerFault(
    protocol: ("The provider answered with a stream, and a whole answer was asked for." as StaticString).bytes
      .array())
  /// An answer to a request for embeddings lacks some.
  static let tooFewVectors = AnswerFault(
    protocol: ("The provider's answer has fewer vectors than there are texts." as StaticString).bytes.array())
  /// One event of the stream is beyond what is kept.
  static let tooLarge = AnswerFault(
    protocol: ("An event of the provider's stream is too large." as StaticString).bytes.array())
}

/// Reads one answer of a provider. Made for one exchange, and used for it alone.
package protocol AnswerReader: AnyObject {
  /// Reads a whole answer: one JSON value that has been scanned.
  ///
  /// - Parameter strings: where its long strings lie.
  func read(_ body: Span<UInt8>, strings: JSONPlaces, to answer: inout AnswerWriter) throws(AnswerFault)

  /// Reads a whole answer that nobody has scanned, in one walk that looks at all of it.
  ///
  /// - Returns: whether the walk has proven that it is one JSON value; otherwise what was told holds only if it is. nil
  ///   where nothing was read, for the reader needs it scanned.
  func readUnscanned(_ body: Span<UInt8>, to answer: inout AnswerWriter) throws(AnswerFault) -> Bool?

  /// Reads one event of a stream: `data` is one JSON value that has been scanned, `name` the event's name.
  func read(
    _ event: StreamEvent, name: Span<UInt8>, data: Span<UInt8>, to answer: inout AnswerWriter
  ) throws(AnswerFault)

  /// The provider's own last word has come: what follows is not read.
  var hasEnded: Bool { get }

  /// Whether a stream that ends here is whole. Providers without a last word end by closing.
  var mayEnd: Bool { get }

  /// Forgets its answer, to read the next one of the same dialect; false where each takes a reader of its own.
  func forget() -> Bool
}

extension AnswerReader {
  package func forget() -> Bool { false }

  package func readUnscanned(_ body: Span<UInt8>, to answer: inout AnswerWriter) throws(AnswerFault) -> Bool?
  {
    nil
  }
}

/// How one kind of provider is spoken to. It holds the provider's own settings, and never changes; an object, for requests
/// hand it on a dozen times.
package protocol Dialect: AnyObject, Sendable {
  /// How this model is spoken to, where a provider hosts models of several dialects; mostly the dialect itself.
  ///
  /// - Parameter model: the name that the provider knows, in UTF-8.
  func spoken(to model: [UInt8]) throws(RequestFault) -> any Dialect

  /// The members of a chat request that it can express; the rest is dropped, or refused where its loss would
  /// change the meaning.
  var takes: ChatFields { get }
  /// The members that OpenAI doesn't define and this dialect takes nevertheless.
  var takesExtensions: [StaticString] { get }
  /// Whether it has a word for the marks of what a cache is to keep (`cache_control`).
  var keepsCacheControl: Bool { get }
  /// Whether a tool's result may hold pictures and documents; elsewhere they stand in the user's turn behind it.
  var takesResultMedia: Bool { get }
  var framing: StreamFraming { get }

  /// Writes a chat request: path, headers, body, and what had to be left out beside `takes`.
  func writeChat(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault)

  /// How a request of the Messages API passes as it is; nil where the provider hasn't that API for the model.
  ///
  /// - Parameter model: the name that the provider knows, in UTF-8.
  func messages(_ ask: MessagesAsk, to model: [UInt8]) throws(RequestFault) -> MessagesWay?

  /// A reader for the answer to `chat`.
  func makeReader(for chat: ChatRequest, of body: Span<UInt8>) -> any AnswerReader

  /// Whether the provider counts the tokens of a chat with this model, ahead of its answer.
  ///
  /// - Parameter model: the name that the provider knows, in UTF-8.
  func counts(_ model: [UInt8]) -> Bool

  /// Writes the question how many tokens a chat request has.
  func writeCount(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault)

  /// Reads the answer to it; nil where it says no number.
  func readCount(_ reply: Span<UInt8>) -> Int?

  /// Writes a request for embeddings.
  func writeEmbeddings(
    _ embedding: EmbeddingRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault)

  /// Reads the answer to it.
  func readEmbeddings(_ reply: Span<UInt8>, to answer: inout EmbeddingWriter) throws(AnswerFault)

  /// Writes a request for the list of models; false where the provider has none.
  func writeModels(to request: inout ProviderRequest) -> Bool

  /// Appends each model of the answer, in OpenAI's form and with commas between.
  func readModels(_ reply: Span<UInt8>, to list: inout ModelList)

  /// The field of an answer that names its error, where the provider has one.
  var faultField: StaticString? { get }
  /// How the names of the fields begin that tell of limits, in lower case, where OpenAI's clients know them by others.
  var limitPrefix: StaticString? { get }

  /// Appends a field that begins so under OpenAI's name, with its CR LF; nothing where it has none.
  ///
  /// - Parameter now: Unix time in seconds.
  func writeLimit(_ name: Span<UInt8>, _ value: Span<UInt8>, now: Int, into out: inout ByteQueue)

  /// Reads an error's body.
  ///
  /// - Parameter kind: the value of `faultField`, or empty.
  func readFault(_ body: Span<UInt8>, status: Int, kind: Span<UInt8>) -> ProviderFault
}

extension Dialect {
  package func spoken(to model: [UInt8]) throws(RequestFault) -> any Dialect { self }
  package var takesExtensions: [StaticString] { [] }
  package var keepsCacheControl: Bool { false }
  package var takesResultMedia: Bool { true }
  package var framing: StreamFraming { .events }
  package func messages(_ ask: MessagesAsk, to model: [UInt8]) throws(RequestFault) -> MessagesWay? { nil }

  package func counts(_ model: [UInt8]) -> Bool { false }
  package func readCount(_ reply: Span<UInt8>) -> Int? { nil }

  package func writeCount(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    throw RequestFault(.unsupported, "model", "The model's provider counts no tokens ahead of an answer.")
  }

  package func writeEmbeddings(
    _ embedding: EmbeddingRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    throw RequestFault(.unsupported, "model", "The model's provider has no embeddings.")
  }

  package func readEmbeddings(_ reply: Span<UInt8>, to answer: inout EmbeddingWriter) throws(AnswerFault) {
    throw .malformed
  }

  package func writeModels(to request: inout ProviderRequest) -> Bool { false }
  package func readModels(_ reply: Span<UInt8>, to list: inout ModelList) {}

  package var faultField: StaticString? { nil }
  package var limitPrefix: StaticString? { nil }
  package func writeLimit(
    _ name: Span<UInt8>, _ value: Span<UInt8>, now: Int, into out: inout ByteQueue
  ) {}

  package func readFault(_ body: Span<UInt8>, status: Int, kind: Span<UInt8>) -> ProviderFault {
    Fault.read(body, status: status)
  }
}
