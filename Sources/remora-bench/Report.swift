// Measurements to a table in Markdown.
//
// A measurement is a line `row<TAB>unit<TAB>proxy<TAB>round<TAB>number`; lines that begin with `#` are passed on as
// notes. A ratio is taken within a round, where both proxies met the same neighbours, and then the median of those.

import Glibc
import Wire

struct Report {
  private struct Row {
    let name: String
    let unit: String
    /// By proxy, then by round.
    var values: [String: [Int: Double]] = [:]
  }

  private var rows: [Row] = []
  private var proxies: [String] = []
  private var notes: [String] = []

  /// What Remora's numbers are divided by.
  private let base: String

  init(against base: String) { self.base = base }

  static func run(_ path: String, against base: String) -> Int32 {
    guard let bytes = Input.file(path) else {
      Output.complain("\(path) can't be read")
      return 1
    }
    var report = Report(against: base)
    report.read(bytes.span.text())
    Output.line(report.markdown())
    return 0
  }

  mutating func read(_ text: String) {
    for line in text.split(separator: "\n") {
      if line.hasPrefix("#") {
        notes.append(String(line.drop { $0 == "#" || $0 == " " }))
        continue
      }
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 5, let round = Int(parts[3]), let value = Double(parts[4]), value.isFinite else {
        continue
      }
      add(parts[0], parts[1], parts[2], round, value)
    }
  }

  private mutating func add(_ name: String, _ unit: String, _ proxy: String, _ round: Int, _ value: Double) {
    if !proxies.contains(proxy) { proxies.append(proxy) }
    let index: Int
    if let found = rows.firstIndex(where: { $0.name == name }) {
      index = found
    } else {
      index = rows.count
      rows.append(Row(name: name, unit: unit))
    }
    rows[index].values[proxy, default: [:]][round] = value
  }

  func markdown() -> String {
    let columns = ["", "unit"] + proxies + ["Remora/\(base)", "spread"]
    var lines = ["| " + columns.joined(separator: " | ") + " |"]
    lines.append("|---|---|" + String(repeating: "--:|", count: proxies.count + 2))
    for row in rows {
      var cells = [row.name, row.unit]
      for proxy in proxies { cells.append(Self.cell(row.values[proxy])) }
      let ratios = Self.ratios(row.values["remora"], row.values[base])
      cells.append(ratios.isEmpty ? "" : Self.text(Self.median(ratios)))
      if ratios.count > 1, let low = ratios.min(), let high = ratios.max() {
        cells.append("\(Self.text(low))…\(Self.text(high))")
      } else {
        cells.append("")
      }
      lines.append("| " + cells.joined(separator: " | ") + " |")
    }
    if !notes.isEmpty { lines.append("") }
    for note in notes { lines.append("- " + note) }
    return lines.joined(separator: "\n")
  }

  private static func cell(_ values: [Int: Double]?) -> String {
    guard let values, !values.isEmpty else { return "–" }
    return text(median(Array(values.values)))
  }

  private static func ratios(_ left: [Int: Double]?, _ right: [Int: Double]?) -> [Double] {
    guard let left, let right else { return [] }
    return left.compactMap { round, value in
      // Of next to nothing there is no telling multiple.
      guard let other = right[round], other >= 0.1 else { return nil }
      return value / other
    }
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard let last = sorted.last else { return 0 }
    let middle = sorted.count / 2
    if sorted.count % 2 == 1 { return sorted[middle] }
    return middle > 0 ? (sorted[middle - 1] + sorted[middle]) / 2 : last
  }

  /// Three digits that count.
  private static func text(_ value: Double) -> String {
    guard abs(value) < 1e12 else { return "?" }
    let digits = abs(value) >= 100 ? 0 : abs(value) >= 10 ? 1 : 2
    let scale = [1.0, 10.0, 100.0][digits]
    let scaled = Int((abs(value) * scale).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if digits == 0 { return sign + String(scaled) }
    let fraction = String(scaled % Int(scale))
    let zeros = String(repeating: "0", count: digits - fraction.count)
    return sign + "\(scaled / Int(scale))." + zeros + fraction
  }
}
