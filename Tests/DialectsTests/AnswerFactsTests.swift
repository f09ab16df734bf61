import Support
import Testing
import Wire

@testable import Dialects

@Suite("AnswerFacts") struct AnswerFactsTests {
  /// As OpenAI writes it.
  private static let usual =
    #"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-4o-2024","choices":[{"index":0,"#
    + #""message":{"role":"assistant","content":"a \"b\" ]}, {","refusal":null,"annotations":[{"a":[1]}]},"logprobs":null,"#
    + #""finish_reason":"stop"}],"usage":{"prompt_tokens":1},"system_fingerprint":"fp"}"#

  /// What is known of an answer that came in `pieces`: `id model reasons`.
  private static func facts(_ pieces: [[UInt8]]) -> String {
    let facts = AnswerFacts()
    facts.begin()
    for piece in pieces { _ = facts.piece(piece.span) }
    facts.conclude()
    return facts.id.bytes.text() + "|" + facts.model.bytes.text() + "|" + facts.reasons.bytes.text()
  }

  @Test("the same of an answer however it is written")
  func forms() {
    let variants = [
      Self.usual,
      Self.usual.replacing(",\"", with: ", \""), Self.usual.replacing("\":", with: "\" : "),
      Self.usual.replacing(#""index":0,"#, with: ""),
      Self.usual.replacing(#","logprobs":null"#, with: ""),
      Self.usual.replacing(#""finish_reason":"stop""#, with: #""finish_reason":"stop","stop_reason":null"#),
      Self.usual.replacing(#"{"id":"chatcmpl-1","#, with: "{").replacing(
        #""model":"#, with: #""id":"chatcmpl-1","model":"#),
      Self.usual.replacing("gpt-4o", with: "gpt\\u002d4o"),
      Self.usual.replacing(
        #""refusal":null,"annotations":[{"a":[1]}]"#, with: #""tool_calls":[{"id":"c]}"}]"#),
    ]
    for text in variants {
      #expect(Self.facts([Array(text.utf8)]) == "chatcmpl-1|gpt-4o-2024|stop", "\(text)")
    }
  }

  @Test("the same wherever it is cut", arguments: [0, 1])
  func cuts(_ blanks: Int) {
    let text = Array((blanks == 0 ? Self.usual : Self.usual.replacing(",", with: ", ")).utf8)
    for at in 0...text.count {
      #expect(Self.facts([Array(text[..<at]), Array(text[at...])]) == "chatcmpl-1|gpt-4o-2024|stop", "\(at)")
    }
  }

  @Test("several choices have a reason each, and a name that is none is left out")
  func odd() {
    let second = #"}],"usage""#
    let two = Self.usual.replacing(
      second,
      with: #"},{"index":1,"message":{"role":"assistant","content":null},"finish_reason":"length"}],"usage""#)
    #expect(Self.facts([Array(two.utf8)]) == "chatcmpl-1|gpt-4o-2024|stop length")
    let sentence = Self.usual.replacing("gpt-4o-2024", with: "a whole sentence")
    #expect(Self.facts([Array(sentence.utf8)]) == "chatcmpl-1||stop")
    let none = Self.usual.replacing(#""finish_reason":"stop""#, with: #""finish_reason":null"#)
    #expect(Self.facts([Array(none.utf8)]) == "chatcmpl-1|gpt-4o-2024|")
  }

  @Test("where the tokens come first, they are not looked for behind the choices")
  func tokensFirst() {
    let facts = AnswerFacts()
    facts.begin()
    let text = Self.usual.replacing(#""choices""#, with: #""usage":{},"choices""#)
    #expect(facts.piece(Array(text.utf8).span) == nil)
    facts.begin()
    let usual = Array(Self.usual.utf8)
    let behind = facts.piece(usual.span)
    #expect(behind.map { String(decoding: usual[$0...].prefix(8), as: UTF8.self) } == #","usage""#)
  }
}
