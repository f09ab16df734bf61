// `remora replay DIR --verify`: asks the providers once more what was recorded, and says where their answers are made
// otherwise now. It costs what recording did, and writes nothing.

import Config
import Glibc
import Proxy
import Tape
import Transport
import Wire

enum VerifyCommand {
  static func run(_ options: ReplayOptions) -> Int32 {
    guard let start = Serve.begin(options.config) else { return ExitStatus.bad }
    let (loaded, environment) = (start.loaded, start.environment)
    var settings = start.settings
    settings.listen = [ListenEntry(address: .tcp(host: "127.0.0.1", port: 0))]
    settings.admin = .tcp(host: "127.0.0.1", port: 0)
    settings.telemetry.accessLog = .off
    settings.telemetry.level = .warn
    let session: VerifySession
    do throws(TapeFault) { session = VerifySession(try Self.sets(options.directory)) } catch {
      Console.complain("replay: \(error.message)")
      return ExitStatus.bad
    }
    let status = Server.run(
      settings, environment: environment, configDigest: Digest.sha256(loaded.bytes),
      warnings: loaded.warnings.map(\.description)
    ) { addresses in
      // The loop must go on turning while the answers are awaited.
      if !Thread.detached({ session.run(addresses.proxy.first ?? "") }) {
        session.fail("the system has no thread to give")
      }
    }
    return session.end(status)
  }

  /// The recordings of the directory itself, and of each set below it.
  private static func sets(_ directory: String) throws(TapeFault) -> [(name: String, library: TapeLibrary)] {
    var sets = [(name: "", library: try TapeLibrary(reading: directory))]
    for name in TapeLibrary.names(directory) where TapeLibrary.isName(name) && !name.hasSuffix(".json") {
      let library = try TapeLibrary(reading: directory + "/" + name)
      if library.count > 0 { sets.append((name, library)) }
    }
    return sets
  }
}

/// Asks for one recording after another.
private final class VerifySession: Sendable {
  private struct State {
    var asked = 0
    var drifted = 0
    var skipped = 0
    /// Nil until all is asked.
    var status: Int32?
  }

  private let sets: [(name: String, library: TapeLibrary)]
  private let state = Guarded(State())

  init(_ sets: [(name: String, library: TapeLibrary)]) { self.sets = sets }

  func run(_ proxy: String) {
    do throws(Failure) { try ask(proxy) } catch { return fail(error.message) }
    state.withLock { $0.status = $0.drifted > 0 ? ExitStatus.bad : ExitStatus.good }
    kill(getpid(), SIGTERM)
  }

  func fail(_ message: String) {
    Console.complain("replay: \(message)")
    state.withLock { $0.status = ExitStatus.bad }
    kill(getpid(), SIGTERM)
  }

  /// Says what came of it, once the proxy has ended with `status`.
  func end(_ status: Int32) -> Int32 {
    let state = state.withLock { $0 }
    let rest = state.skipped > 0 ? ", \(state.skipped) not asked" : ""
    Console.error("replay: \(state.asked) asked again, \(state.drifted) answered otherwise\(rest)")
    // Ended by a signal before it was through: nothing was shown.
    return state.status ?? (status == ExitStatus.good ? ExitStatus.bad : status)
  }

  private func ask(_ proxy: String) throws(Failure) {
    guard case .tcp(let host, let port)? = Config.Address.parse(proxy),
      let upstream = Transport.Address(ip: host, port: UInt16(clamping: port))
    else { throw Failure("the proxy listens nowhere") }
    for (name, library) in sets {
      for recording in library.recordings {
        let file = name.isEmpty ? recording.file : "\(name)/\(recording.file)"
        if let reason = Self.obstacle(to: recording) {
          state.withLock { $0.skipped += 1 }
          Console.error("replay: \(file): not asked: \(reason)")
          continue
        }
        let answer: TapeAnswer
        do throws(SystemFault) { answer = try Self.answer(to: recording, upstream) } catch {
          throw Failure("\(file): \(error.reason)")
        }
        let (broken, new) = TapeShape.drift(from: recording.answer, to: answer)
        state.withLock { state in
          state.asked += 1
          if !broken.isEmpty { state.drifted += 1 }
        }
        if !broken.isEmpty { Console.error("replay: \(file): \(broken.joined(separator: "; "))") }
        if !new.isEmpty { Console.error("replay: \(file): new: \(new.joined(separator: ", "))") }
      }
    }
  }

  /// Why a recording can't be asked for once more; nil where it can.
  private static func obstacle(to recording: TapeRecording) -> String? {
    let status = recording.answer.status
    if [401, 403, 429].contains(status) || status >= 500 { return "its answer was \(status)" }
    return recording.bodyToAsk == nil ? "what was sent isn't kept, only its hash" : nil
  }

  private static func answer(
    to recording: TapeRecording, _ upstream: Transport.Address
  ) throws(SystemFault) -> TapeAnswer {
    let connection = try BlockingConnection(toOneOf: [upstream], until: .now + .seconds(86_400))
    let body = recording.bodyToAsk ?? []
    var fields = [("Host", "localhost"), ("Connection", "close")]
    if !body.isEmpty { fields.append(("Content-Type", "application/json")) }
    if recording.method != "GET" { fields.append(("Content-Length", String(body.count))) }
    fields += recording.headers
    if recording.path.hasPrefix("/v1/messages"), !fields.contains(where: { $0.0 == "anthropic-version" }) {
      fields.append(("anthropic-version", "2023-06-01"))
    }
    let head = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
    try connection.send(Array("\(recording.method) \(recording.path) HTTP/1.1\r\n\(head)\r\n".utf8) + body)
    var taping = Taping(began: .now)
    while !taping.hasEnded {
      let piece = try connection.receive()
      if piece.isEmpty { taping.end() } else { taping.take(piece, isHead: recording.method == "HEAD") }
    }
    let said = taping.field("content-type").map { [(name: "content-type", value: $0)] } ?? []
    return TapeAnswer(
      status: taping.status, headers: said, provider: "", model: "", hasMetadata: false,
      body: taping.body ?? .raw([]))
  }
}
