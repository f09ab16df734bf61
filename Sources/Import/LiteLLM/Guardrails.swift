// LiteLLM's `guardrails` as policies.

internal import Config
internal import Wire

extension Conversion {
  mutating func readGuardrails() {
    for item in root["guardrails"]?.items ?? [] { readGuardrail(item) }
    // The older form: a mapping of one name to its callbacks.
    for item in root["litellm_settings"]?["guardrails"]?.items ?? [] {
      for (_, guardrail) in item.entries {
        for callback in guardrail["callbacks"]?.items ?? [] { readOldCallback(callback, guardrail) }
      }
    }
  }

  private mutating func readOldCallback(_ item: Item, _ guardrail: Item) {
    switch item.text ?? "" {
    case "hide_secrets", "hide-secrets":
      policy("secrets", .secrets, .redact)
      ledger.took(item)
    case "presidio":
      policy("pii", .personalData, .redact)
      ledger.note(item, .approximate, "Remora's own rules; names of persons and places aren't known")
    case let text where text.contains("injection") || text.contains("lakera"):
      policy("prompt-injection", .promptInjection, .block)
      ledger.note(item, .approximate, "rules of Remora's own, without asking a service")
    default: ledger.note(item, .unsupported, "a service of its own")
    }
    ledger.took(guardrail["default_on"])
  }

  private mutating func readGuardrail(_ item: Item) {
    let name =
      item["guardrail_name"]?.text.flatMap { plain($0.replacing(" ", with: "-")) ? $0 : nil } ?? "guardrail"
    guard let parameters = item["litellm_params"], let kind = parameters["guardrail"], let text = kind.text
    else {
      return ledger.note(item, .unsupported, "names no guardrail")
    }
    let modes = (parameters["mode"]?.oneOrMany ?? []).compactMap(\.text)
    let isAnswers = modes.allSatisfy { $0 == "post_call" } && !modes.isEmpty
    let isOn = parameters["default_on"]?.bool == true
    let before = draft.policies.count
    switch text {
    case "presidio": readPresidio(name, parameters)
    case "hide-secrets", "hide_secrets":
      draft.policies.append(PolicyDraft(name: draft.policyName(name), kind: .secrets, action: .redact))
    case "litellm_content_filter": readContentFilter(name, parameters)
    case "lakera", "lakera_v2", "lakera_prompt_injection", "azure/prompt_shield", "prompt_injection",
      "detect_prompt_injection",
      "pangea", "prompt_security", "model_armor", "panw_prisma_airs", "noma", "enkryptai":
      draft.policies.append(PolicyDraft(name: draft.policyName(name), kind: .promptInjection, action: .block))
      ledger.note(parameters, .approximate, "rules of Remora's own, without asking a service")
    default:
      return ledger.note(
        item, .unsupported,
        text.contains(".") ? "code of one's own doesn't run inside Remora" : "asks a service of its own")
    }
    guard draft.policies.count > before else {
      return ledger.note(item, .unsupported, "nothing of it can be looked for here")
    }
    for index in before..<draft.policies.count {
      if isAnswers, draft.policies[index].kind != .keywords { turn(&draft.policies[index]) }
      draft.policies[index].isInChain = isOn
    }
    ledger.took(item["guardrail_name"])
    ledger.took(kind)
    ledger.took(parameters["mode"])
    if isOn {
      ledger.took(parameters["default_on"])
    } else {
      ledger.note(
        item, .manual,
        "is asked for by each request there; put it into policy_chain, or into a group's policies")
    }
  }

  /// Has a policy look at answers: what it does to them is its action's, and requests are only reported.
  private func turn(_ policy: inout PolicyDraft) {
    switch policy.action {
    case .block?: policy.answers = policy.kind == .promptInjection ? .strip : .block
    case .redact?: policy.answers = .redact
    default: policy.answers = .report
    }
    policy.action = .report
  }

  static let entities: [String: String] = [
    "CREDIT_CARD": "credit_card", "EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "US_SSN": "ssn",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip", "MAC_ADDRESS": "mac", "CRYPTO": "crypto", "US_PASSPORT": "passport",
    "UK_PASSPORT": "passport",
    "US_DRIVER_LICENSE": "drivers_license", "UK_NHS": "uk_nhs", "UK_NINO": "uk_nino", "ES_NIF": "es_dni",
    "IT_FISCAL_CODE": "it_cf", "AU_TFN": "au_tfn", "AU_MEDICARE": "au_medicare", "IN_PAN": "in_pan",
    "IN_AADHAAR": "in_aadhaar",
    "PL_PESEL": "pl_pesel",
  ]

  /// Presidio's entities: MASK and BLOCK may stand side by side, and are two policies then.
  private mutating func readPresidio(_ name: String, _ parameters: Item) {
    var found: [(action: Policy.Action, entities: [String])] = []
    for (key, item) in parameters["pii_entities_config"]?.entries ?? [] {
      guard let entity = Self.entities[key] else {
        ledger.note(item, .unsupported, "isn't looked for")
        continue
      }
      let action: Policy.Action = item.text?.uppercased() == "BLOCK" ? .block : .redact
      ledger.took(item)
      if let index = found.firstIndex(where: { $0.action == action }) {
        if !found[index].entities.contains(entity) { found[index].entities.append(entity) }
      } else {
        found.append((action, [entity]))
      }
    }
    let restores = parameters["output_parse_pii"]?.bool == true
    ledger.took(parameters["output_parse_pii"])
    if parameters["pii_entities_config"] == nil { found = [(.redact, [])] }
    for (action, entities) in found {
      var policy = PolicyDraft(name: draft.policyName(name), kind: .personalData, action: action)
      if !entities.isEmpty { policy.members.append(.init("entities", .list(entities.map { .word($0) }))) }
      if action == .redact, !restores { policy.members.append(.init("restore", .word("false"))) }
      draft.policies.append(policy)
    }
    for (key, item) in parameters.entries
    where key.hasPrefix("presidio_") || key == "pii_entities_score_thresholds" {
      ledger.note(item, .approximate, "Remora's own rules, without Presidio's servers")
    }
  }

  private mutating func readContentFilter(_ name: String, _ parameters: Item) {
    var words: [String] = []
    for entry in parameters["blocked_words"]?.items ?? [] {
      guard let item = entry["keyword"], let word = item.text, word.utf8.count <= 256,
        !Secrecy.looksSecret(word)
      else {
        ledger.note(entry, .manual, "is no word that can be looked for")
        continue
      }
      words.append(word)
      ledger.took(entry)
    }
    if !words.isEmpty {
      var policy = PolicyDraft(name: draft.policyName(name), kind: .keywords, action: .block)
      policy.members.append(.init("deny", .words(words)))
      draft.policies.append(policy)
    }
    var entities: [String] = []
    let known = [
      "us_ssn": "ssn", "email": "email", "phone": "phone", "us_phone": "phone", "visa": "credit_card",
      "mastercard": "credit_card", "amex": "credit_card", "credit_card": "credit_card", "iban": "iban",
      "ip_address": "ip",
    ]
    for entry in parameters["patterns"]?.items ?? [] {
      guard let entity = entry["pattern_name"]?.text.flatMap({ known[$0] }) else {
        ledger.note(entry, .manual, "write its pattern under 'patterns' of a pii_detector")
        continue
      }
      if !entities.contains(entity) { entities.append(entity) }
      ledger.took(entry)
    }
    if !entities.isEmpty {
      var policy = PolicyDraft(name: draft.policyName(name), kind: .personalData, action: .redact)
      policy.members.append(.init("entities", .list(entities.map { .word($0) })))
      draft.policies.append(policy)
    }
  }
}
