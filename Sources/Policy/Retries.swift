// Which target is asked next, and when: the rules of trying again and of moving on, over all tries of one request.
//
// No I/O and no clock. The walk says what came of a try and does what it is told; how targets are doing it reads off
// `Standings`. What may happen again on one connection or another of the same try is Attempts.swift.

package import Config
internal import Wire

/// What is known of a plan's targets at a moment.
package protocol Standings {
  func standing(_ place: Int) -> TargetStanding
  /// Whether a try beyond the first may go to the target; it is paid for where it must be.
  func mayRetry(_ place: Int, isRepeated: Bool) -> Bool
  /// The same without paying for it, of a target that wasn't asked.
  func couldRetry(_ place: Int) -> Bool
  /// Whether the target takes longer prompts than the other, as far as that is known.
  func takesMore(_ place: Int, than other: Int) -> Bool
}

/// The places of a plan's targets, in the order in which they are to be asked.
package struct Order: Sendable {
  /// The most targets that are looked at: what a configuration may name for one model.
  package static let ceiling = 64
  private var places = InlineArray<64, UInt8>(repeating: 0)
  package private(set) var count = 0

  package init() {}

  /// As they stand.
  package init(first count: Int) {
    for place in 0..<min(count, Self.ceiling) { append(place) }
  }

  package mutating func append(_ place: Int) {
    guard count < Self.ceiling else { return }
    places[count] = UInt8(truncatingIfNeeded: place)
    count += 1
  }

  package subscript(_ at: Int) -> Int { Int(places[at]) }

  /// Those that `isKept` names, in the same order.
  package func keeping(_ isKept: (Int) -> Bool) -> Order {
    var order = Order()
    for at in 0..<count where isKept(self[at]) { order.append(self[at]) }
    return order
  }
}

