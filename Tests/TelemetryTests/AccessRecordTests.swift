import Testing
import Wire

@testable import Telemetry

private func line(_ record: consuming AccessRecord) -> [UInt8] {
  var out = ByteQueue()
  record.write(into: &out)
  return out.array()
}

private func begun(
  unixNanoseconds: Int, endpoint: Endpoint, status: Int, end: ExchangeEnd
) -> AccessRecord {
  var record = AccessRecord()
  record.begin(unixNanoseconds: unixNanoseconds, endpoint: endpoint, status: status, end: end)
  return record
}

private func fullRecord(_ text: [UInt8]) -> AccessRecord {
  var record = begun(
    unixNanoseconds: 1_709_164_800_123_000_000, endpoint: .chatCompletions, status: 200, end: .complete)
  record.set(.requestID, text.span)
  record.trace = TraceIDs(
    high: 0x0af7_6519_16cd_43dd, low: 0x8448_eb21_1c80_319c, span: 0xb7ad_6b71_6920_3331)
  record.set(.method, text.span)
  record.set(.path, text.span)
  record.set(.group, text.span)
  record.set(.modelAsked, text.span)
  record.set(.provider, text.span)
  record.set(.model, text.span)
  record.isStream = true
  record.durationNanoseconds = 1_234_567_890
  record.upstreamNanoseconds = 1_200_000_000
  record.firstTokenNanoseconds = 300_000_000
  record.overheadNanoseconds = 87_900
  record.usage = Usage(input: 12, output: 34, cachedInput: 5, reasoning: 6)
  record.cost = 370_000_000
  record.attempts = 2
  record.requestBytes = 100
  record.responseBytes = 2000
  record.set(.errorCode, text.span)
  record.set(.errorMessage, text.span)
  record.policies = [text, text]
  record.set(.customer, text.span)
  record.set(.thread, text.span)
  return record
}

@Suite("AccessRecord") struct AccessRecordTests {
  @Test("a full line is exactly this")
  func golden() {
    let wanted = """
      {"time":"2024-02-29T00:00:00.123Z","request_id":"x","trace_id":"0af7651916cd43dd8448eb211c80319c",\
      "span_id":"b7ad6b7169203331","endpoint":"chat_completions","method":"x","path":"x","group":"x",\
      "model_asked":"x","provider":"x","model":"x","status":200,"stream":true,"duration_ms":1234.567,\
      "upstream_ms":1200,"first_token_ms":300,"overhead_us":87,"tokens_in":12,"tokens_out":34,"tokens_cached":5,\
      "tokens_reasoning":6,"cost_usd":0.00037,"attempts":2,"bytes_in":100,"bytes_out":2000,"end":"complete",\
      "error_code":"x","policies":["x","x"],"customer":"x","thread":"x","error_message":"x"}

      """
    #expect(String(decoding: line(fullRecord(Array("x".utf8))), as: UTF8.self) == wanted)
  }

