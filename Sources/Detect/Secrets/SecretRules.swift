// Credentials, known by their issuers' prefixes: a row says how one looks, and is matched from left to right without
// ever going back.

import Glibc
internal import Wire

/// How one kind of credential looks.
struct SecretRule: Sendable {
  /// Bytes of one kind, so many of them.
  struct Part: Sendable {
    var low: UInt64 = 0
    var high: UInt64 = 0
    var least = 1
    var most = 1
    /// The place of its bytes among all kinds of them.
    var place = ReadAhead.classCeiling

    @inline(__always) func takes(_ byte: UInt8) -> Bool {
      if byte >= 128 { return false }
      return byte < 64 ? low >> UInt64(byte) & 1 == 1 : high >> UInt64(byte & 63) & 1 == 1
    }

    mutating func add(_ byte: UInt8) {
      if byte < 64 { low |= 1 << UInt64(byte) } else if byte < 128 { high |= 1 << UInt64(byte & 63) }
    }
  }

  let name: String
  /// Shannon entropy in bits that each of its bytes has at least.
  let entropy: Double
  let prefix: [UInt8]
  let parts: [Part]
  /// A text that it must hold.
  let needed: [UInt8]

  /// Reads a row: name, entropy, pattern, and what it must hold.
  ///
  /// - Parameter kinds: gets a number for each kind of bytes.
  init?(_ row: Substring, _ kinds: inout [[UInt64]: Int]) {
    let words = row.split(separator: " ")
    guard words.count >= 3 else { return nil }
    name = String(words[0])
    entropy = (Double(words[1]) ?? 0)
    needed = words.count > 3 ? Array(words[3].utf8) : []
    var prefix: [UInt8] = []
    var parts: [Part] = []
    let bytes = Array(words[2].utf8)
    var at = 0
    while at < bytes.count {
      var part = Part()
      if bytes[at] == UInt8(ascii: "[") {
        at += 1
        while at < bytes.count, bytes[at] != UInt8(ascii: "]") {
          if at + 2 < bytes.count, bytes[at + 1] == UInt8(ascii: "-"), bytes[at + 2] != UInt8(ascii: "]") {
            for byte in bytes[at]...max(bytes[at], bytes[at + 2]) { part.add(byte) }
            at += 3
          } else {
            part.add(bytes[at])
            at += 1
          }
        }
        at += 1
        Self.readCount(bytes, &at, &part)
      } else {
        part.add(bytes[at])
        if parts.isEmpty { prefix.append(bytes[at]) }
        at += 1
        if prefix.count > 0, parts.isEmpty { continue }
      }
      parts.append(part)
    }
    guard prefix.count >= 2 else { return nil }
    for at in parts.indices where parts[at].most > 1 {
      let bytes = [parts[at].low, parts[at].high]
      parts[at].place = kinds[bytes] ?? kinds.count
      kinds[bytes] = parts[at].place
    }
    self.prefix = prefix
    self.parts = parts
  }

  /// `{20}`, `{27,300}`.
  private static func readCount(_ bytes: [UInt8], _ at: inout Int, _ part: inout Part) {
    guard at < bytes.count, bytes[at] == UInt8(ascii: "{"),
      let close = bytes[at...].firstIndex(of: UInt8(ascii: "}"))
    else { return }
    let numbers = String(decoding: bytes[at + 1..<close], as: UTF8.self).split(separator: ",")
    part.least = numbers.first.flatMap { Int($0) } ?? 1
    part.most = numbers.last.flatMap { Int($0) } ?? part.least
    at = close + 1
  }

  /// Bits a byte.
  static func entropy(_ text: Span<UInt8>) -> Double {
    var counts = InlineArray<128, Int32>(repeating: 0)
    for at in 0..<text.count { counts[Int(text[at] & 127)] += 1 }
    var sum = 0.0
    let whole = Double(text.count)
    for at in 0..<128 where counts[at] > 0 {
      let share = Double(counts[at]) / whole
      sum -= share * log2(share)
    }
    return sum
  }
}

/// All rules, found by a word's first two bytes.
struct SecretRules: Sendable {
  static let shared = SecretRules()

  let rules: [SecretRule]
  /// The rules' prefixes and parts, one behind the other, and where each rule's begin and the last one's end. To read
  /// them off the rules would copy and count references for each.
  private let prefixes: [UInt8]
  private let prefixStarts: [Int]
  private let parts: [SecretRule.Part]
  private let partStarts: [Int]
  /// A bit for each pair of first bytes with which a rule begins.
  private var pairs = [UInt64](repeating: 0, count: 1024)
  /// The first eight bytes of each rule's prefix, those of one first byte together; of a shorter prefix the rest is masked.
  /// To look at a rule itself costs more than most words are worth.
  private var heads: [UInt64] = []
  private var masks: [UInt64] = []
  /// Whose they are.
  private var owners: [Int] = []
  /// Where the rules with each first byte begin among them.
  private var starts: [Int] = []

