// What each kind of provider speaks, where it lives and where its key is found: one row a kind.

/// A dialect and its defaults. The raw value is the name in a configuration.
package enum ProviderKind: String, Sendable, Hashable, CaseIterable {
  case openai, azure, anthropic, gemini, vertex, bedrock, cohere, mistral, groq, together, fireworks
  case deepseek, xai, openrouter, perplexity, ollama, vllm
  case openaiCompatible = "openai_compatible"
  case mock
}

/// How a key is shown to a provider.
package enum AuthStyle: Sendable, Equatable {
  /// `Authorization: Bearer KEY`.
  case bearer
  /// The key alone, in this header.
  case header(String)
  /// Something the dialect does itself: a signature, a token that is fetched.
  case dialect
  case none
}

extension ProviderKind {
  package struct Row: Sendable, Equatable {
    /// Nil where the operator must say it, or where none is needed.
    package let baseURL: BaseURL?
    /// Variables that hold the key, the first one found wins; `NAME_FILE` names a file instead.
    package let keyVariables: [String]
    package let auth: AuthStyle
    /// Whether a provider of this kind is useless without a key.
    package let needsKey: Bool
    /// Whether it takes and gives OpenAI's format.
    package let speaksOpenAI: Bool
    /// Whether `base_url` must be said.
    package let needsBaseURL: Bool
  }

  /// Whether a client's `OpenAI-Organization` and `OpenAI-Project` can mean something to it: to OpenAI, and to servers
  /// that may stand before OpenAI. Others are not told who the client is there.
  package var knowsAccounts: Bool {
    switch self {
    case .openai, .azure, .vllm, .openaiCompatible: true
    default: false
    }
  }

  /// This kind's row of the table.
  package var row: Row {
    switch self {
    case .openai: .openAI("api.openai.com", "/v1", ["OPENAI_API_KEY"])
    case .mistral: .openAI("api.mistral.ai", "/v1", ["MISTRAL_API_KEY"])
    case .groq: .openAI("api.groq.com", "/openai/v1", ["GROQ_API_KEY"])
    case .together: .openAI("api.together.xyz", "/v1", ["TOGETHER_API_KEY"])
    case .fireworks: .openAI("api.fireworks.ai", "/inference/v1", ["FIREWORKS_API_KEY"])
    case .deepseek: .openAI("api.deepseek.com", "/v1", ["DEEPSEEK_API_KEY"])
    case .xai: .openAI("api.x.ai", "/v1", ["XAI_API_KEY"])
    case .openrouter: .openAI("openrouter.ai", "/api/v1", ["OPENROUTER_API_KEY"])
    case .perplexity: .openAI("api.perplexity.ai", "", ["PERPLEXITY_API_KEY", "PPLX_API_KEY"])
    case .vllm: .ownServer(["VLLM_API_KEY"])
    case .openaiCompatible: .ownServer([])
    case .mock:
      Row(
        baseURL: nil, keyVariables: [], auth: .none, needsKey: false, speaksOpenAI: true, needsBaseURL: false)
    case .anthropic: .translated("api.anthropic.com", ["ANTHROPIC_API_KEY"], .header("x-api-key"))
    case .gemini:
      .translated(
        "generativelanguage.googleapis.com", ["GEMINI_API_KEY", "GOOGLE_API_KEY"], .header("x-goog-api-key"))
    case .cohere: .translated("api.cohere.com", ["COHERE_API_KEY", "CO_API_KEY"], .bearer)
    case .azure:
      Row(
        baseURL: nil, keyVariables: ["AZURE_OPENAI_API_KEY"], auth: .header("api-key"), needsKey: true,
        speaksOpenAI: true, needsBaseURL: true)
    case .vertex:
      Row(
        baseURL: nil, keyVariables: [], auth: .dialect, needsKey: false, speaksOpenAI: false,
        needsBaseURL: false)
    case .bedrock:
      Row(
        baseURL: nil, keyVariables: ["AWS_BEARER_TOKEN_BEDROCK"], auth: .dialect, needsKey: false,
        speaksOpenAI: false, needsBaseURL: false)
    case .ollama:
      Row(
        baseURL: BaseURL(scheme: .http, host: "localhost", port: 11434), keyVariables: ["OLLAMA_API_KEY"],
        auth: .bearer, needsKey: false, speaksOpenAI: false, needsBaseURL: false)
    }
  }

  /// The per-kind settings of a provider that says none.
  package var emptyDialect: DialectSettings {
    switch self {
    case .azure: .azure(.init())
    case .anthropic: .anthropic(.init())
    case .vertex: .vertex(.init())
    case .bedrock: .bedrock(.init())
    case .gemini, .cohere, .ollama, .mock: .plain
    case .openai, .mistral, .groq, .together, .fireworks, .deepseek, .xai, .openrouter, .perplexity, .vllm,
      .openaiCompatible:
      .openAI(.init())
    }
  }
}

extension ProviderKind.Row {
  /// A public provider of OpenAI's format.
  fileprivate static func openAI(_ host: String, _ prefix: String, _ variables: [String]) -> Self {
    Self(
      baseURL: BaseURL(scheme: .https, host: host, prefix: prefix), keyVariables: variables, auth: .bearer,
      needsKey: true, speaksOpenAI: true, needsBaseURL: false)
  }

  /// A server of the operator's own, in OpenAI's format, often without a key.
  fileprivate static func ownServer(_ variables: [String]) -> Self {
    Self(
      baseURL: nil, keyVariables: variables, auth: .bearer, needsKey: false, speaksOpenAI: true,
      needsBaseURL: true)
  }

  /// A public provider whose format is translated.
  fileprivate static func translated(_ host: String, _ variables: [String], _ auth: AuthStyle) -> Self {
    Self(
      baseURL: BaseURL(scheme: .https, host: host), keyVariables: variables, auth: auth, needsKey: true,
      speaksOpenAI: false, needsBaseURL: false)
  }
}
