// The keys that only some kinds of provider have: a section for each dialect that has any, here for OpenAI's and
// Anthropic's formats, for clouds in Azure.swift, Vertex.swift and Bedrock.swift.

internal import Wire

/// What only some kinds have.
package enum DialectSettings: Sendable, Equatable {
  case openAI(OpenAI)
  case azure(Azure)
  case anthropic(Anthropic)
  case vertex(Vertex)
  case bedrock(Bedrock)
  /// Kinds without keys of their own.
  case plain

  /// A bearer token that stands in for a key.
  var token: SecretSource? {
    switch self {
    case .azure(let azure): azure.token
    case .openAI, .anthropic, .vertex, .bedrock, .plain: nil
    }
  }

  /// Whether streams in this format are asked for their usage by a member of the request.
  var takesStreamOptions: Bool {
    switch self {
    case .openAI, .azure: true
    case .anthropic, .vertex, .bedrock, .plain: false
    }
  }

  /// The address that follows from where the models are; nil for kinds with a fixed one, and where none is known.
  var address: BaseURL? {
    switch self {
    case .vertex(let keys): BaseURL(scheme: .https, host: keys.host)
    case .bedrock(let keys): keys.host.map { BaseURL(scheme: .https, host: $0) }
    case .openAI, .azure, .anthropic, .plain: nil
    }
  }

  /// Adds what the environment says, and reports what is missing.
  mutating func complete(_ fields: Fields, _ what: String, _ decoder: inout Decoder) {
    switch self {
    case .vertex(var keys):
      keys.complete(fields, what, &decoder)
      self = .vertex(keys)
    case .bedrock(var keys):
      keys.complete(fields, what, &decoder)
      self = .bedrock(keys)
    case .openAI, .azure, .anthropic, .plain: return
    }
  }

  package struct OpenAI: Sendable, Equatable {
    /// Sent as `OpenAI-Organization` and `OpenAI-Project`.
    package var organization: String?
    package var project: String?
    package init() {}

    static let section = Section<OpenAI>([
      Row(optional: "organization", \.organization, .headerText, "Sent as OpenAI-Organization."),
      Row(optional: "project", \.project, .headerText, "Sent as OpenAI-Project."),
    ])
  }

  package struct Anthropic: Sendable, Equatable {
    package var version: String?
    package var beta: [String] = []
    package init() {}

    static let section = Section<Anthropic>([
      Row(optional: "version", \.version, .headerText, "The anthropic-version header."),
      Row("beta", \.beta, .headerTexts, "The anthropic-beta header."),
    ])
  }
}

extension DialectSettings {
  /// The rows of all dialects, as a provider's: each is read and printed where the provider has that dialect.
  static let rows: [Row<Provider>] =
    lifted(OpenAI.section, { if case .openAI(let keys) = $0 { keys } else { nil } }, { .openAI($0) })
    + lifted(Azure.section, { if case .azure(let keys) = $0 { keys } else { nil } }, { .azure($0) })
    + lifted(
      Anthropic.section, { if case .anthropic(let keys) = $0 { keys } else { nil } }, { .anthropic($0) })
    + lifted(Vertex.section, { if case .vertex(let keys) = $0 { keys } else { nil } }, { .vertex($0) })
    + lifted(Bedrock.section, { if case .bedrock(let keys) = $0 { keys } else { nil } }, { .bedrock($0) })

  private static func lifted<Keys>(
    _ section: Section<Keys>, _ extract: @escaping @Sendable (DialectSettings) -> Keys?,
    _ embed: @escaping @Sendable (Keys) -> DialectSettings
  ) -> [Row<Provider>] {
    let kinds = ProviderKind.allCases.filter { extract($0.emptyDialect) != nil }.map(\.rawValue)
    return section.rows.map { row in
      row.lifted(kinds: kinds, { extract($0.dialect) }, { $1.dialect = embed($0) })
    }
  }
}

extension Form where Value == [String] {
  /// Texts that go into one header.
  fileprivate static var headerTexts: Form {
    Form(
      .list(.text),
      read: { decoder, node, what in
        decoder.items(node, of: what, ceiling: Defaults.targets).compactMap {
          decoder.headerText($0, of: "an item of \(what)")
        }
      },
      write: { $2.member($1, $0) }
    ).orNothing
  }
}
