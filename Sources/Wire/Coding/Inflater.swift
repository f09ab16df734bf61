// DEFLATE (RFC 1951), read as it arrives: whatever can be said of the data is said at once, so that a stream that its
// sender flushes comes out piece by piece.
//
// It needs 32 KiB for what may be referred to, and a few for the codes, however long the data is.

/// A resumable reader of one run of DEFLATE blocks.
struct Inflater: Sendable {
  enum Step {
    /// All input was taken.
    case more
    /// As much was made as was allowed; there may be more in what has been taken.
    case full
    /// The last block has ended. What the bit source still holds comes behind it.
    case end
  }

  private enum State {
    case blockHead, storedHead, stored, tableHead, codeLengths, lengths, symbols, match, end
  }

  private static let windowSize = 1 << 15
  private static let mask = windowSize - 1

  private var state = State.blockHead
  private var isLast = false
  /// The last 32 KiB that were made; its places are used in turn.
  private var window = [UInt8](repeating: 0, count: windowSize)
  private var position = 0
  /// Bytes of `window` that were ever made.
  private var reach = 0
  /// From here on to `position`, what was made has not been handed out.
  private var handedOut = 0

  private var storedLeft = 0
  private var matchLeft = 0
  private var matchDistance = 0

  private var literals = PrefixCode()
  private var distances = PrefixCode()
  private var lengthCode = PrefixCode()
  private var lengths = [UInt8](repeating: 0, count: 320)
  private var lengthsRead = 0
  private var literalCount = 0
  private var distanceCount = 0
  private var codeLengthCount = 0

  /// Begins a new run.
  mutating func reset() {
    state = .blockHead
    isLast = false
    position = 0
    reach = 0
    handedOut = 0
  }

  /// Reads on.
  ///
  /// - Parameters:
  ///   - at: the place in `input` from which on it is new.
  ///   - limit: how many bytes may be appended to `out`.
  mutating func next(
    _ source: inout BitSource, _ input: Span<UInt8>, _ at: inout Int, into out: inout ByteQueue, limit: Int
  ) throws(ContentFault) -> Step {
    var room = limit
    defer { handOut(&out) }
    while true {
      source.fill(input, &at)
      switch state {
      case .end: return .end
      case .stored:
        copyStored(&source, input, &at, &room, &out)
        if storedLeft == 0 { state = .blockHead } else { return room == 0 ? .full : .more }
      case .match:
        copyMatch(&room, &out)
        if matchLeft > 0 { return .full }
        state = .symbols
      case .symbols:
        if let step = try readSymbols(&source, input, &at, &room, &out) { return step }
      case .blockHead, .storedHead, .tableHead, .codeLengths, .lengths:
        guard try readHead(&source) else {
          // The source had room for more, had there been more.
          if at < input.count { continue }
          return .more
        }
      }
    }
  }

  // MARK: What a block begins with

  /// Takes a step in what precedes a block's data; false where bits are missing.
  private mutating func readHead(_ source: inout BitSource) throws(ContentFault) -> Bool {
    switch state {
    case .blockHead:
      if isLast {
        state = .end
        return true
      }
      guard let head = source.take(3) else { return false }
      isLast = head & 1 == 1
      switch head >> 1 {
      case 0:
        source.align()
        state = .storedHead
      case 1:
        try useFixedCodes()
        state = .symbols
      case 2: state = .tableHead
      default: throw .blockType
      }
    case .storedHead:
      guard let both = source.take(32) else { return false }
      guard both & 0xFFFF == ~(both >> 16) & 0xFFFF else { throw .storedLength }
      storedLeft = both & 0xFFFF
      state = .stored
    case .tableHead:
      guard let head = source.take(14) else { return false }
      literalCount = (head & 31) + 257
      distanceCount = (head >> 5 & 31) + 1
      codeLengthCount = (head >> 10) + 4
      if literalCount > 286 || distanceCount > 30 { throw .tooManyCodes }
      for at in 0..<19 { lengths[at] = 0 }
      lengthsRead = 0
      state = .codeLengths
    case .codeLengths: return try readCodeLengths(&source)
    default: return try readLengths(&source)
    }
    return true
  }

