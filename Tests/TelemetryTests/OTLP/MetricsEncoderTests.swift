import Testing
import Wire

@testable import Telemetry

@Suite("MetricsEncoder") struct MetricsEncoderTests {
  private func encoded(_ page: String) -> [UInt8] {
    var out = ByteQueue()
    MetricsEncoder.encode(Array(page.utf8).span, start: 1, now: 2, into: &out)
    return out.array()
  }

  @Test("a counter is exactly this")
  func counter() {
    let page = "# HELP a_total About.\n# TYPE a_total counter\na_total{k=\"v\\\"\\n\"} 3\n"
    let point: [UInt8] =
      [0x11, 1, 0, 0, 0, 0, 0, 0, 0, 0x19, 2, 0, 0, 0, 0, 0, 0, 0, 0x31, 3, 0, 0, 0, 0, 0, 0, 0]
      + [0x3A, 10, 0x0A, 1, 0x6B, 0x12, 5, 0x0A, 3, 0x76, 0x22, 0x0A]
    let sum: [UInt8] = [0x0A, UInt8(point.count)] + point + [0x10, 2, 0x18, 1]
    let metric: [UInt8] =
      [0x0A, 7] + Array("a_total".utf8) + [0x12, 6] + Array("About.".utf8) + [
        0x1A, 0, 0x3A, UInt8(sum.count),
      ] + sum
    #expect(encoded(page) == [0x12, UInt8(metric.count)] + metric)
  }

  @Test("what has no sample is left out, and nonsense is passed over")
  func nothing() {
    #expect(encoded("# HELP a About.\n# TYPE a gauge\n") == [])
    #expect(encoded("") == [] && encoded("\n\n# x\n") == [])
    _ = encoded("a{b=\"c")
    _ = encoded("a{b= 1\n{ 1\n 1\na{b=\"\\")
  }

  @Test("everything that there is can be encoded")
  func all() {
    let shard = MetricShard()
    shard.configure(providers: ["p"], models: ["m"], policies: [])
    var exchange = ExchangeRecord(endpoint: .chatCompletions, status: 200)
    exchange.durationNanoseconds = 1_500_000_000
    shard.begin()
    shard.finish(exchange)
    #expect(encoded(exposed(shard.snapshot)).count > 500)
  }
}
