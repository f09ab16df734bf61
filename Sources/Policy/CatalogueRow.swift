// One line of a catalogue, read. The format is described in CatalogueText.swift.

internal import Wire

/// Why a catalogue can't be read.
package struct CatalogueFault: Error, Sendable, Equatable {
  /// Counted from 1.
  package let line: Int
  /// What is wrong, and what would be right.
  package let reason: String
}

/// What is wrong with a line.
struct RowFault: Error {
  let reason: String
  init(_ reason: String) { self.reason = reason }
}

extension ModelFacts {
  /// Reads a model's line.
  convenience init(row line: Span<UInt8>, origin: Origin) throws(RowFault) {
    var reader = RowReader(line)
    let name = reader.word()
    let flags = reader.word()
    let window = reader.word()
    let money = reader.word()
    guard !money.isEmpty else {
      throw RowFault("write NAME FLAGS CONTEXT/OUTPUT IN,OUT, such as: my-model cvts 128000/16384 0.5,1.5")
    }
    let (mode, abilities) = try Self.flags(line.extracting(flags))
    let (context, output) = try Self.window(line.extracting(window))
    var prices = Prices(try Self.rates(line.extracting(money)))
    var end: End?
    var family: [UInt8]?
    var aliases: [[UInt8]] = []
    while true {
      let word = reader.word()
      if word.isEmpty { break }
      let text = line.extracting(word)
      let rest = text.extracting(1...)
      switch text[0] {
      case UInt8(ascii: ">"): prices.tiers.append(try Self.tier(rest, prices))
      case UInt8(ascii: "="): aliases.append(rest.array())
      case UInt8(ascii: "~"): family = rest.array()
      case UInt8(ascii: "?") where rest.isEmpty: prices.isVerified = false
      case UInt8(ascii: "x"): end = try Self.end(try Self.argument(text))
      case UInt8(ascii: "b"): prices.batchPercent = try Self.percent(try Self.argument(text))
      case UInt8(ascii: "f"): prices.flexPercent = try Self.percent(try Self.argument(text))
      case UInt8(ascii: "p"): prices.priorityPercent = try Self.percent(try Self.argument(text))
      case UInt8(ascii: "a"): try prices.addAudio(try Self.argument(text))
      default:
        throw RowFault(
          "'\(Shown.text(text.text()))' is not known; behind the prices stand >Nk:…, a:…, b:, f:, p:, x:…, ~FAMILY, =ALIAS and ?"
        )
      }
    }
    self.init(
      name: line.extracting(name).array(), mode: mode, abilities: abilities, context: context,
      maximumOutput: output, prices: prices, end: end, family: family, aliases: aliases, origin: origin)
  }

  /// What stands behind a mark and its colon.
  @_lifetime(copy text)
  private static func argument(_ text: Span<UInt8>) throws(RowFault) -> Span<UInt8> {
    guard text.count > 2, text[1] == UInt8(ascii: ":") else {
      throw RowFault("'\(Shown.text(text.text()))' needs a colon and a value behind it")
    }
    return text.extracting(2...)
  }

  private static func flags(_ text: Span<UInt8>) throws(RowFault) -> (Mode, Abilities) {
    guard let mode = Mode(rawValue: text[0]) else {
      throw RowFault(
        "the flags '\(Shown.text(text.text()))' must begin with c (chat), r (Responses), e (embeddings) or t (text)"
      )
    }
    var abilities: Abilities = []
    for at in 1..<max(text.count, 1) {
      switch text[at] {
      case UInt8(ascii: "v"): abilities.insert(.pictures)
      case UInt8(ascii: "p"): abilities.insert(.documents)
      case UInt8(ascii: "a"): abilities.insert(.audio)
      case UInt8(ascii: "A"): abilities.insert(.audioOutput)
      case UInt8(ascii: "t"): abilities.insert(.tools)
      case UInt8(ascii: "r"): abilities.insert(.reasoning)
      case UInt8(ascii: "s"): abilities.insert(.schemas)
      default:
        throw RowFault(
          "the flags '\(Shown.text(text.text()))' may hold v, p, a, A, t, r and s behind the first")
      }
    }
    return (mode, abilities)
  }

  private static func window(_ text: Span<UInt8>) throws(RowFault) -> (Int, Int) {
    var parts = RowReader(text, separator: UInt8(ascii: "/"))
    let (context, output) = (parts.part(), parts.part())
    func number(_ range: Range<Int>) -> Int? {
      range.isEmpty ? 0 : Decimals.read(text.extracting(range), places: 0).flatMap { Int(exactly: $0) }
    }
    guard let output, parts.part() == nil, let context, let first = number(context),
      let second = number(output)
    else {
      throw RowFault("'\(Shown.text(text.text()))' must be CONTEXT/OUTPUT in tokens, such as 128000/16384")
    }
    return (first, second)
  }

