// The side that records: passes an exchange on to the proxy behind it, and keeps what the application got.

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

/// Passes exchanges on and writes them down. Shared by the threads of all connections.
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
    var hasSecret = false
  }

  private let options: RecordOptions
  private let rules: TapeRules
  private let secrets: TapeSecrets
  private let upstream: Endpoint
  private let player: Player?
  private let state = Guarded(State())
  /// Exchanges that are under way or being written.
  private let underWay = Atomic<Int>(0)

  /// Larger ones are passed on and not kept.
  private static let ceiling = 8 << 20

  init(_ options: RecordOptions, _ rules: TapeRules, _ secrets: TapeSecrets, upstream: Endpoint)
    throws(TapeFault)
  {
    self.options = options
    self.rules = rules
    self.secrets = secrets
    self.upstream = upstream
    player =
      options.keepsOld ? try Player(ReplayOptions(directory: options.directory, exhausted: .fail)) : nil
  }

  var hasSecret: Bool { state.withLock { $0.hasSecret } }

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
    // In short steps: each thread ends by itself, and there is nothing else to do meanwhile.
    while underWay.load(ordering: .acquiring) > 0, Instant.now < deadline { usleep(1000) }
  }

  // MARK: Passing on

  func answer(_ request: TapeIncoming, _ reply: Reply) async {
    underWay.add(1, ordering: .relaxed)
    defer { underWay.subtract(1, ordering: .releasing) }
    if let player, case .recording(let recording) = player.find(request) {
      state.withLock { $0.reused += 1 }
      return await player.play(recording, request, reply)
    }
    let parker = reply.connection.parker
    let dialer = Dialer(on: reply.connection.loop, resolver: Resolver(on: reply.connection.loop))
    guard
      let proxy = try? await dialer.dial(
        upstream, tls: nil, sessions: nil, parker: parker, client: nil, until: .now + .seconds(10))
    else { return reply.drop() }
    defer { proxy.close() }
    var out = ByteQueue()
    out.append(head(request))
    out.append(request.body)
    while true {
      guard let isSent = try? proxy.write(from: &out) else { break }
      if isSent { break }
      _ = await parker.park(until: .never)
    }
    var taping = Taping(began: .now)
    await relay(proxy, reply, request, &taping)
    keep(request, taping)
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

  /// Passes the answer on as it comes; a piece is sent before it is kept.
  private func relay(
    _ proxy: Socket, _ reply: Reply, _ request: TapeIncoming, _ taping: inout Taping
  ) async {
    var incoming = ByteQueue()
    while !taping.hasEnded, !reply.isGone {
      guard let step = try? proxy.read(into: &incoming, ceiling: 64 << 10) else { break }
      switch step {
      case .wouldBlock:
        _ = await reply.connection.parker.park(until: .never)
        if reply.connection.socket.hasFailed { return reply.drop() }
        continue
      case .end: taping.end()
      case .bytes: break
      }
      let piece = incoming.array()
      incoming.removeAll()
      let before = taping.hasHead
      if !piece.isEmpty { taping.take(piece, isHead: request.method == "HEAD") }
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
    }
    if !taping.isWhole { reply.drop() }
  }

  // MARK: Keeping

  private func keep(_ request: TapeIncoming, _ taping: borrowing Taping) {
    let what = "\(request.method) \(Shown.text(request.path))"
    if taping.field("x-remora-error-source") == "remora" {
      return tell("\(what): \(taping.status), refused by Remora itself")
    }
    guard taping.isWhole else { return tell("\(what): the answer was cut") }
    guard let body = taping.body else { return tell("\(what): more than 8 MiB") }
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
      model: taping.field("x-remora-model") ?? "", hasMetadata: taping.hasMetadata(body), body: body)
    let recording = TapeRecording(asked, key: key, answer)
    if let (member, rule) = secrets.find(recording) {
      state.withLock { $0.hasSecret = true }
      return tell("\(what): not written: \(member) holds a secret (\(rule))")
    }
    write(recording, asked, in: set)
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
    } catch { tell("\(Shown.path(path)): can't be written: \(error.reason)") }
  }
}

