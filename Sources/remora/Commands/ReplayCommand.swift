// `remora replay`: an application's tests without network, key or cost. It reads no configuration and connects nowhere.

import Config
import Glibc
import Tape
import Transport
import Wire

enum ReplayCommand {
  static func run(_ options: ReplayOptions) -> Int32 {
    signal(SIGPIPE, SIG_IGN)
    // Before any thread starts, so that all of them leave signals to this one.
    let signals = [SIGTERM, SIGINT, SIGHUP, SIGCHLD]
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for number in signals { unsafe sigaddset(&set, number) }
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    do throws(TapeFault) {
      let player = try Player(options)
      do throws(Failure) { return try serve(player, options, &set) } catch {
        Console.complain("replay: \(error.message)")
      }
    } catch { Console.complain("replay: \(error.message)") }
    return ExitStatus.bad
  }

  private static func serve(_ player: Player, _ options: ReplayOptions, _ set: inout sigset_t) throws(Failure)
    -> Int32
  {
    let isAlone = options.command.isEmpty
    // Beside a command, any port: several suites may run at once.
    let usual =
      isAlone
      ? [Config.Address.tcp(host: "127.0.0.1", port: 4141), .tcp(host: "::1", port: 4141)]
      : [.tcp(host: "127.0.0.1", port: 0)]
    let server = try TapeServer(options.listen.isEmpty ? usual : options.listen)
    try server.serve { request, connection throws(SystemFault) in
      if !isAlone, request.method == "POST", request.path == "/replay/reset" {
        return try reset(player, request, connection)
      }
      return try player.answer(request, connection)
    }
    if isAlone || options.admin != nil {
      let admin = try TapeServer([options.admin ?? .tcp(host: "0.0.0.0", port: 4142)])
      try admin.serve { request, connection throws(SystemFault) in
        try answerAdmin(player, request, connection)
      }
    }
    if isAlone {
      Console.error(
        "replay: \(options.directory) at \(server.addresses.map(\.description).joined(separator: ", "))")
      var number: Int32 = 0
      repeat { unsafe sigwait(&set, &number) } while number == SIGCHLD || number == SIGHUP
      return end(player, options, status: ExitStatus.good)
    }
    let child = try Child(options.command, port: server.addresses.first?.port ?? 0, hiding: [])
    return end(player, options, status: wait(for: child, &set), isTest: true)
  }

  /// Passes signals on until the command has ended.
  static func wait(for child: Child, _ set: inout sigset_t) -> Int32 {
    while true {
      if let status = child.ended() { return status }
      var number: Int32 = 0
      unsafe sigwait(&set, &number)
      if number != SIGCHLD { child.signal(number) }
    }
  }

  /// Says what came of it; a test that missed something has failed, whatever it made of that.
  private static func end(_ player: Player, _ options: ReplayOptions, status: Int32, isTest: Bool = false)
    -> Int32
  {
    Console.error(player.summary)
    let (missed, unused) = player.missedAndUnused
    if status == ExitStatus.good, isTest && missed > 0 || options.unused == .fail && !unused.isEmpty {
      return ExitStatus.bad
    }
    return status
  }

  private static func reset(
    _ player: Player, _ request: TapeIncoming, _ connection: borrowing BlockingConnection
  ) throws(SystemFault) -> Bool {
    player.rewind()
    try connection.send(TapeReply.whole(200, "text/plain; charset=utf-8", Array("ok\n".utf8)))
    return true
  }

  private static func answerAdmin(
    _ player: Player, _ request: TapeIncoming, _ connection: borrowing BlockingConnection
  ) throws(SystemFault) -> Bool {
    if request.method == "POST", request.path == "/replay/reset" {
      guard connection.isFromLoopback else {
        try connection.send(
          TapeReply.whole(403, "text/plain; charset=utf-8", Array("only from this machine\n".utf8)))
        return true
      }
      return try reset(player, request, connection)
    }
    let isHead = request.method == "HEAD"
    switch request.path {
    case "/healthz", "/readyz":
      try connection.send(
        TapeReply.whole(200, "text/plain; charset=utf-8", Array("ok\n".utf8), isHead: isHead))
    case "/metrics":
      try connection.send(
        TapeReply.whole(
          200, "text/plain; version=0.0.4; charset=utf-8", Array(player.metrics.utf8), isHead: isHead))
    default:
      try connection.send(
        TapeReply.whole(
          404, "text/plain; charset=utf-8", Array("/healthz, /readyz, /metrics, POST /replay/reset\n".utf8),
          isHead: isHead))
    }
    return true
  }
}
