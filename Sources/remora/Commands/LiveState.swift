// What a running proxy says of its targets and limits: asked of its admin port by `remora explain`.

import Config
import Transport
import Wire

/// The state of a running proxy, as `/state` of its admin port has it.
struct LiveState {
  /// One target's.
  private struct Target {
    var provider: String
    var model: String
    var line: String
  }

  /// Under which address it was asked.
  let address: String
  private var targets: [Target] = []
  /// What is left of limits, a line each.
  private(set) var limits: [String] = []

  private static let patience = Duration.seconds(1)

  /// Asks the proxy at `address`.
  ///
  /// - Throws: why there is no answer.
  init(at address: Config.Address) throws(Failure) {
    self.address = address.near.text
    var exchange = try PlainExchange.begin(
      PlainRequest(path: "/state"), to: address, until: .now + Self.patience)
    try exchange.readAll()
    guard exchange.status == 200 else {
      throw Failure("it answers /state with \(exchange.status)")
    }
    guard JSONValue.kind(of: exchange.body.bytes) == .object else {
      throw Failure("what it says of its state is no JSON")
    }
    read(exchange.body.bytes)
  }

  /// What is said of a target; nil: nothing, so that it has not failed.
  func line(_ provider: String, _ model: String) -> String? {
    targets.first { $0.provider == provider && $0.model == model }?.line
  }

  private mutating func read(_ json: Span<UInt8>) {
    let whole = 0..<json.count
    if let range = JSONView.value(json, in: whole, at: "targets") {
      var items = JSONArrayCursor(json, range)
      while let item = items.next() {
        targets.append(
          Target(
            provider: Self.text(json, item.value, "provider"), model: Self.text(json, item.value, "model"),
            line: Self.target(json, item.value)))
      }
    }
    if let range = JSONView.value(json, in: whole, at: "limits") {
      var items = JSONArrayCursor(json, range)
      while let item = items.next() { limits.append(Self.limit(json, item.value)) }
    }
    if Self.text(json, whole, "limits_shared") == "away" {
      limits.append("the place where all pods count together is away: each keeps to its part")
    }
  }

  private static func target(_ json: Span<UInt8>, _ range: Range<Int>) -> String {
    var line: String
    let seconds = number(json, range, "for_ms").map { " for \(($0 + 999) / 1000)s more" } ?? ""
    switch text(json, range, "state") {
    case "closed": line = "in use"
    case "half_open": line = "tried out after failures"
    case "open": line = "left alone\(seconds) after failures"
    case "cooling": line = "left alone\(seconds): \(text(json, range, "reason"))"
    case let other: line = other
    }
    if let failures = number(json, range, "failures_30s"), failures > 0 {
      line += ", \(failures) failed in the last 30s"
    }
    let last = text(json, range, "last_failure")
    if !last.isEmpty { line += ", the last one: \(last)" }
    if let time = number(json, range, "first_token_ms") { line += ", first token after \(time)ms" }
    if let time = number(json, range, "token_us") { line += ", \(time)us a token" }
    if let count = number(json, range, "in_flight"), count > 0 { line += ", \(count) under way" }
    return line
  }

  private static func limit(_ json: Span<UInt8>, _ range: Range<Int>) -> String {
    let group = text(json, range, "group")
    var parts: [String] = []
    if let left = number(json, range, "requests_left") { parts.append("\(left) requests") }
    if let left = number(json, range, "tokens_left") { parts.append("\(left) tokens") }
    if let left = number(json, range, "concurrent_left") { parts.append("\(left) requests at once") }
    if let left = JSONView.value(json, in: range, at: "budget_left_usd") {
      parts.append("$" + json.extracting(left).text())
    }
    return "of \(group.isEmpty ? "this pod" : "group \(group)"): \(parts.joined(separator: ", ")) left"
  }

  private static func text(_ json: Span<UInt8>, _ range: Range<Int>, _ name: StaticString) -> String {
    guard let value = JSONView.value(json, in: range, at: name), JSONView.kind(json, value) == .string else {
      return ""
    }
    var text = ByteQueue()
    JSONString.decode(json, value, into: &text)
    return text.bytes.text()
  }

  private static func number(_ json: Span<UInt8>, _ range: Range<Int>, _ name: StaticString) -> Int? {
    JSONView.value(json, in: range, at: name).flatMap { JSONValue.integer(json, $0) }
  }
}
