// Whom LiteLLM's prefixes and agentgateway's providers mean, and where they are reached.

internal import Config
internal import Wire

/// A provider as another gateway names it.
struct Vendor {
  let kind: ProviderKind
  /// Where it is, if the kind doesn't say.
  var baseURL: String?
  /// Variables that hold its key, the address, and other settings there.
  var keyVariable: String
  var baseVariable: String?
  /// Why it can't be reached without doing something; nil where it can.
  var manual: String?

  init(_ kind: ProviderKind, _ keyVariable: String, _ baseURL: String? = nil, base: String? = nil) {
    self.kind = kind
    self.keyVariable = keyVariable
    self.baseURL = baseURL
    baseVariable = base
  }
}

extension Vendor {
  /// LiteLLM's prefixes, from its documentation's pages of providers (docs.litellm.ai/docs/providers, 2026-11).
  static func liteLLM(_ prefix: String) -> Vendor? {
    switch prefix {
    case "openai", "text-completion-openai", "custom_openai":
      Vendor(.openai, "OPENAI_API_KEY", base: "OPENAI_API_BASE")
    case "litellm_proxy": Vendor(.openaiCompatible, "LITELLM_PROXY_API_KEY", base: "LITELLM_PROXY_API_BASE")
    case "azure", "azure_text": Vendor(.azure, "AZURE_API_KEY", base: "AZURE_API_BASE")
    case "azure_ai": Vendor(.openaiCompatible, "AZURE_AI_API_KEY", base: "AZURE_AI_API_BASE")
    case "anthropic", "anthropic_text": Vendor(.anthropic, "ANTHROPIC_API_KEY")
    case "gemini": Vendor(.gemini, "GEMINI_API_KEY")
    case "vertex_ai", "vertex_ai_beta": Vendor(.vertex, "")
    case "bedrock", "bedrock_converse": Vendor(.bedrock, "AWS_BEARER_TOKEN_BEDROCK")
    case "cohere", "cohere_chat": Vendor(.cohere, "COHERE_API_KEY")
    case "mistral": Vendor(.mistral, "MISTRAL_API_KEY")
    case "codestral", "text-completion-codestral":
      Vendor(.mistral, "CODESTRAL_API_KEY", "https://codestral.mistral.ai/v1")
    case "groq": Vendor(.groq, "GROQ_API_KEY")
    case "deepseek": Vendor(.deepseek, "DEEPSEEK_API_KEY")
    case "xai": Vendor(.xai, "XAI_API_KEY")
    case "openrouter": Vendor(.openrouter, "OPENROUTER_API_KEY")
    case "perplexity": Vendor(.perplexity, "PERPLEXITYAI_API_KEY")
    case "together_ai": Vendor(.together, "TOGETHERAI_API_KEY")
    case "fireworks_ai": Vendor(.fireworks, "FIREWORKS_AI_API_KEY")
    case "ollama", "ollama_chat": Vendor(.ollama, "", base: "OLLAMA_API_BASE")
    case "hosted_vllm", "vllm": Vendor(.vllm, "HOSTED_VLLM_API_KEY", base: "HOSTED_VLLM_API_BASE")
    case "openai_like": Vendor(.openaiCompatible, "OPENAI_LIKE_API_KEY", base: "OPENAI_LIKE_API_BASE")
    case "lm_studio": Vendor(.openaiCompatible, "LM_STUDIO_API_KEY", base: "LM_STUDIO_API_BASE")
    default: compatible(prefix)
    }
  }

