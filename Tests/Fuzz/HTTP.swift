// Heads and chunks: one reading in every cut, and what is written from it has that reading too.

import Wire

/// What was made of a head.
private struct HeadReading: Equatable {
  var fault: HeadFault?
  /// Bytes of the head, empty line included; 0 while it has no end.
  var length = 0
  var facts: [Int] = []
}

/// Reads the head that bytes begin with: its length, or nil if it isn't whole.
private typealias Reader = (Span<UInt8>, inout HeadScanner) throws(HeadFault) -> Int?

private func read(
  _ pieces: [[UInt8]], from sender: HeadScanner.Sender, _ take: Reader, facts: () throws(HeadFault) -> [Int]
) -> HeadReading {
  var reading = HeadReading()
  var scanner = HeadScanner(for: sender, skipsEmptyLines: sender == .client)
  var bytes: [UInt8] = []
  do throws(HeadFault) {
    for piece in pieces {
      bytes += piece
      if let length = try exact(bytes, { span throws(HeadFault) in try take(span, &scanner) }) {
        expect(length > 0 && length <= bytes.count, "a head lies inside of what came")
        reading.length = length
        reading.facts = try facts()
        return reading
      }
    }
  } catch {
    reading.fault = error
  }
  return reading
}

private func places(_ range: Range<Int>?) -> [Int] { range.map { [$0.lowerBound, $0.upperBound] } ?? [-1] }

private func number(_ framing: Framing) -> Int {
  switch framing {
  case .none: -1
  case .chunked: -2
  case .untilClose: -3
  case .length(let count): count
  }
}

private func facts(of fields: [Field]) -> [Int] {
  fields.flatMap { places($0.name) + places($0.value) + [Int($0.known.rawValue)] }
}

private func facts(of head: borrowing RequestHead) -> [Int] {
  [Int(head.method.rawValue), head.minor, number(head.framing), head.keepsAlive ? 1 : 0]
    + [head.expectsContinue ? 1 : 0, head.acceptsTrailers ? 1 : 0, head.isAsterisk ? 1 : 0]
    + places(head.target) + places(head.path) + places(head.query) + places(head.authority)
    + places(head.host) + facts(of: head.fields)
}

@Sendable func fuzzRequest(_ input: Input) -> String {
  var head = RequestHead()
  // Read into a value that has been used: what an earlier head left must not matter.
  try? head.parse(Array("PUT http://a/b?c HTTP/1.0\r\nHost: a\r\nTE: trailers\r\n\r\n".utf8).span)
  let whole = read([input.bytes], from: .client) { bytes, scanner throws(HeadFault) in
    try head.read(bytes, &scanner)
  } facts: {
    facts(of: head)
  }
  // As it comes, and the end found first.
  for atOnce in [true, false] {
    var fresh = RequestHead()
    let cut = read(input.pieces, from: .client) { bytes, scanner throws(HeadFault) in
      if atOnce { return try fresh.read(bytes, &scanner) }
      guard let length = try scanner.scan(bytes) else { return nil }
      try fresh.parse(bytes.extracting(0..<length))
      return length
    } facts: {
      facts(of: fresh)
    }
    expect(whole == cut, "a request's head reads the same in every cut: \(whole) and \(cut)")
  }
  guard whole.fault == nil, whole.length > 0 else { return whole.fault == nil ? "more" : "refused" }
  let written = exact(Array(input.bytes[..<whole.length])) { bytes in forwarded(head, bytes) }
  checkForwarded(written, head)
  return hexadecimal(written)
}

/// The head as Remora writes it to a provider.
private func forwarded(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) -> [UInt8] {
  var rules = HopByHop.forRequest()
  rules.read(head.fields, named: head.names, in: bytes)
  var out = ByteQueue()
  var target = ByteQueue()
  target.append(bytes.extracting(head.path))
  if let query = head.query {
    target.append("?")
    target.append(bytes.extracting(query))
  }
  HeadWriter.requestLine(method: bytes.extracting(head.methodText), target: target.bytes, to: &out)
  out.append("Host: provider\r\n")
  var run = FieldRun()
  for field in head.fields where !rules.held.contains(field.known) && !rules.nominates(field, in: bytes) {
    run.take(field, of: bytes, to: &out)
  }
  run.flush(bytes, to: &out)
  HeadWriter.framing(head.framing, to: &out)
  HeadWriter.end(to: &out)
  return out.array()
}

