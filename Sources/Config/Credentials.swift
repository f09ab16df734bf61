// What a provider is shown, told from its settings: a key as it is, or a cloud's identity.

/// The cloud whose identity a provider is shown where no key is, with the settings that say which.
package enum Cloud: Sendable {
  case aws(DialectSettings.Bedrock)
  case google(DialectSettings.Vertex)
  case entra(DialectSettings.Azure)
}

extension Provider {
  /// Nil where only keys are shown.
  package var cloud: Cloud? {
    switch dialect {
    case .bedrock(let settings): .aws(settings)
    case .vertex(let settings): .google(settings)
    case .azure(let settings): .entra(settings)
    case .anthropic, .openAI, .plain: nil
    }
  }

  /// The AWS keys that sign its requests, where the configuration names files for all of them.
  package var keyFiles: (id: SecretSource, secret: SecretSource, session: SecretSource?)? {
    guard apiKey == .none, case .aws(let settings)? = cloud, let id = settings.accessKeyID,
      let secret = settings.secretAccessKey
    else { return nil }
    let areFiles = [id, secret, settings.sessionToken].allSatisfy { source in
      if case .file? = source { true } else { source == nil }
    }
    return areFiles ? (id, secret, settings.sessionToken) : nil
  }

  /// Where the key or the token comes from that is sent as it is.
  package var shownSecret: SecretSource {
    if apiKey != .none { return apiKey }
    switch cloud {
    case .entra(let settings): return settings.token ?? .none
    case .google(let settings): return settings.token ?? .none
    case .aws, nil: return .none
    }
  }

  /// The key of its configuration that says what it is shown.
  package var keyPlace: String {
    if apiKey != .none { return "api_key" }
    switch cloud {
    case .entra(let settings): return settings.token == nil ? "api_key" : "token"
    case .google(let settings): return settings.token == nil ? "credentials" : "token"
    case .aws: return "credentials"
    case nil: return "api_key"
    }
  }

  /// Whether requests carry a key, a token or a signature.
  package var isShownAnything: Bool { apiKey != .none || cloud != nil }

  /// The header that shows it, or a signature, and what comes before it there; nil where the kind sends none.
  package var shownAs: (name: String, prefix: String)? {
    switch (kind.row.auth, cloud) {
    case (.header, .entra(let settings)) where apiKey == .none && settings.token != nil:
      ("authorization", "Bearer ")
    case (.dialect, .aws) where apiKey == .none: ("authorization", "AWS4-HMAC-SHA256 ")
    case (.dialect, .google) where apiKey != .none: ("x-goog-api-key", "")
    case (.dialect, _), (.bearer, _): ("authorization", "Bearer ")
    case (.header(let name), _): (name, "")
    case (.none, _): nil
    }
  }
}
