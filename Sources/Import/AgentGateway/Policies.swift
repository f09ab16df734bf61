// agentgateway's policies: limits, guards, web pages, retries.

internal import Config
internal import Wire

extension Conversion {
  /// The policies of a route, a backend, or all models: they are for all requests here.
  mutating func readPolicies(_ policies: Item) {
    for item in policies["localRateLimit"]?.oneOrMany ?? [] { readLimit(item) }
    for guards in [policies["ai"]?["promptGuard"], policies["promptGuard"], policies["guardrails"]]
      .compactMap({ $0 })
    { readGuards(guards) }
    if let origins = policies["cors"]?["allowOrigins"] {
      for item in origins.oneOrMany {
        guard let text = item.text, BaseURL.parse(text)?.prefix == "", plain(text), !text.hasSuffix("/")
        else {
          ledger.note(item, .manual, "write scheme and host under allowed_origins")
          continue
        }
        if !draft.allowedOrigins.contains(text) { draft.allowedOrigins.append(text) }
        ledger.took(item)
      }
    }
    for key in ["allowHeaders", "allowMethods", "allowCredentials", "exposeHeaders", "maxAge"] {
      ledger.note(policies["cors"]?[key], .approximate, "what an allowed page needs is answered anyway")
    }
    if let retry = policies["retry"] {
      if let count = retry["attempts"]?.integer { draft.attempts = count + 1 }
      ledger.took(retry["attempts"])
      ledger.note(retry["backoff"], .approximate, "see retry.backoff, which doubles")
      ledger.note(
        retry["codes"], .approximate, "which failures are repeated is fixed: see retry, and fallback_on")
    }
    if let item = policies["timeout"]?.first("requestTimeout", "backendRequestTimeout") {
      let seconds = item.text.flatMap(Self.seconds)
      for index in draft.facts.indices where draft.facts[index].firstByte == nil {
        draft.facts[index].firstByte = seconds
      }
      ledger.note(item, .approximate, "theirs is for the whole request, first_byte until the answer begins")
    }
    for key in [
      "jwtAuth", "extAuthz", "authorization", "mcpAuthentication", "mcpAuthorization", "apiKey", "basicAuth",
      "extProc",
    ] {
      ledger.note(policies[key], .unsupported, "consumers tell callers apart by a key in one header")
    }
    for key in ["remoteRateLimit"] { ledger.note(policies[key], .manual, "name a Redis under limits.shared") }
    for key in [
      "transformations", "transformation", "urlRewrite", "requestRedirect", "directResponse", "requestMirror",
      "requestHeaderModifier", "responseHeaderModifier", "a2a",
    ] {
      ledger.note(policies[key], .unsupported, "requests are changed only as a provider needs")
    }
    for key in ["defaults", "overrides", "prompts", "promptCaching", "modelAliases", "routes"] {
      ledger.note(
        policies["ai"]?[key], .unsupported, "no members are added to bodies: the application says it")
    }
  }

  /// `90s`, `1m`, `1h`, `500ms`.
  static func seconds(_ text: String) -> Double? {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let count = Double(digits), count > 0, count < 1e6 else { return nil }
    switch text.dropFirst(digits.utf8.count) {
    case "ms": return count / 1000
    case "s", "": return count
    case "m": return count * 60
    case "h": return count * 3600
    case "d": return count * 86_400
    default: return nil
    }
  }

  /// So many in so long, as so many a minute.
  private mutating func readLimit(_ item: Item) {
    guard let fill = item["tokensPerFill"]?.number ?? item["maxTokens"]?.number,
      let span = item["fillInterval"]?.text.flatMap(Self.seconds)
    else { return ledger.note(item, .manual, "says no tokensPerFill in a fillInterval") }
    let count = max(1, Int(min(fill * 60 / span, 1e9).rounded()))
    if item["type"]?.text == "tokens" {
      draft.limits.tokens = min(draft.limits.tokens ?? count, count)
    } else {
      draft.limits.requests = min(draft.limits.requests ?? count, count)
    }
    for key in ["tokensPerFill", "fillInterval", "type"] { ledger.took(item[key]) }
    ledger.note(item["maxTokens"], .approximate, "a minute's worth may be used at once, for all of the pod")
  }

  // MARK: Guards

  mutating func readGuards(_ guards: Item) {
    for (side, isAnswers) in [("request", false), ("response", true)] {
      for item in guards[side]?.oneOrMany ?? [] { readGuard(item, isAnswers) }
    }
  }

  private static let builtins: [String: String] = [
    "email": "email", "phonenumber": "phone", "creditcard": "credit_card", "ssn": "ssn", "casin": "ca_sin",
  ]

  private mutating func readGuard(_ item: Item, _ isAnswers: Bool) {
    guard let regex = item["regex"] else {
      return ledger.note(item, .unsupported, "no service is asked about what is said")
    }
    let isMask = regex["action"]?.text?.lowercased() == "mask"
    ledger.took(regex["action"])
    ledger.note(
      item["rejection"], .approximate,
      "what is blocked gets 422 policy_violation, with a body of Remora's own")
    var entities: [String] = []
    var patterns: [String] = []
    for rule in regex["rules"]?.items ?? [] {
      if let builtin = rule["builtin"] ?? (rule.isCollection ? nil : rule), let text = builtin.text,
        let entity = Self.builtins[text.lowercased()]
      {
        if !entities.contains(entity) { entities.append(entity) }
        ledger.took(builtin)
      } else if let pattern = rule["pattern"], let text = pattern.text, isFit(text) {
        patterns.append(text)
        ledger.took(pattern)
        ledger.note(rule["name"], .approximate, "patterns have names of their own")
      } else {
        ledger.note(rule, .manual, "is no pattern that Remora takes (RE2's syntax)")
      }
    }
    if !entities.isEmpty { addPersonal(entities, isMask, isAnswers) }
    if !patterns.isEmpty { addPatterns(patterns, isMask, isAnswers) }
  }

  private func isFit(_ pattern: String) -> Bool {
    pattern.utf8.count <= 1024 && !Secrecy.looksSecret(pattern) && !secrecy.holds(pattern)
      && pattern.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } && !pattern.isEmpty && Policy.takes(pattern)
  }

  private mutating func addPersonal(_ entities: [String], _ isMask: Bool, _ isAnswers: Bool) {
    var policy = PolicyDraft(
      name: draft.policyName("pii"), kind: .personalData, action: isMask ? .redact : .block)
    policy.members.append(.init("entities", .list(entities.map { .word($0) })))
    if isAnswers {
      policy.answers = isMask ? .redact : .block
      policy.action = .report
    } else if isMask {
      policy.members.append(.init("restore", .word("false")))
    }
    draft.policies.append(policy)
  }

  private mutating func addPatterns(_ patterns: [String], _ isMask: Bool, _ isAnswers: Bool) {
    if isMask || isAnswers {
      var policy = PolicyDraft(
        name: draft.policyName("patterns"), kind: .personalData, action: isMask ? .redact : .block)
      let members = patterns.enumerated().map {
        Out.Member("PATTERN_\($0 + 1)", .map([.init("match", .text($1))]))
      }
      policy.members += [.init("entities", .list([])), .init("patterns", .map(members))]
      if isAnswers {
        policy.answers = isMask ? .redact : .block
        policy.action = .report
      } else {
        policy.members.append(.init("restore", .word("false")))
      }
      draft.policies.append(policy)
    } else {
      var policy = PolicyDraft(name: draft.policyName("words"), kind: .keywords, action: .block)
      policy.members.append(.init("deny_patterns", .words(patterns)))
      draft.policies.append(policy)
    }
  }
}
