// JSON Schema in the subset that Claude's structured outputs and strict tools take.
//
// Facts from Anthropic's page "Structured outputs" ("JSON Schema limitations") and from what its own SDK makes of
// schemas, for Bedrock from AWS's page of the same name; not from calls. A word that only narrows what may be said goes
// into the description, where the model reads it; a schema that loses its meaning without the word is refused here.

internal import Wire

/// Writes one schema, closed: every object says `additionalProperties: false`.
struct ClosedSchema {
  /// What can't be said at all.
  enum Fault: Error {
    case recursive, foreignReference, openMap, mergedReferences, tooDeep, tooManyReferences

    /// What is wrong, and what would be right.
    var message: String {
      switch self {
      case .recursive:
        "The model can't be held to a schema that refers to itself; write out as many levels as are needed."
      case .foreignReference:
        "The model can't be held to a schema with a '$ref' that leads out of it or to nothing; use '#/$defs/…'."
      case .openMap:
        "The model can't be held to an object whose keys are not known; name its 'properties', or use a list of pairs."
      case .mergedReferences:
        "The model can't be held to a schema with a '$ref' inside 'allOf'; write out what it refers to."
      case .tooDeep: "The schema is nested more deeply than \(ClosedSchema.depthCeiling) levels."
      case .tooManyReferences: "The schema is too large for as many references as it has."
      }
    }
  }

  private static let depthCeiling = 128
  /// Bytes that may be walked to find what references lead to: each is looked for from the root.
  private static let searchCeiling = 64 << 20
  /// Only narrow what may be said, and are refused.
  private static let narrowing: [StaticString] = [
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
    "maxItems",
    "uniqueItems", "minProperties", "maxProperties", "contains", "minContains", "maxContains", "not", "if",
    "then",
    "else", "dependentRequired", "dependentSchemas", "dependencies", "propertyNames", "patternProperties",
    "unevaluatedProperties", "unevaluatedItems", "prefixItems", "additionalItems",
  ]
  private static let formats: [StaticString] = [
    "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid",
  ]

  private let root: Range<Int>
  /// Where the schema stands in the request, for the names of what is left out: `tools[0].parameters`.
  private let place: String
  /// Words that the provider takes, though they only narrow.
  private let taken: [StaticString]
  /// What the references that are being followed lead to, and what others led to.
  private var open: [Range<Int>]
  private var done: [Range<Int>] = []
  private var searched = 0

  /// Appends the schema in `range`; where it can't be said, `out` is as it was.
  ///
  /// - Parameters:
  ///   - place: where the schema stands in the request: `tools[0].parameters`.
  ///   - taken: words that the provider takes, though they only narrow.
  static func append(
    _ range: Range<Int>, _ body: Span<UInt8>, place: String, taken: [StaticString],
    dropped: inout DroppedFields, into out: inout ByteQueue
  ) throws(Fault) {
    var schema = ClosedSchema(root: range, place: place, taken: taken, open: [range])
    let before = out.count
    var found = dropped
    do throws(Fault) {
      try schema.follow(range, body, depth: 0)
      try schema.write(range, body, depth: 0, &found, into: &out)
    } catch {
      out.truncate(to: before)
      throw error
    }
    dropped = found
  }

  /// Whether the schema says no more than that an answer is an object, whatever its members; nil says that too.
  static func isAnyObject(_ schema: Range<Int>?, _ body: Span<UInt8>) -> Bool {
    guard let schema else { return true }
    var members = JSONObjectCursor(body, schema)
    while let member = members.next() {
      if member.keyIs("type", in: body) {
        if !JSONString.equals(body, member.value, "object") { return false }
      } else if member.keyIs("properties", in: body) || member.keyIs("required", in: body) {
        if !isEmpty(member.value, body) { return false }
      } else if member.keyIs("additionalProperties", in: body) {
        if member.kind != .true, member.kind != .object || !isEmpty(member.value, body) { return false }
      } else if !member.keyIs("title", in: body), !member.keyIs("description", in: body),
        !member.keyIs("$schema", in: body), !member.keyIs("$id", in: body)
      {
        return false
      }
    }
    return true
  }

  private static func isEmpty(_ range: Range<Int>, _ body: Span<UInt8>) -> Bool {
    var members = JSONObjectCursor(body, range)
    var elements = JSONArrayCursor(body, range)
    return members.next() == nil && elements.next() == nil
  }

  // MARK: References

