// The order of an answer's blocks: exactly one is open, each is opened and closed once, and a call whose arguments are
// still on their way is not left for what comes meanwhile, which waits.

internal import Wire

/// Brings what a provider tells, in whatever order, into blocks.
struct AnswerBlocks: ~Copyable {
  /// What waits: a block, and its pieces one behind the other.
  private struct Waiting {
    var block: AnswerBlock
    var text: [UInt8] = []
    var logprobs: [UInt8] = []

    mutating func add(_ items: Span<UInt8>) {
      if items.isEmpty { return }
      if !logprobs.isEmpty { logprobs.append(ASCII.comma) }
      logprobs += items.array()
    }
  }

  /// Blocks that wait at the same time, and bytes of them; providers send calls one after the other.
  private static let waitingCeiling = 1024
  private static let waitingBytesCeiling = 8 << 20

  private var form: any AnswerForm
  private var open: AnswerBlock?
  /// The first half of a surrogate pair that its last piece ended in: clients decode each piece for itself.
  private var half: [UInt8] = []
  private var nesting = JSONNesting()
  private var waiting: [Waiting] = []
  private(set) var hasCalls = false
  private(set) var waitingBytes = 0
  /// More had to wait than may: what came behind it is lost, so the answer is none.
  private(set) var isOverfull = false

  init(_ form: any AnswerForm) { self.form = form }

  /// Begins an answer, and forgets the one before.
  mutating func begin(_ form: any AnswerForm) {
    self.form = form
    open = nil
    if !half.isEmpty { half = [] }
    nesting = JSONNesting()
    if !waiting.isEmpty { waiting = [] }
    hasCalls = false
    waitingBytes = 0
    isOverfull = false
  }

  /// A piece of a block, which begins with it where it isn't open yet.
  mutating func piece(
    _ kind: AnswerBlock.Kind, _ bytes: Span<UInt8>, logprobs: Span<UInt8> = Span(),
    into out: inout ByteQueue
  ) {
    if open?.kind == kind { return write(bytes, logprobs: logprobs, into: &out) }
    var isCall = false
    if case .call = kind { isCall = true }
    // A text goes on where it is what came last; behind something else it is another.
    let at =
      isCall
      ? waiting.firstIndex { $0.block.kind == kind }
      : waiting.last?.block.kind == kind ? waiting.count - 1 : nil
    if let at {
      guard mayWait(bytes.count + logprobs.count) else { return }
      waiting[at].text += bytes.array()
      waiting[at].add(logprobs)
      return
    }
    if isCall { return }
    if bytes.isEmpty, logprobs.isEmpty { return }
    begin(AnswerBlock(kind: kind), bytes, logprobs: logprobs, into: &out)
  }

  /// A block begins that must be known before its first piece: a call, or redacted reasoning.
  mutating func begin(
    _ block: AnswerBlock, _ bytes: Span<UInt8> = Span(), logprobs: Span<UInt8> = Span(),
    into out: inout ByteQueue
  ) {
    if case .call = block.kind { hasCalls = true }
    if let open, case .call = open.kind, !nesting.isClosed {
      guard mayWait(bytes.count + logprobs.count + 64) else { return }
      return waiting.append(Waiting(block: block, text: bytes.array(), logprobs: logprobs.array()))
    }
    close(into: &out)
    start(block, into: &out)
    if !bytes.isEmpty || !logprobs.isEmpty { write(bytes, logprobs: logprobs, into: &out) }
  }

  private mutating func mayWait(_ count: Int) -> Bool {
    waitingBytes += count
    if waiting.count >= Self.waitingCeiling || waitingBytes > Self.waitingBytesCeiling { isOverfull = true }
    return !isOverfull
  }

  /// What the open reasoning is signed with.
  mutating func sign(_ kind: AnswerBlock.Kind, _ signature: Span<UInt8>) {
    // Signatures of an open block wait for its end.
    guard mayWait(signature.count) else { return }
    if open?.kind == kind {
      open?.sign(signature)
    } else if let at = waiting.firstIndex(where: { $0.block.kind == kind }) {
      waiting[at].block.sign(signature)
    }
  }

  /// A block of signed reasoning is over, although nothing else has come.
  func isOpen(_ kind: AnswerBlock.Kind) -> Bool { open?.kind == kind }

