import Dialects
import Support
import Testing
import Wire

/// A stream for a whole answer, and a whole answer for a stream.
@Suite struct StreamCollectorTests {
  private func collect(
    _ shape: BodyShape, _ pieces: [[UInt8]]
  ) -> (outcome: StreamCollector.Outcome, text: String) {
    var collector = StreamCollector(shape)
    var queue = ByteQueue()
    var out = ByteQueue()
    for piece in pieces {
      queue.append(piece)
      collector.take(&queue)
    }
    let outcome = collector.end(&queue, into: &out)
    return (outcome, out.bytes.text())
  }

  private func collect(_ shape: BodyShape, _ text: String) -> (outcome: StreamCollector.Outcome, text: String)
  {
    collect(shape, [Array(text.utf8)])
  }

  private static func events(_ data: String...) -> String { data.map { "data: \($0)\n\n" }.joined() }

  private static func chunk(_ choices: String, _ more: String = "") -> String {
    #"{"id":"c","object":"chat.completion.chunk","created":7,"model":"m","choices":[\#(choices)]\#(more)}"#
  }

  private static func choice(_ delta: String, _ index: Int = 0, reason: String = "null", _ more: String = "")
    -> String
  {
    #"{"index":\#(index),"delta":\#(delta),"finish_reason":\#(reason)\#(more)}"#
  }

