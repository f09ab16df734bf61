// Who may call, told apart by a header.

internal import Wire

package struct Consumers: Sendable, Equatable {
  /// In lower case.
  package var header = "x-remora-key"
  /// Whether a request without a known key is refused.
  package var isRequired = false
  package var groups: [ConsumerGroup] = []

  package init() {}

  static let section = Section<Consumers>(
    [
      Row("header", \.header, .headerName, "The header that says who is calling. Default: x-remora-key."),
      Row("required", \.isRequired, .boolean, "Whether a request without a known key is refused."),
      Row("groups", \.groups, .groups, "Callers, by name."),
    ],
    check: { consumers, fields, place, decoder in
      if consumers.isRequired, fields["groups"]?.isEmpty ?? true {
        decoder.problem(
          "\(place.prefix)required is true and \(place.prefix)groups is empty, so that nobody could call; add a group",
          at: fields.position)
      }
    })
}

package struct ConsumerGroup: Sendable, Equatable {
  package var name: String
  package var key: SecretSource
  /// Names, with `*` for any text; empty: every model.
  package var models: [String] = []
  package var limits = Limits()
  package var policies: [String] = []

  package init(name: String, key: SecretSource) {
    self.name = name
    self.key = key
  }

  /// What is wrong where two groups have one key.
  package static func sameKey(_ one: String, _ other: String) -> String {
    "groups '\(one)' and '\(other)' have the same key, which must say who is calling; give each its own"
  }

  static let section = Section<ConsumerGroup>([
    Row("key", \.key, .callersKey, "The key that its callers show.", isRequired: true),
    Row(
      "models", \.models, .texts(ceiling: Defaults.models).orNothing,
      "Models it may use; * stands for any text."),
    Row(
      "limits", \.limits, Limits.section, "Its ceilings."),
    // Whether they are there is looked at when all policies are known.
    Row(
      "policies", \.policies, .texts(ceiling: Defaults.targets).orNothing,
      "Policies that its requests pass, behind those of policy_chain."),
  ])
}

extension Form where Value == [ConsumerGroup] {
  static var groups: Form {
    Form<ConsumerGroup>.entries(
      .object(ConsumerGroup.section.table), ceiling: (Defaults.groups, "groups"),
      read: { decoder, entry, _ in
        let place = Place(named: "group '\(Shown.text(entry.key))'")
        decoder.checkName(entry, place.title)
        var group = ConsumerGroup(name: entry.key, key: .none)
        let fields = ConsumerGroup.section.read(entry.value, place, into: &group, &decoder)
        return fields == nil ? nil : group
      },
      write: { ConsumerGroup.section.write($0, $0.name, to: &$1) })
  }
}

extension Form where Value == String {
  /// A header's name, brought into lower case.
  fileprivate static var headerName: Form {
    Form(
      .text,
      read: { decoder, node, what in
        guard let name = decoder.text(node, of: what) else { return nil }
        guard Name.isToken(name) else {
          decoder.problem("\(what) must be a header's name: letters, digits and '-'", at: node.position)
          return nil
        }
        let bytes = Array(name.utf8)
        switch FieldName(bytes.span) {
        case .other, .authorization, .apiKey, .xAPIKey, .xGoogAPIKey, .xRemora: return name.lowercased()
        default:
          decoder.problem(
            "\(what) can't be '\(Shown.text(name))', which means something else; write a name of your own, such as "
              + "x-team-key", at: node.position)
          return nil
        }
      },
      write: { $2.member($1, $0) })
  }
}
