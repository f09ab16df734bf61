// A name and its value as OTLP's spans have them (field 9, a KeyValue of opentelemetry-proto, common/v1/common.proto), in one
// piece. Two spans are some forty of them. Compiled into the caller, where the name is known, each is a few stores; field by
// field it would be eight steps.
//
// Public, and inlined, for the reason that is given at `ByteQueue`.

extension ByteQueue {
  /// Appends a pair of a text, if that is ASCII and the pair has less than 128 bytes, so that each of its lengths is a byte.
  ///
  /// - Returns: false where it isn't, and nothing was appended.
  @inlinable @inline(__always)
  public mutating func appendPair(_ key: StaticString, ascii text: Span<UInt8>) -> Bool {
    let (keyCount, count) = (key.utf8CodeUnitCount, text.count)
    guard count <= 119 &- keyCount else { return false }
    // SAFETY: beginPair has made room for a pair of that size, of which the text is the end.
    let value = unsafe beginPair(key, valueCount: 2 &+ count)
    unsafe value.storeBytes(
      of: (UInt16(0x0A) | UInt16(truncatingIfNeeded: count) &<< 8).littleEndian, as: UInt16.self)
    guard unsafe Self.store(ascii: text, at: value.advanced(by: 2)) else { return false }
    tail &+= 8 &+ keyCount &+ count
    return true
  }

  /// Appends a pair of a list of one word: visible ASCII, and short as above.
  ///
  /// - Returns: false where it isn't, and nothing was appended.
  package mutating func appendPair(_ key: StaticString, word: Span<UInt8>) -> Bool {
    let (keyCount, count) = (key.utf8CodeUnitCount, word.count)
    guard count <= 115 &- keyCount, word.isVisible else { return false }
    // SAFETY: as above.
    let value = unsafe beginPair(key, valueCount: 6 &+ count)
    // The list, in it a value, in it field 1, a string; each but the last has the length of what follows it.
    let lengths = UInt64(truncatingIfNeeded: count) &* 0x01_00_01_00_01_00 &+ 0x00_02_00_04_00
    unsafe value.storeBytes(
      of: UInt32(truncatingIfNeeded: 0x000A_002A | lengths).littleEndian, as: UInt32.self)
    unsafe value.advanced(by: 4).storeBytes(
      of: UInt16(truncatingIfNeeded: 0x0A | lengths &>> 32).littleEndian, as: UInt16.self)
    _ = unsafe Self.store(ascii: word, at: value.advanced(by: 6))
    tail &+= 12 &+ keyCount &+ count
    return true
  }

  /// Appends a pair of two texts of ours, which are ASCII and together shorter than 120 bytes.
  @inlinable @inline(__always)
  public mutating func appendPair(_ key: StaticString, literal text: StaticString) {
    let (keyCount, count) = (key.utf8CodeUnitCount, text.utf8CodeUnitCount)
    // SAFETY: as above, and a static string's bytes live as long as the program.
    let value = unsafe beginPair(key, valueCount: 2 &+ count)
    unsafe value.storeBytes(
      of: (UInt16(0x0A) | UInt16(truncatingIfNeeded: count) &<< 8).littleEndian, as: UInt16.self)
    unsafe value.advanced(by: 2).copyMemory(from: text.utf8Start, byteCount: count)
    tail &+= 8 &+ keyCount &+ count
  }

  /// Appends a pair of a whole number; its name is shorter than 100 bytes, as those below.
  @inlinable @inline(__always)
  public mutating func appendPair(_ key: StaticString, varint number: UInt64) {
    let keyCount = key.utf8CodeUnitCount
    let count = (70 &- (number | 1).leadingZeroBitCount) / 7
    // SAFETY: as above; a number has ten bytes at most.
    let value = unsafe beginPair(key, valueCount: 1 &+ count)
    unsafe value.storeBytes(of: 0x18, as: UInt8.self)
    var (rest, place) = unsafe (number, value.advanced(by: 1))
    while rest > 0x7F {
      unsafe place.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
      unsafe place = place.advanced(by: 1)
      rest &>>= 7
    }
    unsafe place.storeBytes(of: UInt8(truncatingIfNeeded: rest), as: UInt8.self)
    tail &+= 7 &+ keyCount &+ count
  }

