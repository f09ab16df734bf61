// Gives the requests of one upstream what they show it: at once while it has something valid in hand, otherwise
// after asking for it. One question at a time; who needs the answer waits at its own parker with its own deadline.
//
// What is in hand is replaced ahead of its end, while it goes on serving. A service that fails is asked again later
// and later, and until then everybody is told what was wrong, without a wait.

internal import Config
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// Something that is valid, for a while. A reference, so that a refusal can be laid at its door and no other's.
final class Grant {
  let proof: Proof
  fileprivate let since: Instant
  fileprivate let refreshAt: Instant
  fileprivate let until: Instant
  /// The key of the day in the signer's time.
  fileprivate var dayKey: SigV4.DayKey?

  fileprivate init(_ proof: Proof, since: Instant, refreshAt: Instant = .never, until: Instant = .never) {
    self.proof = proof
    self.since = since
    self.refreshAt = refreshAt
    self.until = until
  }
}

/// An upstream's credentials on one worker. Confined to its loop.
final class CredentialSource {
  /// What somebody who asks is told.
  enum Step {
    case granted(Grant)
    /// Wait at the parker that was given, then ask again.
    case pending
    case refused(CredentialFault)
  }

  private static let firstPause = Duration.seconds(1)
  private static let lastPause = Duration.seconds(60)
  /// A grant that is younger than this is not given up because of a refusal: another would be refused too, and the
  /// service would be asked for each request.
  private static let least = Duration.seconds(10)
  /// Seconds for which the clock may be wrong before a signature is refused (SigV4: 5 minutes).
  private static let skew = 240

  let name: String
  let plan: CredentialPlan
  private let loop: Loop
  private let dialer: Dialer
  private let clock: () -> Instant
  private var grant: Grant?
  private var isAsking = false
  private var waiting: [ObjectIdentifier: Parker] = [:]
  private var fault: CredentialFault?
  private var failures = 0
  private var nextTry: Instant?
  /// What must be added to this machine's clock, in seconds, to have the cloud's.
  private(set) var clockOffset = 0

  /// - Parameter clock: the loop's own; tests bring another.
  init(
    _ name: String, _ plan: CredentialPlan, on loop: Loop, dialer: Dialer, clock: (() -> Instant)? = nil
  ) {
    self.name = name
    self.plan = plan
    self.loop = loop
    self.dialer = dialer
    self.clock = clock ?? { loop.now }
    if case .given(let proof) = plan.origin { grant = Grant(proof, since: self.clock()) }
  }

  /// Seconds since 1970, as the cloud counts them.
  var cloudTime: Int { Int(clamping: Instant.unixNanoseconds / 1_000_000_000) + clockOffset }

  /// Gives what is in hand, or says what to do.
  ///
  /// - Parameter parker: is signalled when it makes sense to ask again; only after `pending`.
  func ask(_ parker: Parker?) -> Step {
    if let grant, clock() < grant.until {
      if clock() >= grant.refreshAt { begin() }
      return .granted(grant)
    }
    grant = nil
    begin()
    if isAsking {
      if let parker { waiting[ObjectIdentifier(parker)] = parker }
      return .pending
    }
    return .refused(fault ?? CredentialFault(message: "there are no credentials"))
  }

  /// Nobody waits at `parker` any more.
  func forget(_ parker: Parker) { waiting[ObjectIdentifier(parker)] = nil }

  /// The upstream refused what `grant` shows: it is given up if it is still in hand, and old enough.
  ///
  /// - Returns: whether asking again may give something else.
  func giveUp(_ refused: Grant) -> Bool {
    guard let grant, grant === refused else { return true }
    guard case .asked = plan.origin, clock() >= grant.since + Self.least else { return false }
    self.grant = nil
    return true
  }

  /// The files that hold the keys of a source which was given some hold others by now.
  func take(_ keys: AWSKeys) { grant = Grant(.keys(keys), since: clock()) }

