// The configuration's JSON Schema (draft 2020-12), for editors, out of the same tables that the decoder
// reads.

internal import Wire

package enum Schema {
  /// The schema as indented JSON text, with a line break at its end.
  package static func json() -> String {
    var writer = JSONText()
    writer.open("{")
    writer.member("$schema", "https://json-schema.org/draft/2020-12/schema")
    writer.member("title", "Remora configuration")
    object(Settings.section.table, isRoot: true, into: &writer)
    writer.close("}")
    return writer.text + "\n"
  }

  /// The keys as a Markdown list, for the reference of users: path, and what it is.
  package static func reference() -> String {
    var lines: [String] = []
    list(Settings.section.table, under: "", into: &lines)
    return lines.joined(separator: "\n") + "\n"
  }

  /// Whether this program has the key at `path`: `cache.size`, `providers.*.kind`.
  package static func offers(_ path: String) -> Bool { known.contains(path) }

  private static let known = Set(paths())

  /// Every path of keys, `*` standing for a name that the operator chooses.
  static func paths() -> [String] {
    var lines: [String] = []
    list(Settings.section.table, under: "", into: &lines)
    return lines.compactMap { line in
      let parts = line.split(separator: "`")
      return parts.count > 1 ? String(parts[1]) : nil
    }
  }

  private static func list(_ table: Table, under path: String, into lines: inout [String]) {
    for key in table.offered {
      let name = path.isEmpty ? key.name : path + "." + key.name
      var kinds = ""
      if let only = key.kinds, only.count < ProviderKind.allCases.count - 1 {
        kinds = " (" + only.joined(separator: ", ") + ")"
      }
      lines.append("- `\(name)`: \(key.about)\(kinds)")
      descend(key.shape, under: name, into: &lines)
    }
  }

  private static func descend(_ shape: Shape, under path: String, into lines: inout [String]) {
    switch shape {
    case .object(let table): list(table, under: path, into: &lines)
    case .map(let value): descend(value, under: path + ".*", into: &lines)
    case .list(let item): descend(item, under: path, into: &lines)
    case .either(let forms): for form in forms { descend(form, under: path, into: &lines) }
    default: return
    }
  }

  private static func object(_ table: Table, isRoot: Bool = false, into writer: inout JSONText) {
    // Nothing behind a key means the same as an empty mapping.
    if isRoot { writer.member("type", "object") } else { writer.member("type", ["object", "null"]) }
    writer.member("additionalProperties", false)
    let required = table.keys.filter(\.isRequired).map(\.name)
    if !required.isEmpty { writer.member("required", required) }
    writer.open("{", "properties")
    for key in table.offered {
      writer.open("{", key.name)
      writer.member("description", key.about)
      write(key.shape, orNothing: !key.isRequired, into: &writer)
      writer.close("}")
    }
    writer.close("}")
  }

  /// - Parameter orNothing: the key may stand without a value, which says the same as no key.
  private static func write(_ shape: Shape, orNothing: Bool = false, into writer: inout JSONText) {
    switch shape {
    case .text, .address, .url: type(["string"], orNothing, into: &writer)
    case .path:
      type(["string"], orNothing, into: &writer)
      writer.member("minLength", 1)
    case .boolean: orVariable("boolean", orNothing, into: &writer)
    case .number: orVariable("number", orNothing, into: &writer)
    case .percent: pattern("^([0-9]{1,3}%|.*\\$\\{.*)$", orNothing, into: &writer)
    case .duration: pattern("^([0-9]+(ms|s|m|h|d)|.*\\$\\{.*)$", orNothing, into: &writer)
    case .size:
      type(["string", "integer"], orNothing, into: &writer)
      writer.member("pattern", "^([0-9]+(B|KiB|MiB|GiB)?|.*\\$\\{.*)$")
    case .integer(let range):
      orVariable("integer", orNothing, into: &writer)
      writer.member("minimum", range.lowerBound)
      writer.member("maximum", range.upperBound)
    case .choice(let names): choice(names, orNothing, into: &writer)
    case .words(let names):
      writer.open("[", "enum")
      for name in names { writer.member(nil, name) }
      if orNothing { writer.member(nil, nil) }
      writer.close("]")
    case .list(let item): nested("array", "items", item, into: &writer)
    case .map(let value): nested("object", "additionalProperties", value, into: &writer)
    case .object(let table): object(table, into: &writer)
    case .variable:
      // Said the other way round, because validators quote what doesn't match a pattern: it may be a secret.
      type(["string"], orNothing, into: &writer)
      writer.open("{", "not")
      writer.member("pattern", "^($|[^$]|\\$($|[^{]))")
      writer.close("}")
    case .secret:
      either([.words(["passthrough", "none"]), .variable, .object(.secret)], orNothing, into: &writer)
    case .header: either([.text, .number, .boolean, .object(.secret)], orNothing, into: &writer)
    case .either(let forms): either(forms, orNothing, into: &writer)
    }
  }

  /// What a text holds that a variable's value may make into something else.
  private static let variable = "\\$\\{"

  private static func type(_ names: [String], _ orNothing: Bool, into writer: inout JSONText) {
    let all = orNothing ? names + ["null"] : names
    if all.count == 1 { writer.member("type", all[0]) } else { writer.member("type", all) }
  }

  /// A value that is no text, or a text that becomes one: what is written in quotes without a variable stays a text.
  private static func orVariable(_ name: String, _ orNothing: Bool, into writer: inout JSONText) {
    type([name, "string"], orNothing, into: &writer)
    writer.member("pattern", variable)
  }

  private static func pattern(_ pattern: String, _ orNothing: Bool, into writer: inout JSONText) {
    type(["string"], orNothing, into: &writer)
    writer.member("pattern", pattern)
  }

  private static func choice(_ names: [String], _ orNothing: Bool, into writer: inout JSONText) {
    writer.open("[", "anyOf")
    writer.open("{")
    write(.words(names), orNothing: orNothing, into: &writer)
    writer.close("}")
    writer.open("{")
    pattern(variable, false, into: &writer)
    writer.close("}")
    writer.close("]")
  }

  /// A collection whose values have one shape.
  private static func nested(_ type: String, _ keyword: String, _ shape: Shape, into writer: inout JSONText) {
    writer.member("type", [type, "null"])
    writer.open("{", keyword)
    write(shape, into: &writer)
    writer.close("}")
  }

  private static func either(_ forms: [Shape], _ orNothing: Bool, into writer: inout JSONText) {
    writer.open("[", "anyOf")
    for (place, form) in forms.enumerated() {
      writer.open("{")
      // Once is enough.
      write(form, orNothing: orNothing && place == 0, into: &writer)
      writer.close("}")
    }
    writer.close("]")
  }
}
