// AWS Bedrock's Converse API (Bedrock API reference, "Converse" and "ConverseStream"; service model 2023-09-30).

package import Config
internal import Wire

/// Any model on Bedrock.
package final class BedrockDialect: Dialect {
  /// The tool that stands in for an answer's schema where the model has no word for one.
  static let answerTool: StaticString = "json_response"

  package init(_ settings: DialectSettings.Bedrock) {}

  package var takes: ChatFields { Self.fields }
  package var takesExtensions: [StaticString] { Self.extensions }
  package var keepsCacheControl: Bool { true }
  package var framing: StreamFraming { .frames }

  private static let fields = ChatFields([
    .maxTokens, .maxCompletionTokens, .temperature, .topP, .stop, .metadata, .serviceTier, .reasoningEffort,
    .responseFormat, .tools, .toolChoice,
  ])
  /// Converse's own members are taken as they are.
  static let passed: [StaticString] = [
    "guardrailConfig", "performanceConfig", "promptVariables", "additionalModelResponseFieldPaths",
  ]
  private static let extensions =
    passed + [
      "thinking", "reasoning", "include_reasoning", "top_k", "requestMetadata",
      "additionalModelRequestFields",
    ]

  package func writeChat(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    request.path.append("/model/")
    request.appendModel()
    request.path.append(chat.streams ? "/converse-stream" : "/converse")
    request.body.append("{")
    try BedrockRequest(chat, BedrockModel(request.model)).write(body, to: &request)
    request.body.append("}")
  }

  /// Claude's own format is what InvokeModel takes of it.
  package func messages(_ ask: MessagesAsk, to model: [UInt8]) throws(RequestFault) -> MessagesWay? {
    guard !ask.counts, BedrockModel(model).claude != nil else { return nil }
    var way = MessagesWay()
    way.takesQuery = false
    way.path.append("/model/")
    PathSegment.append(model.span, into: &way.path)
    way.path.append(ask.streams ? "/invoke-with-response-stream" : "/invoke")
    way.invokedBeta = ask.beta
    return way
  }

  /// Claude's alone (user guide, "Monitor your token usage by counting tokens"); whose model a name is that says nothing,
  /// the service knows.
  package func counts(_ model: [UInt8]) -> Bool {
    switch BedrockModel(model).maker {
    case .anthropic, .unknown: true
    case .nova, .mistral, .openAI, .qwen, .open, .other: false
    }
  }

  package func writeCount(
    _ chat: ChatRequest, of body: Span<UInt8>, to request: inout ProviderRequest
  ) throws(RequestFault) {
    let model = request.model
    request.path.append("/model/")
    PathSegment.append(model.span.extracting(BedrockModel.baseStart(model)...), into: &request.path)
    request.path.append("/count-tokens")
    request.body.append("{\"input\":{\"converse\":{")
    try BedrockRequest(chat, BedrockModel(model)).writeCounted(body, to: &request)
    request.body.append("}}}")
  }

  package func readCount(_ reply: Span<UInt8>) -> Int? {
    JSONView.value(reply, in: 0..<reply.count, at: "inputTokens").flatMap { TokenCount.read(reply, $0) }
  }

  package func makeReader(for chat: ChatRequest, of body: Span<UInt8>) -> any AnswerReader {
    BedrockReader()
  }

  package var faultField: StaticString? { "x-amzn-errortype" }

  package func readFault(_ body: Span<UInt8>, status: Int, kind: Span<UInt8>) -> ProviderFault {
    BedrockFault.read(body, status: status, kind: kind)
  }
}
