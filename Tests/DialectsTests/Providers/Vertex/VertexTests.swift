import Config
import Dialects
import Support
import Testing
import Wire

@Suite struct VertexTests {
  private static func vertex(
    project: String? = "p1", location: String? = "europe-west4", publisher: String? = nil
  ) -> VertexDialect {
    var settings = DialectSettings.Vertex()
    settings.project = project
    settings.location = location
    settings.publisher = publisher
    return VertexDialect(settings)
  }

  @Test(
    "the path says whose project, where, and whose model",
    arguments: [
      (
        "gemini-2.5-flash",
        "/v1/projects/p1/locations/europe-west4/publishers/google/models/gemini-2.5-flash:generateContent"
      ),
      (
        "google/gemini-2.5-flash",
        "/v1/projects/p1/locations/europe-west4/publishers/google/models/gemini-2.5-flash:generateContent"
      ),
      ("endpoints/123", "/v1/projects/p1/locations/europe-west4/endpoints/123:generateContent"),
      (
        "claude-sonnet-4-5@20250929",
        "/v1/projects/p1/locations/europe-west4/publishers/anthropic/models/claude-sonnet-4-5%4020250929:rawPredict"
      ),
      (
        "publishers/anthropic/models/claude-opus-4-1",
        "/v1/projects/p1/locations/europe-west4/publishers/anthropic/models/claude-opus-4-1:rawPredict"
      ),
    ])
  func paths(_ model: String, _ path: String) throws {
    let vertex = Self.vertex()
    #expect(try vertex.request(chatBody(), model: model).path == path)
    let wanted = path.replacing(":generateContent", with: ":streamGenerateContent?alt=sse")
      .replacing(":rawPredict", with: ":streamRawPredict")
    #expect(try vertex.request(chatBody(#""stream":true"#), model: model).path == wanted)
  }

