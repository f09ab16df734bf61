import Support
import Testing
import Wire

/// What comes of bytes that arrive in pieces: a summary of the head, or the fault.
///
/// - Parameter read: gives the summary of the head that bytes begin with, or nil if it isn't whole.
private func outcome(
  _ pieces: [[UInt8]], from sender: HeadScanner.Sender,
  _ read: (Span<UInt8>, inout HeadScanner) throws(HeadFault) -> [UInt8]?
) -> [UInt8] {
  var scanner = HeadScanner(for: sender)
  var queue = ByteQueue()
  do throws(HeadFault) {
    for piece in pieces {
      queue.append(piece)
      if let summary = try read(queue.bytes, &scanner) { return summary }
    }
    return Array("unfinished".utf8)
  } catch {
    return Array("\(error.status) \(error)".utf8)
  }
}

/// How a head is read: at once where it is whole, or its end first.
private enum Way: CaseIterable { case atOnce, endFirst }

private func summary(
  ofRequest bytes: Span<UInt8>, _ scanner: inout HeadScanner, _ way: Way
) throws(HeadFault) -> [UInt8]? {
  // Parsed twice into one value: what the last head left behind must not matter.
  var head = RequestHead()
  try? head.parse(
    Array("PUT http://a/b?c HTTP/1.0\r\nHost: a\r\nTE: trailers\r\nExpect: x\r\n\r\n".utf8).span)
  switch way {
  case .atOnce: guard try head.read(bytes, &scanner) != nil else { return nil }
  case .endFirst:
    guard let length = try scanner.scan(bytes) else { return nil }
    try head.parse(bytes.extracting(0..<length))
  }
  func text(_ range: Range<Int>) -> [UInt8] { (range.map { bytes[$0] }) }
  var summary = text(head.methodText) + [0x20] + text(head.path)
  if let query = head.query { summary += [0x3F] + text(query) }
  if let authority = head.authority { summary += [0x20, 0x40] + text(authority) }
  summary += Array(" \(head.framing) \(head.keepsAlive ? "keep" : "close")".utf8)
  if head.expectsContinue { summary += Array(" continue".utf8) }
  if head.acceptsTrailers { summary += Array(" trailers".utf8) }
  return summary
}

private func summary(
  ofResponse bytes: Span<UInt8>, _ scanner: inout HeadScanner, _ way: Way
) throws(HeadFault) -> [UInt8]? {
  var head = ResponseHead()
  switch way {
  case .atOnce: guard try head.read(bytes, &scanner) != nil else { return nil }
  case .endFirst:
    guard let length = try scanner.scan(bytes) else { return nil }
    try head.parse(bytes.extracting(0..<length))
  }
  var summary = Array("\(head.status) \"".utf8)
  summary += head.reason.map { bytes[$0] }
  let get = try head.framing(toMethod: .get)
  let none = try head.framing(toMethod: .head)
  return summary + Array("\" \(get) \(none) \(head.keepsAlive ? "keep" : "close")".utf8)
}

/// Whether `bytes` are the same, a head of some length or a fault, read at once and end first.
private func checkReadsAlike(_ bytes: Span<UInt8>) {
  for sender in [HeadScanner.Sender.client, .upstream] {
    var found: [[UInt8]?] = []
    for way in Way.allCases {
      var scanner = HeadScanner(for: sender)
      do throws(HeadFault) {
        found.append(
          sender == .client
            ? try summary(ofRequest: bytes, &scanner, way) : try summary(ofResponse: bytes, &scanner, way))
      } catch { found.append(Array("\(error)".utf8)) }
    }
    #expect(found[0] == found[1], "\(bytes.text())")
  }
}

/// Every cut of `bytes`; of long ones a few, since the cost grows with the square.
private func cuts(_ bytes: [UInt8]) -> [[[UInt8]]] {
  if bytes.count < 1_000 { return Array(EverySplit(bytes)) }
  let positions = [1, 17, 8_191, 8_192, 8_193, 65_535, 65_536, 65_537, bytes.count - 1]
  return [[bytes], bytes.map { [$0] }]
    + positions.filter { $0 < bytes.count }.map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
}

