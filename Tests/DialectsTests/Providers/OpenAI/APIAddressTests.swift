import Config
import Dialects
import Testing
import Wire

@Suite struct APIAddressTests {
  private func azure(_ prefix: String, _ version: String? = nil, _ names: [String: String] = [:])
    -> APIAddress
  { APIAddress(azureProvider(prefix, version, names)) }

  private func azureProvider(
    _ prefix: String, _ version: String? = nil, _ names: [String: String] = [:]
  ) -> Provider {
    var settings = DialectSettings.Azure()
    settings.apiVersion = version
    settings.deployments = names.map { .init(model: $0.key, deployment: $0.value) }
    return Provider(
      name: "a", kind: .azure, baseURL: BaseURL(scheme: .https, host: "a.example", prefix: prefix),
      apiKey: .none, dialect: .azure(settings))
  }

  private func target(
    _ address: APIAddress, _ path: String, query: String = "", model: String = "gpt-4o"
  ) throws(RequestFault) -> String {
    let path = Array(path.utf8)
    let query = Array(query.utf8)
    let model = Array(model.utf8)
    var out = ByteQueue()
    try address.write(path: path.span, query: query.span, model: model.span, into: &out)
    return out.bytes.text()
  }

  @Test("other kinds have the base URL and OpenAI's path")
  func plain() throws {
    for (prefix, path, query, expected) in [
      ("/v1", "/chat/completions", "", "/v1/chat/completions"), ("", "/models", "?a=1&b", "/models?a=1&b"),
      ("", "", "", "/"), ("/openai/v1", "", "?x", "/openai/v1?x"), ("/v1", "/files", "?", "/v1/files?"),
    ] {
      let provider = Provider(
        name: "a", kind: .groq, baseURL: BaseURL(scheme: .https, host: "a.example", prefix: prefix),
        apiKey: .none)
      #expect(try target(APIAddress(provider), path, query: query) == expected)
      #expect(APIAddress(provider).takesStreamOptions)
    }
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var prefix: String
    var version: String?
    var path = "/chat/completions"
    var query = ""
    var to: String
    var testDescription: String { "\(prefix) \(version ?? "-") \(path)" }
  }

  @Test(
    "Azure's forms",
    arguments: [
      Row(prefix: "", to: "/openai/v1/chat/completions"),
      Row(prefix: "", path: "/responses", query: "?a=1", to: "/openai/v1/responses?a=1"),
      Row(prefix: "/openai", to: "/openai/v1/chat/completions"),
      Row(prefix: "/openai/v1", to: "/openai/v1/chat/completions"),
      Row(prefix: "/openai/v1", version: "preview", to: "/openai/v1/chat/completions?api-version=preview"),
      Row(prefix: "", version: "preview", to: "/openai/v1/chat/completions?api-version=preview"),
      Row(prefix: "", version: "v1", to: "/openai/v1/chat/completions"),
      Row(
        prefix: "/api/projects/p", path: "/embeddings", to: "/api/projects/p/openai/v1/embeddings"),
      Row(
        prefix: "/models", version: "2024-05-01-preview",
        to: "/models/chat/completions?api-version=2024-05-01-preview"),
      Row(
        prefix: "", version: "2024-10-21",
        to: "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"),
      Row(
        prefix: "/openai", version: "2024-10-21", path: "/embeddings", query: "?a=1",
        to: "/openai/deployments/gpt-4o/embeddings?a=1&api-version=2024-10-21"),
      Row(
        prefix: "", version: "2024-10-21", path: "/images/generations",
        to: "/openai/deployments/gpt-4o/images/generations?api-version=2024-10-21"),
      Row(
        prefix: "", version: "2024-10-21", path: "/audio/speech",
        to: "/openai/deployments/gpt-4o/audio/speech?api-version=2024-10-21"),
      Row(
        prefix: "", version: "2025-04-01-preview", path: "/responses",
        to: "/openai/responses?api-version=2025-04-01-preview"),
      Row(
        prefix: "", version: "2024-10-21", path: "/files/f", query: "?",
        to: "/openai/files/f?api-version=2024-10-21"),
      Row(
        prefix: "", version: "2024-10-21", path: "/files/f", to: "/openai/files/f?api-version=2024-10-21"),
      Row(
        prefix: "", version: "2024-10-21", path: "/deployments/w/audio/transcriptions",
        to: "/openai/deployments/w/audio/transcriptions?api-version=2024-10-21"),
      Row(
        prefix: "/openai/deployments/d", version: "2024-10-21",
        to: "/openai/deployments/d/chat/completions?api-version=2024-10-21"),
    ])
  func azure(_ row: Row) throws {
    #expect(try target(azure(row.prefix, row.version), row.path, query: row.query) == row.to)
  }

  @Test("a deployment has the name that the configuration gives the model, safe in a path")
  func deployments() throws {
    let address = azure("", "2024-10-21", ["gpt-4o": "prod/4o é", "mini": "m"])
    #expect(
      try target(address, "/chat/completions")
        == "/openai/deployments/prod%2F4o%20%C3%A9/chat/completions?api-version=2024-10-21")
    #expect(
      try target(address, "/chat/completions", model: "../x?y")
        == "/openai/deployments/..%2Fx%3Fy/chat/completions?api-version=2024-10-21")
    for (model, deployment) in [("mini", "m"), ("other", nil)] as [(String, String?)] {
      let name = Array(model.utf8)
      let found = address.deployment(of: name.span)
      #expect(found == deployment.map { Array($0.utf8) })
    }
    #expect(address.models.map { String(decoding: $0, as: UTF8.self) }.sorted() == ["gpt-4o", "mini"])
  }

  @Test("a name that would lead out of the path is refused", arguments: [".", ".."])
  func dots(_ model: String) throws {
    #expect(throws: RequestFault.self) {
      try target(azure("", "2024-10-21"), "/chat/completions", model: model)
    }
    #expect(try target(azure(""), "/chat/completions", model: model) == "/openai/v1/chat/completions")
  }

  @Test("without a model no deployment's path can be made, and the message says what to do")
  func withoutModel() throws {
    let fault = #expect(throws: RequestFault.self) {
      try target(azure("", "2024-10-21"), "/audio/transcriptions", model: "")
    }
    #expect(fault?.parameter == "model" && fault?.message.contains("/v1/deployments/NAME") == true)
    #expect(try target(azure(""), "/audio/transcriptions", model: "") == "/openai/v1/audio/transcriptions")
    #expect(
      try target(azure("", "2024-10-21"), "/models", model: "") == "/openai/models?api-version=2024-10-21")
  }

  @Test(
    "streams are asked for their usage where the version knows the option",
    arguments: [
      (nil, true), ("preview", true), ("2024-08-01-preview", false), ("2023-05-15", false),
      ("2024-09-01-preview", true), ("2024-10-21", true),
    ] as [(String?, Bool)])
  func streamOptions(_ version: String?, _ expected: Bool) throws {
    let provider = azureProvider("", version)
    #expect(APIAddress(provider).takesStreamOptions == expected)
    let quirks = Quirks.of(provider)
    #expect(quirks.takesStreamOptions == expected)
    let body = Array(#"{"model":"m","stream_options":{"include_usage":true}}"#.utf8)
    var splice = JSONSplice()
    var dropped = DroppedFields()
    if let edit = RequestEdit.of(quirks, .chat, count: body.count) {
      try edit.write(body.span, &splice, dropped: &dropped)
    }
    #expect(splice.isEmpty == expected && dropped.isEmpty == expected)
  }
}
