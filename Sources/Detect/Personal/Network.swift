// Addresses of the network: IPv4 and IPv6 (RFC 4291 section 2.2) with port or mask, and MAC.

internal import Wire

enum Network {
  /// An IPv4 address with what belongs to it, which begins at `start`, a digit.
  static func ipv4(_ text: Span<UInt8>, at start: Int) -> Range<Int>? {
    guard Letters.isFree(text, before: start), !(start > 0 && text[start - 1] == UInt8(ascii: ".")),
      let end = octets(text, from: start)
    else { return nil }
    return start..<tail(text, end)
  }

  /// Where four octets end; nil where there aren't four, or a fifth follows, or they name no host.
  private static func octets(_ text: Span<UInt8>, from start: Int) -> Int? {
    var at = start
    var values = InlineArray<4, Int>(repeating: 0)
    for place in 0..<4 {
      let first = at
      var value = 0
      while at < text.count, at - first < 4, Letters.isDigit(text[at]) {
        value = value * 10 + Int(text[at] & 0x0F)
        at += 1
      }
      guard at > first, at - first < 4, value <= 255, at - first == 1 || text[first] != 0x30 else {
        return nil
      }
      values[place] = value
      if place < 3 {
        guard at < text.count, text[at] == UInt8(ascii: ".") else { return nil }
        at += 1
      }
    }
    if Letters.isWord(text, at: at) { return nil }
    if at < text.count, text[at] == UInt8(ascii: ".") || text[at] == UInt8(ascii: "-"),
      Letters.isWord(text, at: at + 1)
    {
      return nil
    }
    if values[0] == 255 || values[0] == 127 { return nil }
    if values[0] == 0, values[1] == 0, values[2] == 0, values[3] == 0 { return nil }
    return at
  }

  /// Takes a port or a mask that follows.
  private static func tail(_ text: Span<UInt8>, _ end: Int) -> Int {
    guard end < text.count else { return end }
    let most =
      switch text[end] {
      case ASCII.colon: 5
      case UInt8(ascii: "/"): 2
      default: 0
      }
    var at = end + 1
    while at < text.count, at - end <= most, Letters.isDigit(text[at]) { at += 1 }
    return at > end + 1 && !Letters.isWord(text, at: at) ? at : end
  }

  /// An IPv6 address that begins at `start`, a hexadecimal digit or the first of two colons.
  ///
  /// - Parameter end: becomes the end of what was looked at, which can hold no other.
  static func ipv6(_ text: Span<UInt8>, at start: Int, end looked: inout Int) -> Range<Int>? {
    var at = start
    var groups = 0
    var digits = 0
    var hasGap = false
    var isOne = true
    defer { looked = max(looked, at) }
    if at + 1 < text.count, text[at] == ASCII.colon {
      guard text[at + 1] == ASCII.colon else { return nil }
      hasGap = true
      at += 2
    }
    while at < text.count, groups < 8 {
      let first = at
      while at < text.count, at - first < 5, Letters.isHex(text[at]) { at += 1 }
      let count = at - first
      if count == 0 { break }
      if count > 4 { return nil }
      if at < text.count, text[at] == UInt8(ascii: "."), groups == 6 || hasGap && groups < 6 {
        guard let end = octets(text, from: first) else { return nil }
        at = end
        groups += 2
        digits += 8
        break
      }
      groups += 1
      digits += count
      for place in first..<at where text[place] != 0x30 && !(place == at - 1 && text[place] == 0x31) {
        isOne = false
      }
      guard at + 1 < text.count, text[at] == ASCII.colon else { break }
      if text[at + 1] == ASCII.colon {
        if hasGap { return nil }
        hasGap = true
        at += 2
      } else if Letters.isHex(text[at + 1]) {
        at += 1
      } else {
        break
      }
    }
    guard hasGap ? groups <= 7 && digits >= 5 : groups == 8 else { return nil }
    if isOne || Letters.isWord(text, at: at) || Letters.isWord(text, before: start) { return nil }
    if start > 0, text[start - 1] == ASCII.colon { return nil }
    if at < text.count, text[at] == ASCII.colon,
      Letters.isWord(text, at: at + 1) || text[at - 1] == ASCII.colon
    {
      return nil
    }
    if at < text.count, text[at] == UInt8(ascii: "/") {
      var mask = at + 1
      while mask < text.count, mask - at <= 3, Letters.isDigit(text[mask]) { mask += 1 }
      if mask > at + 1, !Letters.isWord(text, at: mask) { at = mask }
    }
    return start..<at
  }

  /// A MAC address that begins at `start`, a hexadecimal digit.
  static func mac(_ text: Span<UInt8>, at start: Int) -> Range<Int>? {
    guard start + 14 <= text.count, Letters.isFree(text, before: start),
      start == 0 || text[start - 1] != ASCII.colon
    else { return nil }
    let isDotted = text[start + 4] == UInt8(ascii: ".")
    let width = isDotted ? 4 : 2
    let mark = text[start + width]
    guard isDotted || mark == ASCII.colon || mark == UInt8(ascii: "-") else { return nil }
    let groups = isDotted ? 3 : 6
    let end = start + groups * (width + 1) - 1
    guard end <= text.count, text[start + width + 1 + width] == mark else { return nil }
    var allZero = true
    var allOne = true
    for at in start..<end {
      if (at - start) % (width + 1) == width {
        if text[at] != mark { return nil }
      } else {
        guard Letters.isHex(text[at]) else { return nil }
        if text[at] != 0x30 { allZero = false }
        if text[at] | 0x20 != UInt8(ascii: "f") { allOne = false }
      }
    }
    if allZero || allOne || Letters.isWord(text, at: end) { return nil }
    if end < text.count, text[end] == mark, Letters.isWord(text, at: end + 1) { return nil }
    return start..<end
  }
}