  /// Reads dollars for a million tokens: input, output, cached input, cache writes.
  ///
  /// - Parameter base: what holds where nothing is said, as far as it is no more than plain input.
  private static func rates(_ text: Span<UInt8>, base: Rates? = nil) throws(RowFault) -> Rates {
    var listed: [UInt64?] = []
    var parts = RowReader(text, separator: UInt8(ascii: ","))
    while let part = parts.part() {
      if part.isEmpty {
        listed.append(nil)
        continue
      }
      guard let price = Decimals.read(text.extracting(part), places: 6), price <= Self.dearest else {
        throw RowFault(
          "the price '\(Shown.text(text.extracting(part).text()))' must be in dollars for a million tokens, with at most six decimals"
        )
      }
      listed.append(price)
    }
    guard listed.count <= 5, let input = listed[0] else {
      throw RowFault("'\(Shown.text(text.text()))' must be IN,OUT[,CACHED[,WRITE[,WRITE1H]]]")
    }
    func price(_ at: Int) -> UInt64? { at < listed.count ? listed[at] : nil }
    return Rates(
      input: input, output: price(1) ?? base?.output ?? 0, cachedInput: price(2), cacheWrite: price(3),
      cacheWriteHour: price(4))
  }

  /// A million dollars for a million tokens.
  private static let dearest: UInt64 = 1_000_000_000_000

  private static func tier(_ text: Span<UInt8>, _ prices: Prices) throws(RowFault) -> Prices.Tier {
    var parts = RowReader(text, separator: UInt8(ascii: ":"))
    guard let size = parts.part(), let money = parts.part(), parts.part() == nil, size.count > 1,
      text[size.upperBound - 1] == UInt8(ascii: "k"),
      let thousands = Decimals.read(text.extracting(size.lowerBound..<size.upperBound - 1), places: 0),
      thousands <= 1_000_000
    else { throw RowFault("'>\(Shown.text(text.text()))' must be >Nk:IN,OUT, such as >200k:2.5,15") }
    let above = Int(thousands) * 1000
    if let last = prices.tiers.last, last.above >= above {
      throw RowFault("tiers must rise; '>\(Shown.text(text.text()))' does not")
    }
    return Prices.Tier(above: above, rates: try rates(text.extracting(money), base: prices.rates))
  }

  private static func end(_ text: Span<UInt8>) throws(RowFault) -> End {
    var parts = RowReader(text, separator: UInt8(ascii: ">"))
    guard let date = parts.part(), let successor = parts.part(), date.count == 10,
      let day = Self.day(text.extracting(date))
    else {
      throw RowFault(
        "'x:\(Shown.text(text.text()))' must be x:YYYY-MM-DD>SUCCESSOR; the name may be left out")
    }
    return End(day: day, successor: text.extracting(successor).array())
  }

  /// Days since 1970-01-01 of `YYYY-MM-DD`.
  static func day(_ text: Span<UInt8>) -> Int? {
    guard text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
      let year = Decimals.read(text.extracting(0..<4), places: 0),
      let month = Decimals.read(text.extracting(5..<7), places: 0),
      let day = Decimals.read(text.extracting(8..<10), places: 0)
    else { return nil }
    return CivilDate(year: Int(year), month: Int(month), day: Int(day)).daysSinceEpoch
  }

  private static func percent(_ text: Span<UInt8>) throws(RowFault) -> Int {
    guard let percent = Decimals.read(text, places: 0), percent <= 10_000 else {
      throw RowFault("'\(Shown.text(text.text()))' must be a share in percent, such as 50")
    }
    return Int(percent)
  }
}

extension Prices {
  fileprivate mutating func addAudio(_ text: Span<UInt8>) throws(RowFault) {
    var parts = RowReader(text, separator: UInt8(ascii: ","))
    let (input, output) = (parts.part(), parts.part())
    guard let input, let heard = Decimals.read(text.extracting(input), places: 6) else {
      throw RowFault("'a:\(Shown.text(text.text()))' must be a:IN[,OUT] in dollars for a million tokens")
    }
    let said = output.flatMap { Decimals.read(text.extracting($0), places: 6) }
    rates.audioInput = heard
    rates.audioOutput = said ?? rates.output
    for place in tiers.indices {
      tiers[place].rates.audioInput = heard
      tiers[place].rates.audioOutput = said ?? tiers[place].rates.output
    }
  }
}

/// Walks over a line's words, or over a word's parts.
struct RowReader: ~Escapable {
  private let text: Span<UInt8>
  private let separator: UInt8
  private var at = 0
  private var isOver = false

  @_lifetime(copy text)
  init(_ text: Span<UInt8>, separator: UInt8 = ASCII.space) {
    self.text = text
    self.separator = separator
  }

  /// The next word; empty where there is none.
  mutating func word() -> Range<Int> {
    while at < text.count, text[at] == separator || text[at] == UInt8(ascii: "\t") { at += 1 }
    let start = at
    while at < text.count, text[at] != separator, text[at] != UInt8(ascii: "\t") { at += 1 }
    return start..<at
  }

  /// The next part, which may be empty; nil behind the last.
  mutating func part() -> Range<Int>? {
    if isOver { return nil }
    let start = at
    while at < text.count, text[at] != separator { at += 1 }
    let end = at
    if at < text.count { at += 1 } else { isOver = true }
    return start..<end
  }
}
