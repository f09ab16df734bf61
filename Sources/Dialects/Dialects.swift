// Which kind of provider speaks which dialect: one line each. A kind without a line doesn't compile.

package import Config

/// The list of dialects.
package enum Dialects {
  /// The dialect of a provider's kind, with its settings; nil for OpenAI's format.
  package static func dialect(of provider: Config.Provider) -> (any Dialect)? {
    switch provider.kind {
    case .anthropic:
      if case .anthropic(let own) = provider.dialect {
        AnthropicDialect(own)
      } else {
        AnthropicDialect(.init())
      }
    case .bedrock:
      if case .bedrock(let own) = provider.dialect { BedrockDialect(own) } else { BedrockDialect(.init()) }
    case .cohere: CohereDialect()
    case .gemini: GeminiDialect()
    case .ollama: OllamaDialect()
    case .vertex:
      if case .vertex(let own) = provider.dialect { VertexDialect(own) } else { VertexDialect(.init()) }
    case .openai, .openaiCompatible, .azure, .deepseek, .fireworks, .groq, .mistral, .openrouter, .perplexity,
      .together, .vllm, .xai, .mock:
      nil
    }
  }

  /// What a provider is asked in how many tokens a request has; nil where it is asked in none, or not at all.
  ///
  /// - Parameter recastsResponses: whether requests of the Responses API go to it as chats.
  package static func counter(of provider: Config.Provider, recastsResponses: Bool) -> (any Dialect)? {
    switch provider.kind {
    case .openai, .azure: recastsResponses ? nil : ResponsesCount()
    default: dialect(of: provider)
    }
  }
}
