// LiteLLM's `model_list`: each entry is a model at a provider, under a name that several may share.

internal import Config
internal import Wire

/// An entry of `model_list` that can be served.
struct Deployment {
  let name: String
  let target: TargetDraft
  /// Entries of the same name with a smaller one come first.
  let order: Int
  /// Its `model_info.id`, by which fallbacks may name it.
  let id: String?
  let item: Item
}

extension Conversion {
  mutating func readDeployments() -> [Deployment] {
    let credentials = credentialList()
    var deployments: [Deployment] = []
    for item in root["model_list"]?.items ?? [] {
      if let deployment = deployment(item, credentials) { deployments.append(deployment) }
    }
    return deployments
  }

  /// `credential_list`: values that entries name, by `litellm_credential_name`.
  private mutating func credentialList() -> [String: Item] {
    var named: [String: Item] = [:]
    let used = Set(
      (root["model_list"]?.items ?? []).compactMap { $0["litellm_params"]?["litellm_credential_name"]?.text })
    for item in root["credential_list"]?.items ?? [] {
      guard let name = item["credential_name"]?.text, let values = item["credential_values"] else { continue }
      ledger.took(item["credential_name"])
      ledger.note(item["credential_info"], .exact, "")
      if used.contains(name) {
        named[name] = values
      } else {
        ledger.note(values, .unsupported, "no entry of model_list names it")
      }
    }
    return named
  }

  private mutating func deployment(_ item: Item, _ credentials: [String: Item]) -> Deployment? {
    guard let nameItem = item["model_name"], let name = nameItem.text.flatMap({ modelName($0) }) else {
      ledger.note(item, .manual, "has no model_name that can be a name here")
      return nil
    }
    guard let parameters = item["litellm_params"], let modelItem = parameters["model"],
      let text = modelItem.text
    else {
      ledger.note(item, .manual, "names no model in litellm_params")
      return nil
    }
    var reader = ParameterReader(parameters, text, name: name)
    if let name = parameters["litellm_credential_name"]?.text, let values = credentials[name] {
      reader.credentials = values
      ledger.took(parameters["litellm_credential_name"])
    }
    guard let (provider, model) = provider(&reader) else {
      ledger.note(item, .unsupported, "its model can't be reached: \(reader.refusal)")
      return nil
    }
    ledger.took(nameItem)
    ledger.took(modelItem)
    let weight = weight(parameters, item)
    let order = parameters["order"]?.integer ?? 0
    ledger.took(parameters["order"])
    let id = item["model_info"]?["id"]?.text
    let target = TargetDraft(provider: provider, model: model, weight: weight)
    readPrices(item, target)
    readInfo(item["model_info"])
    ignoreParameters(parameters)
    return Deployment(name: name, target: target, order: order, id: id, item: item)
  }

  /// Its share where a name has several: `weight`, else what it may have in a minute.
  private mutating func weight(_ parameters: Item, _ item: Item) -> Int? {
    if let weight = parameters["weight"], let number = weight.number {
      ledger.took(weight)
      return max(1, Int((min(number, 1e6) * (number < 1 ? 100 : 1)).rounded()))
    }
    for key in ["rpm", "tpm"] {
      for place in [parameters[key], item[key]] {
        guard let place, let number = place.integer else { continue }
        ledger.note(
          place, .approximate, "taken as this entry's share where the name has several; it doesn't limit here"
        )
        if key == "rpm" {
          ledger.note(parameters["tpm"] ?? item["tpm"], .approximate, "the share is taken from rpm")
        }
        return max(1, number)
      }
    }
    return nil
  }

  /// `…_cost_per_token` in dollars, here for a million.
  private mutating func readPrices(_ item: Item, _ target: TargetDraft) {
    let keys = [
      ("input_cost_per_token", "input"), ("output_cost_per_token", "output"),
      ("cache_read_input_token_cost", "cached_input"), ("cache_creation_input_token_cost", "cache_write"),
    ]
    var members: [String: String] = [:]
    for place in [item["model_info"], item["litellm_params"]].compactMap({ $0 }) {
      for (theirs, ours) in keys {
        guard let price = place[theirs] else { continue }
        if let number = price.number, number <= 1 {
          members[ours] = Self.decimal(number * 1_000_000)
          ledger.took(price)
        } else {
          ledger.note(price, .manual, "is no price of a token")
        }
      }
      for entry in place.entries
      where entry.key.contains("cost_per_") && !keys.contains(where: { $0.0 == entry.key }) {
        ledger.note(entry.item, .unsupported, "prices are by token only")
      }
    }
    guard !members.isEmpty, draft.priced.insert(target.place).inserted else { return }
    // One of the two alone is no price.
    let ordered = ["input", "output", "cached_input", "cache_write"].compactMap { key in
      (members[key] ?? (key == "input" || key == "output" ? "0" : nil)).map { Out.Member(key, .word($0)) }
    }
    draft.prices.append((target, ordered))
  }

  /// At most six decimals, none of them for nothing.
  static func decimal(_ number: Double) -> String {
    let millionths = UInt64(min(max(number, 0), 1e6) * 1e6 + 0.5)
    var text = String(millionths % 1_000_000)
    text = String(repeating: "0", count: 6 - text.utf8.count) + text
    while text.hasSuffix("0") { text.removeLast() }
    return "\(millionths / 1_000_000)" + (text.isEmpty ? "" : "." + text)
  }

  /// Facts of the model, which the catalogue knows by itself.
  private mutating func readInfo(_ info: Item?) {
    for entry in info?.entries ?? [] {
      switch entry.key {
      case "id": ledger.took(entry.item)
      case "mode" where ["chat", "completion", "embedding", "responses"].contains(entry.item.text):
        ledger.took(entry.item)
      case _ where entry.key.contains("cost"): continue
      default: ledger.note(entry.item, .approximate, "what a model is and can is known by the catalogue")
      }
    }
  }

  /// What can't be said of one entry.
  private mutating func ignoreParameters(_ parameters: Item) {
    for (key, item) in parameters.entries {
      switch key {
      case "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "stop", "seed", "n",
        "presence_penalty",
        "frequency_penalty", "response_format", "reasoning_effort", "thinking", "extra_body", "tools",
        "tool_choice", "stream",
        "logit_bias", "verbosity", "modalities", "system_prompt", "initial_prompt_value",
        "merge_reasoning_content_in_choices":
        ledger.note(item, .unsupported, "no members are added to bodies: the application says it")
      case "num_retries", "max_retries":
        if let count = item.integer { draft.attempts = max(draft.attempts ?? 0, count + 1) }
        ledger.note(item, .approximate, "retry.attempts is one for all models")
      case "drop_params", "additional_drop_params", "modify_params":
        ledger.note(item, .approximate, "what a provider can't say is dropped and named in x-remora-dropped")
      case "tags", "rpm", "tpm": ledger.note(item, .unsupported, "no counterpart for one entry of several")
      case "max_parallel_requests":
        ledger.note(item, .unsupported, "concurrent_requests is for the pod, or for a group")
      case "max_budget", "budget_duration":
        ledger.note(item, .unsupported, "budgets are for the pod, or for a group")
      case "mock_response": ledger.note(item, .unsupported, "kind: mock answers by itself")
      case "use_in_pass_through":
        ledger.note(item, .approximate, "what isn't /v1/chat/… passes through anyway")
      default: continue
      }
    }
  }
}
