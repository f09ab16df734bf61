// What is known of one model at one kind of provider.

internal import Wire

/// A model as the catalogue has it.
package final class ModelFacts: Sendable {
  /// What it is for.
  package enum Mode: UInt8, Sendable {
    case chat = 0x63  // c
    /// The Responses API alone.
    case responses = 0x72  // r
    case embeddings = 0x65  // e
    case completion = 0x74  // t
  }

  /// What it takes and gives beside text.
  package struct Abilities: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let pictures = Abilities(rawValue: 1)
    package static let documents = Abilities(rawValue: 2)
    package static let audio = Abilities(rawValue: 4)
    package static let audioOutput = Abilities(rawValue: 8)
    package static let tools = Abilities(rawValue: 16)
    package static let reasoning = Abilities(rawValue: 32)
    package static let schemas = Abilities(rawValue: 64)
  }

  /// The announced end of a model.
  package struct End: Sendable, Equatable {
    /// Days since 1970-01-01, in UTC.
    package let day: Int
    /// The name, at the same kind of provider, of what the provider says comes after it; empty where it says none.
    package let successor: [UInt8]
  }

  package let name: [UInt8]
  package let mode: Mode
  package let abilities: Abilities
  /// Tokens that prompt and answer may have together; 0: unknown.
  package let context: Int
  /// Tokens that an answer may have; 0: unknown.
  package let maximumOutput: Int
  /// Nil: unknown.
  package let prices: Prices?
  package let end: End?
  /// What the same model is called by the rule that all kinds share (`Family`).
  package let family: [UInt8]
  /// Other names of it at the same kind of provider.
  package let aliases: [[UInt8]]
  /// Where the prices come from.
  package let origin: Origin

  /// Where a row comes from, the nearest to the operator last.
  package enum Origin: String, Sendable {
    case builtIn = "catalogue"
    case file = "catalogue.file"
    case configuration = "prices"
  }

  init(
    name: [UInt8], mode: Mode = .chat, abilities: Abilities = [], context: Int = 0, maximumOutput: Int = 0,
    prices: Prices?, end: End? = nil, family: [UInt8]? = nil, aliases: [[UInt8]] = [], origin: Origin
  ) {
    self.name = name
    self.mode = mode
    self.abilities = abilities
    self.context = context
    self.maximumOutput = maximumOutput
    self.prices = prices
    self.end = end
    self.family = family ?? Family.of(name)
    self.aliases = aliases
    self.origin = origin
  }

  /// The same with other prices.
  func priced(_ prices: Prices) -> ModelFacts {
    ModelFacts(
      name: name, mode: mode, abilities: abilities, context: context, maximumOutput: maximumOutput,
      prices: prices, end: end, family: family, aliases: aliases, origin: .configuration)
  }
}

/// One name for a model that several kinds of provider call differently.
package enum Family {
  private static let regions = ["us", "us-gov", "eu", "global", "apac", "jp", "au", "ca", "in", "uk", "sa"]
  private static let vendors = [
    "ai21", "amazon", "anthropic", "cohere", "deepseek", "google", "meta", "mistral", "moonshotai", "nvidia",
    "openai", "qwen", "writer",
  ]

  /// The family of `name`: in lower case, without paths, vendors, regions, dates and revisions.
  package static func of(_ name: [UInt8]) -> [UInt8] {
    var text = String(decoding: name, as: UTF8.self).lowercased()[...]
    if let slash = text.lastIndex(of: "/") { text = text[text.index(after: slash)...] }
    for prefixes in [regions, vendors] {
      if let dot = text.firstIndex(of: "."), prefixes.contains(String(text[..<dot])) {
        text = text[text.index(after: dot)...]
      }
    }
    if let at = text.firstIndex(of: "@") { text = text[..<at] }
    text = withoutRevision(text)
    text = withoutDate(text)
    return withPoints(Array(text.utf8))
  }

  /// Bytes of the region that `us.anthropic.claude…` begins with, which only says where it is asked.
  package static func regionLength(_ name: Span<UInt8>) -> Int {
    var end = 0
    while end < min(name.count, 7), name[end] != UInt8(ascii: ".") { end += 1 }
    guard end < name.count, name[end] == UInt8(ascii: "."), end > 0 else { return 0 }
    let prefix = name.extracting(..<end).text()
    return regions.contains(prefix) ? end + 1 : 0
  }

  /// `-v1:0`, `-v1` and `:0` at the end, which Bedrock writes.
  private static func withoutRevision(_ text: Substring) -> Substring {
    var rest = text
    if let colon = rest.lastIndex(of: ":"), rest[colon...].dropFirst().allSatisfy(\.isNumber) {
      rest = rest[..<colon]
    }
    if let dash = rest.lastIndex(of: "-") {
      let last = rest[dash...].dropFirst()
      if last.first == "v", last.count <= 3, last.count > 1, last.dropFirst().allSatisfy(\.isNumber) {
        return rest[..<dash]
      }
    }
    return rest
  }

  private static func withoutDate(_ text: Substring) -> Substring {
    let count = dateLength(text.utf8)
    return count == 0 ? text : text.dropLast(count)
  }

  /// Bytes of `-20250929` or `-2024-08-06` at the end; 0 where there is none.
  package static func dateLength(_ text: some BidirectionalCollection<UInt8>) -> Int {
    func matches(_ pattern: StaticString) -> Bool {
      var at = text.endIndex
      let pattern = pattern.bytes
      var place = pattern.count
      while place > 0 {
        guard at > text.startIndex else { return false }
        place -= 1
        text.formIndex(before: &at)
        let isDigit = text[at] &- 0x30 < 10
        if pattern[place] == UInt8(ascii: "0") ? !isDigit : text[at] != pattern[place] { return false }
      }
      return true
    }
    if matches("-0000-00-00") { return 11 }
    return matches("-00000000") || matches("@00000000") ? 9 : 0
  }

  /// `4p1` is 4.1 where a point can't be written.
  private static func withPoints(_ name: [UInt8]) -> [UInt8] {
    var name = name
    for at in name.indices.dropFirst().dropLast()
    where name[at] == UInt8(ascii: "p") && name[at - 1] &- 0x30 < 10 && name[at + 1] &- 0x30 < 10 {
      name[at] = UInt8(ascii: ".")
    }
    return name
  }
}
