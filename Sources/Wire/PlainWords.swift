// Words of ASCII letters, of which prose is made, passed over at a few steps each: only those are shown that may be sought.

/// A walk over plain words, and where it has stopped.
package struct PlainWords {
  /// Words that were passed over, the last one included.
  package fileprivate(set) var count: Int32 = 0
  /// What was sought was perhaps met: it is the last of them.
  package fileprivate(set) var hasMet = false
  /// The last one's first eight letters in lower case, the first one in the lowest byte.
  package fileprivate(set) var low: UInt64 = 0
  /// The last one's number (`LetterRun.mix`).
  package fileprivate(set) var hash: UInt64 = 0
  /// Where it has stopped: behind what was met, or before what is no plain word, or may be none.
  package fileprivate(set) var end: Int
}

extension LetterRun {
  /// A number for a word of up to sixteen letters. No letter is 0, so the length needs no place of its own.
  @inline(__always) package static func mix(_ low: UInt64, _ high: UInt64) -> UInt64 {
    let wide = (low ^ 0x9e37_79b9_7f4a_7c15).multipliedFullWidth(by: high ^ 0xd1b5_4a32_d192_ed03)
    return wide.high ^ wide.low
  }
}

/// Numbers of words, so that most others can be told from them at once. It says yes to some others too.
package struct WordFilter: Sendable {
  private var bits = [UInt64](repeating: 0, count: 256)

  package init() {}

  package mutating func insert(_ hash: UInt64) { bits[Int(hash >> 14 & 255)] |= 1 << (hash >> 8 & 63) }

  @inline(__always) package func mayHold(_ hash: UInt64) -> Bool { Self.isIn(bits.span, hash) }

  fileprivate var span: Span<UInt64> {
    @_lifetime(borrow self)
    get { bits.span }
  }

  @inline(__always) fileprivate static func isIn(_ bits: Span<UInt64>, _ hash: UInt64) -> Bool {
    bits[Int(hash >> 14 & 255)] >> (hash >> 8 & 63) & 1 != 0
  }
}

extension Span where Element == UInt8 {
  /// Passes over words of two to fifteen ASCII letters, and over the signs that only part them, up to one that `filter`
  /// may hold or that is `low`, or up to something else.
  ///
  /// - Parameters:
  ///   - from: where a word begins.
  ///   - low: a short word that is sought too, as `PlainWords.low` has it.
  package func passPlainWords(from: Int, to filter: borrowing WordFilter, or low: UInt64) -> PlainWords {
    var passed = PlainWords(end: from)
    let bits = filter.span
    unsafe withUnsafeBytes { raw in
      guard let start = raw.baseAddress, from >= 0 else { return }
      // A word, and the byte behind it, are there.
      let last = raw.count &- 17
      var at = from
      walk: while at <= last {
        // SAFETY: seventeen bytes are there from `at` on.
        let block = unsafe start.loadUnaligned(fromByteOffset: at, as: Lanes.Block.self)
        let count = (~Lanes.bits(Lanes.letters(block))).trailingZeroBitCount
        guard count > 1, count < 16 else { break }
        // SAFETY: as above.
        var next = unsafe start.load(fromByteOffset: at &+ count, as: UInt8.self)
        // Mostly it is a blank, and a word comes next.
        let isBlank = next == ASCII.space
        guard isBlank || WordSigns.part(next) else { break }
        let inside = Lanes.places .< Lanes.Block(repeating: UInt8(truncatingIfNeeded: count))
        let letters = (block | Lanes.Block(repeating: 0x20)).replacing(with: 0, where: .!inside)
        // SAFETY: both are sixteen bytes without structure.
        let words = unsafe unsafeBitCast(letters, to: SIMD2<UInt64>.self)
        passed.low = words[0].littleEndian
        passed.hash = LetterRun.mix(passed.low, words[1].littleEndian)
        passed.count &+= 1
        at &+= count
        if WordFilter.isIn(bits, passed.hash) || passed.low == low {
          passed.hasMet = true
          break
        }
        if isBlank {
          at &+= 1
          continue
        }
        while WordSigns.onlyPart(next) {
          at &+= 1
          guard at <= last else { break walk }
          // SAFETY: as above.
          next = unsafe start.load(fromByteOffset: at, as: UInt8.self)
        }
      }
      passed.end = at
    }
    return passed
  }
}

/// What stands behind words.
package enum WordSigns {
  /// Whether a word of letters ends before `byte`, whatever follows: not so before `! $ ' + @ _ |`, digits, and what isn't
  /// ASCII.
  @inline(__always) package static func part(_ byte: UInt8) -> Bool {
    let low: UInt64 = 1 << 0x21 | 1 << 0x24 | 1 << 0x27 | 1 << 0x2B | 0x3FF << 0x30
    let high: UInt64 = 1 << 0x00 | 1 << 0x1F | 1 << 0x3C
    return byte < 0x80 && (byte < 0x40 ? low : high) >> UInt64(byte & 0x3F) & 1 == 0
  }

  /// Whether `byte` does nothing but to part words: no letter, and none of `.`, `?`, `<`, `[`, a line's end and what `part`
  /// excepts.
  @inline(__always) fileprivate static func onlyPart(_ byte: UInt8) -> Bool {
    let low: UInt64 =
      1 << 0x0A | 1 << 0x21 | 1 << 0x24 | 1 << 0x27 | 1 << 0x2B | 1 << 0x2E | 0x3FF << 0x30 | 1 << 0x3C | 1
      << 0x3F
    // @, A to Z, [ and _; a to z and |
    let high: UInt64 = 0x0FFF_FFFF | 1 << 0x1F | 0x07FF_FFFE << 32 | 1 << 0x3C
    return byte < 0x80 && (byte < 0x40 ? low : high) >> UInt64(byte & 0x3F) & 1 == 0
  }
}
