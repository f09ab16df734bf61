// What a person is told who wrote something near to right.

internal import Wire

enum Hint {
  /// A key that isn't there: what it is near to, or where it stands.
  static func unknownKey(_ key: String, in what: String, _ table: Table) -> String {
    let shown = Shown.text(key)
    if table != Settings.section.table, Settings.section.table.names.contains(key) {
      return "'\(shown)' is a key of the configuration itself, not of \(what); take its indentation away"
    }
    let unknown = "unknown key '\(shown)' in \(what); "
    if table == Settings.section.table, ProviderKind(rawValue: key) != nil {
      return unknown + "indent it under 'providers'"
    }
    if let nearest = Name.nearest(to: key, in: table.names) { return unknown + "did you mean '\(nearest)'?" }
    if let place = place(of: key) { return unknown + "it stands under '\(place)'" }
    return unknown + "known keys: " + table.offered.map(\.name).joined(separator: ", ")
  }

  /// The first place in the configuration that has this key.
  private static func place(of key: String) -> String? {
    let end = "." + key
    let path = Schema.paths().first { $0.hasSuffix(end) }
    return path.map { String($0.dropLast(end.utf8.count)).replacing("*", with: "NAME") }
  }

  /// What is to be done with something that is no mapping, behind a semicolon; empty where nothing is known.
  static func mapping(_ node: YAMLNode) -> String {
    switch node.kind {
    case .sequence: return "; leave the '- ' out"
    case .scalar(let text, .plain): return pair(text)
    default: return ""
    }
  }

  /// What keeps a text from being a key and its value. It isn't shown: it may hold a secret.
  private static func pair(_ text: String) -> String {
    switch text.utf8.first(where: { $0 == ASCII.space || $0 == ASCII.colon || $0 == UInt8(ascii: "=") }) {
    case ASCII.space: "; write a ':' behind the key"
    case ASCII.colon: "; write a space behind the ':'"
    case UInt8(ascii: "="): "; write a ':' and a space in place of the '='"
    default: ""
    }
  }

  /// What no text of a configuration ends with or holds: a habit of another language.
  static func stray(_ node: YAMLNode) -> String? {
    guard case .scalar(let text, .plain) = node.kind else { return nil }
    if text.hasSuffix(",") { return "a comma at the line's end is a part of the text; remove it" }
    if text[...].range(of: " //") != nil || text[...].range(of: " /*") != nil {
      return "'//' and '/*' begin no comment; write '#', or quote the text"
    }
    if text.hasPrefix("-"), let second = text.utf8.dropFirst().first,
      !ASCII.isDigit(second) || text.contains(":")
    {
      return "write a space behind '-' for an item of a list, or quote the text"
    }
    return nil
  }

  /// Paths are taken as they are: only a shell knows where a home is.
  static func home(_ path: String) -> String? {
    path.hasPrefix("~") ? "'~' is a home directory to a shell alone; write the whole path" : nil
  }

  /// A size in units of bytes that is written otherwise.
  static func size(_ digits: Substring, _ unit: Substring) -> String? {
    if unit.hasPrefix(".") { return fraction(digits + unit) }
    return switch unit.drop(while: { $0 == " " }).lowercased() {
    case "k", "kb", "ki", "kib": "write \(digits)KiB"
    case "m", "mb", "mi", "mib": "write \(digits)MiB"
    case "g", "gb", "gi", "gib": "write \(digits)GiB"
    default: nil
    }
  }

  /// A size with a fraction, in the next smaller unit.
  private static func fraction(_ text: Substring) -> String? {
    let number = text.prefix { $0.isASCII && ($0.isWholeNumber || $0 == ".") }
    let smaller: String? =
      switch text[number.endIndex...].drop(while: { $0 == " " }).lowercased() {
      case "m", "mb", "mi", "mib": "KiB"
      case "g", "gb", "gi", "gib": "MiB"
      default: nil
      }
    guard let smaller, let value = Double(number), value < 1e6 else { return nil }
    return "write \(Int((value * 1024).rounded()))\(smaller)"
  }

  /// A duration that is written in several units, with a fraction, or in longer words.
  static func duration(_ text: String) -> String? {
    var rest = text[...]
    var total = Duration.zero
    repeat {
      let number = rest.prefix { $0.isASCII && ($0.isWholeNumber || $0 == ".") }
      let unit = rest[number.endIndex...].drop { $0 == " " }.prefix { $0.isASCII && $0.isLetter }
      guard let count = Double(number), count < 1e9, let length = unitLength(unit) else { return nil }
      total += .milliseconds(Int64(count * length))
      rest = rest[unit.endIndex...].drop { $0 == " " }
    } while !rest.isEmpty
    return total == .zero ? nil : "write \(Quantity.text(total))"
  }

  /// Milliseconds of a unit, as people call it.
  private static func unitLength(_ unit: Substring) -> Double? {
    switch unit.lowercased() {
    case "ms", "msec", "millis", "milliseconds": 1
    case "s", "sec", "secs", "second", "seconds": 1000
    case "m", "min", "mins", "minute", "minutes": 60_000
    case "h", "hr", "hrs", "hour", "hours": 3_600_000
    case "d", "day", "days": 86_400_000
    case "w", "week", "weeks": 7 * 86_400_000
    case "mo", "month", "months": 30 * 86_400_000
    default: nil
    }
  }

  /// A share as a fraction, or without its sign.
  static func percent(_ text: String) -> String? {
    guard let value = Double(text), value >= 0, value <= 100 else { return nil }
    return "write \(Int(value <= 1 && text.contains(".") ? value * 100 : value))%"
  }
}
