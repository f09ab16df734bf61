import Testing
import Wire

@testable import Telemetry

private func written(_ write: (inout ByteQueue) -> Void) -> String {
  var out = ByteQueue()
  write(&out)
  return out.bytes.text()
}

@Suite("TextForms") struct TextFormsTests {
  @Test(
    "an instant is written as RFC 3339 wants it",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (999_999, "1970-01-01T00:00:00.000Z"),
      (1_000_000, "1970-01-01T00:00:00.001Z"), (-5, "1970-01-01T00:00:00.000Z"),
      (Int.min, "1970-01-01T00:00:00.000Z"),
      (951_782_399_999_000_000, "2000-02-28T23:59:59.999Z"),
      (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
      (951_868_800_000_000_000, "2000-03-01T00:00:00.000Z"),
      (1_709_164_800_000_000_000, "2024-02-29T00:00:00.000Z"),
      (1_740_787_199_000_000_000, "2025-02-28T23:59:59.000Z"),
      (1_740_787_200_000_000_000, "2025-03-01T00:00:00.000Z"),
      (1_735_689_599_987_654_321, "2024-12-31T23:59:59.987Z"),
      (4_107_542_399_000_000_000, "2100-02-28T23:59:59.000Z"),
      (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000Z"),
      (Int.max, "2262-04-11T23:47:16.854Z"),
    ])
  func timestamp(_ unixNanoseconds: Int, _ wanted: String) {
    #expect(written { appendTimestamp(unixNanoseconds: unixNanoseconds, into: &$0) } == wanted)
  }

  @Test("five centuries of days follow each other without a gap")
  func calendar() {
    var date = CivilDate(daysSinceEpoch: 0)
    for day in 1..<182_622 {
      let next = CivilDate(daysSinceEpoch: day)
      let isLeap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0)
      let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      date.day += 1
      if date.day > lengths[date.month - 1] {
        date.day = 1
        date.month += 1
      }
      if date.month > 12 {
        date.month = 1
        date.year += 1
      }
      if next != date {
        Issue.record("day \(day): \(next), not \(date)")
        return
      }
    }
    #expect(date.year == 2469)
  }

  @Test(
    "a fraction is exact and has no trailing zeros",
    arguments: [
      (0, 9, "0"), (1, 9, "0.000000001"), (1_500_000_000, 9, "1.5"), (60_001, 9, "0.000060001"),
      (1_000_000_000, 9, "1"), (12_345, 3, "12.345"), (12_300, 3, "12.3"), (7, 0, "7"), (-7, 3, "0"),
      (Int.max, 9, "9223372036.854775807"),
    ])
  func fraction(_ value: Int, _ places: Int, _ wanted: String) {
    #expect(written { $0.append(value, places: places) } == wanted)
  }

  @Test(
    "a JSON string holds anything",
    arguments: [
      ([], "\"\""), (Array("plain".utf8), "\"plain\""), (Array("a\"b\\c/".utf8), #""a\"b\\c/""#),
      (Array("\n\r\t\u{0}\u{1F}\u{7F}".utf8), #""\n\r\t\u0000\u001f\u007f""#),
      (Array("ü🐟".utf8), "\"ü🐟\""), ([0x61, 0xFF, 0x62], "\"a\u{FFFD}b\""),
      ([0xF0, 0x9F, 0x90], "\"\u{FFFD}\u{FFFD}\u{FFFD}\""),
    ] as [([UInt8], String)])
  func json(_ text: [UInt8], _ wanted: String) {
    #expect(written { jsonString(text.span, into: &$0) } == wanted)
  }

  @Test("a long string is cut between two characters")
  func cut() {
    let text = Array("aü🐟".utf8)
    for (ceiling, wanted) in [
      (0, ""), (1, "a"), (2, "a"), (3, "aü"), (4, "aü"), (6, "aü"), (7, "aü🐟"), (8, "aü🐟"),
    ] {
      #expect(written { jsonString(text.span, ceiling: ceiling, into: &$0) } == "\"\(wanted)\"")
    }
    let zeros = [UInt8](repeating: 0, count: 100)
    #expect(written { jsonString(zeros.span, writtenCeiling: 20, into: &$0) }.utf8.count == 20)
  }
}
