// The draft as a text: YAML with what a person must know beside it.

internal import Config
internal import Wire

struct Document {
  let draft: Draft
  /// The names of the providers.
  let names: [String]

  init(_ draft: Draft) {
    self.draft = draft
    names = draft.names()
  }

  /// Where secrets of the file are to be put.
  private static let secrets = "/run/secrets/remora/"

  func members() -> [Out.Member] {
    var members: [Out.Member] = []
    if !draft.listen.isEmpty { members.append(.init("listen", .list(draft.listen.map(listener)))) }
    if let admin = draft.admin { members.append(.init("admin", .text(admin))) }
    members.append(providers())
    if let provider = draft.defaultProvider {
      members.append(.init("default_provider", .text(names[provider])))
    } else if draft.providers.isEmpty {
      members.append(.init("default_provider", .text("mock")))
    }
    let models = draft.models.filter { !isPinned($0) }
    if !models.isEmpty { members.append(.init("models", .map(models.map(model)))) }
    members += behaviour()
    return members
  }

  /// Whether a name needs no entry, because it begins with the name of the provider that it leads to.
  func isPinned(_ model: ModelDraft) -> Bool {
    guard let target = model.targets.first else { return false }
    return draft.pins(model, names[target.provider], target.provider)
  }

  // MARK: Providers

  private func providers() -> Out.Member {
    if draft.providers.isEmpty {
      return .init(
        "providers",
        .map([.init("mock", .map([]), comments: ["answers by itself, until a provider stands here"])]))
    }
    return .init("providers", .map(draft.providers.indices.map(provider)))
  }

  private func provider(_ index: Int) -> Out.Member {
    let provider = draft.providers[index]
    let name = names[index]
    var comments: [String] = []
    var members: [Out.Member] = []
    if provider.kind.rawValue != name { members.append(.init("kind", .text(provider.kind.rawValue))) }
    if let url = provider.baseURL { members.append(.init("base_url", url.out)) }
    if let version = provider.apiVersion { members.append(.init("api_version", version.out)) }
    if let region = provider.region {
      members.append(.init(provider.kind == .vertex ? "location" : "region", region.out))
    }
    if let project = provider.project { members.append(.init("project", project.out)) }
    if let publisher = provider.publisher { members.append(.init("publisher", .text(publisher))) }
    if let organization = provider.organization { members.append(.init("organization", organization.out)) }
    if let key = provider.key { members.append(.init("api_key", secret(key, name, &comments))) }
    if let token = held(provider.token, name + "-token", &comments) { members.append(.init("token", token)) }
    members += credentials(provider, name, &comments)
    members += connection(index, &comments)
    if provider.hasResponses { members.append(.init("responses", .word("native"))) }
    return .init(name, .map(members), comments: comments)
  }

  private func credentials(_ provider: ProviderDraft, _ name: String, _ comments: inout [String]) -> [Out
    .Member]
  {
    if let file = provider.accountFile { return [.init("credentials", .map([.init("file", file.out)]))] }
    var members: [Out.Member] = []
    for key in ["access_key_id", "secret_access_key", "session_token"] {
      let place = "\(name)-\(key.replacing("_", with: "-"))"
      if let source = held(provider.credentials[key], place, &comments) {
        members.append(.init(key, source))
      } else if key != "session_token" {
        // One of the two alone is no credential.
        return []
      }
    }
    return [.init("credentials", .map(members))]
  }

  private func connection(_ index: Int, _ comments: inout [String]) -> [Out.Member] {
    let provider = draft.providers[index]
    var members: [Out.Member] = []
    if let headers = headers(provider.headers, names[index], &comments) { members.append(headers) }
    if !provider.tls.isEmpty {
      members.append(
        .init("tls", .map(provider.tls.sorted { $0.key < $1.key }.map { .init($0.key, .text($0.value)) })))
    }
    let facts = draft.facts[index]
    var timeouts: [Out.Member] = []
    if let seconds = facts.firstByte { timeouts.append(.init("first_byte", .word(Self.duration(seconds)))) }
    if let seconds = facts.idle { timeouts.append(.init("idle", .word(Self.duration(seconds)))) }
    if !timeouts.isEmpty { members.append(.init("timeouts", .map(timeouts))) }
    return members
  }

  private func headers(
    _ headers: [String: ProviderDraft.HeaderDraft], _ name: String, _ comments: inout [String]
  ) -> Out.Member? {
    var members: [Out.Member] = []
    for (key, value) in headers.sorted(by: { $0.key < $1.key }) {
      switch value {
      case .text(let text): members.append(.init(key, .text(text)))
      case .key(let source):
        let place = "\(name)-\(key.lowercased())"
        if let value = held(source, place, &comments) { members.append(.init(key, value)) }
      }
    }
    return members.isEmpty ? nil : .init("headers", .map(members))
  }

  /// Seconds as a configuration writes them: within what a timeout may be.
  static func duration(_ seconds: Double) -> String {
    let milliseconds = min(max(seconds, 0.001), 86_400) * 1000
    let whole = Int(milliseconds.rounded())
    return whole.isMultiple(of: 1000) ? "\(whole / 1000)s" : "\(whole)ms"
  }

  private func secret(_ key: KeySource, _ name: String, _ comments: inout [String]) -> Out {
    switch key {
    case .none: return .word("none")
    case .passthrough: return .word("passthrough")
    case .variable(let variable):
      return .map([.init("env", .text(variable))])
    case .file(let path): return .map([.init("file", .text(path))])
    case .literal:
      let path = Self.secrets + name
      comments.append("its secret stood in the file itself: put it into \(path)")
      return .map([.init("file", .text(path))])
    }
  }

