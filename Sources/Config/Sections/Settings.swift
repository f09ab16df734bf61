// What the operator said, checked: the root of all settings, and of all keys.
//
// Plain values, a file for each section beside this one: its keys, its value with the defaults, and what must hold of
// several keys together. ConfigFile.swift fills them from a file, ZeroConfiguration.swift from the environment alone.

internal import Wire

/// Everything that can be configured. Values are complete: what was not said has its default.
package struct Settings: Sendable, Equatable {
  package var listen: [ListenEntry] = Defaults.listen
  /// Where health, readiness and metrics are served.
  package var admin: Address = Defaults.admin
  package var workers: Workers = .count(1)
  /// In the order of the file; names are unique.
  package var providers: [Provider] = []
  /// Whether they are those whose keys are in the environment, because the file names none.
  package var hasFoundProviders = false
  /// The name of the provider that gets what no other rule places.
  package var defaultProvider: String?
  /// In the order of the file; names are unique.
  package var models: [ModelEntry] = []
  package var responses = Responses()
  package var retry = Retry()
  package var consumers: Consumers?
  package var limits = Limits()
  /// A directory in which budgets outlive the process; nil: they don't.
  package var stateDirectory: String?
  package var policies: [Policy] = []
  /// Names of policies, in the order in which they look at a request.
  package var policyChain: [String] = []
  package var prices: [Price] = []
  package var catalogue = CatalogueSettings()
  package var cache = CacheSettings()
  /// Bytes of a body that must be read whole; streamed bodies have no ceiling. 0: none.
  package var maxBody = Defaults.maxBody
  /// Bytes of memory that the process may use; nil: as the container's limit says. 0: no ceiling.
  package var maxMemory: Int?
  /// Host names, in lower case, that a loopback listener accepts beside its own.
  package var allowedHosts: [String] = []
  /// Origins of web pages that may send, as browsers write them: `https://app.example`.
  package var allowedOrigins: [String] = []
  package var responseMetadata = ResponseMetadata.body
  package var telemetry = Telemetry()
  package var shutdown = Shutdown()

  package init() {}

  /// The provider of this name, or nil.
  package func provider(_ name: String) -> Provider? {
    providers.first { $0.name == name }
  }

  /// The entry of `models` with this name, or nil.
  package func model(_ name: String) -> ModelEntry? {
    models.first { $0.name == name }
  }

  /// Every setting that holds, defaults included, as indented JSON with a line break at its end. Secrets appear as
  /// the places they come from.
  package func json() -> String {
    var writer = JSONText()
    Self.section.write(self, to: &writer)
    return writer.text + "\n"
  }
}

extension Settings {
  static let section = Section<Settings>(
    [
      Row("listen", \.listen, .listen, "Where applications connect."),
      Row("admin", \.admin, .address, "Where probes and Prometheus connect. Default: 0.0.0.0:4142."),
      Row("workers", \.workers, .workers, "Event loops; auto: the CPU quota."),
      Row(
        "providers", .map(.object(Provider.section.table)), "Who answers, by name.",
        // Read before all others, who name them.
        read: nil, write: { Form.providers.write($0.providers, "providers", &$1) }),
      Row(
        "default_provider", .text, "The provider of what no other rule places.",
        read: { decoder, node, what, settings in
          settings.defaultProvider = decoder.text(node, of: what) ?? settings.defaultProvider
        },
        write: { $1.member("default_provider", $0.defaultProvider) }),
      Row("models", \.models, .models, "Names that applications ask for."),
      Row(
        "responses", \.responses, Responses.section,
        "What is remembered of responses, for previous_response_id."),
      Row("retry", \.retry, Retry.section, "How failed attempts are repeated."),
      Row(
        optional: "consumers", \.consumers, .object(Consumers.section, Consumers()), "Who may call."),
      Row("limits", \.limits, Limits.podSection, "Ceilings of this pod; 0: none."),
      Row(
        optional: "state_dir", \.stateDirectory, .target,
        "A directory in which what budgets have spent outlives the process."),
      Row("policies", \.policies, .policies, "Checks of requests and answers, by name."),
      Row(
        "policy_chain", \.policyChain, .texts(ceiling: Defaults.targets),
        "The policies that every request passes, in order."),
      Row("prices", \.prices, .prices, "US dollars for a million tokens, by provider/model."),
      Row("catalogue", \.catalogue, CatalogueSettings.section, "Models and prices beside the built-in ones."),
      Row("cache", \.cache, CacheSettings.section, "Answers that are kept for the same question."),
      Row(
        "max_body", \.maxBody, .size(ceiling: Defaults.body),
        "Ceiling of a body that must be read whole; 0: none. Default: 64MiB."),
      Row(
        optional: "max_memory", \.maxMemory, .memory,
        "Ceiling of the process's memory, kept by refusing; 0: none; auto, the default: four fifths of the container's limit, 512MiB without one.",
        absent: "auto"),
      Row(
        "allowed_hosts", \.allowedHosts, .hosts, "Host names that a loopback listener accepts beside its own."
      ),
      Row("allowed_origins", \.allowedOrigins, .origins, "Web pages' origins that may send."),
      Row(
        "response_metadata", \.responseMetadata, .choice, "Where an answer says who made it. Default: body."),
      Row("telemetry", \.telemetry, Telemetry.section, "Logs and traces."),
      Row("shutdown", \.shutdown, Shutdown.section, "How the process ends."),
    ],
    check: { settings, fields, _, decoder in
      decoder.checkNames(settings, fields)
      decoder.checkMemory(settings, fields)
      if let endpoint = settings.telemetry.otlp?.endpoint, OTLPSettings.isRemora(endpoint, settings) {
        decoder.problem(
          "telemetry.otlp.endpoint is Remora itself; name the collector, such as http://otel-collector:4318",
          at: fields["telemetry"]?["otlp"]?["endpoint"]?.position)
      }
    })
}

