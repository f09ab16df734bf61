// The smallest value that fits a JSON Schema, for answers that must have a shape.

internal import Wire

/// Writes a value for a schema: required members only, and of each the simplest value of its type.
struct MockSchema {
  /// Bytes of a schema that is read; a larger one is answered by an empty object.
  private static let sizeCeiling = 64 * 1024
  /// A schema may refer to itself.
  private static let depthCeiling = 16

  /// Items of a list, and bytes of a text, that a schema can ask for.
  private static let itemCeiling = 64
  private static let lengthCeiling = 4096

  /// Values that may still be written: a schema that refers to itself twice would grow without end.
  private var valuesLeft = 512

  /// Appends a value that fits `schema`, which is valid JSON.
  mutating func write(_ schema: Span<UInt8>, into out: inout ByteQueue) {
    guard schema.count <= Self.sizeCeiling else { return out.append("{}") }
    write(schema, 0..<schema.count, depth: 0, into: &out)
  }

  private mutating func write(
    _ root: Span<UInt8>, _ range: Range<Int>, depth: Int, into out: inout ByteQueue
  ) {
    guard depth < Self.depthCeiling, valuesLeft > 0 else { return out.append("null") }
    valuesLeft -= 1
    var type: Range<Int>?
    var other: Range<Int>?
    var members = JSONObjectCursor(root, range)
    while let member = members.next() {
      if member.keyIs("const", in: root) { return out.append(root.extracting(member.value)) }
      if member.keyIs("type", in: root) {
        type = member.value
      } else if member.keyIs("enum", in: root) {
        var values = JSONArrayCursor(root, member.value)
        if let first = values.next() { return out.append(root.extracting(first.value)) }
      } else if member.keyIs("anyOf", in: root) || member.keyIs("oneOf", in: root)
        || member.keyIs("allOf", in: root)
      {
        var values = JSONArrayCursor(root, member.value)
        if let first = values.next() { other = first.value }
      } else if member.keyIs("$ref", in: root) {
        other = Self.definition(root, member.value)
      }
    }
    if let type {
      writeType(root, range, Self.firstType(root, type), depth: depth, into: &out)
    } else if let other {
      write(root, other, depth: depth + 1, into: &out)
    } else {
      writeObject(root, range, depth: depth, into: &out)
    }
  }

  private mutating func writeType(
    _ root: Span<UInt8>, _ schema: Range<Int>, _ type: Range<Int>, depth: Int, into out: inout ByteQueue
  ) {
    if JSONString.equals(root, type, "string") {
      writeString(root, schema, into: &out)
    } else if JSONString.equals(root, type, "integer") || JSONString.equals(root, type, "number") {
      writeNumber(root, schema, into: &out)
    } else if JSONString.equals(root, type, "boolean") {
      out.append("false")
    } else if JSONString.equals(root, type, "array") {
      writeArray(root, schema, depth: depth, into: &out)
    } else if JSONString.equals(root, type, "null") {
      out.append("null")
    } else {
      writeObject(root, schema, depth: depth, into: &out)
    }
  }

  private func writeString(_ root: Span<UInt8>, _ schema: Range<Int>, into out: inout ByteQueue) {
    let format = JSONView.content(root, in: schema, at: "format")
    for (name, value) in Self.formats where format.equals(name) {
      return JSONWriter.string(value, into: &out)
    }
    let least = integer(root, schema, "minLength") ?? 0
    let most = integer(root, schema, "maxLength") ?? .max
    out.append("\"")
    let word: StaticString = "mock"
    for at in 0..<min(max(least, min(4, most)), Self.lengthCeiling) { out.append(word.bytes[at % 4]) }
    out.append("\"")
  }

  /// Values of the formats that validators check (JSON Schema 2020-12, section 7.3 of the validation part).
  private static let formats: [(name: StaticString, value: StaticString)] = [
    ("date-time", "2026-01-01T00:00:00Z"), ("date", "2026-01-01"), ("time", "00:00:00Z"), ("duration", "P1D"),
    ("email", "mock@example.com"), ("hostname", "example.com"), ("ipv4", "192.0.2.1"),
    ("ipv6", "2001:db8::1"), ("uri", "https://example.com/"),
    ("uuid", "00000000-0000-4000-8000-000000000000"),
  ]

