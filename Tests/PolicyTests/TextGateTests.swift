// Nothing that the model says goes around the gate: every format's positions, in whole answers and in streams.

import Config
import Detect
import Dialects
import Policy
import Testing
import Wire

struct TextGateTests {
  private static let mail = "john.roe@other.example.com"
  private static let own = "jane.doe@corp.example.com"

  /// A gate, and what the client's own value is called in it.
  private struct Stage {
    let gate: TextGate
    let answers: AnswerInspector
    let name: String

    init(_ answers: Config.Policy.Answers, unscanned: Config.Policy.Unscanned = .pass) throws {
      var policy = Config.Policy(name: "pii", kind: .personalData)
      policy.action = .redact
      policy.answers = answers
      policy.unscanned = unscanned
      var settings = Settings()
      settings.policies = [policy]
      settings.policyChain = ["pii"]
      let chain = try #require(try PolicyBook(settings, keys: [:], secrets: []).common)
      let inspector = Inspector()
      var edited = ByteQueue()
      let body = Array("{\"prompt\":\"\(TextGateTests.own)\"}".utf8)
      _ = inspector.inspect(body.span, chain, scope: [], into: &edited)
      name = String(edited.bytes.text().dropFirst(11).dropLast(2))
      self.answers = AnswerInspector(inspector)
      gate = TextGate(inspector.vault)
      if self.answers.begin(chain) { gate.watch = self.answers }
      gate.begin()
    }

    func whole(_ text: String) -> String {
      var body = ByteQueue()
      body.append(Array(text.utf8).span)
      gate.restore(&body)
      return gate.isBlocked ? "" : body.bytes.text()
    }

    func stream(_ text: String, by step: Int = .max) -> String {
      let bytes = Array(text.utf8)
      var out = ByteQueue()
      var at = 0
      while at < bytes.count {
        let end = min(bytes.count, step == .max ? bytes.count : at + step)
        gate.take(bytes.span.extracting(at..<end), into: &out)
        at = end
      }
      gate.end(into: &out)
      return out.bytes.text()
    }
  }

  private func events(_ data: [String]) -> String { data.map { "data: \($0)\n\n" }.joined() }

  private func typed(_ data: [String]) -> String {
    data.map { text in
      let type = text.dropFirst(9).prefix { $0 != "\"" }
      return "event: \(type)\ndata: \(text)\n\n"
    }.joined()
  }

  private func chunk(_ delta: String, _ finish: String = "null") -> String {
    "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":\(delta),\"finish_reason\":\(finish)}]}"
  }

