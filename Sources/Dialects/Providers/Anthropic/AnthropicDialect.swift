// Anthropic's Messages API (docs: "Messages", API version 2023-06-01).

package import Config
package import Wire

/// Where Claude is hosted; Bedrock has an API of its own.
enum ClaudeHost: Sendable { case anthropic, vertex }

/// Claude at Anthropic's own address.
package final class AnthropicDialect: Dialect {
  /// The tool that stands in for an answer's schema where the model has no word for one.
  static let answerTool: StaticString = "json_response"

  private let version: [UInt8]
  private let beta: [UInt8]

  package init(_ settings: DialectSettings.Anthropic) {
    version = Array((settings.version ?? "2023-06-01").utf8)
    beta = Array(settings.beta.joined(separator: ",").utf8)
  }

  package var takes: ChatFields { Self.fields }
  package var takesExtensions: [StaticString] { Self.extensions }
  package var keepsCacheControl: Bool { true }

  /// What a Messages request can say.
  package static let fields = ChatFields([
    .maxTokens, .maxCompletionTokens, .temperature, .topP, .stop, .user, .safetyIdentifier, .serviceTier,
    .reasoningEffort, .responseFormat, .tools, .toolChoice, .parallelToolCalls,
  ])
  package static let extensions: [StaticString] = [
    "thinking", "top_k", "cache_control", "reasoning", "include_reasoning",
  ]

  package func writeChat(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    try write(chat, of: body, counts: false, to: &request)
  }

  package func counts(_ model: [UInt8]) -> Bool { true }

  package func writeCount(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    try write(chat, of: body, counts: true, to: &request)
  }

  private func write(
    _ chat: ChatRequest, of body: Span<UInt8>, counts: Bool, to request: inout ProviderRequest
  ) throws(RequestFault) {
    request.path.append(counts ? "/v1/messages/count_tokens" : "/v1/messages")
    writeHeaders(to: &request)
    let model = request.model
    request.body.append(literal: "{\"model\":")
    JSONWriter.string(model.span, into: &request.body)
    request.body.append(literal: ",")
    var own = AnthropicRequest(chat, request.readClaude(), .anthropic)
    if counts { try own.writeCounted(body, to: &request) } else { try own.write(body, to: &request) }
    request.body.append(literal: "}")
  }

  package func readCount(_ reply: Span<UInt8>) -> Int? { Self.readCount(reply) }

  static func readCount(_ reply: Span<UInt8>) -> Int? {
    JSONView.value(reply, in: 0..<reply.count, at: "input_tokens").flatMap { TokenCount.read(reply, $0) }
  }

  package func messages(_ ask: MessagesAsk, to model: [UInt8]) throws(RequestFault) -> MessagesWay? {
    var way = MessagesWay()
    way.keepsThreads = true
    way.path.append(ask.counts ? "/v1/messages/count_tokens" : "/v1/messages")
    if !ask.hasVersion {
      way.fields.append("anthropic-version: ")
      way.fields.append(version)
      way.fields.append("\r\n")
    }
    if !beta.isEmpty {
      way.held.insert(.anthropicBeta)
      way.merge("anthropic-beta", ask.beta, beta)
    }
    return way
  }

  package func makeReader(for chat: ChatRequest, of body: Span<UInt8>) -> any AnswerReader {
    AnthropicReader()
  }

  package func writeModels(to request: inout ProviderRequest) -> Bool {
    request.method = "GET"
    request.path.append(literal: "/v1/models?limit=1000")
    writeHeaders(to: &request)
    return true
  }

  package func readModels(_ reply: Span<UInt8>, to list: inout ModelList) {
    list.appendNames(reply, list: "data", name: "id")
  }

  package var limitPrefix: StaticString? { AnthropicLimits.prefix }

  package func writeLimit(
    _ name: Span<UInt8>, _ value: Span<UInt8>, now: Int, into out: inout ByteQueue
  ) {
    AnthropicLimits.append(name, value, now: now, into: &out)
  }

  package func readFault(_ body: Span<UInt8>, status: Int, kind: Span<UInt8>) -> ProviderFault {
    AnthropicFault.read(body, status: status)
  }

  private func writeHeaders(to request: inout ProviderRequest) {
    request.headers.append(literal: "anthropic-version: ")
    request.headers.append(version)
    request.headers.append(literal: "\r\n")
    if beta.isEmpty { return }
    request.headers.append(literal: "anthropic-beta: ")
    request.headers.append(beta)
    request.headers.append(literal: "\r\n")
  }
}