@Suite struct HeadTests {
  @Test(
    "a request's head is read or refused, in every cut", arguments: FixtureRow.rows("requests.txt"),
    Way.allCases)
  fileprivate func requests(_ row: FixtureRow, _ way: Way) {
    for pieces in cuts(row.bytes) {
      let found = outcome(pieces, from: .client) { bytes, scanner throws(HeadFault) in
        try summary(ofRequest: bytes, &scanner, way)
      }
      guard found == row.expectedBytes else {
        Issue.record("\(String(decoding: found, as: UTF8.self)) in pieces of \(pieces.map(\.count))")
        return
      }
    }
  }

  @Test(
    "a response's head is read or refused, in every cut", arguments: FixtureRow.rows("responses.txt"),
    Way.allCases)
  fileprivate func responses(_ row: FixtureRow, _ way: Way) {
    for pieces in cuts(row.bytes) {
      let found = outcome(pieces, from: .upstream) { bytes, scanner throws(HeadFault) in
        try summary(ofResponse: bytes, &scanner, way)
      }
      guard found == row.expectedBytes else {
        Issue.record("\(String(decoding: found, as: UTF8.self)) in pieces of \(pieces.map(\.count))")
        return
      }
    }
  }

  @Test(
    "what follows a head changes nothing about it",
    arguments: ["GET ", "\r\n\r\n", "\n", "\0", "\u{16}\u{3}"])
  func trailing(_ rest: String) throws {
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    var scanner = HeadScanner(for: .client)
    #expect(try scanner.scan(Array((head + rest).utf8).span) == head.utf8.count)
    var request = RequestHead()
    let length = try request.read(Array((head + rest).utf8).span, &scanner)
    #expect(length == head.utf8.count)
    #expect(request.framing == .length(3))
  }

