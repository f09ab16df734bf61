// One try's exchange with a provider, whatever the provider speaks: bytes in, bytes out, no I/O.
//
// The walk asks it what to send, says what the head of the answer was, feeds it the body in pieces cut anywhere, and
// passes on what comes out. Nothing outside knows which of the kinds it has before it.

package import Wire

/// One exchange.
package enum Conversation {
  /// In OpenAI's format.
  case passed(Passage)
  /// In a dialect of the provider's.
  case translated(Translation)
  /// Inside Remora: what passes is made here.
  case mock(MockAnswer)

  // MARK: The request

  /// Whether nobody has to be asked.
  package var isLocal: Bool { if case .mock = self { true } else { false } }

  /// What the provider can't be told.
  package var dropped: DroppedFields {
    switch self {
    case .passed(let passage): passage.dropped
    case .translated(let translation): translation.request.dropped
    case .mock(let mock): mock.passage.dropped
    }
  }

  /// The request in the provider's own form; nil where it is the client's.
  package var ownRequest: OwnRequest? {
    guard case .translated(let translation) = self else { return nil }
    return OwnRequest(translation)
  }

  /// The length of the body as it goes out.
  ///
  /// - Parameter count: that of the client's, which is here whole.
  package func sentCount(of count: Int) -> Int {
    switch self {
    case .passed(let passage): passage.sentCount(of: count)
    case .translated(let translation): translation.request.body.count
    case .mock: 0
    }
  }

  /// Appends what goes out of a body that is here whole, until `out` holds `ceiling` bytes or the body ends.
  ///
  /// - Parameters:
  ///   - body: the client's.
  ///   - start: up to where the body has gone.
  /// - Returns: up to where it has gone now.
  package func fill(
    _ out: inout ByteQueue, upTo ceiling: Int, from body: Span<UInt8>, at start: Int
  ) -> Int {
    switch self {
    case .passed(let passage): return passage.fill(&out, upTo: ceiling, from: body, at: start)
    case .mock: return body.count
    case .translated(let translation):
      let own = translation.request.body.view
      let end = min(start + max(ceiling - out.count, 0), own.count)
      if start < end { out.append(own.extracting(start..<end)) }
      return end
    }
  }

  /// Where the body ends that `fill` counts in.
  ///
  /// - Parameter count: the length of the client's.
  package func end(of count: Int) -> Int {
    if case .translated(let translation) = self { return translation.request.body.count }
    return count
  }

  /// Has a stretch of the body sent from where it lies, if it goes out as it is and more of the body follows it.
  ///
  /// - Parameters:
  ///   - body: the client's.
  ///   - start: up to where the body has gone.
  ///   - send: takes a stretch of a queue; returns how many bytes were taken, nil for none now.
  /// - Returns: nil where there is no such stretch.
  package func sendStretch<Fault: Error>(
    of count: Int, from start: Int, in body: borrowing ByteQueue,
    _ send: (borrowing ByteQueue, Range<Int>) throws(Fault) -> Int?
  ) throws(Fault) -> Stretch? {
    guard end(of: body.count) - start > count else { return nil }
    let sent: Int?
    switch self {
    case .passed(let passage):
      guard !passage.touches(start..<start + count) else { return nil }
      sent = try send(body, start..<start + count)
    case .translated(let translation): sent = try send(translation.request.body, start..<start + count)
    case .mock: return nil
    }
    return sent.map { .sent($0) } ?? .blocked
  }

  /// Whether a stream's usage was asked for although the client didn't, so that a refusal of the question is not for the
  /// client.
  package var addsUsage: Bool {
    if case .passed(let passage) = self { return passage.addsUsage }
    return false
  }

  /// The body has reached the provider and won't be sent again: a long stream doesn't keep it in memory.
  package func forgetBody() {
    if case .translated(let translation) = self { translation.forgetBody() }
  }

  // MARK: The answer

  /// Who describes the body of an answer.
  package var wording: Wording {
    if case .passed(let passage) = self, !passage.isReworded { .providers } else { .ours }
  }

  /// What the provider said that nobody here knows.
  package var unknown: UnknownCounts {
    if case .translated(let translation) = self { return translation.unknown }
    return UnknownCounts()
  }

  /// Whether no client of the API could use such an answer: somebody else stands at the address.
  ///
  /// - Returns: what is wrong with it, for a message.
  package func strangeness(of reply: ReplyFacts, isFullService: Bool) -> String? {
    let mustSpeak = if case .translated = self { true } else { false }
    guard isFullService || mustSpeak else { return nil }
    // A redirect would take the client, with its prompt, to another server behind Remora's back.
    if (300..<400).contains(reply.status) { return "it answered \(reply.status), a redirect" }
    if mustSpeak, !reply.hasBody { return "it answered \(reply.status) without a body" }
    if case .html = reply.media { return "it answered with a web page" }
    return nil
  }

  /// Whether an error with this head is put into OpenAI's shape. One in a coding that the client may have asked for
  /// passes as it is.
  package func takesError(_ reply: ReplyFacts, isFullService: Bool) -> Bool {
    if case .translated = self { return true }
    return !reply.isCoded || isFullService
  }

  /// The head of an answer has come.
  ///
  /// - Parameters:
  ///   - member: `"x_remora":{…}`, or empty.
  ///   - stamp: asked for where the answer is made here.
  package func begin(_ reply: ReplyFacts, member: Span<UInt8>, stamp: () -> AnswerStamp) -> Manner {
    switch self {
    case .passed(let passage): return passage.begin(reply, insertsMember: !member.isEmpty)
    case .mock(let mock): return mock.passage.begin(reply, insertsMember: !member.isEmpty)
    case .translated(let translation):
      let stamp = stamp()
      let isStream = translation.streams && reply.media != .json
      translation.begin(
        created: stamp.created, seed: stamp.seed, member: member.array(), readsWhole: !isStream)
      return isStream ? .events : .whole
    }
  }

  /// The answer can't take the member: it is no JSON object.
  package func withoutMember() {
    if case .passed(let passage) = self { passage.withoutMember() }
  }

  /// Takes the next piece of the answer's body, cut anywhere, and appends what the client gets for it.
  package func take(
    _ bytes: Span<UInt8>, member: Span<UInt8>, into out: inout ByteQueue
  ) throws(TakeFault) {
    switch self {
    case .passed(let passage): try passage.take(bytes, member: member, into: &out)
    case .translated(let translation): translation.take(bytes, into: &out)
    case .mock(let mock): try mock.passage.take(bytes, member: member, into: &out)
    }
  }

  /// The answer's bytes are over.
  ///
  /// - Parameter isWhole: whether the body's own end has come too, and not only the last word of what it says.
  package func end(isWhole: Bool, into out: inout ByteQueue) -> Ending {
    switch self {
    case .passed(let passage): return passage.end(isWhole: isWhole, into: &out)
    case .mock(let mock): return mock.passage.end(isWhole: isWhole, into: &out)
    case .translated(let translation): return translation.end(isWhole: isWhole, into: &out)
    }
  }

  /// Answers with what was read whole.
  package func conclude(provider: String, member: Span<UInt8>, into out: inout ByteQueue) -> Verdict {
    switch self {
    case .passed(let passage): passage.conclude(provider: provider, member: member, into: &out)
    case .mock(let mock): mock.passage.conclude(provider: provider, member: member, into: &out)
    case .translated(let translation): translation.conclude(into: &out)
    }
  }

  /// Writes a provider's error in OpenAI's shape.
  ///
  /// - Parameter kind: the value of the field that names the error, where the provider has one.
  package func error(
    _ body: Span<UInt8>, status: Int, kind: Span<UInt8>, provider: String, into out: inout ByteQueue
  ) -> ErrorFacts {
    guard case .translated(let translation) = self else {
      if Fault.isOpenAIShaped(body) {
        out.append(body)
      } else {
        Fault.translate(body, status: status, provider: provider, into: &out)
      }
      return ErrorFacts(status: status, isAuthentication: status == 401 || status == 403)
    }
    let fault = translation.dialect.readFault(body, status: status, kind: kind)
    var facts = ErrorFacts(
      status: (400...599).contains(fault.status) ? fault.status : 502,
      isAuthentication: fault.isAuthentication)
    facts.retryAfter = fault.retryAfter
    let code = fault.code ?? []
    let message = fault.message ?? Array("Provider '\(provider)' answered \(status) without a message.".utf8)
    Fault.write(
      message: message.span, type: fault.type ?? Fault.typeName(facts.status),
      code: code.span, into: &out)
    return facts
  }

  /// Bytes that are kept of what came.
  package var heldCount: Int {
    switch self {
    case .passed(let passage): passage.heldCount
    case .translated(let translation): translation.heldCount
    case .mock(let mock): mock.passage.heldCount
    }
  }

  /// Everything was said: what still comes is only the end of the body's framing.
  package var hasEnded: Bool {
    switch self {
    case .passed(let passage): passage.hasEnded
    case .translated(let translation): translation.hasEnded
    case .mock(let mock): mock.passage.hasEnded
    }
  }

  /// It went wrong, and the client has been told: nothing more is read.
  package var hasFailed: Bool {
    if case .translated(let translation) = self { return translation.failure != nil }
    return false
  }

  /// Something that the model made has come.
  package var hasContent: Bool {
    switch self {
    case .passed(let passage): passage.hasContent
    case .translated(let translation): translation.hasContent
    case .mock(let mock): mock.passage.hasContent
    }
  }

  package var usage: TokenUsage {
    switch self {
    case .passed(let passage): passage.usage
    case .translated(let translation): translation.usage
    case .mock(let mock): mock.passage.usage
    }
  }
}

/// A request in a provider's own form.
package struct OwnRequest {
  private let translation: Translation

  init(_ translation: Translation) { self.translation = translation }

  package var method: StaticString { translation.request.method }
  /// Path and query, behind the base URL's prefix.
  package var path: ByteQueue { _read { yield translation.request.path } }
  /// Header lines of the dialect's own, each with its CR LF.
  package var headers: ByteQueue { _read { yield translation.request.headers } }
  package var body: ByteQueue { _read { yield translation.request.body } }
  /// What `Accept` says.
  package var acceptedTypes: StaticString { translation.acceptedTypes }
  package var hasBody: Bool { translation.operation != .models }
}

/// The mock's part: an answer that is made at once, and passes as a provider's would.
package final class MockAnswer {
  package let passage: Passage
  /// What the provider says, as bytes of its answer's body.
  package let text: ByteQueue
  package let facts: ReplyFacts

  package init(_ passage: Passage, _ text: consuming ByteQueue, streams: Bool) {
    self.passage = passage
    self.text = text
    facts = ReplyFacts(status: 200, media: streams ? .events : .json, hasBody: true)
  }
}
