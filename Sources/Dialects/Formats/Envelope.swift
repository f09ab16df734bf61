// What a provider wants back with its own words, kept where a format has a place for sealed reasoning. It isn't secret: it
// is the client's own conversation.

internal import Wire

enum Envelope {
  private static let opening: StaticString = "rmr1."
  private static let ofCall: StaticString = "rmr1.g."
  private static let ofBlock: StaticString = "rmr1.t."
  private static let ofRedacted: StaticString = "rmr1.r."

  /// Whether a seal is Remora's own, which no provider reads.
  static func isOurs(_ seal: Span<UInt8>) -> Bool { seal.begins(opening) }

  /// Whether such a seal may stand in a text.
  static func occurs(in text: Span<UInt8>) -> Bool {
    var at = 0
    while true {
      // The rarest of its letters in JSON and in prose.
      at = text.fullStop(from: at)
      guard at < text.count else { return false }
      if at >= 4, text.extracting(at - 4..<at + 1).equals(opening) { return true }
      at += 1
    }
  }

  /// Seals what Google signs a call with; it is base64, so it needs no escapes.
  static func seal(callSignature: [UInt8]) -> [UInt8] { ofCall.bytes.array() + callSignature }

  /// What a call was signed with; empty where the seal is another.
  static func callSignature(_ seal: Span<UInt8>) -> [UInt8] {
    seal.begins(ofCall) ? seal.extracting(ofCall.utf8CodeUnitCount...).array() : []
  }

  /// Seals what a provider signed a block of reasoning with, or reasoning that it keeps to itself.
  static func seal(_ block: AnswerBlock, isRedacted: Bool) -> [UInt8] {
    if isOurs(block.signature.span) { return block.signature }
    return (isRedacted ? ofRedacted : ofBlock).bytes.array() + block.signature
  }

  /// What a block of reasoning was signed with; empty where the seal is another.
  static func signature(_ seal: Span<UInt8>) -> [UInt8] {
    seal.begins(ofBlock) ? seal.extracting(ofBlock.utf8CodeUnitCount...).array() : []
  }

  /// Reasoning that its provider kept to itself; empty where the seal is another.
  static func redacted(_ seal: Span<UInt8>) -> [UInt8] {
    seal.begins(ofRedacted) ? seal.extracting(ofRedacted.utf8CodeUnitCount...).array() : []
  }
}