/// The tries of one request.
package struct Retries: ~Copyable, Sendable {
  /// What the operator says of trying again.
  package struct Rules: Sendable {
    package var attempts: Int
    package var backoff: Nanoseconds
    package var maxBackoff: Nanoseconds
    package var budgetPercent: Int
    package var movesOnFilter: Bool

    package init(_ retry: Retry) {
      attempts = retry.attempts
      backoff = Self.nanoseconds(retry.backoff)
      maxBackoff = Self.nanoseconds(retry.maxBackoff)
      budgetPercent = retry.budgetPercent
      movesOnFilter = retry.fallbackOn.contains(.contentFilter)
    }

    private static func nanoseconds(_ duration: Duration) -> Nanoseconds {
      let (seconds, attoseconds) = duration.components
      return UInt64(clamping: seconds).multipliedReportingOverflow(by: .second).partialValue
        .plus(UInt64(clamping: attoseconds / 1_000_000_000))
    }
  }

  /// What is to be done first.
  package enum First: Sendable, Equatable {
    case call(Int)
    /// All targets are left alone because of their limits: the client is told how long.
    case refuse(Cooling, until: Nanoseconds)
    /// The client's SDK has had all the tries already.
    case spent
  }

  /// What follows on a failure.
  package enum Next: Sendable, Equatable {
    case call(Int)
    case wait(until: Nanoseconds, Int)
    /// The failure is the answer.
    case stop
  }

  /// With less than this left, nothing more is begun.
  private static let least = Nanoseconds.second
  /// A pause shorter than this is none: a server that closed a port opens no other so soon.
  private static let floor: Nanoseconds = 25_000_000

  /// Of no request.
  package static var none: Retries {
    Retries(Order(), Rules(Retry()), isRepeatable: false, isKept: false, now: 0)
  }

  private let inPlace = InPlace()

  private let rules: Rules
  private let order: Order
  private let isRepeatable: Bool
  private let isKept: Bool
  private let began: Nanoseconds
  private let deadline: Nanoseconds
  private let prior: Int
  /// Tries made.
  package private(set) var used = 0
  private var tried: UInt64 = 0
  /// Of those, which may be asked again.
  private var repeatable: UInt64 = 0
  private var hasBeenReset = false
  private var wasConflict = false
  private var isLast = false
  private var rounds = 0

  /// - Parameters:
  ///   - order: the plan's targets.
  ///   - prior: tries that were made for the same call of the client's SDK already.
  ///   - isRepeatable: whether the request may go out again after it may have been received.
  ///   - isKept: whether all of it is still here.
  ///   - deadline: until when there must be an answer; `.max` where nothing says so.
  package init(
    _ order: Order, _ rules: Rules, prior: Int = 0, isRepeatable: Bool, isKept: Bool, now: Nanoseconds,
    deadline: Nanoseconds = .max
  ) {
    self.order = order
    self.rules = rules
    self.prior = max(prior, 0)
    self.isRepeatable = isRepeatable
    self.isKept = isKept
    began = now
    self.deadline = deadline
  }

  private var allowed: Int { max(1, rules.attempts - prior) }

  /// Whether the operator wants nothing to be tried again.
  package var isTransparent: Bool { rules.attempts == 1 }

  /// Whether another try could follow on a failure.
  package var mayGoOn: Bool { isKept && !isLast && used < allowed }

  /// The target that is asked first: the first one that is usable. Where none is, the one that is nearest to it gets one
  /// try, unless all of them said themselves to be left alone.
  package mutating func first(_ field: some Standings) -> First {
    if prior >= rules.attempts, !isTransparent { return .spent }
    var nearest: (place: Int, until: Nanoseconds)?
    var shortest: (reason: Cooling, until: Nanoseconds)?
    for at in 0..<order.count {
      let standing = field.standing(order[at])
      switch standing {
      case .usable: return begin(order[at])
      case .cooling(.rate, let until), .cooling(.quota, let until):
        if until < shortest?.until ?? .max, case .cooling(let reason, _) = standing {
          shortest = (reason, until)
        }
      case .open(let until), .cooling(_, let until):
        if until < nearest?.until ?? .max { nearest = (order[at], until) }
      }
    }
    if let nearest {
      isLast = true
      return begin(nearest.place)
    }
    if let shortest { return .refuse(shortest.reason, until: shortest.until) }
    return begin(0)
  }

  /// The same where the first target is known to be usable; nil where the client's SDK has had all the tries already.
  package mutating func firstOfWell() -> Int? {
    if prior >= rules.attempts, !isTransparent { return nil }
    note(order[0])
    return order[0]
  }

  private mutating func begin(_ place: Int) -> First {
    note(place)
    return .call(place)
  }

  private mutating func note(_ place: Int) {
    used += 1
    tried |= 1 << UInt64(place & 63)
  }

  /// What follows on a failed try at the target at `place`.
  ///
  /// - Parameters:
  ///   - began: when that try began.
  ///   - faster: a target that was ready for the request when this one was not; nil: none.
  ///   - random: any number, for the pause.
  package mutating func next(
    _ failure: Failure, at place: Int, began: Nanoseconds, faster: Int? = nil, _ field: some Standings,
    now: Nanoseconds, random: UInt64
  ) -> Next {
    // It was no try: the upstream has seen nothing.
    if failure.cls == .unsaid { used -= 1 }
    guard mayGoOn, failure.wasSent ? isRepeatable : isKept else { return .stop }
    // A try that took half of all the time there is leaves none for another like it, if that has to begin with nothing.
    let whole = deadline.minus(self.began)
    let hasNoTime = faster == nil && now.minus(began) > whole / 2
    if deadline != .max, deadline.minus(now) < Self.least || hasNoTime { return .stop }
    let bit = UInt64(1) << UInt64(place & 63)
    if mayRepeat(failure) { repeatable |= bit } else { repeatable &= ~bit }
    if mayMove(failure), let other = other(failure, place, faster, field) {
      note(other)
      return .call(other)
    }
    return again(failure, place, field, now: now, random: random)
  }

  private func mayMove(_ failure: Failure) -> Bool {
    failure.cls == .filter ? rules.movesOnFilter : failure.cls.allowsOther
  }

  /// The targets that weren't asked yet and can be, where the one that is asked takes no connection.
  package func others(_ field: some Standings) -> Order {
    guard mayGoOn else { return Order() }
    return order.keeping { place in
      tried & 1 << UInt64(place & 63) == 0 && field.standing(place).isUsable && field.couldRetry(place)
    }
  }

  /// How many tries may follow.
  package var left: Int { max(0, allowed - used) }

  /// Whether a target wasn't asked, because it is left alone.
  package var hasUnasked: Bool {
    for at in 0..<order.count where tried & 1 << UInt64(order[at] & 63) == 0 { return true }
    return false
  }

  /// The next target that wasn't asked yet.
  private func other(_ failure: Failure, _ place: Int, _ faster: Int?, _ field: some Standings) -> Int? {
    if let faster, field.standing(faster).isUsable, field.mayRetry(faster, isRepeated: false) {
      return faster
    }
    for at in 0..<order.count where tried & 1 << UInt64(order[at] & 63) == 0 {
      let candidate = order[at]
      guard field.standing(candidate).isUsable else { continue }
      if failure.cls == .context, !field.takesMore(candidate, than: place) { continue }
      if field.mayRetry(candidate, isRepeated: false) { return candidate }
    }
    return nil
  }

  private mutating func again(
    _ failure: Failure, _ place: Int, _ field: some Standings, now: Nanoseconds, random: UInt64
  ) -> Next {
    guard let chosen = repeated(place, field) else { return .stop }
    guard let pause = pause(failure, chosen == place, random) else { return .stop }
    let until = now.plus(pause)
    if deadline != .max, until.plus(Self.least) > deadline { return .stop }
    guard field.mayRetry(chosen, isRepeated: true) else { return .stop }
    note(chosen)
    rounds += 1
    return pause == 0 ? .call(chosen) : .wait(until: until, chosen)
  }

  private mutating func mayRepeat(_ failure: Failure) -> Bool {
    if failure.shouldRetry == false { return false }
    switch failure.cls {
    case .reset:
      defer { hasBeenReset = true }
      return !hasBeenReset
    case .caller:
      // SDKs repeat 409 once too: it says that something was locked.
      guard failure.shouldRetry == true, !wasConflict else { return false }
      wasConflict = true
      return true
    default: return failure.cls.allowsSame
    }
  }

  /// Of the targets that were asked, the first that may be asked again. The one that has just failed may be left alone
  /// by others; this request waits for it.
  private func repeated(_ place: Int, _ field: some Standings) -> Int? {
    for at in 0..<order.count where repeatable & 1 << UInt64(order[at] & 63) != 0 {
      if order[at] == place || field.standing(order[at]).isUsable { return order[at] }
    }
    return nil
  }

  /// How long to wait; nil: too long.
  private func pause(_ failure: Failure, _ isSame: Bool, _ random: UInt64) -> Nanoseconds? {
    if isSame, let wait = failure.wait, failure.cls == .rate || failure.cls == .overload {
      return wait <= rules.maxBackoff ? max(wait, Self.floor) : nil
    }
    // What never reached the target can go out again at once, the first time.
    if failure.cls == .notSent, rounds == 0 { return Self.floor }
    let isRate = failure.cls == .rate && isSame
    var most = isRate ? rules.backoff.multipliedReportingOverflow(by: 4).partialValue : rules.backoff
    for _ in 0..<min(rounds, 16) where most < rules.maxBackoff { most *= 2 }
    most = min(most, rules.maxBackoff)
    if most <= Self.floor { return most }
    // Full jitter; a limit is not over sooner because someone is lucky.
    let least = isRate ? most / 2 : 0
    return max(Self.floor, least + random % (most - least + 1))
  }

  /// What `x-should-retry` is to say of the failure that is the answer; nil: nothing.
  ///
  /// - Parameter wait: seconds that the client is told to wait.
  package func shouldRetry(_ cls: FailureClass, wait: Int?) -> Bool? {
    if rules.attempts == 1 { return nil }
    if prior + used >= rules.attempts || cls.isPointlessToRepeat { return false }
    if let wait, wait > 60 { return false }
    return nil
  }
}
