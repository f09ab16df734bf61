// Every key of the configuration, once: its name, its type, and a line about it.
//
// The decoder asks these tables which keys are known, and `remora schema` prints them, so the two can't
// differ.

/// What a value may look like.
indirect enum Shape: Sendable {
  case text, boolean, number, percent, duration, size, address, url, path, secret, header
  /// `${NAME}`, where any other text would be the secret itself.
  case variable
  case integer(ClosedRange<Int>)
  case choice([String])
  /// Words that stand as they are, in a place where a text may be a secret.
  case words([String])
  case list(Shape)
  case map(Shape)
  case object(Table)
  /// One of several forms.
  case either([Shape])
}

struct Key: Sendable {
  let name: String
  let shape: Shape
  let about: String
  /// The kinds of provider that have this key; nil: all.
  let kinds: Set<ProviderKind>?
  let isRequired: Bool

  init(
    _ name: String, _ shape: Shape, _ about: String, kinds: Set<ProviderKind>? = nil, isRequired: Bool = false
  ) {
    self.name = name
    self.shape = shape
    self.about = about
    self.kinds = kinds
    self.isRequired = isRequired
  }
}

/// The keys of one mapping.
struct Table: Sendable {
  let keys: [Key]
  init(_ keys: [Key]) { self.keys = keys }
  var names: [String] { keys.map(\.name) }
}

extension Table {
  static let root = Table([
    Key(
      "listen", .either([.list(.either([.address, .object(.listen)])), .address]),
      "Where applications connect."),
    Key("admin", .address, "Where probes and Prometheus connect. Default: 0.0.0.0:4142."),
    Key(
      "workers", .either([.integer(1...Defaults.workers), .choice(["auto"])]),
      "Event loops; auto: the CPU quota."),
    Key("providers", .map(.object(.provider)), "Who answers, by name."),
    Key("default_provider", .text, "The provider of what no other rule places."),
    Key("models", .map(.either([.text, .list(.text), .object(.model)])), "Names that applications ask for."),
    Key("retry", .object(.retry), "How failed attempts are repeated."),
    Key("consumers", .object(.consumers), "Who may call."),
    Key("limits", .object(.limits), "Ceilings of this pod; 0: none."),
    Key("policies", .map(.object(.policy)), "Checks of requests and answers, by name."),
    Key("policy_chain", .list(.text), "The policies that every request passes, in order."),
    Key("prices", .map(.object(.price)), "US dollars for a million tokens, by provider/model."),
    Key("max_body", .size, "Ceiling of a body that must be read whole; 0: none. Default: 64MiB."),
    Key(
      "max_memory", .either([.size, .choice(["auto"])]),
      "Ceiling of the process's memory, kept by refusing; 0: none; auto, the default: four fifths of the container's limit, 512MiB without one."
    ),
    Key("allowed_hosts", .list(.text), "Host names that a loopback listener accepts beside its own."),
    Key("allowed_origins", .list(.text), "Web pages' origins that may send."),
    Key(
      "response_metadata", choice(ResponseMetadata.self), "Where an answer says who made it. Default: body."),
    Key("telemetry", .object(.telemetry), "Logs and traces."),
    Key("shutdown", .object(.shutdown), "How the process ends."),
  ])

  static let listen = Table([
    Key("address", .address, "host:port, [::1]:port or unix:/path.", isRequired: true),
    Key("tls", .object(.listenTLS), "Makes this a TLS listener."),
    Key("default_provider", .text, "The provider of what no other rule places, on this port."),
    Key("model", .text, "The model that every request on this port gets."),
  ])

  static let listenTLS = Table([
    Key("cert_file", .path, "The certificate chain, PEM.", isRequired: true),
    Key("key_file", .path, "The private key, PEM.", isRequired: true),
    Key("client_ca_file", .path, "Authorities that must have signed a client's certificate, PEM."),
  ])

  static let provider = Table([
    Key(
      "kind", choice(ProviderKind.self), "The dialect and its defaults; without it the provider's own name."),
    Key(
      "base_url", .url, "Scheme, host, port and prefix.",
      kinds: Set(ProviderKind.allCases).subtracting([.mock])),
    Key("api_key", .secret, "Where the key comes from. Default: the kind's variable, or NAME_FILE."),
    Key("headers", .map(.header), "Headers that are sent upstream."),
    Key("tls", .object(.providerTLS), "How the upstream's certificate is checked."),
    Key("timeouts", .object(.timeouts), "How long each step may take."),
    Key("pool", .object(.pool), "How connections are kept."),
    Key(
      "stream_options", choice(StreamOptions.self),
      "Whether streams are asked for their usage; auto, the default: until the server refuses it.",
      kinds: openAIKinds.union([.azure])),
    Key("organization", .text, "Sent as OpenAI-Organization.", kinds: openAIKinds),
    Key(
      "project", .text, "Sent as OpenAI-Project, or the Google Cloud project.",
      kinds: openAIKinds.union([.vertex])),
    Key("api_version", .text, "The API's version; without it the /openai/v1 form.", kinds: [.azure]),
    Key("deployments", .map(.text), "Deployments by model; default: the model's name.", kinds: [.azure]),
    Key("token", .secret, "A bearer token instead of a key.", kinds: [.azure, .vertex]),
    Key("version", .text, "The anthropic-version header.", kinds: [.anthropic]),
    Key("beta", .list(.text), "The anthropic-beta header.", kinds: [.anthropic]),
    Key("location", .text, "The Google Cloud location.", kinds: [.vertex]),
    Key("publisher", .text, "The model's publisher; default: by the model's name.", kinds: [.vertex]),
    Key("region", .text, "The AWS region.", kinds: [.bedrock]),
    Key(
      "credentials", .either([.object(.awsCredentials), .secret]),
      "A service account's file, or AWS keys.", kinds: [.vertex, .bedrock]),
  ])

