// What looks at requests and answers: the entries of `policies`.

package import Detect
internal import Wire

package struct Policy: Sendable, Equatable {
  package enum Kind: String, Sendable, Equatable, CaseIterable {
    case personalData = "pii_detector"
    case secrets, keywords
    case promptInjection = "prompt_injection"
    case auditLog = "audit_log"
  }
  package enum Action: String, Sendable, Equatable, CaseIterable { case block, redact, report }
  package enum Answers: String, Sendable, Equatable, CaseIterable { case pass, report, redact, block, strip }
  package enum Region: String, Sendable, Equatable, CaseIterable { case us, gb, fr, de }
  package enum Role: String, Sendable, Equatable, CaseIterable { case user, tool, assistant, system }
  package enum Unscanned: String, Sendable, Equatable, CaseIterable { case pass, block }
  package enum Scope: String, Sendable, Equatable, CaseIterable { case group, conversation }
  package enum Sensitivity: String, Sendable, Equatable, CaseIterable { case strict, normal, relaxed }
  package enum Switch: String, Sendable, Equatable, CaseIterable { case on, off }
  /// A kind of data by its name.
  package enum EntityName: String, Sendable, Equatable, CaseIterable {
    case email, phone, ssn, iban, ip, mac, crypto, passport, secrets
    case creditCard = "credit_card"
    case dateOfBirth = "date_of_birth"
    case driversLicense = "drivers_license"
    case ukNHS = "uk_nhs"
    case ukNINO = "uk_nino"
    case deTaxID = "de_tax_id"
    case frNIR = "fr_nir"
    case esDNI = "es_dni"
    case itCF = "it_cf"
    case nlBSN = "nl_bsn"
    case plPESEL = "pl_pesel"
    case sePN = "se_pn"
    case brCPF = "br_cpf"
    case brCNPJ = "br_cnpj"
    case inAadhaar = "in_aadhaar"
    case inPAN = "in_pan"
    case caSIN = "ca_sin"
    case auTFN = "au_tfn"
    case auMedicare = "au_medicare"

    /// What the detectors call it.
    package var entity: Entity? { Entity(named: rawValue) }
  }

  /// A pattern of the operator's own.
  package struct Pattern: Sendable, Equatable {
    package var name: String
    package var match = ""
    /// Words of which one must stand near it; empty: it counts by itself.
    package var context: [String] = []

    init(name: String) { self.name = name }

    static let section = Section<Pattern>([
      Row("match", \.match, .text(ceiling: 2048), "What it looks like, in RE2's syntax.", isRequired: true),
      Row(
        "context", \.context, .texts(ceiling: Defaults.targets).orNothing,
        "Words of which one must stand within 48 bytes before it or 24 behind."),
    ])
  }

  package var name: String
  package var kind: Kind
  /// What happens on a finding.
  package var action = Action.block
  /// What `personalData` looks for.
  package var entities: [EntityName] = [.email, .phone, .creditCard, .ssn, .iban, .ip]
  /// Whether values are put back in answers.
  package var restores = true
  package var answers = Answers.pass
  package var regions = Region.allCases
  /// Values that are nobody's secret; a star stands for any text.
  package var allow: [String] = []
  package var patterns: [Pattern] = []
  /// What placeholders are made with; nil: something random.
  package var key: SecretSource?
  package var scope = Scope.group
  package var unscanned = Unscanned.pass
  package var deny: [String] = []
  package var denyPatterns: [String] = []
  package var allowPatterns: [String] = []
  /// Whose words it looks at; empty: those that its kind looks at.
  package var roles: [Role] = []
  package var sensitivity = Sensitivity.normal
  package var tokens = Switch.on
  /// Hosts whose images answers may show.
  package var imageHosts: [String] = []
  package var audit = AuditLog()

  package init(name: String, kind: Kind) {
    self.name = name
    self.kind = kind
  }

  /// What to try where nothing is configured.
  package static let usual: [Policy] = {
    var policies = [
      Policy(name: "pii", kind: .personalData), Policy(name: "secrets", kind: .secrets),
      Policy(name: "injection", kind: .promptInjection),
    ]
    for at in policies.indices { policies[at].action = .report }
    return policies
  }()

  static func only(_ kinds: Kind...) -> [String] { kinds.map(\.rawValue) }

  static let section: Section<Policy> = Section(
    [
      Row("kind", \.kind, .choice, "What it does.", isRequired: true),
      Row(
        "action", \.action, .choice, "What happens on a finding. Default: block.",
        kinds: only(.personalData, .secrets, .keywords, .promptInjection)
      ).printed(where: { $0.kind != .auditLog }),
      Row(
        "entities", \.entities, Form<EntityName>.choices(ceiling: Defaults.targets),
        "What it looks for. Default: email, phone, credit_card, ssn, iban, ip.", kinds: only(.personalData)
      ).printed(where: { $0.kind == .personalData }),
      Row(
        "restore", \.restores, .boolean, "Whether redacted values are put back in answers. Default: true.",
        kinds: only(.personalData, .secrets)
      ).printed(where: { $0.hasPlaceholders }),
      Row(
        "answers", \.answers, .choice,
        "What happens on a finding in what the model itself says. Default: pass.",
        kinds: only(.personalData, .secrets, .promptInjection)
      ).printed(where: { $0.answers != .pass }),
      Row(
        "regions", \.regions, Form<Region>.choices(ceiling: Defaults.targets),
        "Where telephone numbers are known by their form alone. Default: all four.",
        kinds: only(.personalData)
      ).printed(where: { $0.kind == .personalData }),
      Row(
        "allow", \.allow, .texts(ceiling: Defaults.models).orNothing,
        "Values that pass; * stands for any text, 10.0.0.0/8 for a network.", kinds: only(.personalData)),
      Row(
        "patterns", \.patterns, .patterns, "Kinds of data of one's own, by name.", kinds: only(.personalData)
      ).printed(where: { !$0.patterns.isEmpty }),
      Row(
        optional: "key", \.key, .secret,
        "What placeholders are made with, or an audit log's chain. Default: a random key for placeholders.",
        kinds: only(.personalData, .secrets, .auditLog)),
      Row(
        "scope", \.scope, .choice, "Within what the same value has the same placeholder. Default: group.",
        kinds: only(.personalData, .secrets)
      ).printed(where: { $0.hasPlaceholders }),
      Row(
        "unscanned", \.unscanned, .choice, "What happens to bodies that aren't read. Default: pass.",
        kinds: only(.personalData, .secrets, .keywords, .promptInjection)
      ).printed(where: { $0.kind != .auditLog }),
      Row(
        "deny", \.deny, .texts(ceiling: Defaults.models).orNothing, "Words and phrases, in any case.",
        kinds: only(.keywords)),
      Row(
        "deny_patterns", \.denyPatterns, .texts(ceiling: PatternSet.ceiling).orNothing,
        "Patterns, in RE2's syntax.", kinds: only(.keywords)),
      Row(
        "allow_patterns", \.allowPatterns, .texts(ceiling: PatternSet.ceiling).orNothing,
        "Patterns of what passes all the same.", kinds: only(.keywords)),
      Row(
        "roles", \.roles, Form<Role>.choices(ceiling: Defaults.targets),
        "Whose words it looks at. Default: user, and for prompt_injection tool too.",
        kinds: only(.keywords, .promptInjection)
      ).printed(where: { !$0.roles.isEmpty }),
      Row(
        "sensitivity", \.sensitivity, .choice, "How little is enough. Default: normal.",
        kinds: only(.promptInjection)
      ).printed(where: { $0.kind == .promptInjection }),
      Row(
        "tokens", \.tokens, .choice, "Whether chat templates' control tokens count. Default: on.",
        kinds: only(.promptInjection)
      ).printed(where: { $0.kind == .promptInjection }),
      Row(
        "image_hosts", \.imageHosts, .texts(ceiling: Defaults.models).orNothing,
        "Hosts whose images may be in answers; * stands for any text.", kinds: only(.promptInjection)),
    ] + AuditLog.rows,
    check: { $0.check($1, $2, &$3) })

  /// Whether it can put placeholders in the place of values.
  package var hasPlaceholders: Bool { kind == .personalData || kind == .secrets }

  private func check(_ fields: Fields, _ place: Place, _ decoder: inout Decoder) {
    // Of a kind that isn't one, nothing more can be said.
    guard let node = fields["kind"], case .scalar(kind.rawValue, _) = node.kind else { return }
    Self.section.checkKinds(kind.rawValue, fields, place, &decoder)
    switch kind {
    case .auditLog:
      if fields["file"] == nil {
        decoder.problem("\(place.title) needs the key 'file': where it writes", at: fields.position)
      }
      if audit.digests, key == nil {
        decoder.problem(
          "\(place.title): digest needs a 'key': without one, a short body could be guessed from its code",
          at: fields["digest"]?.position)
      }
    case .keywords:
      if deny.isEmpty, denyPatterns.isEmpty {
        decoder.problem(
          "\(place.title) denies nothing; add words under 'deny' or patterns under 'deny_patterns'",
          at: fields.position)
      }
      checkPatterns(fields["deny_patterns"], denyPatterns, place, &decoder)
      checkPatterns(fields["allow_patterns"], allowPatterns, place, &decoder)
      do throws(PatternFault) { _ = try PatternSet(literals: deny) } catch {
        decoder.problem("\(place.title): deny: \(error.message)", at: fields["deny"]?.position)
      }
    case .personalData, .secrets, .promptInjection: break
    }
    if action == .redact, !hasPlaceholders {
      decoder.problem(
        "\(place.title) is of kind \(kind.rawValue), which can't redact; write action: block or report",
        at: fields["action"]?.position ?? fields.position)
    }
    let known: [Answers] =
      kind == .promptInjection ? [.pass, .report, .strip] : [.pass, .report, .redact, .block]
    if !known.contains(answers) {
      decoder.problem(
        "\(place.title) is of kind \(kind.rawValue): answers can be \(known.map(\.rawValue).joined(separator: ", "))",
        at: fields["answers"]?.position ?? fields.position)
    }
    if kind == .personalData, action == .block {
      let weak = entities.filter { [.passport, .driversLicense, .dateOfBirth].contains($0) }
      for entity in weak {
        decoder.warning(
          "\(place.title) blocks \(entity.rawValue), which only the words around it tell: it is never sure enough to block; write action: redact or report",
          at: fields["entities"]?.position)
      }
    }
  }

  private func checkPatterns(
    _ node: YAMLNode?, _ patterns: [String], _ place: Place, _ decoder: inout Decoder
  ) {
    guard case .sequence(let items)? = node?.kind else { return }
    for (pattern, item) in zip(patterns, items) { decoder.check(pattern, place.title, at: item.position) }
  }
}