  /// Rules that aren't rows of the table have these places behind them.
  private enum Special: Int { case privateKey, terraform, azure, maxmind }

  private init() {
    var kinds: [[UInt64]: Int] = [:]
    rules = Self.table.split(separator: "\n").compactMap { SecretRule($0, &kinds) }
    prefixes = rules.flatMap { $0.prefix }
    prefixStarts = rules.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.prefix.count) }
    parts = rules.flatMap { $0.parts }
    partStarts = rules.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.parts.count) }
    for rule in rules { note(rule.prefix[0], rule.prefix[1]) }
    for first in 0..<256 {
      starts.append(heads.count)
      for (place, rule) in rules.enumerated() where Int(rule.prefix[0]) == first {
        var (head, mask): (UInt64, UInt64) = (0, 0)
        for at in 0..<min(rule.prefix.count, 8) {
          head |= UInt64(rule.prefix[at]) << UInt64(at * 8)
          mask |= 0xFF << UInt64(at * 8)
        }
        heads.append(head)
        masks.append(mask)
        owners.append(place)
      }
    }
    starts.append(heads.count)
    note(UInt8(ascii: "B"), UInt8(ascii: "E"))
    note(UInt8(ascii: "a"), UInt8(ascii: "t"))
  }

  private mutating func note(_ first: UInt8, _ second: UInt8) {
    let pair = Int(first) << 8 | Int(second)
    pairs[pair >> 6] |= 1 << UInt64(pair & 63)
  }

  /// The name of the rule at this place.
  func name(_ rule: Int) -> String {
    if rule < rules.count { return rules[rule].name }
    return switch Special(rawValue: rule - rules.count) {
    case .privateKey: "private-key"
    case .terraform: "hashicorp-tf-api-token"
    case .azure: "azure-ad-client-secret"
    case .maxmind: "maxmind-license-key"
    default: "secret"
    }
  }

  /// Looks whether a credential begins with the word at `start`.
  ///
  /// - Returns: where it ends, if one was found.
  @inline(__always)
  func find(
    _ text: Span<UInt8>, at start: Int, wordEnd: Int, _ ahead: inout ReadAhead, _ findings: inout [Finding]
  ) -> Int? {
    let pairs = pairs.span
    let pair = Int(text[start]) << 8 | Int(text[start &+ 1])
    if pairs[pair >> 6] >> UInt64(pair & 63) & 1 == 0, wordEnd &- start != 40 { return nil }
    return search(text, start, wordEnd, &ahead, &findings)
  }

  @inline(never)
  private func search(
    _ text: Span<UInt8>, _ start: Int, _ wordEnd: Int, _ ahead: inout ReadAhead, _ findings: inout [Finding]
  ) -> Int? {
    if wordEnd - start == 40, isMaxmind(text, start) {
      findings.append(Finding(start..<wordEnd, .secret, 90, rule: rules.count + Special.maxmind.rawValue))
      return wordEnd
    }
    if Letters.isWord(text, before: start) { return nil }
    var word: UInt64 = 0
    for at in start..<min(start &+ 8, text.count) { word |= UInt64(text[at]) << UInt64((at &- start) &* 8) }
    let (heads, masks, starts) = (heads.span, masks.span, starts.span)
    var best: (end: Int, rule: Int)?
    for at in starts[Int(text[start])]..<starts[Int(text[start]) + 1]
    where (word ^ heads[at]) & masks[at] == 0 {
      let place = owners[at]
      if let end = end(of: place, text, from: start, &ahead), end > best?.end ?? 0 { best = (end, place) }
    }
    if let best {
      findings.append(Finding(start..<best.end, .secret, 90, rule: best.rule))
      return best.end
    }
    if let place = privateKey(text, start, &ahead) {
      findings.append(Finding(place, .secret, 90, rule: rules.count + Special.privateKey.rawValue))
      return place.upperBound
    }
    if let place = terraform(text, start) {
      findings.append(Finding(place, .secret, 90, rule: rules.count + Special.terraform.rawValue))
      return place.upperBound
    }
    return nil
  }

  /// Where the credential of this rule ends that begins at `start`.
  private func end(of rule: Int, _ text: Span<UInt8>, from start: Int, _ ahead: inout ReadAhead) -> Int? {
    let (prefixes, prefixStarts) = (prefixes.span, prefixStarts.span)
    let prefix = prefixStarts[rule]..<prefixStarts[rule &+ 1]
    guard start + prefix.count <= text.count else { return nil }
    // The first eight bytes are known.
    var known = 8
    while known < prefix.count {
      if text[start &+ known] != prefixes[prefix.lowerBound &+ known] { return nil }
      known &+= 1
    }
    var at = start &+ prefix.count
    let (parts, partStarts) = (parts.span, partStarts.span)
    for place in partStarts[rule]..<partStarts[rule &+ 1] {
      let first = at
      if parts[place].most > 1 {
        at = ahead.end(of: parts[place], text, from: at)
      } else if at < text.count, parts[place].takes(text[at]) {
        at &+= 1
      }
      if at &- first < parts[place].least { return nil }
    }
    guard !Letters.isWord(text, at: at) else { return nil }
    let needed = rules[rule].needed
    if !needed.isEmpty, !ahead.has(needed, text, in: start..<at) { return nil }
    return ahead.has(rules[rule].entropy, text, in: start..<at) ? at : nil
  }

  /// `-----BEGIN … PRIVATE KEY-----` and what follows, up to its end.
  private func privateKey(_ text: Span<UInt8>, _ start: Int, _ ahead: inout ReadAhead) -> Range<Int>? {
    guard start >= 5, start + 5 < text.count, text.extracting(start..<start + 5).equals("BEGIN") else {
      return nil
    }
    for at in start - 5..<start where text[at] != UInt8(ascii: "-") { return nil }
    // The head names the kind of key in at most a hundred letters.
    let kind: StaticString = "PRIVATE KEY"
    guard let head = ahead.keyKind.first(kind.bytes, text, from: start, before: start + 118) else {
      return nil
    }
    let body = head + 11
    // A key is a few thousand letters long.
    let end = min(body + 16_384, text.count)
    let foot: StaticString = "KEY-----"
    if let last = ahead.keyEnd.first(foot.bytes, text, from: body + 65, before: end - 7) {
      return start - 5..<last + 8
    }
    // It may have been cut: what looks like base64 is a part of it.
    var at = body
    while at < end, Letters.isAlnum(text[at]) || "+/=-\n\r\\ ".utf8.contains(text[at]) { at += 1 }
    return at - body > 64 ? start - 5..<at : nil
  }

  /// `….atlasv1.…`
  private func terraform(_ text: Span<UInt8>, _ start: Int) -> Range<Int>? {
    guard start >= 15, start + 68 <= text.count, text[start - 1] == UInt8(ascii: "."),
      text.extracting(start..<start + 8).equals("atlasv1.")
    else { return nil }
    for at in start - 15..<start - 1 where !Letters.isAlnum(text[at]) { return nil }
    var at = start + 8
    while at < text.count, at < start + 78,
      Letters.isAlnum(text[at]) || text[at] == 0x2D || text[at] == 0x5F || text[at] == 0x3D
    { at += 1 }
    return at - start - 8 >= 60 ? start - 15..<at : nil
  }

  private func isMaxmind(_ text: Span<UInt8>, _ start: Int) -> Bool {
    text[start + 6] == 0x5F && text.extracting(start + 36..<start + 40).equals("_mmk")
      && SecretRule.entropy(text.extracting(start..<start + 40)) >= 4
  }

  /// Azure's client secrets have `Q~` in their middle; `at` is the tilde.
  func findTilde(_ text: Span<UInt8>, at: Int, _ findings: inout [Finding]) -> Int? {
    guard at >= 5, text[at - 1] == UInt8(ascii: "Q"), Letters.isDigit(text[at - 2]) else { return nil }
    let start = at - 5
    func isPart(_ byte: UInt8) -> Bool {
      Letters.isAlnum(byte) || byte == 0x5F || byte == UInt8(ascii: "~") || byte == UInt8(ascii: ".")
        || byte == 0x2D
    }
    for place in start..<at - 2 where !isPart(text[place]) { return nil }
    if start > 0, isPart(text[start - 1]) { return nil }
    var end = at + 1
    while end < text.count, end - at <= 35, isPart(text[end]) { end += 1 }
    while end > at + 32, text[end - 1] == UInt8(ascii: ".") { end -= 1 }
    guard (31...34).contains(end - at - 1), SecretRule.entropy(text.extracting(start..<end)) >= 3 else {
      return nil
    }
    findings.append(Finding(start..<end, .secret, 90, rule: rules.count + Special.azure.rawValue))
    return end
  }
}

/// The name of the rule of the secrets' table that found something.
package func secretRuleName(_ rule: Int) -> String { SecretRules.shared.name(rule) }
