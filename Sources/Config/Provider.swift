// Who answers: one value for each entry of `providers`.

/// Where a secret comes from. It names the place; `Secret` holds the bytes.
package enum SecretSource: Sendable, Hashable {
  case file(String)
  /// The name of an environment variable.
  case environment(String)
  /// The client's own key goes upstream.
  case passthrough
  /// No key is sent.
  case none
}

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
}

/// A header that is sent upstream.
package struct ProviderHeader: Sendable, Equatable {
  package enum Value: Sendable, Equatable {
    case text(String)
    case secret(SecretSource)
  }

  /// In lower case.
  package var name: String
  package var value: Value

  package init(name: String, value: Value) {
    self.name = name
    self.value = value
  }
}

/// How an upstream's certificate is checked, and which one is shown to it. Files are in PEM form.
package struct ProviderTLS: Sendable, Hashable {
  /// Authorities to trust; nil: the system's.
  package var caFile: String?
  /// The client certificate; set together with `keyFile`.
  package var certFile: String?
  package var keyFile: String?
  /// The name to ask for and to check; nil: the host of the base URL.
  package var serverName: String?

  package init() {}
}

/// How long each step may take.
package struct Timeouts: Sendable, Equatable {
  /// Name look-up, TCP and TLS together.
  package var connect = Defaults.connectTimeout
  /// From the request's last byte to the answer's first.
  package var firstByte = Defaults.firstByteTimeout
  /// Between two bytes of an answer.
  package var idle = Defaults.idleTimeout

  package init() {}
}

/// Whether Remora asks streams for their usage where the client didn't, which takes a member that some servers refuse.
package enum StreamOptions: String, Sendable, CaseIterable {
  /// Yes, until the server has refused it.
  case auto
  /// No, and the client's own is left out too.
  case never
}

/// How connections to one upstream are kept.
package struct PoolSettings: Sendable, Equatable {
  /// Connections of one worker at the same time; 0: no ceiling.
  package var maxConnections = 0
  /// How long an unused connection is kept.
  package var idleTimeout = Defaults.poolIdleTimeout
  /// Connections that are opened before the first request.
  package var warm = 0

  package init() {}
}

/// The keys that only some kinds have.
package enum DialectSettings: Sendable, Equatable {
  case openAI(OpenAI)
  case azure(Azure)
  case anthropic(Anthropic)
  case vertex(Vertex)
  case bedrock(Bedrock)
  /// Kinds without keys of their own.
  case plain

  /// A bearer token that stands in for a key.
  var token: SecretSource? {
    switch self {
    case .azure(let azure): azure.token
    case .openAI, .anthropic, .vertex, .bedrock, .plain: nil
    }
  }

  package struct OpenAI: Sendable, Equatable {
    /// Sent as `OpenAI-Organization` and `OpenAI-Project`.
    package var organization: String?
    package var project: String?
    package init() {}
  }

  package struct Azure: Sendable, Equatable {
    /// Nil: the `/openai/v1` form.
    package var apiVersion: String?
    package var deployments: [Deployment] = []
    /// An Entra bearer token, instead of a key.
    package var token: SecretSource?
    package init() {}
  }

  package struct Deployment: Sendable, Equatable {
    package var model: String
    package var deployment: String
    package init(model: String, deployment: String) {
      self.model = model
      self.deployment = deployment
    }
  }

  package struct Anthropic: Sendable, Equatable {
    package var version: String?
    package var beta: [String] = []
    package init() {}
  }

  package struct Vertex: Sendable, Equatable {
    package var project: String?
    package var location: String?
    /// A service account's JSON file.
    package var credentials: SecretSource?
    package var token: SecretSource?
    package var publisher: String?
    package init() {}
  }

  package struct Bedrock: Sendable, Equatable {
    package var region: String?
    package var accessKeyID: SecretSource?
    package var secretAccessKey: SecretSource?
    package var sessionToken: SecretSource?
    package init() {}
  }
}
