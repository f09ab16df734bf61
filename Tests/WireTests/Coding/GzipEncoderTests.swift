import Testing
import Wire

@Suite("GzipEncoder") struct GzipEncoderTests {
  private func packed(_ bytes: [UInt8]) -> [UInt8] {
    var out = ByteQueue()
    GzipEncoder.encode(bytes.span, into: &out)
    return out.array()
  }

  private func unpacked(_ bytes: [UInt8]) throws -> [UInt8] {
    var out = ByteQueue()
    var decoder = ContentDecoder(.gzip)
    var at = 0
    _ = try decoder.next(bytes.span, from: &at, into: &out, limit: .max)
    try decoder.finish()
    return out.array()
  }

  @Test("what is packed is read back, whatever it is")
  func roundTrip() throws {
    var random = SystemRandomNumberGenerator()
    var cases: [[UInt8]] = [
      [], [0], [255], Array("abcabcabcabcabc".utf8), [UInt8](repeating: 7, count: 100_000),
    ]
    for count in [3, 4, 5, 257, 258, 259, 260, 32_767, 32_768, 32_769, 40_000] {
      cases.append((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
      cases.append((0..<count).map { _ in UInt8.random(in: 0...3, using: &random) })
      cases.append((0..<count).map { UInt8(truncatingIfNeeded: $0) })
      // A repetition at the window's edge.
      let part = (0..<300).map { _ in UInt8.random(in: 0...255, using: &random) }
      cases.append(part + [UInt8](repeating: 1, count: count) + part)
    }
    for bytes in cases { #expect(try unpacked(packed(bytes)) == bytes) }
  }

  @Test("what stands before it is read back with it")
  func head() throws {
    let line = Array("\"http.request.method\":\"POST\"".utf8)
    for head in [[], [1], line, line + line] {
      for bytes in [[], [2], line, line + [3] + line] {
        var out = ByteQueue()
        GzipEncoder.encode(bytes.span, behind: head.span, into: &out)
        #expect(try unpacked(out.array()) == head + bytes)
      }
    }
  }

  @Test("a repetition with a few bytes changed goes on behind them at its distance")
  func changed() throws {
    var random = SystemRandomNumberGenerator()
    var text: [UInt8] = []
    for _ in 0..<500 {
      text += (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) }
      text += Array("\"http.request.method\":\"POST\",\"url.path\":\"/v1/chat/completions\"\n".utf8)
    }
    let bytes = packed(text)
    #expect(try unpacked(bytes) == text)
    // Sixteen bytes that none can guess, of at most nine bits each, and a match.
    #expect(bytes.count < 500 * 22 + 200)
  }

  @Test("repetitions take little room")
  func size() {
    let line = Array("\"http.request.method\":\"POST\",\"url.path\":\"/v1/chat/completions\"\n".utf8)
    let text = (0..<500).flatMap { _ in line }
    #expect(packed(text).count < text.count / 50)
  }
}
