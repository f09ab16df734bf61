// A whole answer of a provider whose answers can need repair: looked at once, changed only where no OpenAI SDK could
// read it.

package import Wire

/// Looks at whole answers.
package struct ReplyRepair: ~Copyable {
  /// Changes that one answer may need; one that needs more is none.
  private static let editCeiling = 16 * 1024

  /// What an answer turned out to be.
  package enum Finding: Equatable, Sendable {
    /// It can go as it is, or needs more than can be brought into form.
    case fine
    /// The repaired text has been written.
    case repaired
    /// An error under a status that says that all is well; `status` is the one that it should have had. Its
    /// OpenAI shape has been written.
    case error(status: Int)
    /// The provider gave up, and says so with this `finish_reason`, which lies in the answer's bytes.
    case givenUp(Range<Int>)
    case invalid(JSONFault)
    /// No answer at all: no object, or one that has no choices and names no error either.
    case malformed
  }

  private var scanner = JSONScanner()
  private var splice = JSONSplice(editCeiling: editCeiling)
  private static let watched: JSONMembers = [
    .choices, .usage, .error, .xGroq, .data, .object, .message, .detail,
  ]

  package init() {}

  /// Looks at `body`, a whole answer with status 2xx.
  ///
  /// - Parameters:
  ///   - wantsBase64: the client asked for embeddings in base64.
  ///   - out: takes the text of `repaired` and `error`.
  package mutating func read(
    _ body: Span<UInt8>, _ shape: BodyShape, wantsBase64: Bool, provider: String, into out: inout ByteQueue
  ) -> Finding {
    scanner.reset(watching: Self.watched)
    do throws(JSONFault) {
      try scanner.feed(body)
      try scanner.finish()
    } catch { return .invalid(error) }
    guard scanner.topLevelKind == .object else { return .malformed }
    if isError(body) {
      let status = Fault.status(in: body) ?? 502
      Fault.translate(body, status: status, provider: provider, into: &out)
      return .error(status: status)
    }
    switch shape {
    case .chat, .completion: return readChoices(body, isChat: shape == .chat, into: &out)
    case .embedding:
      guard wantsBase64, let data = scanner.found(.data), data.kind == .array else { return .fine }
      return Base64Vectors.write(body, data.value, into: &out) ? .repaired : .fine
    case .response, .message, .tokenCount, .other: return .fine
    }
  }

  private func isError(_ body: Span<UInt8>) -> Bool {
    if let choices = scanner.found(.choices), choices.kind == .array {
      // Beside an answer it may be a remark.
      guard JSONView.isHollow(body, choices.value), let error = scanner.found(.error) else { return false }
      return error.kind != .null
    }
    if scanner.found(.data) != nil { return false }
    // A response that failed is an answer, and says why in this member.
    if let object = scanner.found(.object), JSONString.equals(body, object.value, "response") { return false }
    if let error = scanner.found(.error), error.kind != .null { return true }
    if let object = scanner.found(.object), JSONString.equals(body, object.value, "error") { return true }
    guard scanner.found(.object) == nil, scanner.found(.usage) == nil else { return false }
    return scanner.found(.message)?.kind == .string || scanner.found(.detail) != nil
  }

  private mutating func readChoices(
    _ body: Span<UInt8>, isChat: Bool, into out: inout ByteQueue
  ) -> Finding {
    guard let choices = scanner.found(.choices), choices.kind == .array else { return .malformed }
    splice.removeAll()
    var repair = ChoiceRepair(.whole, isChat: isChat)
    var inner: Range<Int>?
    do throws(JSONSpliceFault) {
      var count = 0
      var hasOdd = false
      var elements = JSONArrayCursor(body, choices.value)
      while let choice = elements.next() {
        guard choice.kind == .object else {
          hasOdd = true
          continue
        }
        try repair.read(body, choice.value, at: count, &splice)
        if scanner.found(.usage)?.kind != .object {
          inner = JSONView.value(body, in: choice.value, at: "usage") ?? inner
        }
        count += 1
      }
      if hasOdd { try repair.clean(choices.value, body, &splice) }
      if count > 0 { try name(isChat ? "\"chat.completion\"" : "\"text_completion\"") }
      if let failure = repair.failure { return .givenUp(failure) }
      if let usage = GroqExtension.usage(body, scanner) ?? inner { try add(usage: usage, body) }
    } catch { return .fine }
    if splice.isEmpty { return .fine }
    splice.apply(to: body, into: &out)
    return .repaired
  }

  /// Says what the answer is, where it doesn't itself.
  private mutating func name(_ name: StaticString) throws(JSONSpliceFault) {
    if let object = scanner.found(.object) {
      if object.kind == .null { try splice.replace(object.value, with: name.bytes) }
      return
    }
    var member = ByteQueue()
    member.append("\"object\":")
    member.append(name)
    try splice.insertMember(member.bytes, in: scanner)
  }

  /// Puts a usage that the provider tells elsewhere where clients look for it.
  private mutating func add(usage: Range<Int>, _ body: Span<UInt8>) throws(JSONSpliceFault) {
    guard JSONView.kind(body, usage) == .object, scanner.found(.usage)?.kind != .object else { return }
    if let null = scanner.found(.usage) {
      return try splice.replace(null.value, with: body.extracting(usage))
    }
    var member = ByteQueue()
    member.append("\"usage\":")
    member.append(body.extracting(usage))
    try splice.insertMember(member.bytes, in: scanner)
  }
}

