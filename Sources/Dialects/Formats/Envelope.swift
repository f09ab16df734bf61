// What a provider wants back with its own words, kept where a format has a place for sealed reasoning. It isn't secret: it
// is the client's own conversation.

internal import Wire

enum Envelope {
  private static let opening: StaticString = "rmr1."
  private static let ofCall: StaticString = "rmr1.g."

  /// Whether a seal is Remora's own, which no provider reads.
  static func isOurs(_ seal: Span<UInt8>) -> Bool { begins(seal, opening) }

  /// Seals what Google signs a call with; it is base64, so it needs no escapes.
  static func seal(callSignature: [UInt8]) -> [UInt8] { ofCall.bytes.array() + callSignature }

  /// What a call was signed with; empty where the seal is another.
  static func callSignature(_ seal: Span<UInt8>) -> [UInt8] {
    begins(seal, ofCall) ? seal.extracting(ofCall.utf8CodeUnitCount...).array() : []
  }

  private static func begins(_ text: Span<UInt8>, _ start: StaticString) -> Bool {
    let count = start.utf8CodeUnitCount
    return text.count >= count && text.extracting(0..<count).equals(start)
  }
}
