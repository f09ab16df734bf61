// What looks at requests and answers: the entries of `policies`.

internal import Wire

package struct Policy: Sendable, Equatable {
  package enum Kind: String, Sendable, Equatable, CaseIterable {
    case personalData = "pii_detector"
    case promptInjection = "prompt_injection"
    case auditLog = "audit_log"
  }
  package enum Action: String, Sendable, Equatable, CaseIterable { case block, redact, report }
  package enum Entity: String, Sendable, Equatable, CaseIterable {
    case email, phone, ip, ssn, iban
    case creditCard = "credit_card"
  }

  package var name: String
  package var kind: Kind
  /// What happens on a finding.
  package var action = Action.block
  /// What `personalData` looks for.
  package var entities = Entity.allCases
  /// Where `auditLog` writes; nil for the other kinds.
  package var file: String?
  package var retention: Duration?

  package init(name: String, kind: Kind) {
    self.name = name
    self.kind = kind
  }

  private static func only(_ kinds: Kind...) -> [String] { kinds.map(\.rawValue) }

  static let section: Section<Policy> = Section(
    [
      Row("kind", \.kind, .choice, "What it does.", isRequired: true),
      Row(
        "action", \.action, .choice, "What happens on a finding. Default: block.",
        kinds: only(.personalData, .promptInjection)
      ).printed(where: { $0.kind != .auditLog }),
      Row(
        "entities", \.entities, Form<Entity>.choices(ceiling: Defaults.targets),
        "What it looks for. Default: all.", kinds: only(.personalData)
      ).printed(where: { $0.kind == .personalData }),
      Row(optional: "file", \.file, .target, "Where it writes.", kinds: only(.auditLog)),
      Row(
        optional: "retention", \.retention, .duration(.seconds(3600)...Defaults.retention),
        "How long it keeps its lines.", kinds: only(.auditLog)),
    ],
    check: { policy, fields, place, decoder in
      // Of a kind that isn't one, nothing more can be said.
      guard let node = fields["kind"], case .scalar(policy.kind.rawValue, _) = node.kind else { return }
      section.checkKinds(policy.kind.rawValue, fields, place, &decoder)
      if policy.kind == .auditLog, fields["file"] == nil {
        decoder.problem("\(place.title) needs the key 'file': where it writes", at: fields.position)
      }
    })
}

extension Form where Value == [Policy] {
  static var policies: Form {
    Form<Policy>.entries(
      .object(Policy.section.table),
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
