// Bytes as text of 64 letters (RFC 4648), byte by byte.

/// Encodes bytes as they come.
package struct Base64Encoder: Sendable {
  /// Which 64 letters, and whether the end is filled up.
  package enum Alphabet: Sendable {
    /// Section 4, with `=` at the end.
    case standard
    /// Section 5, without `=`, as tokens have it (RFC 7515 section 2).
    case url
  }

  private let alphabet: Alphabet
  private var pending: UInt32 = 0
  private var count = 0

  package init(_ alphabet: Alphabet = .standard) { self.alphabet = alphabet }

  /// Appends the whole of `bytes` in base64.
  package static func encode(
    _ bytes: Span<UInt8>, _ alphabet: Alphabet = .standard, into out: inout ByteQueue
  ) {
    var encoder = Base64Encoder(alphabet)
    for at in 0..<bytes.count { encoder.append(bytes[at], into: &out) }
    encoder.end(into: &out)
  }

  /// Takes the next byte.
  package mutating func append(_ byte: UInt8, into out: inout ByteQueue) {
    pending = pending << 8 | UInt32(byte)
    count += 1
    if count == 3 {
      write(4, pending, into: &out)
      pending = 0
      count = 0
    }
  }

  /// Writes what is left, with its padding.
  package mutating func end(into out: inout ByteQueue) {
    guard count > 0 else { return }
    write(count + 1, pending << UInt32(8 * (3 - count)), into: &out)
    if alphabet == .standard {
      for _ in count..<3 { out.append(UInt8(ascii: "=")) }
    }
    pending = 0
    count = 0
  }

  private func write(_ digits: Int, _ word: UInt32, into out: inout ByteQueue) {
    for at in 0..<digits {
      out.append(digit(UInt8(truncatingIfNeeded: word >> UInt32(18 - 6 * at) & 63)))
    }
  }

  private func digit(_ value: UInt8) -> UInt8 {
    switch value {
    case 0..<26: value + UInt8(ascii: "A")
    case 26..<52: value - 26 + UInt8(ascii: "a")
    case 52..<62: value - 52 + UInt8(ascii: "0")
    case 62: alphabet == .url ? UInt8(ascii: "-") : UInt8(ascii: "+")
    default: alphabet == .url ? UInt8(ascii: "_") : UInt8(ascii: "/")
    }
  }
}

/// Bytes out of such text.
package enum Base64 {
  /// Appends what `text` stands for, in either alphabet; what is no letter of them is passed over.
  package static func decode(_ text: Span<UInt8>, into out: inout ByteQueue) {
    var word: UInt32 = 0
    var bits: UInt32 = 0
    for at in 0..<text.count {
      guard let digit = digit(text[at]) else { continue }
      word = word << 6 | UInt32(digit)
      bits += 6
      if bits < 8 { continue }
      bits -= 8
      out.append(UInt8(truncatingIfNeeded: word >> bits))
    }
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }
}
