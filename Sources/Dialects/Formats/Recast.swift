// A request in a format that the provider doesn't have, on its way as a chat: the request is put into a chat's body, which
// goes on as every chat does, translated or passed; the chat's answer comes back in the client's format.
//
// So each format needs one file that reads its requests and one that writes its answers, whatever the provider speaks.

package import Wire

/// One exchange in another format. Its memory is kept and used again; `begin` forgets the exchange before.
package final class Recast {
  /// The format that the client speaks.
  package enum Format: Sendable {
    case messages, responses, completions
    /// The count of a message's tokens, of a response's.
    case tokenCount, inputTokens
    /// A message that Claude at Bedrock gets as it is, but in the form of InvokeModel.
    case invocation
  }

  private let pool: BlockPool?
  /// The request as a chat; what goes out, once it has been `settle`d.
  package private(set) var body: ByteQueue
  /// Where its long strings lie, for a dialect.
  private var strings = JSONPlaces()
  /// What was found in it.
  package private(set) var scanner = JSONScanner(watching: RequestFacts.watched)
  package private(set) var facts = RequestFacts()
  /// What the chat can't say.
  package internal(set) var dropped = DroppedFields()
  /// How the chat goes.
  package let inner: Conversation
  private(set) var format = Format.messages
  private(set) var target = ChatTarget()
  private(set) var model: [UInt8] = []
  let forms: AnswerForms
  /// The client's answer.
  let answer: BlockAnswer
  /// Reads a chat's answer; a dialect tells what it reads itself.
  let reader: ChatAnswerReader
  /// An answer that is no chat's, or an error, which is read whole.
  var made: ByteQueue
  var holdsAll = false
  /// `"x_remora":{…}` where the answer isn't told to a form, or empty.
  var member: [UInt8] = []
  /// Takes the events of an invocation out of their frames; nil where there are none.
  var invoked: InvokedEvents?
  /// An invocation's answer is a stream.
  var isStream = false
  /// Nothing is left of an exchange.
  private var isOver = true

  /// Makes room for exchanges.
  ///
  /// - Parameters:
  ///   - passage: what a chat passes through where it isn't translated.
  ///   - pool: what requests and answers are kept in while they are under way.
  package init(_ passage: Passage, pool: BlockPool?) {
    self.pool = pool
    body = ByteQueue(pool: pool)
    made = ByteQueue(pool: pool)
    inner = Conversation(passage)
    forms = AnswerForms(pool: pool)
    answer = BlockAnswer(forms.messages)
    reader = ChatAnswerReader(answer)
  }

  /// Reads one request, for an exchange of its own.
  package convenience init(
    _ format: Format, _ body: Span<UInt8>, strings: JSONPlaces = JSONPlaces(), for target: ChatTarget,
    model: [UInt8], sent: [UInt8]? = nil, passage: Passage, _ turn: ResponsesTurn? = nil
  ) throws(RequestFault) {
    self.init(passage, pool: nil)
    try begin(format, body, strings: strings, for: target, model: model, sent: sent, turn)
  }

  /// Begins an exchange: reads a request.
  ///
  /// - Parameters:
  ///   - body: the client's, one JSON object that has been scanned.
  ///   - strings: where its long strings lie, as far as that is known.
  ///   - sent: the name of the model that the provider knows; nil: the same.
  package func begin(
    _ format: Format, _ body: Span<UInt8>, strings: JSONPlaces, for target: ChatTarget,
    model: [UInt8], sent: [UInt8]? = nil, _ turn: ResponsesTurn?
  ) throws(RequestFault) {
    if !isOver { end() }
    isOver = false
    self.format = format
    self.target = target
    self.model = model
    var chat = ChatBody(target, model: sent ?? model, count: body.count, strings.span, pool: pool)
    chat.reuse(&self.strings)
    answer.form = try forms.write(format, body, strings.span, turn, into: &chat)
    dropped = chat.dropped
    do throws(JSONFault) {
      scanner.reset(watching: RequestFacts.watched)
      try chat.finish(into: &self.body, &scanner, &self.strings)
    } catch { throw RequestFault(.invalid, "body", "The request can't be put into a chat.") }
    do throws(RequestFacts.Fault) { try facts.read(unsafe self.body.view, scanner) } catch {
      switch error {
      case .notAnObject: throw RequestFault(.invalid, "body", "The request body must be a JSON object.")
      case .wrongType(let parameter, let expected):
        throw RequestFault(.invalid, "\(parameter)", "'\(parameter)' must be \(expected).")
      }
    }
  }

  /// Begins an exchange: reads a message that goes as it is, in the form of InvokeModel.
  ///
  /// - Parameters:
  ///   - body: the client's, one JSON object that `scanner` has read.
  ///   - asked: how its answer is read.
  package func begin(
    invoking body: Span<UInt8>, _ scanner: borrowing JSONScanner, _ facts: RequestFacts,
    _ way: inout MessagesWay, _ asked: AskedAnswer
  ) throws(RequestFault) {
    if !isOver { end() }
    isOver = false
    format = .invocation
    target = ChatTarget()
    answer.form = forms.messages
    inner.pass()
    let passage = inner.passage
    self.facts = facts
    passage.begin(asked, repairs: false)
    try passage.edit(body, scanner, facts, model: nil, addsUsage: false, nil)
    let beta = way.invokedBeta ?? []
    try passage.take(&way, body, scanner)
    var text = ByteQueue()
    _ = passage.fill(&text, upTo: passage.sentCount(of: body.count) + 1, from: body, at: 0)
    InvokedRequest.write(text.bytes, beta: beta, into: &self.body)
  }

  /// Forgets the exchange; keeps what memory is worth keeping.
  package func end() {
    if isOver { return }
    isOver = true
    body.removeAll()
    made.removeAll()
    facts = RequestFacts()
    if dropped.count > 0 { dropped = DroppedFields() }
    if !member.isEmpty { member = [] }
    model = []
    holdsAll = false
    invoked = nil
    isStream = false
    answer.forget()
  }

  /// Whether the request's tokens are asked for, and no answer.
  package var counts: Bool { format == .tokenCount || format == .inputTokens }

  /// How the chat's answer is read.
  package var askedAnswer: AskedAnswer {
    var asked = AskedAnswer()
    asked.shape = counts ? .tokenCount : .chat
    asked.isFullService = true
    asked.streams = facts.streams
    return asked
  }

  /// Has the chat go through a dialect.
  ///
  /// - Parameters:
  ///   - translation: does it; what it did before is forgotten.
  ///   - asked: the client's body, for what must be said of it.
  ///   - model: the name that the provider knows, in UTF-8.
  ///   - chat: what the chat is read into; it isn't needed any more when this returns.
  package func translate(
    _ translation: Translation, _ dialect: any Dialect, _ asked: Span<UInt8>, model: [UInt8],
    _ chat: ChatRequest
  ) throws(RequestFault) {
    do throws(RequestFault) {
      try translation.begin(
        dialect, counts ? .tokenCount : .chat, model: model, body: unsafe body.view, strings: strings, chat)
    } catch { throw inClientWords(error, asked) }
    if !counts { translation.blocks = answer }
    settle(.translated(translation), asked)
  }

  /// Has the chat pass to a provider in OpenAI's format.
  ///
  /// - Parameters:
  ///   - asked: the client's body, for what must be said of it.
  ///   - addsUsage: whether a stream may be made to tell its usage.
  ///   - repairs: whether the answer may hold what no OpenAI SDK can read.
  ///   - quirks: how the provider differs from OpenAI; nil where that concerns no request.
  package func pass(
    _ asked: Span<UInt8>, addsUsage: Bool, repairs: Bool, _ quirks: Quirks?
  ) throws(RequestFault) {
    let passage = inner.passage
    passage.begin(askedAnswer, repairs: repairs)
    do throws(RequestFault) {
      try passage.edit(
        unsafe body.view, scanner, facts, model: nil, addsUsage: addsUsage && facts.streams, quirks)
    } catch { throw inClientWords(error, asked) }
    settle(.passed, asked)
    if passage.splice.isEmpty { return }
    var out = ByteQueue(pool: pool)
    _ = passage.fill(&out, upTo: passage.sentCount(of: body.count) + 1, from: unsafe body.view, at: 0)
    swap(&body, &out)
  }

  /// Says how the chat goes, once that is worked out; what it can't say either is named too.
  ///
  /// - Parameter asked: the client's body, for what must be said of it.
  package func settle(_ way: Conversation.Way, _ asked: Span<UInt8>) {
    inner.go(way)
    nameLost(asked)
  }

  /// What the provider is asked to answer with.
  var acceptedTypes: StaticString {
    guard facts.streams else { return "application/json" }
    return format == .invocation ? "application/vnd.amazon.eventstream" : "text/event-stream"
  }

  /// The body has reached the provider and won't be sent again.
  package func forgetBody() {
    body.removeAll()
    inner.forgetBody()
  }
}
