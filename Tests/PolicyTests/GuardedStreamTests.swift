// A chat's stream that goes through the gate event by event, as it goes through when all of it is given to the gate.

import Config
import Detect
import Dialects
import Policy
import Testing
import Wire

struct GuardedStreamTests {
  private static let value = "jane.doe@corp.example.com"

  /// Conversations whose answers go through a gate, and the placeholder that is put back.
  private struct Stage {
    let gate: TextGate
    let name: String
    private let inspector = Inspector()

    init() throws {
      var policy = Config.Policy(name: "pii", kind: .personalData)
      policy.action = .redact
      var settings = Settings()
      settings.policies = [policy]
      settings.policyChain = ["pii"]
      let chain = try #require(try PolicyBook(settings, keys: [:], secrets: []).common)
      var edited = ByteQueue()
      let body = Array("{\"prompt\":\"\(GuardedStreamTests.value)\"}".utf8)
      _ = inspector.inspect(body.span, chain, scope: [], into: &edited)
      name = String(edited.bytes.text().dropFirst(11).dropLast(2))
      gate = TextGate(inspector.vault)
    }

    /// What the client gets of a stream.
    ///
    /// - Parameters:
    ///   - knows: the conversation has the events go through the gate by itself.
    ///   - removesUsage: only Remora has asked for it.
    func said(_ stream: String, by step: Int = .max, knows: Bool = true, removesUsage: Bool = true) -> String
    {
      var asked = AskedAnswer()
      asked.shape = .chat
      asked.isFullService = true
      asked.streams = true
      asked.asksForUsage = !removesUsage
      let passage = Passage(pool: nil)
      passage.begin(asked, repairs: false)
      if removesUsage { passage.removeUsage() }
      let conversation = Conversation(passage)
      let facts = ReplyFacts(status: 200, media: .events, hasBody: true)
      _ = conversation.begin(facts, member: Span()) { AnswerStamp(created: 1, seed: AnswerSeed()) }
      gate.begin()
      if knows { #expect(conversation.guardStream(by: gate)) }
      var out = ByteQueue()
      var made = ByteQueue()
      let bytes = Array(stream.utf8)
      var at = 0
      while at < bytes.count {
        let end = step == .max ? bytes.count : min(at + step, bytes.count)
        let piece = bytes.span.extracting(at..<end)
        if knows {
          try? conversation.take(piece, member: Span(), into: &out)
        } else {
          try? conversation.take(piece, member: Span(), into: &made)
        }
        at = end
      }
      _ = conversation.end(isWhole: true, into: &made)
      gate.take(made.bytes, into: &out)
      gate.end(into: &out)
      return out.bytes.text()
    }
  }

  private func stream(_ pieces: [String], _ choice: Int = 0) -> String {
    pieces.enumerated().map { at, piece in
      event("{\"content\":\"\(piece)\"}", choice, "\"system_fingerprint\":\"fp_\(at)\",")
    }.joined()
  }

  private func event(
    _ delta: String, _ choice: Int = 0, _ more: String = "", _ finish: String = "null"
  ) -> String {
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\(more)"
      + "\"choices\":[{\"index\":\(choice),\"delta\":\(delta),\"logprobs\":null,\"finish_reason\":\(finish)}],"
      + "\"usage\":null}\n\n"
  }

  private func end(_ choices: Int = 1) -> String {
    (0..<choices).map { event("{}", $0, "", "\"stop\"") }.joined() + "data: [DONE]\n\n"
  }

  /// What each choice says, escapes and all.
  private func texts(_ stream: String) -> [String: String] {
    var texts: [String: String] = [:]
    for line in stream.split(separator: "\n") {
      guard let index = line.firstRange(of: "\"index\":"), let text = line.firstRange(of: "\"content\":\"")
      else { continue }
      texts[String(line[index.upperBound...].prefix(1)), default: ""] += line[text.upperBound...].prefix {
        $0 != "\""
      }
    }
    return texts
  }

  @Test func everySplitOfATextIsRestoredAlike() throws {
    let stage = try Stage()
    let text = Array("ask \(stage.name), x\(stage.name) ex \(stage.name.lowercased()).")
    let meant = "ask \(Self.value), x\(stage.name) ex \(Self.value)."
    let opening = stream(["Hello", " dear", " reader", ": "])
    for first in 0...text.count {
      for second in stride(from: first, through: text.count, by: first % 3 + 1) {
        let parts = [text[..<first], text[first..<second], text[second...]].map { String($0) }
        let out = stage.said(opening + stream(parts) + end())
        #expect(texts(out) == ["0": "Hello dear reader: " + meant], "\(parts)")
      }
    }
    let letters = opening + stream(text.map { String($0) }) + end()
    for step in [1, 7, 100, 1000, Int.max] {
      #expect(texts(stage.said(letters, by: step)) == ["0": "Hello dear reader: " + meant])
    }
  }

  @Test func whatIsInterleavedIsRestoredAsIfItWereGivenToTheGate() throws {
    let stage = try Stage()
    let letters = stage.name.map { String($0) }
    var text = stream(["One", " two", " three", " four "])
    for letter in letters {
      text += stream([letter]) + stream(["é", letter], 1)
      text += event("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\(letter)\"}}]}")
      text += event("{\"reasoning_content\":\"\(letter)\"}")
    }
    text += stream([" ", "\\u0045", String(stage.name.dropFirst()), "", "\\n", "e", "", "nd"])
    text += stream([" " + stage.name], 1)
    text += event("{\"content\":\" \(stage.name)\",\"refusal\":\"\(stage.name)\"}")
    for ending in [end(2), event("{\"content\":\" \(stage.name)\"}", 0, "", "\"stop\"") + end(2), ""] {
      for step in [3, 64, Int.max] {
        let out = stage.said(text + ending, by: step)
        #expect(out == stage.said(text + ending, by: step, knows: false))
        #expect(!out.contains(stage.name))
      }
    }
  }

  @Test func whatHoldsNoPlaceholderGoesOnByteForByte() throws {
    let stage = try Stage()
    let pieces = [
      "Hello", " every", " e", "xample", " EMAIL", " is", " 日本", " e\u{301}", #" \"e\""#, " Ende", "",
    ]
    let text = stream(pieces) + end()
    #expect(stage.said(text, removesUsage: false) == stage.said(text, knows: false, removesUsage: false))
    let plain = stream(["Hello", " to", " all", " of", " you"]) + end()
    #expect(stage.said(plain, removesUsage: false) == plain)
    #expect(stage.said(plain) == plain.replacing(",\"usage\":null", with: ""))
  }

  @Test func aWatchedAnswerIsGivenToTheGate() throws {
    let stage = try Stage()
    var policy = Config.Policy(name: "pii", kind: .personalData)
    policy.answers = .redact
    var settings = Settings()
    settings.policies = [policy]
    settings.policyChain = ["pii"]
    let chain = try #require(try PolicyBook(settings, keys: [:], secrets: []).common)
    let watch = AnswerInspector(Inspector())
    #expect(watch.begin(chain))
    stage.gate.watch = watch
    let passage = Passage(pool: nil)
    var asked = AskedAnswer()
    asked.shape = .chat
    asked.isFullService = true
    asked.streams = true
    passage.begin(asked, repairs: false)
    _ = passage.begin(ReplyFacts(status: 200, media: .events, hasBody: true), insertsMember: false)
    #expect(!passage.guardStream(by: stage.gate))
  }
}
