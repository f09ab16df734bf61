// `remora models`: which names lead where, and what that costs.

import Config
import Glibc
import Policy
import Proxy
import Wire

enum ModelsCommand {
  static func run(config: String?, asJSON: Bool) -> Int32 {
    guard let (settings, catalogue) = Configuration.shown(config) else { return ExitStatus.bad }
    let today = Today.day
    let router = Router(settings, catalogue)
    var rows: [Row] = []
    for entry in settings.models {
      rows.append(contentsOf: Self.rows(entry, settings, catalogue))
    }
    for (name, plan) in router.catalogueNames(today: today) where settings.model(name) == nil {
      rows.append(contentsOf: Self.rows(name, plan, settings))
    }
    if asJSON {
      Console.line(json(rows))
    } else {
      for line in table(rows) { Console.line(line) }
      if Today.day - Catalogue.day > Today.stale {
        Console.error(
          "the catalogue is of \(Catalogue.version); prices may have changed since: update Remora, or set catalogue.file"
        )
      }
    }
    return ExitStatus.good
  }

  /// One name, and one target of it.
  private struct Row {
    var name: String
    /// Its place among the targets of the name, from 1.
    var place: Int
    var provider: String
    var model: String
    var facts: ModelFacts?
    /// What says that the name leads there.
    var source: String
    /// What answers under the name say of its end; nil: nothing.
    var isDeprecated: Bool
  }

  private static func rows(_ entry: ModelEntry, _ settings: Settings, _ catalogue: Catalogue) -> [Row] {
    entry.targets.enumerated().compactMap { place, target in
      guard let provider = settings.provider(target.provider) else { return nil }
      let model = Array(target.model.utf8)
      return Row(
        name: entry.name, place: place + 1, provider: target.provider, model: target.model,
        facts: catalogue.facts(provider, model.span), source: "models", isDeprecated: entry.isDeprecated)
    }
  }

  private static func rows(_ name: String, _ plan: Plan, _ settings: Settings) -> [Row] {
    (0..<plan.count).map { place in
      let route = plan[place]
      return Row(
        name: name, place: place + 1, provider: settings.providers[route.providerIndex].name,
        model: route.model.map { String(decoding: $0, as: UTF8.self) } ?? name, facts: route.facts,
        source: route.facts?.origin == .file ? "catalogue.file" : "catalogue",
        isDeprecated: place == 0 && plan.notice != nil)
    }
  }

  // MARK: Writing

  private static func table(_ rows: [Row]) -> [String] {
    var lines = [["NAME", "TARGET", "INPUT", "OUTPUT", "CONTEXT", "FROM", "ENDS"]]
    for row in rows {
      let prices = row.facts?.prices
      lines.append([
        row.place == 1 ? Shown.line(row.name) : "", Shown.line(row.provider + "/" + row.model),
        prices.map { dollars($0.rates.input) } ?? "-", prices.map { dollars($0.rates.output) } ?? "-",
        row.facts.flatMap { $0.context > 0 ? String($0.context) : nil } ?? "-",
        row.source + (row.facts?.origin == .configuration ? ", prices" : ""),
        row.facts?.end.map { day($0.day) + ($0.successor.isEmpty ? "" : ", then " + text($0.successor)) }
          ?? (row.isDeprecated ? "deprecated" : ""),
      ])
    }
    var widths = [Int](repeating: 0, count: lines[0].count)
    for line in lines { for (at, cell) in line.enumerated() { widths[at] = max(widths[at], cell.count) } }
    return lines.map { line in
      var text = ""
      for (at, cell) in line.enumerated() {
        text += cell
        if at < line.count - 1 { text += String(repeating: " ", count: widths[at] - cell.count + 2) }
      }
      while text.hasSuffix(" ") { text.removeLast() }
      return text
    }
  }

  private static func json(_ rows: [Row]) -> String {
    var text = "{\"catalogue\": "
    YAMLValue.writeJSON(Catalogue.version, to: &text)
    text += ", \"models\": ["
    var isFirst = true
    for row in rows {
      if row.place > 1 {
        text += ", "
      } else {
        if !isFirst { text += "]}," }
        isFirst = false
        text += "\n  {\"name\": "
        YAMLValue.writeJSON(row.name, to: &text)
        text += ", \"from\": "
        YAMLValue.writeJSON(row.source, to: &text)
        text += ", \"deprecated\": \(row.isDeprecated), \"targets\": ["
      }
      write(row, to: &text)
    }
    return text + (isFirst ? "]}" : "]}\n]}")
  }

  private static func write(_ row: Row, to text: inout String) {
    text += "{\"provider\": "
    YAMLValue.writeJSON(row.provider, to: &text)
    text += ", \"model\": "
    YAMLValue.writeJSON(row.model, to: &text)
    if let facts = row.facts {
      if facts.context > 0 { text += ", \"context\": \(facts.context)" }
      if facts.maximumOutput > 0 { text += ", \"max_output\": \(facts.maximumOutput)" }
      if let end = facts.end {
        text += ", \"ends\": \"\(day(end.day))\", \"successor\": "
        if end.successor.isEmpty {
          text += "null"
        } else {
          YAMLValue.writeJSON(Self.text(end.successor), to: &text)
        }
      }
      if let prices = facts.prices { write(prices, facts.origin, to: &text) }
    }
    text += "}"
  }

  private static func write(_ prices: Prices, _ origin: ModelFacts.Origin, to text: inout String) {
    func rates(_ rates: Rates) -> String {
      "\"input\": \(dollars(rates.input)), \"output\": \(dollars(rates.output)), "
        + "\"cached_input\": \(dollars(rates.cachedInput)), \"cache_write\": \(dollars(rates.cacheWrite))"
    }
    text +=
      ", \"price\": {\(rates(prices.rates)), \"from\": \"\(origin.rawValue)\", \"verified\": \(prices.isVerified)"
    if !prices.tiers.isEmpty {
      let tiers = prices.tiers.map { "{\"above\": \($0.above), \(rates($0.rates))}" }
      text += ", \"tiers\": [\(tiers.joined(separator: ", "))]"
    }
    text += "}"
  }

  /// US dollars for a million tokens.
  private static func dollars(_ rate: UInt64) -> String { Decimals.text(rate, places: 6) }

  private static func text(_ name: [UInt8]) -> String { String(decoding: name, as: UTF8.self) }

  private static func day(_ day: Int) -> String { CivilDate(daysSinceEpoch: max(day, 0)).text }
}

/// The day, in UTC.
enum Today {
  /// Days since 1970-01-01.
  static var day: Int { max(0, time(nil) / 86400) }
  /// Days after which the catalogue's prices are more likely wrong than right somewhere.
  static let stale = 180
}

extension CivilDate {
  /// `2026-11-30`.
  var text: String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(year)-\(two(month))-\(two(day))"
  }
}