private func checkForwarded(_ written: [UInt8], _ head: borrowing RequestHead) {
  var again = RequestHead()
  var scanner = HeadScanner(for: .client)
  let length = try? scanner.scan(written.span)
  // One more field than came at the most, and no longer than a ceiling by what came before it.
  guard written.count <= HeadScanner.headCeiling, head.target.count < 8_000, head.fields.count < 126 else {
    return
  }
  expect(length == written.count, "what is written ends where it ends: \(text(written))")
  do throws(HeadFault) { try again.parse(written.span) } catch {
    expect(false, "what is written can be read: \(error) in \(text(written))")
  }
  expect(again.framing == head.framing && again.method == head.method, "it means the same: \(text(written))")
  for field in again.fields {
    switch field.known {
    case .connection, .te, .upgrade, .keepAlive, .trailer, .proxyAuthorization, .proxyConnection,
      .http2Settings:
      expect(false, "what ends at this hop ends: \(text(written))")
    default: break
    }
  }
}

@Sendable func fuzzResponse(_ input: Input) -> String {
  func reading(_ pieces: [[UInt8]], atOnce: Bool = true) -> HeadReading {
    var head = ResponseHead()
    return read(pieces, from: .upstream) { bytes, scanner throws(HeadFault) in
      if atOnce { return try head.read(bytes, &scanner) }
      guard let length = try scanner.scan(bytes) else { return nil }
      try head.parse(bytes.extracting(0..<length))
      return length
    } facts: { () throws(HeadFault) in
      let bodies = [number(try head.framing(toMethod: .get)), number(try head.framing(toMethod: .head))]
      return bodies + [head.status, head.minor, head.keepsAlive ? 1 : 0, head.mustNotReuse ? 1 : 0]
        + [head.contentLength ?? -1, head.keepAliveTimeout ?? -1] + places(head.reason)
        + facts(of: head.fields)
    }
  }
  let whole = reading([input.bytes])
  for atOnce in [true, false] {
    let cut = reading(input.pieces, atOnce: atOnce)
    expect(whole == cut, "a response's head reads the same in every cut: \(whole) and \(cut)")
  }
  guard whole.fault == nil, whole.length > 0 else { return whole.fault == nil ? "more" : "refused" }
  let found = whole.facts
  expect(found[2] >= 100 && found[2] <= 599 && found[2] != 101, "a status is one")
  expect(found[1] == number(.none), "an answer to HEAD has no body")
  return "\(found[2]) \(found[0])"
}

/// What was made of a chunked body.
private struct ChunkReading: Equatable {
  var body: [UInt8] = []
  var trailers: [UInt8] = []
  var fault: ChunkFault?
  var rest: [UInt8] = []
  var hasEnded = false
}

private func decode(_ pieces: [[UInt8]]) -> ChunkReading {
  var decoder = ChunkedDecoder(keepsTrailers: true)
  var reading = ChunkReading()
  var body = ByteQueue()
  do throws(ChunkFault) {
    for piece in pieces {
      if decoder.hasEnded {
        reading.rest += piece
        continue
      }
      let (consumed, hasEnded) = try exact(piece) { span throws(ChunkFault) in
        try decoder.decode(span, into: &body)
      }
      expect(hasEnded == decoder.hasEnded && (hasEnded || consumed == piece.count), "a piece is used up")
      reading.rest += piece[consumed...]
    }
  } catch {
    reading.fault = error
    expect(decoder.hasEnded == false, "a fault is no end")
    // The fault stays, whatever follows.
    expect((try? decoder.next([0x30, 0x0D, 0x0A, 0x0D, 0x0A].span, from: 0)) == nil, "a fault stays")
  }
  reading.body = body.array()
  reading.hasEnded = decoder.hasEnded
  reading.trailers = decoder.hasEnded ? decoder.trailers : []
  return reading
}

@Sendable func fuzzChunked(_ input: Input) -> String {
  let whole = decode([input.bytes])
  let cut = decode(input.pieces)
  expect(whole == cut, "a chunked body reads the same in every cut: \(whole) and \(cut)")
  if whole.fault != nil { return "refused" }
  guard whole.hasEnded else { return "more" }
  var again = ByteQueue()
  for piece in input.pieces { HeadWriter.chunk(piece.span, to: &again) }
  HeadWriter.lastChunk(trailers: whole.trailers.span, to: &again)
  let reread = decode([again.array()])
  expect(reread.body == input.bytes && reread.trailers == whole.trailers, "what is written reads back")
  return "\(hexadecimal(whole.body)) \(input.bytes.count - whole.rest.count)"
}
