// One answer on its way into a format of blocks. A dialect's reader tells it straight away what the model says
// (Hub/AnswerWriter.swift); of a provider in OpenAI's format it is read out of a chat's answer (ChatAnswerReader.swift).

internal import Wire

/// An answer that is told to a form, block by block.
final class BlockAnswer {
  /// The format that it is told in.
  var form: any AnswerForm
  private var frame = FormFrame()
  private var blocks: AnswerBlocks
  private var hasStarted = false
  private(set) var hasEnded = false
  /// More came than can be held.
  private(set) var isOverfull = false
  /// Reasoning has come in blocks that its provider signs.
  private(set) var hasSigned = false
  /// Why the model stopped, as far as that has been told.
  var reason = FinishReason.stop
  /// How urgently the provider served the request, in OpenAI's word, where it says so.
  var tier: StaticString?

  /// Bytes of a stream that are held to be said again at its end: far more than any model writes in one answer.
  private static let heldCeiling = 32 << 20

  init(_ form: any AnswerForm) {
    self.form = form
    blocks = AnswerBlocks(form)
  }

  /// Begins an answer, and forgets the one before.
  func begin(_ frame: FormFrame) {
    self.frame = frame
    blocks.begin(form)
    hasStarted = false
    hasEnded = false
    isOverfull = false
    hasSigned = false
    reason = .stop
    tier = nil
  }

  /// Forgets the answer.
  func forget() {
    hasStarted = false
    hasEnded = false
    isOverfull = false
    hasSigned = false
    // Whose answer it is, isn't known any more.
    frame.seed = AnswerSeed()
    if blocks.waitingBytes > 0 { blocks.begin(form) }
    form.removeAll()
  }

  /// Forgets what was told of an answer that reaches nobody.
  func takeBack() { begin(frame) }

  /// The provider has begun to answer. The first time it is written down.
  func start(into out: inout ByteQueue) {
    if hasStarted { return }
    hasStarted = true
    form.start(frame, into: &out)
  }

  /// A piece of a block, which begins with it where it isn't open yet; still escaped.
  ///
  /// - Parameter logprobs: items of a chat's `logprobs.content`, with commas between; of text alone.
  func piece(
    _ kind: AnswerBlock.Kind, _ bytes: Span<UInt8>, logprobs: Span<UInt8> = Span(),
    into out: inout ByteQueue
  ) {
    if hasEnded { return }
    start(into: &out)
    blocks.piece(kind, bytes, logprobs: logprobs, into: &out)
  }

  /// A piece of a further answer's text. Formats of blocks know one answer.
  func piece(choice: Int, _ bytes: Span<UInt8>, logprobs: Span<UInt8>, into out: inout ByteQueue) {
    if hasEnded { return }
    start(into: &out)
    form.piece(choice: choice, bytes, logprobs: logprobs, into: &out)
  }

  /// Why a further answer ended.
  func finish(choice: Int, _ reason: FinishReason) { form.finish(choice: choice, reason) }

  /// A block of reasoning that no reader may see.
  func redacted(_ index: Int, _ data: Span<UInt8>, into out: inout ByteQueue) {
    if hasEnded { return }
    start(into: &out)
    hasSigned = true
    blocks.begin(AnswerBlock(redacted: index, data.array()), into: &out)
  }

  /// A part of a block of reasoning that is or will be signed.
  func signed(_ index: Int, text: Span<UInt8>, _ signature: Span<UInt8>, into out: inout ByteQueue) {
    if hasEnded { return }
    start(into: &out)
    hasSigned = true
    let kind = AnswerBlock.Kind.reasoning(index)
    blocks.piece(kind, text, into: &out)
    if signature.isEmpty { return }
    // A block that shows nothing of what was thought is signed all the same.
    if !blocks.isOpen(kind) { blocks.begin(AnswerBlock(kind: kind), into: &out) }
    blocks.sign(kind, signature)
  }

  /// A call begins; its arguments follow in pieces.
  ///
  /// - Parameter signature: what Google signs a call with.
  func call(
    _ index: Int, id: Span<UInt8>, name: Span<UInt8>, signature: Span<UInt8>, into out: inout ByteQueue
  ) {
    if hasEnded { return }
    start(into: &out)
    if name.isEmpty { return }
    blocks.begin(AnswerBlock(call: index, id: id, name: name, signature: signature), into: &out)
  }

  /// Ends a stream of which more is held than can be.
  func checkHeld(into out: inout ByteQueue) {
    if blocks.isOverfull || form.heldCount > Self.heldCeiling { overflow(into: &out) }
  }

  /// Ends a stream of which more would have to be held than can be.
  func overflow(into out: inout ByteQueue) {
    isOverfull = true
    fail(Self.overfull.bytes, into: &out)
  }

  private static let overfull: StaticString =
    "{\"error\":{\"message\":\"The provider's answer is longer than can be held until its end.\",\"type\":\"upstream_error\",\"param\":null,\"code\":\"upstream_protocol\"}}"

  /// Something went wrong, and nothing follows.
  ///
  /// - Parameter error: in OpenAI's shape.
  func fail(_ error: Span<UInt8>, into out: inout ByteQueue) {
    if hasEnded { return }
    start(into: &out)
    hasEnded = true
    form.fail(error, into: &out)
  }

  /// The answer is over.
  func finish(_ usage: TokenUsage, into out: inout ByteQueue) {
    if hasEnded { return }
    // What had to wait and couldn't is lost: this is no answer.
    if blocks.isOverfull { return overflow(into: &out) }
    start(into: &out)
    hasEnded = true
    blocks.end(isCut: reason == .length || reason == .contentFilter, into: &out)
    var end = AnswerEnd()
    end.reason = reason
    end.hasCalls = blocks.hasCalls
    end.tier = tier
    form.finish(end, usage, into: &out)
  }

  /// Says whose answer it is that fails before its head has come.
  func identify(_ model: [UInt8], _ stamp: () -> AnswerStamp) {
    if hasStarted || !frame.seed.isEmpty { return }
    let stamp = stamp()
    frame.streams = true
    frame.model = model
    frame.created = stamp.created
    frame.seed = stamp.seed
  }

  /// Bytes that are held.
  var heldCount: Int { form.heldCount + blocks.waitingBytes }
}