  @Test("without a location it is the global one; without a project, a key's own")
  func places() throws {
    #expect(
      try Self.vertex(location: nil).request(chatBody(), model: "gemini-3-pro").path
        == "/v1/projects/p1/locations/global/publishers/google/models/gemini-3-pro:generateContent")
    #expect(
      try Self.vertex(project: nil).request(chatBody(), model: "gemini-3-pro").path
        == "/v1/publishers/google/models/gemini-3-pro:generateContent")
  }

  @Test("the configuration may say the publisher; others' models are refused")
  func publishers() throws {
    #expect(
      try Self.vertex(publisher: "anthropic").request(chatBody(), model: "my-model").path
        .hasSuffix("/publishers/anthropic/models/my-model:rawPredict"))
    #expect(Self.vertex().refusal(chatBody(), model: "meta/llama-4")?.parameter == "model")
    #expect(Self.vertex(publisher: "mistralai").refusal(chatBody(), model: "x")?.code == .unsupported)
  }

  @Test("Gemini at Vertex AI knows no ids of calls, reads any address, and has labels")
  func gemini() throws {
    let turns =
      #"{"role":"user","content":[{"type":"image_url","image_url":{"url":"gs://b/a.png"}},{"type":"image_url","image_url":{"url":"http://example.com/b"}}]},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"x"}"#
    let request = try Self.vertex().request(
      chatBody(turns: turns, #""labels":{"team":"x"},"service_tier":"flex""#), model: "gemini-2.0-flash")
    #expect(
      request.body
        == Tree(
          #"{"contents":[{"role":"user","parts":[{"fileData":{"fileUri":"gs://b/a.png","mimeType":"image/png"}},{"fileData":{"fileUri":"http://example.com/b","mimeType":"image/jpeg"}}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"x"}}}]}],"labels":{"team":"x"}}"#
        ))
    #expect(request.dropped == "service_tier")
  }

  @Test("Claude at Vertex AI: the version in the body, the model not")
  func claude() throws {
    let request = try Self.vertex().request(
      chatBody(#""max_tokens":5,"stream":true,"anthropic_beta":["b1"],"seed":1,"service_tier":"auto""#),
      model: "claude-sonnet-4-5@20250929")
    #expect(
      request.body
        == Tree(
          #"{"anthropic_version":"vertex-2023-10-16","anthropic_beta":["b1"],"max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}],"stream":true}"#
        ))
    #expect(request.dropped == "seed,service_tier" && request.headers.isEmpty)
  }

  @Test("Claude's answers and streams are read as Anthropic's own")
  func claudeAnswers() throws {
    let answer = try Self.vertex().answer(
      #"{"id":"msg_vrtx_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"A"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}"#,
      model: "claude-sonnet-4-5")
    #expect(answer["choices"]?[0]?["message"]?["content"] == .string("A"))
    let text =
      #"data: {"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":1,"output_tokens":1}}}"#
      + "\n\n" + #"data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#
      + "\n\n"
      + #"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"A"}}"# + "\n\n"
      + #"data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}"#
      + "\n\n"
      + #"data: {"type":"message_stop"}"# + "\n\n"
    let whole = try Self.vertex().stream([Array(text.utf8)], model: "claude-sonnet-4-5")
    #expect(ReadStream(whole).choice.text == "A" && ReadStream(whole).isDone)
    for pieces in EverySplit(text) {
      #expect(try Self.vertex().stream(pieces, model: "claude-sonnet-4-5") == whole)
    }
  }

  @Test("errors of Google's front and of its guests")
  func faults() {
    func read(_ body: String, _ status: Int) -> ProviderFault {
      let bytes = Array(body.utf8)
      return Self.vertex().readFault(bytes.span, status: status, kind: [UInt8]().span)
    }
    let google = read(#"[{"error":{"code":429,"message":"Quota.","status":"RESOURCE_EXHAUSTED"}}]"#, 429)
    #expect(google.code == Array("RESOURCE_EXHAUSTED".utf8) && google.message == Array("Quota.".utf8))
    let anthropic = read(#"{"type":"error","error":{"type":"overloaded_error","message":"Busy."}}"#, 529)
    #expect(anthropic.status == 503 && anthropic.code == Array("overloaded_error".utf8))
  }

  @Test("embeddings of Gemini's own models are asked for in Gemini's own words")
  func geminiEmbeddings() throws {
    let one = try Self.vertex().request(
      #"{"input":"a","dimensions":2,"taskType":"CLUSTERING"}"#, model: "gemini-embedding-001", .embeddings)
    #expect(one.path.hasSuffix("/publishers/google/models/gemini-embedding-001:embedContent"))
    #expect(
      one.body
        == Tree(
          #"{"content":{"parts":[{"text":"a"}]},"taskType":"CLUSTERING","outputDimensionality":2}"#))
    let two = try Self.vertex().request(
      #"{"input":["a","b"]}"#, model: "google/gemini-embedding-2", .embeddings)
    #expect(two.path.hasSuffix("/publishers/google/models/gemini-embedding-2:batchEmbedContents"))
    #expect(two.body["requests"]?.elements.count == 2)
    let answer = try Self.vertex().answer(
      #"{"embedding":{"values":[1,2]},"usageMetadata":{"promptTokenCount":3}}"#,
      model: "gemini-embedding-001", to: #"{"input":"a"}"#, .embeddings)
    #expect(answer["data"]?[0]?["embedding"] == Tree("[1,2]"))
    #expect(answer["usage"]?["prompt_tokens"] == Tree("3"))
  }

  @Test("fewer vectors than texts are no answer, for which belongs to which isn't known")
  func tooFew() {
    #expect(throws: AnswerFault.self) {
      try Self.vertex().answer(
        #"{"embedding":{"values":[1,2]}}"#, model: "gemini-embedding-2", to: #"{"input":["a","b"]}"#,
        .embeddings)
    }
  }

  @Test("Claude is sent no address of a picture or document, and what is sent keeps its bytes' type")
  func addresses() throws {
    let dialect = Self.vertex()
    for part in [
      #"{"type":"image_url","image_url":{"url":"https://a/b.png"}}"#,
      #"{"type":"file","file":{"file_data":"https://a/b.pdf"}}"#,
    ] {
      let fault = dialect.refusal(
        #"{"messages":[{"role":"user","content":[\#(part)]}]}"#, model: "claude-sonnet-4-5@20250929")
      #expect(fault?.code == .unsupported && fault?.parameter.hasPrefix("messages[0].content[0].") == true)
    }
  }

  @Test("embeddings are predictions")
  func embeddings() throws {
    let request = try Self.vertex().request(
      #"{"input":["a","b"],"dimensions":2,"task_type":"RETRIEVAL_DOCUMENT"}"#, model: "text-embedding-005",
      .embeddings)
    #expect(request.path.hasSuffix("/publishers/google/models/text-embedding-005:predict"))
    #expect(
      request.body
        == Tree(
          #"{"instances":[{"content":"a","task_type":"RETRIEVAL_DOCUMENT"},{"content":"b","task_type":"RETRIEVAL_DOCUMENT"}],"parameters":{"outputDimensionality":2}}"#
        ))
    let answer = try Self.vertex().answer(
      #"{"predictions":[{"embeddings":{"values":[1],"statistics":{"token_count":3,"truncated":false}}},{"embeddings":{"values":[2],"statistics":{"token_count":4.0}}}]}"#,
      model: "text-embedding-005", to: #"{"input":["a","b"]}"#, .embeddings)
    #expect(answer["data"]?[1]?["embedding"] == Tree("[2]"))
    #expect(answer["usage"] == Tree(#"{"prompt_tokens":7,"total_tokens":7}"#))
    #expect(
      Self.vertex().refusal(#"{"input":"a"}"#, model: "claude-sonnet-4-5", .embeddings)?.code == .unsupported)
  }

  @Test("the list of Google's models")
  func models() throws {
    let request = try Self.vertex().request("", model: "", .models)
    #expect(request.path == "/v1beta1/publishers/google/models?pageSize=200")
    #expect(request.headers == "x-goog-user-project: p1\r\n")
    var list = ModelList(owner: "vertex")
    let reply = Array(#"{"publisherModels":[{"name":"publishers/google/models/gemini-2.5-pro"}]}"#.utf8)
    Self.vertex().readModels(reply.span, to: &list)
    #expect(Tree(list.out.bytes.text())?["id"] == .string("gemini-2.5-pro"))
  }
}
