// The tries of one exchange over the targets of its plan: what the walk asks Policy/Retries.swift, and what targets'
// health is told. A plan of one target that is well costs a few loads here.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What the tries of one exchange come to. Kept with the exchange, and used again: in the task's own memory it would stand
/// there for as long as a stream is open. So would what its functions need, were they a part of the loop that calls them.
final class Tries {
  /// What follows on a failed try.
  enum Next {
    case call
    case wait(until: Instant)
    case stop
  }

  private(set) var plan = Plan.any
  /// The target that is asked now.
  private(set) var place = 0
  /// When there must be an answer.
  private(set) var deadline = Instant.never
  private var retries = Retries.none
  private var percent = 0
  private var pass: Pass?
  private var isFirst = true
  /// There is one target, and it is well: nothing is told of it.
  private var isPlain = false
  /// Places that were asked.
  private var asked: UInt64 = 0
  /// Those that may be asked in place of the one that is asked now, where its connection is slow to come.
  private(set) var others = Order()
  /// Of those, the one that was faster.
  private var faster: Int?
  /// The conversation, where it is to stay at the target that answers it.
  private var conversation: UInt64?
  /// Who has failed last that could be told the request, and how.
  private(set) var failed: (name: String, cls: FailureClass)?
  /// The class of the last failure.
  private(set) var last: FailureClass?

  /// Begins with a request, and chooses the target that is asked first.
  ///
  /// - Throws: what the client is told where none may be asked.
  @inline(never)
  func start(_ plan: Plan, _ exchange: Exchange) throws(Refusal) {
    let (ask, snapshot) = (exchange.ask, exchange.lineup.snapshot)
    let now = exchange.now
    self.plan = plan
    place = 0
    pass = nil
    isFirst = true
    asked = 0
    last = nil
    failed = nil
    conversation = nil
    var rules = snapshot.retry.rules
    if let attempts = ask.remarks.wishes?.attempts { rules.attempts = min(rules.attempts, attempts) }
    percent = rules.budgetPercent
    deadline = ask.deadline(from: exchange.record.startedAt)
    var order: Order
    if plan.count == 1 {
      order = Order(first: 1)
    } else {
      let needs = ask.needs(plan)
      if plan.pick == .fastest { conversation = needs.affinity }
      let companion = conversation.flatMap { exchange.state.books.companions.find($0, at: now.nanoseconds) }
      order = Pick.order(
        plan, needs, random: exchange.state.nextRandom(), now: now.nanoseconds, companion: companion
      ) { exchange.health(plan[$0]) }
      if ask.isBound { order = order.keeping { plan[$0].providerIndex == plan[order[0]].providerIndex } }
    }
    let repeats = ask.target.isFullService && (ask.isIdempotent || ask.isForegroundResponse)
    retries = Retries(
      order, rules, prior: ask.priorTries(at: now), isRepeatable: repeats && ask.isKept, isKept: ask.isKept,
      now: now.nanoseconds, deadline: deadline == .never ? .max : deadline.nanoseconds)
    isPlain = plan.count == 1 && exchange.health(plan.first)?.isQuiet ?? true
    if isPlain, let first = retries.firstOfWell() {
      place = first
      return
    }
    switch retries.first(PlanStandings(plan, exchange, percent)) {
    case .call(let first): place = first
    case .spent: throw .triesSpent
    case .refuse(let reason, let until):
      let seconds = Int(clamping: (until.minus(now.nanoseconds) + 999_999_999) / 1_000_000_000)
      throw .allCooling(reason == .quota, seconds: max(1, seconds))
    }
  }

  /// Ends with the request, whatever came of it: a try that is under way is told of, so that no target counts it for ever.
  func end(_ exchange: Exchange) {
    abandoned(exchange)
    // One that was made for this request alone keeps memory.
    plan = .any
  }

  /// Whether another try could follow.
  var mayGoOn: Bool { retries.mayGoOn }

  /// Whether nothing is to be decided on a failure: the operator wants none of it.
  var isTransparent: Bool { plan.count == 1 && retries.isTransparent }

