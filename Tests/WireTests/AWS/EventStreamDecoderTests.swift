import Support
import Testing
import Wire

/// Feeds pieces to a decoder as a relay does, and collects the messages.
private struct MessageCollector {
  var messages: [EventStreamMessage] = []
  /// Each message's header texts that the decoder reports, and its payload.
  var plain: [PlainMessage] = []
  var fault: EventStreamFault?
  /// Bytes that belong to no whole message.
  var left = 0

  init(_ pieces: [[UInt8]], ceiling: Int = 8 << 20, takesEach: Bool) {
    var decoder = EventStreamDecoder(ceiling: ceiling)
    var queue = ByteQueue()
    do throws(EventStreamFault) {
      for piece in pieces {
        queue.append(piece.span)
        var from = 0
        while case .message(let message) = try decoder.next(queue.bytes, from: from) {
          keep(message, queue.array())
          from = message.whole.upperBound
          if takesEach {
            queue.consume(from)
            from = 0
          }
        }
        queue.consume(from)
      }
    } catch {
      fault = error
    }
    left = queue.count
  }

  private mutating func keep(_ message: EventStreamMessage, _ bytes: [UInt8]) {
    messages.append(message)
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
    let kinds: [(EventStreamMessage.Kind, String)] = [
      (.event, "event"), (.exception, "exception"), (.error, "error"),
    ]
    var headers = kinds.filter { $0.0 == message.kind }.map { (":message-type", $0.1) }
    for (name, range) in [
      (":event-type", message.eventType), (":exception-type", message.exceptionType),
      (":error-code", message.errorCode), (":error-message", message.errorMessage),
      (":content-type", message.contentType),
    ] {
      if let range { headers.append((name, text(range))) }
    }
    plain.append(PlainMessage(headers, text(message.payload)))
  }
}

