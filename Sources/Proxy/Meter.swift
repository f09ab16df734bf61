// What a request may take is promised before it is sent, and settled once, when its answer is over: limits, budgets, cost.
//
// Decided in Policy/Ledger.swift, Estimate.swift and Cost.swift; here it is found out what they need to know.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What was estimated of a request, and what is left of its limits.
struct Bill {
  /// Tokens of the prompt by their weight, and with what was learned. 0: not estimated.
  var weighed = 0
  var prompt = 0
  /// Who its answer teaches something about.
  var lesson: LessonKey?
  /// As the answer says it; nil: to be looked up.
  var standing: Standing?
  /// What the log says of tokens where some of them were guessed.
  var shown: Usage?
  /// Something of what it says of tokens or cost was guessed.
  var isEstimated = false
  /// What it has cost; nil where a price isn't known.
  var cost: Cost?
  /// What tries before the last one have taken.
  var lost = Lost()
  /// What it may take, as far as it was estimated.
  var need = Need()
  /// What became of it where the group's limits are counted together (Shared/SharedAsk.swift).
  var shared = SharedState.none
}

extension Exchange {
  /// Promises what the request may take, or refuses it.
  ///
  /// - Returns: `plan`, without targets that a budget couldn't see.
  func reserve(_ plan: Plan, _ meters: Meters) throws(Refusal) -> Plan {
    if !meters.limits(ask.group) { return plan }
    var plan = plan
    if meters.hasBudget(ask.group) { plan = try priced(plan, meters) }
    if meters.weighs(ask.group) { record.bill.need = estimate(plan.first, meters) }
    if meters.quota(ask.group) != nil {
      record.bill.shared = .wanted
      try promise(record.bill.need, meters, part: 0)
    } else {
      try promise(record.bill.need, meters, part: 1)
    }
    return plan
  }

  /// Promises `need` by the counters of this process, in place of what was promised before.
  ///
  /// - Parameter part: as in `Payers`.
  func promise(_ need: Need, _ meters: Meters, part: Int) throws(Refusal) {
    permit = nil
    var payers = meters.payers(ask.group)
    payers.part = part
    let (result, standing) = meters.ledger.reserve(payers, need, at: Meters.moment)
    record.bill.standing = standing
    switch result {
    case .success(let ticket): permit = Permit(ticket, of: meters.ledger)
    case .failure(let shortage):
      state.shard.limited(LimitScope(shortage.scope), by: LimitKind(shortage.limit))
      throw Refusal(shortage, group: ask.group?.name)
    }
  }

  /// The targets whose price is known: a budget that doesn't see what a model costs is none.
  private func priced(_ plan: Plan, _ meters: Meters) throws(Refusal) -> Plan {
    let owner = meters.budgetName(ask.group)
    if ask.model.isEmpty, plan.first.model == nil {
      if ask.mayHideModel { throw .modelUnpriced(nil, group: owner) }
      return plan
    }
    if !ask.mayCost { return plan }
    func isPriced(_ route: Route) -> Bool { rate(of: route).facts?.prices != nil }
    if (0..<plan.count).allSatisfy({ isPriced(plan[$0]) }) { return plan }
    let routes = (0..<plan.count).map { plan[$0] }.filter(isPriced)
    guard let first = routes.first else {
      let model = String(decoding: plan.first.model ?? ask.model.array(), as: UTF8.self)
      let provider = lineup.snapshot.upstreams[plan.first.providerIndex].name
      throw .modelUnpriced(Ask.shown("\(provider)/\(model)"), group: owner)
    }
    return Plan(first, others: Array(routes.dropFirst()), pick: plan.pick, notice: plan.notice)
  }

  func rate(of route: Route) -> Rate { lineup.rate(of: route, ask) }

  // MARK: Before

