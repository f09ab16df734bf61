// What models cost: the entries of `prices`.

internal import Wire

/// What a model costs, in US dollars for a million tokens.
package struct Price: Sendable, Equatable {
  /// `provider/model`.
  package var target: String
  package var input: Double
  package var output: Double
  package var cachedInput: Double?

  package init(target: String, input: Double, output: Double, cachedInput: Double? = nil) {
    self.target = target
    self.input = input
    self.output = output
    self.cachedInput = cachedInput
  }

  static let section = Section<Price>([
    Row("input", \.input, .number, "For a million input tokens.", isRequired: true),
    Row("output", \.output, .number, "For a million output tokens.", isRequired: true),
    Row(
      optional: "cached_input", \.cachedInput, .number,
      "For a million input tokens out of the provider's cache."),
  ])
}

extension Form where Value == [Price] {
  static var prices: Form {
    Form<Price>.entries(
      .object(Price.section.table),
      read: { decoder, entry, _ in
        let place = Place(named: "price '\(Shown.text(entry.key))'")
        let parts = entry.key.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count != 2 || parts.contains(where: \.isEmpty) {
          decoder.problem("\(place.title): write provider/model", at: entry.keyPosition)
        }
        var price = Price(target: entry.key, input: 0, output: 0)
        let fields = Price.section.read(entry.value, place, into: &price, &decoder)
        return fields == nil ? nil : price
      },
      write: { Price.section.write($0, $0.target, to: &$1) })
  }
}
