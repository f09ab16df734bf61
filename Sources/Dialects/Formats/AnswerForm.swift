// How an answer is written in a format whose content is a list of blocks: one after the other, each opened, filled and
// closed. What a model says is told to `AnswerBlocks`, which keeps that order; a form only writes.

internal import Wire

/// What is known of an answer before the provider has said anything.
package struct FormFrame: Sendable {
  /// The client wants a stream.
  package var streams = false
  /// The model that the provider was asked for, in UTF-8.
  package var model: [UInt8] = []
  /// Unix time in seconds.
  package var created = 0
  package var seed = AnswerSeed()
  /// `"x_remora":{…}`, or empty.
  package var member: [UInt8] = []

  package init() {}
}

/// One block of an answer. Texts are still escaped, as they lay between the quotes of the provider's JSON.
struct AnswerBlock {
  enum Kind: Equatable {
    case text, refusal
    /// Reasoning, and which block of signed reasoning it is.
    case reasoning(Int)
    case redacted(Int)
    /// A call, by its index at the provider.
    case call(Int)
  }

  let kind: Kind
  /// What few blocks have: most are texts, which are handed on with each of their pieces.
  private var more: More?

  init(kind: Kind) { self.kind = kind }

  private final class More {
    var id: [UInt8] = []
    var name: [UInt8] = []
    var signature: [UInt8] = []
    var callSignature: [UInt8] = []
  }

  /// A call's.
  var id: [UInt8] { more?.id ?? [] }
  var name: [UInt8] { more?.name ?? [] }
  /// What reasoning is signed with, or redacted reasoning itself.
  var signature: [UInt8] { more?.signature ?? [] }
  /// What Google signs a call with.
  var callSignature: [UInt8] { more?.callSignature ?? [] }

  /// A call.
  init(call index: Int, id: Span<UInt8>, name: Span<UInt8>, signature: Span<UInt8>) {
    kind = .call(index)
    let more = More()
    more.id = id.array()
    more.name = name.array()
    more.callSignature = signature.array()
    self.more = more
  }

  /// Redacted reasoning.
  init(redacted index: Int, _ data: [UInt8]) {
    kind = .redacted(index)
    let more = More()
    more.signature = data
    self.more = more
  }

  /// Adds to what reasoning is signed with.
  mutating func sign(_ piece: Span<UInt8>) {
    if more == nil || !isKnownUniquelyReferenced(&more) {
      let signed = More()
      signed.signature = signature
      more = signed
    }
    more?.signature += piece.array()
  }
}

extension AnswerBlock {
  /// Writes a call's id: the provider's where a client's API takes it, for it comes back as it is; else one of ours.
  ///
  /// - Parameters:
  ///   - ceiling: bytes of an id that the API takes.
  ///   - otherwise: what one of ours begins with, and what makes it one of its own.
  func writeID(
    ceiling: Int, otherwise prefix: StaticString, _ seed: AnswerSeed, _ index: Int, into out: inout ByteQueue
  ) {
    var isFit = !id.isEmpty && id.count <= ceiling
    for byte in id {
      let isLetter = ASCII.lower(byte) &- UInt8(ascii: "a") < 26
      if !isLetter, !ASCII.isDigit(byte), byte != UInt8(ascii: "_"), byte != UInt8(ascii: "-") {
        isFit = false
      }
    }
    if isFit { return out.append(id) }
    out.append(prefix)
    out.append(seed)
    out.append("_")
    out.append(decimal: index)
  }
}

/// Why an answer ended.
struct AnswerEnd {
  var reason = FinishReason.stop
  /// A call stands in it.
  var hasCalls = false
  /// How urgently the provider served the request, in OpenAI's word, where it says so.
  var tier: StaticString?
}

/// Writes one answer in a client's format.
protocol AnswerForm: AnyObject {
  func start(_ frame: FormFrame, into out: inout ByteQueue)
  func open(_ block: AnswerBlock, into out: inout ByteQueue)
  /// A piece of the open block's text, or of a call's arguments: JSON in a string.
  ///
  /// - Parameter logprobs: of a text's tokens, items in a chat's form with commas between; mostly empty.
  func piece(
    _ bytes: Span<UInt8>, _ block: AnswerBlock, logprobs: Span<UInt8>, into out: inout ByteQueue)
  /// A piece of the text of a further answer, and why it ended: of those that the format has no place for nothing is kept.
  func piece(choice: Int, _ bytes: Span<UInt8>, logprobs: Span<UInt8>, into out: inout ByteQueue)
  func finish(choice: Int, _ reason: FinishReason)
  /// - Parameter isCut: the answer ends here before its time.
  func close(_ block: AnswerBlock, isCut: Bool, into out: inout ByteQueue)
  func finish(_ end: AnswerEnd, _ usage: TokenUsage, into out: inout ByteQueue)
  /// Ends a stream that has begun with an error.
  ///
  /// - Parameter error: in OpenAI's shape.
  func fail(_ error: Span<UInt8>, into out: inout ByteQueue)
  /// Forgets the answer before.
  func removeAll()
  /// Bytes that a stream keeps, to say them again at its end.
  var heldCount: Int { get }
}

extension AnswerForm {
  var heldCount: Int { 0 }
  func removeAll() {}
  func piece(choice: Int, _ bytes: Span<UInt8>, logprobs: Span<UInt8>, into out: inout ByteQueue) {}
  func finish(choice: Int, _ reason: FinishReason) {}
}
