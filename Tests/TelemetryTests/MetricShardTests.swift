import Telemetry
import Testing
import Wire

@testable import Telemetry

private func finish(
  _ shard: MetricShard, model: Label, provider: Label = .none, status: Int = 200, nanoseconds: Int = 1
) {
  var exchange = ExchangeRecord(endpoint: .chatCompletions, status: status)
  exchange.provider = provider
  exchange.model = model
  exchange.durationNanoseconds = nanoseconds
  exchange.firstTokenNanoseconds = nanoseconds
  exchange.usage = Usage(input: 1, output: 1, cachedInput: 1, reasoning: 1)
  exchange.cost = 1_000_000_000_000
  shard.begin()
  shard.finish(exchange)
}

private func parsed(_ snapshot: MetricSnapshot) throws -> [ParsedFamily] {
  try parseExposition(exposed(snapshot), isOpenMetrics: false)
}

@Suite("MetricShard") struct MetricShardTests {
  @Test("10,000 model names that clients made up are one label")
  func madeUpModels() throws {
    let shard = MetricShard()
    shard.configure(providers: ["p"], models: ["gpt-4o"], policies: [])
    for number in 0..<10_000 {
      finish(shard, model: shard.model("made-up-\(number)"), provider: shard.provider("p"))
    }
    finish(shard, model: shard.model("gpt-4o"), provider: shard.provider("p"))
    let families = try parsed(shard.snapshot)
    #expect(families.samples("remora_requests_total").count == 2)
    #expect(families.total("remora_requests_total", ["model": "other"]) == 10_000)
    #expect(families.total("remora_metrics_dropped_label_sets_total") == 0)
  }

  @Test(
    "tries of providers in turn are each provider's own, however many there are, and whenever they are read")
  func triesInTurn() throws {
    let names = (0..<7).map { "p\($0)" }
    let shard = MetricShard()
    shard.configure(providers: names, models: [], policies: [])
    for round in 1...30 {
      for (at, name) in names.enumerated() where round <= 30 - at {
        shard.attempted(shard.provider(name), .success)
        shard.timed(shard.provider(name), firstByte: 1_000_000_000, connect: nil)
      }
      if round % 7 == 0 { _ = shard.snapshot }
    }
    let families = try parsed(shard.snapshot)
    for (at, name) in names.enumerated() {
      let labels = ["provider": name]
      #expect(families.total("remora_upstream_attempts_total", labels) == Double(30 - at))
      #expect(families.total("remora_upstream_first_byte_seconds_count", labels) == Double(30 - at))
      #expect(families.total("remora_upstream_first_byte_seconds_sum", labels) == Double(30 - at))
    }
  }

  @Test("10,000 configured names stay under the ceiling, and no observation is lost")
  func ceiling() throws {
    let names = (0..<10_000).map { "model-\($0)" }
    let shard = MetricShard()
    shard.configure(providers: names, models: names, policies: names.map { PolicySeries($0) })
    for (at, name) in names.enumerated() {
      finish(shard, model: shard.model(name), provider: shard.provider(name), status: 100 + at % 500)
      shard.attempted(
        shard.provider(name), AttemptOutcome(rawValue: UInt8(at % AttemptOutcome.allCases.count)) ?? .success)
      shard.acted(shard.policy(name), .block)
    }
    var snapshot = shard.snapshot
    for name in names { snapshot.setConnections(shard.provider(name), idle: 0, active: 0) }
    let families = try parsed(snapshot)
    for family in families {
      let sets = Set(family.samples.map { "\($0.labels.filter { $0[0] != "le" })" })
      #expect(sets.count <= 200, "\(family.name)")
    }
    #expect(families.total("remora_requests_total") == 10_000)
    #expect(families.total("remora_request_duration_seconds_count") == 10_000)
    #expect(families.total("remora_upstream_attempts_total") == 10_000)
    #expect(families.total("remora_tokens_total", ["kind": "reasoning"]) == 10_000)
    #expect(families.total("remora_cost_usd_total") == 10_000)
    #expect(families.samples("remora_upstream_connections").allSatisfy { $0.value == "0" })
    // The first of them kept their names.
    #expect(families.total("remora_requests_total", ["model": "model-0"]) == 1)
    let dropped = families.total(
      "remora_metrics_dropped_label_sets_total", ["metric": "remora_requests_total"])
    #expect(dropped > 9000 && dropped < 10_000)
  }

