// The side that replays: finds the recording of a request, and gives it as it came.

import Config
import HTTP
import Tape
import Transport
import Wire

struct ReplayOptions: Equatable {
  enum Exhausted: String, CaseIterable { case `repeat`, fail }
  enum Unused: String, CaseIterable { case ignore, fail }
  var directory: String
  /// What gaps between events are multiplied by: 0, as fast as can be.
  var pace = 0.0
  var exhausted = Exhausted.repeat
  var unused = Unused.ignore
  var listen: [Config.Address] = []
  var admin: Config.Address?
  var command: [String] = []
  /// Asks the providers once more, and compares.
  var verifies = false
  /// Only to ask them.
  var config: String?
}

/// Answers from recordings. Shared by the loops of the server and of its admin port, and by the thread that says in the end
/// what came of it.
final class Player: Sendable {
  private struct State {
    var libraries: [String: TapeLibrary] = [:]
    var served = 0
    var missed = 0
  }

  private let options: ReplayOptions
  private let state: Guarded<State>

  /// Reads what is there; a set of its own is read when it is asked for.
  init(_ options: ReplayOptions) throws(TapeFault) {
    self.options = options
    var state = State()
    state.libraries[""] = try TapeLibrary(reading: options.directory)
    self.state = Guarded(state)
  }

  var isMissing: Bool { state.withLock { $0.missed > 0 } }
  var missedAndUnused: (missed: Int, unused: [String]) {
    state.withLock { state in
      let unused = state.libraries.sorted { $0.key < $1.key }.flatMap { name, library in
        library.unused.map { name.isEmpty ? $0 : "\(name)/\($0)" }
      }
      return (state.missed, unused)
    }
  }

  /// What came of it, in a line.
  var summary: String {
    let (missed, unused) = missedAndUnused
    let served = state.withLock { $0.served }
    let names = unused.prefix(5).joined(separator: ", ") + (unused.count > 5 ? ", …" : "")
    return "replay: \(served) served, \(missed) missed, \(unused.count) recordings unused"
      + (unused.isEmpty ? "" : " (\(names))")
  }

  /// How many recordings a request has in a set.
  func count(of key: String, in set: String) -> Int {
    state.withLock { $0.libraries[set]?.count(of: key) ?? 0 }
  }

  func rewind() {
    state.withLock { state in
      for name in state.libraries.keys { state.libraries[name]?.rewind() }
    }
  }

  /// Prometheus text.
  var metrics: String {
    let (served, missed) = state.withLock { ($0.served, $0.missed) }
    return """
      # HELP remora_replay_requests_total Requests by whether a recording was found.
      # TYPE remora_replay_requests_total counter
      remora_replay_requests_total{provider="replay",result="served"} \(served)
      remora_replay_requests_total{provider="replay",result="missed"} \(missed)

      """
  }

  // MARK: Finding

  /// The recording of a request; a sentence where there is none.
  func find(_ request: TapeIncoming) -> TapeFound {
    let name = request.field("x-remora-recording") ?? ""
    guard name.isEmpty || TapeLibrary.isName(name) else {
      return .missed("x-remora-recording must be letters, digits, '-', '_' and '.'", key: "")
    }
    let asked = request.request
    let (directory, repeats) = (
      options.directory + (name.isEmpty ? "" : "/" + name), options.exhausted == .repeat
    )
    return state.withLock { state in
      if state.libraries[name] == nil {
        do throws(TapeFault) { state.libraries[name] = try TapeLibrary(reading: directory) } catch {
          return .missed(error.message, key: "")
        }
      }
      guard let found = state.libraries[name]?.next(asked, repeats: repeats) else {
        return .missed("no recordings", key: "")
      }
      if case .missed = found { state.missed += 1 } else { state.served += 1 }
      return found
    }
  }

  // MARK: Answering

  /// Answers one request.
  func answer(_ request: TapeIncoming, _ reply: Reply) async {
    let path = request.path
    if ["/", "/healthz", "/api/hello"].contains(path), ["GET", "HEAD"].contains(request.method) {
      return reply.send(WholeAnswer("ok\n"))
    }
    switch find(request) {
    case .missed(let sentence, _):
      Console.error("replay: \(sentence)")
      reply.sendError(501, code: "no_recording", sentence, for: request)
    case .recording(let recording): await play(recording, request, reply)
    }
  }

  func play(_ recording: TapeRecording, _ request: TapeIncoming, _ reply: Reply) async {
    let answer = recording.answer
    let id = request.field("x-request-id") ?? "req_\(String(ProcessSettings.randomWord(), radix: 16))"
    var fields = answer.headers.filter { $0.name != "content-type" }.map { ($0.name, $0.value) }
    fields += [("x-request-id", id), ("x-remora-replay", recording.file)]
    if !answer.provider.isEmpty { fields.append(("x-remora-provider", answer.provider)) }
    if !answer.model.isEmpty { fields.append(("x-remora-model", answer.model)) }
    let type = answer.headers.first { $0.name == "content-type" }?.value ?? "application/json"
    switch answer.body {
    case .none: reply.send(answer.status, type, [], fields)
    case .raw(let bytes): reply.send(answer.status, type, bytes, fields)
    case .json(let tree):
      let body = answer.hasMetadata ? metadata(tree, answer, id) : tree
      reply.send(answer.status, type, body.compact, fields)
    case .events(let events):
      reply.begin(answer.status, [("content-type", type), ("cache-control", "no-cache")] + fields)
      reply.end(head: request.isOld ? .untilClose : .chunked)
      await play(events, answer, id, reply)
    }
  }

  private func play(_ events: [TapeEvent], _ answer: TapeAnswer, _ id: String, _ reply: Reply) async {
    var due = Instant.now
    for (index, event) in events.enumerated() {
      if options.pace > 0 {
        // Counted from the beginning, so that what a turn takes adds up to nothing.
        due = due + .microseconds(Int64(Double(max(0, min(event.gap, 600_000))) * options.pace * 1000))
        if due > .now {
          await reply.flush()
          await reply.pause(until: due)
        }
      }
      if reply.isGone { return }
      var bytes = event.bytes
      if index == 0, answer.hasMetadata, case .json(let tree) = event.data {
        bytes = metadata(tree, answer, id).compact
      }
      reply.answer.piece { out in
        if !event.name.isEmpty { out.append(Array("event: \(Shown.line(event.name))\n".utf8)) }
        EventEncoder.data(bytes.span, into: &out)
      }
      if reply.answer.outbound.count > 64 << 10 { await reply.flush() }
    }
    reply.answer.end(trailers: [])
  }

  /// What answers carry of who made them, anew.
  private func metadata(_ tree: JSONTree, _ answer: TapeAnswer, _ id: String) -> JSONTree {
    guard case .object(let members) = tree else { return tree }
    let null = JSONTree.literal(Array("null".utf8))
    let said = JSONTree.object([
      .init("request_id", JSONTree(id)), .init("provider", JSONTree(answer.provider)),
      .init("model", JSONTree(answer.model)),
      .init("attempts", JSONTree(1)), .init("cache_status", JSONTree("replay")), .init("region", null),
    ])
    return .object(members + [.init("x_remora", said)])
  }
}