  /// Servers in OpenAI's format whose address is known.
  private static func compatible(_ prefix: String) -> Vendor? {
    let known: [String: (variable: String, url: String)] = [
      "nvidia_nim": ("NVIDIA_NIM_API_KEY", "https://integrate.api.nvidia.com/v1"),
      "github": ("GITHUB_API_KEY", "https://models.github.ai/inference"),
      "huggingface": ("HUGGINGFACE_API_KEY", "https://router.huggingface.co/v1"),
      "ai21": ("AI21_API_KEY", "https://api.ai21.com/studio/v1"),
      "ai21_chat": ("AI21_API_KEY", "https://api.ai21.com/studio/v1"),
      "cerebras": ("CEREBRAS_API_KEY", "https://api.cerebras.ai/v1"),
      "deepinfra": ("DEEPINFRA_API_KEY", "https://api.deepinfra.com/v1/openai"),
      "moonshot": ("MOONSHOT_API_KEY", "https://api.moonshot.ai/v1"),
      "sambanova": ("SAMBANOVA_API_KEY", "https://api.sambanova.ai/v1"),
      "nebius": ("NEBIUS_API_KEY", "https://api.studio.nebius.ai/v1"),
      "dashscope": ("DASHSCOPE_API_KEY", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
      "volcengine": ("VOLCENGINE_API_KEY", "https://ark.cn-beijing.volces.com/api/v3"),
      "hyperbolic": ("HYPERBOLIC_API_KEY", "https://api.hyperbolic.xyz/v1"),
      "novita": ("NOVITA_API_KEY", "https://api.novita.ai/v3/openai"),
      "featherless_ai": ("FEATHERLESS_AI_API_KEY", "https://api.featherless.ai/v1"),
      "friendliai": ("FRIENDLI_TOKEN", "https://api.friendli.ai/serverless/v1"),
      "lambda_ai": ("LAMBDA_API_KEY", "https://api.lambda.ai/v1"),
      "vercel_ai_gateway": ("VERCEL_AI_GATEWAY_API_KEY", "https://ai-gateway.vercel.sh/v1"),
      "meta_llama": ("LLAMA_API_KEY", "https://api.llama.com/compat/v1"),
      "zai": ("ZAI_API_KEY", "https://api.z.ai/api/paas/v4"),
    ]
    if let row = known[prefix] { return Vendor(.openaiCompatible, row.variable, row.url) }
    guard
      ["databricks", "watsonx", "xinference", "llamafile", "docker_model_runner", "infinity"].contains(prefix)
    else {
      return nil
    }
    let name = prefix.uppercased()
    var vendor = Vendor(.openaiCompatible, name + "_API_KEY", base: name + "_API_BASE")
    vendor.manual = "its address in OpenAI's format must be said by hand"
    return vendor
  }

  /// What a model's name says by itself of who serves it.
  static func family(_ model: String) -> String? {
    let name = model.lowercased()
    func begins(_ starts: String...) -> Bool { starts.contains(where: name.hasPrefix) }
    if begins(
      "us.", "eu.", "apac.", "global.", "anthropic.", "amazon.", "meta.llama", "cohere.", "ai21.", "mistral.")
    {
      return "bedrock"
    }
    if begins(
      "gpt-", "o1", "o3", "o4", "chatgpt", "text-embedding-", "dall-e", "whisper", "tts-", "ft:", "davinci",
      "babbage",
      "omni-moderation", "text-moderation")
    {
      return "openai"
    }
    if begins("claude") { return "anthropic" }
    if begins("gemini") { return "gemini" }
    if begins("command-") { return "cohere" }
    return nil
  }
}

extension Vendor {
  /// agentgateway's names of providers, in any case and spelling.
  static func agentGateway(_ name: String) -> ProviderKind? {
    let plain = String(name.lowercased().filter { $0.isLetter || $0.isNumber })
    switch plain {
    case "openai": return .openai
    case "anthropic": return .anthropic
    case "gemini": return .gemini
    case "vertex", "vertexai": return .vertex
    case "bedrock", "awsbedrock": return .bedrock
    case "azure", "azureopenai": return .azure
    case "googlevertex": return .vertex
    case "together", "togetherai": return .together
    case "fireworks", "fireworksai": return .fireworks
    case "openaicompatible", "custom": return .openaiCompatible
    default: return ProviderKind(rawValue: plain).flatMap { $0 == .mock ? nil : $0 }
    }
  }
}

/// An address as other gateways write it, made one that ends where Remora's ends.
enum Endpoint {
  /// Nil where `text` is no address that Remora takes.
  static func baseURL(_ text: String, _ kind: ProviderKind) -> String? {
    var text = text.prefix { $0 != "?" && $0 != "#" }
    while text.hasSuffix("/") { text = text.dropLast() }
    for end in [
      "/chat/completions", "/completions", "/embeddings", "/responses", "/v1/messages", "/messages",
    ]
    where text.hasSuffix(end) && !(end == "/messages" && kind != .anthropic) {
      text = text.dropLast(end.count)
      break
    }
    // What is left may name a deployment, or be Foundry's `/models`.
    guard kind != .azure else { return BaseURL.parse(String(text)).map(\.text) }
    let own: [String] =
      switch kind {
      case .anthropic: ["/v1"]
      case .ollama: ["/v1", "/api"]
      case .cohere: ["/v2", "/v1"]
      case .gemini: ["/v1beta/openai", "/v1beta", "/v1"]
      default: []
      }
    for end in own where text.hasSuffix(end) {
      text = text.dropLast(end.count)
      break
    }
    guard var url = BaseURL.parse(String(text)) else { return nil }
    // Their client appends the path that this kind's own servers want.
    if url.host == kind.row.baseURL?.host, url.prefix.isEmpty || url.prefix == "/v1" {
      url.prefix = kind.row.baseURL?.prefix ?? url.prefix
    }
    return url.text
  }

  /// A name for the server at an address: the telling part of its host.
  static func hint(_ url: String) -> String {
    guard let host = BaseURL.parse(url)?.host else { return "upstream" }
    if BaseURL.isLoopback(host) { return "local" }
    var labels = host.split(separator: ".").map(String.init)
    if labels.count > 2, ["api", "www", "v1", "llm", "inference"].contains(labels[0]) {
      labels.removeFirst()
    }
    let label = labels.first.map { String($0.prefix(32)) } ?? "upstream"
    return label.allSatisfy(\.isNumber) ? "upstream" : label
  }

  /// Whether a text can be an Azure API's version.
  static func isVersion(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(ASCII.isNameByte)
  }

  static func isPrivate(_ url: String) -> Bool {
    BaseURL.parse(url).map { BaseURL.isLocal($0.host) } ?? false
  }
}
