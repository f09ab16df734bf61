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
    let model = withModel { $0.array() }
    let recast: Recast
    do throws(RequestFault) {
      recast = try Recast(
        format, ask.body.bytes.view, for: try chatTarget(model), model: model, passage: passage,
        ask.turn)
      if upstream.isMock {
        recast.settle(.mock(mockAnswer(to: recast, model)))
      } else if let dialect = upstream.dialect {
        let translation = try Translation(
          dialect, format == .tokenCount ? .tokenCount : .chat, model: model, body: recast.body.view,
          pool: loop.blocks)
        address.clear()
        address.append(upstream.prefix)
        address.append(translation.request.path.view)
        recast.settle(.translated(translation))
      } else {
        try pass(recast, model)
      }
    } catch { throw Refusal(error) }
    conversation = .recast(recast)
    tried.upload = .kept(at: 0)
  }

  /// Has the chat pass to an upstream in OpenAI's format.
  private func pass(_ recast: Recast, _ model: [UInt8]) throws(RequestFault) {
    passage.begin(chatAnswer(of: recast), repairs: upstream.quirks.repairsAnswers)
    let adds =
      recast.facts.streams && upstream.takesStreamOptions
      && !upstream.refusesStreamOptions.load(ordering: .relaxed)
    let named = upstream.address.deployment(of: model.span) ?? model
    try passage.edit(
      recast.body.view, recast.scanner, recast.facts, model: named.span, addsUsage: adds,
      upstream.editsRequests ? upstream.quirks : nil)
    recast.settle(.passed(passage))
    address.clear()
    try upstream.address.write(
      path: ("/chat/completions" as StaticString).bytes, query: Span(), model: model.span, into: &address)
  }

  /// How the chat's answer is read.
  private func chatAnswer(of recast: Recast) -> AskedAnswer {
    var asked = AskedAnswer()
    asked.shape = .chat
    asked.isFullService = true
    asked.streams = recast.facts.streams
    return asked
  }

  private func mockAnswer(to recast: Recast, _ model: [UInt8]) -> MockAnswer {
    var text = ByteQueue()
    Mock.answer(
      .chat, body: recast.body.view, model: model.span, streams: recast.facts.streams, includesUsage: true,
      id: state.nextRandom(), created: unixSeconds, into: &text)
    passage.begin(chatAnswer(of: recast), repairs: false)
    passage.removeUsage()
    return MockAnswer(passage, text, streams: recast.facts.streams)
  }

  /// What the upstream takes in a chat beside what all take.
  private func chatTarget(_ model: [UInt8]) throws(RequestFault) -> ChatTarget {
    var target = ChatTarget()
    if let dialect = upstream.dialect {
      let spoken = try dialect.spoken(to: model)
      target.isTranslated = true
      target.extensions = spoken.takesExtensions
      target.reasons = spoken.takes.contains(ChatFields(.reasoningEffort))
      return target
    }
    let facts = lineup.rates.rate(upstream.index, model.span).facts
    target.outputCeiling = facts?.maximumOutput ?? 0
    target.reasons = facts.map { $0.abilities.contains(.reasoning) }
    switch upstream.kind {
    case .openai, .azure: target.wantsCompletionTokens = true
    case .deepseek, .mistral, .vllm, .openaiCompatible, .openrouter, .together, .fireworks:
      target.takesReasoning = true
    default: break
    }
    return target
  }
}
