// The side that records: passes an exchange on to the proxy behind it, and keeps what the application got. Its loop passes
// on; what is taken apart, looked at and written is so by a thread beside it (TapeWriter.swift).

import Config
import Glibc
import HTTP
import Synchronization
import Tape
import Transport
import Wire

struct RecordOptions: Equatable {
  var directory: String
  var config: String?
  var keepsOld = false
  var keepsErrors = false
  var ignore: [String] = []
  var normalize: [String] = []
  var command: [String] = []
}

/// Passes exchanges on and writes them down. Shared by the loop that passes on and the thread that writes.
final class Recorder: Sendable {
  private struct State {
    /// What was recorded before, by set; only with `keepsOld`.
    var old: [String: TapeLibrary] = [:]
    /// How many of a key were recorded in this run, by set and key.
    var numbers: [String: Int] = [:]
    var written = 0
    var unchanged = 0
    var reused = 0
    /// What was not stored, in words.
    var told: [String] = []
    /// Something that belongs into the directory isn't there: it held a secret, or the disk didn't take it.
    var hasFailed = false
  }

  private let options: RecordOptions
  private let rules: TapeRules
  private let secrets: TapeSecrets
  private let upstream: Endpoint
  private let player: Player?
  private let state = Guarded(State())
  private let writer: TapeWriter
  /// Exchanges that are under way: they are not with the writer yet.
  private let underWay = Atomic<Int>(0)

  /// How much longer an answer is read whose client has left. Some leave with the last event that says something, and
  /// before the end of its framing: what they got is whole.
  private static let afterglow = Interval(seconds: 1)

  init(_ options: RecordOptions, _ rules: TapeRules, _ secrets: TapeSecrets, upstream: Endpoint)
    throws(TapeFault)
  {
    self.options = options
    self.rules = rules
    self.secrets = secrets
    self.upstream = upstream
    player =
      options.keepsOld ? try Player(ReplayOptions(directory: options.directory, exhausted: .fail)) : nil
    writer = try TapeWriter()
    try writer.start { self.keep($0) }
  }

  var hasFailed: Bool { state.withLock { $0.hasFailed } }

  /// What came of it, a line each.
  var summary: [String] {
    state.withLock { state in
      let old = options.keepsOld ? ", \(state.reused) taken from the directory" : ""
      return state.told + [
        "record: \(state.written) written, \(state.unchanged) as they were\(old), \(state.told.count) not stored"
      ]
    }
  }

  /// Waits for what is being written: an application may end as soon as it has the last byte.
  func finish() {
    let deadline = Instant.now + .seconds(5)
    // A disk that takes what it has been given is worth more patience than a provider.
    let patience = deadline + .seconds(25)
    // In short steps: both end by themselves, and there is nothing else to do meanwhile.
    while underWay.load(ordering: .acquiring) > 0 && Instant.now < deadline
      || writer.count > 0 && Instant.now < patience
    { usleep(1000) }
    let late = writer.count
    if late > 0 {
      state.withLock { $0.hasFailed = true }
      tell("\(late) exchanges were not written in time: \(Shown.path(options.directory)) is too slow")
    }
  }

  // MARK: Passing on

  func answer(_ request: TapeIncoming, _ reply: Reply) async {
    underWay.add(1, ordering: .relaxed)
    defer { underWay.subtract(1, ordering: .releasing) }
    if let player, case .recording(let recording) = player.find(request) {
      state.withLock { $0.reused += 1 }
      return await player.play(recording, request, reply)
    }
    let (parker, client) = (reply.connection.parker, reply.connection.socket)
    let dialer = Dialer(on: reply.connection.loop, resolver: Resolver(on: reply.connection.loop))
    guard
      let proxy = try? await dialer.dial(
        upstream, tls: nil, sessions: nil, parker: parker, client: client, until: .now + .seconds(10))
    else { return reply.drop() }
    defer { proxy.close() }
    var out = ByteQueue()
    out.append(head(request))
    out.append(request.body)
    while true {
      guard let isSent = try? proxy.write(from: &out) else { break }
      if isSent { break }
      if client.peerHasClosed { return reply.drop() }
      _ = await parker.park(until: .never)
    }
    var taping = Taping(began: .now)
    await relay(proxy, reply, request, &taping)
    let taken = taping.taken(of: request)
    // The disk is behind. The application has its answer, and may ask again once there is room.
    while !writer.take(taken) { _ = await parker.park(until: .now + .milliseconds(10)) }
  }

