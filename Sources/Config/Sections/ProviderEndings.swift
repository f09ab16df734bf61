// Where a `base_url` ends: behind the provider's own prefix, and before the paths that its dialect appends.

internal import Wire

extension ProviderKind {
  /// What is wrong with how `url` ends, and what would be right; nil where it may well be meant.
  func misplacedEnding(_ url: BaseURL) -> String? {
    row.speaksOpenAI ? openAIEnding(url) : translatedEnding(url)
  }

  private func openAIEnding(_ url: BaseURL) -> String? {
    for path in ["/chat/completions", "/completions", "/responses", "/embeddings", "/models"]
    where url.prefix.hasSuffix(path) && !(self == .azure && path == "/models") {
      var right = url
      right.prefix = String(url.prefix.dropLast(path.utf8.count))
      return "ends before \(path); write \(right.text)"
    }
    // DeepSeek serves both (api-docs.deepseek.com, 2026-10).
    guard let usual = row.baseURL, usual.host == url.host, self != .deepseek else { return nil }
    let lacksPrefix = url.prefix.isEmpty || url.prefix == "/v1" || usual.prefix.hasPrefix(url.prefix + "/")
    guard lacksPrefix, url.prefix != usual.prefix, !usual.prefix.isEmpty else { return nil }
    return "ends in \(usual.prefix); write \(usual.text)"
  }

  private func translatedEnding(_ url: BaseURL) -> String? {
    let paths: [String]
    switch self {
    case .anthropic: paths = ["/v1/messages", "/v1"]
    case .gemini: paths = ["/v1beta/models", "/v1beta/openai", "/v1beta", "/v1"]
    case .cohere: paths = ["/v2/chat", "/v2", "/v1", "/compatibility/v1"]
    case .ollama: paths = ["/api/chat", "/api", "/v1/chat/completions", "/v1"]
    default: return nil
    }
    guard let path = paths.first(where: url.prefix.hasSuffix) else { return nil }
    var right = url
    right.prefix = String(url.prefix.dropLast(path.utf8.count))
    return "ends before \(path), which is appended to it; write \(right.text)"
  }
}
