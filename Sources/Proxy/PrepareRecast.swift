// Before anything is sent, for a client whose format the upstream doesn't have: its request goes as a chat.

internal import Config
internal import Dialects
internal import Policy
internal import Synchronization
internal import Transport
internal import Wire

extension Attempt {
  /// Works out what goes to the upstream of a request that must become a chat.
  func prepareRecast(_ format: Recast.Format) throws(Refusal) {
    let model = route.model ?? ask.model.array()
    let sent = upstream.address.deployment(of: model.span)
    let recast = keptRecast
    let dialect = format == .tokenCount ? upstream.counter : upstream.dialect
    // Another request may just have found out that the upstream counts nothing.
    if format == .tokenCount, dialect == nil, !upstream.isMock { throw .noTokenCount(upstream.name) }
    do throws(RequestFault) {
      try recast.begin(
        format, unsafe ask.body.bytes.view, strings: ask.body.scanner.strings,
        for: try chatTarget(model, dialect), model: model, sent: sent, ask.turn)
      if upstream.isMock {
        recast.settle(.mock(mockAnswer(to: recast, model)), unsafe ask.body.bytes.view)
      } else if let dialect {
        try translate(recast, dialect, model, sent: sent ?? model)
      } else {
        try pass(recast, model)
      }
    } catch { throw Refusal(error) }
    conversation.go(.recast(recast))
    tried.sending.upload = .kept(at: 0)
  }

  /// What the attempt's requests in other formats are read by, one after the other.
  var keptRecast: Recast {
    if let recast { return recast }
    let made = Recast(passage, pool: loop.blocks)
    recast = made
    return made
  }

  private func translate(
    _ recast: Recast, _ dialect: any Dialect, _ model: [UInt8], sent: [UInt8]
  ) throws(RequestFault) {
    let made = translation(into: dialect)
    try recast.translate(made, dialect, unsafe ask.body.bytes.view, model: sent, state.chat)
    address.clear()
    if upstream.isTranslated {
      address.append(upstream.prefix)
      address.append(made.request.path)
    } else {
      try upstream.address.write(
        path: made.request.path.bytes, query: Span(), model: model.span, into: &address)
    }
  }

  /// Has the chat pass to an upstream in OpenAI's format.
  private func pass(_ recast: Recast, _ model: [UInt8]) throws(RequestFault) {
    try recast.pass(
      unsafe ask.body.bytes.view,
      addsUsage: upstream.takesStreamOptions
        && !upstream.learned.refusesStreamOptions.load(ordering: .relaxed),
      repairs: upstream.quirks.repairsAnswers, upstream.editsRequests ? upstream.quirks : nil)
    address.clear()
    try upstream.address.write(
      path: ("/chat/completions" as StaticString).bytes, query: Span(), model: model.span, into: &address)
  }

  private func mockAnswer(to recast: Recast, _ model: [UInt8]) -> MockAnswer {
    var text = ByteQueue()
    Mock.answer(
      recast.counts ? .tokenCount : .chat, body: unsafe recast.body.view, model: model.span,
      streams: recast.facts.streams, includesUsage: true, id: state.nextRandom(), created: unixSeconds,
      into: &text)
    passage.begin(recast.askedAnswer, repairs: false)
    passage.removeUsage()
    return MockAnswer(text, streams: recast.facts.streams)
  }

  /// What the upstream takes in a chat beside what all take.
  private func chatTarget(_ model: [UInt8], _ dialect: (any Dialect)?) throws(RequestFault) -> ChatTarget {
    let facts = dialect == nil ? lineup.rates.rate(upstream.index, model.span).facts : nil
    return try ChatTarget(
      upstream.kind, dialect, model: model, outputCeiling: facts?.maximumOutput ?? 0,
      reasons: facts.map { $0.abilities.contains(.reasoning) })
  }
}
