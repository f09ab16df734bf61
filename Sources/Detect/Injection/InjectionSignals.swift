// What tells of an injection beside the order of words: control tokens, and the tricks that hide words.

internal import Wire

/// What counts beside words.
enum InjectionSignal: Int, CaseIterable, Sendable {
  case token, override, leak, tags, selectors, hidden, bidirectional, mixed, leet, spaced, base64

  var name: String {
    switch self {
    case .token: "token"
    case .override: "override.cjk"
    case .leak: "leak.cjk"
    case .tags: "unicode.tags"
    case .selectors: "unicode.selectors"
    case .hidden: "unicode.hidden"
    case .bidirectional: "unicode.bidirectional"
    case .mixed: "unicode.mixed"
    case .leet: "leet"
    case .spaced: "spaced"
    case .base64: "base64"
    }
  }
}

extension InjectionScanner {
  private func note(_ signal: InjectionSignal, _ weight: Int) -> Int {
    signals |= 1 << UInt64(signal.rawValue)
    return weight
  }

  func signalScore() -> Int {
    var score = 0
    if tags >= 2 { score += note(.tags, 10) }
    if selectors >= 4 { score += note(.selectors, 10) }
    if hiddenInside >= 2 { score += note(.hidden, 4) }
    if bidirectional > 0 { score += note(.bidirectional, 2) }
    if mixed >= 2 { score += note(.mixed, 4) }
    if leet > 0 { score += note(.leet, min(4, leet)) }
    if hasSpaced { score += note(.spaced, best >= 4 ? 10 : 0) }
    if base64Score > 0 { score += note(.base64, base64Score) }
    return score
  }

  /// Looks for a control token at `at`, where one can begin: at the text's start, at a line's end, and with a bracket.
  @inline(__always)
  func readToken(_ text: Span<UInt8>, _ at: Int) {
    if at > 0, at + 1 < text.count, !InjectionRules.mayBeginToken(text[at], text[at + 1]) { return }
    matchToken(text, at)
  }

  @inline(never)
  private func matchToken(_ text: Span<UInt8>, _ at: Int) {
    guard at >= tokenEnd, let match = rules.tokens?.match(text, at) else { return }
    tokenWeight = max(tokenWeight, InjectionRules.tokenPatterns[match.pattern].0)
    tokenCount += 1
    tokenEnd = match.end
  }

  func tokenScore() -> Int {
    tokenCount == 0 ? 0 : note(.token, tokenWeight + min(tokenCount - 1, 2))
  }

  func cjkScore(_ text: Span<UInt8>) -> Int {
    var most = 0
    for (signal, weight, patterns) in rules.cjk where patterns.isIn(text, patternMemory) {
      most = max(most, note(signal, weight))
    }
    return most
  }

  /// Reads what a run of base64 from `start` on says.
  func readBase64(_ text: Span<UInt8>, _ start: Int) {
    guard base64Left > 0 else { return }
    decoded.removeAll(keepingCapacity: true)
    var bits: UInt32 = 0
    var count = 0
    var at = start
    while at < text.count, count < Self.base64Ceiling, let value = Self.base64(text[at]) {
      bits = bits << 6 | UInt32(value)
      count += 1
      if count % 4 != 1 { decoded.append(UInt8(truncatingIfNeeded: bits >> UInt32(6 - (count - 1) % 4 * 2))) }
      at += 1
    }
    base64End = at
    guard count >= 24 else { return }
    base64Left -= 1
    var printable = 0
    for byte in decoded
    where byte >= 0x20 && byte != 0x7F || byte == ASCII.lf || byte == ASCII.cr || byte == ASCII.tab {
      printable += byte < 0x80 ? 1 : 0
    }
    guard printable * 100 >= decoded.count * 95 else { return }
    let scanner = inner ?? InjectionScanner(patternMemory, isInner: true)
    inner = scanner
    let said = decoded
    let verdict = scanner.judge(said.span, channel)
    if verdict.score >= 4 { base64Score = max(base64Score, verdict.score + 3) }
  }

  private static func base64(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x41...0x5A: byte - 0x41
    case 0x61...0x7A: byte - 0x61 + 26
    case 0x30...0x39: byte - 0x30 + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), 0x5F: 63
    default: nil
    }
  }
}
