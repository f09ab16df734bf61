// Which models there are, what they cost and what they can: the catalogue that the program comes with, a file of the
// operator's over it, and `prices` over both.
//
// The built-in text is looked at when it is asked for the first time, and then only for where its lines begin. A line is
// read when its model is looked up: who needs a model's facts for every request keeps them (`Route.facts`).

package import Config
internal import Wire

/// Models and their prices. Built once per snapshot, never changed.
package final class Catalogue: Sendable {
  private let file: CatalogueIndex?
  /// By provider and model, as `prices` names them.
  private let overrides: [String: Price]

  /// - Parameters:
  ///   - settings: whose `prices` stand above everything.
  ///   - text: the file that `catalogue.file` names.
  package convenience init(_ settings: Settings, file text: [UInt8]? = nil) throws(CatalogueFault) {
    var index: CatalogueIndex?
    if let text { index = try CatalogueIndex(checking: .own(text)) }
    self.init(settings, index)
  }

  private init(_ settings: Settings, _ index: CatalogueIndex?) {
    file = index
    var overrides: [String: Price] = [:]
    for price in settings.prices { overrides[price.target] = price }
    self.overrides = overrides
  }

  /// The built-in catalogue with the prices of `settings`, whatever file they name.
  static func plain(_ settings: Settings) -> Catalogue { Catalogue(settings, nil) }

  /// What is known of `model` at `provider`, its prices as the operator says them; nil: nothing.
  ///
  /// It costs a hash over the name and the reading of one line.
  package func facts(_ provider: Config.Provider, _ model: Span<UInt8>) -> ModelFacts? {
    let known = facts(provider.kind, model)
    if overrides.isEmpty { return known }
    guard let price = overrides[provider.name + "/" + model.text()] else { return known }
    let facts = known ?? ModelFacts(name: model.array(), prices: nil, origin: .configuration)
    return facts.priced(price.over(facts.prices))
  }

  /// What the file or the built-in catalogue says of `model` at a kind of provider.
  package func facts(_ kind: ProviderKind, _ model: Span<UInt8>) -> ModelFacts? {
    if let facts = exact(kind, model) { return facts }
    let region = kind == .bedrock ? Family.regionLength(model) : 0
    let date = Family.dateLength(model.array())
    if region > 0, let facts = exact(kind, model.extracting(region...)) { return facts }
    guard date > 0, date < model.count else { return nil }
    return exact(kind, model.extracting(region..<model.count - date))
  }

  private func exact(_ kind: ProviderKind, _ model: Span<UInt8>) -> ModelFacts? {
    file?.facts(kind, model, .file) ?? CatalogueIndex.builtIn.facts(kind, model, .builtIn)
  }

  /// Every model of a kind of provider, by name, the file's instead of built-in ones of the same name.
  package func models(of kind: ProviderKind) -> [ModelFacts] {
    var models = file?.models(of: kind, .file) ?? []
    var names = Set(models.map(\.name))
    for facts in CatalogueIndex.builtIn.models(of: kind, .builtIn) where names.insert(facts.name).inserted {
      models.append(facts)
    }
    return models.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }

  /// What the built-in catalogue says of itself: its day, and what it was made of.
  package static var version: String { CatalogueIndex.builtIn.version }

  /// Days since 1970-01-01 of the built-in catalogue.
  package static var day: Int { CatalogueIndex.builtIn.day }
}

extension Price {
  /// These prices; what they don't say is as in `known`.
  func over(_ known: Prices?) -> Prices {
    var rates = Rates(
      input: input, output: output, cachedInput: cachedInput ?? known?.rates.cachedInput,
      cacheWrite: cacheWrite ?? known?.rates.cacheWrite,
      cacheWriteHour: cacheWriteHour ?? cacheWrite ?? known?.rates.cacheWriteHour)
    if let known {
      if known.rates.audioInput != known.rates.input { rates.audioInput = known.rates.audioInput }
      if known.rates.audioOutput != known.rates.output { rates.audioOutput = known.rates.audioOutput }
    }
    // Tiers were another price list's.
    var prices = Prices(rates)
    if let above {
      prices.tiers = [
        Prices.Tier(
          above: above.tokens,
          rates: Rates(
            input: above.input, output: above.output, cachedInput: above.cachedInput ?? cachedInput,
            cacheWrite: cacheWrite, cacheWriteHour: cacheWriteHour))
      ]
    }
    if let known {
      prices.batchPercent = known.batchPercent
      prices.flexPercent = known.flexPercent
      prices.priorityPercent = known.priorityPercent
    }
    return prices
  }
}

/// Where a catalogue's lines are, found by kind and name.
final class CatalogueIndex: Sendable {
  enum Text: Sendable {
    case builtIn
    case own([UInt8])
  }

  private struct Line {
    let start: UInt32
    let end: UInt32
    let kind: ProviderKind
  }

  // What the program comes with has been checked by a test.
  static let builtIn = (try? CatalogueIndex(.builtIn)) ?? CatalogueIndex()

  /// The longest file that is read: a thousand times what a team adds.
  static let ceiling = 1 << 20

  private let text: Text
  private let lines: [Line]
  /// Open addressing over kind and name: places in `lines`, or -1; a power of two, at most half full.
  private let slots: [Int32]
  let version: String
  let day: Int

  private init() {
    text = .own([])
    lines = []
    slots = [-1, -1]
    version = ""
    day = 0
  }

