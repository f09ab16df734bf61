import Testing
import Wire

/// What is left of a request's or response's fields, as text.
private func forwarded(_ text: String, through rules: HopByHop, isRequest: Bool) throws -> String {
  let first = isRequest ? "GET / HTTP/1.1\r\n" : "HTTP/1.1 200 OK\r\n"
  let bytes = Array((first + text + "\r\n").utf8)
  var rules = rules
  var fields: [Field] = []
  _ = try fields.parse(bytes.span, from: first.utf8.count)
  rules.read(fields, named: FieldNames(fields), in: bytes.span)
  var out = ByteQueue()
  var run = FieldRun()
  for field in fields where !rules.held.contains(field.known) && !rules.nominates(field, in: bytes.span) {
    run.take(field, of: bytes.span, to: &out)
  }
  run.flush(bytes.span, to: &out)
  return out.bytes.text()
}

extension FieldNames {
  fileprivate init(_ fields: [Field]) {
    self.init()
    for field in fields { insert(field.known) }
  }
}

@Suite struct HopByHopTests {
  @Test(
    "a request loses what concerns only this hop, and what is nobody's business",
    arguments: [
      (
        "Connection: close, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nProxy-Authorization: a\r\n"
          + "TE: trailers\r\nAccept: */*\r\n", "Accept: */*\r\n"
      ),
      (
        "Connection: Authorization, Host, Content-Length, content-type, transfer-encoding, x-api-key\r\n"
          + "Authorization: a\r\nContent-Type: b\r\nx-api-key: c\r\n",
        "Authorization: a\r\nContent-Type: b\r\nx-api-key: c\r\n"
      ),
      ("Connection: accept\r\nCONNECTION: X-A\r\naccept: 1\r\nX-a: 2\r\nX-B: 3\r\n", "X-B: 3\r\n"),
      ("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\nX:  1 \r\n", "X: 1\r\n"),
      (
        "Host: a\r\nCookie: b\r\nX-Forwarded-For: c\r\nx-forwarded-proto: d\r\nForwarded: e\r\nVia: f\r\n", ""
      ),
      ("Expect: 100-continue\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n", ""),
      ("Proxy-Connection: a\r\nProxy-Authenticate: b\r\nX-Remora-Key: c\r\n", ""),
      (
        "Accept-Encoding: gzip\r\nx-FIRST: 1\r\nUser-Agent: a\r\nx-first: 2\r\ntraceparent: b\r\n",
        "Accept-Encoding: gzip\r\nx-FIRST: 1\r\nUser-Agent: a\r\nx-first: 2\r\ntraceparent: b\r\n"
      ),
    ])
  func requests(_ text: String, _ expected: String) throws {
    #expect(try forwarded(text, through: .forRequest(), isRequest: true) == expected)
  }

  @Test(
    "a response loses only what concerns this hop",
    arguments: [
      ("Connection: keep-alive, X-Int\r\nKeep-Alive: timeout=5\r\nX-Int: 1\r\nDate: a\r\n", "Date: a\r\n"),
      (
        "Server: a\r\nVia: b\r\nSet-Cookie: c\r\nx-ratelimit-a: 1\r\nRetry-After: 2\r\nopenai-b: d\r\n",
        "Server: a\r\nVia: b\r\nSet-Cookie: c\r\nx-ratelimit-a: 1\r\nRetry-After: 2\r\nopenai-b: d\r\n"
      ),
      ("Transfer-Encoding: chunked\r\nTrailer: X\r\nUpgrade: h2\r\nProxy-Authenticate: a\r\nTE: b\r\n", ""),
    ])
  func responses(_ text: String, _ expected: String) throws {
    #expect(try forwarded(text, through: .forResponse(), isRequest: false) == expected)
  }

  @Test("Trailer goes on only where it is wanted")
  func options() throws {
    let trailer = "Trailer: X\r\n"
    #expect(try forwarded(trailer, through: .forResponse(relaysTrailers: true), isRequest: false) == trailer)
  }