  /// The kinds that have OpenAI's own keys.
  static let openAIKinds = Set(
    ProviderKind.allCases.filter { kind in
      if case .openAI = kind.emptyDialect { true } else { false }
    })

  static let secret = Table([
    Key("file", .path, "A file that holds the secret."),
    Key("env", .text, "The environment variable that holds the secret."),
  ])

  static let awsCredentials = Table([
    Key("access_key_id", .secret, "The AWS access key's id.", isRequired: true),
    Key("secret_access_key", .secret, "The AWS secret access key.", isRequired: true),
    Key("session_token", .secret, "The AWS session token."),
  ])

  static let providerTLS = Table([
    Key("ca_file", .path, "Authorities to trust, PEM. Default: the system's."),
    Key("cert_file", .path, "The client certificate, PEM."),
    Key("key_file", .path, "Its private key, PEM."),
    Key("server_name", .text, "The name to ask for and to check. Default: the URL's host."),
  ])

  static let timeouts = Table([
    Key("connect", .duration, "Name look-up, TCP and TLS. Default: 5s."),
    Key("first_byte", .duration, "From the request's end to the answer's first byte. Default: 10m."),
    Key("idle", .duration, "Between two bytes of an answer. Default: 10m."),
  ])

  static let pool = Table([
    Key(
      "max_connections", .integer(0...Defaults.connections), "Connections at the same time; 0: no ceiling."),
    Key(
      "idle_timeout", .duration, "How long an unused connection is kept. Default: 55s; own servers: 4s."),
    Key("warm", .integer(0...1024), "Connections that are opened before the first request."),
  ])

  static let model = Table([
    Key(
      "targets", .either([.text, .list(.either([.text, .object(.target)]))]),
      "What serves the name, in order.",
      isRequired: true),
    Key("pick", choice(ModelEntry.Pick.self), "Which target is tried first. Default: ordered."),
    Key("deprecated", .boolean, "Whether answers say that the name is deprecated."),
  ])

  static let target = Table([
    Key("to", .text, "provider/model.", isRequired: true),
    Key("weight", .integer(0...Defaults.weight), "Its share of the requests. Default: 1."),
  ])

  static let retry = Table([
    Key("attempts", .integer(1...Defaults.attempts), "Attempts in all."),
    Key("backoff", .duration, "The pause before the second attempt."),
    Key("max_backoff", .duration, "The longest pause."),
    Key("budget", .percent, "Repeats in percent of recent requests."),
  ])

  static let consumers = Table([
    Key("header", .text, "The header that says who is calling. Default: x-remora-key."),
    Key("required", .boolean, "Whether a request without a known key is refused."),
    Key("groups", .map(.object(.group)), "Callers, by name."),
  ])

  static let group = Table([
    Key("key", .secret, "The key that its callers show.", isRequired: true),
    Key("models", .list(.text), "Models it may use; * stands for any text."),
    Key("limits", .object(.limits), "Its ceilings."),
    Key("policies", .list(.text), "Policies that its requests pass."),
  ])

  static let limits = Table([
    Key("requests_per_minute", .integer(0...1_000_000_000), "0: no ceiling."),
    Key("tokens_per_minute", .integer(0...1_000_000_000_000), "0: no ceiling."),
    Key("concurrent_requests", .integer(0...1_000_000), "0: no ceiling."),
    Key("budget_usd", .object(.budget), "Money in a span of time."),
  ])

  static let budget = Table([
    Key("amount", .number, "US dollars.", isRequired: true),
    Key("per", .duration, "The span of time, such as 30d.", isRequired: true),
  ])

  static let policy = Table([
    Key(
      "kind", .choice(["pii_detector", "prompt_injection", "audit_log"]), "What it does.", isRequired: true),
    Key("action", choice(Policy.Action.self), "What happens on a finding. Default: block."),
    Key("entities", .list(choice(Policy.Entity.self)), "What a pii_detector looks for. Default: all."),
    Key("file", .path, "Where an audit_log writes."),
    Key("retention", .duration, "How long an audit_log keeps its lines."),
  ])

  static let price = Table([
    Key("input", .number, "For a million input tokens.", isRequired: true),
    Key("output", .number, "For a million output tokens.", isRequired: true),
    Key("cached_input", .number, "For a million input tokens out of the provider's cache."),
  ])

  static let telemetry = Table([
    Key("access_log", choice(Telemetry.AccessLog.self), "One line a request on stdout. Default: json."),
    Key("level", choice(Telemetry.Level.self), "What diagnostics on stderr say. Default: info."),
    Key("otlp", .object(.otlp), "Where traces go."),
  ])

  static let otlp = Table([Key("endpoint", .url, "The collector's HTTP address.", isRequired: true)])

  static let shutdown = Table([Key("drain", .duration, "How long requests may take to finish. Default: 30s.")]
  )

  /// The names of an enumeration's cases.
  private static func choice<Value: CaseIterable & RawRepresentable<String>>(_ type: Value.Type) -> Shape {
    .choice(type.allCases.map(\.rawValue))
  }
}