  /// Appends a pair of a truth.
  @inlinable @inline(__always)
  public mutating func appendPair(_ key: StaticString, bool truth: Bool) {
    // SAFETY: as above.
    let value = unsafe beginPair(key, valueCount: 2)
    unsafe value.storeBytes(of: (UInt16(0x10) | (truth ? 0x100 : 0)).littleEndian, as: UInt16.self)
    tail &+= 8 &+ key.utf8CodeUnitCount
  }

  /// Appends a pair of a number with a fraction.
  @inlinable @inline(__always)
  public mutating func appendPair(_ key: StaticString, double number: Double) {
    // SAFETY: as above.
    let value = unsafe beginPair(key, valueCount: 9)
    unsafe value.storeBytes(of: 0x21, as: UInt8.self)
    unsafe value.advanced(by: 1).storeBytes(of: number.bitPattern.littleEndian, as: UInt64.self)
    tail &+= 15 &+ key.utf8CodeUnitCount
  }

  /// Stores what stands before a pair's value of `count` bytes behind the tail, which stays where it is, and makes room for
  /// both.
  ///
  /// - Returns: where the value begins.
  @inlinable @inline(__always) @unsafe
  mutating func beginPair(_ key: StaticString, valueCount count: Int) -> UnsafeMutableRawPointer {
    let keyCount = key.utf8CodeUnitCount
    reserve(6 &+ keyCount &+ count)
    // SAFETY: there is room behind the tail for all of it, and a static string's bytes live as long as the program.
    let start = unsafe (base ?? Self.nowhere).advanced(by: tail)
    let head =
      UInt32(0x0A_004A) | UInt32(truncatingIfNeeded: 4 &+ keyCount &+ count) &<< 8
      | UInt32(truncatingIfNeeded: keyCount) &<< 24
    unsafe start.storeBytes(of: head.littleEndian, as: UInt32.self)
    unsafe start.advanced(by: 4).copyMemory(from: key.utf8Start, byteCount: keyCount)
    let middle = unsafe start.advanced(by: 4 &+ keyCount)
    unsafe middle.storeBytes(
      of: (UInt16(0x12) | UInt16(truncatingIfNeeded: count) &<< 8).littleEndian, as: UInt16.self)
    return unsafe middle.advanced(by: 2)
  }

  /// Appends a text if it is ASCII.
  ///
  /// - Returns: false where it isn't, and nothing was appended.
  package mutating func append(ascii text: Span<UInt8>) -> Bool {
    reserve(text.count)
    // SAFETY: there is room behind the tail for all of it.
    guard unsafe Self.store(ascii: text, at: (base ?? Self.nowhere).advanced(by: tail)) else { return false }
    tail &+= text.count
    return true
  }

  /// Copies a text to `place`, where there is room for it.
  ///
  /// - Returns: whether it is ASCII.
  @usableFromInline @inline(never) @unsafe
  static func store(ascii text: Span<UInt8>, at place: UnsafeMutableRawPointer) -> Bool {
    unsafe text.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return true }
      let count = raw.count
      // SAFETY: each step lies between the text's beginning and its end, the last ones over those before.
      if count >= 16 {
        var seen = unsafe copy(start, place, count &- 16, Lanes.Block.self)
        var at = 0
        while at < count &- 16 {
          seen |= unsafe copy(start, place, at, Lanes.Block.self)
          at &+= 16
        }
        return !Lanes.isWide(seen)
      }
      if count >= 8 {
        let seen = unsafe copy(start, place, 0, UInt64.self) | copy(start, place, count &- 8, UInt64.self)
        return seen & 0x8080_8080_8080_8080 == 0
      }
      if count >= 4 {
        let seen = unsafe copy(start, place, 0, UInt32.self) | copy(start, place, count &- 4, UInt32.self)
        return seen & 0x8080_8080 == 0
      }
      var seen: UInt8 = 0
      for at in 0..<count { seen |= unsafe copy(start, place, at, UInt8.self) }
      return seen & 0x80 == 0
    }
  }

  @inline(__always) @unsafe
  private static func copy<Word: BitwiseCopyable>(
    _ start: UnsafeRawPointer, _ place: UnsafeMutableRawPointer, _ at: Int, _ word: Word.Type
  ) -> Word {
    let word = unsafe start.loadUnaligned(fromByteOffset: at, as: word)
    unsafe place.storeBytes(of: word, toByteOffset: at, as: Word.self)
    return word
  }
}