  @Test("all that chunks say is in the answer, in every cut")
  func everything() throws {
    func call(_ text: String) -> String { #"{"tool_calls":[\#(text)]}"# }
    let data: [String] = [
      #"{"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[1]}"#,
      Self.chunk(
        Self.choice(#"{"role":"assistant","content":"","refusal":null}"#), #","system_fingerprint":"f""#),
      Self.chunk(Self.choice(#"{"reasoning_content":"h"}"#) + "," + Self.choice(#"{"refusal":"no"}"#, 1)),
      Self.chunk(Self.choice(#"{"reasoning_content":"m"}"#)),
      Self.chunk(
        Self.choice(#"{"content":"a\ud83d"}"#, 0, #","logprobs":{"content":[{"token":"a"}],"refusal":null}"#)),
      Self.chunk(
        Self.choice(#"{"content":"\ude00"}"#, 0, #","logprobs":{"content":[{"token":"b"},{"token":"c"}]}"#),
        #","service_tier":"default""#),
      Self.chunk(Self.choice(#"{"annotations":[{"x":1}],"provider":{"a":1}}"#)),
      Self.chunk(Self.choice(#"{"annotations":[{"x":2}],"provider":{"a":2}}"#)),
      Self.chunk(
        Self.choice(
          call(#"{"index":0,"id":"i","type":"function","function":{"name":"f","arguments":""},"e":{"s":1}}"#))
      ),
      Self.chunk(Self.choice(call(#"{"index":0,"id":"i","function":{"name":"f","arguments":"{\"a\""}}"#))),
      Self.chunk(
        Self.choice(call(#"{"index":1,"id":"j","type":"function","function":{"name":"g","arguments":"{}"}}"#))
      ),
      Self.chunk(Self.choice(call(#"{"index":0,"function":{"arguments":":1}"}}"#))),
      Self.chunk(Self.choice("{}", 1, reason: #""content_filter""#)),
      Self.chunk(Self.choice("{}", reason: #""tool_calls""#, #","content_filter_results":{"ok":true}"#)),
      #"{"id":"c","object":"chat.completion.chunk","created":7,"model":"m","choices":[],"usage":{"prompt_tokens":1}}"#,
      "[DONE]",
    ]
    let text = data.map { "data: \($0)\n\n" }.joined()
    let expected: [String] = [
      #"{"id":"c","created":7,"model":"m","object":"chat.completion","choices":[{"index":0,"message":"#,
      #"{"role":"assistant","content":"a\ud83d\ude00","refusal":null,"reasoning_content":"hm","tool_calls":["#,
      #"{"id":"i","type":"function","e":{"s":1},"function":{"name":"f","arguments":"{\"a\":1}"}},"#,
      #"{"id":"j","type":"function","function":{"name":"g","arguments":"{}"}}],"annotations":[{"x":1},{"x":2}],"#,
      #""provider":{"a":2}},"logprobs":{"content":[{"token":"a"},{"token":"b"},{"token":"c"}]},"#,
      #""finish_reason":"tool_calls","content_filter_results":{"ok":true}},{"index":1,"message":"#,
      #"{"role":"assistant","content":null,"refusal":"no"},"logprobs":null,"finish_reason":"content_filter"}],"#,
      #""prompt_filter_results":[1],"system_fingerprint":"f","service_tier":"default","usage":{"prompt_tokens":1}}"#,
    ]
    for pieces in EverySplit(text) {
      let (outcome, answer) = collect(.chat, pieces)
      #expect(outcome == .whole)
      #expect(answer == expected.joined())
    }
  }

  @Test("a completion's texts and probabilities are joined")
  func completion() {
    let text = Self.events(
      #"{"id":"c","object":"text_completion","created":7,"model":"m","choices":[{"index":0,"text":"a","#
        + #""logprobs":{"tokens":["a"],"top_logprobs":null},"finish_reason":null}]}"#,
      #"{"id":"c","object":"text_completion","created":7,"model":"m","choices":[{"index":0,"text":"b","#
        + #""logprobs":{"tokens":["b"]},"finish_reason":"length"}]}"#)
    let (outcome, answer) = collect(.completion, text)
    #expect(outcome == .whole)
    #expect(
      answer
        == #"{"id":"c","created":7,"model":"m","object":"text_completion","choices":[{"index":0,"text":"ab","#
        + #""logprobs":{"tokens":["a","b"]},"finish_reason":"length"}]}"#)
  }

  @Test("a Responses stream holds its answer at its end")
  func responses() {
    let text =
      "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n"
      + "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"output\":[]}}\n\n"
    let whole = collect(.response, text)
    #expect(whole.outcome == .whole && whole.text == #"{"id":"r","output":[]}"#)
    let cut = Self.events(#"{"type":"response.output_text.delta","delta":"a"}"#)
    #expect(collect(.response, cut).outcome == .truncated)
  }

  @Test("what is no whole answer is none")
  func faults() {
    let open = Self.chunk(Self.choice(#"{"content":"a"}"#))
    #expect(collect(.chat, Self.events(open)).outcome == .truncated)
    #expect(collect(.chat, Self.events(open, "{")).outcome == .malformed)
    #expect(collect(.chat, "").outcome == .malformed)
    #expect(collect(.chat, "data: [DONE]\n\n").outcome == .malformed)
    #expect(collect(.chat, "<html>").outcome == .malformed)
    let failed = collect(.chat, Self.events(open, #"{"error":{"message":"slow","code":429}}"#, open))
    #expect(failed.outcome == .error(status: 502) || failed.outcome == .error(status: 429))
    #expect(Tree(failed.text)?["error"]?["message"]?.text == "slow")
    // The last event's blank line may be missing, and its [DONE].
    let stop = Self.chunk(Self.choice("{}", reason: #""stop""#))
    #expect(collect(.chat, Self.events(open) + "data: \(stop)").outcome == .whole)
  }

  @Test("an answer's chunks say what it says, each in one line")
  func made() {
    let body = [
      "{\n \"id\": \"c\",\r\n\"x_remora\":{\"a\":1},\"model\":\"m\",",
      "\"choices\": [ {\"message\": {\"role\":\"assistant\",\n\"content\":null,",
      "\"tool_calls\":[{\"id\":\"i\"},\n{ \"index\":4}]}, \"logprobs\":null,",
      "\"finish_reason\":\"tool_calls\",\"x\":1}],\"usage\":{\n\"prompt_tokens\":1}}",
    ].joined()
    var out = ByteQueue()
    let isMade = StreamMaker.write(Array(body.utf8).span, .chat, into: &out)
    #expect(isMade)
    let head = #"{"id": "c","model":"m","object":"chat.completion.chunk","#
    let first =
      #""x_remora":{"a":1},"choices":[{"index":0,"delta":{"role":"assistant", "content":null,"#
      + #""tool_calls":[{"index":0,"id":"i"},{ "index":4}]},"logprobs":null,"finish_reason":null}]}"#
    let last = #""choices":[{"index":0,"delta":{},"finish_reason":"tool_calls","x":1}]}"#
    let usage = #""choices":[],"usage":{ "prompt_tokens":1}}"#
    let text = out.bytes.text()
    #expect(text == Self.events("\(head)\(first)", "\(head)\(last)", "\(head)\(usage)", "[DONE]"))
    for other in [#"{"error":{"message":"m"},"choices":[]}"#, "{}", "[]", #"{"choices":null}"#] {
      out.clear()
      let isMade = StreamMaker.write(Array(other.utf8).span, .chat, into: &out)
      #expect(!isMade && out.isEmpty)
    }
  }

  // MARK: What was recorded

  @Test("a recorded stream becomes the answer that it says", arguments: Recording.streams)
  func recorded(_ recording: Recording) throws {
    guard recording.shape == .chat || recording.shape == .completion else { return }
    let bytes = Array(recording.body.utf8)
    let whole = collect(recording.shape, [bytes])
    #expect(whole.outcome == .whole)
    let half = collect(
      recording.shape, [Array(bytes[..<(bytes.count / 2)]), Array(bytes[(bytes.count / 2)...])])
    #expect(half.text == whole.text)
    let answer = try #require(Tree(whole.text))
    let passed = PassedStream(recording.shape, [bytes], ends: true, repairs: true)
    #expect(Self.said(answer) == Self.said(stream: passed.text))
    if let facts = recording.facts, recording.shape == .chat {
      let message = answer["choices"]?[0]?["message"]
      let text: String = message?["content"]?.text ?? ""
      let wanted: String = facts["text"]?.text ?? ""
      #expect(text == wanted)
      let made: [String?] = (message?["tool_calls"]?.elements ?? []).map {
        $0["function"]?["arguments"]?.text
      }
      let called: [String?] = (facts["tool_calls"]?.elements ?? []).map { $0["arguments"]?.text }
      #expect(made == called)
    }
    var usage = TokenUsage()
    if let range = JSONView.value(Array(whole.text.utf8).span, in: 0..<whole.text.utf8.count, at: "usage") {
      usage.read(Array(whole.text.utf8).span, range)
      #expect(usage == passed.usage)
    }
  }

  @Test(
    "a recorded answer becomes a stream that says it, and that stream the answer",
    arguments: Recording.answers)
  func madeOfRecorded(_ recording: Recording) throws {
    guard recording.shape == .chat || recording.shape == .completion else { return }
    let body = Array(recording.body.utf8)
    guard let answer = Tree(body), !(answer["choices"]?.elements ?? []).isEmpty else { return }
    var out = ByteQueue()
    let isMade = StreamMaker.write(body.span, recording.shape, into: &out)
    #expect(isMade)
    let passed = PassedStream(recording.shape, [out.array()], ends: true, repairs: true)
    #expect(passed.fault == nil && passed.hasEnded && !passed.hasFailed)
    var repaired = answer
    var text = ByteQueue()
    var repair = ReplyRepair()
    if case .repaired = repair.read(
      body.span, recording.shape, wantsBase64: false, provider: "acme", into: &text)
    {
      repaired = try #require(Tree(text.array()))
    }
    #expect(Self.said(stream: passed.text) == Self.said(repaired))
    let again = collect(recording.shape, [out.array()])
    #expect(again.outcome == .whole)
    #expect(Self.said(try #require(Tree(again.text))) == Self.said(repaired))
  }

  /// What each choice says: text, refusal, reasoning, calls, and why it ended.
  private static func said(_ answer: Tree) -> [[String]] {
    var result: [[String]] = []
    for choice in answer["choices"]?.elements ?? [] {
      let message: Tree? = choice["message"]
      let text: String? = message?["content"]?.text ?? choice["text"]?.text
      var said: [String] = [text ?? ""]
      for name in ["refusal", "reasoning_content", "reasoning"] { said.append(message?[name]?.text ?? "") }
      said.append(choice["finish_reason"]?.text ?? "")
      for call in message?["tool_calls"]?.elements ?? [] {
        said.append(call["id"]?.text ?? "")
        let name: String = call["function"]?["name"]?.text ?? ""
        let arguments: String = call["function"]?["arguments"]?.text ?? ""
        said.append(name + arguments)
      }
      result.append(said)
    }
    return result
  }

  private static func said(stream: String) -> [[String]] {
    var choices: [Int: [String]] = [:]
    var calls: [Int: [Int: (id: String, text: String)]] = [:]
    for event in stream.split(separator: "\n\n") where event.hasPrefix("data: {") {
      guard let chunk = Tree(String(event.dropFirst(6))) else { continue }
      for choice in chunk["choices"]?.elements ?? [] {
        let index = choice["index"]?.integer ?? -1
        var said = choices[index] ?? ["", "", "", "", ""]
        let delta = choice["delta"]
        let text: String? = delta?["content"]?.text ?? choice["text"]?.text
        said[0] += text ?? ""
        for (place, name) in [(1, "refusal"), (2, "reasoning_content"), (3, "reasoning")] {
          if let text = delta?[name]?.text { said[place] += text }
        }
        if let reason = choice["finish_reason"]?.text { said[4] = reason }
        choices[index] = said
        for call in delta?["tool_calls"]?.elements ?? [] {
          let place = call["index"]?.integer ?? -1
          var known: (id: String, text: String) = calls[index]?[place] ?? ("", "")
          if let id = call["id"]?.text { known.id += id }
          if let name = call["function"]?["name"]?.text { known.text += name }
          if let arguments = call["function"]?["arguments"]?.text { known.text += arguments }
          calls[index, default: [:]][place] = known
        }
      }
    }
    var result: [[String]] = []
    for index in choices.keys.sorted() {
      var said: [String] = choices[index] ?? []
      let made = calls[index] ?? [:]
      for place in made.keys.sorted() {
        said.append(made[place]?.id ?? "")
        said.append(made[place]?.text ?? "")
      }
      result.append(said)
    }
    return result
  }
}
