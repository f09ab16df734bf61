// JSON Schemas on their way to providers that want a little more of them than OpenAI does.

internal import Wire

/// Appends a schema that was scanned before.
enum JSONSchemaText {
  /// Appends the schema of an object's members, which says that it is one; nil stands for "no members".
  static func appendObject(_ schema: Range<Int>?, _ body: Span<UInt8>, into out: inout ByteQueue) {
    guard let schema else { return out.append("{\"type\":\"object\",\"properties\":{}}") }
    if JSONView.value(body, in: schema, at: "type") != nil { return out.append(body.extracting(schema)) }
    var members = JSONObjectCursor(body, schema)
    guard let first = members.next() else { return out.append("{\"type\":\"object\",\"properties\":{}}") }
    out.append("{\"type\":\"object\",")
    out.append(body.extracting(first.key.lowerBound - 1..<schema.upperBound))
  }

  /// Appends the schema with `additionalProperties: false` in every object that doesn't say otherwise, as providers
  /// demand of an answer's schema; nil stands for any object.
  static func appendClosed(_ schema: Range<Int>?, _ body: Span<UInt8>, into out: inout ByteQueue) {
    guard let schema else { return out.append("{\"type\":\"object\",\"additionalProperties\":false}") }
    closed(schema, body, isSchema: true, into: &out)
  }

  /// - Parameter isSchema: whether the object is a schema, and not a map from names to schemas.
  private static func closed(
    _ range: Range<Int>, _ body: Span<UInt8>, isSchema: Bool, into out: inout ByteQueue
  ) {
    switch JSONView.kind(body, range) {
    case .array:
      out.append("[")
      var isFirst = true
      var elements = JSONArrayCursor(body, range)
      while let element = elements.next() {
        if !isFirst { out.append(",") }
        isFirst = false
        closed(element.value, body, isSchema: true, into: &out)
      }
      out.append("]")
    case .object:
      closedObject(range, body, isSchema, into: &out)
    default: out.append(body.extracting(range))
    }
  }

  private static func closedObject(
    _ range: Range<Int>, _ body: Span<UInt8>, _ isSchema: Bool, into out: inout ByteQueue
  ) {
    out.append("{")
    var isFirst = true
    var isObject = false
    var isClosed = false
    var members = JSONObjectCursor(body, range)
    while let member = members.next() {
      if !isFirst { out.append(",") }
      isFirst = false
      out.append(body.extracting(member.key.lowerBound - 1..<member.key.upperBound + 1))
      out.append(":")
      guard isSchema else {
        closed(member.value, body, isSchema: true, into: &out)
        continue
      }
      if member.keyIs("type", in: body) {
        isObject = isObject || JSONString.equals(body, member.value, "object")
      } else if member.keyIs("properties", in: body) {
        isObject = true
      } else if member.keyIs("additionalProperties", in: body) {
        isClosed = true
      }
      if member.keyIs("properties", in: body) || member.keyIs("$defs", in: body)
        || member.keyIs("definitions", in: body)
      {
        closed(member.value, body, isSchema: false, into: &out)
      } else if member.keyIs("items", in: body) || member.keyIs("anyOf", in: body)
        || member.keyIs("allOf", in: body) || member.keyIs("oneOf", in: body)
      {
        closed(member.value, body, isSchema: true, into: &out)
      } else {
        out.append(body.extracting(member.value))
      }
    }
    if isSchema, isObject, !isClosed {
      if !isFirst { out.append(",") }
      out.append("\"additionalProperties\":false")
    }
    out.append("}")
  }
}
