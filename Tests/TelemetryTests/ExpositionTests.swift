import Telemetry
import Testing
import Wire

@testable import Telemetry

func exposed(_ snapshot: MetricSnapshot, _ format: Exposition.Format = .prometheusText) -> String {
  var out = ByteQueue()
  Exposition.write(snapshot, format, into: &out)
  return out.bytes.text()
}

extension MetricShard {
  func model(_ name: String) -> Label { intern(model: Array(name.utf8).span) }
  func provider(_ name: String) -> Label { intern(provider: Array(name.utf8).span) }
  func policy(_ name: String) -> Label { intern(policy: Array(name.utf8).span) }
}

extension [ParsedFamily] {
  func samples(_ name: String) -> [Sample] { flatMap(\.samples).filter { $0.name == name } }

  /// The sum of a metric over the label sets that have all of `labels`.
  func total(_ name: String, _ labels: [String: String] = [:]) -> Double {
    samples(name).filter { sample in labels.allSatisfy { sample.label($0.key) == $0.value } }
      .reduce(0) { $0 + (Double($1.value) ?? .nan) }
  }
}

/// A shard with one of everything.
private func busyShard() -> MetricShard {
  let shard = MetricShard()
  shard.configure(providers: ["gateway"], models: ["gpt-4o"], policies: [PolicySeries("pii")])
  let provider = shard.provider("gateway")
  var exchange = ExchangeRecord(endpoint: .chatCompletions, status: 200)
  exchange.provider = provider
  exchange.model = shard.model("gpt-4o")
  exchange.durationNanoseconds = 1_500_000_000
  exchange.firstTokenNanoseconds = 20_000_000
  exchange.overheadNanoseconds = 60_001
  exchange.usage = Usage(input: 12, output: 34, cachedInput: 5, reasoning: 0)
  exchange.cost = 370_000_000
  exchange.requestBytes = 100
  exchange.responseBytes = 2000
  exchange.streamEnd = .complete
  shard.begin()
  shard.begin()
  shard.finish(exchange)
  shard.attempted(provider, .success)
  shard.evicted(.admin)
  shard.limited(.group, by: .budgetUSD)
  shard.acted(shard.policy("pii"), .redact)
  shard.refused(.foreignHost)
  shard.resumedTLS(provider)
  shard.dropped(3, for: provider)
  shard.unknown(.finishReason, 2, of: provider)
  shard.clientConnections(by: 3)
  shard.logLinesDropped(4)
  return shard
}

private func busySnapshot() -> MetricSnapshot {
  let shard = busyShard()
  var snapshot = shard.snapshot
  snapshot.setConnections(shard.provider("gateway"), idle: 1, active: 1)
  snapshot.build = BuildInfo(version: "1.2.3", revision: "abc", openssl: "3.0")
  var config = ConfigHealth()
  config.start(sha256: "00ff", at: 1_700_000_000_500_000_000)
  config.reloaded(.invalid, at: 1_700_000_001_000_000_000)
  snapshot.config = config
  snapshot.process = ProcessFacts(
    cpuNanoseconds: 1_230_000_000, residentBytes: 4096, virtualBytes: 8192, threads: 2,
    startUnixNanoseconds: 1_700_000_000_000_000_000, openDescriptors: 7, maxDescriptors: nil)
  return snapshot
}

