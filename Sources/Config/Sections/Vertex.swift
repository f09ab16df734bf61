// What only Vertex AI has, and where it is.

internal import Wire

extension DialectSettings {
  package struct Vertex: Sendable, Equatable {
    package var project: String?
    package var location: String?
    /// A service account's JSON file.
    package var credentials: SecretSource?
    package var token: SecretSource?
    package var publisher: String?
    package init() {}

    static let section = Section<Vertex>([
      Row(optional: "project", \.project, .googleName(.project), "the Google Cloud project."),
      Row(optional: "token", \.token, .secret, "A bearer token instead of a key."),
      Row(
        optional: "location", \.location, .googleName(.location), "The Google Cloud location."),
      Row(
        optional: "publisher", \.publisher, .text(ceiling: Defaults.name),
        "The model's publisher; default: by the model's name."),
      Row(optional: "credentials", \.credentials, .serviceAccount, "A service account's file."),
    ])

    /// Where models are asked for when nothing is said: wherever there is room.
    package static let defaultLocation = "global"

    /// The location's host (Vertex AI docs, "Locations"): regions have one each, the two multi-regions others.
    var host: String {
      switch location ?? Self.defaultLocation {
      case "global": "aiplatform.googleapis.com"
      case "us": "aiplatform.us.rep.googleapis.com"
      case "eu": "aiplatform.eu.rep.googleapis.com"
      case let region: "\(region)-aiplatform.googleapis.com"
      }
    }

    /// Takes what the file doesn't say from the environment, as Google's own SDKs do.
    mutating func complete(_ fields: Fields, _ what: String, _ decoder: inout Decoder) {
      if fields["project"] == nil {
        project = decoder.googleName("GOOGLE_CLOUD_PROJECT", .project, at: fields.position)
        // A key tells the project too (Vertex AI docs, "Express mode").
        if project == nil, !decoder.hasKey(fields, .vertex) {
          decoder.problem(
            "\(what) needs the project that its models belong to; write project, or set GOOGLE_CLOUD_PROJECT",
            at: fields.position)
        }
      }
      if fields["location"] == nil {
        location = decoder.googleName("GOOGLE_CLOUD_LOCATION", .location, at: fields.position)
      }
    }
  }
}

/// What a name of Google's is the name of.
private enum GoogleName {
  /// Projects of a domain's own are `example.com:name`.
  case project, location

  var example: String { self == .project ? "my-project" : "europe-west4" }
}

extension Form where Value == String {
  /// The name of a project or a location, which becomes a part of an address.
  fileprivate static func googleName(_ kind: GoogleName) -> Form {
    Form(
      .text,
      read: { decoder, node, what in
        guard let name = decoder.text(node, of: what, ceiling: Defaults.name) else { return nil }
        return decoder.googleName(name, of: what, kind, at: node.position)
      },
      write: { $2.member($1, $0) })
  }
}

extension Form where Value == SecretSource {
  /// The file, or variable, that holds a service account's JSON: no secret of one line, so it is looked at as a file.
  fileprivate static var serviceAccount: Form {
    Form(
      .secret, read: { decoder, node, what in decoder.serviceAccount(node, of: what) },
      write: { $0.write($1, to: &$2) })
  }
}

extension Decoder {
  /// The name that a variable of the environment holds, if it is set.
  fileprivate mutating func googleName(
    _ variable: String, _ kind: GoogleName, at position: Position
  ) -> String? {
    environment.nonEmpty(variable).flatMap {
      googleName($0, of: variable, kind, at: position)
    }
  }

  fileprivate mutating func googleName(
    _ name: String, of what: String, _ kind: GoogleName, at position: Position
  ) -> String? {
    let isName = name.utf8.allSatisfy {
      ASCII.isDigit($0) || ASCII.lower($0) &- UInt8(ascii: "a") < 26 || $0 == UInt8(ascii: "-")
        || kind == .project && ($0 == UInt8(ascii: ".") || $0 == ASCII.colon)
    }
    if isName, !name.isEmpty { return name }
    problem("\(what) has letters, digits and '-', such as \(kind.example)", at: position)
    return nil
  }

  fileprivate mutating func serviceAccount(_ node: YAMLNode, of what: String) -> SecretSource? {
    let count = references.count
    let source = secret(node, of: what)
    if case .file(let path)? = source, references.count > count {
      references[references.count - 1].target = .file(path, key: what)
    }
    if case .environment(let name)? = source, references.count > count {
      references.removeLast()
      if environment.nonEmpty(name) == nil {
        problem(
          "\(what): environment variable \(Shown.text(name)) is not set; set it, or name a file",
          at: node.position)
      }
    }
    return source
  }
}