  @Test("what one head nominated is forgotten with the next")
  func reuse() throws {
    var rules = HopByHop.forRequest()
    var fields: [Field] = []
    let first = Array("Connection: X\r\nX: 1\r\n\r\n".utf8)
    _ = try fields.parse(first.span, from: 0)
    rules.read(fields, named: FieldNames(fields), in: first.span)
    let isNominated = rules.nominates(fields[1], in: first.span)
    #expect(isNominated && rules.nominatesAny)
    fields = []
    let second = Array("X: 1\r\n\r\n".utf8)
    _ = try fields.parse(second.span, from: 0)
    rules.read(fields, named: FieldNames(fields), in: second.span)
    let isStillNominated = rules.nominates(fields[0], in: second.span)
    #expect(!isStillNominated && !rules.nominatesAny)
  }
}

@Suite struct HeadWriterTests {
  @Test("a written request is read back as it was meant")
  func request() throws {
    var out = ByteQueue()
    HeadWriter.requestLine(method: .post, target: Array("/v1/a?b=c".utf8).span, to: &out)
    HeadWriter.field("Host", Array("a.test:84".utf8).span, to: &out)
    HeadWriter.field("X-Number", 42, to: &out)
    HeadWriter.field("X-Word", "word", to: &out)
    HeadWriter.framing(.length(12), to: &out)
    HeadWriter.end(to: &out)
    #expect(
      out.bytes.text()
        == "POST /v1/a?b=c HTTP/1.1\r\nHost: a.test:84\r\nX-Number: 42\r\nX-Word: word\r\nContent-Length: 12\r\n\r\n"
    )
    var head = RequestHead()
    try head.parse(out.bytes)
    #expect(head.framing == .length(12))
  }

  @Test(
    "a status line has the phrase that goes with it",
    arguments: [
      (200, "OK"), (421, "Misdirected Request"), (422, "Unprocessable Content"),
      (431, "Request Header Fields Too Large"), (529, "Overloaded"), (299, "Success"), (599, "Server Error"),
    ])
  func statuses(_ status: Int, _ reason: String) throws {
    var out = ByteQueue()
    HeadWriter.statusLine(status, to: &out)
    #expect(out.bytes.text() == "HTTP/1.1 \(status) \(reason)\r\n")
    HeadWriter.end(to: &out)
    var head = ResponseHead()
    try head.parse(out.bytes)
    #expect(head.status == status)
  }

  @Test("no value can end its line early")
  func splitting() {
    var out = ByteQueue()
    HeadWriter.field("X", Array("a\r\nEvil: 1\0é\t".utf8).span, to: &out)
    HeadWriter.requestLine(method: Array("GET".utf8).span, target: Array("/a b\r\n#ü".utf8).span, to: &out)
    #expect(out.bytes.text() == "X: a??Evil: 1?é\t\r\nGET /a%20b%0D%0A%23%C3%BC HTTP/1.1\r\n")
  }

  @Test("written chunks are read back, and an empty one does not end the body")
  func chunks() throws {
    var out = ByteQueue()
    for text in ["hello", "", "a longer chunk than sixteen bytes"] {
      HeadWriter.chunk(Array(text.utf8).span, to: &out)
    }
    HeadWriter.chunkHead(0, to: &out)
    HeadWriter.lastChunk(trailers: Array("X: 1\r\n".utf8).span, to: &out)
    var decoder = ChunkedDecoder(keepsTrailers: true)
    var body = ByteQueue()
    let (consumed, ended) = try decoder.decode(out.bytes, into: &body)
    #expect(ended && consumed == out.count)
    #expect(body.bytes.text() == "helloa longer chunk than sixteen bytes")
    #expect(decoder.trailers == Array("X: 1\r\n".utf8))
    out.clear()
    HeadWriter.lastChunk(to: &out)
    #expect(out.bytes.text() == "0\r\n\r\n")
  }

  @Test(
    "each framing has its field",
    arguments: [
      (Framing.none, ""), (.untilClose, ""), (.chunked, "Transfer-Encoding: chunked\r\n"),
      (.length(0), "Content-Length: 0\r\n"),
    ])
  func framings(_ framing: Framing, _ expected: String) {
    var out = ByteQueue()
    HeadWriter.framing(framing, to: &out)
    #expect(out.bytes.text() == expected)
  }
}
