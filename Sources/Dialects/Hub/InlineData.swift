// `data:` URLs (RFC 2397), as clients put images and documents into their messages.

package import Wire

/// What a `data:` URL holds.
package struct InlineData: Sendable {
  /// In lower case, without parameters; `image/jpg`, which no registry has, is `image/jpeg`.
  package let mediaType: [UInt8]
  /// Where the base64 text lies in the body.
  private let base64: Range<Int>

  /// Reads the string in `range`; nil where it is no `data:` URL in base64.
  package init?(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    let content = JSONString.content(bytes, range)
    guard content.count > 5, content.extracting(0..<5).equalsIgnoringCase("data:") else { return nil }
    guard let comma = Self.index(of: ASCII.comma, in: content, from: 5) else { return nil }
    var type: [UInt8] = []
    var parameters = comma
    for at in 5..<comma {
      if content[at] == UInt8(ascii: ";") {
        parameters = at
        break
      }
      // A client may escape the slash.
      if content[at] != ASCII.backslash, content[at] > ASCII.space { type.append(ASCII.lower(content[at])) }
    }
    let rest = content.extracting(parameters..<comma)
    guard rest.count >= 7, rest.extracting(rest.count - 7..<rest.count).equalsIgnoringCase(";base64") else {
      return nil
    }
    if type.isEmpty { type = ("text/plain" as StaticString).bytes.array() }
    if type.span.equals("image/jpg") { type = ("image/jpeg" as StaticString).bytes.array() }
    mediaType = type
    let start = range.lowerBound + (range.count - content.count) / 2
    base64 = start + comma + 1..<start + content.count
  }

  /// A text that is base64 alone, between the quotes of the string in `range`.
  package init(bare bytes: Span<UInt8>, _ range: Range<Int>, as type: StaticString) {
    mediaType = type.bytes.array()
    let inset = (range.count - JSONString.content(bytes, range).count) / 2
    base64 = range.lowerBound + inset..<range.upperBound - inset
  }

  // MARK: What the bytes are

  /// The media type: what the first bytes say, whatever the URL calls it, for providers compare the two; else the URL's
  /// own.
  package func type(_ bytes: Span<UInt8>) -> [UInt8] {
    let first = first(bytes)
    func begins(_ signature: StaticString, at start: Int = 0) -> Bool {
      let end = start + signature.utf8CodeUnitCount
      return first.count >= end && first.span.extracting(start..<end).equals(signature)
    }
    let found: StaticString? =
      if first.starts(with: [0x89, 0x50, 0x4E, 0x47]) {
        "image/png"
      } else if first.starts(with: [0xFF, 0xD8, 0xFF]) {
        "image/jpeg"
      } else if begins("GIF8") {
        "image/gif"
      } else if begins("RIFF"), begins("WEBP", at: 8) {
        "image/webp"
      } else if begins("%PDF") {
        "application/pdf"
      } else if first.starts(with: [0x49, 0x49, 0x2A, 0]) || first.starts(with: [0x4D, 0x4D, 0, 0x2A]) {
        "image/tiff"
      } else if begins("ftyp", at: 4), let brand = Self.brands.first(where: { begins($0.name, at: 8) }) {
        brand.type
      } else {
        nil
      }
    return found.map { $0.bytes.array() } ?? mediaType
  }

  /// Of pictures in ISO's container for media (ISO/IEC 23008-12).
  private static let brands: [(name: StaticString, type: StaticString)] = [
    ("heic", "image/heic"), ("heix", "image/heic"), ("hevc", "image/heic"), ("heim", "image/heic"),
    ("heis", "image/heic"), ("mif1", "image/heif"), ("msf1", "image/heif"), ("avif", "image/avif"),
    ("avis", "image/avif"),
  ]

  /// The first twelve bytes, or as many as there are.
  private func first(_ bytes: Span<UInt8>) -> [UInt8] {
    var text = ByteQueue()
    // Sixteen digits are twelve bytes; each may be escaped, and lines may be wrapped.
    let content = bytes.extracting(base64)
    InlineData.appendBase64(content.extracting(first: 48), into: &text)
    var found: [UInt8] = []
    var bits: UInt32 = 0
    for at in 0..<min(text.count, 16) {
      guard let digit = Self.digit(text.bytes[at]) else { break }
      bits = bits << 6 | UInt32(digit)
      if at % 4 > 0 { found.append(UInt8(truncatingIfNeeded: bits >> UInt32(6 - 2 * (at % 4)))) }
    }
    return found
  }

  /// What a digit of base64 stands for (RFC 4648 section 4).
  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - 0x41
    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 0x61 + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 0x30 + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }

  // MARK: Base64

  /// Appends the base64 text with the padding that belongs to it, without white space and escapes.
  package func appendBase64(_ bytes: Span<UInt8>, into out: inout ByteQueue) {
    InlineData.appendBase64(bytes.extracting(base64), into: &out)
  }

  /// Appends base64 text that lies between the quotes of a JSON string, as `appendBase64`.
  package static func appendBase64(_ text: Span<UInt8>, into out: inout ByteQueue) {
    let before = out.count
    var start = 0
    var at = 0
    while at < text.count {
      let byte = text[at]
      if byte == ASCII.backslash || byte <= ASCII.space {
        out.append(text.extracting(start..<at))
        at += byte == ASCII.backslash ? appendEscaped(text, at, into: &out) : 1
        start = min(at, text.count)
        continue
      }
      at += 1
    }
    if start < text.count { out.append(text.extracting(start..<text.count)) }
    let excess = (out.count - before) % 4
    if excess > 1 { for _ in excess..<4 { out.append(UInt8(ascii: "=")) } }
  }

  /// Appends the digit that the escape at `at` stands for: `\/` is a slash, and some writers escape more than they must
  /// (.NET writes `\u002B` for a plus). `\n` and its like are line ends of wrapped text, and no digits.
  ///
  /// - Returns: the escape's length.
  private static func appendEscaped(_ text: Span<UInt8>, _ at: Int, into out: inout ByteQueue) -> Int {
    guard at + 1 < text.count else { return 1 }
    if text[at + 1] == UInt8(ascii: "/") { out.append(UInt8(ascii: "/")) }
    guard text[at + 1] == UInt8(ascii: "u"), at + 5 < text.count else { return 2 }
    var value: UInt32 = 0
    for place in at + 2..<at + 6 {
      guard let digit = ASCII.hexadecimal(text[place]) else { return 2 }
      value = value << 4 | UInt32(digit)
    }
    if value > ASCII.space, value < 0x7F { out.append(UInt8(truncatingIfNeeded: value)) }
    return 6
  }

  /// Whether a text that is no `data:` URL in base64 is some other address, or the start of one: base64 has no colon.
  package static func isAddress(_ text: Span<UInt8>) -> Bool {
    index(of: ASCII.colon, in: text, from: 0) != nil
  }

  private static func index(of byte: UInt8, in bytes: Span<UInt8>, from: Int) -> Int? {
    // A media type is short: what has no comma soon is no such URL.
    for at in from..<min(bytes.count, 1024) where bytes[at] == byte { return at }
    return nil
  }
}
