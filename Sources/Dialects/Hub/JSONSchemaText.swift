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

  /// The schema that `#/$defs/NAME`, or any other path from the root, leads to (RFC 6901, but for its escapes).
  static func follow(_ reference: Range<Int>, from root: Range<Int>, _ body: Span<UInt8>) -> Range<Int>? {
    var text = ByteQueue()
    JSONString.decode(body, reference, into: &text)
    let path = text.array().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard let first = path.first, Array(first).span.equals("#") else { return nil }
    var place = root
    for step in path.dropFirst() {
      let wanted = Array(step)
      var found: Range<Int>?
      if JSONView.kind(body, place) == .array {
        var elements = JSONArrayCursor(body, place)
        var rest = Int(String(decoding: wanted, as: UTF8.self)) ?? -1
        while let element = elements.next() {
          if rest == 0 { found = element.value }
          rest -= 1
        }
      }
      var members = JSONObjectCursor(body, place)
      while let member = members.next() {
        var key = ByteQueue()
        JSONString.decode(body, member.key, into: &key)
        if key.bytes.equals(wanted.span) { found = member.value }
      }
      guard let found else { return nil }
      place = found
    }
    return place
  }
}
