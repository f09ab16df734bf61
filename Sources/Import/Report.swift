// What is printed: the configuration with what differs behind it, or all of it as JSON.

internal import Config
internal import Wire

package enum Report {
  static func text(_ product: Product, _ conversion: Conversion, _ notes: [Note], _ name: String) -> String {
    var writer = TextWriter()
    writer.comment(
      "Made by 'remora import' of \(product.title)\(product.title.hasSuffix("s") ? "'" : "'s") \(Shown.path(name)). What differs stands at the end;"
    )
    writer.comment("'remora check' looks whether the files and variables that it names are there.")
    if conversion.draft.providers.contains(where: { $0.namesVariable }) {
      writer.comment(
        "A key in a file, { file: /run/secrets/remora/NAME }, can be changed while Remora runs; one in a variable can't."
      )
    }
    if conversion.draft.providers.contains(where: { $0.kind == .bedrock && !$0.credentials.isEmpty }) {
      writer.comment(
        "Where the pod has a role of AWS's (IRSA, Pod Identity), leave bedrock's credentials out.")
    }
    writer.line()
    let document = Document(conversion.draft)
    for (index, member) in document.members().enumerated() {
      if index > 0, isLong(member) { writer.line() }
      writer.members([member])
    }
    writer.line()
    list(notes, exact: conversion.ledger.exact, to: &writer)
    return writer.text
  }

  private static func isLong(_ member: Out.Member) -> Bool {
    ["providers", "models", "policies", "prices"].contains(member.key)
  }

  /// What isn't the same, by grade; lines that are alike stand together.
  private static func list(_ notes: [Note], exact: Int, to writer: inout TextWriter) {
    writer.comment("\(exact) of the file's values are said as they were.")
    let titles: [(Grade, String)] = [
      (.approximate, "Nearly the same:"), (.manual, "To be done by hand:"),
      (.unsupported, "Without a counterpart:"),
    ]
    for (grade, title) in titles {
      let alike = grouped(notes.filter { $0.grade == grade })
      if alike.isEmpty { continue }
      writer.comment(title)
      for (lines, path, reason) in alike {
        writer.comment(
          "  line\(lines.count == 1 ? "" : "s") \(lines.map(String.init).joined(separator: ", ")): \(path): \(reason)"
        )
      }
    }
  }

  /// Notes that say the same of the same key in several places are one.
  private static func grouped(_ notes: [Note]) -> [(lines: [Int], path: String, reason: String)] {
    var groups: [(lines: [Int], path: String, reason: String)] = []
    var places: [String: Int] = [:]
    for note in notes {
      let path = general(note.path)
      let key = path + "\u{0}" + note.reason
      if let place = places[key] {
        if groups[place].lines.last != note.line { groups[place].lines.append(note.line) }
      } else {
        places[key] = groups.count
        groups.append(([note.line], path, note.reason))
      }
    }
    return groups
  }

  /// A path without the places in lists.
  private static func general(_ path: String) -> String {
    var result = ""
    var isInside = false
    for character in path {
      if character == "[" { isInside = true }
      if !isInside { result.append(character) }
      if character == "]" {
        isInside = false
        result += "[]"
      }
    }
    return result
  }

  /// The whole as JSON: what became of each value, and the configuration.
  package static func json(_ imported: Imported) -> String {
    var text =
      "{\n  \"from\": \"\(imported.product.rawValue)\",\n  \"values_as_they_were\": \(imported.exact),\n  \"notes\": ["
    for (index, note) in imported.notes.enumerated() {
      text += index == 0 ? "\n    " : ",\n    "
      text += "{\"line\": \(note.line), \"path\": "
      YAMLValue.writeJSON(note.path, to: &text)
      text += ", \"grade\": \"\(note.grade.rawValue)\", \"reason\": "
      YAMLValue.writeJSON(note.reason, to: &text)
      text += "}"
    }
    text += imported.notes.isEmpty ? "],\n" : "\n  ],\n"
    text += "  \"configuration\": "
    YAMLValue.writeJSON(imported.text, to: &text)
    return text + "\n}\n"
  }
}
