// What a line of an audit log says of an exchange: who asked for what, who answered, and what policies found. Never a
// prompt, an answer, a value, a header or a key; a client's own words in it are cut and escaped.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// The exchange as members of a line, ended by a line feed.
  func auditLine(_ audits: AuditBook, _ counted: ExchangeRecord, _ connection: ClientConnection) -> [UInt8] {
    var line = AuditLine()
    line.time(Int(clamping: Instant.unixNanoseconds))
    line.text("request_id", ask.requestID)
    line.text("pod", audits.pod)
    if audits.listeners.indices.contains(ask.entrance.index) {
      line.text("listener", audits.listeners[ask.entrance.index])
    }
    if let group = ask.group { line.text("group", group.label) }
    if let said = written {
      line.text("customer", said.customer)
      line.text("thread", said.thread)
    }
    line.word("endpoint", counted.endpoint.name)
    line.text("model_asked", ask.model)
    if let upstream {
      line.text("provider", Array(upstream.name.utf8))
      withModel { line.text("model", $0) }
    }
    line.number("attempts", record.attempts)
    line.number("status", counted.status)
    if let name = record.errorName {
      line.text("error_code", Array(name.utf8))
    } else {
      line.text("error_code", record.errorCode.bytes)
    }
    line.truth("stream", isStream)
    let usage = record.bill.shown ?? counted.usage
    if let input = usage.input { line.number("tokens_in", input) }
    if let output = usage.output { line.number("tokens_out", output) }
    if let cost = counted.cost { line.dollars("cost_usd", cost) }
    line.number("bytes_in", counted.requestBytes)
    line.number("bytes_out", counted.responseBytes)
    if let watch = ask.watch, let chain = watch.chain { line.policies(watch.inspector.tally, chain) }
    if ask.isUnscanned { line.truth("unscanned", true) }
    line.text("config_sha256", audits.configuration)
    return line.ended()
  }
}

/// A line under way.
private struct AuditLine: ~Copyable {
  /// Bytes of a client's text that are kept, and of its escaped form.
  private static let textCeiling = 128
  private static let writtenCeiling = 384
  private var out = ByteQueue()

  mutating func time(_ unixNanoseconds: Int) {
    out.append("\"time\":\"")
    appendTimestamp(unixNanoseconds: unixNanoseconds, into: &out)
    out.append("\"")
  }

  mutating func text(_ name: StaticString, _ value: Span<UInt8>) {
    if value.isEmpty { return }
    key(name)
    jsonString(value, ceiling: Self.textCeiling, writtenCeiling: Self.writtenCeiling, into: &out)
  }

  mutating func text(_ name: StaticString, _ value: [UInt8]) { text(name, value.span) }

  mutating func word(_ name: StaticString, _ value: StaticString) {
    key(name)
    out.append("\"")
    out.append(value)
    out.append("\"")
  }

  mutating func number(_ name: StaticString, _ value: Int) {
    key(name)
    out.append(decimal: value)
  }

  mutating func truth(_ name: StaticString, _ value: Bool) {
    key(name)
    out.append(value ? "true" : "false")
  }

  mutating func dollars(_ name: StaticString, _ picodollars: Int) {
    key(name)
    out.append(picodollars, places: 12)
  }

  private mutating func key(_ name: StaticString) {
    out.append(",\"")
    out.append(name)
    out.append("\":")
  }

  /// What each policy found and did.
  mutating func policies(_ tally: PolicyTally, _ chain: PolicyChain) {
    key("policies")
    out.append("[")
    var isFirst = true
    for at in chain.rules.indices {
      for side in PolicySide.allCases where tally.count(at, side) > 0 {
        if !isFirst { out.append(",") }
        isFirst = false
        policy(chain.rules[at], tally.findings.filter { $0.rule == at && $0.side == side }, side)
      }
    }
    out.append("]")
  }

  private mutating func policy(_ rule: PolicyRule, _ findings: [PolicyFinding], _ side: PolicySide) {
    out.append("{\"policy\":")
    JSONWriter.string(rule.name, into: &out)
    out.append(",\"kind\":")
    JSONWriter.string(rule.kind.rawValue, into: &out)
    out.append(",\"action\":")
    JSONWriter.string(rule.action(on: side), into: &out)
    if rule.kind == .promptInjection {
      if let score = findings.compactMap(\.score).max() { number("score", score) }
      key("rules")
      out.append("[")
      for (at, finding) in findings.enumerated() {
        if at > 0 { out.append(",") }
        JSONWriter.string(finding.name, into: &out)
      }
      out.append("]")
    } else {
      key("findings")
      out.append("{")
      for (at, finding) in findings.enumerated() {
        if at > 0 { out.append(",") }
        JSONWriter.string(finding.name, into: &out)
        out.append(":")
        out.append(decimal: finding.count)
      }
      out.append("}")
    }
    word("side", side.name)
    out.append("}")
  }

  consuming func ended() -> [UInt8] {
    out.append("\n")
    return out.array()
  }
}