  /// What the request may take at `route`.
  func estimate(_ route: Route, _ meters: Meters) -> Need {
    guard ask.target.takesTokens, ask.body.isJSON else { return Need() }
    let rate = rate(of: route)
    var prompt = Prompt()
    for member in [JSONMember.messages, .input, .prompt, .instructions, .system] {
      if let found = ask.found(member) { prompt.add(found) }
    }
    prompt.tools = ask.found(.tools)
    prompt.total = max(ask.head.announcedLength ?? 0, ask.body.bytes.count)
    let weighed = Estimate.tokens(
      unsafe ask.body.bytes.view, prompt, rate.counting, strings: ask.body.scanner.strings)
    let provider = lineup.snapshot.upstreams[route.providerIndex].nameBytes
    let group = ask.group?.label ?? []
    func lesson(_ model: Span<UInt8>) -> LessonKey {
      LessonKey(provider: provider.span, model: model, hasTools: prompt.tools != nil, group: group.span)
    }
    let lesson = if let model = route.model { lesson(model.span) } else { lesson(ask.model) }
    let guess = meters.learning.guess(lesson, prompt: weighed)
    record.bill.weighed = weighed
    record.bill.prompt = guess.prompt
    record.bill.lesson = lesson
    var need = Need()
    need.promptTokens = UInt64(guess.prompt)
    var answer = 0
    if ask.target.endpoint != .embeddings {
      let asked = ask.number(.maxCompletionTokens) ?? ask.number(.maxTokens) ?? ask.number(.maxOutputTokens)
      need.isBounded = asked != nil
      // Of an answer whose length isn't said: what such answers have had, and else what most are below.
      answer = asked ?? guess.answer ?? 1024
      if let ceiling = rate.facts?.maximumOutput, ceiling > 0 { answer = min(answer, ceiling) }
      answer = min(answer, 1 << 40) * min(max(ask.number(.choiceCount) ?? 1, 1), 128)
    } else {
      need.isBounded = true
    }
    need.tokens = need.promptTokens + UInt64(answer)
    if let prices = rate.facts?.prices {
      need.cost = Cost.nanodollars(
        promising: prices.estimate(input: guess.prompt, output: answer, served: ask.remarks.wantedTier))
    }
    return need
  }

  // MARK: After

  /// Books what the request has taken, once.
  func settle(_ counted: inout ExchangeRecord, _ attempt: Attempt?, _ route: Route?) {
    var usage = TokenUsage()
    var isAnswered = false
    if ask.cache.result == .hit {
      // What was kept costs nothing, and is an answer.
      isAnswered = answer.hasBegun
    } else if let attempt {
      (usage, isAnswered) = taken(attempt, &counted)
    }
    if let route, !usage.isEmpty {
      let rate = rate(of: route)
      if let cost = rate.facts?.cost(of: usage, served: attempt?.served) {
        if cost.isEstimated { record.bill.isEstimated = true }
        record.bill.cost = cost
        counted.cost = Int(clamping: cost.picodollars)
      } else {
        counted.isUnpriced = upstream?.isMock == false
      }
    }
    // The metrics have what was lost already, each on its own target; the log and the limits have it all.
    if let lost = record.bill.lost.cost {
      record.bill.cost = (record.bill.cost ?? Cost(picodollars: 0)) + lost
    }
    guard let permit = permit.take() else { return settleShared(Taken(isRequest: false)) }
    let (sum, overflows) = (usage.input ?? 0).addingReportingOverflow(usage.output ?? 0)
    let taken = Taken(
      tokens: overflows ? .max : UInt64(clamping: sum) + record.bill.lost.tokens,
      cost: record.bill.cost?.nanodollars ?? 0, isRequest: isAnswered)
    permit.settle(taken, at: Meters.moment)
    settleShared(taken)
    if let lesson = record.bill.lesson, !record.bill.isEstimated, counted.status == 200,
      let input = usage.input, let meters = lineup.meters
    {
      meters.learning.learn(
        lesson, estimate: record.bill.weighed, prompt: input, answer: usage.output ?? 0)
    }
  }

