// Who answers: one value for each entry of `providers`. What all kinds have is here; the keys that only some have are
// in a file for each dialect (DialectSettings.swift), connections in ProviderConnection.swift.

internal import Wire

package struct Provider: Sendable, Equatable {
  package var name: String
  package var kind: ProviderKind
  /// Nil for `mock`, and for the kinds that derive it from a region or location.
  package var baseURL: BaseURL?
  package var apiKey: SecretSource
  /// Sent upstream with every request, in the order of the file; names in lower case.
  package var headers: [ProviderHeader] = []
  package var tls = ProviderTLS()
  package var timeouts = Timeouts()
  package var pool = PoolSettings()
  /// Whether streams are asked for their usage.
  package var streamOptions = StreamOptions.auto
  /// Whether it has Anthropic's Messages API beside its own.
  package var messages = FormatSupport.translated
  /// Whether it has the Responses API beside chats; nil: what its kind mostly has.
  package var responses: ResponsesSupport?
  /// What only this kind of provider has.
  package var dialect: DialectSettings

  package init(
    name: String, kind: ProviderKind, baseURL: BaseURL?, apiKey: SecretSource, dialect: DialectSettings? = nil
  ) {
    self.name = name
    self.kind = kind
    self.baseURL = baseURL
    self.apiKey = apiKey
    self.dialect = dialect ?? kind.emptyDialect
    // A server that isn't the kind's public one closes idle connections as early as it likes.
    if baseURL?.scheme == .http || baseURL != kind.row.baseURL {
      pool.idleTimeout = Defaults.ownServerPoolIdleTimeout
    }
  }

  // `kind`, `base_url` and `api_key` depend on each other: `Decoder.provider` reads them.
  static let section = Section<Provider>(
    [
      Row(
        "kind", Form<ProviderKind>.choice.shape,
        "The dialect and its defaults; without it the provider's own name.",
        read: nil, write: { $1.member("kind", $0.kind.rawValue) }),
      Row(
        "base_url", .url, "Scheme, host, port and prefix.",
        kinds: ProviderKind.allCases.filter { $0 != .mock }.map(\.rawValue),
        read: nil,
        write: { provider, writer in
          if let url = provider.baseURL { writer.member("base_url", url.text) }
        }),
      Row(
        "api_key", .secret, "Where the key comes from. Default: the kind's variable, or NAME_FILE.",
        read: nil, write: { if $0.kind != .mock { $0.apiKey.write("api_key", to: &$1) } }),
      Row("headers", \.headers, .headers, "Headers that are sent upstream."),
      Row("tls", \.tls, ProviderTLS.section, "How the upstream's certificate is checked."),
      Row("timeouts", \.timeouts, Timeouts.section, "How long each step may take."),
      Row("pool", \.pool, PoolSettings.section, "How connections are kept."),
      Row(
        "stream_options", \.streamOptions, .choice,
        "Whether streams are asked for their usage; auto, the default: until the server refuses it.",
        kinds: ProviderKind.allCases.filter(\.emptyDialect.takesStreamOptions).map(\.rawValue)
      ).printed(where: \.dialect.takesStreamOptions),
      Row(
        "messages", \.messages, .choice,
        "Whether it has the Messages API too, behind its base_url, or, at Bedrock, Claude's by InvokeModel; translated, the default: requests become chats.",
        kinds: ProviderKind.allCases.filter(\.mayHaveMessages).map(\.rawValue)
      ).printed(where: \.kind.mayHaveMessages),
      Row(
        optional: "responses", \.responses, .choice,
        "Whether it has the Responses API; auto: ask once; translated: requests become chats. Default: by its kind.",
        kinds: ProviderKind.allCases.filter(\.mayHaveResponses).map(\.rawValue)),
    ] + DialectSettings.rows)
}

/// Whether Remora asks streams for their usage where the client didn't, which takes a member that some servers refuse.
package enum StreamOptions: String, Sendable, CaseIterable {
  /// Yes, until the server has refused it.
  case auto
  /// No, and the client's own is left out too.
  case never
}

/// Whether a provider has the Responses API.
package enum ResponsesSupport: String, Sendable, CaseIterable {
  case native, translated
  /// It is asked, until it has answered that there is no such path.
  case auto
}

/// Whether a provider has the API of a format that isn't its kind's own.
package enum FormatSupport: String, Sendable, CaseIterable {
  /// It has; requests pass as they are.
  case native
  /// It hasn't; requests are translated.
  case translated
}

extension Provider {
  /// Whether a request of the Responses API goes as a chat; nil: it is to be found out.
  package var recastsResponses: Bool? {
    switch responses {
    case .native: false
    case .translated: true
    case .auto: nil
    case nil: !kind.hasResponses
    }
  }
}

extension ProviderKind {
  /// What other gateways and their users call a kind, and what to write.
  fileprivate static let others = [
    "replay": "recordings are answered by a process of their own, 'remora replay DIR'",
    "google": "write gemini, or vertex for Vertex AI", "vertex_ai": "write vertex",
    "claude": "write anthropic",
    "aws": "write bedrock", "azure_openai": "write azure", "together_ai": "write together",
    "fireworks_ai": "write fireworks", "litellm": "write openai_compatible",
    "local": "write openai_compatible",
  ]

  /// Kinds that pass OpenAI's format on; the others are translated whatever is asked.
  fileprivate var mayHaveResponses: Bool { row.speaksOpenAI && self != .mock }

  /// Whether a provider of this kind has the Responses API, as far as its own pages say (2026-10).
  package var hasResponses: Bool {
    switch self {
    case .mistral, .together, .perplexity: false
    default: row.speaksOpenAI
    }
  }

