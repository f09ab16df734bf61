import Dialects
import Support
import Testing
import Wire

@Suite struct GeminiAnswerTests {
  private static let gemini = GeminiDialect()
  private static let model = "gemini-2.5-flash"

  private func answer(_ reply: String) throws -> Tree { try Self.gemini.answer(reply, model: Self.model) }
  private func message(_ reply: String) throws -> Tree? { try answer(reply)["choices"]?[0]?["message"] }

  /// `{"candidates":[one of these parts],…}`.
  private func reply(_ parts: String, _ reason: String = "STOP", _ rest: String = "") -> String {
    #"{"candidates":[{"content":{"parts":[\#(parts)],"role":"model"},"finishReason":"\#(reason)","index":0}]\#(rest)}"#
  }

  private func fault(_ reply: String) -> AnswerFault? {
    do { _ = try answer(reply) } catch let fault as AnswerFault { return fault } catch {}
    return nil
  }

  // MARK: Whole

  @Test("a text, with everything around it")
  func text() throws {
    let answer = try answer(
      reply(
        #"{"text":"Caf\u00e9 "},{"text":"\"x\"","thoughtSignature":"c2ln"}"#, "STOP",
        #","usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":4,"totalTokenCount":20,"cachedContentTokenCount":8,"thoughtsTokenCount":6},"modelVersion":"gemini-2.5-flash-001","responseId":"r1","createTime":"2025-10-31T12:00:01.5Z""#
      ))
    #expect(
      answer
        == Tree(
          #"{"id":"r1","object":"chat.completion","created":1761912001,"model":"gemini-2.5-flash-001","choices":[{"index":0,"message":{"role":"assistant","content":"Café \"x\"","refusal":null,"extra_content":{"google":{"thought_signature":"c2ln"}}},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":10,"total_tokens":20,"prompt_tokens_details":{"cached_tokens":8},"completion_tokens_details":{"reasoning_tokens":6}}}"#
        ))
  }

  @Test("thoughts are reasoning; what ran at the provider is nobody's call")
  func thoughts() throws {
    let message = try message(
      reply(
        #"{"text":"Hm.","thought":true},{"executableCode":{"language":"PYTHON","code":"1"}},{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1"}},{"toolCall":{"id":"t","toolType":"FILE_SEARCH"},"thoughtSignature":"eA=="},{"text":"Yes"}"#
      ))
    #expect(
      message
        == Tree(#"{"role":"assistant","content":"Yes","refusal":null,"reasoning_content":"Hm."}"#))
  }

  @Test("parallel calls, with and without ids, arguments and signatures")
  func calls() throws {
    let answer = try answer(
      reply(
        #"{"functionCall":{"name":"f","args":{ "a" : 12345678901234567890, "b":"\u00e9\"\n" }},"thoughtSignature":"c2ln"},{"functionCall":{"id":"own","name":"g"}},{"functionCall":{"name":"f","args":null}}"#
      ))
    let calls = answer["choices"]?[0]?["message"]?["tool_calls"]
    #expect(
      calls
        == Tree(
          #"[{"id":"call_seed0","type":"function","extra_content":{"google":{"thought_signature":"c2ln"}},"function":{"name":"f","arguments":"{\"a\":12345678901234567890,\"b\":\"\\u00e9\\\"\\n\"}"}},{"id":"own","type":"function","function":{"name":"g","arguments":"{}"}},{"id":"call_seed1","type":"function","function":{"name":"f","arguments":"{}"}}]"#
        ))
    #expect(answer["choices"]?[0]?["message"]?["content"] == .null)
    #expect(answer["choices"]?[0]?["finish_reason"] == .string("tool_calls"))
  }

  @Test("a picture comes as other gateways give it")
  func pictures() throws {
    let message = try message(
      reply(
        #"{"text":"Here"},{"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"inlineData":{"mimeType":"image/png","data":"BBBB"}},{"inlineData":{"mimeType":"audio/pcm","data":"CCCC"}}"#
      ))
    #expect(
      message?["images"]
        == Tree(
          #"[{"type":"image_url","index":0,"image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"image_url","index":1,"image_url":{"url":"data:image/png;base64,BBBB"}}]"#
        ))
  }

  @Test("what Google found comes along, once")
  func grounding() throws {
    let candidate =
      #"{"candidates":[{"content":{"parts":[{"text":"A","thoughtSignature":"c2ln"}]},"finishReason":"STOP","groundingMetadata":{"webSearchQueries": ["q"],"groundingChunks":[{"web":{"uri":"https://example.com","title":"T"}}]}}]}"#
    let wanted = Tree(
      #"{"google":{"thought_signature":"c2ln","grounding_metadata":{"webSearchQueries":["q"],"groundingChunks":[{"web":{"uri":"https://example.com","title":"T"}}]}}}"#
    )
    #expect(try message(candidate)?["extra_content"] == wanted)
    let text = Self.stream([candidate, candidate])
    let stream = try Self.gemini.stream([Array(text.utf8)], model: Self.model)
    #expect(ReadStream(stream).choice.extra == wanted)
    #expect(stream.split(separator: "extra_content").count == 2)
    let nothing = #"{"candidates":[{"content":{"parts":[{"text":"A"}]},"groundingMetadata":{}}]}"#
    #expect(try message(nothing)?["extra_content"] == nil)
  }

  @Test("several candidates are several choices")
  func candidates() throws {
    let answer = try answer(
      #"{"candidates":[{"content":{"parts":[{"text":"A"}]},"finishReason":"STOP"},{"content":{"parts":[{"functionCall":{"name":"f","args":{}}}]},"finishReason":"STOP","index":1},{"finishReason":"MAX_TOKENS","index":2}]}"#
    )
    let choices = answer["choices"]?.elements ?? []
    #expect(choices.map { $0["finish_reason"]?.text } == ["stop", "tool_calls", "length"])
    #expect(choices.map { $0["index"]?.integer } == [0, 1, 2])
    #expect(choices[2]["message"]?["content"] == .string(""))
  }

  @Test("log probabilities")
  func logprobs() throws {
    let answer = try answer(
      #"{"candidates":[{"content":{"parts":[{"text":"4!"}]},"finishReason":"STOP","avgLogprobs":-1,"logprobsResult":{"chosenCandidates":[{"token":"4","logProbability":-0.5,"tokenId":1},{"token":"\"!","tokenId":2}],"topCandidates":[{"candidates":[{"token":"4","logProbability":-0.5},{"token":"5","logProbability":-2.3844768e-07}]}]}}]}"#
    )
    #expect(
      answer["choices"]?[0]?["logprobs"]
        == Tree(
          #"{"content":[{"token":"4","logprob":-0.5,"bytes":null,"top_logprobs":[{"token":"4","logprob":-0.5,"bytes":null},{"token":"5","logprob":-2.3844768e-07,"bytes":null}]},{"token":"\"!","logprob":0,"bytes":null,"top_logprobs":[]}],"refusal":null}"#
        ))
  }

  @Test(
    "every reason",
    arguments: [
      ("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"),
      ("RECITATION", "content_filter"),
      ("LANGUAGE", "content_filter"), ("BLOCKLIST", "content_filter"),
      ("PROHIBITED_CONTENT", "content_filter"),
      ("SPII", "content_filter"), ("IMAGE_SAFETY", "content_filter"),
      ("IMAGE_PROHIBITED_CONTENT", "content_filter"),
      ("IMAGE_RECITATION", "content_filter"), ("OTHER", "stop"), ("NO_IMAGE", "stop"),
      ("FINISH_REASON_UNSPECIFIED", "stop"), ("SOMETHING_NEW", "stop"),
    ])
  func reasons(_ reason: String, _ wanted: String) throws {
    #expect(try answer(reply(#"{"text":"A"}"#, reason))["choices"]?[0]?["finish_reason"] == .string(wanted))
  }

  @Test(
    "reasons that say that there is no answer",
    arguments: [
      "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
      "MALFORMED_RESPONSE",
    ])
  func failures(_ reason: String) {
    let named = fault(
      #"{"candidates":[{"content":{},"finishReason":"\#(reason)","finishMessage":"Malformed: \"f\""}]}"#)
    #expect(named?.message == Array("Malformed: \"f\"".utf8))
    #expect(named?.code == Array(reason.utf8) && named?.status == 502)
    let nameless = fault(#"{"candidates":[{"finishReason":"\#(reason)"}]}"#)
    #expect(nameless?.message == Array("The model failed: \(reason).".utf8))
  }

  @Test("a prompt that is blocked")
  func blocked() throws {
    let answer = try answer(
      #"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":7,"totalTokenCount":7},"modelVersion":"m"}"#
    )
    #expect(
      answer["choices"]
        == Tree(
          #"[{"index":0,"message":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":"content_filter"}]"#
        ))
    #expect(answer["usage"] == Tree(#"{"prompt_tokens":7,"completion_tokens":0,"total_tokens":7}"#))
  }

  @Test("what a tool of the prompt reads is input")
  func toolUse() throws {
    let answer = try answer(
      reply(
        #"{"text":"A"}"#, "STOP",
        #","usageMetadata":{"promptTokenCount":10,"toolUsePromptTokenCount":5,"candidatesTokenCount":2,"totalTokenCount":17}"#
      ))
    #expect(answer["usage"] == Tree(#"{"prompt_tokens":15,"completion_tokens":2,"total_tokens":17}"#))
  }

  @Test("an error in an answer that looked good", arguments: ["%", "[%]"])
  func errors(_ form: String) {
    let error = #"{"error":{"code":503,"message":"Overloaded.","status":"UNAVAILABLE"}}"#
    let fault = fault(form.replacing("%", with: error))
    #expect(fault?.status == 503 && fault?.message == Array("Overloaded.".utf8))
    #expect(fault?.code == Array("UNAVAILABLE".utf8) && fault.map { "\($0.type)" } == "overloaded_error")
  }

  @Test(
    "what is no answer is refused, and nothing traps",
    arguments: [
      "{}", "[]", "1", "null", #""x""#, "[[[]]]", #"{"a":1}"#, "", "{",
    ])
  func nonsense(_ reply: String) { #expect(fault(reply)?.code == Array("upstream_protocol".utf8)) }

  @Test(
    "wrong kinds are passed over",
    arguments: [
      #"{"candidates":{}}"#, #"{"candidates":[1,null,"x",[]]}"#,
      #"{"candidates":[{"content":[],"finishReason":1}]}"#,
      #"{"candidates":[{"content":{"parts":{}}}]}"#,
      #"{"candidates":[{"index":-1},{"index":1e30},{"index":500}]}"#,
      #"{"candidates":[{"content":{"parts":[1,{"text":1},{"functionCall":1},{"inlineData":{"data":1}}]}}]}"#,
      #"{"usageMetadata":{"promptTokenCount":-1,"candidatesTokenCount":1e99,"thoughtsTokenCount":"x"}}"#,
      #"{"candidates":[{"logprobsResult":{"chosenCandidates":[]}}],"createTime":"2025-99-99T99:99:99Z"}"#,
    ])
  func wrongKinds(_ reply: String) throws {
    #expect(try answer(reply)["choices"]?[0]?["finish_reason"] == .string("stop"))
  }

  // MARK: Streams

  private static let events = [
    #"{"candidates":[{"content":{"parts":[{"text":"Hm ","thought":true}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":5,"totalTokenCount":5},"modelVersion":"gemini-2.5-flash","responseId":"r1"}"#,
    #"{"candidates":[{"content":{"parts":[{"text":"Caf\u00e9 \ud83d"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1,"totalTokenCount":6},"modelVersion":"other"}"#,
    #"{"candidates":[{"content":{"parts":[{"text":"\ude00"},{"functionCall":{"name":"f","args":{"a":1}},"thoughtSignature":"c2ln"}],"role":"model"},"index":0}]}"#,
    #"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"g","args":{}}},{"text":"","thoughtSignature":"dGV4dA=="}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":9,"thoughtsTokenCount":2,"totalTokenCount":16}}"#,
  ]

  private static func stream(_ events: [String], _ end: String = "\r\n\r\n") -> String {
    events.map { "data: \($0)\(end)" }.joined()
  }

  @Test("a stream in every cut")
  func everyCut() throws {
    let text = "\u{FEFF}: hello\r\n\r\n" + Self.stream(Self.events)
    let whole = try Self.gemini.stream([Array(text.utf8)], model: Self.model)
    let read = ReadStream(whole)
    #expect(read.isDone && read.error == nil && read.id == "r1" && read.model == "gemini-2.5-flash")
    // Halves of a pair that come in two events meet again.
    #expect(read.choice.text == "Café 😀")
    #expect(read.choice.reasoning == "Hm ")
    #expect(read.choice.finish == "tool_calls")
    #expect(read.choice.calls.map(\.name) == ["f", "g"])
    #expect(read.choice.calls.map(\.arguments) == [#"{"a":1}"#, "{}"])
    #expect(read.choice.calls.map(\.signature) == ["c2ln", nil])
    #expect(Set(read.choice.calls.map(\.id)).count == 2)
    #expect(read.choice.extra == Tree(#"{"google":{"thought_signature":"dGV4dA=="}}"#))
    #expect(
      read.usage
        == Tree(
          #"{"prompt_tokens":5,"completion_tokens":11,"total_tokens":16,"completion_tokens_details":{"reasoning_tokens":2}}"#
        ))
    for pieces in EverySplit(text) {
      let cut = try Self.gemini.stream(pieces, model: Self.model)
      #expect(cut == whole)
    }
  }

  @Test("the first text leaves with the event that brings it")
  func promptness() throws {
    let translation = try Self.gemini.begin(chatBody(#""stream":true"#), model: Self.model)
    translation.begin(created: 1, seed: AnswerSeed("a"), member: Span())
    var out = ByteQueue()
    let event = Self.stream([#"{"candidates":[{"content":{"parts":[{"text":"A"}]}}]}"#])
    translation.take(Array(event.utf8).span, into: &out)
    #expect(out.bytes.text().contains(#""content":"A""#) && translation.heldCount == 0)
    #expect(!translation.hasEnded)
  }

  @Test("a stream that ends before every candidate has is cut, and says so", arguments: 0...3)
  func truncated(_ count: Int) throws {
    let text = try Self.gemini.stream(
      [Array(Self.stream(Array(Self.events[..<count])).utf8)], model: Self.model)
    let read = ReadStream(text)
    #expect(!read.isDone && read.error?["code"] == .string("upstream_protocol"))
  }

  @Test("all candidates must end")
  func severalCandidates() throws {
    func candidate(_ index: Int, _ text: String, _ end: String = "") -> String {
      #"{"candidates":[{"content":{"parts":[{"text":"\#(text)"}]},"index":\#(index)\#(end)}]}"#
    }
    let stop = #","finishReason":"STOP""#
    let events = [candidate(0, "A"), candidate(1, "B"), candidate(0, "C", stop)]
    let body = chatBody(#""stream":true,"n":2"#)
    func read(_ events: [String]) throws -> ReadStream {
      ReadStream(
        try Self.gemini.stream([Array(Self.stream(events, "\n\n").utf8)], model: Self.model, to: body))
    }
    #expect(try !read(events).isDone)
    let whole = try read(events + [candidate(1, "D", stop)])
    #expect(whole.isDone && whole.usage == nil)
    #expect(whole.choices[0]?.text == "AC" && whole.choices[1]?.text == "BD")
  }

  @Test(
    "how urgently it was served",
    arguments: [
      (#""serviceTier":"standard""#, "default"), (#""serviceTier":"flex""#, "flex"),
      (#""trafficType":"ON_DEMAND""#, "default"), (#""trafficType":"PROVISIONED_THROUGHPUT""#, "scale"),
      (#""trafficType":"ON_DEMAND_PRIORITY""#, "priority"), (#""serviceTier":"of tomorrow""#, nil),
      (#""serviceTier":7"#, nil),
    ])
  func tier(_ member: String, _ tier: String?) throws {
    let event =
      #"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"usageMetadata":{\#(member)}}"#
    let stream = try Self.gemini.stream([Array(Self.stream([event]).utf8)], model: Self.model)
    #expect(ReadStream(stream).tier == tier.map { .string($0) })
    let whole = try Self.gemini.answer(event, model: Self.model)
    #expect(whole["service_tier"] == tier.map { .string($0) })
  }

  @Test("an error in the middle", arguments: ["%", "[%]"])
  func midStream(_ form: String) throws {
    let error = form.replacing(
      "%", with: #"{"error":{"code":429,"message":"Quota.","status":"RESOURCE_EXHAUSTED"}}"#)
    let text = try Self.gemini.stream(
      [Array(Self.stream([Self.events[0], error, Self.events[3]]).utf8)], model: Self.model)
    let read = ReadStream(text)
    #expect(read.choice.reasoning == "Hm " && !read.isDone && read.choice.calls.isEmpty)
    #expect(
      read.error
        == Tree(#"{"message":"Quota.","type":"rate_limit_error","param":null,"code":"RESOURCE_EXHAUSTED"}"#))
  }

  @Test("a call that the model got wrong, in the middle")
  func malformedCall() throws {
    let text = try Self.gemini.stream(
      [
        Array(
          Self.stream([Self.events[0], #"{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]}"#]).utf8)
      ],
      model: Self.model)
    #expect(ReadStream(text).error?["code"] == .string("MALFORMED_FUNCTION_CALL"))
  }

  @Test("a blocked prompt is a stream of its own")
  func blockedStream() throws {
    let text = try Self.gemini.stream(
      [Array(Self.stream([#"{"promptFeedback":{"blockReason":"SAFETY"},"modelVersion":"m"}"#]).utf8)],
      model: Self.model)
    let read = ReadStream(text)
    #expect(read.isDone && read.choice.finish == "content_filter" && read.choice.text.isEmpty)
  }

  @Test("pictures and log probabilities in a stream")
  func richStream() throws {
    let event =
      #"{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"text":"A"}]},"logprobsResult":{"chosenCandidates":[{"token":"A","logProbability":-1}]},"finishReason":"STOP"}]}"#
    let read = ReadStream(try Self.gemini.stream([Array(Self.stream([event]).utf8)], model: Self.model))
    #expect(read.choice.images.count == 1 && read.choice.logprobs.count == 1)
    #expect(read.choice.text == "A")
  }

  @Test("an event that is no JSON ends the stream with an error")
  func brokenEvent() throws {
    let text = try Self.gemini.stream([Array("data: {\"candidates\":\n\n".utf8)], model: Self.model)
    #expect(ReadStream(text).error?["code"] == .string("upstream_protocol"))
  }

  @Test("a whole answer where a stream was asked for becomes one")
  func wholeForStream() throws {
    let translation = try Self.gemini.begin(chatBody(#""stream":true"#), model: Self.model)
    translation.begin(created: 1, seed: AnswerSeed("a"), member: Span())
    var out = ByteQueue()
    let bytes = Array(reply(#"{"text":"A"},{"text":"B","thoughtSignature":"c2ln"}"#).utf8)
    try translation.takeWhole(bytes.span, into: &out)
    let read = ReadStream(out.bytes.text())
    #expect(
      read.isDone && read.choice.text == "AB" && read.choice.finish == "stop" && read.choice.extra != nil)
  }

  // MARK: The way back

  @Test("what an answer gives, the next turn gives back")
  func roundTrip() throws {
    let message = try message(
      reply(
        #"{"text":"A","thoughtSignature":"dGV4dA=="},{"functionCall":{"id":"x","name":"f","args":{"a":[1,{"b":"\u0022"}]}},"thoughtSignature":"c2ln"},{"functionCall":{"name":"g","args":{}}}"#
      ))
    let kept = try #require(message).json
    let ids = message?["tool_calls"]?.elements.compactMap { $0["id"]?.text } ?? []
    let results = ids.reversed().map { #"{"role":"tool","tool_call_id":"\#($0)","content":"\#($0)"}"# }
    let turns = #"{"role":"user","content":"Q"},\#(kept),"# + results.joined(separator: ",")
    let body = try Self.gemini.request(chatBody(turns: turns), model: "gemini-3-pro-preview").body
    #expect(
      body["contents"]?[1]?["parts"]
        == Tree(
          #"[{"text":"A","thoughtSignature":"dGV4dA=="},{"functionCall":{"id":"x","name":"f","args":{"a":[1,{"b":"\""}]}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"call_seed0","name":"g","args":{}}}]"#
        ))
    let names = body["contents"]?[2]?["parts"]?.elements.compactMap { $0["functionResponse"]?["name"]?.text }
    #expect(names == ["f", "g"])
  }
}

extension Tree {
  /// The value as JSON again.
  var json: String {
    switch self {
    case .object(let members):
      "{" + members.map { "\(Tree.string($0.key).json):\($0.value.json)" }.joined(separator: ",") + "}"
    case .array(let elements): "[" + elements.map(\.json).joined(separator: ",") + "]"
    case .string(let text):
      {
        var queue = ByteQueue()
        JSONWriter.string(text, into: &queue)
        return queue.bytes.text()
      }()
    case .number(let digits): digits
    case .bool(let value): value ? "true" : "false"
    case .null: "null"
    }
  }
}