  @Test("names a client can send never become labels unless configured, whatever their length")
  func unknownNames() {
    let shard = MetricShard()
    shard.configure(providers: ["p"], models: ["m"], policies: [PolicySeries("x")])
    #expect(shard.model("") == .none)
    #expect(shard.model("m") != .other)
    #expect(shard.model("M") == .other)
    #expect(shard.model("p") == .other)
    #expect(shard.provider("m") == .other)
    #expect(shard.policy("x") != .other)
    #expect(shard.model(String(repeating: "m", count: 100_000)) == .other)
    #expect(shard.model("other") == .other)
  }

  @Test("a reload takes names away, and nothing that was counted")
  func reload() throws {
    let shard = MetricShard()
    shard.configure(providers: [], models: ["old"], policies: [])
    finish(shard, model: shard.model("old"))
    shard.configure(providers: [], models: ["new"], policies: [])
    #expect(shard.model("old") == .other)
    finish(shard, model: shard.model("new"))
    shard.configure(providers: [], models: ["old"], policies: [])
    finish(shard, model: shard.model("old"))
    let families = try parsed(shard.snapshot)
    #expect(families.total("remora_requests_total", ["model": "old"]) == 2)
    #expect(families.total("remora_requests_total", ["model": "new"]) == 1)
  }

  @Test("shards that know names in another order merge by name")
  func merge() throws {
    let one = MetricShard()
    one.configure(providers: ["p", "q"], models: ["a", "b"], policies: [PolicySeries("x")])
    let two = MetricShard()
    two.configure(providers: ["q", "p"], models: ["c", "b"], policies: [PolicySeries("x")])
    finish(one, model: one.model("a"), provider: one.provider("p"), nanoseconds: 15_000_000)
    finish(one, model: one.model("b"), provider: one.provider("q"))
    finish(two, model: two.model("b"), provider: two.provider("q"), nanoseconds: 700_000_000_000)
    finish(two, model: two.model("c"), provider: two.provider("p"))
    one.begin()
    two.begin()
    two.refused(.timeout)
    one.acted(one.policy("x"), .block)
    two.acted(two.policy("x"), .block)
    one.clientConnections(by: 2)
    two.clientConnections(by: 1)
    two.logLinesDropped(5)
    var total = one.snapshot
    total.merge(two.snapshot)
    let families = try parsed(total)
    #expect(families.total("remora_requests_total", ["model": "a", "provider": "p"]) == 1)
    #expect(families.total("remora_requests_total", ["model": "b", "provider": "q"]) == 2)
    #expect(families.total("remora_requests_total", ["model": "c", "provider": "p"]) == 1)
    #expect(families.total("remora_request_duration_seconds_count", ["model": "b"]) == 2)
    #expect(families.total("remora_request_duration_seconds_bucket", ["model": "b", "le": "655.36"]) == 1)
    #expect(families.total("remora_cost_usd_total") == 4)
    #expect(families.total("remora_requests_in_flight") == 2)
    #expect(families.total("remora_refused_total") == 1)
    #expect(families.total("remora_policy_actions_total", ["policy": "x", "action": "block"]) == 2)
    #expect(families.total("remora_client_connections") == 3)
    #expect(families.total("remora_log_lines_dropped_total") == 5)
    // The shards themselves are as they were.
    #expect(try parsed(one.snapshot).total("remora_requests_total") == 2)
  }

  @Test("merged shards stay under the ceiling as well, and lose nothing")
  func mergeCeiling() throws {
    var total = MetricSnapshot()
    var foldedInShards = 0.0
    for worker in 0..<4 {
      let names = (0..<300).map { "w\(worker)-\($0)" }
      let shard = MetricShard()
      shard.configure(providers: names, models: names, policies: [])
      for name in names { finish(shard, model: shard.model(name), provider: shard.provider(name)) }
      foldedInShards += try parsed(shard.snapshot).total("remora_metrics_dropped_label_sets_total")
      total.merge(shard.snapshot)
    }
    let families = try parsed(total)
    #expect(families.samples("remora_requests_total").count <= 200)
    #expect(families.total("remora_requests_total") == 1200)
    #expect(families.total("remora_metrics_dropped_label_sets_total") == foldedInShards)
  }

