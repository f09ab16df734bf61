// Room for a new client where there are as many as there may be (HTTP/Roll.swift), and what is said of it.

internal import HTTP
internal import Telemetry
internal import Transport

/// How many newcomers have found one port full; the log is told once in a while.
struct Crowd {
  /// What is said of those for which there was room in the end, and of those for which there was none: the one line
  /// keeps the other quiet no longer than itself.
  private struct Line {
    var isQuietUntil = Instant(nanoseconds: 0)
    var count = 0
  }
  private var closed = Line()
  private var waiting = Line()
  /// Between two lines of the log.
  static let pause = Interval(seconds: 60)

  /// One more; `isClosed`: a silent client was closed for it.
  ///
  /// - Returns: how many there were of this kind since its last line, where it is time for another.
  mutating func count(isClosed: Bool, at now: Instant) -> Int? {
    isClosed ? Self.count(&closed, at: now) : Self.count(&waiting, at: now)
  }

  private static func count(_ line: inout Line, at now: Instant) -> Int? {
    line.count += 1
    guard now >= line.isQuietUntil else { return nil }
    defer { line = Line(isQuietUntil: now + pause) }
    return line.count
  }
}

extension WorkerState {
  /// Whether the port has as many clients as it may.
  func isFull(_ role: Entrance.Role) -> Bool {
    switch role {
    case .admin: rolls.admin.staying >= Ceiling.adminClients
    // One more than this is accepted before the listeners wait.
    case .proxy: rolls.proxy.staying >= clientCeiling - 1
    }
  }

  /// Closes the client of this port that has been silent longest.
  ///
  /// - Returns: false where every one is busy, or has just come.
  func makeRoom(_ role: Entrance.Role) -> Bool {
    // A probe speaks as soon as it is connected. The applications' clients of a burst may only be about to.
    let latest = role == .admin ? loop.now : loop.now - Deadline.silence
    guard rolls[role].makeRoom(silentSince: latest) else { return false }
    shard.evicted(role.port)
    return true
  }

  /// Says, once in a while, that a port is full.
  func noteCrowd(_ role: Entrance.Role, isClosed: Bool) {
    guard let found = room.crowd[role].count(isClosed: isClosed, at: loop.now) else { return }
    let count = rolls[role].count
    if isClosed {
      Log.write(
        .warn, "closed the clients that were silent longest, to make room for others",
        .text("port", "\(role.port.name)"), .number("connections", count), .number("closed", found))
    } else {
      Log.write(
        .warn,
        role == .admin
          ? "there are as many clients as there may be, all at work; others are sent away"
          : "there are as many clients as there may be, all at work or just come; others wait",
        .text("port", "\(role.port.name)"), .number("connections", count), .number("found_full", found))
    }
  }
}

/// Who waits for room, and who is told of it.
struct PortRoom {
  var crowd = Ports(Crowd())
  /// Called when there is room for a connection again.
  var onRoom: (() -> Void)?
  /// When it is worth it again to look for a client that makes room for a call (Memory.swift).
  var lookAt = Instant(nanoseconds: 0)
}

/// One thing for each port.
struct Ports<Value> {
  var proxy: Value
  var admin: Value

  init(_ make: @autoclosure () -> Value) {
    proxy = make()
    admin = make()
  }

  subscript(role: Entrance.Role) -> Value {
    get { role == .admin ? admin : proxy }
    set { if role == .admin { admin = newValue } else { proxy = newValue } }
  }
}

extension Entrance.Role {
  /// As the metrics name it.
  var port: Port { self == .admin ? .admin : .proxy }
}