  @Test func anEventInSeveralLinesIsOneText() throws {
    let stage = try Stage(.redact)
    let event =
      "event: x\nid: 7\ndata: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"to \(stage.name) and \(Self.mail) .\"}}]}\n\n"
    let said = stage.stream(event + "data: \(chunk("{}", "\"stop\""))\n\ndata: [DONE]\n\n", by: 7)
    #expect(!said.contains(Self.mail))
    #expect(said.contains(Self.own))
    #expect(said.contains("event: x\nid: 7\n"))
    #expect(said.hasSuffix("data: [DONE]\n\n"))
  }

  @Test func anEventThatTheEndCutsOffIsLookedAt() throws {
    let stage = try Stage(.redact)
    let said = stage.stream("data: \(chunk("{\"content\":\"\(Self.mail)\"}"))\n")
    #expect(!said.contains(Self.mail))
  }

  @Test func theLastChunkMayBringWords() throws {
    let stage = try Stage(.redact)
    let said = stage.stream(
      events([chunk("{\"content\":\"Write to \(stage.name)\"}", "\"stop\"")]) + "data: [DONE]\n\n")
    #expect(
      said == events([chunk("{\"content\":\"Write to \(Self.own)\"}", "\"stop\"")]) + "data: [DONE]\n\n")
  }

  /// What each choice of a stream's chunks says, escapes and all.
  private func said(_ stream: String) -> [String: String] {
    var texts: [String: String] = [:]
    for line in stream.split(separator: "\n") {
      guard let index = line.firstRange(of: "\"index\":"), let text = line.firstRange(of: "\"content\":\"")
      else {
        continue
      }
      texts[String(line[index.upperBound...].prefix(1)), default: ""] += line[text.upperBound...].prefix {
        $0 != "\""
      }
    }
    return texts
  }

  /// Most chunks differ in their strings alone, and are known again by that: they may not hide what the others show.
  @Test func chunksThatAreAlikeAreReadAsIfEachWereTheFirst() throws {
    let stage = try Stage(.pass)
    func piece(_ text: String, _ index: Int = 0, _ more: String = "") -> String {
      let noise = String(repeating: "z", count: text.utf8.count % 3)
      return
        #"{"id":"c","object":"chat.completion.chunk","choices":[{"index":\#(index),"delta":{"content":"\#(text)"\#(more)},"#
        + #""finish_reason":null}],"obfuscation":"\#(noise)"}"#
    }
    let letters = stage.name.map { piece(String($0)) }
    let pieces = ["Hello", " to ", #"\n\"quoted\""#, " "].map { piece($0) } + letters + [piece(" and")]
    let second = [piece("to ", 1), piece(stage.name, 1), piece(" ", 1)]
    let thought = [
      piece(".", 0, #","reasoning_content":"of \#(stage.name) "#),
      piece("!", 0, #","reasoning_content":"x "#),
    ]
    .map { $0.replacing("},\"finish", with: "\"},\"finish") }
    let stream = events(pieces + second + thought + [chunk("{}", "\"stop\"")]) + "data: [DONE]\n\n"
    for step in [1, 7, 64, Int.max] {
      let out = stage.stream(stream, by: step)
      #expect(!out.contains(stage.name))
      let texts = said(out.replacing(#"\""#, with: "'"))
      #expect(texts["0"] == #"Hello to \n'quoted' \#(Self.own) and.!"#)
      #expect(texts["1"] == "to \(Self.own) ")
      #expect(out.contains(#""reasoning_content":"of \#(Self.own) "#))
    }
  }

  @Test func whatIsNoJSONIsNotLetThrough() throws {
    for answers in [Config.Policy.Answers.redact, .block] {
      let stage = try Stage(answers)
      #expect(
        !stage.stream("data: {\"choices\":[{\"delta\":{\"content\":\"\(Self.mail)\n\n").contains(Self.mail))
      #expect(stage.gate.isBlocked && stage.answers.isIncomplete && stage.answers.blocking == "pii")
      let other = try Stage(answers)
      #expect(other.whole("{\"choices\":[{\"message\":{\"content\":\"\(Self.mail)\"").isEmpty)
      #expect(other.gate.isBlocked)
    }
    let report = try Stage(.report)
    #expect(report.stream("data: {x\(Self.mail)\n\n").contains(Self.mail))
    #expect(report.answers.isIncomplete && !report.gate.isBlocked)
    let strict = try Stage(.report, unscanned: .block)
    _ = strict.stream("data: {x\(Self.mail)\n\n")
    #expect(strict.gate.isBlocked)
  }

  // MARK: Positions

  /// Members of a chunk's delta that say something.
  static let deltas = [
    "{\"content\":\"%\"}", "{\"refusal\":\"%\"}", "{\"reasoning_content\":\"%\"}", "{\"reasoning\":\"%\"}",
    "{\"content\":[{\"type\":\"text\",\"text\":\"%\"}]}",
    "{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"%\"}]}]}",
    "{\"function_call\":{\"arguments\":\"%\"}}",
    "{\"tool_calls\":[{\"index\":3,\"function\":{\"arguments\":\"%\"}}]}",
    "{\"tool_calls\":[{\"index\":3,\"type\":\"custom\",\"custom\":{\"input\":\"%\"}}]}",
    "{\"thinking_blocks\":[{\"index\":0,\"type\":\"thinking\",\"thinking\":\"%\"}]}",
    "{\"reasoning_details\":[{\"index\":0,\"type\":\"reasoning.text\",\"text\":\"%\"}]}",
    "{\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":{\"title\":\"%\"}}]}",
    "{\"audio\":{\"id\":\"a\",\"transcript\":\"%\"}}",
  ]

  @Test(arguments: deltas) func everyPlaceOfAChunkIsLookedAt(_ delta: String) throws {
    let isCut = !delta.contains("annotations") && !delta.contains("audio")
    let stage = try Stage(.redact)
    var pieces = ["so: \(Self.mail) ."]
    if isCut { pieces = Self.mail.map { String($0) } }
    let said = stage.stream(
      events(
        pieces.map { piece in chunk(delta.split(separator: "%").joined(separator: piece)) } + [
          chunk("{}", "\"stop\"")
        ]
      ))
    #expect(!said.contains(Self.mail))
    #expect(said.contains("EMAIL_"))
    #expect(!letters(said).contains(Self.mail))
  }

  /// The texts of a stream without what is around them.
  private func letters(_ stream: String) -> String {
    var said = ByteQueue()
    for line in stream.split(separator: "\n") where line.hasPrefix("data: {") {
      let data = Array(line.dropFirst(6).utf8)
      var leaves = JSONLeaves(data.span, 0..<data.count)
      while let leaf = leaves.next() {
        if leaf.value.count != 3 { continue }
        JSONString.decode(data.span, leaf.value, into: &said)
      }
    }
    return said.bytes.text()
  }

  @Test func theWholeOfAMessageIsLookedAt() throws {
    let stage = try Stage(.redact)
    let input =
      "{\"name\":\"\(stage.name)\",\"signature\":\"s\",\"id\":\"\(Self.mail)\",\"usage\":{\"data\":\"\(Self.mail)\"},\"card\":4111111111111111}"
    let said = stage.whole(
      "{\"type\":\"message\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"send\",\"input\":\(input)}]}"
    )
    #expect(!said.contains(Self.mail) && !said.contains("4111"))
    #expect(said.contains("\"name\":\"\(Self.own)\""))
    #expect(said.contains("\"card\":\"CARD_"))
    #expect(said.contains("\"name\":\"send\""))
  }

  @Test func thoughtsThatAreNotSignedAreRestored() throws {
    let stage = try Stage(.redact)
    let thought = "{\"type\":\"thinking\",\"thinking\":\"\(stage.name) \(Self.mail)\",\"signature\":\"%\"}"
    let plain = stage.whole("{\"content\":[\(thought.split(separator: "%").joined())]}")
    #expect(plain.contains(Self.own) && !plain.contains(Self.mail))
    // Claude wants back what it has signed; what is taken out of it unsigns it.
    let signed = stage.whole("{\"content\":[\(thought.split(separator: "%").joined(separator: "abc"))]}")
    #expect(signed.contains(stage.name) && !signed.contains(Self.own) && !signed.contains(Self.mail))
    #expect(signed.contains("\"signature\":\"\""))
    let clean = "{\"content\":[{\"type\":\"thinking\",\"thinking\":\"\(stage.name)\",\"signature\":\"abc\"}]}"
    #expect(stage.whole(clean) == clean)
  }

  private func block(_ delta: String) -> String {
    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":\(delta)}"
  }

  @Test(arguments: [true, false]) func thoughtsInAStreamOfAMessage(_ keeps: Bool) throws {
    let stage = try Stage(.redact)
    stage.gate.keepsThoughts = keeps
    let start =
      "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}"
    let said = stage.stream(
      typed([
        start, block("{\"type\":\"thinking_delta\",\"thinking\":\"for \(stage.name) and \"}"),
        block("{\"type\":\"thinking_delta\",\"thinking\":\"john.roe@\"}"),
        block("{\"type\":\"thinking_delta\",\"thinking\":\"other.example.com\"}"),
        block("{\"type\":\"signature_delta\",\"signature\":\"abc\"}"),
        "{\"type\":\"content_block_stop\",\"index\":0}",
      ]))
    #expect(!said.contains("other.example.com"))
    #expect(said.contains(Self.own) == !keeps)
    #expect(said.contains("\"signature\":\"\"}}"))
    let places = said.split(separator: "\n\n").map { String($0) }
    #expect(places.last?.contains("content_block_stop") == true)
  }

  @Test func aBlockMayBeginWithWords() throws {
    let stage = try Stage(.redact)
    let said = stage.stream(
      typed([
        "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"john.roe@oth\"}}",
        block("{\"type\":\"text_delta\",\"text\":\"er.example.com\"}"),
        "{\"type\":\"content_block_stop\",\"index\":0}",
      ]))
    #expect(!said.contains("john.roe@oth"))
    #expect(said.contains("EMAIL_"))
  }

  @Test func shortTextsAreLookedAt() throws {
    let stage = try Stage(.redact)
    #expect(!stage.whole("{\"choices\":[{\"message\":{\"content\":\"a@b.co\"}}]}").contains("a@b.co"))
    #expect(!stage.whole("\"a@b.co\"").contains("a@b.co"))
    #expect(!stage.whole("[\"a@b.co\"]").contains("a@b.co"))
  }

  @Test func depthHidesNothing() throws {
    let stage = try Stage(.redact)
    for depth in [10, 70, 300] {
      let inner = "{\"choices\":[{\"message\":\(nested("{\"content\":\"\(Self.mail)\"}", depth))}]}"
      #expect(!stage.whole(inner).contains(Self.mail))
    }
  }

  private func nested(_ text: String, _ depth: Int) -> String {
    String(repeating: "{\"a\":", count: depth) + text + String(repeating: "}", count: depth)
  }

  @Test func moreTextsThanCanBeFollowedAreNotLetThrough() throws {
    let calls = (0..<3000).map { index in
      chunk(
        "{\"tool_calls\":[{\"index\":\(index),\"function\":{\"arguments\":\"{\\\"to\\\":\\\"\(Self.mail)\\\"}\"}}]}"
      )
    }
    let stage = try Stage(.redact)
    #expect(!stage.stream(events(calls)).contains(Self.mail))
    let few = try Stage(.redact)
    #expect(!few.stream(events(Array(calls.prefix(300)))).contains(Self.mail))
    #expect(!few.gate.isBlocked)
  }

  @Test func everyFindingIsTakenOut() throws {
    let stage = try Stage(.redact)
    let parts = String(repeating: "{\"type\":\"text\",\"text\":\"a@b.co\"},", count: 17_000)
    #expect(!stage.whole("{\"content\":[\(parts)null]}").contains("a@b.co"))
  }

  @Test func longWordsHideNothing() throws {
    let stage = try Stage(.redact)
    let text =
      "{\\\"ids\\\":[\(String(repeating: "\\\"abcd\\\",", count: 60))0],\\\"to\\\":\\\"\(Self.mail)\\\"}"
    var pieces: [String] = []
    var part = ""
    for character in text {
      part.append(character)
      if part.count >= 5, character != "\\" {
        pieces.append(part)
        part = ""
      }
    }
    pieces.append(part)
    let said = stage.stream(
      events(
        pieces.map { chunk("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\($0)\"}}]}") }
          + [chunk("{}", "\"tool_calls\"")]))
    var all = ByteQueue()
    for line in said.split(separator: "\n") where line.hasPrefix("data: {") {
      let data = Array(line.dropFirst(6).utf8)
      guard let choices = JSONView.value(data.span, in: 0..<data.count, at: "choices") else { continue }
      var leaves = JSONLeaves(data.span, choices)
      while let leaf = leaves.next() {
        if !leaf.isNumber { JSONString.decode(data.span, leaf.value, into: &all) }
      }
    }
    #expect(!all.bytes.text().contains("roe@"))
    #expect(all.bytes.text().contains("EMAIL_"))
  }

  // MARK: Responses

  static let kinds = [
    ("response.output_text", "content_index", "text"), ("response.refusal", "content_index", "refusal"),
    ("response.reasoning_summary_text", "summary_index", "text"),
    ("response.reasoning_text", "content_index", "text"),
    ("response.function_call_arguments", "", "arguments"), ("response.custom_tool_call_input", "", "input"),
    ("response.mcp_call_arguments", "", "arguments"),
  ]

  @Test(arguments: kinds.indices) func whatWasHeldIsSaidAsThePiecesBefore(_ at: Int) throws {
    let (type, index, member) = Self.kinds[at]
    let stage = try Stage(.redact)
    let ids = "\"item_id\":\"i\",\"output_index\":2" + (index.isEmpty ? "" : ",\"\(index)\":1")
    let said = stage.stream(
      typed([
        "{\"type\":\"\(type).delta\",\"sequence_number\":4,\(ids),\"delta\":\"for \(stage.name)\"}",
        "{\"type\":\"\(type).done\",\"sequence_number\":5,\(ids),\"\(member)\":\"for \(stage.name)\"}",
        "{\"type\":\"response.completed\",\"sequence_number\":6,\"response\":{\"output\":[]}}",
      ]))
    let lines = said.split(separator: "\n").filter { $0.hasPrefix("data: ") }
    #expect(lines.count == 4)
    #expect(lines.allSatisfy { !$0.contains(stage.name) })
    for (number, line) in lines.enumerated() { #expect(line.contains("\"sequence_number\":\(number + 4),")) }
    let held = try #require(lines.dropFirst().first)
    #expect(held.contains("\"type\":\"\(type).delta\"") && held.contains("\"item_id\":\"i\""))
    #expect(held.contains("\"output_index\":2"))
    if !index.isEmpty { #expect(held.contains("\"\(index)\":1")) }
    #expect(said.contains("event: \(type).delta\ndata: {\"type\":\"\(type).delta\",\"sequence_number\":5"))
    #expect(lines[2].contains(Self.own))
  }

  @Test func nothingStaysBehindWhereAResponseFails() throws {
    for last in ["response.failed", "response.incomplete", "error"] {
      let stage = try Stage(.report)
      let said = stage.stream(
        typed([
          "{\"type\":\"response.output_text.delta\",\"sequence_number\":1,\"item_id\":\"i\",\"output_index\":0,\"content_index\":0,\"delta\":\"the end\"}",
          "{\"type\":\"\(last)\",\"sequence_number\":2}",
        ]))
      #expect(said.contains("\"delta\":\"end\""))
      #expect(said.hasSuffix("data: {\"type\":\"\(last)\",\"sequence_number\":3}\n\n"))
    }
  }

  @Test func tokensOfAResponseDoNotTell() throws {
    let stage = try Stage(.redact)
    let tokens = "[{\"token\":\"\(Self.mail)\",\"logprob\":-1}]"
    let said = stage.stream(
      typed([
        "{\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"x\",\"logprobs\":\(tokens)}",
        "{\"type\":\"response.output_text.done\",\"output_index\":0,\"text\":\"x\",\"logprobs\":\(tokens)}",
      ]))
    #expect(!said.contains(Self.mail))
    #expect(said.contains("\"logprobs\":[]"))
  }

  @Test func soundIsLeftAlone() throws {
    let stage = try Stage(.redact)
    let text = typed(["{\"type\":\"response.audio.delta\",\"delta\":\"QUJDRA==\"}"])
    #expect(stage.stream(text) == text)
  }
}
