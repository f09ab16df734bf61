// Bytes as text of 64 letters (RFC 4648).

package enum Base64 {
  /// Which 64 letters, and whether the end is filled up.
  package enum Alphabet: Sendable {
    /// Section 4, with `=` at the end.
    case standard
    /// Section 5, without `=`, as tokens have it (RFC 7515 section 2).
    case url
  }

  /// Appends `bytes` in base64.
  package static func encode(
    _ bytes: Span<UInt8>, _ alphabet: Alphabet = .standard, into out: inout ByteQueue
  ) {
    out.reserve((bytes.count + 2) / 3 * 4)
    var at = 0
    while at + 3 <= bytes.count {
      let group = UInt32(bytes[at]) << 16 | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2])
      out.append(letter(group >> 18 & 63, alphabet))
      out.append(letter(group >> 12 & 63, alphabet))
      out.append(letter(group >> 6 & 63, alphabet))
      out.append(letter(group & 63, alphabet))
      at += 3
    }
    let rest = bytes.count - at
    guard rest > 0 else { return }
    let group = UInt32(bytes[at]) << 16 | (rest == 2 ? UInt32(bytes[at + 1]) << 8 : 0)
    out.append(letter(group >> 18 & 63, alphabet))
    out.append(letter(group >> 12 & 63, alphabet))
    if rest == 2 { out.append(letter(group >> 6 & 63, alphabet)) }
    if case .standard = alphabet { out.append(rest == 1 ? "==" : "=") }
  }

  private static func letter(_ value: UInt32, _ alphabet: Alphabet) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: value)
    switch value {
    case 0..<26: return UInt8(ascii: "A") + value
    case 26..<52: return UInt8(ascii: "a") + value - 26
    case 52..<62: return UInt8(ascii: "0") + value - 52
    case 62: return alphabet == .url ? UInt8(ascii: "-") : UInt8(ascii: "+")
    default: return alphabet == .url ? UInt8(ascii: "_") : UInt8(ascii: "/")
    }
  }
}
