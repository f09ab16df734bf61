import Testing
import Wire

@Suite("CivilTime") struct CivilTimeTests {
  @Test(
    "RFC 3339 is read with fractions and offsets, and nothing else is",
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2025-06-01T12:30:45Z", 1_748_781_045),
      ("2025-06-01t12:30:45.123456789z", 1_748_781_045), ("2025-06-01T14:30:45+02:00", 1_748_781_045),
      ("2025-06-01T07:00:45.5-05:30", 1_748_781_045), ("2000-02-29T23:59:60Z", 951_868_800),
      ("9999-12-31T23:59:59Z", 253_402_300_799),
      ("2025-02-29T00:00:00Z", nil), ("2025-04-31T00:00:00Z", nil), ("2025-13-01T00:00:00Z", nil),
      ("2025-00-01T00:00:00Z", nil), ("1969-12-31T23:59:59Z", nil), ("2025-06-01T24:00:00Z", nil),
      ("2025-06-01T12:60:00Z", nil), ("2025-06-01T12:30:45", nil), ("2025-06-01 12:30:45Z", nil),
      ("2025-06-01T12:30:45.Z", nil), ("2025-06-01T12:30:45Z ", nil), ("2025-06-01T12:30:45+2:00", nil),
      ("2025-06-01T12:30:45+24:00", nil), ("", nil), ("2025-06-01T12:30:4", nil),
      ("20a5-06-01T12:30:45Z", nil),
    ] as [(String, Int?)])
  func rfc3339(_ text: String, _ expected: Int?) {
    #expect(CivilTime.unixSeconds(rfc3339: Array(text.utf8).span) == expected)
  }

  @Test(
    "a Date field is read in the one form that may be sent",
    arguments: [
      ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
      ("Sun, 06 nov 1994 08:49:37 GMT", 784_111_777),
      ("Sunday, 06-Nov-94 08:49:37 GMT", nil), ("Sun Nov  6 08:49:37 1994", nil),
      ("Sun, 06 Nov 1994 08:49:37 UTC", nil), ("Sun, 31 Nov 1994 08:49:37 GMT", nil),
      ("Sun, 06 Nix 1994 08:49:37 GMT", nil), ("", nil),
    ] as [(String, Int?)])
  func httpDate(_ text: String, _ expected: Int?) {
    #expect(CivilTime.unixSeconds(httpDate: Array(text.utf8).span) == expected)
  }

  @Test("what is written is read back, and the ends hold")
  func compact() {
    func written(_ seconds: Int) -> String {
      var out = ByteQueue()
      CivilTime.appendCompact(unixSeconds: seconds, into: &out)
      return out.bytes.text()
    }
    #expect(written(1_748_781_045) == "20250601T123045Z")
    #expect(written(.min) == "19700101T000000Z" && written(.max) == "99991231T235959Z")
    for days in stride(from: 0, to: 200_000, by: 13) {
      #expect(CivilDate(daysSinceEpoch: days).daysSinceEpoch == days)
    }
  }
}
