// Numbers of bank accounts (ISO 13616) and of wallets (Bitcoin's base58 and bech32, Ethereum's hexadecimal).

internal import Wire

enum Accounts {
  // MARK: IBAN

  /// The account number that begins with the two letters at `start`.
  static func iban(_ text: Span<UInt8>, at start: Int) -> Range<Int>? {
    guard start + 15 <= text.count, Letters.isLetter(text[start]), Letters.isLetter(text[start + 1]),
      Letters.isDigit(text[start + 2]), Letters.isDigit(text[start + 3]), Letters.isFree(text, before: start)
    else { return nil }
    let length = ibanLength(text[start] & 0xDF, text[start + 1] & 0xDF)
    guard length > 0 else { return nil }
    // Country and check digits count behind the rest.
    var remainder: UInt64 = 0
    var taken = 0
    var at = start
    let isSpaced =
      start + 4 < text.count && (text[start + 4] == ASCII.space || text[start + 4] == UInt8(ascii: "-"))
    let sign = isSpaced ? text[start + 4] : 0
    while taken < length {
      if isSpaced, taken > 0, taken & 3 == 0 {
        guard at < text.count, text[at] == sign else { return nil }
        at += 1
      }
      guard at < text.count, Letters.isAlnum(text[at]) else { return nil }
      if taken >= 4 { remainder = feed(text[at], remainder) }
      taken += 1
      at += 1
    }
    for place in start..<start + 4 { remainder = feed(text[place], remainder) }
    guard remainder % 97 == 1, Letters.isFree(text, behind: at) else { return nil }
    return start..<at
  }

  /// Takes a digit, or a letter as two. A number as great as can be is divided, and not each one.
  @inline(__always) private static func feed(_ byte: UInt8, _ remainder: UInt64) -> UInt64 {
    let least = remainder < 1 &<< 56 ? remainder : remainder % 97
    return Letters.isDigit(byte)
      ? least &* 10 &+ UInt64(byte & 0x0F) : least &* 100 &+ UInt64(byte & 0xDF) &- 55
  }

  private static func ibanLength(_ first: UInt8, _ second: UInt8) -> Int {
    let table = ibanLengths
    let place = Int(first &- 65) * 26 + Int(second &- 65)
    return place < table.count ? Int(table[place]) : 0
  }

  private static let ibanLengths: [UInt8] = {
    var table = [UInt8](repeating: 0, count: 26 * 26)
    for word in ibanPlan.split(separator: " ") {
      let bytes = Array(word.utf8)
      guard bytes.count == 4 else { continue }
      table[Int(bytes[0] - 65) * 26 + Int(bytes[1] - 65)] = (bytes[2] & 0x0F) * 10 + (bytes[3] & 0x0F)
    }
    return table
  }()

  /// Countries and the lengths of their numbers (the registry of ISO 13616).
  private static let ibanPlan =
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 "
    + "EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 "
    + "IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 "
    + "NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 "
    + "SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"

  // MARK: Wallets

  /// The wallet whose address is the word `range`, and how sure it is.
  static func wallet(_ text: Span<UInt8>, _ range: Range<Int>) -> Int? {
    let count = range.count
    guard count >= 26, count <= 90 else { return nil }
    let first = text[range.lowerBound]
    if first == UInt8(ascii: "1") || first == UInt8(ascii: "3"), count <= 35 {
      return isBase58(text, range) ? 90 : nil
    }
    if first == UInt8(ascii: "0"), count == 42, text[range.lowerBound + 1] | 0x20 == UInt8(ascii: "x") {
      return isEthereum(text, range) ? 60 : nil
    }
    switch first | 0x20 {
    case UInt8(ascii: "b"), UInt8(ascii: "t"), UInt8(ascii: "l"): return isBech32(text, range) ? 90 : nil
    default: return nil
    }
  }