  /// A secret where one must stand, which `api_key` alone can do without; nil where there is none.
  private func held(_ key: KeySource?, _ name: String, _ comments: inout [String]) -> Out? {
    guard let key, key != .none, key != .passthrough else { return nil }
    return secret(key, name, &comments)
  }

  // MARK: Models and listeners

  private func text(_ target: TargetDraft) -> String { names[target.provider] + "/" + target.model }

  private func model(_ model: ModelDraft) -> Out.Member {
    let isWeighted = model.pick == .weighted && model.targets.contains { $0.weight != nil }
    let targets: [Out] = model.targets.map { target in
      guard isWeighted else { return .text(text(target)) }
      return .map([.init("to", .text(text(target))), .init("weight", .word(String(target.weight ?? 1)))])
    }
    if model.pick == .ordered {
      return .init(model.name, targets.count == 1 ? targets[0] : .list(targets), comments: model.comments)
    }
    let members: [Out.Member] = [.init("targets", .list(targets)), .init("pick", .word(model.pick.rawValue))]
    return .init(model.name, .map(members), comments: model.comments)
  }

  private func listener(_ entry: ListenDraft) -> Out {
    var members: [Out.Member] = [.init("address", .text(entry.address))]
    if !entry.tls.isEmpty {
      members.append(
        .init("tls", .map(entry.tls.sorted { $0.key < $1.key }.map { .init($0.key, .text($0.value)) })))
    }
    if let provider = entry.provider { members.append(.init("default_provider", .text(names[provider]))) }
    if let model = entry.model {
      members.append(.init("model", .text(entry.provider.map { "\(names[$0])/\(model)" } ?? model)))
    }
    return members.count == 1 ? .text(entry.address) : .map(members)
  }

  // MARK: The rest

  private func behaviour() -> [Out.Member] {
    var members: [Out.Member] = []
    var retry: [Out.Member] = []
    if let attempts = draft.attempts {
      retry.append(.init("attempts", .word(String(min(max(attempts, 1), 10)))))
    }
    if draft.fallsBackOnFilter { retry.append(.init("fallback_on", .list([.word("content_filter")]))) }
    if !retry.isEmpty { members.append(.init("retry", .map(retry))) }
    if let header = draft.consumersHeader {
      members.append(.init("consumers", .map([.init("header", .text(header))])))
    }
    var comments: [String] = []
    let limits = limits(&comments)
    if !limits.isEmpty { members.append(.init("limits", .map(limits), comments: comments)) }
    if !draft.policies.isEmpty {
      members.append(.init("policies", .map(draft.policies.map(policy))))
      members.append(.init("policy_chain", .words(draft.policies.filter(\.isInChain).map(\.name))))
    }
    if !draft.prices.isEmpty {
      members.append(.init("prices", .map(draft.prices.map { .init(text($0.target), .map($0.members)) })))
    }
    if let size = draft.maxBody { members.append(.init("max_body", .word(size))) }
    if !draft.allowedOrigins.isEmpty {
      members.append(.init("allowed_origins", .words(draft.allowedOrigins)))
    }
    if let telemetry = telemetry() { members.append(telemetry) }
    for part in draft.optional where Schema.offers(part.needs) { Self.merge(part.member, into: &members) }
    return members
  }

  private func telemetry() -> Out.Member? {
    var (members, comments): ([Out.Member], [String]) = ([], [])
    if let level = draft.level { members.append(.init("level", .word(level))) }
    if let traces = draft.traces, Schema.offers("telemetry.otlp.endpoint") {
      var otlp: [Out.Member] = [.init("endpoint", traces.endpoint.out)]
      if let headers = headers(traces.headers, "otlp", &comments) { otlp.append(headers) }
      if let sample = traces.sample { otlp.append(.init("sample", .word(sample))) }
      members.append(.init("otlp", .map(otlp)))
    }
    return members.isEmpty ? nil : .init("telemetry", .map(members), comments: comments)
  }

  /// Adds a member, or its members to the one of the same name.
  private static func merge(_ member: Out.Member, into members: inout [Out.Member]) {
    guard let index = members.firstIndex(where: { $0.key == member.key }),
      case .map(let there) = members[index].value,
      case .map(let new) = member.value
    else { return members.append(member) }
    members[index].value = .map(there + new.filter { each in !there.contains { $0.key == each.key } })
  }

  private func limits(_ comments: inout [String]) -> [Out.Member] {
    var members: [Out.Member] = []
    if let count = draft.limits.requests {
      members.append(.init("requests_per_minute", .word(String(count))))
    }
    if let count = draft.limits.tokens { members.append(.init("tokens_per_minute", .word(String(count)))) }
    if let count = draft.limits.concurrent {
      members.append(.init("concurrent_requests", .word(String(count))))
    }
    if let budget = draft.limits.budget {
      members.append(
        .init("budget_usd", .map([.init("amount", .word(budget.amount)), .init("per", .word(budget.per))])))
    }
    if let shared = draft.limits.shared, !members.isEmpty, Schema.offers("limits.shared") {
      var place: [Out.Member] = [.init("redis", shared.redis.out)]
      if let user = shared.user { place.append(.init("user", .text(user))) }
      if let password = held(shared.password, "redis", &comments) {
        place.append(.init("password", password))
      }
      members.append(.init("shared", .map(place)))
    }
    return members
  }

  private func policy(_ policy: PolicyDraft) -> Out.Member {
    var members: [Out.Member] = [.init("kind", .word(policy.kind.rawValue))]
    if let action = policy.action { members.append(.init("action", .word(action.rawValue))) }
    if let answers = policy.answers { members.append(.init("answers", .word(answers.rawValue))) }
    return .init(policy.name, .map(members + policy.members), comments: policy.comments)
  }
}
