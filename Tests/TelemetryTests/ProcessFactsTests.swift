import Glibc
import Testing

@testable import Telemetry

private let stat = """
  1234 (re) mora (x)) S 1 1234 1234 0 -1 4194560 1000 0 2 0 150 50 0 0 20 0 3 0 98765 123456789 2048 \
  18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0

  """

@Suite("ProcessFacts") struct ProcessFactsTests {
  @Test("the fields are found behind a name with brackets and blanks")
  func fields() {
    let parsed = ProcessStat(parsing: Array(stat.utf8).span)
    #expect(parsed?.cpuTicks == 200)
    #expect(parsed?.threads == 3)
    #expect(parsed?.startTicks == 98765)
    #expect(parsed?.virtualBytes == 123_456_789)
    #expect(parsed?.residentPages == 2048)
  }

  @Test("no prefix and no nonsense traps")
  func prefixes() {
    let bytes = Array(stat.utf8)
    for end in 0...bytes.count { _ = ProcessStat(parsing: Array(bytes[..<end]).span) }
    for text in [
      "", ")", "))))", "1 (x) S", "1 (x) S a b c", "1 (x) S -9223372036854775808 99999999999999999999999",
    ] {
      #expect(ProcessStat(parsing: Array(text.utf8).span) == nil)
    }
  }

  @Test(
    "the soft limit is the first number",
    arguments: [
      (
        "Max cpu time  unlimited\nMax open files            1024                 524288               files\n",
        1024
      ),
      ("Max open files            unlimited            unlimited            files\n", nil),
      ("Max open files", nil), ("", nil), ("\n\n", nil),
    ] as [(String, Int?)])
  func limit(_ text: String, _ wanted: Int?) {
    #expect(descriptorLimit(in: Array(text.utf8).span) == wanted)
  }

  @Test("this process has plausible facts, and its start doesn't waver")
  func live() throws {
    let facts = try #require(ProcessFacts.read())
    var now = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &now)
    #expect(facts.startUnixNanoseconds / 1_000_000_000 <= now.tv_sec + 1)
    #expect(facts.startUnixNanoseconds / 1_000_000_000 > now.tv_sec - 86400 * 365)
    #expect(facts.residentBytes > 1 << 20 && facts.residentBytes < facts.virtualBytes)
    #expect(facts.threads >= 1)
    #expect((facts.openDescriptors ?? 0) >= 3)
    #expect(ProcessFacts.read()?.startUnixNanoseconds == facts.startUnixNanoseconds)
  }
}