  private func integer(_ root: Span<UInt8>, _ schema: Range<Int>, _ name: StaticString) -> Int? {
    JSONView.value(root, in: schema, at: name).flatMap { JSONValue.integer(root, $0) }
  }

  /// Zero, or what lies next to it between the bounds.
  private func writeNumber(_ root: Span<UInt8>, _ schema: Range<Int>, into out: inout ByteQueue) {
    if let bound = integer(root, schema, "exclusiveMinimum"), bound >= 0, bound < .max {
      return out.append(decimal: bound + 1)
    }
    if let bound = integer(root, schema, "exclusiveMaximum"), bound <= 0, bound > .min {
      return out.append(decimal: bound - 1)
    }
    for (name, isLeast) in [("minimum" as StaticString, true), ("maximum", false)] {
      guard let value = JSONView.value(root, in: schema, at: name), let bound = JSONValue.double(root, value)
      else { continue }
      if isLeast ? bound > 0 : bound < 0 { return out.append(root.extracting(value)) }
    }
    out.append("0")
  }

  private mutating func writeArray(
    _ root: Span<UInt8>, _ schema: Range<Int>, depth: Int, into out: inout ByteQueue
  ) {
    out.append("[")
    let items = JSONView.value(root, in: schema, at: "items")
    let count = min(integer(root, schema, "minItems") ?? 0, Self.itemCeiling)
    for at in 0..<max(count, 0) {
      if at > 0 { out.append(ASCII.comma) }
      write(root, items ?? 0..<0, depth: depth + 1, into: &out)
    }
    out.append("]")
  }

  private mutating func writeObject(
    _ root: Span<UInt8>, _ schema: Range<Int>, depth: Int, into out: inout ByteQueue
  ) {
    out.append("{")
    var isFirst = true
    if let required = JSONView.value(root, in: schema, at: "required") {
      let properties = JSONView.value(root, in: schema, at: "properties")
      var names = JSONArrayCursor(root, required)
      while valuesLeft > 0, let name = names.next() {
        guard name.kind == .string else { continue }
        if !isFirst { out.append(ASCII.comma) }
        isFirst = false
        out.append(root.extracting(name.value))
        out.append(ASCII.colon)
        if let properties, let property = Self.member(root, properties, JSONString.content(root, name.value))
        {
          write(root, property, depth: depth + 1, into: &out)
        } else {
          valuesLeft -= 1
          out.append("null")
        }
      }
    }
    out.append("}")
  }

  /// The first of a list of types, or the one.
  private static func firstType(_ root: Span<UInt8>, _ type: Range<Int>) -> Range<Int> {
    var types = JSONArrayCursor(root, type)
    while let element = types.next() {
      if !JSONString.equals(root, element.value, "null") { return element.value }
    }
    return type
  }

  /// The definition that a reference such as `#/$defs/Name` names.
  private static func definition(_ root: Span<UInt8>, _ reference: Range<Int>) -> Range<Int>? {
    let text = JSONString.content(root, reference)
    if text.equals("#") { return 0..<root.count }
    let top = 0..<root.count
    if text.count > 8, text.extracting(0..<8).equals("#/$defs/") {
      return JSONView.value(root, in: top, at: "$defs").flatMap {
        member(root, $0, text.extracting(8..<text.count))
      }
    }
    if text.count > 14, text.extracting(0..<14).equals("#/definitions/") {
      return JSONView.value(root, in: top, at: "definitions").flatMap {
        member(root, $0, text.extracting(14..<text.count))
      }
    }
    return nil
  }

  /// The value of the member whose key is written exactly as `name` is.
  private static func member(_ root: Span<UInt8>, _ object: Range<Int>, _ name: Span<UInt8>) -> Range<Int>? {
    var members = JSONObjectCursor(root, object)
    while let member = members.next() {
      if root.extracting(member.key).equals(name) { return member.value }
    }
    return nil
  }
}
