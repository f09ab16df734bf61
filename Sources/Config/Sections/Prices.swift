// What models cost: the entries of `prices`, and the catalogue that they stand over.

internal import Wire

/// What a model costs, in pico-dollars a token, which is millionths of a dollar for a million tokens.
package struct Price: Sendable, Equatable {
  /// Prices of long prompts.
  package struct Tier: Sendable, Equatable {
    /// Tokens of a prompt above which they hold.
    package var tokens = 0
    package var input: UInt64 = 0
    package var output: UInt64 = 0
    package var cachedInput: UInt64?

    static let section = Section<Tier>([
      Row(
        "tokens", \.tokens, .integer(1...1_000_000_000), "Tokens of a prompt above which they hold.",
        isRequired: true),
      Row("input", \.input, .dollars, "For a million input tokens.", isRequired: true),
      Row("output", \.output, .dollars, "For a million output tokens.", isRequired: true),
      Row(
        optional: "cached_input", \.cachedInput, .dollars,
        "For a million input tokens out of the provider's cache."),
    ])
  }

  /// `provider/model`.
  package var target: String
  package var input: UInt64
  package var output: UInt64
  /// What isn't said is as in the catalogue, and else as plain input.
  package var cachedInput: UInt64?
  package var cacheWrite: UInt64?
  package var cacheWriteHour: UInt64?
  package var above: Tier?

  package init(target: String, input: UInt64, output: UInt64, cachedInput: UInt64? = nil) {
    self.target = target
    self.input = input
    self.output = output
    self.cachedInput = cachedInput
  }

  static let section = Section<Price>([
    Row("input", \.input, .dollars, "For a million input tokens.", isRequired: true),
    Row("output", \.output, .dollars, "For a million output tokens.", isRequired: true),
    Row(
      optional: "cached_input", \.cachedInput, .dollars,
      "For a million input tokens out of the provider's cache."),
    Row(
      optional: "cache_write", \.cacheWrite, .dollars,
      "For a million input tokens that the provider puts into its cache."),
    Row(
      optional: "cache_write_1h", \.cacheWriteHour, .dollars, "The same, for an hour."),
    Row(
      optional: "above", \.above, .object(Price.Tier.section, Price.Tier()),
      "What all tokens of a request with a longer prompt cost."),
  ])
}

extension Form where Value == [Price] {
  static var prices: Form {
    Form<Price>.entries(
      .object(Price.section.table), ceiling: (Defaults.models, "entries"),
      read: { decoder, entry, _ in
        let place = Place(named: "price '\(Shown.text(entry.key))'")
        let parts = entry.key.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count != 2 || parts.contains(where: \.isEmpty) {
          decoder.problem("\(place.title): write provider/model", at: entry.keyPosition)
        } else if !decoder.providerNames.contains(String(parts[0])) {
          decoder.problem(
            decoder.unknownProvider(String(parts[0]), place.title, decoder.providerNames),
            at: entry.keyPosition)
        }
        var price = Price(target: entry.key, input: 0, output: 0)
        let fields = Price.section.read(entry.value, place, into: &price, &decoder)
        return fields == nil ? nil : price
      },
      write: { Price.section.write($0, $0.target, to: &$1) })
  }
}

extension Form where Value == UInt64 {
  /// US dollars, as a whole number of millionths: six decimals are exact.
  static var dollars: Form {
    Form(
      .number, read: { $0.dollars($1, of: $2) },
      write: { $2.member($1, number: Decimals.text($0, places: 6)) })
  }
}

extension Decoder {
  /// The most dollars that a price or a budget can be: beyond it, sums would not fit.
  static let mostDollars: UInt64 = 1_000_000

  /// Millionths of a US dollar.
  mutating func dollars(_ node: YAMLNode?, of what: String) -> UInt64? {
    guard let node, let text = text(node, of: what) else { return nil }
    let value = Decimals.read(Array(text.utf8).span, places: 6)
    if let value, value <= Self.mostDollars * 1_000_000 { return value }
    problem(
      "\(what) must be US dollars with at most six decimals, such as 2.5, up to \(Self.mostDollars), not \(Self.kind(node))",
      at: node.position)
    return nil
  }
}

/// `catalogue`: which models there are beside those that the program knows, and what becomes of old names.
package struct CatalogueSettings: Sendable, Equatable {
  /// From when on the successor of a model serves its name.
  package enum Reroute: String, Sendable, CaseIterable {
    /// From the day on which the model ends.
    case retired
    /// As soon as its end is announced.
    case deprecated
    case never
  }

  /// Merged over the built-in one.
  package var file: String?
  package var reroute = Reroute.retired

  package init() {}

  static let section = Section<CatalogueSettings>([
    Row(
      optional: "file", \.file, .path,
      "Models and prices over the built-in ones."),
    Row("reroute", \.reroute, .choice, "From when on a model's successor serves its name. Default: retired."),
  ])
}
