// Words of ASCII letters, of which prose is made, 64 bytes at a step: only those are shown that may be sought.

/// Up to 64 bytes of a text, a bit for each, the first one's lowest: where words are, and what is to be looked at.
package struct PlainWords {
  /// ASCII letters.
  package fileprivate(set) var letters: UInt64 = 0
  /// Where words of ASCII letters begin.
  package fileprivate(set) var starts: UInt64 = 0
  /// Where a word begins that is sought perhaps, has a single letter or more than fifteen; and whatever is no letter, no
  /// blank and no comma.
  package fileprivate(set) var shown: UInt64 = 0
  /// How many bytes these are: a word that ends behind them isn't begun.
  package fileprivate(set) var count = 1

  /// Reads 64 bytes, behind which eight more can be read.
  ///
  /// - Parameters:
  ///   - left: of how many the text is.
  ///   - filter: its memory.
  @inline(__always) @unsafe
  fileprivate mutating func read(_ start: UnsafeRawPointer, _ left: Int, _ filter: UnsafeRawPointer) {
    var plain: UInt64 = 0
    for place in 0..<4 {
      // SAFETY: 64 bytes are there.
      let block = unsafe start.loadUnaligned(fromByteOffset: place &* 16, as: Lanes.Block.self)
      let isLetter = Lanes.letters(block)
      let others = Lanes.equal(block, ASCII.space) .| Lanes.equal(block, ASCII.comma)
      letters |= UInt64(Lanes.bits(isLetter)) &<< UInt64(place &* 16)
      plain |= UInt64(Lanes.bits(isLetter .| others)) &<< UInt64(place &* 16)
    }
    count = min(left, 64)
    var inside: UInt64 = left < 64 ? 1 &<< UInt64(truncatingIfNeeded: left) &- 1 : .max
    starts = letters & ~(letters &<< 1)
    if left >= 64, letters >> 63 != 0 {
      let behind = (~letters).leadingZeroBitCount
      // One word of 64 letters and more is to be looked at.
      if behind == 64 {
        shown = 1
        return
      }
      count = 64 &- behind
      inside = 1 &<< UInt64(truncatingIfNeeded: count) &- 1
      starts &= inside
    }
    var long = letters & letters &>> 1
    long &= long &>> 2
    long &= long &>> 4
    long &= long &>> 8
    let single = starts & ~(letters &>> 1)
    shown = (~plain | single | long & starts) & inside
    // No place is behind its last bit, so that there is always one.
    let others = ~letters | 1 << 63
    var rest = starts & ~single
    while rest != 0 {
      let place = rest.trailingZeroBitCount
      let count = (others &>> UInt64(place)).trailingZeroBitCount
      // SAFETY: eight bytes are there from every one of the 64 on.
      let word = unsafe start.loadUnaligned(fromByteOffset: place, as: UInt64.self).littleEndian
      let low = unsafe (word | 0x2020_2020_2020_2020) & WordFilter.inside(filter, count)
      shown |= unsafe WordFilter.mark(filter, low) &<< UInt64(place)
      rest &= rest &- 1
    }
  }
}

/// A word of up to sixteen ASCII letters, in lower case, as two numbers.
public struct LetterRun {
  /// Its first eight letters, the first one in the lowest byte, and those behind them.
  public let low: UInt64
  public let high: UInt64

  @inlinable init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  /// A number for it. No letter is 0, so the length needs no place of its own.
  @inlinable public static func mix(_ low: UInt64, _ high: UInt64) -> UInt64 {
    let wide = (low ^ 0x9e37_79b9_7f4a_7c15).multipliedFullWidth(by: high ^ 0xd1b5_4a32_d192_ed03)
    return wide.high ^ wide.low
  }
}

extension Span where Element == UInt8 {
  /// The word of `count` letters at `from`; nil where it has more than sixteen, or fewer bytes than that are left.
  package func letterRun(from: Int, count: Int) -> LetterRun? {
    unsafe withUnsafeBytes { raw in
      guard let start = raw.baseAddress, from >= 0, from <= raw.count &- 16, count > 0, count <= 16 else {
        return nil
      }
      // SAFETY: sixteen bytes are there from `from` on.
      let word =
        unsafe (start + from).loadUnaligned(as: SIMD2<UInt64>.self) | SIMD2(repeating: 0x2020_2020_2020_2020)
      let rest = UInt64(truncatingIfNeeded: 0 &- count &* 8)
      // What is behind the word falls off.
      let (low, high): (UInt64, UInt64) =
        count <= 8 ? (.max &>> rest, 0) : (.max, .max &>> rest)
      return LetterRun(low: word[0].littleEndian & low, high: word[1].littleEndian & high)
    }
  }
}

