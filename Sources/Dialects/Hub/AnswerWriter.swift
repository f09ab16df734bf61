// Writes a provider's answer in OpenAI's form: chunk by chunk as the reader finds things, or whole at the end.
//
// A dialect's reader tells what it finds and in which choice; it need not know which of both is being written.
// Text is handed over as it lies between the quotes of the provider's JSON, still escaped: it goes into the
// client's JSON as it is, and halves of a surrogate pair that came in two pieces meet again. Next: AnswerCalls.swift;
// AnswerChunks.swift, which writes; AnswerRepeat.swift, for streams.

package import Wire

/// One answer in the making.
package struct AnswerWriter: ~Copyable {
  package enum Form: Sendable {
    /// `chat.completion`
    case whole
    /// `chat.completion.chunk`, an event each
    case chunks
  }

  /// What is the same in every chunk, or known before the provider has said anything.
  package struct Frame: Sendable {
    package var form: Form
    /// The client wants the chunk that tells the usage.
    package var includesUsage: Bool
    /// The model that the provider was asked for, in UTF-8.
    package var model: [UInt8]
    /// Unix time in seconds, for providers that don't say it.
    package var created: Int
    package var seed: AnswerSeed

    init() { self.init(form: .whole, includesUsage: false, model: [], created: 0, seed: AnswerSeed()) }

    package init(
      form: Form, includesUsage: Bool, model: [UInt8], created: Int, seed: AnswerSeed
    ) {
      self.form = form
      self.includesUsage = includesUsage
      self.model = model
      self.created = created
      self.seed = seed
    }
  }

  /// Choices of one answer; OpenAI's own limit for `n`.
  static let choiceCeiling = 128
  /// Tool calls of one choice; providers stop far below.
  static let callCeiling = 1024
  /// Bytes of a name whose memory is worth keeping.
  private static let kept = 1024

  private(set) var frame = Frame()
  /// `"x_remora":{…}`, or empty.
  private(set) var member = ByteQueue()
  /// Who is told what is read, where the client speaks another format: then nothing is written here.
  var blocks: BlockAnswer?
  /// What is ready for the client; taken out by `take`.
  package var out = ByteQueue()
  var choices: [AnswerChoice] = []
  /// The provider's, still escaped.
  var id = ByteQueue()
  var model = ByteQueue()
  var created = 0
  var heads = ChunkHeads()
  var owesMember = false
  var callCount = 0
  var tellings = Tellings()

  package var usage = TokenUsage()
  /// How urgently the provider served the request, in OpenAI's word, where it says so.
  package var serviceTier: StaticString?
  /// What the dialect has no word for, and was passed over.
  package private(set) var unknown = UnknownCounts()
  package private(set) var hasEnded = false
  /// Something that the model made has been told.
  package internal(set) var hasContent = false

  /// The first choice of an answer that is over, for the next one.
  private var spare: AnswerChoice?
  private let pool: BlockPool?

  /// - Parameter pool: what a whole answer's text is kept in while it is under way.
  package init(pool: BlockPool? = nil) { self.pool = pool }

  /// Begins an answer, and forgets the one before.
  ///
  /// - Parameter member: `"x_remora":{…}`, or empty.
  package mutating func begin(_ frame: Frame, member: Span<UInt8>) {
    self.frame = frame
    Self.forget(&self.member)
    self.member.append(member)
    begin()
  }

  private mutating func begin() {
    removeAll()
    created = frame.created
    owesMember = !member.isEmpty
  }

  /// Forgets what was told of an answer that is none.
  mutating func takeBack() {
    let blocks = blocks
    begin()
    self.blocks = blocks
  }

  /// Forgets a name, and keeps the memory for the next one.
  private static func forget(_ name: inout ByteQueue) {
    if name.count <= kept { name.clear() } else { name.removeAll() }
  }

  /// Forgets the answer.
  mutating func removeAll() {
    blocks = nil
    out.removeAll()
    // Most are empty, and an array finds that out only on a long way.
    if let first = choices.first {
      first.forget()
      spare = first
      if choices.count == 1 { choices.removeLast() } else { choices.removeAll(keepingCapacity: true) }
    }
    Self.forget(&id)
    Self.forget(&model)
    heads.forget()
    callCount = 0
    tellings.last = .nothing
    usage = TokenUsage()
    serviceTier = nil
    unknown = UnknownCounts()
    hasEnded = false
    hasContent = false
  }

  /// Chunks are written as soon as something is told.
  package var isStream: Bool { frame.form == .chunks }

  // MARK: What a reader tells

  /// The answer's id, model and time, where the provider says them; strings are still escaped. What has gone out
  /// in a chunk stays as it was.
  package mutating func identify(id: Span<UInt8>, model: Span<UInt8>, created: Int? = nil) {
    guard heads.chunk.isEmpty else { return }
    if self.id.isEmpty { self.id.append(id) }
    if self.model.isEmpty { self.model.append(model) }
    if let created { self.created = created }
  }

  /// A choice has begun: its first chunk tells the role.
  package mutating func begin(choice index: Int = 0) {
    let choice = choice(index)
    if let blocks { return blocks.start(into: &out) }
    guard isStream, !choice.hasRole else { return }
    note(.nothing)
    openDelta(choice)
    out.append("\"content\":\"\"")
    closeDelta()
  }

  /// A piece of the answer's text.
  ///
  /// - Parameter logprobs: an object in OpenAI's form (`{"content":[…]}`), or empty.
  package mutating func text(_ piece: Span<UInt8>, choice index: Int = 0, logprobs: Span<UInt8> = Span()) {
    if piece.isEmpty && logprobs.isEmpty { return }
    hasContent = true
    note(logprobs.isEmpty ? .text(choice: index) : .nothing, piece)
    let choice = choice(index)
    guard isStream else {
      if let blocks { return tell(blocks, text: piece, logprobs, index) }
      choice.hasText = true
      choice.text.append(piece)
      choice.appendLogprobs(logprobs)
      return
    }
    // Clients decode each chunk for itself: half a pair waits for the other one.
    let count = Self.wholeCount(piece)
    let isPlain = count == piece.count && choice.held.isEmpty && logprobs.isEmpty
    if isPlain, choice.index == 0, choice.hasRole, !owesMember {
      return plainText(piece, choice)
    }
    let halves = choice.held
    choice.held = count == piece.count ? [] : piece.extracting(count..<piece.count).array()
    if halves.isEmpty && count == 0 && logprobs.isEmpty { return }
    openDelta(choice)
    out.append("\"content\":\"")
    out.append(halves)
    out.append(piece.extracting(0..<count))
    out.append("\"")
    closeDelta(logprobs: logprobs)
  }

  private mutating func tell(
    _ blocks: BlockAnswer, text: Span<UInt8>, _ logprobs: Span<UInt8>, _ index: Int
  ) {
    let items = AnswerChoice.items(logprobs)
    if index == 0 {
      blocks.piece(.text, text, logprobs: items, into: &out)
    } else {
      blocks.piece(choice: index, text, logprobs: items, into: &out)
    }
  }

  /// Tells a piece of a block. Formats of blocks know one answer.
  mutating func tell(
    _ blocks: BlockAnswer, _ kind: AnswerBlock.Kind, _ piece: Span<UInt8>, _ index: Int
  ) {
    if index == 0 { blocks.piece(kind, piece, into: &out) }
  }

  /// A piece of the model's reasoning, for people.
  package mutating func reasoning(_ piece: Span<UInt8>, choice index: Int = 0) {
    if piece.isEmpty { return }
    note(.reasoning(choice: index), piece)
    delta(piece, "\"reasoning_content\":\"", \.reasoning, .reasoning(0), index)
  }

  /// A piece of the model's words for why it doesn't answer.
  package mutating func refusal(_ piece: Span<UInt8>, choice index: Int = 0) {
    note(.nothing)
    delta(piece, "\"refusal\":\"", \.refusal, .refusal, index)
  }

  private mutating func delta(
    _ piece: Span<UInt8>, _ opening: StaticString, _ path: ReferenceWritableKeyPath<AnswerChoice, [UInt8]>,
    _ kind: AnswerBlock.Kind, _ index: Int
  ) {
    if piece.isEmpty { return }
    hasContent = true
    let choice = choice(index)
    guard isStream else {
      if let blocks { return tell(blocks, kind, piece, index) }
      for at in 0..<piece.count { choice[keyPath: path].append(piece[at]) }
      return
    }
    openDelta(choice)
    out.append(opening)
    out.append(piece)
    out.append("\"")
    closeDelta()
  }

  /// A part of a block of reasoning that is or will be signed. Its text is told as `reasoning` too; the block itself
  /// (`thinking_blocks`) is what clients echo in their next turn.
  ///
  /// - Parameters:
  ///   - block: counts the choice's blocks from 0.
  ///   - text, signature, redacted: pieces, still escaped; empty where they are not given.
  package mutating func thinking(
    block: Int, text: Span<UInt8> = Span(), signature: Span<UInt8> = Span(), redacted: Span<UInt8> = Span(),
    choice index: Int = 0
  ) {
    let isText = signature.isEmpty && redacted.isEmpty
    note(isText ? .thinking(block: block, choice: index) : .nothing, text)
    let choice = choice(index)
    if !text.isEmpty { hasContent = true }
    guard isStream else {
      if let blocks { return tell(blocks, block, text, signature, redacted, index) }
      for at in 0..<text.count { choice.reasoning.append(text[at]) }
      choice.appendThinking(block, text: text, signature: signature, redacted: redacted)
      return
    }
    openDelta(choice)
    if !text.isEmpty {
      out.append("\"reasoning_content\":\"")
      out.append(text)
      out.append("\",")
    }
    out.append("\"thinking_blocks\":[{\"index\":")
    out.append(decimal: block)
    if redacted.isEmpty {
      // Clients that add pieces up (the SDK's own helper does, by `index`) get the block whole.
      out.append(",\"type\":\"thinking\",\"thinking\":\"")
      out.append(text)
      if !signature.isEmpty {
        out.append("\",\"signature\":\"")
        out.append(signature)
      }
    } else {
      out.append(",\"type\":\"redacted_thinking\",\"data\":\"")
      out.append(redacted)
    }
    out.append("\"}]")
    closeDelta()
  }

  private mutating func tell(
    _ blocks: BlockAnswer, _ block: Int, _ text: Span<UInt8>, _ signature: Span<UInt8>,
    _ redacted: Span<UInt8>, _ index: Int
  ) {
    guard index == 0 else { return }
    if redacted.isEmpty {
      blocks.signed(block, text: text, signature, into: &out)
    } else {
      blocks.redacted(block, redacted, into: &out)
    }
  }

  /// A member of the message's own (`"key":value`), written as it is; for what OpenAI has but only some providers
  /// give (`annotations`), and for what clients echo (`extra_content`).
  package mutating func messageMember(_ member: Span<UInt8>, choice index: Int = 0) {
    note(.nothing)
    let choice = choice(index)
    // No format of blocks has it.
    if blocks != nil { return }
    guard isStream else { return choice.appendMember(member) }
    openDelta(choice)
    out.append(member)
    closeDelta()
  }

  /// A picture that the model made: an item of the message's `images`, which other gateways have too.
  package mutating func image(_ item: Span<UInt8>, choice index: Int = 0) {
    hasContent = true
    note(.nothing)
    let choice = choice(index)
    if blocks != nil { return }
    guard isStream else { return choice.appendImage(item) }
    openDelta(choice)
    out.append("\"images\":[")
    out.append(item)
    out.append("]")
    closeDelta()
  }

  /// Something has come that the dialect doesn't know.
  package mutating func passOver(_ kind: UnknownKind) {
    note(.nothing)
    unknown.add(kind)
  }

  /// Why a choice ended. Told to the client by `end`, since usage and the provider's own end follow.
  package mutating func finish(_ reason: FinishReason, choice index: Int = 0) {
    note(.nothing)
    choice(index).reason = reason
  }

  /// Whether every choice that began has said why it ended.
  package var hasFinished: Bool { !choices.isEmpty && choices.allSatisfy { $0.reason != nil } }

  /// Whether a call has begun in the choice.
  package func hasCalls(choice index: Int = 0) -> Bool {
    index < choices.count && !choices[index].calls.isEmpty
  }

  /// The provider's answer is complete.
  package mutating func end() {
    guard !hasEnded else { return }
    hasEnded = true
    if choices.isEmpty { _ = choice(0) }
    for choice in choices {
      for call in 0..<choice.calls.count { endCall(call, choice: choice.index) }
    }
    if let blocks {
      blocks.reason = choices[0].finishReason
      blocks.tier = serviceTier
      for choice in choices.dropFirst() { blocks.finish(choice: choice.index, choice.finishReason) }
      return blocks.finish(usage, into: &out)
    }
    if isStream { endChunks() } else { writeWhole() }
  }

  /// Ends a stream that has begun with an error event; nothing follows it.
  package mutating func fail(_ fault: AnswerFault) {
    guard !hasEnded else { return }
    hasEnded = true
    if let blocks {
      var error = ByteQueue.forSecrets()
      Fault.write(message: fault.message.span, type: fault.type, code: fault.code.span, into: &error)
      return blocks.fail(error.bytes, into: &out)
    }
    out.append("data: ")
    Fault.write(message: fault.message.span, type: fault.type, code: fault.code.span, into: &out)
    out.append("\n\n")
  }

  mutating func choice(_ index: Int) -> AnswerChoice {
    let index = min(max(index, 0), Self.choiceCeiling - 1)
    if choices.isEmpty, let first = spare {
      choices.append(first)
      spare = nil
    }
    while choices.count <= index { choices.append(AnswerChoice(index: choices.count, pool: pool)) }
    return choices[index]
  }
}