  /// Whether the answer whose head is here must be looked at before it goes to the client.
  @inline(never)
  func mustLook(_ attempt: Attempt) -> Bool {
    if isTransparent || !attempt.conversation.asksProvider { return false }
    if attempt.call.reply.status < 400, plan.count == 1 || !mayGoOn { return false }
    return attempt.ask.target.isFullService
  }

  /// A try begins.
  @inline(never)
  func begin(_ exchange: Exchange) {
    asked |= 1 << UInt64(place & 63)
    faster = nil
    if isPlain {
      isFirst = false
      return
    }
    let plan = plan
    if plan.count > 1 { others = retries.others(PlanStandings(plan, exchange, percent)) }
    if let health = exchange.health(plan[place]), plan.count > 1 || !health.isQuiet {
      pass = health.begin(isFirst: isFirst, at: exchange.now.nanoseconds)
    }
    isFirst = false
  }

  /// The try has an answer that goes to the client.
  @inline(never)
  func succeeded(_ exchange: Exchange) {
    guard let pass else { return }
    self.pass = nil
    guard let health = exchange.health(plan[place]) else { return }
    let now = exchange.now.nanoseconds
    health.succeeded(pass, at: now)
    if let conversation { exchange.state.books.companions.keep(conversation, at: health, now: now) }
  }

  /// The try came to an end that says nothing of the target.
  @inline(never)
  func abandoned(_ exchange: Exchange) {
    guard let pass else { return }
    self.pass = nil
    exchange.health(plan[place])?.abandoned(pass, at: exchange.now.nanoseconds)
  }

  /// The try failed.
  ///
  /// - Parameter began: when it began.
  @inline(never)
  func next(_ failure: Failure, began: Instant, blames: Bool, _ exchange: Exchange) -> Next {
    let now = exchange.now.nanoseconds
    isPlain = false
    last = failure.cls
    if failure.cls != .unsaid {
      failed = (exchange.lineup.snapshot.upstreams[plan[place].providerIndex].name, failure.cls)
    }
    let route = plan[place]
    if !blames || failure.cls == .unsaid {
      abandoned(exchange)
    } else if failure.cls.isTargetsFault || failure.cls.cooling != nil {
      let health = exchange.health(route) ?? exchange.newHealth(route)
      let pass = pass ?? health.begin(isFirst: true, at: now)
      self.pass = nil
      health.failed(
        pass, failure, mayOpen: plan.count > 1, random: exchange.state.nextRandom(), at: now)
    } else {
      // The target has answered: what is wrong is not its doing.
      succeeded(exchange)
    }
    let next = retries.next(
      failure, at: place, began: began.nanoseconds, faster: faster, PlanStandings(plan, exchange, percent),
      now: now, random: exchange.state.nextRandom())
    switch next {
    case .call(let place):
      move(to: place, failure.cls, exchange)
      return .call
    case .wait(let until, let place):
      move(to: place, failure.cls, exchange)
      return .wait(until: Instant(nanoseconds: until))
    case .stop: return .stop
    }
  }

  private func move(to place: Int, _ cls: FailureClass, _ exchange: Exchange) {
    let isRepeated = asked & 1 << UInt64(place & 63) != 0
    exchange.count(cls, from: plan[self.place], to: plan[place], isRepeated: isRepeated)
    self.place = place
  }

  /// Whether a target wasn't asked, because it is left alone.
  var hasUnasked: Bool { plan.count > 1 && retries.hasUnasked }

  /// Whether another target can be asked where this one's connection is slow to come.
  var hasOther: Bool { plan.count > 1 && others.count > 0 }

  /// How many tries may follow.
  var triesLeft: Int { retries.left }

  /// A connection to the target at `place` is up before one to the target that is asked now.
  func isOvertaken(by place: Int) { faster = place }

  /// Who is told how long the answer took: a target that is picked by its speed.
  @inline(never)
  func paced(_ exchange: Exchange) -> TargetHealth? {
    isPlain ? nil : plan.pick == .fastest && plan.count > 1 ? exchange.health(plan[place]) : nil
  }

  /// What SDKs are told of the failure that is the answer; nil: nothing.
  func shouldRetry(wait: Int?) -> Bool? { last.flatMap { retries.shouldRetry($0, wait: wait) } }