  /// The request's head as the proxy behind gets it: of one connection, without a coding, at its own name.
  private func head(_ request: TapeIncoming) -> [UInt8] {
    var out = ByteQueue()
    out.append(
      Array(
        "\(request.method) \(request.target) HTTP/1.\(request.isOld ? 0 : 1)\r\nHost: localhost\r\nConnection: close\r\n"
          .utf8))
    let own: Set = [
      "host", "connection", "keep-alive", "content-length", "transfer-encoding", "expect", "accept-encoding",
      "te", "upgrade",
      "x-remora-recording",
    ]
    for (name, value) in request.fields where !own.contains(name) {
      HeadWriter.field(Array(name.utf8).span, Array(value.utf8).span, to: &out)
    }
    if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
      HeadWriter.field("Content-Length", request.body.count, to: &out)
    }
    HeadWriter.end(to: &out)
    return out.array()
  }

  /// Passes the answer on as it comes.
  private func relay(
    _ proxy: Socket, _ reply: Reply, _ request: TapeIncoming, _ taping: inout Taping
  ) async {
    let connection = reply.connection
    var incoming = ByteQueue()
    var deadline = Instant.never
    while !taping.hasEnded {
      if deadline == .never, reply.isGone || connection.socket.peerHasClosed {
        deadline = .now + Self.afterglow
      }
      if Instant.now >= deadline { break }
      guard let step = try? proxy.read(into: &incoming, ceiling: 64 << 10) else { break }
      switch step {
      case .wouldBlock:
        _ = await connection.parker.park(until: deadline)
        continue
      case .end: taping.end()
      case .bytes: break
      }
      let piece = incoming.array()
      incoming.removeAll()
      let before = taping.hasHead
      if !piece.isEmpty { taping.take(piece, at: .now, isHead: request.method == "HEAD") }
      // The head goes out without what is only of the connection behind.
      if before {
        reply.answer.outbound.append(piece)
      } else if let (status, fields, rest) = taping.takeHead() {
        if request.isOld { reply.close() }
        reply.begin(status, fields)
        reply.end(head: taping.framing)
        // The body goes on in its framing.
        reply.answer.outbound.append(rest)
      }
      await reply.flush()
      if reply.isGone { reply.answer.outbound.removeAll() }
    }
    if !taping.isWhole { reply.drop() }
  }

  // MARK: Keeping

  /// Writes an exchange down, or says why not. Called by the writer's thread.
  private func keep(_ taping: TakenExchange) {
    let request = taping.request
    let what = what(request.request)
    if taping.field("x-remora-error-source") == "remora", !options.keepsErrors {
      return tell("\(what): \(taping.status), refused by Remora itself; --errors stores it")
    }
    guard taping.isWhole else { return tell("\(what): the answer was cut") }
    guard let (body, hasMetadata) = taping.content.parted else { return tell("\(what): more than 8 MiB") }
    let isError = [401, 403, 429].contains(taping.status) || taping.status >= 500
    guard !isError || options.keepsErrors else {
      return tell("\(what): status \(taping.status); --errors stores it")
    }
    guard ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(request.method), request.path != "/healthz",
      request.path != "/"
    else { return }
    let set = request.field("x-remora-recording") ?? ""
    guard set.isEmpty || TapeLibrary.isName(set) else {
      return tell("\(what): x-remora-recording is no name")
    }
    let asked = request.request
    let key = asked.key(rules)
    let headers = TapeAnswer.kept.compactMap { name in taping.field(name).map { (name: name, value: $0) } }
    let answer = TapeAnswer(
      status: taping.status, headers: headers, provider: taping.field("x-remora-provider") ?? "",
      model: taping.field("x-remora-model") ?? "", hasMetadata: hasMetadata, body: body)
    let recording = TapeRecording(asked, key: key, answer)
    if let (member, rule) = secrets.find(recording) {
      state.withLock { $0.hasFailed = true }
      return tell("\(what): not written: \(member) holds a secret (\(rule))")
    }
    write(recording, asked, in: set)
  }

  private func what(_ request: TapeRequest) -> String {
    "\(request.method) \(Shown.text(String(request.path.prefix { $0 != "?" }), ceiling: 120))"
  }

  private func tell(_ line: String) {
    Console.error("record: " + line)
    state.withLock { $0.told.append("record: " + line) }
  }

  private func write(_ recording: TapeRecording, _ request: TapeRequest, in set: String) {
    // What is there already stays, and this comes behind it.
    let old = player?.count(of: recording.key, in: set) ?? 0
    let number = state.withLock { state in
      let place = set + "/" + recording.key
      state.numbers[place, default: 0] += 1
      return state.numbers[place, default: 1] + old
    }
    let directory = options.directory + (set.isEmpty ? "" : "/" + set)
    let name = TapeLibrary.name(request, recording.key, number: number)
    let path = directory + "/" + name
    // What says the same as before stays, with the times of then.
    if let bytes = TapeLibrary.read(path),
      let before = try? TapeRecording(
        file: name, bytes: bytes, beside: { TapeLibrary.read(directory + "/" + $0) }),
      before.answer == recording.answer, before.key == recording.key
    {
      return state.withLock { $0.unchanged += 1 }
    }
    var date = ByteQueue()
    CivilTime.append(rfc3339: Int(clamping: Instant.unixNanoseconds / 1_000_000_000), into: &date)
    let binaryName = String(name.dropLast(5)) + ".bin"
    let (file, binary) = recording.bytes(date: String(date.bytes.text().prefix(10)), binaryName: binaryName)
    do throws(SystemFault) {
      try WholeFile.makeDirectory(directory)
      if !set.isEmpty, !rules.isEmpty {
        try WholeFile.replace(directory + "/" + TapeRules.fileName, with: rules.file)
      }
      if let binary { try WholeFile.replace(directory + "/" + binaryName, with: binary) }
      try WholeFile.replace(path, with: file)
      state.withLock { $0.written += 1 }
    } catch {
      state.withLock { $0.hasFailed = true }
      tell("\(what(request)): not written: \(Shown.path(path)): \(error.reason)")
    }
  }
}
