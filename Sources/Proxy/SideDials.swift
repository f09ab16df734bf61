// Connections to other targets, made while one is slow to come: the first that is up is asked. Which target is dialed when
// is decided in Policy/DialRace.swift.

internal import HTTP
internal import Policy
internal import Transport

/// The dials beside that of one try. Confined to its loop, and over with the try's own dial.
final class SideDials: Asker {
  private let attempt: Attempt
  private let tries: Tries
  private var race: DialRace
  private var under: [Side] = []
  private var isOver = false
  /// `end` takes it back, so that it never outlives this.
  private lazy var alarm = Alarm { [unowned self] in turn() }

  /// One dial. Its end is waited for by its own task alone.
  private final class Side: Asker {
    let parker: Parker
    var hasLeft = false

    init(_ parker: Parker) { self.parker = parker }
  }

  init(_ tries: Tries, _ attempt: Attempt) {
    self.attempt = attempt
    self.tries = tries
    race = DialRace(
      tries.others, most: tries.triesLeft, now: attempt.now.nanoseconds,
      deadline: tries.deadline == .never ? .max : tries.deadline.nanoseconds)
    look()
  }

  /// The try's own dial is no longer wanted: the client is gone, or another target was faster.
  var hasLeft: Bool { race.winner != nil || attempt.connection.socket.peerHasClosed }

  /// The target that was faster.
  var winner: Int? { race.winner }

  /// Ends with the try's own dial. What is still under way is closed.
  func end() {
    isOver = true
    attempt.loop.disarm(alarm)
    for side in under {
      side.hasLeft = true
      side.parker.signal()
    }
    under.removeAll()
  }

  private func turn() {
    if isOver { return }
    while let place = race.turn(at: attempt.now.nanoseconds) { dial(place) }
    look()
  }

  private func look() {
    attempt.loop.arm(alarm, at: race.due == .max ? .never : Instant(nanoseconds: race.due))
  }

  private func dial(_ place: Int) {
    // What answers inside Remora needs no connection, and one that is kept is up.
    guard let pool = attempt.lineup.pools[tries.plan[place].providerIndex], pool.idleCount == 0 else {
      return connected(place)
    }
    let side = Side(Parker(on: attempt.loop))
    under.append(side)
    let here = Confined((self, side, pool, place))
    attempt.loop.start { _ in
      let (dials, side, pool, place) = here.value
      await dials.run(side, pool, place)
    }
  }

  private func run(_ side: Side, _ pool: Pool, _ place: Int) async {
    defer { side.parker.retire() }
    let lease = try? await pool.lease(.any, parker: side.parker, client: side)
    // Its place in the pool is where the request finds it.
    if let lease { if isOver { pool.discard(lease.socket) } else { pool.giveBack(lease.socket) } }
    if isOver { return }
    under.removeAll { $0 === side }
    if lease == nil {
      race.failed(at: attempt.now.nanoseconds)
      turn()
    } else {
      connected(place)
    }
  }

  private func connected(_ place: Int) {
    guard race.connected(place, at: attempt.now.nanoseconds) else { return }
    tries.isOvertaken(by: place)
    attempt.connection.parker.signal()
  }
}
