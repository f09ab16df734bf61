import Config
import Dialects
import Support
import Testing
import Wire

/// One exchange from the head of its answer to its end, fed in pieces.
private struct Told: Equatable {
  var text = ""
  var fault = false
  var ending = ""
  var usage = TokenUsage()

  /// - Parameter manner: how the conversation wanted the answer.
  init(_ conversation: Conversation, _ pieces: [[UInt8]], _ facts: ReplyFacts, member: String = "") {
    var out = ByteQueue()
    let member = Array(member.utf8)
    let manner = conversation.begin(facts, member: member.span) {
      AnswerStamp(created: 1, seed: AnswerSeed("seed"))
    }
    for piece in pieces where !fault {
      do throws(TakeFault) { try conversation.take(piece.span, member: member.span, into: &out) } catch {
        fault = true
      }
    }
    if case .whole = manner {
      ending = "\(conversation.conclude(provider: "p", member: member.span, into: &out))"
    } else {
      ending = "\(conversation.end(isWhole: !fault, into: &out))"
    }
    usage = conversation.usage
    text = out.bytes.text()
  }
}

@Suite("Conversation")
struct ConversationTests {
  private static func passed(
    _ shape: BodyShape, streams: Bool = true, isFullService: Bool = true, repairs: Bool = false
  ) -> Conversation {
    var asked = AskedAnswer()
    asked.shape = shape
    asked.isFullService = isFullService
    asked.streams = streams
    asked.asksForUsage = true
    let passage = Passage(pool: nil)
    passage.begin(asked, repairs: repairs)
    return Conversation(passage)
  }

  private static let events = ReplyFacts(status: 200, media: .events, hasBody: true)
  private static let json = ReplyFacts(status: 200, media: .json, hasBody: true)

