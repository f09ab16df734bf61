// Addresses of electronic mail (RFC 5321 section 4.1.2, as far as they are in use; letters of RFC 6531 up to U+024F).

internal import Wire

enum Email {
  private static let localCeiling = 64
  private static let domainCeiling = 253

  /// Endings of files' names, which are no top-level domains: `logo@2x.png`.
  private static let files: [UInt64] = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "bmp", "js", "mjs", "cjs", "ts", "tsx", "jsx", "css",
    "scss",
    "html", "htm", "json", "yaml", "yml", "txt", "java", "cpp", "hpp", "lock", "toml", "xml", "pdf", "map",
    "log",
    "swift", "conf", "ini", "bak", "exe", "dll", "tgz", "gz", "tar", "whl", "jar", "so", "dylib", "pyc",
    "ipynb",
  ].map { (name: StaticString) in packed(name.bytes) }

  /// The address around the `@` at `at`.
  static func find(_ text: Span<UInt8>, at: Int, _ scheme: inout SchemeSearch) -> Range<Int>? {
    // `scheme://user@host` is no address.
    guard at > 0, at + 1 < text.count, text[at + 1] != UInt8(ascii: "@"), isLocal(text, at - 1),
      let end = domainEnd(text, at + 1), let start = localStart(text, at), !scheme.stands(text, before: start)
    else { return nil }
    return start..<end
  }

  // MARK: Before the sign

  private static func localStart(_ text: Span<UInt8>, _ at: Int) -> Int? {
    let floor = max(at - localCeiling, 0)
    var start = at
    while start > floor, isLocal(text, start - 1) { start -= 1 }
    // What is in quotes, or is the value of something, begins behind the sign.
    for place in start..<at where text[place] == UInt8(ascii: "=") { start = place + 1 }
    while start < at, isEdge(text[start]) { start += 1 }
    guard start < at, text[at - 1] != UInt8(ascii: ".") else { return nil }
    for place in start..<at - 1 where text[place] == UInt8(ascii: ".") && text[place + 1] == UInt8(ascii: ".")
    {
      return nil
    }
    if start == floor, floor > 0, isLocal(text, floor - 1) { return nil }
    // `scheme://user@host` and `scheme://user:word@host` are no addresses.
    for place in start..<at - 1 where text[place] == UInt8(ascii: "/") && text[place + 1] == UInt8(ascii: "/")
    {
      return nil
    }
    return start
  }

  private static func isLocal(_ text: Span<UInt8>, _ at: Int) -> Bool {
    let byte = text[at]
    if Letters.isAlnum(byte) { return true }
    switch byte {
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
      UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="),
      UInt8(ascii: "?"), UInt8(ascii: "^"), 0x5F, UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"),
      UInt8(ascii: "~"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "`"):
      return true
    case 0xC3...0xC9: return true
    case 0x80...0xBF: return at > 0 && text[at - 1] >= 0xC3 && text[at - 1] <= 0xC9
    default: return false
    }
  }

  /// What may stand around an address rather than begin one.
  private static func isEdge(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "'"), UInt8(ascii: "`"), UInt8(ascii: "."), UInt8(ascii: "*"), UInt8(ascii: "|"),
      UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "!"), UInt8(ascii: "?"), UInt8(ascii: "&"),
      UInt8(ascii: "~"),
      UInt8(ascii: "^"):
      true
    default: false
    }
  }

  // MARK: Behind it

  private static func domainEnd(_ text: Span<UInt8>, _ from: Int) -> Int? {
    let limit = min(from + domainCeiling, text.count)
    var at = from
    var labels = 0
    var last: Range<Int>?
    while at < limit {
      let start = at
      var onlyLetters = true
      while at < limit, isLabel(text[at]) {
        if Letters.isDigit(text[at]) || text[at] == UInt8(ascii: "-") { onlyLetters = false }
        at += 1
      }
      let count = at - start
      guard count > 0, count <= 63, text[start] != UInt8(ascii: "-"), text[at - 1] != UInt8(ascii: "-") else {
        break
      }
      labels += 1
      last = labels > 1 && onlyLetters && count >= 2 && count <= 24 ? start..<at : nil
      if labels > 9 { return nil }
      guard at + 1 < limit, text[at] == UInt8(ascii: "."), isLabel(text[at + 1]),
        text[at + 1] != UInt8(ascii: "-")
      else {
        break
      }
      at += 1
    }
    guard let last, !isFile(text.extracting(last)) else { return nil }
    let end = last.upperBound
    guard end < text.count else { return end }
    switch text[end] {
    case UInt8(ascii: "@"), 0x5F: return nil
    case ASCII.colon:
      // `git@host.example:path`: a place in a repository.
      let isPath =
        end + 1 < text.count && (Letters.isLetter(text[end + 1]) || text[end + 1] == UInt8(ascii: "~"))
      return isPath ? nil : end
    default: return end
    }
  }

  private static func isLabel(_ byte: UInt8) -> Bool {
    Letters.isAlnum(byte) || byte == UInt8(ascii: "-") || byte >= 0xC3 && byte <= 0xC9 || byte & 0xC0 == 0x80
  }

  private static func isFile(_ label: Span<UInt8>) -> Bool {
    label.count <= 5 && files.contains(packed(label))
  }

  /// Up to eight letters as a number, in lower case.
  private static func packed(_ label: Span<UInt8>) -> UInt64 {
    var number: UInt64 = 0
    for at in 0..<min(label.count, 8) { number = number << 8 | UInt64(label[at] | 0x20) }
    return number
  }
}
