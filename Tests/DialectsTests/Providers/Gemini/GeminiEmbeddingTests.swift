import Dialects
import Testing
import Wire

@Suite struct GeminiEmbeddingTests {
  private static let gemini = GeminiDialect()

  @Test("a request for each text")
  func request() throws {
    let request = try Self.gemini.request(
      #"{"model":"x","input":["a","\u00e9"],"dimensions":3,"user":"u","task_type":"RETRIEVAL_QUERY","other":1}"#,
      model: "gemini-embedding-001", .embeddings)
    #expect(request.path == "/v1beta/models/gemini-embedding-001:batchEmbedContents")
    #expect(
      request.body
        == Tree(
          #"{"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"a"}]},"taskType":"RETRIEVAL_QUERY","outputDimensionality":3},{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"é"}]},"taskType":"RETRIEVAL_QUERY","outputDimensionality":3}]}"#
        ))
    #expect(request.dropped == "user,other")
  }

  @Test("vectors, as numbers and in base64")
  func vectors() throws {
    let reply =
      #"{"embeddings":[{"values":[ 0.5, -1 ]},{"values":[1e-3]}],"usageMetadata":{"promptTokenCount":4}}"#
    #expect(
      try Self.gemini.answer(reply, model: "m", to: #"{"input":["a","b"]}"#, .embeddings)
        == Tree(
          #"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1]},{"object":"embedding","index":1,"embedding":[1e-3]}],"model":"m","usage":{"prompt_tokens":4,"total_tokens":4}}"#
        ))
    let encoded = try Self.gemini.answer(
      #"{"embedding":{"values":[0.5,-1]}}"#, model: "m", to: #"{"input":"a","encoding_format":"base64"}"#,
      .embeddings)
    #expect(encoded["data"]?[0]?["embedding"] == .string("AAAAPwAAgL8="))
  }

  @Test(
    "what is no vector is refused",
    arguments: ["{}", #"{"embeddings":[{}]}"#, #"{"embeddings":[{"values":1}]}"#])
  func nonsense(_ reply: String) {
    #expect(throws: AnswerFault.self) {
      try Self.gemini.answer(reply, model: "m", to: #"{"input":"a"}"#, .embeddings)
    }
  }

  @Test("models are listed by their own names")
  func models() throws {
    let request = try Self.gemini.request("", model: "", .models)
    #expect(request.method == "GET" && request.path == "/v1beta/models?pageSize=1000")
    var list = ModelList(owner: "gemini")
    let reply = Array(
      #"{"models":[{"name":"models/gemini-2.5-pro"},{"name":"plain"},{"name":"x/"},{},{"name":1}]}"#.utf8)
    Self.gemini.readModels(reply.span, to: &list)
    #expect(
      Tree("[" + list.out.bytes.text() + "]")?.elements.map { $0["id"]?.text } == ["gemini-2.5-pro", "plain"])
  }
}
