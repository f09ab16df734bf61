import Dialects
import Testing
import Wire

@Suite struct MockTests {
  private func answer(
    _ shape: MockEndpoint, _ body: String, model: String = "m", streams: Bool = false,
    includesUsage: Bool = false
  ) -> String {
    var out = ByteQueue()
    Mock.answer(
      shape, body: Array(body.utf8).span, model: Array(model.utf8).span, streams: streams,
      includesUsage: includesUsage, id: 0xABC, created: 1_700_000_000, into: &out)
    return out.bytes.text()
  }

  /// The data of a stream's events, without the last `[DONE]`, which must be there if `isDone`.
  private func events(_ text: String, isDone: Bool = true) throws -> [Tree] {
    var lines = text.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
    if isDone {
      let last = lines.popLast()
      #expect(last == "[DONE]")
    }
    return try lines.map { try #require(Tree($0), "\($0)") }
  }

  private static let hello =
    #"{"model":"m","messages":[{"role":"system","content":"abcd"},"#
    + #"{"role":"user","content":"Hi \u00e4"}]}"#
  private static let echo = "This is Remora's mock provider. You said: "

  @Test("a chat is answered with what the user said")
  func chat() throws {
    let tree = try #require(Tree(answer(.chat, Self.hello)))
    #expect(tree["object"]?.text == "chat.completion")
    #expect(tree["id"]?.text == "chatcmpl-0000000000000abc")
    #expect(tree["created"]?.integer == 1_700_000_000)
    #expect(tree["model"]?.text == "m")
    let choice = try #require(tree["choices"]?[0])
    #expect(choice["message"]?["role"]?.text == "assistant")
    #expect(choice["message"]?["content"]?.text == Self.echo + "Hi ä")
    #expect(choice["finish_reason"]?.text == "stop")
    #expect(choice["index"]?.integer == 0)
    // "abcd" and "Hi ä" are 9 bytes.
    #expect(tree["usage"]?["prompt_tokens"]?.integer == 3)
    #expect(tree["usage"]?["completion_tokens"]?.integer == (Self.echo.utf8.count + 5 + 3) / 4)
  }

  @Test(
    "what the user said last is found in every form",
    arguments: [
      (#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#, "a"),
      (#"{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}"#, "b"),
      (
        #"{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"},{"text":"b"}]}]}"#,
        "a b"
      ),
      (#"{"messages":[{"content":"a","role":"user"}]}"#, "a"),
      (#"{"messages":[{"role":"user","content":null}]}"#, ""), (#"{"messages":{"role":"user"}}"#, ""),
      (#"{"messages":"x"}"#, "x"), ("{}", ""), ("[]", ""), ("", ""), ("{", ""), ("\u{0}", ""), ("17", ""),
      (#"{"messages":[{"role":7,"content":7},[],null,1]}"#, ""),
    ])
  func lastUserText(_ body: String, _ said: String) throws {
    let tree = try #require(Tree(answer(.chat, body)))
    #expect(tree["choices"]?[0]?["message"]?["content"]?.text == Self.echo + said)
  }

  @Test("at most 200 characters are said back, and none is cut in two")
  func longText() throws {
    let said = String(repeating: "ä€😀", count: 100)
    let tree = try #require(Tree(answer(.chat, #"{"messages":[{"role":"user","content":"\#(said)"}]}"#)))
    let text = try #require(tree["choices"]?[0]?["message"]?["content"]?.text)
    #expect(text == Self.echo + String(said.prefix(200)))
  }

  @Test("a chat's stream says the same, and usage only if it is asked for", arguments: [false, true])
  func chatStream(includesUsage: Bool) throws {
    let text = answer(.chat, Self.hello, streams: true, includesUsage: includesUsage)
    var events = try events(text)
    if includesUsage {
      let last = events.removeLast()
      #expect(last["choices"] == .array([]))
      #expect(last["usage"]?["prompt_tokens"]?.integer == 3)
      #expect(events.allSatisfy { $0["usage"] == .null })
    } else {
      #expect(events.allSatisfy { $0["usage"] == nil })
    }
    #expect(events.allSatisfy { $0["object"]?.text == "chat.completion.chunk" && $0["model"]?.text == "m" })
    #expect(Set(events.compactMap { $0["id"]?.text }).count == 1)
    let deltas = events.compactMap { $0["choices"]?[0]?["delta"] }
    #expect(deltas.first?["role"]?.text == "assistant")
    #expect(deltas.dropFirst().allSatisfy { $0["role"] == nil })
    #expect(deltas.compactMap { $0["content"]?.text }.joined() == Self.echo + "Hi ä")
    #expect(deltas.count > 5)
    #expect(deltas.last == .object([:]))
    let reasons = events.compactMap { $0["choices"]?[0]?["finish_reason"]?.text }
    #expect(reasons == ["stop"])
  }

  @Test(
    "a tool is called when one is forced, named or asked for",
    arguments: [
      (#""tool_choice":"required""#, "hi", "first"),
      (#""tool_choice":"auto""#, "Use the TOOL, please", "first"),
      (#""tool_choice":{"type":"function","function":{"name":"second"}}"#, "hi", "second"),
      (#""tool_choice":"none""#, "use the tool", ""), (#""tool_choice":"auto""#, "hi", ""),
      (#""tool_choice":null"#, "use the tool", "first"),
    ])
  func tools(_ choice: String, _ said: String, _ expected: String) throws {
    let body =
      #"{"messages":[{"role":"user","content":"\#(said)"}],\#(choice),"#
      + #""tools":[{"type":"function","function":{"name":"first"}},"#
      + #"{"type":"function","function":{"name":"second"}}]}"#
    let choice = try #require(Tree(answer(.chat, body))?["choices"]?[0])
    if expected.isEmpty {
      #expect(choice["finish_reason"]?.text == "stop")
      #expect(choice["message"]?["tool_calls"] == nil)
      return
    }
    #expect(choice["finish_reason"]?.text == "tool_calls")
    #expect(choice["message"]?["content"] == .null)
    let call = try #require(choice["message"]?["tool_calls"]?[0])
    #expect(call["type"]?.text == "function")
    #expect(call["id"]?.text?.hasPrefix("call_") == true)
    #expect(call["function"]?["name"]?.text == expected)
    #expect(call["function"]?["arguments"]?.text == "{}")

    let deltas = try events(answer(.chat, body, streams: true)).compactMap { $0["choices"]?[0] }
    let calls = deltas.compactMap { $0["delta"]?["tool_calls"]?[0] }
    #expect(calls.first?["function"]?["name"]?.text == expected)
    #expect(calls.first?["id"] == call["id"])
    #expect(calls.allSatisfy { $0["index"]?.integer == 0 })
    #expect(calls.compactMap { $0["function"]?["arguments"]?.text }.joined() == "{}")
    #expect(deltas.last?["finish_reason"]?.text == "tool_calls")
  }

  @Test("after a tool's result the answer is text, so that a loop of an agent ends")
  func toolResult() throws {
    let body =
      #"{"messages":[{"role":"user","content":"use the tool"},{"role":"tool","content":"42"}],"#
      + #""tools":[{"type":"function","function":{"name":"first"}}]}"#
    let choice = try #require(Tree(answer(.chat, body))?["choices"]?[0])
    #expect(choice["message"]?["content"]?.text == Self.echo + "use the tool")
  }

  private static let everyType = ##"""
    {"type": "json_schema", "json_schema": {"name": "n", "schema": {
      "type": "object", "required": ["s", "i", "n", "b", "l", "o", "c", "e", "u", "z", "r"],
      "properties": {
        "s": {"type": "string"}, "i": {"type": "integer"}, "n": {"type": "number"}, "b": {"type": "boolean"},
        "l": {"type": "array"}, "o": {"type": "object"}, "c": {"const": "k"}, "e": {"enum": [2, 3]},
        "u": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "z": {"type": ["null", "string"]},
        "r": {"$ref": "#/$defs/R"}, "x": {"type": "string"}},
      "$defs": {"R": {"type": "object", "required": ["q"], "properties": {"q": {"type": "boolean"}}}}}}}
    """##

  @Test(
    "JSON is answered where it is asked for, and fits the schema",
    arguments: [
      (#"{"type":"json_object"}"#, "{}"), (#"{"type":"text"}"#, nil),
      (
        everyType,
        #"{"s":"mock","i":0,"n":0,"b":false,"l":[],"o":{},"c":"k","e":2,"u":"mock","z":"mock","r":{"q":false}}"#
      ),
      (#"{"type":"json_schema","json_schema":{"name":"n"}}"#, "{}"),
      (#"{"type":"json_schema"}"#, "{}"),
    ] as [(String, String?)])
  func format(_ format: String, _ expected: String?) throws {
    let body = #"{"messages":[{"role":"user","content":"x"}],"response_format":\#(format)}"#
    let tree = try #require(Tree(answer(.chat, body)))
    #expect(tree["choices"]?[0]?["message"]?["content"]?.text == expected ?? Self.echo + "x")
  }

  @Test(
    "a schema without an end is answered all the same",
    arguments: [
      ##"{"$ref":"#"}"##,
      ##"{"type":"object","required":["a","b","c"],"properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"$ref":"#"}}}"##,
    ])
  func endlessSchema(_ schema: String) throws {
    let body = #"{"response_format":{"type":"json_schema","json_schema":{"schema":\#(schema)}}}"#
    let tree = try #require(Tree(answer(.chat, body)))
    let text = try #require(tree["choices"]?[0]?["message"]?["content"]?.text)
    #expect(Tree(text) != nil)
    #expect(text.utf8.count < 16 * 1024)
  }

  @Test("n choices are answered, within reason", arguments: [("2", 2), ("0", 1), ("999", 16), ("null", 1)])
  func choices(_ n: String, _ count: Int) throws {
    let body = #"{"n":\#(n),"messages":[{"role":"user","content":"x"}]}"#
    let tree = try #require(Tree(answer(.chat, body)))
    #expect(tree["choices"]?.elements.compactMap { $0["index"]?.integer } == Array(0..<count))
    let finished = try events(answer(.chat, body, streams: true)).compactMap { event -> Int? in
      let choice = event["choices"]?[0]
      return choice?["finish_reason"] == .string("stop") ? choice?["index"]?.integer : nil
    }
    #expect(finished == Array(0..<count))
  }

  @Test(
    "a tool that the user speaks of is called",
    arguments: [
      ("What is the WEATHER in Paris?", "get_weather"), ("Look up my orders", "list_orders"), ("Hi", nil),
      ("get it", nil),
    ] as [(String, String?)])
  func spokenOf(_ said: String, _ name: String?) throws {
    let tools = ["list_orders", "get_weather"].map { #"{"type":"function","function":{"name":"\#($0)"}}"# }
    let turns = #"{"role":"user","content":"\#(said)"}"#
    let body = #"{"messages":[\#(turns)],"tools":[\#(tools.joined(separator: ","))]}"#
    let message = try #require(Tree(answer(.chat, body)))["choices"]?[0]?["message"]
    #expect(message?["tool_calls"]?[0]?["function"]?["name"]?.text == name)
    // With its result there, the loop ends.
    let result = #"{"messages":[\#(turns),{"role":"tool","content":"x"}],"tools":[\#(tools[0])]}"#
    #expect(try #require(Tree(answer(.chat, result)))["choices"]?[0]?["message"]?["tool_calls"] == nil)
  }

  @Test(
    "embeddings have the length and the form that are asked for",
    arguments: [
      (#"{"input":"a"}"#, 1, 8), (#"{"input":["a","b"],"dimensions":3}"#, 2, 3), (#"{"input":[1,2]}"#, 1, 8),
      (#"{"input":[[1],[2]]}"#, 2, 8), (#"{"input":"a","dimensions":-1}"#, 1, 8),
      (#"{"input":"a","dimensions":99999999999999999999}"#, 1, 8),
      (#"{"input":"a","dimensions":100000}"#, 1, 4096), ("{}", 0, 0), (#"{"input":[]}"#, 1, 8),
    ])
  func embeddings(_ body: String, _ count: Int, _ length: Int) throws {
    let tree = try #require(Tree(answer(.embedding, body)))
    #expect(tree["object"]?.text == "list")
    let data = try #require(tree["data"]?.elements)
    #expect(data.count == count)
    for (index, element) in data.enumerated() {
      #expect(element["index"]?.integer == index)
      #expect(element["object"]?.text == "embedding")
      #expect(element["embedding"]?.elements.count == length)
    }
    #expect(answer(.embedding, body) == answer(.embedding, body))
  }

  @Test("an embedding in base64 holds the same numbers as one in digits, and its length is 1")
  func base64() throws {
    let plain = try #require(Tree(answer(.embedding, #"{"input":"a","dimensions":5}"#)))
    let coded = try #require(
      Tree(answer(.embedding, #"{"input":"a","dimensions":5,"encoding_format":"base64"}"#)))
    let numbers = try #require(plain["data"]?[0]?["embedding"]?.elements).map { element -> Float in
      if case .number(let digits) = element { Float(digits) ?? .nan } else { .nan }
    }
    let text = try #require(coded["data"]?[0]?["embedding"]?.text)
    let bytes = Self.base64(text)
    try #require(bytes.count == 20)
    let read = (0..<5).map { at -> Float in
      let part = bytes[at * 4..<at * 4 + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      return Float(bitPattern: part)
    }
    #expect(read == numbers)
    #expect(abs(numbers.map { $0 * $0 }.reduce(0, +) - 1) < 0.0001)
    let other = try #require(Tree(answer(.embedding, #"{"input":"b","dimensions":5}"#)))
    #expect(other["data"] != plain["data"])
  }

  private static func base64(_ text: String) -> [UInt8] {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for byte in text.utf8 {
      guard let digit = digits.firstIndex(of: byte) else { continue }
      bits = bits << 6 | UInt32(digit)
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return bytes
  }

  @Test("models are listed, and shown")
  func others() throws {
    let models = try #require(Tree(answer(.models, "")))
    #expect(models["data"]?.elements.map { $0["id"]?.text } == ["mock-model"])
    let model = try #require(Tree(answer(.model, "\u{1}")))
    #expect(model["object"]?.text == "model" && model["id"]?.text?.isEmpty == false)
  }

  @Test(
    "a tool is called with what fills its schema",
    arguments: [
      (#"{"type":"object"}"#, "{}"), (#"7"#, "{}"),
      (#"{"type":"object","required":["a"],"properties":{"a":{"type":"string"},"b":{}}}"#, #"{"a":"mock"}"#),
      (
        #"{"type":"object","required":["a","b"],"properties":{"a":{"type":"integer","minimum":3},"b":{"type":"array","minItems":2,"items":{"enum":["x\"y"]}}}}"#,
        #"{"a":3,"b":["x\"y","x\"y"]}"#
      ),
      (
        #"{"type":"object","required":["a","b","c"],"properties":{"a":{"type":"string","format":"date"},"b":{"type":"string","minLength":6},"c":{"type":"number","exclusiveMinimum":0}}}"#,
        #"{"a":"2026-01-01","b":"mockmo","c":1}"#
      ),
    ])
  func filled(_ schema: String, _ arguments: String) throws {
    for choice in [#""required""#, #"{"type":"function","function":{"name":"g"}}"#] {
      let tools =
        #"[{"type":"function","function":{"name":"\#(choice.contains("g\"") ? "f" : "")","parameters":{"required":["no"]}}},{"type":"function","function":{"name":"g","parameters":\#(schema)}}]"#
      let body = #"{"messages":[{"role":"user","content":"x"}],"tools":\#(tools),"tool_choice":\#(choice)}"#
      let whole = try #require(Tree(answer(.chat, body)))
      let call = whole["choices"]?[0]?["message"]?["tool_calls"]?[0]?["function"]
      #expect(call?["name"]?.text == "g" && call?["arguments"]?.text == arguments)
    }
  }

  @Test("no body makes it fail", arguments: MockEndpoint.allCases)
  func anyBody(_ shape: MockEndpoint) {
    let whole =
      #"{"messages":[{"role":"user","content":[{"text":"\ud800"}]}],"tools":[{}],"tool_choice":{},"#
      + #""input":[[],{}],"response_format":{"type":"json_schema","json_schema":{"schema":7}},"text":{"format":[]}}"#
    let bytes = Array(whole.utf8)
    for end in 0...bytes.count {
      let part = Array(bytes[..<end])
      let model: [UInt8] = []
      for streams in [false, true] {
        var out = ByteQueue()
        Mock.answer(
          shape, body: part.span, model: model.span, streams: streams, includesUsage: true,
          id: .max, created: 0, into: &out)
        let isEmpty = out.isEmpty
        #expect(!isEmpty)
      }
    }
  }
}
