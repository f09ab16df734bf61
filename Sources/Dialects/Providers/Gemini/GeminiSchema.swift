// JSON Schema in the subset of OpenAPI 3.0 that older Gemini models take (docs: "Structured output", "Schema").

internal import Wire

/// Writes one schema: references are followed and written out, `allOf` is merged, `const` is an enumeration of one,
/// a type that may be null is `nullable`, and words that the subset lacks are left out.
enum GeminiSchema {
  /// A schema that refers to itself would go on for ever.
  private static let depthCeiling = 32
  /// Bytes of one schema; references multiply.
  private static let sizeCeiling = 1 << 20
  /// Schemas that are merged into one.
  private static let sourceCeiling = 64

  /// Whether the schema says of an object no more than that it is one.
  static func isEmpty(_ schema: Range<Int>, _ body: Span<UInt8>) -> Bool {
    var members = JSONObjectCursor(body, schema)
    while let member = members.next() {
      if member.keyIs("properties", in: body) {
        var properties = JSONObjectCursor(body, member.value)
        if properties.next() != nil { return false }
      } else if member.keyIs("$ref", in: body) || member.keyIs("anyOf", in: body)
        || member.keyIs("allOf", in: body) || member.keyIs("oneOf", in: body)
        || member.keyIs("additionalProperties", in: body) && member.kind != .false
      {
        return false
      }
    }
    return true
  }

  /// Appends the schema in `range`.
  ///
  /// - Parameter parameter: where the schema stands in the request, for errors.
  static func append(
    _ range: Range<Int>, _ body: Span<UInt8>, of parameter: String, into out: inout ByteQueue
  ) throws(RequestFault) {
    var writer = Writer(root: range, limit: out.count + sizeCeiling)
    try writer.write([range], body, depth: 0, into: &out)
    if writer.isTooLarge {
      throw RequestFault(
        .unsupported, parameter,
        "The schema refers to itself, is nested too deeply or is too large for this model.")
    }
  }

  private struct Writer {
    let root: Range<Int>
    /// Bytes of the whole body that may be written.
    let limit: Int
    var isTooLarge = false

    /// Appends what all of `parts` say together; of two that say the same the first counts.
    mutating func write(
      _ parts: [Range<Int>], _ body: Span<UInt8>, depth: Int, into out: inout ByteQueue
    ) throws(RequestFault) {
      guard depth < GeminiSchema.depthCeiling, out.count < limit, !isTooLarge else {
        isTooLarge = true
        return out.append("{}")
      }
      var sources: [Range<Int>] = []
      for part in parts { gather(part, body, depth: 0, into: &sources) }
      var isNullable = find("nullable", sources, body).flatMap { JSONValue.bool(body, $0) } == true
      var choices: [Range<Int>] = []
      if let list = find("anyOf", sources, body) ?? find("oneOf", sources, body) {
        var elements = JSONArrayCursor(body, list)
        while let element = elements.next() {
          if Self.isNull(element.value, body) { isNullable = true } else { choices.append(element.value) }
        }
        if choices.count == 1 {
          gather(choices[0], body, depth: 0, into: &sources)
          choices = []
        }
      }
      let types = readTypes(sources, body, &isNullable)
      var object = GeminiObject("{")
      if choices.isEmpty, types.count < 2 {
        try writeType(types.first, sources, body, depth, &object, &isNullable, into: &out)
      } else {
        object.member("anyOf", into: &out)
        out.append("[")
        for (index, choice) in choices.enumerated() {
          if index > 0 { out.append(",") }
          try write([choice], body, depth: depth + 1, into: &out)
        }
        if choices.isEmpty {
          for (index, type) in types.enumerated() {
            out.append(index == 0 ? "{\"type\":\"" : ",{\"type\":\"")
            out.append(type.name)
            out.append("\"}")
          }
        }
        out.append("]")
      }
      writeText("description", sources, body, &object, into: &out)
      writeText("title", sources, body, &object, into: &out)
      if isNullable {
        object.member("nullable", into: &out)
        out.append("true")
      }
      if object.isOpen { object.close(into: &out) } else { out.append("{}") }
    }

    // MARK: Merging

    /// Adds the schema and what it refers to or consists of.
    private func gather(
      _ schema: Range<Int>, _ body: Span<UInt8>, depth: Int, into sources: inout [Range<Int>]
    ) {
      guard depth < GeminiSchema.depthCeiling, sources.count < GeminiSchema.sourceCeiling else { return }
      sources.append(schema)
      if let reference = JSONView.value(body, in: schema, at: "$ref"),
        let target = JSONSchemaText.follow(reference, from: root, body)
      {
        gather(target, body, depth: depth + 1, into: &sources)
      }
      guard let all = JSONView.value(body, in: schema, at: "allOf") else { return }
      var elements = JSONArrayCursor(body, all)
      while let element = elements.next() { gather(element.value, body, depth: depth + 1, into: &sources) }
    }

    private func find(_ name: StaticString, _ sources: [Range<Int>], _ body: Span<UInt8>) -> Range<Int>? {
      for source in sources {
        if let value = JSONView.value(body, in: source, at: name) { return value }
      }
      return nil
    }

    private static func isNull(_ schema: Range<Int>, _ body: Span<UInt8>) -> Bool {
      JSONView.value(body, in: schema, at: "type").map { JSONString.equals(body, $0, "null") } == true
    }

    // MARK: Types

    private enum Kind {
      case object, array, string, number, integer, boolean

      var name: StaticString {
        switch self {
        case .object: "OBJECT"
        case .array: "ARRAY"
        case .string: "STRING"
        case .number: "NUMBER"
        case .integer: "INTEGER"
        case .boolean: "BOOLEAN"
        }
      }
    }