  /// Makes sure that every reference leads somewhere inside, and none to itself.
  private mutating func follow(_ range: Range<Int>, _ body: Span<UInt8>, depth: Int) throws(Fault) {
    guard depth < Self.depthCeiling else { throw .tooDeep }
    var elements = JSONArrayCursor(body, range)
    while let element = elements.next() { try follow(element.value, body, depth: depth + 1) }
    var members = JSONObjectCursor(body, range)
    while let member = members.next() {
      guard member.kind == .string, member.keyIs("$ref", in: body) else {
        if member.kind == .object || member.kind == .array {
          try follow(member.value, body, depth: depth + 1)
        }
        continue
      }
      searched += root.count
      guard searched <= Self.searchCeiling else { throw .tooManyReferences }
      guard let target = JSONSchemaText.follow(member.value, from: root, body) else {
        throw .foreignReference
      }
      if open.contains(target) { throw .recursive }
      if done.contains(target) { continue }
      open.append(target)
      try follow(target, body, depth: depth + 1)
      open.removeLast()
      done.append(target)
    }
  }

  // MARK: Writing

  /// What one schema has to say in words: the keywords that it may not say otherwise.
  private struct Words {
    var description: Range<Int>?
    var narrowed: [(key: Range<Int>, value: Range<Int>)] = []
  }

  private func write(
    _ range: Range<Int>, _ body: Span<UInt8>, depth: Int, _ dropped: inout DroppedFields,
    into out: inout ByteQueue
  ) throws(Fault) {
    guard depth < Self.depthCeiling else { throw .tooDeep }
    // `true` and `false` are schemas too.
    guard JSONView.kind(body, range) == .object else { return out.append(body.extracting(range)) }
    var object = MemberList()
    var words = Words()
    var isObject = Self.isObject(range, body)
    var members = JSONObjectCursor(body, range)
    while let member = members.next() {
      if member.keyIs("description", in: body) {
        words.description = member.value
      } else if member.keyIs("additionalProperties", in: body) {
        isObject = true
        if member.kind == .false { continue }
        guard Self.hasProperties(range, body) else { throw .openMap }
        words.narrowed.append((member.key, member.value))
      } else if isNarrowing(member, body) {
        words.narrowed.append((member.key, member.value))
        // Of a list's least length one is taken.
        if member.keyIs("minItems", in: body) { object.member("minItems", "1", into: &out) }
      } else {
        try writeMember(member, body, depth: depth, &object, &dropped, into: &out)
      }
    }
    if isObject { object.member("additionalProperties", "false", into: &out) }
    writeWords(words, body, &object, &dropped, into: &out)
    object.close(into: &out)
  }

  private func writeMember(
    _ member: JSONObjectCursor.Member, _ body: Span<UInt8>, depth: Int, _ object: inout MemberList,
    _ dropped: inout DroppedFields, into out: inout ByteQueue
  ) throws(Fault) {
    let inner = depth + 1
    if member.keyIs("properties", in: body) || member.keyIs("$defs", in: body)
      || member.keyIs("definitions", in: body)
    {
      object.key(body.extracting(member.key), into: &out)
      var map = MemberList()
      var schemas = JSONObjectCursor(body, member.value)
      while let schema = schemas.next() {
        map.key(body.extracting(schema.key), into: &out)
        try write(schema.value, body, depth: inner, &dropped, into: &out)
      }
      map.close(into: &out)
    } else if member.keyIs("items", in: body), member.kind == .object {
      object.key(body.extracting(member.key), into: &out)
      try write(member.value, body, depth: inner, &dropped, into: &out)
    } else if member.keyIs("anyOf", in: body) || member.keyIs("oneOf", in: body)
      || member.keyIs("allOf", in: body)
    {
      // Of one or several that hold, `anyOf` is the word; all of one is any of it.
      let isAll = member.keyIs("allOf", in: body) && Self.count(member.value, body) > 1
      object.key((isAll ? "allOf" as StaticString : "anyOf").bytes, into: &out)
      out.append("[")
      var isFirst = true
      var schemas = JSONArrayCursor(body, member.value)
      while let schema = schemas.next() {
        if isAll, JSONView.value(body, in: schema.value, at: "$ref") != nil { throw .mergedReferences }
        if !isFirst { out.append(",") }
        isFirst = false
        try write(schema.value, body, depth: inner, &dropped, into: &out)
      }
      out.append("]")
    } else {
      object.key(body.extracting(member.key), into: &out)
      out.append(body.extracting(member.value))
    }
  }