  @Test("what is not known is left out")
  func sparse() throws {
    let record = begun(unixNanoseconds: 0, endpoint: .other, status: 404, end: .error)
    #expect(
      try parseLine(line(record)).map(\.name) == [
        "time", "endpoint", "status", "stream", "duration_ms", "overhead_us", "attempts", "bytes_in",
        "bytes_out", "end",
      ])
  }

  @Test(
    "a line stays one JSON line whatever a client sends",
    arguments: [
      Array("quote\" backslash\\ newline\n\r\ttab".utf8), Array("{\"status\":200}\n{\"time\":\"".utf8),
      Array("🐟ü\u{2028}\u{7F}\u{0}".utf8), [0xFF, 0xFE, 0x80, 0xC3], [0x22], [0x5C], [0x0A],
      [UInt8](repeating: 0x0A, count: 5000), [UInt8](repeating: 0x01, count: 5000),
      [UInt8](repeating: 0xFF, count: 5000), Array(String(repeating: "🐟", count: 2000).utf8),
      (0...255).map { UInt8($0) },
    ])
  func uglyText(_ text: [UInt8]) throws {
    var record = fullRecord(text)
    record.policies = Array(repeating: text, count: 100)
    record.status = .min
    record.attempts = .min
    record.requestBytes = .min
    record.responseBytes = .min
    record.usage = Usage(input: .min, output: .min, cachedInput: .min, reasoning: .min)
    record.cost = .max
    record.durationNanoseconds = .max
    record.upstreamNanoseconds = .max
    record.firstTokenNanoseconds = .min
    record.overheadNanoseconds = .max
    let written = line(record)
    let members = try parseLine(written)
    // The sentence has what is left of the line, which may be nothing.
    #expect(members.count == 30 || members.count == 31)
    #expect(written.count <= LogSink.lineCeiling)
    let whole = String(decoding: text, as: UTF8.self)
    for member in members where ["model_asked", "customer", "thread", "request_id"].contains(member.name) {
      guard case .text(let kept) = member.value else {
        Issue.record("\(member.name) is no text")
        continue
      }
      // Escapes may cut earlier than the ceiling, but what is kept is the text's own beginning.
      #expect(whole.unicodeScalars.starts(with: kept.unicodeScalars) && !kept.isEmpty)
    }
  }

  @Test("a text of 128 bytes is whole, one of 129 is cut")
  func cut() throws {
    for count in [127, 128, 129, 4096] {
      let record = fullRecord([UInt8](repeating: 0x61, count: count))
      let asked = try #require(try parseLine(line(record)).first { $0.name == "model_asked" })
      #expect(asked.value == .text(String(repeating: "a", count: min(count, 128))))
    }
  }

  @Test(
    "a cost is a plain number or is left out",
    arguments: [
      (nil, nil), (0, "0"), (1, "0.000000000001"), (12_500_000, "0.0000125"), (12_500_000_000_000, "12.5"),
      (.max, "9223372.036854775807"), (-1, nil),
    ] as [(Int?, String?)])
  func cost(_ picodollars: Int?, _ wanted: String?) throws {
    var record = begun(unixNanoseconds: 0, endpoint: .other, status: 200, end: .complete)
    record.cost = picodollars
    let member = try parseLine(line(record)).first { $0.name == "cost_usd" }
    #expect(member?.value == wanted.map { .number($0) })
  }

  @Test("a record that is used again says nothing of the line before")
  func again() throws {
    var record = fullRecord(Array("before".utf8))
    record.keyHint = 1
    record.isEstimated = true
    record.cache = .hit
    record.metadata = [(Array("before".utf8), Array("before".utf8))]
    record.begin(unixNanoseconds: 0, endpoint: .other, status: 404, end: .error)
    let fresh = begun(unixNanoseconds: 0, endpoint: .other, status: 404, end: .error)
    let (second, first) = (line(record), line(fresh))
    #expect(second == first)
  }

  @Test("lines of one record have the time of each")
  func times() throws {
    var record = AccessRecord()
    let second = 1_000_000_000
    for (time, wanted) in [
      (59 * second + 999_999_999, "1970-01-01T00:00:59.999Z"), (60 * second, "1970-01-01T00:01:00.000Z"),
      (60 * second + 7_000_000, "1970-01-01T00:01:00.007Z"), (59 * second, "1970-01-01T00:00:59.000Z"),
      (86_400 * second, "1970-01-02T00:00:00.000Z"), (-1, "1970-01-01T00:00:00.000Z"),
    ] {
      record.begin(unixNanoseconds: time, endpoint: .other, status: 200, end: .complete)
      var out = ByteQueue()
      record.write(into: &out)
      #expect(out.text().hasPrefix("{\"time\":\"\(wanted)\","))
    }
  }

  @Test("every end has its own name")
  func ends() throws {
    let names = try ExchangeEnd.allCases.map { end in
      let record = begun(unixNanoseconds: 0, endpoint: .other, status: 200, end: end)
      return try parseLine(line(record)).first { $0.name == "end" }?.value
    }
    let wanted = ["complete", "client_gone", "upstream_eof", "error", "idle_timeout", "shutdown"]
    #expect(names == wanted.map { .text($0) })
  }
}
