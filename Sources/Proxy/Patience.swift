// How long an answer may be silent, how long its client may take nothing, and when the client is shown that the answer
// is still under way. Instants and what follows from them; no clock of its own.

internal import Transport

/// The deadlines of an answer under way.
struct Patience {
  /// What a wait has come to.
  enum Verdict: Equatable {
    /// The upstream has sent nothing for too long.
    case silence
    /// The client has taken nothing of what it was sent for too long.
    case stalledClient
    /// The client was sent nothing for the heartbeat's time.
    case beat
  }

  /// When the upstream was last heard of, or had a reason to be silent.
  private(set) var heardAt = Instant.never
  /// When the client was last sent something of its own, or began to wait.
  private(set) var toldAt = Instant.never
  /// What the client takes of it.
  private(set) var uptake: Uptake

  init() { uptake = Uptake(limit: Deadline.stalledClient, at: .never) }

  /// The answer begins.
  ///
  /// - Parameter stalled: how long the client may take nothing.
  init(at now: Instant, stalled: Interval) {
    heardAt = now
    toldAt = now
    uptake = Uptake(limit: stalled, at: now)
  }

  /// The upstream was heard of, or has a reason to be silent.
  mutating func heard(at now: Instant) { heardAt = now }
  /// The client was sent something; `isTaken`: the kernel has taken some of it.
  mutating func sent(isTaken: Bool = true, at now: Instant) {
    if isTaken { toldAt = now }
    uptake.sent(at: now)
  }
  /// The client has got so far; asked for before `verdict`.
  mutating func note(_ progress: Progress, isBacklogged: Bool, at now: Instant) {
    uptake.note(progress, waits: isBacklogged, at: now)
  }

  /// When the wait ends that begins now.
  ///
  /// - Parameters:
  ///   - idle: how long the upstream may be silent.
  ///   - beats: after how long without a byte the client gets a heartbeat; nil where it gets none.
  ///   - isBacklogged: something waits for the client that it doesn't take.
  ///   - isFull: so much of it waits that the upstream isn't read, and isn't to blame for its silence.
  func until(idle: Interval, beats: Interval?, isBacklogged: Bool, isFull: Bool) -> Instant {
    let until = min(uptake.lookAt, isFull ? Instant.never : heardAt + idle)
    guard let beats, !isBacklogged else { return until }
    return min(until, toldAt + beats)
  }

  /// What is over at `now`; nil where nothing is. The parameters are those of `until`.
  func verdict(at now: Instant, idle: Interval, beats: Interval?, isBacklogged: Bool, isFull: Bool)
    -> Verdict?
  {
    if uptake.isStalled(at: now) { return .stalledClient }
    if !isFull, now >= heardAt + idle { return .silence }
    // What waits for the client shows it already.
    if let beats, !isBacklogged, now >= toldAt + beats { return .beat }
    return nil
  }
}

/// How long a worker is patient with its clients.
struct ClientPatience {
  /// Silence in a stream after which a comment shows that it lives.
  var heartbeat = Deadline.heartbeat
  /// How long a client may take nothing of its answer.
  var stalled = Deadline.stalledClient
  /// How long one may stop in the middle of its request while the process is about to end.
  var unfinished = Deadline.unfinished
}