  private func isNarrowing(_ member: JSONObjectCursor.Member, _ body: Span<UInt8>) -> Bool {
    for name in Self.narrowing where member.keyIs(name, in: body) {
      return !taken.contains { member.keyIs($0, in: body) }
    }
    if member.keyIs("minItems", in: body) {
      return JSONValue.integer(body, member.value).map { $0 > 1 } ?? true
    }
    if member.keyIs("items", in: body) { return member.kind == .array }
    if member.keyIs("format", in: body) {
      return !Self.formats.contains { JSONString.equals(body, member.value, $0) }
    }
    if member.keyIs("pattern", in: body) { return !Self.isPlain(JSONString.content(body, member.value)) }
    if member.keyIs("enum", in: body) {
      var values = JSONArrayCursor(body, member.value)
      while let value = values.next() {
        if value.kind == .object || value.kind == .array { return true }
      }
    }
    return false
  }

  /// Whether a pattern, still escaped, does without what Claude's grammars lack: looking around, word boundaries and
  /// references back.
  private static func isPlain(_ pattern: Span<UInt8>) -> Bool {
    for at in 0..<max(pattern.count - 2, 0) {
      let (first, second, third) = (pattern[at], pattern[at + 1], pattern[at + 2])
      if first == UInt8(ascii: "("), second == UInt8(ascii: "?"), third != ASCII.colon { return false }
      // A backslash of the pattern is two in JSON.
      if first == ASCII.backslash, second == ASCII.backslash,
        ASCII.lower(third) == UInt8(ascii: "b") || third &- UInt8(ascii: "1") < 9
      {
        return false
      }
    }
    return true
  }

  private static func isObject(_ schema: Range<Int>, _ body: Span<UInt8>) -> Bool {
    if JSONView.value(body, in: schema, at: "properties") != nil { return true }
    guard let type = JSONView.value(body, in: schema, at: "type") else { return false }
    if JSONString.equals(body, type, "object") { return true }
    var types = JSONArrayCursor(body, type)
    while let type = types.next() {
      if JSONString.equals(body, type.value, "object") { return true }
    }
    return false
  }

  private static func hasProperties(_ schema: Range<Int>, _ body: Span<UInt8>) -> Bool {
    JSONView.value(body, in: schema, at: "properties").map { !isEmpty($0, body) } ?? false
  }

  private static func count(_ list: Range<Int>, _ body: Span<UInt8>) -> Int {
    var count = 0
    var elements = JSONArrayCursor(body, list)
    while elements.next() != nil { count += 1 }
    return count
  }

  // MARK: Words

  /// Writes the description, and behind it what the schema could not say: `A number (minimum: 1, maximum: 5)`.
  private func writeWords(
    _ words: Words, _ body: Span<UInt8>, _ object: inout MemberList, _ dropped: inout DroppedFields,
    into out: inout ByteQueue
  ) {
    guard !words.narrowed.isEmpty else {
      guard let description = words.description else { return }
      object.key("description", into: &out)
      return out.append(body.extracting(description))
    }
    object.key("description", into: &out)
    out.append("\"")
    let said = words.description.flatMap { JSONView.kind(body, $0) == .string && $0.count > 2 ? $0 : nil }
    if let said {
      JSONText.appendContent(body, said, into: &out)
      out.append(" (")
    }
    for (index, (key, value)) in words.narrowed.enumerated() {
      if index > 0 { out.append(", ") }
      out.append(body.extracting(key))
      out.append(": ")
      JSONText.appendCompact(body.extracting(value), escaped: true, into: &out)
      var name = ByteQueue()
      name.append(place)
      name.append(".")
      name.append(body.extracting(key))
      dropped.add(name.bytes)
    }
    out.append(said == nil ? "\"" : ")\"")
  }
}

/// The members of an object that is being written, with commas between them.
private struct MemberList {
  private var isEmpty = true

  /// Appends a key, which lies between quotes elsewhere or needs no escape; its value follows.
  mutating func key(_ key: Span<UInt8>, into out: inout ByteQueue) {
    out.append(isEmpty ? "{\"" : ",\"")
    isEmpty = false
    out.append(key)
    out.append("\":")
  }

  mutating func key(_ key: StaticString, into out: inout ByteQueue) { self.key(key.bytes, into: &out) }

  mutating func member(_ key: StaticString, _ value: StaticString, into out: inout ByteQueue) {
    self.key(key, into: &out)
    out.append(value)
  }

  mutating func close(into out: inout ByteQueue) { out.append(isEmpty ? "{}" : "}") }
}
