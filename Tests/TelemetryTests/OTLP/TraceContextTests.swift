import Testing
import Wire

@testable import Telemetry

private let traceText = "0af7651916cd43dd8448eb211c80319c"
private let spanText = "b7ad6b7169203331"

@Suite("TraceContext") struct TraceContextTests {
  @Test(
    "a traceparent is read",
    arguments: [
      ("00-\(traceText)-\(spanText)-01", 1), ("00-\(traceText)-\(spanText)-00", 0),
      ("00-\(traceText)-\(spanText)-03", 3),
      // What isn't known of the flags is none of ours to pass on.
      ("00-\(traceText)-\(spanText)-ff", 3), ("cc-\(traceText)-\(spanText)-01", 1),
      ("01-\(traceText)-\(spanText)-01-what-comes", 1),
      ("fe-\(traceText)-\(spanText)-01-", 1),
    ] as [(String, UInt8)])
  func good(_ text: String, _ flags: UInt8) throws {
    let bytes = Array(text.utf8)
    let read = TraceParent(bytes.span)
    let parent = try #require(read)
    #expect(
      parent.ids
        == TraceIDs(high: 0x0af7_6519_16cd_43dd, low: 0x8448_eb21_1c80_319c, span: 0xb7ad_6b71_6920_3331))
    #expect(parent.flags == flags)
  }

  @Test(
    "what is no traceparent is none",
    arguments: [
      "", "00", "00-\(traceText)-\(spanText)", "00-\(traceText)-\(spanText)-1",
      "00-\(traceText)-\(spanText)-01-",
      "00-\(traceText)-\(spanText)-01-x",
      "00-\(traceText)-\(spanText)-011", "01-\(traceText)-\(spanText)-01x", "ff-\(traceText)-\(spanText)-01",
      "0g-\(traceText)-\(spanText)-01",
      "00-\(traceText.uppercased())-\(spanText)-01", "00-\(traceText)-\(spanText.uppercased())-01",
      "00-\(traceText)-\(spanText)-0A",
      "00-\(String(repeating: "0", count: 32))-\(spanText)-01",
      "00-\(traceText)-\(String(repeating: "0", count: 16))-01",
      "00_\(traceText)-\(spanText)-01", "00-\(traceText)_\(spanText)-01", "00-\(traceText)-\(spanText)_01",
      "00-\(traceText.dropLast())-\(spanText)-01",
      "00-\(traceText)-\(spanText.dropLast())-01", " 00-\(traceText)-\(spanText)-01",
      "00-\(traceText)-\(spanText)-01 ",
    ])
  func bad(_ text: String) {
    let bytes = Array(text.utf8)
    let read = TraceParent(bytes.span)
    #expect(read == nil)
  }

  private func state(_ lines: [String]) -> Bool {
    var state = TraceState()
    for line in lines { state.take(Array(line.utf8).span) }
    return state.isGood
  }

  @Test(
    "a tracestate within its bounds is good",
    arguments: [
      ["a=1"], ["congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"], ["a=1", "b=2"], ["a=1 , b=2"], ["t@v=x"],
      ["a=1,,b=2"], [""],
      [(0..<32).map { "k\($0)=v" }.joined(separator: ",")], ["a=" + String(repeating: "v", count: 256)],
    ])
  func goodState(_ lines: [String]) { #expect(state(lines)) }

  @Test(
    "one that can't be read, or is too long, isn't",
    arguments: [
      ["a"], ["A=1"], ["=1"], ["a="], ["a=1=2"], ["a b=1"], ["a=\u{7F}"], ["a=é"], ["@a=1"],
      [(0..<33).map { "k\($0)=v" }.joined(separator: ",")], ["a=" + String(repeating: "v", count: 257)],
      [(0..<30).map { "key\($0)=" + String(repeating: "v", count: 16) }.joined(separator: ",")],
      [String(repeating: "k", count: 257) + "=1"], (0..<33).map { "k\($0)=v" },
    ])
  func badState(_ lines: [String]) { #expect(!state(lines)) }

  @Test("the ratio takes by the id's low half, and the same id always the same")
  func sampling() {
    let half = Sampling(0.5)
    #expect(half.takes(TraceIDs(high: .max, low: 1 << 63 - 1)))
    #expect(!half.takes(TraceIDs(high: 0, low: 1 << 63)))
    #expect(Sampling(1).takes(TraceIDs(high: 0, low: .max)))
    #expect(!Sampling(0).takes(TraceIDs(high: 0, low: 0)))
    #expect(Sampling(2).takes(TraceIDs(high: 0, low: .max)) && !Sampling(-1).takes(TraceIDs(high: 0, low: 1)))
    #expect(!Sampling(.nan).takes(TraceIDs(high: 0, low: 1)))
  }
}

@Suite("ExportRules") struct ExportRulesTests {
  private static let second: UInt64 = 1_000_000_000

  private func next(
    _ outcome: ExportOutcome, failures: Int = 0, age: UInt64 = 0, isHalf: Bool = false, mayWait: Bool = true,
    random: UInt64 = 0
  ) -> ExportStep {
    ExportRules.next(outcome, failures: failures, age: age, isHalf: isHalf, mayWait: mayWait, random: random)
  }

  @Test(
    "what is answered decides",
    arguments: [
      (.answered(200, retryAfter: nil), .done), (.answered(413, retryAfter: nil), .halve),
      (.answered(400, retryAfter: nil), .drop), (.answered(401, retryAfter: nil), .drop),
      (.answered(404, retryAfter: nil), .drop), (.answered(408, retryAfter: nil), .drop),
      (.answered(500, retryAfter: 1), .drop), (.answered(503, retryAfter: 2), .again(2 * second)),
      (.answered(429, retryAfter: 3600), .again(30 * second)), (.answered(502, retryAfter: 0), .again(0)),
      (.answered(301, retryAfter: nil), .drop), (.answered(202, retryAfter: nil), .drop),
    ] as [(ExportOutcome, ExportStep)])
  func answers(_ outcome: ExportOutcome, _ step: ExportStep) { #expect(next(outcome) == step) }

  @Test("at once is once, and then as if nothing were said")
  func atOnce() {
    #expect(next(.answered(503, retryAfter: 0)) == .again(0))
    #expect(
      next(.answered(503, retryAfter: 0), failures: 1) == next(.answered(503, retryAfter: nil), failures: 1))
    #expect(next(.answered(503, retryAfter: 1), failures: 1) == .again(Self.second))
  }

  @Test("a batch that was halved once is dropped")
  func halves() { #expect(next(.answered(413, retryAfter: nil), isHalf: true) == .drop) }

  @Test("waits double, a fifth more or less, up to thirty seconds and a minute in all")
  func waits() {
    for failures in 0..<70 {
      for random in [0, 1, UInt64.max] {
        guard case .again(let wait) = next(.lost, failures: failures, random: random) else {
          Issue.record("it isn't tried again")
          continue
        }
        let middle = min(Self.second << UInt64(min(failures, 5)), 32 * Self.second)
        #expect(
          wait >= min(middle / 10 * 8, 30 * Self.second) && wait <= min(middle / 10 * 12, 30 * Self.second))
      }
    }
    #expect(next(.lost, age: 60 * Self.second) == .drop)
    #expect(next(.slow, mayWait: false) == .drop)
  }

  private func rejected(_ bytes: [UInt8]) -> Int { ExportRules.rejected(in: bytes.span) }

  @Test("what a collector rejects is counted, and nonsense is nothing")
  func rejected() {
    // partial_success { rejected_spans: 3, error_message: "old" }
    #expect(rejected([0x0A, 7, 0x08, 3, 0x12, 3, 0x6F, 0x6C, 0x64]) == 3)
    #expect(rejected([]) == 0)
    for bytes in [
      [0x0A], [0x0A, 0xFF], [0x0A, 2, 0x08], [0x08, 0x80], [0xFF, 0xFF], [0x0A, 2, 0x08, 0x80],
    ] as [[UInt8]] {
      #expect(rejected(bytes) == 0)
    }
  }
}