private let delta = PlainMessage(
  [(":message-type", "event"), (":event-type", "contentBlockDelta"), (":content-type", "application/json")],
  #"{"contentBlockIndex":0,"delta":{"text":"Grüße 世界"}}"#)
private let throttled = PlainMessage(
  [(":message-type", "exception"), (":exception-type", "throttlingException")], #"{"message":"slow down"}"#)
private let failed = PlainMessage(
  [(":message-type", "error"), (":error-code", "code"), (":error-message", "message")])

@Suite struct EventStreamDecoderTests {
  struct VectorCase: CustomTestStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]
    let payload: [UInt8]?
    let mustFail: Bool
    var testDescription: String { name }

    static let all: [VectorCase] = SharedVectors.eventStream.cases.compactMap { place in
      let vectors = SharedVectors.eventStream
      let name = vectors.text(place, "name") ?? "?"
      // The one case that its file only describes is built in `absurdLengths`.
      guard let bytes = vectors.payload(place) else { return nil }
      return VectorCase(
        name: name, bytes: bytes, payload: vectors.payload(place, "payload_b64"),
        mustFail: vectors.text(place, "error") != nil)
    }
  }

  @Test(
    "published messages are taken or refused as their authors say, in every cut",
    .enabled(if: SharedVectors.eventStream.isPresent, "../shared/vectors/eventstream.json is absent"),
    arguments: VectorCase.all)
  func vectors(_ example: VectorCase) {
    for pieces in EverySplit(example.bytes) {
      let collector = MessageCollector(pieces, takesEach: true)
      #expect((collector.fault != nil) == example.mustFail)
      if example.mustFail { continue }
      #expect(collector.plain.map(\.payload) == [example.payload])
      #expect(collector.messages.map(\.whole) == [0..<example.bytes.count])
      #expect(collector.left == 0)
    }
  }

  @Test("messages in a row come out whole, however they were cut")
  func row() {
    let expected = [delta, throttled, failed, PlainMessage(), delta]
    let bytes = expected.flatMap(\.bytes)
    for pieces in EverySplit(bytes) {
      for takesEach in [true, false] {
        let collector = MessageCollector(pieces, takesEach: takesEach)
        #expect(collector.fault == nil && collector.left == 0)
        #expect(collector.plain == expected)
      }
    }
  }

  @Test("ranges say where everything lies, also behind other messages")
  func ranges() throws {
    let bytes = delta.bytes + delta.bytes
    let messages = MessageCollector([bytes], takesEach: false).messages
    let second = try #require(messages.last)
    #expect(messages.map(\.whole) == [0..<delta.bytes.count, delta.bytes.count..<bytes.count])
    #expect(Array(bytes[second.payload]) == delta.payload)
    #expect(second.eventType.map { String(decoding: bytes[$0], as: UTF8.self) } == "contentBlockDelta")
    #expect(second.kind == .event)
  }

  @Test("no byte of a message may be another, and no message may be short")
  func damage() {
    let whole = delta.bytes
    for at in whole.indices {
      for bit in [UInt8(1), 0x80] {
        var bytes = whole
        bytes[at] ^= bit
        #expect(MessageCollector([bytes], takesEach: true).fault != nil, "byte \(at)")
      }
      let collector = MessageCollector([Array(whole[..<at])], takesEach: true)
      #expect(collector.fault == nil && collector.plain.isEmpty && collector.left == at)
    }
  }

  @Test("lengths that no message has are refused from the prelude alone")
  func absurdLengths() {
    let cases: [(total: Int, headers: Int, fault: EventStreamFault)] = [
      (0, 0, .lengths), (15, 0, .lengths), (16, 1, .lengths), (100, 85, .lengths), (100, 100, .lengths),
      ((8 << 20) + 1, 0, .tooLarge(ceiling: 8 << 20)), (0x0180_0021, 0, .tooLarge(ceiling: 8 << 20)),
      (0xFFFF_FFFF, 0xFFFF_FFFF, .tooLarge(ceiling: 8 << 20)),
      (8 << 20, (128 << 10) + 1, .tooLarge(ceiling: 128 << 10)),
    ]
    for (total, headers, fault) in cases {
      let prelude = Array(PlainMessage.prelude(total: total, headers: headers)[..<12])
      for pieces in EverySplit(prelude) {
        #expect(MessageCollector(pieces, takesEach: true).fault == fault, "\(total), \(headers)")
      }
      #expect(MessageCollector([Array(prelude[..<11])], takesEach: true).fault == nil)
    }
    let published: [UInt8] = [0x01, 0x80, 0x00, 0x21, 0, 0, 0, 0, 0xDD, 0x3F, 0x33, 0xB1]
    #expect(MessageCollector([published], takesEach: true).fault == .tooLarge(ceiling: 8 << 20))
  }

  @Test("a message may be as large as the ceiling")
  func ceiling() {
    let message = PlainMessage([], "0123456789")
    #expect(MessageCollector([message.bytes], ceiling: 26, takesEach: true).plain == [message])
    #expect(
      MessageCollector([message.bytes], ceiling: 25, takesEach: true).fault == .tooLarge(ceiling: 25))
  }

  @Test("headers of every type are passed over, and malformed ones refused")
  func headers() {
    func text(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }
    let good: [[UInt8]] = [
      text("a") + [0], text("b") + [1], text("c") + [2, 9], text("d") + [3, 9, 9],
      text("e") + [4, 9, 9, 9, 9],
      text("f") + [5] + Array(repeating: 9, count: 8), text("g") + [6, 0, 2, 9, 9], text("h") + [7, 0, 0],
      text("i") + [8] + Array(repeating: 9, count: 8), text("j") + [9] + Array(repeating: 9, count: 16),
      text(String(repeating: "k", count: 255)) + [0],
    ]
    let all = PlainMessage.frame(headers: good.flatMap { $0 } + delta.block, payload: [1])
    #expect(MessageCollector([all], takesEach: true).messages.map(\.kind) == [.event])
    for header in good {
      #expect(MessageCollector([PlainMessage.frame(headers: header)], takesEach: true).fault == nil)
      for count in 1..<header.count {
        let cut = PlainMessage.frame(headers: Array(header[..<count]), payload: [0, 0, 0, 0, 0, 0, 0, 0])
        #expect(MessageCollector([cut], takesEach: true).fault == .header)
      }
    }
    let bad: [[UInt8]] = [
      [0, 0], text("a") + [10], text("a") + [255], text("a") + [7, 255, 255],
      text("a") + [0] + text("a") + [1],
      text(":event-type") + [0], text(":message-type") + [6, 0, 5] + Array("event".utf8),
    ]
    for header in bad {
      #expect(MessageCollector([PlainMessage.frame(headers: header)], takesEach: true).fault == .header)
    }
    let many = (0..<65).map { text("n\($0)") + [0] }
    let allowed = PlainMessage.frame(headers: many.dropLast().flatMap { $0 })
    let tooMany = PlainMessage.frame(headers: many.flatMap { $0 })
    #expect(MessageCollector([allowed], takesEach: true).fault == nil)
    #expect(MessageCollector([tooMany], takesEach: true).fault == .tooManyHeaders)
  }

  @Test("the checksum is what its definition says, over any length and in parts")
  func checksum() {
    #expect(CRC32.of(Array("123456789".utf8).span) == 0xCBF4_3926)
    var random = Seeded(3)
    // Long ones are summed up in steps of sixteen and of 64 bytes, and short ones in steps of eight.
    for count in Array(0..<100) + [127, 128, 129, 143, 144, 145, 191, 192, 1000, 4096, 4111] {
      let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
      #expect(CRC32.of(bytes.span) == PlainMessage.reference(bytes))
      let cut = Int.random(in: 0...count, using: &random)
      let first = CRC32.of(bytes.span.extracting(0..<cut))
      #expect(CRC32.of(bytes.span.extracting(cut..<count), after: first) == CRC32.of(bytes.span))
    }
  }

  @Test("random headers with right checksums never trap")
  func randomHeaders() {
    var random = Seeded(11)
    for _ in 0..<4_000 {
      let headers = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        // Small numbers, so that lengths and types are often plausible.
        UInt8.random(in: Bool.random(using: &random) ? 0...9 : 0...255, using: &random)
      }
      let bytes = PlainMessage.frame(headers: headers, payload: [1, 2, 3])
      let whole = MessageCollector([bytes], takesEach: false)
      #expect(whole.fault != nil || whole.messages.count == 1)
      let split = MessageCollector(bytes.map { [$0] }, takesEach: true)
      #expect(split.fault == whole.fault && split.messages == whole.messages)
    }
  }

  @Test("offsets outside of the bytes are answered, not believed", arguments: [-1, 1, 99])
  func wrongOffsets(_ from: Int) throws {
    var decoder = EventStreamDecoder()
    let step = try decoder.next(Span(), from: from)
    #expect(step == .needMore)
  }
}