/// Words, so that most others can be told from them at once, by their first eight letters. It says yes to some others too.
package struct WordFilter: Sendable {
  private static let hashes = 1 << 14
  /// For each hash 1 where a word has it, else 0. Behind them, eight bytes for each number of letters up to 64: all ones for
  /// those of the first eight bytes that are of such a word.
  private var bytes: [UInt8] =
    [UInt8](repeating: 0, count: hashes) + (0...64).flatMap { count in (0..<8).map { $0 < count ? .max : 0 } }

  package init() {}

  /// Takes a word in, which is given by its first eight letters in lower case, the first one in the lowest byte.
  package mutating func insert(_ low: UInt64) { bytes[Self.hash(low)] = 1 }

  /// Of thousands of factors it is the one by which the fewest of English prose's words are taken for one of those that tell
  /// of injections: one in fifty.
  @inline(__always) private static func hash(_ low: UInt64) -> Int {
    Int((low &* 0x546e_197b_63c3_817d) &>> 50)
  }

  /// - Parameter filter: its memory.
  @inline(__always) @unsafe fileprivate static func mark(_ filter: UnsafeRawPointer, _ low: UInt64) -> UInt64
  {
    // SAFETY: a hash has fourteen bits, and there is a byte for each.
    UInt64(unsafe filter.load(fromByteOffset: hash(low), as: UInt8.self))
  }

  /// - Parameter count: no more than 64.
  @inline(__always) @unsafe fileprivate static func inside(_ filter: UnsafeRawPointer, _ count: Int) -> UInt64
  {
    // SAFETY: they are there for each of these numbers.
    unsafe filter.loadUnaligned(fromByteOffset: hashes &+ count &* 8, as: UInt64.self).littleEndian
  }

  @inline(__always) fileprivate func withMemory(_ body: (UnsafeRawPointer) -> Void) {
    unsafe bytes.withUnsafeBytes { memory in
      guard let start = memory.baseAddress, memory.count == Self.hashes &+ 65 &* 8 else { return }
      unsafe body(start)
    }
  }
}

extension Span where Element == UInt8 {
  /// Looks at the next bytes from `from` on, where a word may begin and none goes on.
  package func plainWords(from: Int, _ filter: borrowing WordFilter) -> PlainWords {
    var words = PlainWords()
    unsafe withUnsafeBytes { raw in
      guard let start = raw.baseAddress, from >= 0, from < raw.count else { return }
      let left = raw.count &- from
      unsafe filter.withMemory { memory in
        // SAFETY: 72 bytes are there from `from` on, or it's `left`.
        if left >= 72 {
          unsafe words.read(start + from, left, memory)
        } else {
          unsafe words = PlainWords.readLast(start + from, left, memory)
        }
      }
    }
    return words
  }
}

extension PlainWords {
  /// Reads from a copy, behind which there are more bytes: `left` is less than 72.
  @inline(never) @unsafe
  fileprivate static func readLast(_ start: UnsafeRawPointer, _ left: Int, _ filter: UnsafeRawPointer)
    -> PlainWords
  {
    var words = PlainWords()
    var copy = InlineArray<9, UInt64>(repeating: 0)
    unsafe withUnsafeMutableBytes(of: &copy) { room in
      // SAFETY: fewer than 72 bytes are copied, and there is room for 72.
      unsafe room.copyMemory(from: UnsafeRawBufferPointer(start: start, count: left))
      guard let copied = UnsafeRawPointer(room.baseAddress) else { return }
      unsafe words.read(copied, left, filter)
    }
    return words
  }
}

/// What stands behind words.
public enum WordSigns {
  /// Whether a word of letters ends before `byte`, whatever follows: not so before `! $ ' + @ _ |`, digits, and what isn't
  /// ASCII.
  @inlinable public static func part(_ byte: UInt8) -> Bool {
    let low: UInt64 = 1 << 0x21 | 1 << 0x24 | 1 << 0x27 | 1 << 0x2B | 0x3FF << 0x30
    let high: UInt64 = 1 << 0x00 | 1 << 0x1F | 1 << 0x3C
    return byte < 0x80 && (byte < 0x40 ? low : high) >> UInt64(byte & 0x3F) & 1 == 0
  }
}