  /// Closes what is open, and writes what waits.
  mutating func end(isCut: Bool, into out: inout ByteQueue) {
    close(isCut: isCut && waiting.isEmpty, into: &out)
    while !waiting.isEmpty {
      let next = waiting.removeFirst()
      start(next.block, into: &out)
      writePieces(of: next, into: &out)
      close(isCut: isCut && waiting.isEmpty, into: &out)
    }
  }

  private mutating func start(_ block: AnswerBlock, into out: inout ByteQueue) {
    open = block
    nesting = JSONNesting()
    form.open(block, into: &out)
  }

  private func writePieces(of waiting: Waiting, into out: inout ByteQueue) {
    if waiting.text.isEmpty, waiting.logprobs.isEmpty { return }
    form.piece(waiting.text.span, waiting.block, logprobs: waiting.logprobs.span, into: &out)
  }

  private mutating func write(
    _ bytes: Span<UInt8>, logprobs: Span<UInt8> = Span(), into out: inout ByteQueue
  ) {
    guard let block = open, !bytes.isEmpty || !logprobs.isEmpty else { return }
    let count = AnswerWriter.wholeCount(bytes)
    if half.isEmpty, count == bytes.count {
      form.piece(bytes, block, logprobs: logprobs, into: &out)
    } else {
      let piece = half + bytes.extracting(0..<count).array()
      half = bytes.extracting(count...).array()
      if !piece.isEmpty || !logprobs.isEmpty {
        form.piece(piece.span, block, logprobs: logprobs, into: &out)
      }
    }
    guard case .call = block.kind else { return }
    nesting.read(bytes)
    // Only what is still under way, or comes last, stays open.
    while isOver, !waiting.isEmpty {
      close(into: &out)
      let next = waiting.removeFirst()
      waitingBytes = max(0, waitingBytes - next.text.count - next.logprobs.count - 64)
      start(next.block, into: &out)
      writePieces(of: next, into: &out)
      nesting.read(next.text.span)
    }
  }

  /// What is open needs nothing more: a call whose arguments are whole, or anything else.
  private var isOver: Bool {
    guard let open, case .call = open.kind else { return true }
    return nesting.isClosed
  }

  private mutating func close(isCut: Bool = false, into out: inout ByteQueue) {
    guard let block = open else { return }
    // Its other half never came: a reader makes U+FFFD of it.
    if !half.isEmpty { form.piece(half.span, block, logprobs: Span(), into: &out) }
    half = []
    form.close(block, isCut: isCut, into: &out)
    open = nil
  }
}

/// Whether a JSON value that comes in pieces, inside a string and still escaped, has come to its end.
struct JSONNesting {
  private var depth = 0
  private var hasBegun = false
  private var inText = false
  /// Backslashes of the value's own before the next byte: an odd number escapes it.
  private var isEscaped = false
  /// The last byte was a backslash of the string around it.
  private var isOuterEscape = false
  /// Digits that are missing of a `\\u` of the string around it, and those that have come.
  private var digitsLeft = 0
  private var digits: UInt32 = 0

  /// An object or a list has begun and ended.
  var isClosed: Bool { hasBegun && depth == 0 && !inText }

  mutating func read(_ bytes: Span<UInt8>) {
    for at in 0..<bytes.count {
      let byte = bytes[at]
      if digitsLeft > 0 {
        digits = digits << 4 | UInt32(ASCII.hexadecimal(byte) ?? 0)
        digitsLeft -= 1
        if digitsLeft == 0 { take(digits < 0x80 ? UInt8(truncatingIfNeeded: digits) : 0) }
      } else if isOuterEscape {
        isOuterEscape = false
        if byte == UInt8(ascii: "u") {
          (digits, digitsLeft) = (0, 4)
        } else {
          // Of the short escapes only those of quote and backslash matter: `\"` and `\\`.
          take(byte == ASCII.quote || byte == ASCII.backslash ? byte : 0)
        }
      } else if byte == ASCII.backslash {
        isOuterEscape = true
      } else {
        take(byte)
      }
    }
  }

  private mutating func take(_ byte: UInt8) {
    if inText {
      if isEscaped {
        isEscaped = false
      } else if byte == ASCII.backslash {
        isEscaped = true
      } else if byte == ASCII.quote {
        inText = false
      }
      return
    }
    switch byte {
    case ASCII.quote: inText = true
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      hasBegun = true
      depth += 1
    case UInt8(ascii: "}"), UInt8(ascii: "]"): depth = max(depth - 1, 0)
    default: break
    }
  }
}