  /// What was taken, as far as it is known, and whether there was an answer: what was refused here counts as nothing.
  private func taken(
    _ attempt: Attempt, _ counted: inout ExchangeRecord
  ) -> (usage: TokenUsage, isAnswered: Bool) {
    var usage = attempt.conversation.usage
    if !attempt.conversation.asksProvider { return (usage, answer.hasBegun) }
    guard attempt.tried.times.sentAt != nil else { return (TokenUsage(), false) }
    let hasHeard = attempt.tried.times.firstByteAt != nil
    // An explicit zero is a count too.
    if usage.output != nil, record.end == .complete { return (usage, true) }
    if hasHeard, attempt.call.reply.status >= 300 { return (usage, true) }
    guard ask.target.takesTokens else { return (usage, hasHeard) }
    let isStream = ask.body.facts.streams || answer.isEvents
    let unseen: Int
    switch record.end {
    case .complete, .upstreamEOF, .error, .shutdown:
      // What failed before a byte came was, as far as can be told, not done.
      guard hasHeard else { return (TokenUsage(), false) }
      // A whole answer that told no tokens, or none of its own, as one that the provider withheld: there are none.
      if record.end == .complete, usage.isEmpty || usage.input != nil, !isStream { return (usage, true) }
      unseen = 0
    case .clientGone: unseen = hasHeard || isStream ? 0 : meanAnswer
    case .idleTimeout: unseen = hasHeard ? 0 : meanAnswer
    }
    record.bill.isEstimated = true
    if usage.input == nil {
      let guess = record.bill.prompt > 0 ? record.bill.prompt : max(ask.body.received / 4, 1)
      usage.input = guess
      counted.estimatedInput = guess
    }
    let relayed = max(hasHeard ? answer.relayedTokens : 0, unseen)
    if relayed > usage.output ?? 0 || usage.output == nil {
      counted.estimatedOutput = max(relayed - (usage.output ?? 0), 0)
      usage.output = max(usage.output ?? 0, relayed)
    }
    // The metrics tell guesses apart; the log's line says that there are some.
    record.bill.shown = Usage(
      input: usage.input, output: usage.output, cachedInput: usage.cachedInput, cacheWrite: usage.cacheWrite,
      reasoning: usage.reasoning)
    return (usage, true)
  }

  var meanAnswer: Int {
    guard let lesson = record.bill.lesson, let meters = lineup.meters else { return 0 }
    return meters.learning.meanAnswer(lesson) ?? 0
  }

  // MARK: What answers say

  /// Appends what is left of the limits that hold for the request.
  func writeStanding(_ meters: Meters, _ connection: ClientConnection) {
    guard ask.entrance.role == .proxy else { return }
    if !meters.limits(ask.group) { return }
    let standing = record.bill.standing ?? meters.standing(ask.group)
    if let requests = standing.requests {
      HeadWriter.field("X-RateLimit-Limit-Requests", Int(clamping: requests.limit), to: &answer.outbound)
      HeadWriter.field("X-RateLimit-Remaining-Requests", Int(clamping: requests.left), to: &answer.outbound)
    }
    if let tokens = standing.tokens {
      HeadWriter.field("X-RateLimit-Limit-Tokens", Int(clamping: tokens.limit), to: &answer.outbound)
      HeadWriter.field("X-RateLimit-Remaining-Tokens", Int(clamping: tokens.left), to: &answer.outbound)
    }
    if standing.requests != nil || standing.tokens != nil {
      HeadWriter.field("X-RateLimit-Reset", standing.reset, to: &answer.outbound)
      HeadWriter.field("X-RateLimit-Scope", LimitScope(standing.scope).name, to: &answer.outbound)
    }
    if let budget = standing.budget {
      writeDollars("X-Budget-Remaining-USD: ", budget.left)
      writeDollars("X-Budget-Limit-USD: ", budget.limit)
    }
  }

