// Vertex AI, which hosts Google's models and those of others: each is spoken to in its own dialect.

package import Config
internal import Wire

/// The models of one project at one location.
package final class VertexDialect: Dialect {
  private let gemini: GeminiDialect
  private let claude: VertexClaude
  private let publisher: [UInt8]

  package init(_ settings: DialectSettings.Vertex) {
    let place = VertexPlace(settings)
    gemini = GeminiDialect(place)
    claude = VertexClaude(place)
    publisher = Array((settings.publisher ?? "").utf8)
  }

  /// By the publisher that the configuration or the model's name says (`anthropic/claude-…`,
  /// `publishers/anthropic/models/claude-…`), else by the name itself.
  package func spoken(to model: [UInt8]) throws(RequestFault) -> any Dialect {
    if Self.isEndpoint(model) { return gemini }
    let said = publisher.isEmpty ? Self.publisher(in: model) : publisher
    let name = Self.name(of: model)
    if said.span.equals("anthropic") || said.isEmpty && Self.begins(name, "claude") { return claude }
    if said.span.equals("google") || said.isEmpty { return gemini }
    throw RequestFault(
      .unsupported, "model",
      "Of Vertex AI's models, Google's and Anthropic's are translated; reach those of other publishers as a "
        + "provider of kind openai_compatible, whose base_url ends in /endpoints/openapi.")
  }

  // What belongs to no model is Google's own.

  package var takes: ChatFields { gemini.takes }

  package func writeChat(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    try spoken(to: request.model).writeChat(chat, of: body, to: &request)
  }

  package func messages(_ ask: MessagesAsk, to model: [UInt8]) throws(RequestFault) -> MessagesWay? {
    try spoken(to: model) is VertexClaude ? claude.messages(ask, to: model) : nil
  }

  package func makeReader(for chat: ChatRequest, of body: Span<UInt8>) -> any AnswerReader {
    gemini.makeReader(for: chat, of: body)
  }

  package func writeModels(to request: inout ProviderRequest) -> Bool { gemini.writeModels(to: &request) }

  package func readModels(_ reply: Span<UInt8>, to list: inout ModelList) {
    gemini.readModels(reply, to: &list)
  }

  package func readFault(_ body: Span<UInt8>, status: Int, kind: Span<UInt8>) -> ProviderFault {
    // Google's front answers for its guests too, and Anthropic's errors say what they are.
    JSONView.value(body, in: 0..<body.count, at: "type") == nil
      ? GeminiFault.read(body, status: status) : AnthropicFault.read(body, status: status)
  }

  // MARK: Names

  /// Whether the name is that of an endpoint: `endpoints/ID`.
  static func isEndpoint(_ model: [UInt8]) -> Bool { begins(model, "endpoints/") }

  /// The name without what says whose it is.
  static func name(of model: [UInt8]) -> [UInt8] {
    guard let slash = model.lastIndex(of: UInt8(ascii: "/")) else { return model }
    return Array(model[(slash + 1)...])
  }

  /// `anthropic` of `anthropic/…` and of `publishers/anthropic/models/…`; empty where nothing is said.
  private static func publisher(in model: [UInt8]) -> [UInt8] {
    let parts = model.split(separator: UInt8(ascii: "/"))
    if parts.count == 2, !Array(parts[0]).span.equals("models") { return Array(parts[0]) }
    if parts.count >= 4, Array(parts[parts.count - 4]).span.equals("publishers") {
      return Array(parts[parts.count - 3])
    }
    return []
  }

  private static func begins(_ name: [UInt8], _ prefix: StaticString) -> Bool {
    let count = prefix.utf8CodeUnitCount
    return name.count > count && name.span.extracting(0..<count).equals(prefix)
  }
}
