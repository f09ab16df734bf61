// One try's exchange with a provider, whatever the provider speaks: bytes in, bytes out, no I/O.
//
// The walk asks it what to send, says what the head of the answer was, feeds it the body in pieces cut anywhere, and
// passes on what comes out. Proxy/Prepare.swift and PrepareRecast.swift choose its kind, which nobody else asks for. Next:
// ConversationNature.swift, what follows from the kind, ReplyFacts.swift, Passage.swift, Translation.swift.

package import Wire

/// One try's exchange with a provider, and then the next one's.
///
/// What most of them go through is a constant, so that asking it counts no reference.
package final class Conversation {
  /// How it goes.
  package enum Way {
    /// In OpenAI's format.
    case passed
    /// In a dialect of the provider's.
    case translated(Translation)
    /// Inside Remora, with an answer that is made here and passes as a provider's.
    case mock(MockAnswer)
    /// As a chat, for a client that speaks another format.
    case recast(Recast)
  }

  /// What goes on in OpenAI's format goes through this.
  package let passage: Passage
  private(set) var way = Way.passed {
    didSet {
      nature = Nature(way)
      asksProvider = !nature.isLocal
    }
  }
  /// For questions that need to know no more.
  private(set) var nature = Nature(.passed)
  /// A provider is asked: the answer isn't made inside Remora. Asked for so often that it is kept.
  package private(set) var asksProvider = true

  /// Makes a conversation that passes.
  package init(_ passage: Passage) { self.passage = passage }

  /// Has it go in another way than it went.
  package func go(_ way: Way) { self.way = way }

  /// Has it pass, as it mostly does already.
  package func pass() {
    if !nature.isPassed { way = .passed }
  }

  // MARK: The request

  /// The answer that is made inside Remora; nil where a provider is asked.
  package var local: MockAnswer? {
    switch way {
    case .mock(let mock): mock
    case .recast(let recast): recast.inner.local
    case .passed, .translated: nil
    }
  }

  /// How many fields of the request the provider can't be told.
  package var droppedCount: Int {
    switch way {
    case .passed, .mock: passage.dropped.count
    case .translated(let translation): translation.request.dropped.count
    case .recast(let recast): recast.dropped.count
    }
  }

  /// The fields of the request that the provider can't be told.
  package var dropped: DroppedFields {
    switch way {
    case .passed, .mock: passage.dropped
    case .translated(let translation): translation.request.dropped
    case .recast(let recast): recast.dropped
    }
  }

  /// The request in the provider's own form; nil where it is the client's.
  package var ownRequest: OwnRequest? {
    switch way {
    case .translated(let translation): OwnRequest(translation)
    case .recast(let recast):
      recast.inner.ownRequest ?? (recast.inner.nature.isPassed ? OwnRequest(chat: recast) : nil)
    case .passed, .mock: nil
    }
  }

  /// The length of the body as it goes out.
  ///
  /// - Parameter count: that of the client's, which is here whole.
  package func sentCount(of count: Int) -> Int {
    switch way {
    case .passed: passage.sentCount(of: count)
    case .translated(let translation): translation.request.body.count
    case .recast(let recast):
      recast.inner.nature.isTranslated ? recast.inner.sentCount(of: 0) : recast.body.count
    case .mock: 0
    }
  }

  /// Appends what goes out of a body that is here whole, until `out` holds `ceiling` bytes or the body ends.
  ///
  /// - Parameters:
  ///   - body: the client's.
  ///   - start: the offset up to which the body has gone out.
  /// - Returns: the offset up to which it has gone now.
  package func fill(
    _ out: inout ByteQueue, upTo ceiling: Int, from body: Span<UInt8>, at start: Int
  ) -> Int {
    switch way {
    case .passed: return passage.fill(&out, upTo: ceiling, from: body, at: start)
    case .mock: return body.count
    case .recast(let recast):
      if recast.inner.nature.isTranslated {
        return recast.inner.fill(&out, upTo: ceiling, from: body, at: start)
      }
      let end = min(start + max(ceiling - out.count, 0), recast.body.count)
      if start < end { out.append(recast.body, start..<end) }
      return end
    case .translated(let translation):
      let own = unsafe translation.request.body.view  // SAFETY: nothing here changes the queue.
      let end = min(start + max(ceiling - out.count, 0), own.count)
      if start < end { out.append(own.extracting(start..<end)) }
      return end
    }
  }

  /// The end of the body in which `fill` counts its offsets.
  ///
  /// - Parameter count: the length of the client's.
  package func end(of count: Int) -> Int {
    switch way {
    case .translated(let translation): return translation.request.body.count
    case .recast(let recast): return sentCount(of: recast.body.count)
    case .passed, .mock: return count
    }
  }

  /// Has a stretch of the body sent from where it lies, if it goes out as it is and more of the body follows it.
  ///
  /// - Parameters:
  ///   - count: the length of the stretch.
  ///   - start: the offset up to which the body has gone out.
  ///   - body: the client's.
  ///   - send: takes a stretch of a queue; returns how many bytes were taken, nil for none now.
  /// - Returns: nil where there is no such stretch.
  package func sendStretch<Fault: Error>(
    of count: Int, from start: Int, in body: borrowing ByteQueue,
    _ send: (borrowing ByteQueue, Range<Int>) throws(Fault) -> Int?
  ) throws(Fault) -> Stretch? {
    guard end(of: body.count) - start > count else { return nil }
    let sent: Int?
    switch way {
    case .passed:
      guard !passage.touches(start..<start + count) else { return nil }
      sent = try send(body, start..<start + count)
    case .translated(let translation): sent = try send(translation.request.body, start..<start + count)
    case .recast(let recast):
      guard !recast.inner.nature.isTranslated else {
        return try recast.inner.sendStretch(of: count, from: start, in: body, send)
      }
      sent = try send(recast.body, start..<start + count)
    case .mock: return nil
    }
    return sent.map { .sent($0) } ?? .blocked
  }

  /// Whether a stream's usage was asked for although the client didn't, so that a refusal of the question is not for the
  /// client.
  package var addsUsage: Bool {
    switch way {
    case .passed: passage.addsUsage
    case .recast(let recast): recast.inner.addsUsage
    case .translated, .mock: false
    }
  }

  /// Forgets the body, which has reached the provider and won't be sent again: a long stream needn't keep it in memory.
  package func forgetBody() {
    switch way {
    case .translated(let translation): translation.forgetBody()
    case .recast(let recast): recast.forgetBody()
    case .passed, .mock: break
    }
  }

  // MARK: The answer

  /// Whose fields describe the body of an answer.
  package var wording: Wording {
    if case .passed = way, !passage.isReworded { .providers } else { .ours }
  }

  /// What the provider said that its dialect doesn't know, counted; nil where it speaks none.
  package var unknown: UnknownCounts? {
    guard nature.isTranslated else { return nil }
    return switch way {
    case .translated(let translation): translation.unknown
    case .recast(let recast): recast.inner.unknown
    case .passed, .mock: nil
    }
  }

  /// Begins an answer whose head has come.
  ///
  /// - Parameters:
  ///   - member: `"x_remora":{…}`, or empty.
  ///   - stamp: asked for where the answer is written anew.
  /// - Returns: how the answer reaches the client.
  package func begin(_ reply: ReplyFacts, member: Span<UInt8>, stamp: () -> AnswerStamp) -> Manner {
    switch way {
    case .passed, .mock: return passage.begin(reply, insertsMember: !member.isEmpty)
    case .recast(let recast): return recast.begin(reply, member: member, stamp: stamp())
    case .translated(let translation):
      let stamp = stamp()
      let isStream = translation.streams && reply.media != .json
      translation.begin(
        created: stamp.created, seed: stamp.seed, member: member, readsWhole: !isStream)
      return isStream ? .events : .whole
    }
  }

  /// Has `reader` told the answer of a chat, but for one that a dialect tells itself.
  func tell(_ reader: ChatAnswerReader) {
    switch way {
    case .passed, .mock: passage.reader = reader
    case .translated, .recast: break
    }
  }

  /// Leaves out the member that `begin` was told of: the answer can't take it.
  package func withoutMember() {
    if case .passed = way { passage.withoutMember() }
  }

  /// Takes the next piece of the answer's body, cut anywhere, and appends what the client gets for it.
  package func take(
    _ bytes: Span<UInt8>, member: Span<UInt8>, into out: inout ByteQueue
  ) throws(TakeFault) {
    switch way {
    case .passed, .mock: try passage.take(bytes, member: member, into: &out)
    case .translated(let translation): translation.take(bytes, into: &out)
    case .recast(let recast): try recast.take(bytes, into: &out)
    }
  }

  /// Ends the answer, whose bytes are over, and appends what is left to say.
  ///
  /// - Parameter isWhole: whether the body's own end has come too, and not only the last word of what it says.
  package func end(isWhole: Bool, into out: inout ByteQueue) -> Ending {
    switch way {
    case .passed, .mock: passage.end(isWhole: isWhole, into: &out)
    case .translated(let translation): translation.end(isWhole: isWhole, into: &out)
    case .recast(let recast): recast.end(isWhole: isWhole, into: &out)
    }
  }

  /// Writes the client's answer from what was read whole.
  ///
  /// - Parameters:
  ///   - provider: its name in the configuration, for messages.
  ///   - member: `"x_remora":{…}`, or empty.
  package func conclude(provider: String, member: Span<UInt8>, into out: inout ByteQueue) -> Verdict {
    switch way {
    case .passed, .mock: passage.conclude(provider: provider, member: member, into: &out)
    case .recast(let recast): recast.conclude(provider: provider, into: &out)
    case .translated(let translation): translation.conclude(into: &out)
    }
  }

  /// What the provider speaks; nil for OpenAI's format.
  private var dialect: (any Dialect)? {
    switch way {
    case .translated(let translation): translation.dialect
    case .recast(let recast): recast.inner.dialect
    case .passed, .mock: nil
    }
  }

  /// The field of an answer that names its error, where the provider has one.
  package var faultField: StaticString? { dialect?.faultField }

  /// How the names of the fields begin that are `writeLimit`'s, in lower case; nil where there are none.
  package var limitPrefix: StaticString? { dialect?.limitPrefix }

  /// Appends a field that tells of a limit under OpenAI's name, with its CR LF, if it has one.
  ///
  /// - Parameter now: Unix time in seconds.
  package func writeLimit(
    _ name: Span<UInt8>, _ value: Span<UInt8>, now: Int, into out: inout ByteQueue
  ) {
    dialect?.writeLimit(name, value, now: now, into: &out)
  }

  /// Writes a provider's error in OpenAI's shape; one that has the client's own already goes on as it is.
  ///
  /// - Parameters:
  ///   - kind: the value of `faultField`, or empty.
  ///   - provider: its name in the configuration, for messages.
  package func error(
    _ body: Span<UInt8>, status: Int, kind: Span<UInt8>, provider: String, into out: inout ByteQueue
  ) -> ErrorFacts {
    guard let dialect else {
      if errors.isSpoken(in: body) {
        out.append(body)
      } else {
        Fault.translate(body, status: status, provider: provider, into: &out)
      }
      return ErrorFacts(status: status, isAuthentication: status == 401 || status == 403)
    }
    let fault = dialect.readFault(body, status: status, kind: kind)
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

  /// How the client of what passes reads errors.
  private var errors: ErrorForm {
    if case .passed = way { passage.asked.errors } else { .openAI }
  }

  /// Bytes of the answer that are held.
  package var heldCount: Int {
    switch way {
    case .passed, .mock: passage.heldCount
    case .translated(let translation): translation.heldCount
    case .recast(let recast): recast.heldCount
    }
  }

  /// A part of an event has gone on to the client, so that nothing can be added to the stream before its end.
  package var isInEvent: Bool {
    if case .passed = way { return passage.isInEvent }
    return false
  }

  /// Everything has been said: only the end of the body's framing is still to come.
  package var hasEnded: Bool {
    switch way {
    case .passed, .mock: passage.hasEnded
    case .translated(let translation): translation.hasEnded
    case .recast(let recast): recast.inner.hasEnded
    }
  }

  /// It went wrong, and the client has been told: nothing more is read.
  package var hasFailed: Bool {
    switch way {
    case .translated(let translation): translation.failure != nil
    case .recast(let recast): recast.hasOverflowed || recast.inner.hasFailed
    case .passed, .mock: false
    }
  }

  /// What the model thinks is signed by its provider, or may be, and goes back to it as it was.
  package var keepsThoughts: Bool {
    if case .recast(let recast) = way { recast.keepsThoughts } else { true }
  }

  /// Something that the model made has come.
  package var hasContent: Bool {
    switch way {
    case .passed, .mock: passage.hasContent
    case .translated(let translation): translation.hasContent
    case .recast(let recast): recast.inner.hasContent
    }
  }

  /// The tokens that the provider has told so far.
  package var usage: TokenUsage {
    switch way {
    case .passed, .mock: passage.usage
    case .translated(let translation): translation.usage
    case .recast(let recast): recast.inner.usage
    }
  }
}