  /// Tries made, for the next call of the same SDK.
  var used: Int { retries.used }
}

/// How a plan's targets are doing.
private struct PlanStandings: Standings {
  let plan: Plan
  let exchange: Exchange
  let percent: Int
  let now: Nanoseconds

  init(_ plan: Plan, _ exchange: Exchange, _ percent: Int) {
    self.plan = plan
    self.exchange = exchange
    self.percent = percent
    now = exchange.now.nanoseconds
  }

  func standing(_ place: Int) -> TargetStanding {
    exchange.health(plan[place])?.standing(at: now) ?? .usable
  }

  func mayRetry(_ place: Int, isRepeated: Bool) -> Bool {
    exchange.health(plan[place])?.mayRetry(isRepeated: isRepeated, percent: percent, at: now) ?? true
  }

  func couldRetry(_ place: Int) -> Bool {
    exchange.health(plan[place])?.couldRetry(percent: percent, at: now) ?? true
  }

  func takesMore(_ place: Int, than other: Int) -> Bool {
    guard let large = plan[place].facts?.context, let small = plan[other].facts?.context, large > 0, small > 0
    else { return true }
    return large > small
  }
}

extension Exchange {
  /// How a target is doing; nil where it has never failed.
  func health(_ route: Route) -> TargetHealth? {
    if let health = route.health { return health }
    let snapshot = lineup.snapshot
    return snapshot.health.hasDynamic ? snapshot.health.find(identity(route)) : nil
  }

  /// The health of a target that has failed for the first time.
  fileprivate func newHealth(_ route: Route) -> TargetHealth {
    lineup.snapshot.health.make(
      identity(route), provider: lineup.snapshot.upstreams[route.providerIndex].name, name: name(of: route))
  }

  private func identity(_ route: Route) -> String {
    lineup.snapshot.settings.providers[route.providerIndex].identity(of: name(of: route))
  }

  private func name(of route: Route) -> String {
    route.model.map { String(decoding: $0, as: UTF8.self) } ?? ask.model.text()
  }

  /// Waits, as long as the client does.
  @inline(never)
  func pause(until: Instant, _ connection: ClientConnection) async throws(Refusal) {
    ask.trace?.waited = until.nanoseconds(since: now)
    while now < until {
      if connection.socket.peerHasClosed { throw .clientGone }
      if state.drain.isOver { throw .draining }
      _ = await connection.parker.park(until: until)
    }
  }
}

extension Attempt {
  /// What a try means that brought no answer.
  ///
  /// - Returns: nil where nothing may follow on it, for there is nobody left to answer.
  func failure(_ refusal: Refusal) -> Failure? {
    let wasSent = tried.times.sentAt != nil
    let cls: FailureClass
    switch refusal.cause {
    case .clientGone, .draining: return nil
    // Another one may have a word for it.
    case .request: cls = tried.isSaid ? .caller : .unsaid
    case .unreachable: cls = wasSent ? .reset : .notSent
    case .tls: cls = .tls
    case .timedOut: cls = wasSent ? .silent : .notSent
    case .broken: cls = .broken
    case .credentials: cls = .auth
    case .overloaded: cls = .notSent
    }
    return Failure(cls, wasSent: wasSent)
  }

  /// What an error means whose head is here, and its text as far as it was read.
  func failure() -> Failure {
    let status = call.reply.status
    let bytes = call.headBytes
    var hint = RetryHint(now: unixSeconds)
    for field in call.reply.fields { hint.take(bytes.extracting(field.name), bytes.extracting(field.value)) }
    hint.take(body: unsafe errorText.view)
    let kind = call.field("x-amzn-errortype")
    var failure = Failure(
      FailureClass(status: status, text: unsafe errorText.view, kind: kind), wait: hint.wait(status: status))
    if let field = call.reply.first(.xShouldRetry) {
      failure.shouldRetry = bytes.extracting(field.value).equalsIgnoringCase("true")
    }
    // A shared gateway's budget is used up for days.
    if failure.cls == .rate, let wait = failure.wait, wait > 60 * Nanoseconds.second,
      call.reply.first(.xRemora) != nil
    {
      failure.cls = .quota
    }
    return failure
  }
}