  /// Kinds whose servers may have the Messages API beside their own: that of others is known.
  fileprivate var mayHaveMessages: Bool {
    switch self {
    case .deepseek, .openrouter, .ollama, .vllm, .openaiCompatible, .openai, .together, .fireworks, .groq,
      .xai,
      .mistral, .bedrock:
      true
    case .anthropic, .azure, .cohere, .gemini, .vertex, .perplexity, .mock: false
    }
  }
}

extension Form where Value == [Provider] {
  static var providers: Form {
    let form = Form<Provider>.entries(
      .object(Provider.section.table), ceiling: (Defaults.providers, "entries"),
      read: { decoder, entry, _ in decoder.provider(entry) },
      write: { Provider.section.write($0, $0.name, to: &$1) })
    return Form(
      form.shape,
      read: { decoder, node, what in
        if case .mapping(let entries) = node.kind {
          if entries.isEmpty { decoder.problem(Decoder.nothingConfigured, at: node.position) }
          decoder.providerNames = entries.prefix(Defaults.providers).map(\.key)
        }
        return form.read(&decoder, node, what)
      },
      write: form.write)
  }
}

extension Decoder {
  fileprivate mutating func provider(_ entry: YAMLEntry) -> Provider? {
    let place = Place(named: "provider '\(Shown.text(entry.key))'")
    let what = place.title
    if Settings.section.table.names.contains(entry.key), ProviderKind(rawValue: entry.key) == nil {
      problem(Hint.unknownKey(entry.key, in: "providers", Provider.section.table), at: entry.keyPosition)
      return nil
    }
    if case .mapping = entry.value.kind {
    } else if Provider.section.table.names.contains(entry.key), ProviderKind(rawValue: entry.key) == nil {
      problem(
        "'\(Shown.text(entry.key))' is a key of a provider; indent it under the provider's name",
        at: entry.keyPosition)
      return nil
    }
    checkName(entry, what)
    guard let fields = fields(entry.value, Provider.section.table, of: what) else { return nil }
    guard let kind = kind(fields, entry, what) else {
      // What doesn't depend on the kind is looked at, so that its problems show at once too.
      _ = url(fields["base_url"], of: "\(what) base_url")
      _ = secret(fields["api_key"], of: "\(what) api_key", allowsWords: true)
      var provider = Provider(name: entry.key, kind: .mock, baseURL: nil, apiKey: .none)
      Provider.section.read(fields, place, into: &provider, &self)
      return nil
    }
    Provider.section.checkKinds(kind.rawValue, fields, place, &self)
    let baseURL = baseURL(fields, kind, what, at: entry.keyPosition)
    var provider = Provider(name: entry.key, kind: kind, baseURL: baseURL, apiKey: .none)
    Provider.section.read(fields, place, into: &provider, &self)
    provider.dialect.complete(fields, what, &self)
    let key = secret(fields["api_key"], of: "\(what) api_key", allowsWords: true)
    if let key, key != SecretSource.none, provider.dialect.token != nil {
      problem(
        "\(what) has both an api_key and a token; keep one, because a request carries only one",
        at: fields.keyPosition("token"))
    }
    if fields["api_key"] == nil {
      provider.apiKey = defaultKey(kind, provider.dialect, what, at: entry.keyPosition)
    } else {
      provider.apiKey = key ?? .none
    }
    if provider.baseURL == nil { provider.baseURL = provider.dialect.address }
    return provider
  }

  private mutating func kind(_ fields: Fields, _ entry: YAMLEntry, _ what: String) -> ProviderKind? {
    if let node = fields["kind"] {
      return choice(node, of: "\(what) kind", ProviderKind.self, others: ProviderKind.others)
    }
    if let kind = ProviderKind(rawValue: entry.key) { return kind }
    let names = ProviderKind.allCases.map(\.rawValue)
    let hint = Name.nearest(to: entry.key, in: names).map { "did you mean '\($0)'? Else " } ?? ""
    problem(
      "\(what) is not a known kind; \(hint)write kind: openai_compatible, or one of "
        + names.joined(separator: ", "),
      at: entry.keyPosition)
    return nil
  }

  private mutating func baseURL(
    _ fields: Fields, _ kind: ProviderKind, _ what: String, at position: Position
  ) -> BaseURL? {
    guard let node = fields["base_url"] else {
      if kind.row.needsBaseURL {
        let example = kind == .azure ? "https://NAME.openai.azure.com" : "http://vllm.default.svc:8000/v1"
        problem("\(what) of kind \(kind.rawValue) needs a base_url, such as \(example)", at: position)
      }
      return kind.row.baseURL
    }
    guard let url = url(node, of: "\(what) base_url") else { return kind.row.baseURL }
    if let ending = kind.misplacedEnding(url) { problem("\(what) base_url \(ending)", at: node.position) }
    if url.scheme == .http, !BaseURL.isLocal(url.host) {
      warning(
        "\(what) base_url sends keys and prompts without encryption to a public name; use https",
        at: node.position)
    }
    return url
  }

  /// The source of a key that the file doesn't name.
  private mutating func defaultKey(
    _ kind: ProviderKind, _ dialect: DialectSettings, _ what: String, at position: Position
  ) -> SecretSource {
    if dialect.token != nil { return .none }
    if let found = environmentKey(kind) {
      references.append(Reference(target: .secret(found, name: "\(what) api_key", .key), position: position))
      return found
    }
    if kind == .azure, hasAzureIdentity { return .none }
    if kind.row.needsKey, let variable = kind.row.keyVariables.first {
      problem(
        "\(what) has no key; set \(variable) or \(variable)_FILE, "
          + "or write api_key: { file: PATH }, passthrough or none",
        at: position)
    }
    return .none
  }
}
