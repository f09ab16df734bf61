import Support
import Testing
import Wire

/// What comes of a chunked body that arrives in pieces: body, trailers and rest, or the fault.
private func outcome(_ pieces: [[UInt8]]) -> [UInt8] {
  var decoder = ChunkedDecoder(keepsTrailers: true)
  var body = ByteQueue()
  var rest: [UInt8] = []
  do throws(ChunkFault) {
    for piece in pieces {
      if decoder.hasEnded {
        rest += piece
        continue
      }
      let (consumed, ended) = try decoder.decode(piece.span, into: &body)
      rest += piece[consumed...]
      if ended != decoder.hasEnded || (!ended && consumed != piece.count) { return Array("lost".utf8) }
    }
  } catch {
    return Array("\(error)".utf8)
  }
  if !decoder.hasEnded { return Array("unfinished".utf8) }
  let quote: [UInt8] = [0x22]
  let space: [UInt8] = [0x20]
  return quote + body.array() + quote + space + quote + decoder.trailers + quote + space + quote + rest
    + quote
}

@Suite struct ChunkedDecoderTests {
  @Test("a chunked body is read or refused, in every cut", arguments: FixtureRow.rows("chunked.txt"))
  func table(_ row: FixtureRow) {
    let cuts = row.bytes.count < 1_000 ? Array(EverySplit(row.bytes)) : [[row.bytes], row.bytes.map { [$0] }]
    for pieces in cuts {
      let found = outcome(pieces)
      guard found == row.expectedBytes else {
        Issue.record("\(String(decoding: found, as: UTF8.self)) in pieces of \(pieces.map(\.count))")
        return
      }
    }
  }

  @Test("a body that ends early never looks finished")
  func prefixes() {
    let bytes = Array("3;x\r\nabc\r\n0\r\nX: 1\r\n\r\n".utf8)
    for count in bytes.indices { #expect(outcome([Array(bytes[..<count])]) == Array("unfinished".utf8)) }
  }

  @Test("random bodies in random chunks come out whole, in every cut", arguments: 0..<4)
  func random(_ seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    for _ in 0..<100 {
      var body: [UInt8] = []
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0..<5, using: &random) {
        let size = Int.random(in: 1...20, using: &random)
        // Mostly bytes that framing is made of, which a careless decoder would trip over.
        let data = (0..<size).map { _ in
          [0x0D, 0x0A, 0x30, 0x3B, UInt8.random(in: 0...255, using: &random)][
            Int.random(in: 0..<5, using: &random)]
        }
        body += data
        let digits = String(size, radix: 16, uppercase: Bool.random(using: &random))
        bytes += Array((Bool.random(using: &random) ? "00" + digits : digits).utf8)
        if Bool.random(using: &random) { bytes += Array(";a=\"b c\"".utf8) }
        bytes += [0x0D, 0x0A] + data + [0x0D, 0x0A]
      }
      bytes += Array("0\r\n\r\nnext".utf8)
      let expected = [0x22] + body + Array("\" \"\" \"next\"".utf8)
      for pieces in EverySplit(bytes) {
        guard outcome(pieces) == expected else {
          Issue.record("\(bytes) in pieces of \(pieces.map(\.count))")
          return
        }
      }
    }
  }

  @Test("no bytes can make the decoder trap, and it never goes back", arguments: 0..<4)
  func noise(_ seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    let alphabet = Array("0127fF;:\r\n\r\nX \t\0".utf8) + [0x80, 0xFF]
    for _ in 0..<3_000 {
      let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
        alphabet.randomElement(using: &random) ?? 0
      }
      var decoder = ChunkedDecoder(keepsTrailers: Bool.random(using: &random))
      var at = 0
      steps: while let step = try? decoder.next(bytes.span, from: at) {
        switch step {
        case .data(let range):
          #expect(range.lowerBound >= at && range.upperBound <= bytes.count && !range.isEmpty)
          at = range.upperBound
        case .needMore(let consumed):
          #expect(consumed == bytes.count)
          break steps
        case .end(let consumed):
          #expect(consumed >= at && consumed <= bytes.count)
          break steps
        }
      }
      // An offset that nobody should pass is no trap either.
      _ = try? decoder.next(bytes.span, from: bytes.count + 9)
    }
  }

  @Test("a fault stays, whatever is fed behind it")
  func sticky() {
    var decoder = ChunkedDecoder()
    let bad = Array("7;a=\"\r\n".utf8)
    #expect(throws: ChunkFault.extensions) { try decoder.next(bad.span, from: 0) }
    #expect(throws: ChunkFault.extensions) { try decoder.next(Array("\"\r\nabcdefg".utf8).span, from: 0) }
    #expect(!decoder.hasEnded)
  }

  @Test("a huge chunk is counted, not stored")
  func huge() throws {
    var decoder = ChunkedDecoder()
    let head = Array("400000000000000\r\nab".utf8)
    #expect(try decoder.next(head.span, from: 0) == .data(17..<19))
    #expect(try decoder.next(head.span, from: 19) == .needMore(consumed: 19))
  }

  @Test("the upstream's own request id has another name behind it, and nothing takes Remora's names")
  func renamedTrailers() throws {
    var decoder = ChunkedDecoder(keepsTrailers: true)
    let text = "0\r\nx-a: 1\r\nX-Request-Id: r1\r\nX-Remora-Provider: z\r\nx-request-ids: 2\r\nx-b:3\r\n\r\n"
    _ = try decoder.next(Array(text.utf8).span, from: 0)
    #expect(decoder.hasEnded)
    #expect(
      String(decoding: decoder.trailers, as: UTF8.self)
        == "x-a: 1\r\nx-remora-upstream-request-id: r1\r\nx-request-ids: 2\r\nx-b:3\r\n")
  }

  @Test("trailers that nobody keeps are checked all the same")
  func dropped() throws {
    var decoder = ChunkedDecoder()
    var body = ByteQueue()
    let good = Array("0\r\nContent-Length: 3\r\nX: 1\r\n\r\n".utf8)
    #expect(try decoder.decode(good.span, into: &body).ended)
    #expect(decoder.trailers.isEmpty)
    var strict = ChunkedDecoder()
    #expect(throws: ChunkFault.trailer) { try strict.next(Array("0\r\nX 1\r\n".utf8).span, from: 0) }
  }

  @Test("every fault has a status and a sentence of its own")
  func faults() {
    #expect(Set(ChunkFault.allCases.map { $0.message.description }).count == ChunkFault.allCases.count)
    #expect(ChunkFault.allCases.allSatisfy { $0.status == 400 || $0.status == 431 })
  }
}
