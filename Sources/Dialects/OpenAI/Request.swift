// A request in OpenAI's format on its way to a provider that speaks it: what must change is spliced, the rest
// stays byte for byte.

package import Wire

/// Which of OpenAI's APIs a body belongs to.
package enum BodyShape: Sendable {
  case chat
  case completion
  case embedding
  case response
  /// JSON of another endpoint: only its model is ours to read.
  case other
}

/// What Remora reads in a request's body.
package struct RequestFacts: Sendable {
  /// Members that are looked for in every JSON body.
  package static let watched: JSONMembers = [
    .model, .stream, .streamOptions, .fallbackModels, .customerIdentifier, .threadIdentifier,
    .groupIdentifier, .encodingFormat,
  ]
  private static let own: [JSONMember] = [
    .fallbackModels, .customerIdentifier, .threadIdentifier, .groupIdentifier,
  ]

  /// Whether a key names a member that only Remora reads.
  static func isOwn(_ body: Span<UInt8>, _ key: Range<Int>) -> Bool {
    for member in own where JSONString.equals(body, key, member.name) { return true }
    return false
  }

  /// The client wants a stream.
  package private(set) var streams = false
  /// The client itself asked for usage in the stream.
  package private(set) var asksForUsage = false
  /// The client wants embeddings in base64.
  package private(set) var wantsBase64 = false

  package init() {}

  /// Why a body that is valid JSON can't be served.
  package enum Fault: Error, Sendable {
    case notAnObject
    case wrongType(parameter: StaticString, expected: StaticString)
  }

  /// Reads the facts and checks the types of what steers.
  package mutating func read(_ body: Span<UInt8>, _ scanner: borrowing JSONScanner) throws(Fault) {
    streams = false
    asksForUsage = false
    wantsBase64 = false
    guard scanner.topLevelKind == .object else { throw .notAnObject }
    if let model = scanner.found(.model), model.kind != .string {
      throw .wrongType(parameter: "model", expected: "a string")
    }
    if let stream = scanner.found(.stream) {
      switch stream.kind {
      case .true: streams = true
      case .false, .null: break
      default: throw .wrongType(parameter: "stream", expected: "a boolean")
      }
    }
    if let options = scanner.found(.streamOptions), options.kind != .object, options.kind != .null {
      throw .wrongType(parameter: "stream_options", expected: "an object")
    }
    if let options = scanner.found(.streamOptions), options.kind == .object,
      let usage = JSONView.value(body, in: options.value, at: "include_usage")
    {
      asksForUsage = JSONValue.bool(body, usage) == true
    }
    if let format = scanner.found(.encodingFormat), format.kind == .string {
      wantsBase64 = JSONString.equals(body, format.value, "base64")
    }
  }

  /// Writes the edits that turn the client's body into the upstream's.
  ///
  /// - Parameters:
  ///   - model: the name that the upstream knows, if it is not the one in the body; put in where there is none.
  ///   - addsUsage: whether the stream is to tell its usage although the client didn't ask.
  package func edit(
    _ splice: inout JSONSplice, _ body: Span<UInt8>, _ scanner: borrowing JSONScanner, model: Span<UInt8>?,
    addsUsage: Bool
  ) throws(JSONSpliceFault) {
    splice.removeAll()
    if let model {
      var text = ByteQueue()
      if let found = scanner.found(.model) {
        JSONWriter.string(model, into: &text)
        try splice.replace(found.value, with: text.bytes)
      } else {
        text.append("\"model\":")
        JSONWriter.string(model, into: &text)
        try splice.insertMember(text.bytes, in: scanner)
      }
    }
    for member in Self.own {
      if let found = scanner.found(member) { try splice.remove(found) }
    }
    if addsUsage { try addUsage(&splice, body, scanner) }
  }

  private func addUsage(
    _ splice: inout JSONSplice, _ body: Span<UInt8>, _ scanner: borrowing JSONScanner
  ) throws(JSONSpliceFault) {
    guard let options = scanner.found(.streamOptions) else {
      // At the end: the members before it keep their bytes, and a provider's prompt cache its prefix.
      guard let brace = scanner.closeBrace else { return }
      return try splice.insert(
        at: brace, (",\"stream_options\":{\"include_usage\":true}" as StaticString).bytes)
    }
    guard options.kind == .object else {
      return try splice.replace(options.value, with: ("{\"include_usage\":true}" as StaticString).bytes)
    }
    if let usage = JSONView.value(body, in: options.value, at: "include_usage") {
      return try splice.replace(usage, with: ("true" as StaticString).bytes)
    }
    var members = JSONObjectCursor(body, options.value)
    let isEmpty = members.next() == nil
    let member: StaticString = isEmpty ? "\"include_usage\":true" : "\"include_usage\":true,"
    try splice.insert(at: options.value.lowerBound + 1, member.bytes)
  }
}