  /// Nano-dollars as dollars with six decimals.
  private func writeDollars(_ name: StaticString, _ nanodollars: UInt64) {
    answer.outbound.append(name)
    answer.outbound.append(decimal: Int(clamping: nanodollars / 1_000_000_000))
    answer.outbound.append(".")
    let rest = Array(String(nanodollars % 1_000_000_000 / 1000).utf8)
    for _ in rest.count..<6 { answer.outbound.append(UInt8(ascii: "0")) }
    answer.outbound.append(rest)
    answer.outbound.append("\r\n")
  }
}

extension Lineup {
  func rate(of route: Route, _ ask: Ask) -> Rate {
    if let model = route.model { return rates.rate(route.providerIndex, model.span) }
    return rates.rate(route.providerIndex, ask.model)
  }
}

extension Attempt {
  /// What the target's tokens cost.
  var rate: Rate { lineup.rate(of: route, ask) }

  /// How urgently the request was served, where that has a price of its own: as the answer says where it is read whole,
  /// else as the request asks: a provider that served it at its usual price all the same is not heard.
  var served: PriceTier? {
    switch conversation.serviceTier {
    case .asAsked: ask.remarks.wantedTier
    case .usual: nil
    case .named(let name): PriceTier(name.bytes)
    }
  }
}

extension Answer {
  /// Tokens of a stream that was cut, as far as its bytes tell: an event of one token has about so many.
  fileprivate var relayedTokens: Int { isEvents ? (count + 199) / 200 : 0 }
}

extension Ask {
  /// Where a member's value is, as far as it is here.
  fileprivate func found(_ member: JSONMember) -> Range<Int>? { body.here(member)?.value }

  func number(_ member: JSONMember) -> Int? { integer(member).flatMap { $0 >= 0 ? $0 : nil } }

  func integer(_ member: JSONMember) -> Int? {
    guard let found = body.scanner.found(member), found.kind == .number else { return nil }
    return JSONValue.integer(unsafe body.bytes.view, found.value)
  }

  func double(_ member: JSONMember) -> Double? {
    guard let found = body.scanner.found(member), found.kind == .number else { return nil }
    return JSONValue.double(unsafe body.bytes.view, found.value)
  }

  /// Reads how urgently it wants to be served, where that has a price of its own.
  func readTier() {
    remarks.wantedTier = readWantedTier()
  }

  private func readWantedTier() -> PriceTier? {
    guard body.isJSON, let found = body.scanner.found(.serviceTier), found.kind == .string,
      found.value.upperBound <= body.bytes.count
    else { return nil }
    return PriceTier(JSONString.content(unsafe body.bytes.view, found.value))
  }

  /// Whether the request may have a provider do something that costs: what only looks things up doesn't.
  fileprivate var mayCost: Bool {
    switch head.method {
    case .post, .put, .patch: true
    default: false
    }
  }

  /// Whether it may name a model in a way that isn't read here: a form, a batch. Files and uploads only keep something.
  var mayHideModel: Bool {
    guard mayCost, head.framing != .none, head.framing != .length(0) else { return false }
    let path = headBytes.extracting(target.path)
    for kept: StaticString in ["/files", "/uploads"] {
      let count = kept.utf8CodeUnitCount
      if path.count >= count, path.extracting(0..<count).equals(kept),
        path.count == count || path[count] == UInt8(ascii: "/")
      {
        return false
      }
    }
    return true
  }
}

extension RequestHead {
  /// The body's length, where the head says it.
  var announcedLength: Int? {
    if case .length(let count) = framing { return count }
    return nil
  }
}

extension LimitScope {
  init(_ scope: Scope) { self = scope == .pod ? .pod : .group }
}

extension LimitKind {
  init(_ name: LimitName) {
    switch name {
    case .requests: self = .requestsPerMinute
    case .tokens: self = .tokensPerMinute
    case .concurrency: self = .concurrentRequests
    case .budget: self = .budgetUSD
    }
  }
}