@Suite("Exposition") struct ExpositionTests {
  @Test("every metric of the public surface has its name, labels and value")
  func names() throws {
    let families = try parseExposition(exposed(busySnapshot()), isOpenMetrics: false)
    let model = ["provider": "gateway", "model": "gpt-4o"]
    let row = model.merging(["endpoint": "chat_completions"]) { one, _ in one }
    #expect(
      families.total("remora_build_info", ["version": "1.2.3", "revision": "abc", "openssl": "3.0"]) == 1)
    #expect(families.total("remora_requests_total", row.merging(["code": "200"]) { one, _ in one }) == 1)
    #expect(families.total("remora_request_duration_seconds_sum", row) == 1.5)
    #expect(families.total("remora_request_duration_seconds_bucket", ["le": "1.28"]) == 0)
    #expect(families.total("remora_request_duration_seconds_bucket", ["le": "2.56"]) == 1)
    // An edge belongs to its bucket.
    #expect(families.total("remora_time_to_first_token_seconds_bucket", ["le": "0.01"]) == 0)
    #expect(families.total("remora_time_to_first_token_seconds_bucket", ["le": "0.02"]) == 1)
    #expect(families.total("remora_overhead_seconds_bucket", ["le": "5e-05"]) == 0)
    #expect(families.total("remora_overhead_seconds_bucket", ["le": "0.0001"]) == 1)
    #expect(families.total("remora_overhead_seconds_sum", ["endpoint": "chat_completions"]) == 0.000060001)
    for (kind, count) in ["input": 12.0, "output": 34, "cached_input": 5, "reasoning": 0] {
      #expect(families.total("remora_tokens_total", model.merging(["kind": kind]) { one, _ in one }) == count)
    }
    #expect(families.total("remora_cost_usd_total", model) == 0.00037)
    #expect(families.total("remora_requests_in_flight") == 1)
    let attempt = ["provider": "gateway", "outcome": "success"]
    #expect(families.total("remora_upstream_attempts_total", attempt) == 1)
    #expect(families.total("remora_upstream_connections", ["provider": "gateway", "state": "active"]) == 1)
    #expect(families.total("remora_upstream_connections", ["provider": "gateway", "state": "idle"]) == 1)
    #expect(families.total("remora_limited_total", ["scope": "group", "limit": "budget_usd"]) == 1)
    #expect(families.samples("remora_limited_total").count == 8)
    #expect(families.total("remora_policy_actions_total", ["policy": "pii", "action": "redact"]) == 1)
    #expect(families.total("remora_refused_total", ["reason": "foreign_host"]) == 1)
    #expect(families.samples("remora_refused_total").count == RefusedReason.allCases.count)
    #expect(families.total("remora_streams_ended_total", ["reason": "complete"]) == 1)
    #expect(families.total("remora_streams_ended_total", ["reason": "upstream_error"]) == 0)
    #expect(families.samples("remora_streams_ended_total").count == 6)
    #expect(
      families.total("remora_streams_ended_total", ["provider": "gateway", "reason": "complete"]) == 1)
    // What is configured is there before its first event, for `rate` to see that.
    #expect(families.samples("remora_upstream_attempts_total").count == AttemptOutcome.allCases.count)
    #expect(families.total("remora_tls_resumed_total", ["provider": "gateway"]) == 1)
    #expect(families.total("remora_dropped_fields_total", ["provider": "gateway"]) == 3)
    #expect(
      families.total("remora_translate_unknown_total", ["provider": "gateway", "kind": "finish_reason"]) == 2)
    #expect(families.total("remora_client_connections") == 3)
    #expect(families.total("remora_client_connections_evicted_total", ["port": "admin"]) == 1)
    #expect(families.total("remora_client_connections_evicted_total", ["port": "proxy"]) == 0)
    #expect(families.total("remora_config_reloads_total", ["result": "invalid"]) == 1)
    #expect(families.total("remora_config_last_reload_successful") == 0)
    #expect(families.total("remora_config_last_reload_success_timestamp_seconds") == 1_700_000_000.5)
    #expect(families.total("remora_config_info", ["sha256": "00ff"]) == 1)
    #expect(families.total("remora_log_lines_dropped_total") == 4)
    #expect(families.total("process_cpu_seconds_total") == 1.23)
    #expect(families.total("process_open_fds") == 7)
    #expect(families.samples("process_max_fds").isEmpty)
  }

  @Test("both formats are valid and say the same")
  func formats() throws {
    let text = try parseExposition(exposed(busySnapshot()), isOpenMetrics: false)
    let open = try parseExposition(exposed(busySnapshot(), .openMetrics), isOpenMetrics: true)
    #expect(text.flatMap(\.samples) == open.flatMap(\.samples))
    #expect(text.count == open.count)
    #expect(open.first { $0.name == "remora_cost_usd" }?.unit == "usd")
    #expect(open.first { $0.name == "remora_build_info" }?.type == "gauge")
  }

  @Test("a family's lines are exactly these")
  func golden() {
    let text = exposed(busySnapshot())
    let wanted = """
      # HELP remora_overhead_seconds Time a request spent in Remora itself.
      # TYPE remora_overhead_seconds histogram
      remora_overhead_seconds_bucket{endpoint="chat_completions",le="2.5e-05"} 0
      remora_overhead_seconds_bucket{endpoint="chat_completions",le="5e-05"} 0
      remora_overhead_seconds_bucket{endpoint="chat_completions",le="0.0001"} 1
      remora_overhead_seconds_bucket{endpoint="chat_completions",le="0.00025"} 1
      remora_overhead_seconds_bucket{endpoint="chat_completions",le="0.0005"} 1
      remora_overhead_seconds_bucket{endpoint="chat_completions",le="0.001"} 1
      remora_overhead_seconds_bucket{endpoint="chat_completions",le="0.0025"} 1
      remora_overhead_seconds_bucket{endpoint="chat_completions",le="0.005"} 1
      remora_overhead_seconds_bucket{endpoint="chat_completions",le="0.01"} 1
      remora_overhead_seconds_bucket{endpoint="chat_completions",le="0.05"} 1
      remora_overhead_seconds_bucket{endpoint="chat_completions",le="+Inf"} 1
      remora_overhead_seconds_sum{endpoint="chat_completions"} 0.000060001
      remora_overhead_seconds_count{endpoint="chat_completions"} 1
      # HELP remora_requests_in_flight Requests read and not yet answered in full.
      # TYPE remora_requests_in_flight gauge
      remora_requests_in_flight 1
      # HELP remora_tokens_total Tokens, as the provider counted them; input holds cached_input, output holds reasoning.
      # TYPE remora_tokens_total counter
      remora_tokens_total{provider="gateway",model="gpt-4o",kind="input"} 12

      """
    #expect(text.contains(wanted))
    let open = exposed(busySnapshot(), .openMetrics)
    #expect(
      open.contains(
        """
        # TYPE remora_requests counter
        remora_requests_total{endpoint="chat_completions",provider="gateway",model="gpt-4o",code="200"} 1

        """))
    #expect(open.hasSuffix("\n# EOF\n"))
    #expect(!text.contains("EOF"))
  }

  @Test("an empty shard is valid too", arguments: [Exposition.Format.prometheusText, .openMetrics])
  func empty(_ format: Exposition.Format) throws {
    let families = try parseExposition(
      exposed(MetricShard().snapshot, format), isOpenMetrics: format == .openMetrics)
    #expect(families.contains { $0.name.hasPrefix("remora_requests") })
    #expect(families.total("remora_requests_in_flight") == 0)
  }

  @Test(
    "ugly names come back whole from a label",
    arguments: [
      "quote\"quote", "back\\slash", "line\nfeed", "\\n", "\\", "\"", "",
      "tab\tand carriage return\r", "ümlaut 🐟", "{}=,# HELP",
    ])
  func escaping(_ name: String) throws {
    let shard = MetricShard()
    shard.configure(providers: [name], models: [name], policies: [])
    var exchange = ExchangeRecord(endpoint: .other, status: 200)
    exchange.provider = shard.provider(name)
    exchange.model = shard.model(name)
    shard.begin()
    shard.finish(exchange)
    for format in [Exposition.Format.prometheusText, .openMetrics] {
      let families = try parseExposition(
        exposed(shard.snapshot, format), isOpenMetrics: format == .openMetrics)
      let sample = try #require(families.samples("remora_requests_total").first)
      #expect(sample.label("model") == (name.isEmpty ? "none" : name))
      #expect(sample.label("provider") == (name.isEmpty ? "none" : name))
    }
  }

  @Test("what is not UTF-8 is replaced, at every place a character can break")
  func invalidText() {
    for (bytes, wanted) in [
      ([0xFF], "\u{FFFD}"), ([0x61, 0xC3], "a\u{FFFD}"), ([0xC0, 0xAF], "\u{FFFD}\u{FFFD}"),
      ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"), ([0xF0, 0x9F, 0x90, 0x9F], "🐟"),
      ([0xE2, 0x82, 0x22], "\u{FFFD}\u{FFFD}\\\""),
      ([0xF4, 0x90, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
    ] as [([UInt8], String)] {
      var out = ByteQueue()
      LabelText.append(bytes.span, into: &out)
      #expect(out.bytes.text() == wanted, "\(bytes)")
    }
  }
}
