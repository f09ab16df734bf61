// A chunk's frame (RFC 9112 section 7.1) around bytes that are appended before their number is known.

extension ByteQueue {
  /// Bytes that a chunk's head may have: eight digits and the line's end.
  private static let chunkHead = 10

  /// Leaves room for the head of a chunk (RFC 9112 section 7.1) whose bytes are appended next.
  ///
  /// - Returns: what `endChunk` is told.
  public mutating func beginChunk() -> Int {
    reserve(Self.chunkHead)
    let start = count
    // SAFETY: the room is there; what is read before `endChunk` is never more than these zeros.
    unsafe base?.advanced(by: tail).initializeMemory(as: UInt8.self, repeating: 0, count: Self.chunkHead)
    tail += Self.chunkHead
    return start
  }

  /// Makes what was appended since `beginChunk` a chunk. Of nothing comes no chunk, for that would end the body.
  ///
  /// The bytes stay where they are if nothing waits before them.
  /// - Returns: how many bytes the chunk holds.
  @discardableResult
  public mutating func endChunk(_ start: Int) -> Int {
    let size = count - start - Self.chunkHead
    guard size > 0 else {
      truncate(to: min(start, count))
      return 0
    }
    var digits = 1
    while digits < 8, size >> (digits * 4) > 0 { digits += 1 }
    let gap = Self.chunkHead - digits - 2
    if start == 0 {
      head += gap
    } else if let base = unsafe base {
      // SAFETY: both stretches lie between head and tail; `copyMemory` takes those that overlap.
      unsafe base.advanced(by: head + start + digits + 2).copyMemory(
        from: base.advanced(by: head + start + Self.chunkHead), byteCount: size)
      tail -= gap
    }
    for at in 0..<digits {
      let digit = UInt8(truncatingIfNeeded: size >> ((digits - 1 - at) * 4) & 15)
      unsafe base?.storeBytes(
        of: digit < 10 ? 48 + digit : 87 + digit, toByteOffset: head + start + at, as: UInt8.self)
    }
    unsafe base?.storeBytes(of: ASCII.cr, toByteOffset: head + start + digits, as: UInt8.self)
    unsafe base?.storeBytes(of: ASCII.lf, toByteOffset: head + start + digits + 1, as: UInt8.self)
    append("\r\n")
    return size
  }
}

extension ByteQueue {
  /// Appends what `bytes` holds from `from` on, up to the first backslash: it is copied while that is sought.
  ///
  /// - Returns: where the backslash is; the count where there is none.
  package mutating func append(_ bytes: Span<UInt8>, upToBackslashFrom from: Int) -> Int {
    guard from >= 0, from < bytes.count else { return bytes.count }
    reserve(bytes.count &- from)
    let end = unsafe bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress, let base = unsafe base else { return from }
      let behind = unsafe base.advanced(by: tail &- from)
      var at = from
      while at <= raw.count &- 32 {
        // SAFETY: 32 bytes are there from `at` on, and there is room for all of them, those behind a backslash too.
        let low = unsafe start.loadUnaligned(fromByteOffset: at, as: Lanes.Block.self)
        let high = unsafe start.loadUnaligned(fromByteOffset: at &+ 16, as: Lanes.Block.self)
        unsafe behind.storeBytes(of: low, toByteOffset: at, as: Lanes.Block.self)
        unsafe behind.storeBytes(of: high, toByteOffset: at &+ 16, as: Lanes.Block.self)
        let marks = (Backslash.marks(low), Backslash.marks(high))
        if Lanes.isWide(Lanes.all(marks.0 .| marks.1)) {
          return at &+ (Lanes.bits(marks.0) | Lanes.bits(marks.1) << 16).trailingZeroBitCount
        }
        at &+= 32
      }
      let end = unsafe Lanes.near(start, from: at, to: raw.count, Backslash.self)
      // SAFETY: the bytes are there, and so is the room for them.
      unsafe behind.advanced(by: at).copyMemory(from: start.advanced(by: at), byteCount: end &- at)
      return end
    }
    tail &+= end &- from
    return end
  }
}
