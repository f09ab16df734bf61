import Dialects
import Support
import Testing
import Wire

/// What no OpenAI SDK can read, and what becomes of it.
@Suite struct RepairTests {
  private static func events(_ data: [String]) -> String { data.map { "data: \($0)\n\n" }.joined() }

  private static func chunk(_ delta: String, _ reason: String = "null") -> String {
    #"{"id":"1","created":7,"model":"m","object":"o","choices":[{"index":0,"delta":\#(delta),"finish_reason":\#(reason)}]}"#
  }

  struct Stream: Sendable, CustomTestStringConvertible {
    var name: String
    var from: [String]
    var to: [String]
    var fails = false
    var testDescription: String { name }
  }

  private static func call(_ members: String) -> String { chunk(#"{"tool_calls":[{\#(members)}]}"#) }

  static let streamRows: [Stream] = [
    Stream(
      name: "what can be read stays", from: [chunk(#"{"content":"a"}"#), chunk("{}", #""stop""#)],
      to: [chunk(#"{"content":"a"}"#), chunk("{}", #""stop""#)]),
    Stream(
      name: "lists of chunks become text, thoughts reasoning",
      from: [
        chunk(#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"h\n"},{"text":"m"}]}]}"#),
        chunk(
          #"{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"reference","reference_ids":[1]},"b"]}"#
        ),
        chunk(#"{"content":[]}"#), chunk(#"{"content":[{"type":"thinking","thinking":"x"}],"a":1}"#),
      ],
      to: [
        chunk(#"{"content":"","reasoning_content":"h\nm"}"#), chunk(#"{"role":"assistant","content":"ab"}"#),
        chunk(#"{"content":""}"#), chunk(#"{"content":"","reasoning_content":"x","a":1}"#),
      ]),
    Stream(
      name: "calls without an index are counted by id",
      from: [
        call(#""id":"a","type":"function","index":null,"function":{"name":"f","arguments":""}"#),
        call(#""function":{"arguments":"{"}"#), call(#""id":"a","index":null,"function":{"arguments":"}"}"#),
        call(#""id":"b","type":"function","function":{"name":"g","arguments":"{}"}"#),
      ],
      to: [
        call(#""id":"a","type":"function","index":0,"function":{"name":"f","arguments":""}"#),
        call(#""index":0,"function":{"arguments":"{"}"#),
        call(#""index":0,"function":{"arguments":"}"}"#),
        call(#""index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}"#),
      ]),
    Stream(
      name: "calls that are all the first one are told apart by id and name",
      from: [
        call(#""index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{}"}"#),
        call(#""index":0,"id":"b","type":"function","function":{"name":"g","arguments":"{"}"#),
        call(#""index":0,"function":{"arguments":"}"}"#),
      ],
      to: [
        call(#""index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{}"}"#),
        call(#""index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{"}"#),
        call(#""index":1,"function":{"arguments":"}"}"#),
      ]),
    Stream(
      name: "calls that are all the first one are told apart by numbers, and by names behind arguments",
      from: [
        call(#""index":0,"id":17,"type":"function","function":{"name":"f","arguments":"{}"}"#),
        call(#""index":0,"id":18,"type":"function","function":{"name":"g","arguments":"{}"}"#),
        call(#""index":0,"id":18,"type":"function","function":{"name":"g","arguments":" "}"#),
        call(#""index":0,"type":"function","function":{"name":"h","arguments":"{"}"#),
        call(#""index":0,"function":{"name":"h","arguments":"}"}"#),
      ],
      to: [
        call(#""index":0,"id":"17","type":"function","function":{"name":"f","arguments":"{}"}"#),
        call(#""index":1,"id":"18","type":"function","function":{"name":"g","arguments":"{}"}"#),
        call(#""index":1,"type":"function","function":{"arguments":" "}"#),
        call(
          #""id":"call_d2d0d30834e789250_2","index":2,"type":"function","function":{"name":"h","arguments":"{"}"#
        ),
        call(#""index":2,"function":{"arguments":"}"}"#),
      ]),
    Stream(
      name: "an id and a name are said once",
      from: [
        call(#""index":0,"id":"a","type":"function","function":{"name":"read_file","arguments":""}"#),
        call(#""index":0,"id":"a","type":"function","function":{"name":"read_file","arguments":"{"}"#),
        call(#""id":"a","index":0,"function":{"arguments":"","name":"read_file"}"#),
        call(#""index":0,"id":"other","function":{"arguments":"}"}"#),
        call(#""index":0,"id":7,"function":{"name":null,"arguments":""}"#), call(#""id":"a""#),
      ],
      to: [
        call(#""index":0,"id":"a","type":"function","function":{"name":"read_file","arguments":""}"#),
        call(#""index":0,"type":"function","function":{"arguments":"{"}"#),
        call(#""index":0,"function":{"arguments":""}"#), call(#""index":0,"function":{"arguments":"}"}"#),
        call(#""index":0,"function":{"name":null,"arguments":""}"#),
        call(#""index":0,"function":{"arguments":""},"id":"""#),
      ]),
    Stream(
      name: "a name in pieces stays one",
      from: [
        call(#""index":0,"id":"a","type":"function","function":{"name":"read_","arguments":""}"#),
        call(#""index":0,"function":{"name":"file"}"#),
      ],
      to: [
        call(#""index":0,"id":"a","type":"function","function":{"name":"read_","arguments":""}"#),
        call(#""index":0,"function":{"name":"file"}"#),
      ]),
    Stream(
      name: "an answer in one chunk is a delta, behind pieces it is nothing",
      from: [
        #"{"object":"o","choices":[{"index":0,"finish_reason":null,"message":{"content":"a"}}]}"#,
        #"{"object":"o","choices":[{"index":0,"finish_reason":"stop","message":{"content":"a"}}]}"#,
        #"{"object":"o","choices":[{"message":{"content":"b"}},{"message":{"content":"c"}}]}"#,
      ],
      to: [
        #"{"object":"o","choices":[{"index":0,"finish_reason":null,"delta":{"content":"a"}}]}"#,
        #"{"object":"o","choices":[{"delta":{},"index":0,"finish_reason":"stop","message":{"content":"a"}}]}"#,
        #"{"object":"o","choices":[{"index":0,"delta":{},"finish_reason":null,"message":{"content":"b"}},"#
          + #"{"index":1,"finish_reason":null,"delta":{"content":"c"}}]}"#,
      ]),
    Stream(
      name: "calls are counted from 0, whatever numbers they have",
      from: [
        call(#""index":1,"id":"a","type":"function","function":{"name":"f","arguments":""}"#),
        call(#""index":1,"function":{"arguments":"{}"}"#),
        call(#""index":7,"id":"b","type":"function","function":{"name":"f","arguments":""}"#),
        call(#""index":3,"id":"c","type":"function","function":{"name":"f","arguments":""}"#),
        call(#""index":7,"function":{"arguments":"{"}"#), call(#""index":"7","function":{"arguments":"}"}"#),
        call(#""index":-1,"id":"d","type":"function","function":{"name":"f","arguments":""}"#),
        call(#""index":1e3,"id":"e","type":"function","function":{"name":"f","arguments":""}"#),
        call(#""index":1000,"function":{"arguments":"{}"}"#),
      ],
      to: [
        call(#""index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}"#),
        call(#""index":0,"function":{"arguments":"{}"}"#),
        call(#""index":1,"id":"b","type":"function","function":{"name":"f","arguments":""}"#),
        call(#""index":2,"id":"c","type":"function","function":{"name":"f","arguments":""}"#),
        call(#""index":1,"function":{"arguments":"{"}"#), call(#""index":2,"function":{"arguments":"}"}"#),
        call(#""index":3,"id":"d","type":"function","function":{"name":"f","arguments":""}"#),
        call(#""index":4,"id":"e","type":"function","function":{"name":"f","arguments":""}"#),
        call(#""index":4,"function":{"arguments":"{}"}"#),
      ]),
    Stream(
      name: "what is no call goes, and each piece of one has a function",
      from: [
        chunk(#"{"tool_calls":[null]}"#),
        chunk(
          #"{"tool_calls":[null, "x",{"id":"a","type":"function","function":null,"index":0},7, {"id":"b","index":1}]}"#
        ),
        call(#""index":0,"function":{"name":"f","arguments":"{}"}"#), call(#""index":1,"function":null"#),
        call(#""index":0,"type":"function""#), call(""), chunk(#"{"tool_calls":null}"#),
        call(#""index":2,"id":"c","type":"custom","custom":{"name":"g","input":""},"function":null"#),
        call(#""index":2,"custom":{"input":"x"}"#),
        #"{"object":"o","choices":[null,{"index":0,"delta":{},"finish_reason":"stop"},null]}"#,
        #"{"object":"o","choices":[null]}"#,
      ],
      to: [
        chunk(#"{"tool_calls":[]}"#),
        chunk(
          #"{"tool_calls":[{"id":"a","type":"function","function":{"arguments":""},"index":0},"#
            + #" {"type":"function","function":{"arguments":""},"id":"b","index":1}]}"#),
        call(#""index":0,"function":{"name":"f","arguments":"{}"}"#),
        call(#""index":1,"function":{"arguments":""}"#),
        call(#""function":{"arguments":""},"index":0,"type":"function""#),
        call(#""index":1,"function":{"arguments":""}"#), chunk(#"{"tool_calls":null}"#),
        call(#""index":2,"id":"c","type":"custom","custom":{"name":"g","input":""},"function":null"#),
        call(#""index":2,"custom":{"input":"x"}"#),
        #"{"object":"o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        #"{"object":"o","choices":[]}"#,
      ]),
    Stream(
      name: "arguments are text",
      from: [
        call(#""index":0,"id":"a","function":{"name":"f","arguments":{"a": "\"é","b":[1]}}"#),
        call(#""index":1,"id":"b","type":null,"function":{"name":"g","arguments":null}"#),
      ],
      to: [
        call(
          #""type":"function","index":0,"id":"a","function":{"name":"f","arguments":"{\"a\": \"\\\"é\",\"b\":[1]}"}"#
        ),
        call(#""index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}"#),
      ]),
    Stream(
      name: "reasons are OpenAI's",
      from: [
        chunk("{}", #""""#), chunk("{}", #""eos""#), chunk("{}", #""model_length""#),
        chunk("{}", #""MAX_TOKENS""#), chunk("{}", #""end_turn""#), chunk("{}", #""safety""#),
        chunk("{}", #""tool_use""#), chunk("{}", #""something new""#), chunk("{}", #""function_call""#),
        chunk(#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f"}}]}"#, #""eos""#),
      ],
      to: [
        chunk("{}", "null"), chunk("{}", #""stop""#), chunk("{}", #""length""#), chunk("{}", #""length""#),
        chunk("{}", #""stop""#), chunk("{}", #""content_filter""#), chunk("{}", #""tool_calls""#),
        chunk("{}", #""stop""#), chunk("{}", #""function_call""#),
        chunk(
          #"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f"}}]}"#,
          #""tool_calls""#),
      ]),
    Stream(
      name: "there are always choices",
      from: [#"{"usage":{"prompt_tokens":1}}"#, #"{"id":"x","choices":null}"#],
      to: [#"{"choices":[],"usage":{"prompt_tokens":1}}"#, #"{"id":"x","choices":[]}"#]),
    Stream(
      name: "Azure's chunks without content stay",
      from: [
        #"{"choices":[],"created":0,"id":"","model":"","prompt_filter_results":[]}"#,
        chunk(#"{"content":"a"}"#),
      ],
      to: [
        #"{"choices":[],"created":0,"id":"","model":"","prompt_filter_results":[]}"#,
        chunk(#"{"content":"a"}"#),
      ]),
    Stream(
      name: "a provider that gives up fails",
      from: [chunk(#"{"content":"a"}"#), chunk("{}", #""insufficient_system_resource""#), "[DONE]"],
      to: [
        chunk(#"{"content":"a"}"#),
        #"{"error":{"message":"The provider gave up on its answer (finish_reason 'insufficient_system_resource'); "#
          + #"try again.","type":"upstream_error","param":null,"code":"insufficient_system_resource"}}"#,
      ], fails: true),
    Stream(
      name: "errors in other forms",
      from: [#"{"object":"error","message":"m","type":"t","code":40001}"#, "[DONE]"],
      to: [#"{"error":{"message":"m","type":"t","param":null,"code":"40001"}}"#], fails: true),
    Stream(
      name: "errors of FastAPI", from: [#"{"detail":"m"}"#],
      to: [#"{"error":{"message":"m","type":"api_error","param":null,"code":null}}"#], fails: true),
    Stream(
      name: "Groq's errors", from: [#"{"id":"x","choices":[],"x_groq":{"id":"r","error":"over capacity"}}"#],
      to: [#"{"error":{"message":"over capacity","type":"api_error","param":null,"code":null}}"#], fails: true
    ),
  ]

  @Test("a stream is repaired, the same in every cut", arguments: streamRows)
  func streams(_ stream: Stream) {
    let text = Self.events(stream.from)
    for pieces in EverySplit(text) {
      let passed = PassedStream(.chat, pieces, repairs: true)
      #expect(passed.fault == nil)
      #expect(passed.text == Self.events(stream.to))
      #expect(passed.hasFailed == stream.fails)
    }
  }

  @Test("what every stream gets, OpenAI's own too, and what only other kinds get")
  func everyStream() {
    for (from, to) in [
      (Self.chunk("{}", #""eos""#), Self.chunk("{}", #""stop""#)),
      (Self.chunk(#"{"content":[{"type":"text","text":"a"}]}"#), Self.chunk(#"{"content":"a"}"#)),
      (
        Self.call(#""id":"a","type":"function","index":null,"function":{"name":"f","arguments":{}}"#),
        Self.call(#""id":"a","type":"function","index":0,"function":{"name":"f","arguments":"{}"}"#)
      ),
      (
        #"{"choices":[{"delta":{"content":"a"}}]}"#,
        #"{"object":"chat.completion.chunk","choices":[{"index":0,"finish_reason":null,"delta":{"content":"a"}}]}"#
      ),
      (
        #"{"object":null,"choices":[{"index":null,"delta":null,"finish_reason":7}]}"#,
        #"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":null}]}"#
      ),
      (
        #"{"object":"o","choices":[{},{"finish_reason":"stop"}]}"#,
        #"{"object":"o","choices":[{"index":0,"delta":{},"finish_reason":null},"#
          + #"{"index":1,"delta":{},"finish_reason":"stop"}]}"#
      ),
      (
        #"{"object":"chat.completion","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#,
        #"{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}"#
      ),
      (
        #"{"object":"chat.completion.chunk","choices":null}"#,
        #"{"object":"chat.completion.chunk","choices":[]}"#
      ),
      (
        #"{"object":"chat.completion.chunk","id":"1"}"#,
        #"{"choices":[],"object":"chat.completion.chunk","id":"1"}"#
      ),
      (#"{"usage":null}"#, #"{"usage":null}"#), (#"{"id":"1","detail":"m"}"#, #"{"id":"1","detail":"m"}"#),
      (
        #"{"detail":"m"}"#, #"{"error":{"message":"m","type":"api_error","param":null,"code":null}}"#
      ),
    ] {
      #expect(PassedStream(.chat, Self.events([from])).text == Self.events([to]))
    }
  }

  @Test("an event that is called error is one, whatever it holds")
  func namedErrors() {
    for (data, message) in [
      (#"{"message":"m"}"#, "m"), ("plain words", "plain words"), (#"{"error":"m"}"#, "m"),
    ] {
      let passed = PassedStream(.chat, "event: error\ndata: \(data)\n\n", ends: true, repairs: true)
      #expect(passed.hasFailed && passed.fault == nil)
      #expect(
        passed.text
          == "data: {\"error\":{\"message\":\"\(message)\",\"type\":\"api_error\",\"param\":null,\"code\":null}}\n\n"
      )
    }
  }

  @Test("usage that only x_groq has becomes the chunk that the client asked for")
  func groqUsage() {
    let last =
      #"{"id":"c","created":7,"model":"m","object":"chat.completion.chunk","x_groq":{"id":"r","usage":{"prompt_tokens":1,"completion_tokens":2}},"#
      + #""choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#
    let usage =
      #"{"id":"c","created":7,"model":"m","object":"chat.completion.chunk","choices":[],"#
      + #""usage":{"prompt_tokens":1,"completion_tokens":2}}"#
    let made = Self.events([last, usage, "[DONE]"])
    let asked = PassedStream(.chat, Self.events([last, "[DONE]"]), repairs: true)
    #expect(asked.text == made)
    #expect(asked.usage.output == 2)
    #expect(PassedStream(.chat, Self.events([last]), ends: true, repairs: true).text == made)
    // Where the provider sends it itself, or nobody asked, nothing is made.
    let own = Self.events([
      last, #"{"id":"c","object":"o","choices":[],"usage":{"prompt_tokens":1}}"#, "[DONE]",
    ])
    #expect(PassedStream(.chat, own, repairs: true).text == own)
    let unasked = Self.events([last, "[DONE]"])
    #expect(PassedStream(.chat, unasked, removesUsage: true, repairs: true).text == unasked)
  }

  @Test("usage that only the last choice tells is counted, and told to the client that asked for it")
  func moonshotUsage() {
    let last =
      #"{"id":"c","object":"o","choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":"#
      + #"{"prompt_tokens":1,"completion_tokens":2}}]}"#
    let passed = PassedStream(.chat, Self.events([last, "[DONE]"]), repairs: true)
    #expect(passed.usage.input == 1 && passed.usage.output == 2)
    #expect(passed.text.contains(#""choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#))
    let unasked = PassedStream(.chat, Self.events([last, "[DONE]"]), removesUsage: true, repairs: true)
    #expect(unasked.usage.output == 2 && unasked.text == Self.events([last, "[DONE]"]))
  }

  @Test("a call without an id gets one of its own, the same in every cut, and another in another answer")
  func madeIDs() throws {
    func ids(_ answer: String) throws -> [String] {
      let first = #""type":"function","function":{"name":"f","arguments":""}"#
      let text = Self.events(
        [
          "\"index\":0,\(first)", "\"index\":1,\"id\":null,\(first)", "\"index\":0,\"id\":\"late\"",
          "\"index\":2,\"id\":\"\",\(first)",
        ]
        .map { Self.call($0).replacing(#""id":"1""#, with: "\"id\":\"\(answer)\"") })
      let made = PassedStream(.chat, text).text
      for pieces in EverySplit(text) { #expect(PassedStream(.chat, pieces).text == made) }
      return try made.split(separator: "\n\n").compactMap { event in
        let chunk = try #require(Tree(String(event.dropFirst(6))))
        return chunk["choices"]?[0]?["delta"]?["tool_calls"]?[0]?["id"]?.text
      }
    }
    let one = try ids("one")
    #expect(one.count == 3 && one.allSatisfy { $0.hasPrefix("call_") })
    #expect(Set(one + (try ids("two"))).count == 6)
  }
}