  /// Reads every line, so that a wrong one is found here.
  convenience init(checking text: Text) throws(CatalogueFault) {
    try self.init(text)
    try with { bytes throws(CatalogueFault) in
      for line in lines {
        do throws(RowFault) {
          _ = try ModelFacts(row: bytes.extracting(Self.range(line)), origin: .file)
        } catch {
          throw CatalogueFault(line: Self.number(of: Int(line.start), in: bytes), reason: error.reason)
        }
      }
    }
  }

  init(_ text: Text) throws(CatalogueFault) {
    self.text = text
    let found: Found
    switch text {
    case .builtIn: found = try Self.scan(CatalogueText.builtIn.bytes)
    case .own(let own): found = try Self.scan(own.span)
    }
    var count = 4
    while count < found.names.count * 2 { count *= 2 }
    var slots = [Int32](repeating: -1, count: count)
    for (hash, place) in found.names {
      var slot = hash & (count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (count - 1) }
      slots[slot] = place
    }
    self.slots = slots
    lines = found.lines
    version = found.version
    day = found.day
  }

  private struct Found {
    var lines: [Line] = []
    var names: [(hash: Int, line: Int32)] = []
    var version = ""
    var day = 0
  }

  private static func scan(_ bytes: Span<UInt8>) throws(CatalogueFault) -> Found {
    var found = Found()
    var kind: ProviderKind?
    var at = 0
    while at < bytes.count {
      let start = at
      while at < bytes.count, bytes[at] != ASCII.lf { at += 1 }
      var end = at
      at += 1
      while end > start, bytes[end - 1] <= ASCII.space { end -= 1 }
      var first = start
      while first < end, bytes[first] <= ASCII.space { first += 1 }
      if first == end || bytes[first] == UInt8(ascii: "#") { continue }
      switch bytes[first] {
      case UInt8(ascii: "@"):
        let head = bytes.extracting(min(first + 2, end)..<end)
        found.version = head.text()
        found.day = head.count < 10 ? 0 : ModelFacts.day(head.extracting(..<10)) ?? 0
      case UInt8(ascii: "["):
        let name = bytes.extracting(first + 1..<max(end - 1, first + 1)).text()
        guard bytes[end - 1] == UInt8(ascii: "]"), let known = ProviderKind(rawValue: name) else {
          throw CatalogueFault(
            line: number(of: start, in: bytes),
            reason: "write a kind of provider in brackets, such as [openai]; known: "
              + ProviderKind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        kind = known
      default:
        guard let kind else {
          throw CatalogueFault(
            line: number(of: start, in: bytes),
            reason: "a model stands under its kind of provider; begin with a line such as [openai]")
        }
        let place = Int32(truncatingIfNeeded: found.lines.count)
        found.lines.append(Line(start: UInt32(clamping: first), end: UInt32(clamping: end), kind: kind))
        for name in names(bytes, first..<end) {
          found.names.append((hash(kind, bytes.extracting(name)), place))
        }
      }
    }
    return found
  }

  private func with<Result, Failure>(_ body: (Span<UInt8>) throws(Failure) -> Result) throws(Failure)
    -> Result
  {
    switch text {
    case .builtIn: try body(CatalogueText.builtIn.bytes)
    case .own(let own): try body(own.span)
    }
  }

  private static func range(_ line: Line) -> Range<Int> { Int(line.start)..<Int(line.end) }

  private static func number(of offset: Int, in bytes: Span<UInt8>) -> Int {
    var number = 1
    for at in 0..<offset where bytes[at] == ASCII.lf { number += 1 }
    return number
  }

  /// The model's name and its aliases.
  private static func names(_ bytes: Span<UInt8>, _ line: Range<Int>) -> [Range<Int>] {
    var reader = RowReader(bytes.extracting(line))
    var names: [Range<Int>] = []
    while true {
      let word = reader.word()
      if word.isEmpty { return names }
      let place = line.lowerBound + word.lowerBound..<line.lowerBound + word.upperBound
      if names.isEmpty {
        names.append(place)
      } else if bytes[place.lowerBound] == UInt8(ascii: "="), place.count > 1 {
        names.append(place.lowerBound + 1..<place.upperBound)
      }
    }
  }

  func facts(_ kind: ProviderKind, _ model: Span<UInt8>, _ origin: ModelFacts.Origin) -> ModelFacts? {
    if model.isEmpty || lines.isEmpty { return nil }
    return with { bytes in
      var slot = Self.hash(kind, model) & (slots.count - 1)
      while slots[slot] >= 0 {
        let line = lines[Int(slots[slot])]
        if line.kind == kind,
          Self.names(bytes, Self.range(line)).contains(where: { bytes.extracting($0).equals(model) })
        {
          return try? ModelFacts(row: bytes.extracting(Self.range(line)), origin: origin)
        }
        slot = (slot + 1) & (slots.count - 1)
      }
      return nil
    }
  }

  func models(of kind: ProviderKind, _ origin: ModelFacts.Origin) -> [ModelFacts] {
    with { bytes in
      lines.filter { $0.kind == kind }.compactMap {
        try? ModelFacts(row: bytes.extracting(Self.range($0)), origin: origin)
      }
    }
  }

  /// FNV-1a, 64 bits.
  private static func hash(_ kind: ProviderKind, _ bytes: Span<UInt8>) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in kind.rawValue.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    for at in 0..<bytes.count { hash = (hash ^ UInt64(bytes[at])) &* 0x0000_0100_0000_01b3 }
    return Int(truncatingIfNeeded: hash ^ hash >> 32)
  }
}
