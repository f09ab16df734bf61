// Whole answers that are brought into form.

import Dialects
import Support
import Testing
import Wire

@Suite struct ReplyRepairTests {
  private func read(
    _ body: String, _ shape: BodyShape = .chat, base64: Bool = false
  ) -> (finding: ReplyRepair.Finding, text: String) {
    var repair = ReplyRepair()
    var out = ByteQueue()
    let bytes = Array(body.utf8)
    let finding = repair.read(bytes.span, shape, wantsBase64: base64, provider: "acme", into: &out)
    return (finding, out.bytes.text())
  }

  private static func answer(_ message: String, _ reason: String) -> String {
    #"{"id":"1","object":"o","choices":[{"index":0,"message":\#(message),"finish_reason":\#(reason)}],"usage":{}}"#
  }

  @Test(
    "what can be read stays",
    arguments: [
      answer(#"{"role":"assistant","content":"a"}"#, #""stop""#), #"{"choices":[]}"#,
      answer(#"{"content":"a","tool_calls":null}"#, #""stop""#),
      answer(
        #"{"tool_calls":[{"id":"a","type":"custom","custom":{}},{"id":"b","type":"x"}]}"#, #""tool_calls""#),
      answer(
        #"{"content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":""}}]}"#,
        #""tool_calls""#),
    ])
  func fine(_ body: String) {
    #expect(read(body).finding == .fine)
    let text = #"{"object":"o","choices":[{"index":0,"text":"a","finish_reason":"stop"}],"error":null}"#
    #expect(read(text, .completion).finding == .fine)
  }

  @Test(
    "a whole answer is repaired",
    arguments: [
      (
        answer(
          #"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"h"}],"closed":true},{"type":"text","text":"a"}]}"#,
          #""stop""#), answer(#"{"content":"a","reasoning_content":"h"}"#, #""stop""#)
      ),
      (
        answer(#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":{"a":1}}}]}"#, #""""#),
        answer(
          #"{"tool_calls":[{"type":"function","id":"a","function":{"name":"f","arguments":"{\"a\":1}"}}]}"#,
          #""tool_calls""#)
      ),
      (
        answer(#"{"tool_calls":[{"id":"a","type":"function","function":{"name":"f"}}]}"#, #""tool_calls""#),
        answer(
          #"{"tool_calls":[{"id":"a","type":"function","function":{"arguments":"{}","name":"f"}}]}"#,
          #""tool_calls""#)
      ), (answer(#"{"content":"a"}"#, #""""#), answer(#"{"content":"a"}"#, #""stop""#)),
      (answer(#"{"content":"a"}"#, #""eos""#), answer(#"{"content":"a"}"#, #""stop""#)),
      (
        #"{"choices":[{"message":{"content":"a"}},{"finish_reason":null,"message":{"content":"b"},"index":null}]}"#,
        #"{"object":"chat.completion","choices":[{"index":0,"finish_reason":"stop","message":{"content":"a"}},"#
          + #"{"finish_reason":"stop","message":{"content":"b"},"index":1}]}"#
      ),
      (
        answer(
          #"{"tool_calls":[{"id":7,"type":"function","function":{"name":"f","arguments":"{}"}}]}"#, "null"),
        answer(
          #"{"tool_calls":[{"id":"7","type":"function","function":{"name":"f","arguments":"{}"}}]}"#,
          #""tool_calls""#)
      ),
      (
        #"{"object":"o","choices":[{"index":0,"message":{},"finish_reason":"stop","usage":{"prompt_tokens":1}}]}"#,
        #"{"usage":{"prompt_tokens":1},"object":"o","choices":[{"index":0,"message":{},"finish_reason":"stop","#
          + #""usage":{"prompt_tokens":1}}]}"#
      ),
      (
        answer(
          #"{"tool_calls":[null,{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},"#
            + #"{"id":"b","type":"function","function":null},{"id":"c"}]}"#, #""tool_calls""#),
        answer(
          #"{"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}"#,
          #""tool_calls""#)
      ),
      (
        answer(#"{"content":"a","tool_calls":[null]}"#, #""tool_calls""#),
        answer(#"{"content":"a","tool_calls":[]}"#, #""stop""#)
      ),
      (
        #"{"object":"o","choices":[null,{"index":0,"delta":{"content":"a"},"finish_reason":"stop"},7]}"#,
        #"{"object":"o","choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"}]}"#
      ),
      (answer("null", #""stop""#), answer(#"{"role":"assistant","content":""}"#, #""stop""#)),
      (
        #"{"object":"o","choices":[{"index":0,"finish_reason":"stop"}]}"#,
        #"{"object":"o","choices":[{"message":{"role":"assistant","content":""},"index":0,"finish_reason":"stop"}]}"#
      ),
      (
        #"{"choices":[],"x_groq":{"usage":{"prompt_tokens":1}}}"#,
        #"{"usage":{"prompt_tokens":1},"choices":[],"x_groq":{"usage":{"prompt_tokens":1}}}"#
      ),
      (
        #"{"choices":[],"usage":null,"x_groq":{"usage":{"prompt_tokens":1}}}"#,
        #"{"choices":[],"usage":{"prompt_tokens":1},"x_groq":{"usage":{"prompt_tokens":1}}}"#
      ),
    ])
  func whole(_ body: String, _ expected: String) {
    let result = read(body)
    #expect(result.finding == .repaired)
    #expect(result.text == expected)
    #expect(read(expected).finding == .fine)
  }

  @Test("an error under 200 has the status that it names")
  func hiddenErrors() {
    let named = read(#"{"error":{"message":"slow","code":429},"user_id":"u"}"#)
    #expect(named.finding == .error(status: 429))
    #expect(named.text == #"{"error":{"message":"slow","type":"rate_limit_error","param":null,"code":null}}"#)
    for body in [
      #"{"error":"m"}"#, #"{"choices":null,"error":"m"}"#,
      #"{"object":"o","choices":[],"error":{"message":"m"}}"#,
      #"{"choices":{},"object":"chat.completion","error":"m"}"#,
      #"{"object":"error","message":"m"}"#,
      #"{"detail":"m"}"#, #"{"message":"m"}"#,
    ] {
      #expect(read(body).finding == .error(status: 502))
      #expect(Tree(read(body).text)?["error"]?["message"]?.text == "m")
    }
  }

  @Test("a provider that gives up, and what isn't JSON, are no answers")
  func noAnswers() {
    let body = Self.answer(#"{"content":"a"}"#, #""insufficient_system_resource""#)
    if case .givenUp(let range) = read(body).finding {
      #expect(String(decoding: Array(body.utf8)[range], as: UTF8.self) == #""insufficient_system_resource""#)
    } else {
      Issue.record("\(read(body).finding)")
    }
    if case .invalid = read(#"{"choices":["#).finding {} else { Issue.record("a cut answer passes") }
    for body in [
      "[1]", "null", "\"m\"", "{}", #"{"choices":null}"#, #"{"choices":7,"error":null}"#,
      #"{"id":"c","object":"chat.completion","model":"m","usage":{"prompt_tokens":1}}"#,
    ] {
      #expect(read(body).finding == .malformed)
      #expect(read(body, .completion).finding == .malformed)
      #expect(read(body, .embedding).finding == (body.first == "{" ? .fine : .malformed))
    }
  }

  @Test("vectors become base64 where the client asked for it")
  func vectors() {
    let body = #"{"data":[{"index":0,"embedding":[0.5, -1,1e0]},{"embedding":[],"index":1}],"model":"m"}"#
    let expected =
      #"{"data":[{"index":0,"embedding":"AAAAPwAAgL8AAIA/"},{"embedding":"","index":1}],"model":"m"}"#
    #expect(read(body, .embedding).finding == .fine)
    let result = read(body, .embedding, base64: true)
    #expect(result.finding == .repaired && result.text == expected)
    #expect(read(expected, .embedding, base64: true).finding == .fine)
  }

  @Test("each call without an id gets one of its own")
  func madeIDs() throws {
    for id in ["", #""id":null,"#, #""id":"","#] {
      let call = #"{\#(id)"type":"function","function":{"name":"f","arguments":"{}"}}"#
      let whole = read(Self.answer(#"{"tool_calls":[\#(call),\#(call)]}"#, #""tool_calls""#))
      let calls = try #require(Tree(whole.text)?["choices"]?[0]?["message"]?["tool_calls"]?.elements)
      #expect(Set(calls.compactMap { $0["id"]?.text }).count == 2)
    }
  }
}
