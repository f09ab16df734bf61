// Keeptrusts' policy packs: targets, a chain of policies, and the header of its keys.

internal import Config
internal import Wire

extension Conversion {
  mutating func readKeeptrusts() {
    ledger.note(root["pack"], .approximate, "a name and a version of its own")
    for item in root["providers"]?["targets"]?.items ?? [] { readTarget(item) }
    if draft.defaultProvider == nil, !draft.providers.isEmpty { draft.defaultProvider = 0 }
    for item in root["policies"]?["chain"]?.items ?? [] { readChained(item) }
    draft.consumersHeader = "x-kt-api-key"
  }

  private mutating func readTarget(_ item: Item) {
    guard let vendor = item["provider"], let kind = vendor.text.flatMap(Vendor.agentGateway) else {
      return ledger.note(item, .unsupported, "its provider isn't known here")
    }
    var provider = ProviderDraft(kind)
    var facts = ProviderFacts(hint: kind.rawValue, line: item.line)
    facts.givenName = givenName(item["id"])
    ledger.took(vendor)
    if let base = item["base_url"], let text = base.text {
      if let url = Endpoint.baseURL(text, kind), plain(url) {
        // Their address of a server in OpenAI's format is without `/v1`.
        let whole = kind.row.speaksOpenAI && BaseURL.parse(url)?.prefix == "" ? url + "/v1" : url
        if whole != kind.row.baseURL?.text { provider.baseURL = .text(whole) }
        ledger.took(base)
      } else {
        provider.baseURL = address(base, kind)
      }
    }
    if provider.baseURL == nil, kind.row.needsBaseURL {
      provider.baseURL = .variable("BASE_URL", default: "https://upstream.invalid/v1")
    }
    let key = item["secret_key_ref"]
    if let name = key?["env"], let text = name.text, case .variable(let variable) = Reference("$" + text) {
      provider.key = .variable(variable)
      ledger.took(name)
    } else if let place = key?["file"], let path = place.text, plain(path) {
      provider.key = .file(path)
      ledger.took(place)
    } else if let written = item.first("api_key", "key", "secret") {
      provider.key = self.key(written)
    } else {
      provider.key = kind.row.keyVariables.first.map { .variable($0) }
    }
    if kind == .vertex {
      provider.key = nil
      provider.project =
        setting(item.first("project", "project_id"), fallback: "my-project", isName: true)
        ?? .variable("GOOGLE_CLOUD_PROJECT", default: "my-project")
      provider.region = setting(item.first("location", "region"), fallback: "global", isName: true)
    }
    if kind == .bedrock {
      provider.key = nil
      provider.credentials = KeySource.awsVariables
      provider.region =
        setting(item["region"], fallback: "us-east-1", isName: true)
        ?? .variable("AWS_REGION", default: "us-east-1")
    }
    let index = draft.add(provider, facts)
    guard let modelItem = item["model"], let name = modelItem.text.flatMap({ modelName($0) }) else { return }
    ledger.took(modelItem)
    let target = TargetDraft(provider: index, model: name, weight: nil)
    if let place = draft.models.firstIndex(where: { $0.name == name }) {
      if !draft.models[place].targets.contains(target) { draft.models[place].targets.append(target) }
    } else {
      draft.models.append(ModelDraft(name: name, targets: [target]))
    }
  }

  private mutating func readChained(_ item: Item) {
    guard let name = item.text else { return ledger.note(item, .unsupported, "has no counterpart") }
    guard !draft.policies.contains(where: { $0.name == name }) else {
      return ledger.note(item, .approximate, "stands in the chain already")
    }
    let settings = root["policy"]?[name]
    let said = settings?["action"]
    let action: Policy.Action? =
      switch said?.text?.lowercased() {
      case "block", "deny", "reject"?: .block
      case "redact", "mask"?: .redact
      case "report", "log", "warn", "allow", "monitor"?: .report
      default: nil
      }
    switch name {
    case "prompt-injection":
      draft.policies.append(
        PolicyDraft(name: name, kind: .promptInjection, action: action == .redact ? .block : action ?? .block)
      )
    case "pii-detector":
      draft.policies.append(PolicyDraft(name: name, kind: .personalData, action: action ?? .redact))
    case "secrets", "secret-detector":
      draft.policies.append(PolicyDraft(name: name, kind: .secrets, action: action ?? .block))
    case "audit-logger":
      var policy = PolicyDraft(name: name, kind: .auditLog)
      policy.members.append(.init("file", .text("/var/log/remora/audit.jsonl")))
      if let days = settings?["retention_days"], let count = days.integer, (1...366).contains(count) {
        policy.members.append(.init("retention", .word("\(count)d")))
        ledger.took(days)
      }
      draft.policies.append(policy)
    default: return ledger.note(item, .unsupported, "there is no policy of this kind")
    }
    ledger.took(item)
    if action != nil { ledger.took(said) }
  }
}