  /// Base58 with four bytes of a double SHA-256 behind a version and a hash of twenty.
  private static func isBase58(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
    // The number in pieces of 32 bits, the least first: of its 25 bytes the last piece has one.
    var pieces = InlineArray<7, UInt32>(repeating: 0)
    var at = range.lowerBound
    while at < range.upperBound {
      // Five digits have less than 32 bits: they are brought in together.
      var (taken, scale): (UInt64, UInt64) = (0, 1)
      let end = min(at &+ 5, range.upperBound)
      while at < end {
        guard let value = base58(text[at]) else { return false }
        taken = taken &* 58 &+ UInt64(value)
        scale &*= 58
        at &+= 1
      }
      for place in 0..<7 {
        taken &+= UInt64(pieces[place]) &* scale
        pieces[place] = UInt32(truncatingIfNeeded: taken)
        taken >>= 32
      }
      if taken != 0 { return false }
    }
    if pieces[6] > 0xFF { return false }
    func byte(_ at: Int) -> UInt8 {
      UInt8(truncatingIfNeeded: pieces[(24 - at) / 4] >> UInt32((24 - at) % 4 * 8))
    }
    var body = InlineArray<21, UInt8>(repeating: 0)
    for at in 0..<21 { body[at] = byte(at) }
    var inner = SHA256()
    inner.append(body.span)
    let once = inner.finish()
    var outer = SHA256()
    outer.append(once)
    let twice = outer.finish()
    for at in 0..<4 where twice[at] != byte(21 + at) { return false }
    return true
  }

  private static func base58(_ byte: UInt8) -> Int? {
    switch byte {
    case 0x31...0x39: Int(byte) - 0x31
    case 0x41...0x48: Int(byte) - 0x41 + 9
    case 0x4A...0x4E: Int(byte) - 0x4A + 17
    case 0x50...0x5A: Int(byte) - 0x50 + 22
    case 0x61...0x6B: Int(byte) - 0x61 + 33
    case 0x6D...0x7A: Int(byte) - 0x6D + 44
    default: nil
    }
  }

  /// BIP 173 and BIP 350.
  private static func isBech32(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
    let word = text.extracting(range)
    let prefix: Int
    if word.count > 4,
      word.extracting(0..<3).equalsIgnoringCase("bc1") || word.extracting(0..<3).equalsIgnoringCase("tb1")
    {
      prefix = 2
    } else if word.count > 5, word.extracting(0..<4).equalsIgnoringCase("ltc1") {
      prefix = 3
    } else {
      return false
    }
    var isLower = false
    var isUpper = false
    var check: UInt32 = 1
    for at in 0..<prefix { check = step(check, UInt32((word[at] | 0x20) >> 5)) }
    check = step(check, 0)
    for at in 0..<prefix { check = step(check, UInt32(word[at] | 0x20) & 31) }
    let alphabet = bech32Alphabet.bytes
    for at in 0..<word.count {
      if Letters.isUpper(word[at]) { isUpper = true } else if Letters.isLetter(word[at]) { isLower = true }
      guard at > prefix else { continue }
      var value: UInt32 = 32
      for place in 0..<32 where alphabet[place] == (Letters.isLetter(word[at]) ? word[at] | 0x20 : word[at]) {
        value = UInt32(place)
      }
      if value == 32 { return false }
      check = step(check, value)
    }
    return !(isLower && isUpper) && (check == 1 || check == 0x2bc8_30a3)
  }

  private static let bech32Alphabet: StaticString = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

  private static func step(_ check: UInt32, _ value: UInt32) -> UInt32 {
    let top = check >> 25
    var next = (check & 0x1ff_ffff) << 5 ^ value
    if top & 1 != 0 { next ^= 0x3b6a_57b2 }
    if top & 2 != 0 { next ^= 0x2650_8e6d }
    if top & 4 != 0 { next ^= 0x1ea1_19fa }
    if top & 8 != 0 { next ^= 0x3d42_33dd }
    if top & 16 != 0 { next ^= 0x2a14_62b3 }
    return next
  }

  /// Forty hexadecimal digits of more than a few kinds.
  private static func isEthereum(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
    var seen: UInt16 = 0
    for at in range.lowerBound + 2..<range.upperBound {
      guard let value = ASCII.hexadecimal(text[at]) else { return false }
      seen |= 1 << UInt16(value)
    }
    return seen.nonzeroBitCount > 5
  }
}