extension Decoder {
  /// Looks whether a pattern can be matched.
  fileprivate mutating func check(_ pattern: String, _ what: String, at position: Position?) {
    do throws(PatternFault) { _ = try PatternSet([pattern]) } catch {
      let column = error.column > 0 ? " (column \(error.column) of the pattern)" : ""
      problem("\(what): '\(Shown.text(pattern))': \(error.message)\(column)", at: position)
    }
  }
}

extension Policy {
  /// Whether `pattern` is one that can be matched.
  package static func takes(_ pattern: String) -> Bool { (try? PatternSet([pattern])) != nil }
}

extension Form where Value == [Policy.Pattern] {
  fileprivate static var patterns: Form {
    Form<Policy.Pattern>.entries(
      .object(Policy.Pattern.section.table), ceiling: (PatternSet.ceiling, "patterns"),
      read: { decoder, entry, what in
        let place = Place(named: "pattern '\(Shown.text(entry.key))'")
        decoder.checkName(entry, place.title)
        if entry.key.utf8.count > Vault.labelCeiling
          || !entry.key.utf8.allSatisfy({ ASCII.isNameByte($0) || $0 == 0x5F })
        {
          decoder.problem(
            "\(place.title): a pattern's name has at most \(Vault.labelCeiling) letters, digits, '_' and '-'",
            at: entry.keyPosition)
        }
        var pattern = Policy.Pattern(name: entry.key)
        guard let fields = Policy.Pattern.section.read(entry.value, place, into: &pattern, &decoder) else {
          return nil
        }
        if let node = fields["match"], !pattern.match.isEmpty {
          decoder.check(pattern.match, place.title, at: node.position)
        }
        return pattern
      },
      write: { Policy.Pattern.section.write($0, $0.name, to: &$1) })
  }
}

extension Form where Value == [Policy] {
  static var policies: Form {
    Form<Policy>.entries(
      .object(Policy.section.table), ceiling: (Defaults.targets, "policies"),
      read: { decoder, entry, _ in
        let place = Place(named: "policy '\(Shown.text(entry.key))'")
        decoder.checkName(entry, place.title)
        var policy = Policy(name: entry.key, kind: .personalData)
        let fields = Policy.section.read(entry.value, place, into: &policy, &decoder)
        return fields == nil ? nil : policy
      },
      write: { Policy.section.write($0, $0.name, to: &$1) })
  }
}