  @Test("whatever comes in turn and however often it is read, all of it is counted", arguments: [1, 7, 1000])
  func alternating(readEach: Int) throws {
    let shard = MetricShard()
    let models = (0..<40).map { "m\($0)" }
    shard.configure(providers: ["p", "q"], models: models, policies: [])
    for number in 0..<1000 {
      let provider = shard.provider(number % 3 == 0 ? "p" : "q")
      var exchange = ExchangeRecord(endpoint: .chatCompletions, status: number % 5 == 0 ? 503 : 200)
      exchange.provider = provider
      exchange.model = shard.model(models[number * 7 % 40])
      exchange.durationNanoseconds = 15_000_000
      exchange.overheadNanoseconds = 30_000
      exchange.usage = Usage(input: 3, output: number % 2 == 0 ? 2 : nil, cachedInput: 0)
      exchange.cost = number % 4 == 0 ? 1_000_000_000_000 : nil
      exchange.requestBytes = 10
      exchange.responseBytes = 20
      shard.begin()
      shard.attempted(provider, exchange.status == 200 ? .success : .serverError)
      shard.timed(provider, firstByte: 12_000_000, connect: nil)
      shard.finish(exchange)
      if number % readEach == 0 { _ = shard.snapshot }
    }
    let families = try parsed(shard.snapshot)
    #expect(families.total("remora_requests_total", ["code": "200"]) == 800)
    #expect(families.total("remora_requests_total", ["code": "503"]) == 200)
    #expect(families.total("remora_request_duration_seconds_count") == 1000)
    #expect(families.total("remora_request_duration_seconds_bucket", ["le": "0.01"]) == 0)
    #expect(families.total("remora_request_duration_seconds_bucket", ["le": "0.02"]) == 1000)
    #expect(families.total("remora_overhead_seconds_bucket", ["le": "5e-05"]) == 1000)
    #expect(families.total("remora_tokens_total", ["kind": "input"]) == 3000)
    #expect(families.total("remora_tokens_total", ["kind": "output"]) == 1000)
    #expect(
      families.samples("remora_tokens_total").contains { $0.labels.contains(["kind", "cached_input"]) })
    #expect(!families.samples("remora_tokens_total").contains { $0.labels.contains(["kind", "reasoning"]) })
    #expect(families.total("remora_cost_usd_total") == 250)
    #expect(families.total("remora_request_body_bytes_total") == 10_000)
    #expect(families.total("remora_response_body_bytes_total") == 20_000)
    #expect(families.total("remora_upstream_attempts_total", ["provider": "p", "outcome": "success"]) == 267)
    #expect(families.total("remora_upstream_attempts_total", ["outcome": "success"]) == 800)
    #expect(families.total("remora_upstream_first_byte_seconds_count", ["provider": "q"]) == 666)
    #expect(families.total("remora_requests_in_flight") == 0)
  }

  @Test("what is counted under a wider label set is noted each time, also where it comes again and again")
  func foldedAgain() throws {
    let names = (0..<300).map { "model-\($0)" }
    let shard = MetricShard()
    shard.configure(providers: ["p"], models: names, policies: [])
    let provider = shard.provider("p")
    for name in names { finish(shard, model: shard.model(name), provider: provider) }
    func folded(_ metric: String) throws -> Double {
      try parsed(shard.snapshot).total("remora_metrics_dropped_label_sets_total", ["metric": metric])
    }
    let before = try (
      folded("remora_requests_total"), folded("remora_tokens_total"), folded("remora_cost_usd_total")
    )
    for number in 0..<50 {
      var exchange = ExchangeRecord(endpoint: .chatCompletions, status: 200)
      exchange.provider = provider
      exchange.model = shard.model(names[299])
      exchange.usage = Usage(input: 1, reasoning: number == 3 ? 5 : nil)
      exchange.cost = number % 10 == 0 ? 1 : nil
      shard.finish(exchange)
    }
    #expect(try folded("remora_requests_total") == before.0 + 50)
    #expect(try folded("remora_tokens_total") == before.1 + 51)
    #expect(try folded("remora_cost_usd_total") == before.2 + 5)
  }

  @Test("what can't be true is not counted, and nothing traps")
  func absurdNumbers() throws {
    let shard = MetricShard()
    for (tokens, picodollars, time) in [
      (Int.max, nil, Int.max), (Int.min, Int.min, .min), (-1, -1, -1), (Int.max, .max, .max),
      (Int.max, 1_000_000_000_000, .max),
    ] {
      var exchange = ExchangeRecord(endpoint: .responses, status: tokens)
      exchange.usage = Usage(input: tokens, output: tokens, cachedInput: tokens, reasoning: tokens)
      exchange.cost = picodollars
      exchange.durationNanoseconds = time
      exchange.firstTokenNanoseconds = time
      exchange.overheadNanoseconds = time
      exchange.requestBytes = tokens
      exchange.responseBytes = tokens
      exchange.expectsUsage = true
      shard.finish(exchange)
    }
    let families = try parsed(shard.snapshot)
    #expect(families.total("remora_requests_total", ["code": "other"]) == 5)
    #expect(families.total("remora_cost_usd_total") == 1_000_001)
    #expect(families.total("remora_tokens_total", ["kind": "input"]) == 3 * 1_099_511_627_776)
    // More ends than beginnings would be our own fault; the gauge doesn't show it as a negative count.
    #expect(families.total("remora_requests_in_flight") == 0)
  }

  @Test("usage that should be there and isn't is counted")
  func missingUsage() throws {
    let shard = MetricShard()
    var exchange = ExchangeRecord(endpoint: .chatCompletions, status: 200)
    shard.finish(exchange)
    exchange.expectsUsage = true
    shard.finish(exchange)
    exchange.usage.output = 0
    shard.finish(exchange)
    #expect(try parsed(shard.snapshot).total("remora_usage_missing_total") == 1)
  }

  @Test(
    "each duration is in the one bucket whose edges hold it",
    arguments: [Bounds.duration, Bounds.firstToken, Bounds.overhead].indices)
  func buckets(_ which: Int) {
    let bounds = [Bounds.duration, Bounds.firstToken, Bounds.overhead][which]
    #expect(bounds.count < Histogram.width)
    var histogram = Histogram()
    var sum = 0
    for (at, bound) in bounds.enumerated() {
      let text = bound.text.withUTF8Buffer { unsafe String(decoding: $0, as: UTF8.self) }
      #expect(Double(text) == Double(bound.nanoseconds) / 1e9)
      histogram.observe(bound.nanoseconds, in: bounds)
      histogram.observe(bound.nanoseconds + 1, in: bounds)
      sum += 2 * bound.nanoseconds + 1
      #expect(histogram.counts[at] == (at == 0 ? 1 : 2))
    }
    #expect(histogram.counts[bounds.count] == 1)
    #expect(histogram.count == 2 * bounds.count)
    #expect(histogram.sumNanoseconds == sum)
  }

  @Test("reloads tell their result, and a refused one leaves what is in force")
  func reloads() {
    var config = ConfigHealth()
    #expect(!config.isLastReloadSuccessful)
    config.start(sha256: "aa", at: 1)
    config.reloaded(.unreadable, sha256: "bb", at: 2)
    #expect(!config.isLastReloadSuccessful)
    #expect(config.sha256 == "aa" && config.lastSuccessUnixNanoseconds == 1)
    config.reloaded(.unchanged, at: 3)
    #expect(config.isLastReloadSuccessful && config.sha256 == "aa" && config.lastSuccessUnixNanoseconds == 3)
    config.reloaded(.applied, sha256: "cc", at: 4)
    #expect(config.sha256 == "cc")
    #expect(ReloadResult.allCases.map(config.count) == [1, 1, 0, 1])
  }

  @Test("the name table finds what it holds, through all its growth, and stops at its ceiling")
  func nameTable() {
    var table = NameTable()
    for number in 2..<NameTable.ceiling {
      #expect(table.add(Array("name-\(number)".utf8).span)?.id == UInt16(number))
    }
    #expect(table.add(Array("one more".utf8).span) == nil)
    #expect(table.add(Array("name-7".utf8).span)?.id == 7)
    for number in 2..<NameTable.ceiling {
      #expect(table.find(Array("name-\(number)".utf8).span)?.id == UInt16(number))
    }
    #expect(table.name(Label(id: 9)).text() == "name-9")
    #expect(table.name(Label(id: 5000)).text() == "")
  }
}
