// `remora replay`: an application's tests without network, key or cost. It reads no configuration and connects nowhere.

import Config
import Glibc
import HTTP
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
    let addresses = try TapeServer.start(options.listen.isEmpty ? usual : options.listen) { request, reply in
      if !isAlone, request.method == "POST", request.path == "/replay/reset" {
        player.rewind()
        return reply.send(WholeAnswer("ok\n"))
      }
      await player.answer(request, reply)
    }
    if isAlone || options.admin != nil {
      _ = try TapeServer.start([options.admin ?? .tcp(host: "0.0.0.0", port: 4142)]) { request, reply in
        reply.send(answerAdmin(player, request))
      }
    }
    if isAlone {
      Console.error(
        "replay: \(options.directory) at \(addresses.map(\.description).joined(separator: ", "))")
      var number: Int32 = 0
      repeat { unsafe sigwait(&set, &number) } while number == SIGCHLD || number == SIGHUP
      return end(player, options, status: ExitStatus.good)
    }
    let child = try Child(options.command, port: addresses.first?.port ?? 0, hiding: [])
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

  private static func answerAdmin(_ player: Player, _ request: TapeIncoming) -> WholeAnswer {
    if request.method == "POST", request.path == "/replay/reset" {
      guard request.isFromLoopback else { return WholeAnswer("only from this machine\n", status: 403) }
      player.rewind()
      return WholeAnswer("ok\n")
    }
    switch request.path {
    case "/healthz", "/readyz": return WholeAnswer("ok\n")
    case "/metrics":
      var answer = WholeAnswer(player.metrics)
      answer.contentType = "text/plain; version=0.0.4; charset=utf-8"
      return answer
    default: return WholeAnswer("/healthz, /readyz, /metrics, POST /replay/reset\n", status: 404)
    }
  }
}
