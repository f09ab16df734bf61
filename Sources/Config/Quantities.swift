// Durations, sizes and shares out of text. Each refusal says what would be right.

internal import Wire

/// Why a text can't be read: what is wrong, and what would be right.
struct Refused: Error, Equatable {
  let reason: String
  init(_ reason: String) { self.reason = reason }
}

enum Quantity {
  /// Splits digits from the unit behind them; nil where there are no digits.
  private static func split(_ text: String) -> (digits: Substring, unit: Substring)? {
    let digits = text.prefix { $0.isASCII && $0.isWholeNumber }
    return digits.isEmpty ? nil : (digits, text[digits.endIndex...])
  }

  /// Reads `250ms`, `5s`, `10m`, `1h` or `30d`.
  static func duration(_ text: String) throws(Refused) -> Duration {
    guard let (digits, unit) = split(text) else {
      throw Refused("not a duration; write a whole number and a unit: 250ms, 5s, 10m, 1h or 30d")
    }
    let seconds: Int64
    switch unit {
    case "ms":
      guard let count = Int64(digits), count <= Int64.max / 1_000_000 else {
        throw Refused("the number is too large")
      }
      return .milliseconds(count)
    case "s": seconds = 1
    case "m": seconds = 60
    case "h": seconds = 3600
    case "d": seconds = 86400
    case "": throw Refused("the unit is missing; write \(digits)s for seconds, or ms, m, h, d")
    default:
      throw Refused(
        Hint.duration(text) ?? "unknown unit; write a whole number and a unit: 250ms, 5s, 10m, 1h or 30d")
    }
    guard let count = Int64(digits), count <= Int64(1) << 40 else { throw Refused("the number is too large") }
    return .seconds(count * seconds)
  }

  /// Reads `64KiB`, `10MiB`, `1GiB`, or a number of bytes.
  static func size(_ text: String) throws(Refused) -> Int {
    guard let (digits, unit) = split(text) else {
      throw Refused("not a size; write a whole number and a unit: 64KiB, 10MiB or 1GiB")
    }
    let factor: Int
    switch unit {
    case "", "B": factor = 1
    case "KiB": factor = 1 << 10
    case "MiB": factor = 1 << 20
    case "GiB": factor = 1 << 30
    default:
      throw Refused(Hint.size(digits, unit) ?? "unknown unit; write a whole number and one of KiB, MiB, GiB")
    }
    guard let count = Int(digits), count <= Int.max / factor else { throw Refused("the number is too large") }
    return count * factor
  }

  /// Reads `20%`.
  static func percent(_ text: String) throws(Refused) -> Int {
    guard text.hasSuffix("%"), let value = Int(text.dropLast()), (0...100).contains(value) else {
      throw Refused(
        Hint.percent(text) ?? "not a share; write a whole number from 0 to 100 and a percent sign: 20%")
    }
    return value
  }

  /// The duration as it is written in a configuration, in the largest unit that fits.
  static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    if attoseconds != 0 { return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms" }
    if let days = whole(seconds, of: 86400) { return "\(days)d" }
    if let hours = whole(seconds, of: 3600) { return "\(hours)h" }
    if let minutes = whole(seconds, of: 60) { return "\(minutes)m" }
    return "\(seconds)s"
  }

  /// The size as it is written in a configuration.
  static func text(size: Int) -> String {
    if let count = whole(Int64(size), of: 1 << 30) { return "\(count)GiB" }
    if let count = whole(Int64(size), of: 1 << 20) { return "\(count)MiB" }
    if let count = whole(Int64(size), of: 1 << 10) { return "\(count)KiB" }
    return "\(size)"
  }

  /// How many of a unit a value is, if that is a whole number of them. (A loop over the units, each with its name, was
  /// unrolled by the compiler in an order that differed from build to build.)
  private static func whole(_ value: Int64, of unit: Int64) -> Int64? {
    value != 0 && value.isMultiple(of: unit) ? value / unit : nil
  }
}
