// What each dialect makes of requests, answers and streams, held to its fixtures.

import Config
import Dialects
import Support
import Testing
import Wire

@Suite struct DialectTests {
  static let kinds: [(ProviderKind, String)] = [
    (.anthropic, "anthropic"), (.cohere, "cohere"), (.ollama, "ollama"), (.bedrock, "bedrock"),
  ]
  static let requests = kinds.flatMap { kind, name in
    DialectCase.cases(name + "-requests").map { (kind, $0) }
  }
  static let answers = kinds.flatMap { kind, name in
    DialectCase.cases(name + "-answers").map { (kind, $0) }
  }

  @Test("a request is written in the provider's form", arguments: requests)
  func writes(kind: ProviderKind, it: DialectCase) throws {
    let dialect = try kind.dialect()
    let isEmbedding = it["of"] == "embeddings"
    let made: Translation
    do throws(RequestFault) { made = try it.translation(dialect, embeddings: isEmbedding) } catch {
      #expect("\(error.code) \(error.parameter)" == it["fault"])
      return
    }
    #expect(it["fault"] == nil, "this should have been refused")
    let body = made.request.body.array()
    let wanted = try #require(Tree(it["out"] ?? ""), "the fixture is no JSON")
    let found = try #require(Tree(body), "no JSON: \(String(decoding: body, as: UTF8.self))")
    #expect(found == wanted, "\(String(decoding: body, as: UTF8.self))")
    let path = made.request.path.array()
    if let wanted = it["path"] { #expect(String(decoding: path, as: UTF8.self) == wanted) }
    var dropped = ByteQueue()
    made.request.dropped.write(into: &dropped)
    let names = dropped.array()
    #expect(String(decoding: names, as: UTF8.self) == it["dropped"] ?? "")
  }

  /// The answer of a case, as the provider sends it.
  private static func wire(_ it: DialectCase, _ dialect: any Dialect) -> [UInt8] {
    var bytes: [UInt8] = []
    for data in it.all("data") {
      if dialect.framing == .frames {
        bytes += message(data).bytes
        continue
      }
      bytes += Array((dialect.framing == .lines ? data + "\n" : "data: " + data + "\n\n").utf8)
    }
    return bytes
  }

  /// `name {…}`, or `!name {…}` for an exception, or `!!code words` for an error; behind `?` without `:message-type`.
  private static func message(_ line: String) -> PlainMessage {
    let isUntyped = line.hasPrefix("?")
    let line = isUntyped ? String(line.dropFirst()) : line
    let name = line.drop { $0 == "!" }.prefix { $0 != " " }
    let rest = String(line.drop { $0 != " " }.dropFirst())
    if line.hasPrefix("!!") {
      return PlainMessage([
        (":message-type", "error"), (":error-code", String(name)), (":error-message", rest),
      ])
    }
    let type = line.hasPrefix("!") ? "exception" : "event"
    return PlainMessage(
      [(":\(type)-type", String(name)), (":content-type", "application/json")]
        + (isUntyped ? [] : [(":message-type", type)]), rest)
  }

  private static func run(
    _ it: DialectCase, _ dialect: any Dialect, _ pieces: [[UInt8]], usage: Bool
  ) throws -> Assembled {
    // Every case is asked as a stream, with usage and without.
    var text = String(decoding: it.request, as: UTF8.self)
    text = text.dropLast() + ",\"stream\":true"
    text += usage ? ",\"stream_options\":{\"include_usage\":true}}" : "}"
    let made = try Translation(
      dialect, .chat, model: Array((it["model"] ?? "m").utf8), body: Array(text.utf8).span)
    made.begin(created: 1, seed: AnswerSeed("seed"), member: Span())
    var out = ByteQueue()
    for piece in pieces { made.take(piece.span, into: &out) }
    _ = made.end(isWhole: true, into: &out)
    return Assembled(stream: out.bytes.text(), wantsUsage: usage)
  }

  @Test("a stream comes out the same however it is cut", arguments: answers.filter { $0.1["data"] != nil })
  func streams(kind: ProviderKind, it: DialectCase) throws {
    let dialect = try kind.dialect()
    let bytes = Self.wire(it, dialect)
    for pieces in EverySplit(bytes) {
      let found = try Self.run(it, dialect, pieces, usage: true)
      let isSame = Self.check(found, it)
      if !isSame { break }
    }
    _ = Self.check(try Self.run(it, dialect, [bytes], usage: false), it, hasUsage: false)
  }

  /// The answer of a case, each event written in another way than the one before: so that none is like it.
  private static func variedWire(_ it: DialectCase, _ dialect: any Dialect) -> [UInt8] {
    var bytes: [UInt8] = []
    for (index, data) in it.all("data").enumerated() {
      let spaced = data + String(repeating: " ", count: data.hasSuffix("}") ? index % 7 : 0)
      if dialect.framing == .frames {
        bytes += message(spaced).bytes
        continue
      }
      bytes += Array((dialect.framing == .lines ? spaced + "\n" : "data: " + spaced + "\n\n").utf8)
    }
    return bytes
  }

  @Test(
    "an event that is like the one before says what it says by itself",
    arguments: answers.filter { $0.1["data"] != nil })
  func repeats(kind: ProviderKind, it: DialectCase) throws {
    let dialect = try kind.dialect()
    let known = try Self.run(it, dialect, [Self.wire(it, dialect)], usage: true)
    let read = try Self.run(it, dialect, [Self.variedWire(it, dialect)], usage: true)
    #expect(Tree.object(known.message) == .object(read.message) && known.error == read.error)
  }

  /// Pieces of one text, among them escapes, halves of a pair, none, and what looks like the event's end.
  private static let pieces = [
    "a", "b", #"\"c\""#, #"\n"#, #"\ud83d"#, #"\ude00"#, "", "日本", #"\u0041"#, "}}", #"\\"#, "d",
  ]

  @Test(
    "pieces that follow each other are told one by one, whatever they hold",
    arguments: [
      (
        ProviderKind.anthropic,
        #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"@"}}"#
      ),
      (
        .anthropic,
        #"{"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"@"}}"#
      ),
      (.cohere, #"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"@"}}}}"#),
      (.gemini, #"{"candidates":[{"index":0,"content":{"parts":[{"text":"@"}]}}]}"#),
      (.gemini, #"{"candidates":[{"index":1,"content":{"parts":[{"text":"@","thought":true}]}}]}"#),
    ])
  func pieces(kind: ProviderKind, event: String) throws {
    func told(spaced: Bool) throws -> String {
      var wire =
        kind == .anthropic
        ? #"data: {"type":"content_block_start","index":1,"content_block":{"type":"thinking"}}"# + "\n\n" : ""
      for (index, piece) in Self.pieces.enumerated() {
        let data = event.split(separator: "@").joined(separator: piece)
        wire += "data: " + data + String(repeating: " ", count: spaced ? index % 2 : 0) + "\n\n"
      }
      let asked = Array(#"{"messages":[{"role":"user","content":"hi"}],"stream":true}"#.utf8)
      let made = try Translation(try kind.dialect(), .chat, model: Array("m".utf8), body: asked.span)
      made.begin(created: 1, seed: AnswerSeed("seed"), member: Span())
      var out = ByteQueue()
      made.take(Array(wire.utf8).span, into: &out)
      return out.bytes.text()
    }
    let known = try told(spaced: false)
    #expect(known == (try told(spaced: true)))
    #expect(known.contains("}}") && known.contains(#"\u0041"#))
  }

  @Test("a whole answer says what its stream does", arguments: answers.filter { $0.1["whole"] != nil })
  func wholes(kind: ProviderKind, it: DialectCase) throws {
    let dialect = try kind.dialect()
    let body = Array((it["whole"] ?? "").utf8)
    let made = try it.translation(dialect)
    made.begin(created: 1, seed: AnswerSeed("seed"), member: ("\"x_remora\":{}" as StaticString).bytes)
    var out = ByteQueue()
    do throws(AnswerFault) { try made.takeWhole(body.span, into: &out) } catch {
      #expect(String(decoding: error.message, as: UTF8.self) == it["fault"])
      if let status = it["status"] { #expect(error.status == Int(status)) }
      return
    }
    let text = out.bytes.text()
    #expect(text.contains("\"x_remora\":{}"))
    _ = Self.check(Assembled(whole: text), it)

    // Asked for as a stream but answered whole, it comes as a stream all the same.
    let asked = String(decoding: it.request, as: UTF8.self).dropLast() + ",\"stream\":true}"
    let streamed = try Translation(
      dialect, .chat, model: Array((it["model"] ?? "m").utf8), body: Array(asked.utf8).span)
    streamed.begin(created: 1, seed: AnswerSeed("seed"), member: Span())
    out.removeAll()
    try streamed.takeWhole(body.span, into: &out)
    _ = Self.check(Assembled(stream: out.bytes.text(), wantsUsage: false), it, hasUsage: false)
  }

  private static func check(_ found: Assembled, _ it: DialectCase, hasUsage: Bool = true) -> Bool {
    let count = found.broken.count
    #expect(found.broken == [])
    #expect(found.error == it["fault"])
    if it["fault"] != nil { return count == 0 && found.error == it["fault"] }
    guard case .object(var wanted)? = Tree(it["gives"] ?? "") else {
      Issue.record("the fixture gives no JSON")
      return false
    }
    var message = found.message
    if wanted["id"] == nil { message["id"] = nil }
    if !hasUsage {
      wanted["usage"] = nil
      message["usage"] = nil
    }
    #expect(Tree.object(message) == .object(wanted))
    return count == 0 && Tree.object(message) == .object(wanted)
  }

  @Test("errors keep what the provider says", arguments: answers.filter { $0.1["error"] != nil })
  func faults(kind: ProviderKind, it: DialectCase) throws {
    let fault = try kind.dialect().readFault(
      Array((it["error"] ?? "").utf8).span, status: Int(it["status"] ?? "") ?? 0,
      kind: Array((it["kind"] ?? "").utf8).span)
    let said = [
      "\(fault.status)", fault.message.map { String(decoding: $0, as: UTF8.self) } ?? "-",
      fault.code.map { String(decoding: $0, as: UTF8.self) } ?? "-", fault.isAuthentication ? "auth" : "-",
    ]
    #expect(said.joined(separator: " | ") == it["reads"])
  }

  @Test(
    "an answer was created when its provider says",
    arguments: [
      (
        ProviderKind.ollama,
        #"{"created_at":"2026-08-07T06:08:09.335586Z","message":{"content":"a"},"done":true}"#
      ),
      (.ollama, #"{"created_at":"2026-08-07T08:08:09+02:00","message":{"content":"a"},"done":true}"#),
      (.gemini, #"{"createTime":"2026-08-07T06:08:09.335586Z","candidates":[{"finishReason":"STOP"}]}"#),
    ])
  func created(kind: ProviderKind, whole: String) throws {
    let asked = Array(#"{"messages":[{"role":"user","content":"hi"}]}"#.utf8)
    let made = try Translation(try kind.dialect(), .chat, model: Array("m".utf8), body: asked.span)
    made.begin(created: 1, seed: AnswerSeed("seed"), member: Span())
    var out = ByteQueue()
    try made.takeWhole(Array(whole.utf8).span, into: &out)
    let text = out.array()
    #expect(Tree(text)?["created"]?.integer == 1_786_082_889)
  }

  /// Events of tomorrow must not break today's streams, nor go unseen.
  static let unheardOf: [(ProviderKind, String, UnknownKind)] = [
    (.anthropic, #"{"type":"an_event_of_tomorrow"}"#, .event),
    (.anthropic, #"{"type":"content_block_start","index":0,"content_block":{"type":"hologram"}}"#, .block),
    (.anthropic, #"{"type":"message_delta","delta":{"stop_reason":"bored"}}"#, .finishReason),
    (.cohere, #"{"type":"an-event-of-tomorrow"}"#, .event),
    (.cohere, #"{"type":"message-end","delta":{"finish_reason":"BORED"}}"#, .finishReason),
    (.gemini, #"{"candidates":[{"index":0,"finishReason":"BORED"}]}"#, .finishReason),
  ]

  @Test("what nobody knows is passed over and counted", arguments: unheardOf)
  func unknown(kind: ProviderKind, data: String, expected: UnknownKind) throws {
    let asked = Array(#"{"messages":[{"role":"user","content":"hi"}],"stream":true}"#.utf8)
    let made = try Translation(try kind.dialect(), .chat, model: Array("m".utf8), body: asked.span)
    made.begin(created: 1, seed: AnswerSeed("seed"), member: Span())
    var out = ByteQueue()
    made.take(Array("data: \(data)\n\n".utf8).span, into: &out)
    #expect(made.failure == nil)
    for each in UnknownKind.allCases { #expect(made.unknown[each] == (each == expected ? 1 : 0)) }
  }
}