  /// The upstream refused a signature and said what its clock says.
  ///
  /// - Returns: whether that was so far from ours that another signature would be a better one.
  func hasLearned(date: Int) -> Bool {
    guard plan.scope != nil, abs(date - cloudTime) > Self.skew else { return false }
    clockOffset += date - cloudTime
    Log.write(
      .warn, "this machine's clock is wrong; signatures use the provider's", .text("provider", name),
      .number("offset_seconds", clockOffset))
    return true
  }

  // MARK: Asking

  private func begin() {
    guard !isAsking, case .asked(let service) = plan.origin else { return }
    if let nextTry, clock() < nextTry { return }
    isAsking = true
    let here = Confined(self)
    loop.start { _ in await here.value.run(service) }
  }

  private func run(_ service: any TokenService) async {
    let parker = Parker(on: loop)
    defer { parker.retire() }
    do throws(CredentialFault) {
      succeed(try await earn(service, parker))
    } catch { fail(error) }
    isAsking = false
    let waiting = self.waiting
    self.waiting.removeAll()
    for parker in waiting.values { parker.signal() }
  }

  private func earn(_ service: any TokenService, _ parker: Parker) async throws(CredentialFault) -> Earned {
    let request = try service.request(now: cloudTime)
    let place = request.place
    let answer: FetchAnswer
    do throws(FetchFault) {
      answer = try await Fetch.run(
        request, over: .own(dialer, within: Deadline.credentialConnect), parker: parker,
        until: loop.now + Deadline.credential)
    } catch { throw CredentialFault(error, at: place) }
    if let date = answer.date, abs(date - cloudTime) > Self.skew { clockOffset += date - cloudTime }
    guard answer.status == 200 else { throw service.fault(answer) }
    let earned = try service.read(answer, now: cloudTime)
    guard earned.lifetime > 0 else { throw service.malformed("what it gave has expired already") }
    return earned
  }

  private func succeed(_ earned: Earned) {
    if failures > 0 { Log.write(.info, "credentials can be had again", .text("provider", name)) }
    fault = nil
    failures = 0
    nextTry = nil
    // Longer than a day is nobody's intention; what is near its end may end on its way.
    let life = min(earned.lifetime, 86_400)
    let margin = Duration.milliseconds(min(30_000, life * 100))
    let now = clock()
    grant = Grant(
      earned.proof, since: now, refreshAt: now + .milliseconds(life * 800),
      until: now + (.seconds(life) - margin))
  }

  private func fail(_ fault: CredentialFault) {
    self.fault = fault
    failures = min(failures + 1, 16)
    var pause = Self.firstPause
    for _ in 1..<failures where pause < Self.lastPause { pause = pause * 2 }
    nextTry = clock() + min(pause, Self.lastPause)
    Log.write(
      .warn, "no credentials for a provider", .text("provider", name), .text("reason", fault.message),
      .truth("still_valid", grant != nil))
  }
}

// MARK: - Signing

extension CredentialSource {
  /// Appends the header lines that show `grant`.
  ///
  /// - Parameter request: what is signed, where the proof signs.
  /// - Returns: false where nothing could be signed.
  func append(
    _ grant: Grant, signing request: SigV4.Request?, into head: inout ByteQueue
  ) -> Bool {
    switch grant.proof {
    case .bearer(let token):
      head.append("authorization: Bearer ")
      head.append(secret: token.bytes)
      head.append("\r\n")
      return true
    case .keys(let keys):
      guard let scope = plan.scope, let request else { return false }
      var text = ByteQueue()
      CivilTime.appendCompact(unixSeconds: cloudTime, into: &text)
      let time = text.array()
      if grant.dayKey?.day.elementsEqual(time.prefix(8)) != true {
        grant.dayKey = SigV4.DayKey(keys.secretAccessKey, time: time, scope: scope)
      }
      guard let dayKey = grant.dayKey else { return false }
      return SigV4.sign(request, keys: keys, time: time, scope: scope, dayKey: dayKey, into: &head)
    }
  }
}