    private static let kinds: [(StaticString, Kind)] = [
      ("object", .object), ("array", .array), ("string", .string), ("number", .number),
      ("integer", .integer), ("boolean", .boolean),
    ]

    private func readTypes(
      _ sources: [Range<Int>], _ body: Span<UInt8>, _ isNullable: inout Bool
    ) -> [Kind] {
      guard let said = find("type", sources, body) else {
        if find("properties", sources, body) != nil { return [.object] }
        if find("items", sources, body) != nil { return [.array] }
        let value = find("const", sources, body) ?? find("enum", sources, body)
        return value == nil ? [] : [.string]
      }
      var types: [Kind] = []
      var isNull = false
      func add(_ name: Range<Int>) {
        if JSONString.equals(body, name, "null") { isNull = true }
        for (known, kind) in Self.kinds where JSONString.equals(body, name, known) { types.append(kind) }
      }
      if JSONView.kind(body, said) == .string { add(said) }
      var elements = JSONArrayCursor(body, said)
      while let element = elements.next() { add(element.value) }
      isNullable = isNullable || isNull
      return types
    }

    private mutating func writeType(
      _ type: Kind?, _ sources: [Range<Int>], _ body: Span<UInt8>, _ depth: Int,
      _ object: inout GeminiObject, _ isNullable: inout Bool, into out: inout ByteQueue
    ) throws(RequestFault) {
      guard let type else { return }
      object.member("type", into: &out)
      out.append("\"")
      out.append(type.name)
      out.append("\"")
      switch type {
      case .object: try writeProperties(sources, body, depth, &object, into: &out)
      case .array:
        object.member("items", into: &out)
        if let items = find("items", sources, body) {
          try write([items], body, depth: depth + 1, into: &out)
        } else {
          out.append("{\"type\":\"STRING\"}")
        }
        copy(["minItems", "maxItems"], sources, body, &object, into: &out)
      case .string:
        isNullable = writeValues(sources, body, &object, into: &out) || isNullable
        if let format = find("format", sources, body),
          JSONString.equals(body, format, "date-time") || JSONString.equals(body, format, "enum")
        {
          object.member("format", into: &out)
          out.append(body.extracting(format))
        }
        copy(["minLength", "maxLength", "pattern"], sources, body, &object, into: &out)
      case .number, .integer: copy(["minimum", "maximum"], sources, body, &object, into: &out)
      case .boolean: break
      }
    }

    private mutating func writeProperties(
      _ sources: [Range<Int>], _ body: Span<UInt8>, _ depth: Int, _ object: inout GeminiObject,
      into out: inout ByteQueue
    ) throws(RequestFault) {
      var keys: [Range<Int>] = []
      for source in sources {
        guard let said = JSONView.value(body, in: source, at: "properties") else { continue }
        var members = JSONObjectCursor(body, said)
        while let member = members.next(), !isTooLarge {
          let key = member.key.lowerBound - 1..<member.key.upperBound + 1
          if keys.isEmpty { object.member("properties", into: &out) }
          out.append(keys.isEmpty ? "{" : ",")
          out.append(body.extracting(key))
          out.append(":")
          try write([member.value], body, depth: depth + 1, into: &out)
          keys.append(key)
        }
      }
      if !keys.isEmpty { out.append("}") }
      // Without it the answer's members come in alphabetical order.
      writeList("propertyOrdering", keys, body, &object, into: &out)
      var required: [Range<Int>] = []
      for source in sources {
        guard let said = JSONView.value(body, in: source, at: "required") else { continue }
        var elements = JSONArrayCursor(body, said)
        while let element = elements.next() {
          if element.kind == .string { required.append(element.value) }
        }
      }
      writeList("required", required, body, &object, into: &out)
    }

    /// Writes the texts that are allowed; of other kinds of values there are no enumerations.
    ///
    /// - Returns: whether null is among them.
    private func writeValues(
      _ sources: [Range<Int>], _ body: Span<UInt8>, _ object: inout GeminiObject, into out: inout ByteQueue
    ) -> Bool {
      var values: [Range<Int>] = []
      var hasNull = false
      if let constant = find("const", sources, body) {
        if JSONView.kind(body, constant) == .string { values.append(constant) }
      } else if let list = find("enum", sources, body) {
        var elements = JSONArrayCursor(body, list)
        while let element = elements.next() {
          if element.kind == .string { values.append(element.value) }
          if element.kind == .null { hasNull = true }
        }
      }
      writeList("enum", values, body, &object, into: &out)
      return hasNull
    }

    // MARK: Members

    private func writeList(
      _ name: StaticString, _ items: [Range<Int>], _ body: Span<UInt8>, _ object: inout GeminiObject,
      into out: inout ByteQueue
    ) {
      if items.isEmpty { return }
      object.member(name, into: &out)
      for (index, item) in items.enumerated() {
        out.append(index == 0 ? "[" : ",")
        out.append(body.extracting(item))
      }
      out.append("]")
    }

    private func copy(
      _ names: [StaticString], _ sources: [Range<Int>], _ body: Span<UInt8>, _ object: inout GeminiObject,
      into out: inout ByteQueue
    ) {
      for name in names {
        guard let value = find(name, sources, body) else { continue }
        object.member(name, into: &out)
        out.append(body.extracting(value))
      }
    }

    private func writeText(
      _ name: StaticString, _ sources: [Range<Int>], _ body: Span<UInt8>, _ object: inout GeminiObject,
      into out: inout ByteQueue
    ) {
      guard let text = find(name, sources, body), JSONView.kind(body, text) == .string else { return }
      object.member(name, into: &out)
      out.append(body.extracting(text))
    }
  }
}
