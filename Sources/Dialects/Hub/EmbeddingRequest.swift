// The intermediate form of a request for embeddings, as places in the client's body.

internal import Wire

/// A request for embeddings, read (OpenAI API reference, "Create embeddings").
package struct EmbeddingRequest: Sendable {
  /// Inputs of one request; OpenAI's own limit.
  static let ceiling = 2048

  /// Strings.
  package private(set) var inputs: [Range<Int>] = []
  package private(set) var dimensions: Int?
  /// The client wants its vectors as base64 of little-endian 32-bit floats; otherwise as lists of numbers.
  package private(set) var wantsBase64 = false
  package private(set) var user: Range<Int>?
  /// Members that OpenAI doesn't define.
  package private(set) var extensions: [ChatExtension] = []

  /// Reads `body`, which is one JSON object that has been scanned.
  package init(_ body: Span<UInt8>) throws(RequestFault) {
    var hasInput = false
    var members = JSONObjectCursor(body, 0..<body.count)
    while let member = members.next() {
      if member.kind == .null || member.keyIs("model", in: body) { continue }
      if member.keyIs("input", in: body) {
        hasInput = true
        try readInput(body, member.value, member.kind)
      } else if member.keyIs("dimensions", in: body) {
        guard let count = JSONValue.integer(body, member.value), count > 0 else {
          throw ChatRequest.wrong("dimensions", "an integer of at least 1")
        }
        dimensions = count
      } else if member.keyIs("encoding_format", in: body) {
        try readEncoding(body, member.value)
      } else if member.keyIs("user", in: body) {
        user = member.value
      } else if ChatField.named(body, member.key) == nil, extensions.count < 64 {
        extensions.append(ChatExtension(key: member.key, value: member.value))
      }
    }
    guard hasInput, !inputs.isEmpty else {
      throw RequestFault(.invalid, "input", "'input' is missing or empty; send a text or a list of texts.")
    }
  }

  /// The value of a member that OpenAI doesn't define.
  package func extended(_ name: StaticString, in body: Span<UInt8>) -> Range<Int>? {
    for member in extensions where JSONString.equals(body, member.key, name) { return member.value }
    return nil
  }

  /// Appends the texts as a list.
  func appendTexts(_ body: Span<UInt8>, into out: inout ByteQueue) {
    for (at, input) in inputs.enumerated() {
      out.append(at == 0 ? "[" : ",")
      out.append(body.extracting(input))
    }
    out.append("]")
  }

  /// Names what the provider can't be told: the user, and members that are none of `taken`.
  func noteRest(taken: [StaticString], _ body: Span<UInt8>, _ dropped: inout DroppedFields) {
    if user != nil { dropped.add("user") }
    for member in extensions where !taken.contains(where: { JSONString.equals(body, member.key, $0) }) {
      dropped.add(body.extracting(member.key))
    }
  }

  private mutating func readInput(
    _ body: Span<UInt8>, _ range: Range<Int>, _ kind: JSONKind
  ) throws(RequestFault) {
    if kind == .string { return inputs.append(range) }
    guard kind == .array else { throw ChatRequest.wrong("input", "a string or a list of strings") }
    var elements = JSONArrayCursor(body, range)
    while let element = elements.next() {
      guard element.kind == .string else {
        throw RequestFault(
          .unsupported, "input", "Token lists can't be translated for the model's provider; send texts.")
      }
      guard inputs.count < Self.ceiling else {
        throw RequestFault(.invalid, "input", "'input' has more than \(Self.ceiling) texts.")
      }
      inputs.append(element.value)
    }
  }

  private mutating func readEncoding(_ body: Span<UInt8>, _ range: Range<Int>) throws(RequestFault) {
    if JSONString.equals(body, range, "base64") {
      wantsBase64 = true
    } else if !JSONString.equals(body, range, "float") {
      throw ChatRequest.wrong("encoding_format", "float or base64")
    }
  }
}
