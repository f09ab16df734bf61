import Dialects
import Testing
import Wire

@Suite struct FaultTests {
  private func translate(_ body: String, status: Int = 400, more: [String] = []) throws -> Tree {
    let bytes = Array(body.utf8)
    var out = ByteQueue()
    Fault.translate(bytes.span, status: status, provider: "acme", into: &out)
    let isShaped = Fault.isOpenAIShaped(out.bytes)
    #expect(isShaped)
    let tree = try #require(Tree(out.array()))
    let error = try #require(tree["error"])
    #expect(error.names == (["code", "message", "param", "type"] + more).sorted())
    return error
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var name: String
    var body: String
    var message: String
    var type = "invalid_request_error"
    var code: String?
    var param: String?
    /// What is kept beside OpenAI's members.
    var more: [String] = []
    var testDescription: String { name }
  }

  private static let generic = "Provider 'acme' answered 400 without a message."

  @Test(
    "each provider's error becomes OpenAI's",
    arguments: [
      Row(
        name: "OpenAI",
        body: #"{"error":{"message":"m","type":"requests","param":"p","code":"rate_limit_exceeded"}}"#,
        message: "m", type: "requests", code: "rate_limit_exceeded", param: "p"),
      Row(
        name: "Mistral", body: #"{"object":"error","message":"m","type":"t","param":null,"code":"1500"}"#,
        message: "m", type: "t", code: "1500"),
      Row(
        name: "Mistral, an object as message",
        body:
          #"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","x"],"msg":"Extra inputs"}]},"type":"t","param":null,"code":null}"#,
        message: "Extra inputs", type: "t", param: "x"),
      Row(
        name: "Mistral, validation",
        body: #"{"detail":[{"loc":["body","x"],"msg":"field required","type":"v"}]}"#,
        message: "field required", param: "x"),
      Row(
        name: "validation deep inside",
        body: #"{"detail":[{"loc":["body","messages",0,"na\"me"],"msg":"m"},{"loc":["y"]}]}"#,
        message: "m", param: #"messages[0].na"me"#),
      Row(name: "Mistral, text as detail", body: #"{"detail":"Unauthorized"}"#, message: "Unauthorized"),
      Row(
        name: "Mistral's edge", body: #"{"message":"no Route matched","request_id":"r"}"#,
        message: "no Route matched"),
      Row(
        name: "Groq",
        body:
          #"{"error":{"message":"m","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"x"}}"#,
        message: "m", code: "tool_use_failed", more: ["failed_generation"]),
      Row(
        name: "OpenRouter",
        body:
          #"{"error":{"message":"m","code":400,"type":"t","metadata":{"raw":"x","a":[1]}},"user_id":"u"}"#,
        message: "m", type: "t", more: ["metadata"]),
      Row(name: "Together, text as error", body: #"{"error":"text"}"#, message: "text"),
      Row(name: "Ollama", body: #"{"error":"model 'x' not found"}"#, message: "model 'x' not found"),
      Row(
        name: "Fireworks", body: #"{"error":{"object":"error","type":"t","code":"c","message":"m"}}"#,
        message: "m",
        type: "t", code: "c", more: ["object"]),
      Row(
        name: "Fireworks' edge",
        body: #"{"fault":{"faultstring":"Invalid API key","detail":{"errorcode":"oauth.v2.InvalidKey"}}}"#,
        message: "Invalid API key", code: "oauth.v2.InvalidKey"),
      Row(
        name: "vLLM", body: #"{"object":"error","message":"m","type":"BadRequest","param":null,"code":400}"#,
        message: "m", type: "BadRequest"),
      Row(
        name: "Google, in an array",
        body:
          #"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{}]}}]"#,
        message: "API key not valid.", code: "INVALID_ARGUMENT", more: ["details", "status"]),
      Row(
        name: "Google", body: #"{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}"#,
        message: "m",
        code: "INVALID_ARGUMENT", more: ["status"]),
      Row(
        name: "OpenRouter",
        body: #"{"error":{"message":"m","code":400,"metadata":{"raw":"x"}},"user_id":"u"}"#,
        message: "m", more: ["metadata"]),
      Row(
        name: "Azure, content filter",
        body:
          #"{"error":{"message":"m","type":null,"param":"prompt","code":"content_filter","innererror":{"code":"x"}}}"#,
        message: "m", code: "content_filter", param: "prompt", more: ["innererror"]),
      Row(name: "Azure's gateway", body: #"{"statusCode":400,"message":"m"}"#, message: "m"),
      Row(name: "Cohere", body: #"{"id":"i","message":"m"}"#, message: "m"),
      Row(
        name: "Anthropic",
        body: #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
        message: "Overloaded", type: "overloaded_error"),
      Row(name: "Bedrock", body: #"{"Message":"m"}"#, message: "m"),
      Row(name: "escapes stay", body: #"{"error":"a\"\u00e4\n"}"#, message: "a\"ä\n"),
      Row(name: "HTML", body: "<html><body>502 Bad Gateway</body></html>", message: generic),
      Row(name: "nothing", body: "", message: generic), Row(name: "blank", body: " \n", message: generic),
      Row(name: "cut off", body: #"{"error":{"message":"m""#, message: generic),
      Row(name: "no message", body: "{}", message: generic),
      Row(name: "null", body: "null", message: generic),
      Row(name: "empty array", body: "[]", message: generic),
      Row(name: "number", body: "17", message: generic),
      Row(name: "empty message", body: #"{"error":{"message":""}}"#, message: generic),
      Row(
        name: "wrong types", body: #"{"error":{"message":7,"type":[],"code":{},"param":1}}"#, message: generic
      ),
      Row(name: "null error", body: #"{"error":null}"#, message: generic),
    ])
  func providers(_ row: Row) throws {
    let error = try translate(row.body, more: row.more)
    #expect(error["message"]?.text == row.message)
    #expect(error["type"]?.text == row.type)
    #expect(error["code"] == row.code.map { .string($0) } ?? .null)
    #expect(error["param"] == row.param.map { .string($0) } ?? .null)
  }

  @Test(
    "the status gives the type where the body has none",
    arguments: [
      (400, "invalid_request_error"), (401, "authentication_error"), (403, "permission_error"),
      (404, "not_found_error"), (413, "invalid_request_error"), (422, "invalid_request_error"),
      (429, "rate_limit_error"), (500, "api_error"), (502, "api_error"), (503, "overloaded_error"),
      (529, "overloaded_error"), (599, "api_error"), (0, "api_error"), (-1, "api_error"),
    ])
  func typeNames(_ status: Int, _ type: String) throws {
    #expect(try translate("", status: status)["type"]?.text == type)
  }

  @Test("a long message is cut, and not in the middle of a character's escape")
  func longMessage() throws {
    let text = String(repeating: "ä", count: 5000)
    let message = try #require(try translate(#"{"error":{"message":"\#(text)"}}"#)["message"]?.text)
    #expect(message.utf8.count <= 4096 + 3)
    #expect(message.hasPrefix(String(repeating: "ä", count: 2040)))
  }

  @Test(
    "what the SDKs can read is told from what they can't",
    arguments: [
      (#"{"error":{"message":"m"}}"#, false), (#" {"x":1,"error":{"code":1,"message":"m"}} "#, false),
      (#" {"x":1,"error":{"code":null,"message":"m","param":null,"type":"t"}} "#, true),
      (#"{"error":{"code":"c","message":"m","param":"p","type":"t","more":[]}}"#, true),
      (#"{"error":{"code":1,"message":"m","param":"p","type":"t"}}"#, false),
      (#"{"error":{"message":null}}"#, false), (#"{"error":"m"}"#, false), (#"{"error":null}"#, false),
      (#"[{"error":{"message":"m"}}]"#, false), (#"{"message":"m"}"#, false), ("", false), ("<html>", false),
      (#"{"error":{"message":"m"}"#, false), (#"{"error":{"message":"m"}}x"#, false),
    ])
  func shapes(_ body: String, _ expected: Bool) {
    let bytes = Array(body.utf8)
    let isShaped = Fault.isOpenAIShaped(bytes.span)
    #expect(isShaped == expected)
  }

  @Test("no prefix of a body makes it fail")
  func prefixes() throws {
    let bytes = Array(#"[{"error":{"message":"\ud83d\u00e4","code":[{"a":1}],"detail":[{"msg":"x"}]}}]"#.utf8)
    for end in 0...bytes.count {
      // The whole of it has a member that is kept.
      let isWhole = end == bytes.count
      _ = try translate(String(decoding: bytes[..<end], as: UTF8.self), more: isWhole ? ["detail"] : [])
    }
  }

  @Test(
    "whether an error speaks of stream_options is told from what it says itself",
    arguments: [
      (
        400, #"{"error":{"message":"Unrecognized request argument supplied: stream_options","code":null}}"#,
        true
      ),
      (400, #"{"error":{"message":"Unknown parameter.","param":"stream_options"}}"#, true),
      (400, #"{"error":{"message":"no","param":"stream_options.include_usage"}}"#, true),
      (400, #"{"error":"Validation error at #/stream_options: Extra inputs are not permitted"}"#, true),
      (
        422, #"{"detail":[{"loc":["body","n"],"msg":"x"},{"loc":["body","stream_options"],"msg":"Extra"}]}"#,
        true
      ),
      (422, #"{"error":{"detail":[{"loc":["body","stream_options"],"msg":"Extra"}]}}"#, true),
      (400, "stream_options is not supported", true), (400, #"{"message":"include_usage?"}"#, true),
      (500, "stream_options is not supported", false), (404, "stream_options", false), (400, "", false),
      (400, #"{"error":{"message":"no","param":"messages"},"body":{"stream_options":{}}}"#, false),
      (422, #"{"detail":[{"loc":["body","messages"],"msg":"m","input":{"stream_options":{}}}]}"#, false),
      (400, #"{"error":{"message":"too long","type":"invalid_request_error"}}"#, false),
    ])
  func streamOptions(_ status: Int, _ body: String, _ expected: Bool) {
    let speaks = Fault.refusesStreamOptions(Array(body.utf8).span, status: status)
    #expect(speaks == expected)
  }
}