/// What has come of an answer, and what it says.
struct Taping: ~Copyable {
  private(set) var status = 0
  private var fields: [(name: String, value: String)] = []
  private(set) var hasEnded = false
  private(set) var isWhole = false
  private var isEvents = false
  private var isTooLarge = false
  private var waiting = ByteQueue()
  private var content = ByteQueue()
  private var flow = BodyFlow(.none)
  private(set) var framing = Framing.none
  private var scanner = HeadScanner(for: .upstream)
  private var decoder = EventDecoder()
  private var events: [TapeEvent] = []
  private var metadata = false
  private var last: Instant
  /// What came with the head, framing and all.
  private var rest: [UInt8] = []
  private var hasGivenHead = false

  var hasHead: Bool { hasGivenHead }

  init(began: Instant) { last = began }

  func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

  mutating func take(_ piece: [UInt8], isHead: Bool) {
    waiting.append(piece)
    if status == 0, !readHead(isHead) { return }
    do throws(BodyFault) { try flow.take(&waiting, into: &content, limit: .max) } catch {
      hasEnded = true
      return
    }
    if isEvents { takeEvents() }
    if content.count > 8 << 20 {
      isTooLarge = true
      content.removeAll()
    }
    if flow.hasEnded {
      hasEnded = true
      isWhole = true
    }
  }

  /// The connection has ended.
  mutating func end() {
    hasEnded = true
    isWhole = isWhole || (status != 0 && flow.mayEndHere)
  }

  private mutating func readHead(_ isHead: Bool) -> Bool {
    while true {
      var head = ResponseHead()
      let bytes = waiting.array()
      guard let size = (try? head.read(bytes.span, &scanner)) ?? nil else { return false }
      if head.isInterim {
        waiting.consume(size)
        scanner.reset()
        continue
      }
      status = head.status
      fields = head.fields.map { field in
        (
          waiting.bytes.extracting(field.name).text().lowercased(),
          waiting.bytes.extracting(field.value).text()
        )
      }
      framing = (try? head.framing(toMethod: isHead ? .head : .get)) ?? .none
      flow = BodyFlow(framing)
      isEvents = field("content-type")?.lowercased().hasPrefix("text/event-stream") == true
      waiting.consume(size)
      rest = waiting.bytes.array()
      return true
    }
  }

  /// The head as the application gets it, with what came behind it; nil where it isn't whole yet.
  mutating func takeHead() -> (status: Int, fields: [(String, String)], rest: [UInt8])? {
    guard status != 0, !hasGivenHead else { return nil }
    hasGivenHead = true
    var own = ["connection", "keep-alive"]
    // The length of a body that isn't sent, for HEAD, is the provider's word.
    if framing != .none { own += ["content-length", "transfer-encoding"] }
    let shown = fields.filter { !own.contains($0.name) }.map { ($0.name, $0.value) }
    return (status, shown, rest)
  }

  private mutating func takeEvents() {
    var at = 0
    let now = Instant.now
    // A copy of what isn't a whole event yet: what has been taken is gone from it.
    let text = content.array()
    while case .event(let event)? = try? decoder.next(text.span, from: at) {
      at = event.whole.upperBound
      guard event.dataLines > 0 else { continue }
      var data = ByteQueue()
      EventDecoder.data(of: event, in: text.span, into: &data)
      let name = event.name.map { String(decoding: text[$0], as: UTF8.self) } ?? ""
      let bytes = data.array()
      if events.isEmpty, let tree = JSONTree.parse(bytes), tree["x_remora"] != nil { metadata = true }
      events.append(TapeEvent(gap: now.nanoseconds(since: last) / 1_000_000, data: bytes, name: name))
      last = now
    }
    content.consume(at)
  }

  /// Nil where it is too large to keep.
  var body: TapeAnswer.Body? {
    if isTooLarge { return nil }
    if isEvents { return .events(events) }
    let isJSON = field("content-type")?.lowercased().contains("json") == true
    return TapeAnswer.body(of: content.array(), isJSON: isJSON).body
  }

  func hasMetadata(_ body: TapeAnswer.Body) -> Bool {
    if isEvents { return metadata }
    return TapeAnswer.body(of: content.array(), isJSON: true).hasMetadata
  }
}
