// A word under way, folded.

/// The word's letters as far as they can matter, and its hash.
struct WordBuffer {
  static let ceiling = 64
  /// A word of so many letters may be no word.
  static let oddLength = 20

  private(set) var bytes = InlineArray<64, UInt8>(repeating: 0)
  /// Bytes that are held.
  private(set) var count = 0
  /// Characters that it has.
  private(set) var length = 0
  private(set) var hash = WordHash()
  private(set) var hasLatin = false
  private(set) var hasWide = false
  private(set) var hasDigit = false
  private(set) var hasSign = false
  /// Where it begins in the text.
  var start = 0

  var isEmpty: Bool { length == 0 }
  /// It may be more than it looks.
  var isOdd: Bool { hasWide || hasDigit || hasSign || length >= Self.oddLength }

  @inline(__always) mutating func clear() {
    count = 0
    length = 0
    hash = WordHash()
    hasLatin = false
    hasWide = false
    hasDigit = false
    hasSign = false
  }

  @inline(__always) private mutating func put(_ byte: UInt8) {
    if count < Self.ceiling {
      bytes[count] = byte
      count &+= 1
    }
    hash.feed(byte)
  }

  @inline(__always) mutating func append(letter byte: UInt8) {
    put(byte)
    length &+= 1
    hasLatin = true
  }

  @inline(__always) mutating func append(digit byte: UInt8) {
    put(byte)
    length &+= 1
    hasDigit = true
  }

  mutating func append(_ byte: UInt8) {
    put(byte)
    length &+= 1
  }

  mutating func append(sign byte: UInt8) {
    append(byte)
    hasSign = true
  }

  mutating func append(wide first: UInt8, _ second: UInt8) {
    put(first)
    put(second)
    length &+= 1
    hasWide = true
  }

  mutating func append(from other: WordBuffer) {
    for at in 0..<other.count { put(other.bytes[at]) }
    length &+= 1
  }

  enum Form { case lookAlikes, leetI, leetL }

  /// The hash of the word with other letters for what isn't one; nil where something stands for none.
  func plain(_ form: Form) -> UInt64? {
    guard count < Self.ceiling else { return nil }
    var hash = WordHash()
    var at = 0
    while at < count {
      let byte = bytes[at]
      if byte >= 0x80 {
        guard at + 1 < count, case .lookAlikes = form else { return nil }
        let letter = Folding.lookAlike(byte, bytes[at + 1])
        if letter == 0 { return nil }
        hash.feed(letter)
        at += 2
        continue
      }
      switch form {
      case .lookAlikes: hash.feed(byte)
      case .leetI: hash.feed(Self.leet(byte, one: UInt8(ascii: "i")))
      case .leetL: hash.feed(Self.leet(byte, one: UInt8(ascii: "l")))
      }
      at += 1
    }
    return hash.value
  }

  private static func leet(_ byte: UInt8, one: UInt8) -> UInt8 {
    switch byte {
    case UInt8(ascii: "0"): UInt8(ascii: "o")
    case UInt8(ascii: "1"), UInt8(ascii: "|"), UInt8(ascii: "!"): one
    case UInt8(ascii: "3"): UInt8(ascii: "e")
    case UInt8(ascii: "4"), UInt8(ascii: "@"): UInt8(ascii: "a")
    case UInt8(ascii: "5"), UInt8(ascii: "$"): UInt8(ascii: "s")
    case UInt8(ascii: "7"), UInt8(ascii: "+"): UInt8(ascii: "t")
    case UInt8(ascii: "8"): UInt8(ascii: "b")
    case UInt8(ascii: "9"): UInt8(ascii: "g")
    default: byte
    }
  }

  /// Calls `each` with the hash of every part between signs.
  func forEachPart(_ each: (UInt64) -> Void) {
    var hash = WordHash()
    var length = 0
    for at in 0..<count {
      switch bytes[at] {
      case UInt8(ascii: "@"), UInt8(ascii: "$"), UInt8(ascii: "!"), UInt8(ascii: "|"), UInt8(ascii: "+"):
        if length > 0 { each(hash.value) }
        hash = WordHash()
        length = 0
      default:
        hash.feed(bytes[at])
        length += 1
      }
    }
    if length > 0 { each(hash.value) }
  }
}