  /// The order in which the lengths of the code for lengths come (section 3.2.7).
  private static let order: InlineArray<19, UInt8> = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
  ]

  private mutating func readCodeLengths(_ source: inout BitSource) throws(ContentFault) -> Bool {
    while lengthsRead < codeLengthCount {
      guard let length = source.take(3) else { return false }
      lengths[Int(Self.order[lengthsRead])] = UInt8(length)
      lengthsRead += 1
    }
    try lengthCode.build(lengths, 0..<19, mayBeSingle: false)
    lengthsRead = 0
    state = .lengths
    return true
  }

  private mutating func readLengths(_ source: inout BitSource) throws(ContentFault) -> Bool {
    let count = literalCount + distanceCount
    while lengthsRead < count {
      guard case .symbol(let symbol, let bits) = lengthCode.read(source.bits, available: source.count) else {
        if case .none = lengthCode.read(source.bits, available: source.count) { throw .code }
        return false
      }
      if symbol < 16 {
        source.drop(bits)
        lengths[lengthsRead] = UInt8(symbol)
        lengthsRead += 1
        continue
      }
      let extra = symbol == 16 ? 2 : symbol == 17 ? 3 : 7
      guard source.count >= bits + extra else { return false }
      source.drop(bits)
      let repeats = (source.take(extra) ?? 0) + (symbol == 18 ? 11 : 3)
      if symbol == 16, lengthsRead == 0 { throw .codeLengths }
      if repeats > count - lengthsRead { throw .codeLengths }
      let length = symbol == 16 ? lengths[lengthsRead - 1] : 0
      for at in lengthsRead..<lengthsRead + repeats { lengths[at] = length }
      lengthsRead += repeats
    }
    if lengths[256] == 0 { throw .noEndOfBlock }
    try literals.build(lengths, 0..<literalCount, mayBeSingle: true)
    try distances.build(lengths, literalCount..<count, mayBeSingle: true)
    state = .symbols
    return true
  }

  /// The codes of section 3.2.6.
  private mutating func useFixedCodes() throws(ContentFault) {
    for at in 0..<144 { lengths[at] = 8 }
    for at in 144..<256 { lengths[at] = 9 }
    for at in 256..<280 { lengths[at] = 7 }
    for at in 280..<288 { lengths[at] = 8 }
    for at in 288..<320 { lengths[at] = 5 }
    try literals.build(lengths, 0..<288, mayBeSingle: true)
    try distances.build(lengths, 288..<320, mayBeSingle: true)
  }

  // MARK: A block's data

  /// Reads symbols until the block ends, or what is needed for one isn't here; nil where another state goes on.
  private mutating func readSymbols(
    _ source: inout BitSource, _ input: Span<UInt8>, _ at: inout Int, _ room: inout Int,
    _ out: inout ByteQueue
  ) throws(ContentFault) -> Step? {
    while true {
      if room == 0 { return .full }
      // A length with its distance has 48 bits at the most.
      if source.count < 48 { source.fill(input, &at) }
      switch literals.read(source.bits, available: source.count) {
      case .more: return .more
      case .none: throw .code
      case .symbol(let symbol, let bits):
        if symbol < 256 {
          source.drop(bits)
          put(UInt8(truncatingIfNeeded: symbol), &out)
          room &-= 1
        } else if symbol == 256 {
          source.drop(bits)
          state = .blockHead
          return nil
        } else {
          guard try readMatch(symbol, bits, &source) else { return .more }
          copyMatch(&room, &out)
          if matchLeft > 0 {
            state = .match
            return nil
          }
        }
      }
    }
  }

  /// Bases and extra bits of lengths, and of distances (section 3.2.5).
  private static let lengthBases: InlineArray<29, UInt16> = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
    227, 258,
  ]
  private static let lengthBits: InlineArray<29, UInt8> = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
  ]
  private static let distanceBases: InlineArray<30, UInt16> = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073,
    4097, 6145, 8193, 12289, 16385, 24577,
  ]

  /// Reads the rest of a length and its distance; false, with nothing taken, where bits are missing.
  private mutating func readMatch(
    _ symbol: Int, _ bits: Int, _ source: inout BitSource
  ) throws(ContentFault) -> Bool {
    let length = symbol - 257
    guard length < 29 else { throw .code }
    let lengthBits = Int(Self.lengthBits[length])
    var used = bits + lengthBits
    guard source.count >= used else { return false }
    let rest = source.bits &>> UInt64(truncatingIfNeeded: used)
    switch distances.read(rest, available: source.count - used) {
    case .more: return false
    case .none: throw .code
    case .symbol(let distance, let distanceCodeBits):
      guard distance < 30 else { throw .code }
      let distanceBits = distance < 4 ? 0 : distance / 2 - 1
      used += distanceCodeBits
      guard source.count >= used + distanceBits else { return false }
      source.drop(bits)
      matchLeft = Int(Self.lengthBases[length]) + (source.take(lengthBits) ?? 0)
      source.drop(distanceCodeBits)
      matchDistance = Int(Self.distanceBases[distance]) + (source.take(distanceBits) ?? 0)
    }
    guard matchDistance <= reach else { throw .tooFarBack }
    return true
  }

  private mutating func copyMatch(_ room: inout Int, _ out: inout ByteQueue) {
    let count = min(matchLeft, room)
    for _ in 0..<count {
      put(window[(position &- matchDistance) & Self.mask], &out)
    }
    matchLeft &-= count
    room &-= count
  }

  private mutating func copyStored(
    _ source: inout BitSource, _ input: Span<UInt8>, _ at: inout Int, _ room: inout Int,
    _ out: inout ByteQueue
  ) {
    while storedLeft > 0, room > 0 {
      let byte: UInt8
      if let taken = source.take(8) {
        byte = UInt8(truncatingIfNeeded: taken)
      } else if at < input.count {
        byte = input[at]
        at &+= 1
      } else {
        return
      }
      put(byte, &out)
      storedLeft &-= 1
      room &-= 1
    }
  }

  // MARK: What is made

  @inline(__always) private mutating func put(_ byte: UInt8, _ out: inout ByteQueue) {
    window[position] = byte
    position &+= 1
    if reach < Self.windowSize { reach &+= 1 }
    if position == Self.windowSize {
      handOut(&out)
      position = 0
      handedOut = 0
    }
  }

  private mutating func handOut(_ out: inout ByteQueue) {
    out.append(window.span.extracting(handedOut..<position))
    handedOut = position
  }
}
