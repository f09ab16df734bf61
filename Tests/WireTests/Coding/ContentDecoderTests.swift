import Support
import Testing
import Wire

@Suite struct ContentDecoderTests {
  /// What came of a body.
  private struct Outcome: Equatable {
    var bytes: [UInt8] = []
    var fault: ContentFault?
  }

  /// - Parameter limit: how much may be made at a time.
  private static func decode(_ coding: ContentCoding, _ pieces: [[UInt8]], limit: Int = 1 << 20) -> Outcome {
    var decoder = ContentDecoder(coding)
    var outcome = Outcome()
    do throws(ContentFault) {
      for piece in pieces {
        var at = 0
        var isFull = true
        while isFull {
          var out = ByteQueue()
          defer { outcome.bytes += out.array() }
          isFull = try decoder.next(piece.span, from: &at, into: &out, limit: limit)
          let made = out.count
          #expect(made <= limit)
          if isFull { #expect(made == limit) } else { #expect(at == piece.count) }
        }
      }
      try decoder.finish()
    } catch { outcome.fault = error }
    return outcome
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let row: FixtureRow
    var testDescription: String { row.title }
    var coding: ContentCoding { row.expected.hasPrefix("gzip") ? .gzip : .deflate }
    var coded: [UInt8] { Self.bytes(String(decoding: row.bytes, as: UTF8.self)) }
    var text: [UInt8]? {
      row.expected.split(separator: "=", omittingEmptySubsequences: false).dropFirst().first.map {
        Self.bytes(String($0))
      }
    }
    var fault: ContentFault? {
      let name = row.expected.split(separator: "!").dropFirst().first
      return ContentFault.allCases.first { "\($0)" == name ?? "" }
    }

    private static func bytes(_ text: String) -> [UInt8] {
      let digits = Array(text.utf8)
      return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
        UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
      }
    }

    static let all = FixtureRow.rows("../coding/cases.txt").map(Case.init(row:))
  }

  @Test("bodies of every form are read, and bad ones refused, in every cut", arguments: Case.all)
  func cases(_ example: Case) {
    let coded = example.coded
    let whole = Self.decode(example.coding, [coded])
    #expect(whole.fault == example.fault)
    if let text = example.text { #expect(whole.bytes == text) } else { #expect(example.fault != nil) }
    for pieces in EverySplit(coded) { #expect(Self.decode(example.coding, pieces) == whole) }
    for limit in [1, 2, 3, 7, 100] { #expect(Self.decode(example.coding, [coded], limit: limit) == whole) }
    #expect(Self.decode(example.coding, coded.map { [$0] }, limit: 1) == whole)
  }

  @Test("what a sender flushes comes out before what follows")
  func flushed() throws {
    let example = try #require(Case.all.first { $0.row.title == "flushed twice" })
    let coded = example.coded
    var decoder = ContentDecoder(.gzip)
    var said: [Int] = []
    var out = ByteQueue()
    for byte in coded {
      var at = 0
      _ = try decoder.next([byte].span, from: &at, into: &out, limit: 1000)
      said.append(out.count)
    }
    // The first event is whole at the first empty block, 00 00 FF FF.
    let mark = try #require(coded.indices.first { coded[$0...].starts(with: [0, 0, 0xFF, 0xFF]) })
    #expect(said[mark + 3] == 9)
  }

  /// Blocks of one bit pattern each: what is made is a thousand times what is read.
  @Test("a bomb is made no faster than it is asked for")
  func bomb() throws {
    // A literal zero, then lengths of 258 at distance 1, in the fixed codes: 13 bits each.
    var bits: [UInt8] = [1, 1, 0] + [0, 0, 1, 1, 0, 0, 0, 0]
    for _ in 0..<10_000 { bits += [1, 1, 0, 0, 0, 1, 0, 1] + [0, 0, 0, 0, 0] }
    bits += [0, 0, 0, 0, 0, 0, 0]
    let coded = stride(from: 0, to: bits.count, by: 8).map { at in
      (0..<8).reduce(UInt8(0)) { $0 | (at + $1 < bits.count ? bits[at + $1] : 0) << $1 }
    }
    let outcome = Self.decode(.deflate, [coded], limit: 4096)
    #expect(outcome.fault == nil)
    #expect(outcome.bytes.count == 2_580_001)
    #expect(outcome.bytes.allSatisfy { $0 == 0 })
  }

  @Test("a fault stays")
  func sticky() {
    var decoder = ContentDecoder(.gzip)
    var out = ByteQueue()
    for _ in 0..<2 {
      var at = 0
      #expect(throws: ContentFault.notGzip) {
        _ = try decoder.next([0x78].span, from: &at, into: &out, limit: 10)
      }
    }
    #expect(throws: ContentFault.notGzip) { try decoder.finish() }
  }

  @Test("every fault has words of its own")
  func messages() {
    #expect(Set(ContentFault.allCases.map { "\($0.message)" }).count == ContentFault.allCases.count)
  }

  @Test(
    "codings are known by their names",
    arguments: [
      ([], .identity), ([""], .identity), (["identity"], .identity), (["gzip"], .gzip), (["X-GZip"], .gzip),
      (["Deflate"], .deflate), (["identity, gzip"], .gzip), (["gzip ,"], .gzip), (["gzip", "gzip"], .other),
      (["gzip, deflate"], .other), (["br"], .other), (["zstd"], .other), (["gzi"], .other),
      (["gzip2"], .other),
      (["identity", "deflate"], .deflate), (["gzip;q=1"], .other),
    ] as [([String], ContentCoding)])
  func names(_ values: [String], _ expected: ContentCoding) throws {
    let fields = values.map { "Content-Encoding: \($0)\r\n" }.joined()
    let bytes = Array("HTTP/1.1 200 OK\r\n\(fields)\r\n".utf8)
    var head = ResponseHead()
    try head.parse(bytes.span)
    #expect(ContentCoding(head.fields, in: bytes.span) == expected)
  }
}
