// One character of a text as the detector of injections reads it: in lower case, without marks, a look-alike as the
// letter that it looks like.

/// What a character is.
enum Folded {
  /// A letter or a digit, as one or two bytes of UTF-8.
  case letter(UInt8, UInt8)
  /// Nothing that is seen: a zero-width sign, a soft hyphen, a mark on the letter before.
  case hidden
  case bidirectional
  /// A hidden copy of an ASCII character (U+E0000 and on).
  case tag(UInt8)
  case selector
  /// An ideograph, a syllable: a word by itself.
  case symbol
  case space
  case lineEnd
  case other
}

enum Folding {
  /// What the character `code` is. ASCII is not asked here.
  static func fold(_ code: UInt32) -> Folded {
    switch code {
    case 0xC0...0x24F: return latin(code)
    case 0x300...0x36F, 0x200B...0x200D, 0x2060...0x2064, 0xFEFF, 0xAD, 0x180E, 0x34F: return .hidden
    case 0x202A...0x202E, 0x2066...0x2069: return .bidirectional
    case 0x370...0x3FF: return two(code >= 0x391 && code <= 0x3A9 ? code + 32 : code)
    case 0x400...0x40F: return two(code + 80)
    case 0x410...0x42F: return two(code == 0x419 ? 0x438 : code + 32)
    case 0x439: return two(0x438)
    case 0x451: return two(0x435)
    case 0x430...0x52F: return two(code)
    case 0xA0, 0x2000...0x200A, 0x202F, 0x205F, 0x3000: return .space
    case 0x2028, 0x2029, 0x85: return .lineEnd
    case 0x1E00...0x1EFF: return .letter(plainExtended(code), 0)
    case 0xFF10...0xFF19: return .letter(UInt8(code - 0xFF10 + 0x30), 0)
    case 0xFF21...0xFF3A: return .letter(UInt8(code - 0xFF21 + 0x61), 0)
    case 0xFF41...0xFF5A: return .letter(UInt8(code - 0xFF41 + 0x61), 0)
    case 0x24B6...0x24E9: return .letter(UInt8((code - 0x24B6) % 26 + 0x61), 0)
    case 0x1F130...0x1F149: return .letter(UInt8(code - 0x1F130 + 0x61), 0)
    case 0x1F150...0x1F169: return .letter(UInt8(code - 0x1F150 + 0x61), 0)
    case 0x1F170...0x1F189: return .letter(UInt8(code - 0x1F170 + 0x61), 0)
    // The mathematical alphabets follow one another, each of 52 letters (Unicode 16, block U+1D400).
    case 0x1D400...0x1D6A3: return .letter(UInt8((code - 0x1D400) % 26 + 0x61), 0)
    case 0x1D7CE...0x1D7FF: return .letter(UInt8((code - 0x1D7CE) % 10 + 0x30), 0)
    case 0xFE00...0xFE0F, 0xE0100...0xE01EF: return .selector
    case 0xE0000...0xE007F: return .tag(UInt8(code & 0x7F))
    case 0x2E80...0x9FFF, 0xAC00...0xD7AF, 0xF900...0xFAFF, 0x20000...0x3FFFF: return .symbol
    default: return .other
    }
  }

  private static func two(_ code: UInt32) -> Folded {
    .letter(UInt8(truncatingIfNeeded: 0xC0 | code >> 6), UInt8(truncatingIfNeeded: 0x80 | code & 63))
  }

  private static func latin(_ code: UInt32) -> Folded {
    if code == 0xDF { return .letter(UInt8(ascii: "s"), UInt8(ascii: "s")) }
    if code == 0xD7 || code == 0xF7 { return .other }
    if code < 0x180 {
      let plain = Letters.plain(
        UInt8(truncatingIfNeeded: 0xC0 | code >> 6), UInt8(truncatingIfNeeded: 0x80 | code & 63))
      if plain != 0 { return .letter(plain, 0) }
    }
    return two(code)
  }

  /// Latin letters with marks, of which the alphabet's order tells most (U+1E00 to U+1EFF): Vietnamese is what is met.
  private static func plainExtended(_ code: UInt32) -> UInt8 {
    switch code {
    case 0x1EA0...0x1EB7: UInt8(ascii: "a")
    case 0x1EB8...0x1EC7: UInt8(ascii: "e")
    case 0x1EC8...0x1ECB: UInt8(ascii: "i")
    case 0x1ECC...0x1EE3: UInt8(ascii: "o")
    case 0x1EE4...0x1EF1: UInt8(ascii: "u")
    case 0x1EF2...0x1EF9: UInt8(ascii: "y")
    case 0x1E18...0x1E1D: UInt8(ascii: "e")
    case 0x1E62...0x1E69: UInt8(ascii: "s")
    case 0x1E6A...0x1E71: UInt8(ascii: "t")
    default: UInt8(ascii: "x")
    }
  }

  /// The Latin letter that a folded Cyrillic or Greek one looks like; 0: none.
  static func lookAlike(_ lead: UInt8, _ next: UInt8) -> UInt8 {
    switch UInt32(lead & 0x1F) << 6 | UInt32(next & 63) {
    case 0x430, 0x3B1: UInt8(ascii: "a")
    case 0x435, 0x3B5: UInt8(ascii: "e")
    case 0x43E, 0x3BF: UInt8(ascii: "o")
    case 0x440, 0x3C1: UInt8(ascii: "p")
    case 0x441: UInt8(ascii: "c")
    case 0x443, 0x3B3: UInt8(ascii: "y")
    case 0x445, 0x3C7: UInt8(ascii: "x")
    case 0x456, 0x3B9: UInt8(ascii: "i")
    case 0x458: UInt8(ascii: "j")
    case 0x455: UInt8(ascii: "s")
    case 0x501: UInt8(ascii: "d")
    case 0x4BB, 0x43D: UInt8(ascii: "h")
    case 0x51B: UInt8(ascii: "q")
    case 0x51D, 0x3C9: UInt8(ascii: "w")
    case 0x43A, 0x3BA: UInt8(ascii: "k")
    case 0x43C: UInt8(ascii: "m")
    case 0x442, 0x3C4: UInt8(ascii: "t")
    case 0x432, 0x3B2: UInt8(ascii: "b")
    case 0x433: UInt8(ascii: "r")
    case 0x43F, 0x3B7: UInt8(ascii: "n")
    case 0x3C5: UInt8(ascii: "u")
    case 0x3BD: UInt8(ascii: "v")
    case 0x3B6: UInt8(ascii: "z")
    case 0x3BC: UInt8(ascii: "m")
    default: 0
    }
  }
}