extension Decoder {
  /// Decodes a whole document. What it returns is good only if `problems` is empty.
  mutating func settings(_ root: YAMLNode) -> Settings {
    var settings = Settings()
    if root.saysNothing {
      // A file that was cut off or rendered to nothing must not lead to providers that it never named.
      problem(Self.empty, at: root.position)
      return settings
    }
    let place = Place("the configuration", prefix: "")
    if let sentence = Foreign.sentence(root) {
      problem(sentence, at: root.position)
      return settings
    }
    guard let fields = fields(root, Settings.section.table, of: place.title) else { return settings }
    if let node = fields["providers"] {
      settings.providers = Form.providers.read(&self, node, "providers") ?? []
    } else if fields.has("providers") {
      problem(Self.nothingConfigured, at: fields.keyPosition("providers"))
    } else {
      useEnvironment(&settings)
      if settings.providers.isEmpty { problem(Self.nothingConfigured, at: root.position) }
    }
    Settings.section.read(fields, place, into: &settings, &self)
    return settings
  }

  /// Serves the providers whose keys are in the environment, the first of them as the default.
  mutating func useEnvironment(_ settings: inout Settings) {
    settings.providers = environmentProviders()
    settings.hasFoundProviders = true
    settings.defaultProvider = settings.providers.first?.name
    providerNames = settings.providers.map(\.name)
  }

  private static let empty =
    "the configuration is empty; write 'providers' into it, or remove the file: without one, the providers are "
    + "served whose keys are in the environment"

  static let nothingConfigured =
    "no provider is configured; add one under 'providers', or set OPENAI_API_KEY or OPENAI_API_KEY_FILE"

  /// Names that point at providers and policies must be there.
  fileprivate mutating func checkNames(_ settings: Settings, _ fields: Fields) {
    let names = providerNames
    if let name = settings.defaultProvider, let node = fields["default_provider"], !names.contains(name) {
      problem(unknownProvider(Self.raw(node), "default_provider", names), at: node.position)
    }
    if case .sequence(let items)? = fields["listen"]?.kind {
      for item in items {
        guard let node = item["default_provider"], case .scalar(let raw, _) = node.kind else { continue }
        guard let name = try? environment.interpolate(raw), !names.contains(name) else { continue }
        problem(unknownProvider(raw, "listen default_provider", names), at: node.position)
      }
    }
    let policies = settings.policies.map(\.name)
    checkUse(settings, fields)
    checkTogether(settings, fields)
    if settings.limits.shared != nil,
      !(settings.consumers?.groups ?? []).contains(where: { $0.limits.isShareable })
    {
      warning(
        "limits.shared does nothing: it shares the requests, tokens and budgets of groups, and no group has such a "
          + "limit; the pod's own limits stay its own", at: fields["limits"]?.position)
    }
    checkPolicies(fields["policy_chain"], "policy_chain", policies)
    if case .mapping(let groups)? = fields["consumers"]?["groups"]?.kind {
      for group in groups {
        checkPolicies(group.value["policies"], "group '\(Shown.text(group.key))' policies", policies)
      }
    }
  }

  /// Two logs in one file would break each other's chain, and a policy that stands nowhere does nothing.
  private mutating func checkUse(_ settings: Settings, _ fields: Fields) {
    let used = Set(settings.policyChain + (settings.consumers?.groups ?? []).flatMap(\.policies))
    var files: [String: String] = [:]
    for policy in settings.policies {
      let position = fields["policies"]?[policy.name]?.position ?? fields["policies"]?.position
      if policy.kind == .auditLog, let file = policy.audit.file {
        if let other = files.updateValue(policy.name, forKey: file) {
          problem(
            "policy '\(Shown.text(policy.name))' writes the same file as policy '\(Shown.text(other))'; give each its own",
            at: position)
        }
      }
      if !used.contains(policy.name) {
        warning(
          "policy '\(Shown.text(policy.name))' does nothing: it stands neither in policy_chain nor among a group's policies",
          at: position)
      }
    }
  }

  private mutating func checkPolicies(_ node: YAMLNode?, _ what: String, _ names: [String]) {
    guard case .sequence(let items)? = node?.kind else { return }
    for item in items {
      guard case .scalar(let name, _) = item.kind, !names.contains(name) else { continue }
      let hint = Name.nearest(to: name, in: names).map { "did you mean '\(Shown.text($0))'?" }
      problem(
        "\(what) names an unknown policy \(Self.kind(item)); \(hint ?? "add it under 'policies'")",
        at: item.position)
    }
  }

  /// The message about a provider's name that isn't configured.
  func unknownProvider(_ name: String, _ what: String, _ names: [String]) -> String {
    let hint: String
    if let nearest = Name.nearest(to: name, in: names) {
      hint = "did you mean '\(Shown.text(nearest))'?"
    } else if ProviderKind(rawValue: name) != nil {
      hint = "add '\(name): {}' under 'providers'"
    } else {
      hint = names.isEmpty ? "add it under 'providers'" : "configured: \(Shown.list(names))"
    }
    return "\(what) names an unknown provider '\(Shown.text(name))'; \(hint)"
  }
}
