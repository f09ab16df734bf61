// Content codings: one reading in every cut and with any room.

import Wire

private struct CodedReading: Equatable {
  var bytes: [UInt8] = []
  var fault: ContentFault?
}

/// No input makes more: what a bomb comes to is cut there.
private let ceiling = 1 << 20

private func decode(_ coding: ContentCoding, _ pieces: [[UInt8]], limit: Int) -> CodedReading {
  var decoder = ContentDecoder(coding)
  var reading = CodedReading()
  do throws(ContentFault) {
    for piece in pieces {
      var at = 0
      var isFull = true
      while isFull {
        var out = ByteQueue()
        defer { reading.bytes += out.array() }
        let room = min(limit, ceiling - reading.bytes.count)
        if room == 0 { return reading }
        isFull = try exact(piece) { span throws(ContentFault) in
          try decoder.next(span, from: &at, into: &out, limit: room)
        }
        expect(out.count <= room, "no more is made than is allowed")
        expect(at <= piece.count && (isFull || at == piece.count), "a piece is used up")
        expect(!isFull || out.count == room, "what is full was filled")
      }
    }
    try decoder.finish()
    expect(decoder.isWhole, "what has ended is whole")
  } catch { reading.fault = error }
  return reading
}

/// The first byte says in which coding the rest is.
@Sendable func fuzzCoding(_ input: Input) -> String {
  guard let first = input.bytes.first else { return "refused" }
  let coding = first & 1 == 0 ? ContentCoding.gzip : .deflate
  let body = Array(input.bytes.dropFirst())
  let whole = decode(coding, [body], limit: ceiling)
  var pieces = input.pieces
  if let at = pieces.firstIndex(where: { !$0.isEmpty }) { pieces[at].removeFirst() }
  var numbers = input.numbers
  let cut = decode(coding, pieces, limit: numbers.next(below: 5000) + 1)
  expect(whole == cut, "a coded body reads the same in every cut: \(whole.fault as Any), \(cut.fault as Any)")
  if whole.fault != nil { return "refused" }
  return whole.bytes.count == ceiling ? "more" : hexadecimal(whole.bytes)
}
