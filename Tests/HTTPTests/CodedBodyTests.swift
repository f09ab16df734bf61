import HTTP
import Support
import Testing
import Wire

/// A body's framing and coding, taken off as bytes come and as there is room.
@Suite("Coded bodies") struct CodedBodyTests {
  private struct Outcome: Equatable {
    var bytes: [UInt8] = []
    var fault: String?
    var hasEnded = false
    var mayEndHere = false
  }

  private static func take(
    _ pieces: [[UInt8]], _ framing: Framing, _ coding: ContentCoding, limit: Int
  ) -> Outcome {
    var flow = BodyFlow(framing, coding: coding)
    var outcome = Outcome()
    var source = ByteQueue()
    do throws(BodyFault) {
      for piece in pieces {
        source.append(piece)
        repeat {
          var out = ByteQueue()
          defer { outcome.bytes += out.array() }
          try flow.take(&source, into: &out, limit: limit)
          let made = out.count
          if coding != .identity { #expect(made <= limit) }
        } while flow.holdsMore
        if flow.hasEnded { break }
        let left = source.count
        #expect(left == 0)
      }
    } catch { outcome.fault = "\(error.message)" }
    outcome.hasEnded = flow.hasEnded
    outcome.mayEndHere = flow.mayEndHere
    return outcome
  }

  private static let text = Array("{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}".utf8)
  /// `text` in zlib's format: a literal each, and one length.
  private static let coded: [UInt8] = [
    0x78, 0xDA, 0xAB, 0x56, 0x4A, 0x54, 0xB2, 0x52, 0x4A, 0x24, 0x08, 0x94, 0x6A, 0x01,
  ]

  private static func chunked(_ bytes: [UInt8], _ size: Int) -> [UInt8] {
    var out = ByteQueue()
    for from in stride(from: 0, to: bytes.count, by: size) {
      HeadWriter.chunk(bytes.span.extracting(from..<min(from + size, bytes.count)), to: &out)
    }
    HeadWriter.lastChunk(to: &out)
    return out.array()
  }

  @Test("every framing and coding, in every cut and with any room", arguments: [1, 2, 7, 1000])
  func whole(_ limit: Int) {
    let wrapped = Self.coded + Self.sum
    for (coding, body) in [(ContentCoding.identity, Self.text), (.deflate, wrapped)] {
      for (framing, sent) in [
        (Framing.length(body.count), body), (.chunked, Self.chunked(body, 5)),
        (.chunked, Self.chunked(body, 100)), (.untilClose, body),
      ] {
        for pieces in EverySplit(sent) {
          let outcome = Self.take(pieces, framing, coding, limit: limit)
          #expect(outcome.bytes == Self.text)
          #expect(outcome.fault == nil)
          #expect(outcome.hasEnded == (framing != .untilClose))
          #expect(outcome.mayEndHere == (framing == .untilClose))
        }
      }
    }
  }

  /// The checksum behind `coded`.
  private static let sum: [UInt8] = [0x37, 0xAD, 0x0E, 0xFE]

  @Test("a coded body that ends before its data does is broken, whatever ends it", arguments: 1..<18)
  func cut(_ count: Int) {
    let part = Array((Self.coded + Self.sum).prefix(count))
    for (framing, sent) in [(Framing.length(count), part), (.chunked, Self.chunked(part, 3))] {
      let outcome = Self.take([sent], framing, .deflate, limit: 1000)
      #expect(outcome.fault == "\(ContentFault.truncated.message)")
      #expect(!outcome.hasEnded)
    }
    let open = Self.take([part], .untilClose, .deflate, limit: 1000)
    #expect(open.fault == nil && !open.mayEndHere)
  }

  @Test("nothing is nothing in every coding", arguments: [ContentCoding.gzip, .deflate, .identity])
  func empty(_ coding: ContentCoding) {
    for framing in [Framing.none, .length(0)] {
      let hasEnded = BodyFlow(framing, coding: coding).hasEnded
      #expect(hasEnded)
    }
    let outcome = Self.take([Array("0\r\n\r\n".utf8)], .chunked, coding, limit: 10)
    #expect(outcome == Outcome(hasEnded: true))
    #expect(Self.take([], .untilClose, coding, limit: 10).mayEndHere)
  }
}
