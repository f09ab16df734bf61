// Which kind of provider speaks which dialect: one line each. What isn't here speaks OpenAI's format.

package import Config

/// The list of dialects.
package enum Dialects {
  /// The dialect of a provider's kind, with its settings; nil for OpenAI's format.
  package static func dialect(of provider: Config.Provider) -> (any Dialect)? {
    switch (provider.kind, provider.dialect) {
    case (.anthropic, .anthropic(let settings)): AnthropicDialect(settings)
    case (.gemini, _): GeminiDialect()
    case (.vertex, .vertex(let settings)): VertexDialect(settings)
    case (.cohere, _): CohereDialect()
    case (.ollama, _): OllamaDialect()
    case (.bedrock, .bedrock(let settings)): BedrockDialect(settings)
    default: nil
    }
  }
}