  @Test("a head that is read at once has the ceilings of one that comes in parts")
  func ceilings() throws {
    let host = "Host: x\r\nX: "
    // A request line of as many bytes as it may have, and a whole head of as many.
    let line = HeadScanner.requestLineCeiling - "GET / HTTP/1.1".utf8.count
    let rest = HeadScanner.headCeiling - "GET / HTTP/1.1\r\n\(host)\r\n\r\n".utf8.count
    for more in [0, 1] {
      for (path, value, fault) in [
        (line + more, 0, HeadFault.targetTooLong), (0, rest + more, .headTooLarge),
      ] {
        let head =
          "GET /\(String(repeating: "a", count: path)) HTTP/1.1\r\n"
          + "\(host)\(String(repeating: "b", count: value))\r\n\r\n"
        var scanner = HeadScanner(for: .client)
        var request = RequestHead()
        do throws(HeadFault) {
          let length = try request.read(Array((head + "next").utf8).span, &scanner)
          #expect(more == 0 && length == head.utf8.count)
        } catch { #expect(more == 1 && error == fault) }
      }
    }
  }

  @Test("a scanner goes on to the next head by itself")
  func pipelined() throws {
    let first = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
    var queue = ByteQueue()
    queue.append(first + "GET /22 HTTP/1.1\r\nHost: x\r\n\r\n")
    var scanner = HeadScanner(for: .client)
    let length = try #require(try scanner.scan(queue.bytes))
    #expect(length == first.utf8.count)
    queue.consume(length)
    #expect(try scanner.scan(queue.bytes) == queue.count)
  }

  @Test("an empty line before a request can be refused")
  func emptyLine() {
    var scanner = HeadScanner(for: .client, skipsEmptyLines: false)
    #expect(throws: HeadFault.requestLine) { try scanner.scan(Array("\r\n".utf8).span) }
  }

  @Test("a head that is cut short, or followed by something, is refused rather than read")
  func exactly() throws {
    let bytes = Array("POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n".utf8)
    var head = RequestHead()
    try head.parse(bytes.span)
    for count in bytes.indices {
      #expect(throws: HeadFault.self) { try head.parse(bytes.span.extracting(0..<count)) }
    }
    #expect(throws: HeadFault.incomplete) { try head.parse((bytes + [0x41]).span) }
  }

  @Test("every byte of a path and of a name is looked at, wherever it stands")
  func everyPlace() {
    var head = RequestHead()
    for place in 0..<40 {
      for byte in UInt8.min...UInt8.max {
        var text = [UInt8](repeating: UInt8(ascii: "x"), count: 40)
        text[place] = byte
        let path = [UInt8(ascii: "/")] + text
        let line = Array("GET ".utf8) + path + Array(" HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        let isPath = (try? head.parse(line.span)) != nil && head.path.count == path.count
        let isReserved = [UInt8(ascii: "%"), UInt8(ascii: "?"), ASCII.backslash].contains(byte)
        var out = ByteQueue()
        HeadWriter.requestLine(method: .get, target: path.span, to: &out)
        let written = "GET  HTTP/1.1\r\n".utf8.count + path.count + (Syntax.isTarget(byte) ? 0 : 2)
        let named = Array("GET / HTTP/1.1\r\nHost: x\r\n".utf8) + text + Array(": 1\r\n\r\n".utf8)
        let isName = (try? head.parse(named.span)) != nil
        let mayBeName = Syntax.isToken(byte) || (byte == ASCII.colon && place > 0)
        guard isPath == (Syntax.isTarget(byte) && !isReserved), out.count == written, isName == mayBeName
        else {
          Issue.record("\(byte) at \(place)")
          return
        }
      }
    }
  }

  @Test(
    "a line is read alike however near the end it is",
    arguments: ["", "Traceparent", "X-Ratelimit-Limit-Requests"])
  func nearEnd(_ name: String) {
    func read(_ line: [UInt8], _ behind: String) -> Result<Field, HeadFault> {
      var head = RequestHead()
      let text = Array("GET / HTTP/1.1\r\nHost: x\r\n".utf8) + line + Array("\r\n\(behind)\r\n".utf8)
      do throws(HeadFault) { try head.parse(text.span) } catch { return .failure(error) }
      return head.fields.count > 1 ? .success(head.fields[1]) : .failure(.incomplete)
    }
    let line = Array("\(name): 0123456789 and 0123456789".utf8)
    for place in line.indices {
      for byte in UInt8.min...UInt8.max {
        var line = line
        line[place] = byte
        let near = read(line, "")
        guard read(line, "Accept: application/json; charset=utf-8\r\n") == near else {
          Issue.record("\(byte) at \(place)")
          return
        }
      }
    }
    for count in 0..<40 {
      for value in [String(repeating: "v", count: count), String(repeating: " ", count: count), "v "] {
        let line = Array("\(name): \(value)".utf8)
        #expect(read(line, "Accept: application/json; charset=utf-8\r\n") == read(line, ""))
      }
    }
  }

  @Test("fields keep their case and order, and are recognised in any case")
  func fields() throws {
    let bytes = Array("GET / HTTP/1.1\r\nHOST:  x:1 \r\nX-One:1\r\nauthorization: Bearer a b\t\r\n\r\n".utf8)
    var head = RequestHead()
    try head.parse(bytes.span)
    let names = head.fields.map { bytes.span.extracting($0.name).text() }
    let values = head.fields.map { bytes.span.extracting($0.value).text() }
    #expect(names == ["HOST", "X-One", "authorization"])
    #expect(values == ["x:1", "1", "Bearer a b"])
    #expect(head.fields.map(\.known) == [.host, .other, .authorization])
    #expect(head.fields.first(.authorization)?.value == head.fields[2].value)
    #expect(head.fields.first(.cookie) == nil)
    #expect(head.host == head.fields[0].value)
    #expect(FieldName.allCases.count <= 64, "a set of names has a bit for each")
  }

  @Test("a field knows whether its line is written the usual way")
  func usual() throws {
    let bytes = Array(
      "GET / HTTP/1.1\r\nHost: x\r\nA:1\r\nB:\t1\r\nC:  1\r\nD: 1 \r\nE: \r\nF: 1 2\r\n\r\n".utf8)
    var head = RequestHead()
    try head.parse(bytes.span)
    #expect(head.fields.map(\.isUsual) == [true, false, false, false, false, false, true])
    #expect(head.fields.map(\.value.count) == [1, 1, 1, 1, 1, 0, 3])
  }

  @Test("there may be as many fields as the ceiling says", arguments: [15, 16, 17, 32, 127, 128, 129])
  func manyFields(_ count: Int) {
    let text = "GET / HTTP/1.1\r\nHost: x\r\n" + String(repeating: "A: 1\r\n", count: count - 1) + "\r\n"
    var head = RequestHead()
    do throws(HeadFault) {
      try head.parse(Array(text.utf8).span)
      #expect(count <= 128 && head.fields.count == count)
    } catch { #expect(count > 128 && error == .tooManyFields) }
  }

  @Test(
    "a response says how long its connection lasts",
    arguments: [("timeout=5, max=100", 5), ("max=1,Timeout=60", 60), ("timeout=x", nil), ("max=1", nil)])
  func keepAliveTimeout(_ value: String, _ seconds: Int?) throws {
    var head = ResponseHead()
    try head.parse(Array("HTTP/1.1 200 OK\r\nKeep-Alive: \(value)\r\nContent-Length: 12\r\n\r\n".utf8).span)
    #expect(head.keepAliveTimeout == seconds)
    #expect(head.contentLength == 12)
  }

  @Test(
    "an authority is a host with an optional port",
    arguments: [
      ("localhost", "localhost", nil), ("a-b.c_d~:8080", "a-b.c_d~", 8080), ("[::1]:4141", "[::1]", 4141),
      ("127.0.0.1:0", "127.0.0.1", 0), ("x:", "x", nil), ("[fe80::1]", "[fe80::1]", nil),
    ] as [(String, String, Int?)])
  func authority(_ text: String, _ host: String, _ port: Int?) throws {
    let bytes = Array(text.utf8)
    let found = try Authority.split(bytes.span, 0..<bytes.count)
    #expect(bytes.span.extracting(found.host).text() == host)
    #expect(found.port == port)
  }

  @Test("every fault has a status, a code and a sentence of its own")
  func faults() {
    var messages: Set<String> = []
    for fault in HeadFault.allCases {
      #expect((400...599).contains(fault.status))
      #expect(fault.code.description.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" })
      #expect(messages.insert(fault.message.description).inserted)
      #expect((fault.allow != nil) == (fault.status == 405))
    }
  }

  @Test("no bytes can make the parsers trap, and what they give lies inside the head", arguments: 0..<8)
  func random(_ seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    let pieces = [
      "GET", "POST", " ", " ", "/", "http://", "*", "%2e", "%", "..", "?", "HTTP/1.1", "HTTP/1.0", "HTTP/",
      "\r\n",
      "\r\n", "\r\n\r\n", "\r", "\n", "Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect",
      ": ",
      ":", ",", "7", "chunked", "close", "x", "[", "]", "\t", "\0", "200", "Keep-Alive: timeout=",
    ].map { Array($0.utf8) }
    var request = RequestHead()
    var response = ResponseHead()
    for round in 0..<2_000 {
      var bytes: [UInt8] = []
      if round % 2 == 0 {
        bytes = Array((round % 4 == 0 ? "GET / HTTP/1.1\r\n" : "HTTP/1.1 200 OK\r\n").utf8)
      }
      for _ in 0..<Int.random(in: 0..<20, using: &random) {
        bytes += pieces.randomElement(using: &random) ?? []
        if Int.random(in: 0..<12, using: &random) == 0 {
          bytes.append(UInt8.random(in: 0...255, using: &random))
        }
      }
      if round % 3 == 0 { bytes += Array("\r\nHost: x\r\n\r\n".utf8) }
      let span = bytes.span
      if (try? request.parse(span)) != nil {
        var ranges = request.fields.flatMap { [$0.name, $0.value] }
        ranges += [request.methodText, request.target, request.path]
        ranges += [request.query, request.authority, request.host].compactMap { $0 }
        #expect(ranges.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= bytes.count })
      }
      if (try? response.parse(span)) != nil {
        _ = try? response.framing(toMethod: .post)
        #expect(response.reason.upperBound <= bytes.count)
      }
      checkReadsAlike(span)
      for sender in [HeadScanner.Sender.client, .upstream] {
        var scanner = HeadScanner(for: sender)
        let ceiling = Int.random(in: -1...40, using: &random)
        if let length = try? scanner.scan(span, ceiling: ceiling) { #expect(length <= ceiling) }
        // Against the rules: fewer bytes than before.
        _ = try? scanner.scan(span.extracting(0..<bytes.count / 2))
      }
    }
  }
}