/// What Groq says beside OpenAI's members.
enum GroqExtension {
  /// `x_groq.usage`.
  static func usage(_ bytes: Span<UInt8>, _ scanner: borrowing JSONScanner) -> Range<Int>? {
    guard let found = scanner.found(.xGroq), found.kind == .object,
      let usage = JSONView.value(bytes, in: found.value, at: "usage"), JSONView.kind(bytes, usage) == .object
    else { return nil }
    return usage
  }

  /// Whether `x_groq` tells of a failure: then it has the members that an error body has.
  static func hasError(_ bytes: Span<UInt8>, _ scanner: borrowing JSONScanner) -> Bool {
    guard let found = scanner.found(.xGroq), found.kind == .object,
      let error = JSONView.value(bytes, in: found.value, at: "error")
    else { return false }
    return !JSONValue.isNull(bytes, error)
  }
}

/// Vectors as OpenAI sends them when base64 is asked for: little-endian 32-bit floats.
enum Base64Vectors {
  /// Appends `body` with each list of numbers in `data` as base64.
  ///
  /// - Returns: whether there was one; if not, nothing that counts has been appended.
  static func write(_ body: Span<UInt8>, _ data: Range<Int>, into out: inout ByteQueue) -> Bool {
    var written = 0
    var elements = JSONArrayCursor(body, data)
    while let element = elements.next() {
      guard let vector = JSONView.value(body, in: element.value, at: "embedding"),
        JSONView.kind(body, vector) == .array
      else { continue }
      out.append(body.extracting(written..<vector.lowerBound))
      encode(body, vector, into: &out)
      written = vector.upperBound
    }
    if written == 0 { return false }
    out.append(body.extracting(written..<body.count))
    return true
  }

  private static func encode(_ body: Span<UInt8>, _ vector: Range<Int>, into out: inout ByteQueue) {
    var encoder = Base64Encoder()
    var numbers = JSONArrayCursor(body, vector)
    out.append(ASCII.quote)
    while let number = numbers.next() {
      let bits = Float(JSONValue.double(body, number.value) ?? 0).bitPattern
      encoder.append(UInt8(truncatingIfNeeded: bits), into: &out)
      encoder.append(UInt8(truncatingIfNeeded: bits >> 8), into: &out)
      encoder.append(UInt8(truncatingIfNeeded: bits >> 16), into: &out)
      encoder.append(UInt8(truncatingIfNeeded: bits >> 24), into: &out)
    }
    encoder.end(into: &out)
    out.append(ASCII.quote)
  }
}