  @Test("passes each recorded stream the same in every cut", arguments: Recording.streams)
  func streams(_ recording: Recording) {
    let bytes = Array(recording.body.utf8)
    let whole = Told(
      Self.passed(recording.shape, repairs: recording.repairs), [bytes], Self.events, member: "\"m\":1")
    #expect(!whole.fault)
    let single = Told(
      Self.passed(recording.shape, repairs: recording.repairs), bytes.map { [$0] }, Self.events,
      member: "\"m\":1")
    #expect(single == whole)
    for cut in stride(from: 1, to: bytes.count, by: max(bytes.count / 8, 1)) {
      let pieces = [Array(bytes[..<cut]), Array(bytes[cut...])]
      #expect(
        Told(Self.passed(recording.shape, repairs: recording.repairs), pieces, Self.events, member: "\"m\":1")
          == whole)
    }
  }

  @Test(
    "a stream of another API passes byte for byte, however long its events are",
    arguments: ["\n", "\r\n", "\r"],
    [(9 << 20, 1 << 20), (200_000, 200_100), (200_000, 65_537), (100_000, 999)])
  func foreignStreams(_ end: String, _ size: (event: Int, piece: Int)) throws {
    let long = String(repeating: "0123456789abcdef", count: size.event / 16)
    let text =
      "event: partial\(end)data: \(long)\(end)data: more\(end)\(end): note\(end)data: b\(end)\(end)"
      + "data: \(long)\(end)\(end)data: [DONE]\(end)\(end)"
    let bytes = Array(text.utf8)
    let pieces = stride(from: 0, to: bytes.count, by: size.piece).map {
      Array(bytes[$0..<min($0 + size.piece, bytes.count)])
    }
    let conversation = Self.passed(.other, isFullService: false)
    let told = Told(conversation, pieces, Self.events)
    #expect(!told.fault && told.ending == "complete")
    let isSame = told.text == text
    #expect(isSame)
    #expect(conversation.hasEnded && conversation.hasContent && !conversation.isInEvent)
  }

  @Test("nothing can be added inside of a long event of another API, and nothing of it is held")
  func longEvents() throws {
    let conversation = Self.passed(.other, isFullService: false)
    var out = ByteQueue()
    _ = conversation.begin(Self.events, member: Span()) { AnswerStamp(created: 1, seed: AnswerSeed()) }
    func take(_ text: String) throws {
      try conversation.take(Array(text.utf8).span, member: Span(), into: &out)
    }
    try take("data: a")
    #expect(!conversation.isInEvent && conversation.heldCount == 7 && out.isEmpty)
    try take(String(repeating: "a", count: 70_000) + "\n")
    #expect(conversation.isInEvent && conversation.heldCount == 0 && out.count == 70_008)
    try take("data: b\n")
    #expect(conversation.isInEvent)
    try take("\ndata: c")
    #expect(!conversation.isInEvent && conversation.heldCount == 7 && out.count == 70_017)
    try take("\n\n")
    #expect(out.count == 70_026)
  }

  @Test("passes each recorded answer the same in every cut", arguments: Recording.answers)
  func answers(_ recording: Recording) {
    let bytes = Array(recording.body.utf8)
    for repairs in [false, true] {
      let whole = Told(
        Self.passed(recording.shape, streams: false, repairs: repairs), [bytes], Self.json, member: "\"m\":1")
      #expect(!whole.text.isEmpty)
      for pieces in [bytes.map { [$0] }, [Array(bytes.prefix(1)), Array(bytes.dropFirst())]] {
        #expect(
          Told(
            Self.passed(recording.shape, streams: false, repairs: repairs), pieces, Self.json,
            member: "\"m\":1")
            == whole)
      }
    }
  }

  @Test("knows what a body is by its type alone, and not by how the type begins")
  func media() {
    let types: [(String, Media)] = [
      ("application/json", .json), ("Application/JSON; charset=utf-8", .json),
      ("application/json ;a=b", .json),
      ("application/jsonl", .other), ("application/json-seq", .other), ("application/problem+json", .json),
      ("application/vnd.api+JSON; charset=utf-8", .json), ("application/x+jsonl", .other), ("+json", .other),
      ("text/event-stream", .events), ("text/event-stream;charset=utf-8", .events),
      ("text/event-streams", .other),
      ("text/html", .html), ("text/htmlx", .other), ("", .other),
    ]
    for (type, media) in types { #expect(Media(Array(type.utf8).span) == media, "\(type)") }
  }

  @Test("knows what a body is by its first bytes")
  func opening() {
    let openings: [(String, Media?)] = [
      ("", nil), (" \r\n", nil), ("d", nil), ("data", nil), ("data:", .events), ("data: {}", .events),
      (": ping\n", .events), (":", .events), ("event: x", .events), ("id: 1\n", .events),
      ("retry: 1", .events),
      ("\u{FEFF}data: {}", .events), ("{", .json), ("\n\n {", .json), ("dataset", .other),
      ("hello there", .other),
      ("[1, 2, 3]", .other),
    ]
    for (text, media) in openings { #expect(Media(firstBytes: Array(text.utf8).span) == media, "\(text)") }
  }

  @Test("leaves what it can't read as it is", arguments: [Media.other, .none, .html])
  func untouched(_ media: Media) {
    let facts = ReplyFacts(status: 200, media: media, hasBody: true)
    let told = Told(Self.passed(.other, isFullService: false), [[1, 2], [3]], facts, member: "\"m\":1")
    #expect(told.text == "\u{1}\u{2}\u{3}")
  }

  @Test("tells a stream that is cut from one that is whole")
  func cut() {
    let first = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"
    let last = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    for (text, ending) in [
      (first, "truncated"), (first + last, "complete"), (first + "data: [DONE]\n\n", "complete"),
    ] {
      let told = Told(Self.passed(.chat), [Array(text.utf8)], Self.events)
      #expect(told.ending == ending)
    }
    let failed = first + "data: {\"error\":{\"message\":\"no\"}}\n\n"
    #expect(Told(Self.passed(.chat), [Array(failed.utf8)], Self.events).ending == "failed")
  }

  @Test("refuses what is no event, keeping what came before")
  func broken() {
    let first = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"
    let told = Told(Self.passed(.chat), [Array((first + "data: {no\n\n").utf8)], Self.events)
    #expect(told.fault)
    #expect(told.text.contains("\"content\":\"a\"") && !told.text.contains("no"))
  }

  @Test("a body goes out the same in pieces of any size, changed or not")
  func body() throws {
    let text =
      "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"\(String(repeating: "x", count: 5000))\"}]}"
    let body = Array(text.utf8)
    let wanted = text.replacing("asked", with: "known")
    for size in [1, 7, 100, 1024, 16 * 1024] {
      var scanner = JSONScanner(watching: RequestFacts.watched)
      try scanner.feed(body.span)
      try scanner.finish()
      var facts = RequestFacts()
      try facts.read(body.span, scanner)
      let passage = Passage(pool: nil)
      var asked = AskedAnswer()
      asked.shape = .chat
      asked.isFullService = true
      passage.begin(asked, repairs: false)
      try passage.edit(body.span, scanner, facts, model: Array("known".utf8).span, addsUsage: false, nil)
      let conversation = Conversation(passage)
      #expect(conversation.sentCount(of: body.count) == wanted.utf8.count)
      var sent: [UInt8] = []
      var at = 0
      while at < conversation.end(of: body.count) {
        var out = ByteQueue()
        at = conversation.fill(&out, upTo: size, from: body.span, at: at)
        // What has nothing to send is never waited for.
        #expect(!out.isEmpty || at == body.count)
        sent += out.array()
      }
      #expect(String(decoding: sent, as: UTF8.self) == wanted)
    }
  }
}
