import Support
import Testing
import Wire

/// An event as a test writes it down.
struct PlainEvent: Equatable {
  var name: String?
  var data: String
  var id: String?
}

/// Feeds pieces to a decoder as a relay does, and collects what is dispatched. Blocks are also joined again.
struct EventCollector {
  var events: [PlainEvent] = []
  var blocks: [Event] = []
  var passed: [UInt8] = []
  var fault: SSEFault?

  /// - Parameter takesEach: whether each block is taken out of the buffer at once, or all of a burst at its
  ///   end.
  init(_ pieces: [[UInt8]], ceiling: Int = 8 << 20, takesEach: Bool) {
    var decoder = EventDecoder(ceiling: ceiling)
    var queue = ByteQueue()
    do throws(SSEFault) {
      for piece in pieces {
        queue.append(piece.span)
        var from = 0
        while case .event(let event) = try decoder.next(queue.bytes, from: from) {
          keep(event, queue.array())
          from = event.whole.upperBound
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
  }

  private mutating func keep(_ event: Event, _ bytes: [UInt8]) {
    blocks.append(event)
    passed += bytes[event.whole]
    guard event.dataLines > 0 else { return }
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
    var data = ByteQueue()
    EventDecoder.data(of: event, in: bytes.span, into: &data)
    if let range = event.data { #expect(event.dataLines == 1 && data.bytes.text() == text(range)) }
    events.append(PlainEvent(name: event.name.map(text), data: data.bytes.text(), id: event.id.map(text)))
  }
}

@Suite struct EventDecoderTests {
  struct VectorCase: CustomTestStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]
    let place: Range<Int>
    var testDescription: String { name }

    static let all: [VectorCase] = SharedVectors.sse.cases.map { place in
      VectorCase(
        name: SharedVectors.sse.text(place, "name") ?? "?", bytes: SharedVectors.sse.payload(place) ?? [],
        place: place)
    }

    /// The events that are dispatched; the file's comments and retries are no events.
    var events: [PlainEvent] {
      let vectors = SharedVectors.sse
      guard let list = JSONView.value(vectors.bytes.span, in: place, at: "events") else { return [] }
      var result: [PlainEvent] = []
      var elements = JSONArrayCursor(vectors.bytes.span, list)
      while let element = elements.next() {
        guard let data = vectors.text(element.value, "data") else { continue }
        result.append(
          PlainEvent(
            name: vectors.text(element.value, "event"), data: data, id: vectors.text(element.value, "id")))
      }
      return result
    }
  }

  @Test("the cases are all there", .enabled(if: SharedVectors.sse.isPresent, "sse.json"))
  func vectorsAreWhole() {
    #expect(VectorCase.all.count == 28)
    #expect(Set(VectorCase.all.map(\.name)).count == 28)
  }

  @Test(
    "published streams give their events in every cut",
    .enabled(if: SharedVectors.sse.isPresent, "../shared/vectors/sse.json is absent"),
    arguments: VectorCase.all)
  func vectors(_ example: VectorCase) {
    let expected = example.events
    #expect(!expected.isEmpty && !example.bytes.isEmpty)
    var cuts = 0
    for pieces in EverySplit(example.bytes) {
      let each = EventCollector(pieces, takesEach: true)
      #expect(each.events == expected)
      #expect(EventCollector(pieces, takesEach: false).events == expected)
      cuts += 1
      // The one long case repeats itself behind this.
      if cuts > 4_200 { break }
    }
  }

  @Test("ranges say where everything lies")
  func ranges() {
    let bytes = Array(
      "data: {\"a\":1}\n\nid: 7\nevent:x\r\nretry: 10\r\ndata:b\r\n\r\n: c\n\n\nunknown: d\n\ndata".utf8)
    let blocks = EventCollector([bytes], takesEach: false).blocks
    #expect(blocks.map(\.whole) == [0..<15, 15..<51, 51..<56, 56..<57, 57..<69])
    #expect(blocks.map(\.data) == [6..<13, 46..<47, nil, nil, nil])
    #expect(blocks.map(\.dataLines) == [1, 1, 0, 0, 0])
    #expect(blocks.map(\.name) == [nil, 27..<28, nil, nil, nil])
    #expect(blocks.map(\.hasID) == [false, true, false, false, false])
    #expect(blocks.map(\.hasRetry) == [false, true, false, false, false])
    #expect(blocks.map(\.isComment) == [false, false, true, true, true])
  }

  @Test(
    "fields are read as the standard says",
    arguments: [
      ("data:  two spaces\n\n", PlainEvent(data: " two spaces")),
      ("data\n\n", PlainEvent(data: "")),
      ("Data: x\ndata: y\n\n", PlainEvent(data: "y")),
      ("data : x\ndata: y\n\n", PlainEvent(data: "y")),
      ("dataset: x\ndata: y\n\n", PlainEvent(data: "y")),
      (" data: x\ndata: y\n\n", PlainEvent(data: "y")),
      ("event: a\nevent: b\ndata: y\n\n", PlainEvent(name: "b", data: "y")),
      ("event: a\nevent\ndata: y\n\n", PlainEvent(data: "y")),
      ("id: a\0b\nid: c\ndata: y\n\n", PlainEvent(data: "y", id: "c")),
      ("id: c\nid: a\0b\ndata: y\n\n", PlainEvent(data: "y", id: "c")),
      ("data: 1\r\ndata\rdata:\ndata: 4\r\n\r\n", PlainEvent(data: "1\n\n\n4")),
    ])
  func fields(_ text: String, _ expected: PlainEvent) {
    for pieces in EverySplit(text) {
      #expect(EventCollector(pieces, takesEach: true).events == [expected])
      #expect(EventCollector(pieces, takesEach: false).events == [expected])
    }
  }

  @Test("blocks that are passed on as they are say the same to the next reader, however they were cut")
  func relay() {
    let text = "data: 1\r\n\r\n: c\r\rdata: 2\rdata: 3\r\n\rdata: 4\n\n\n\r\n\r\rdata: 5\r\n\r\n"
    let expected = EventCollector([Array(text.utf8)], takesEach: true).events
    #expect(expected.map(\.data) == ["1", "2\n3", "4", "5"])
    for pieces in EverySplit(text) {
      let passed = EventCollector(pieces, takesEach: true).passed
      #expect(EventCollector([passed], takesEach: true).events == expected)
    }
  }

  @Test("a carriage return at the end of a read ends the event at once")
  func promptness() {
    #expect(EventCollector([Array("data: 1\r\n\r".utf8)], takesEach: true).events == [PlainEvent(data: "1")])
    #expect(EventCollector([Array("data: 1\r\r".utf8)], takesEach: true).events == [PlainEvent(data: "1")])
  }

  @Test("an event may be as large as the ceiling and no larger, in every cut")
  func ceiling() {
    let fits = "data: 45678901\n\ndata: 45678901\n\n"
    let isLarger = "data: 45678901\n\ndata: 456789012\n\n"
    for pieces in EverySplit(fits) {
      let collector = EventCollector(pieces, ceiling: 15, takesEach: true)
      #expect(collector.fault == nil && collector.events.count == 2)
    }
    for pieces in EverySplit(isLarger) {
      let collector = EventCollector(pieces, ceiling: 15, takesEach: true)
      #expect(collector.fault == .eventTooLarge(ceiling: 15) && collector.events.count == 1)
    }
    // Neither a line without an end nor lines without a blank one are gathered for ever.
    for text in ["data: 0123456789", "\u{FEFF}:\n:\n:\n:\n:\n:\n:\n:\n:\n"] {
      #expect(EventCollector([Array(text.utf8)], ceiling: 15, takesEach: true).fault != nil)
    }
  }

  @Test("random streams never trap, and the cut doesn't change their events")
  func randomStreams() {
    var random = Seeded(9)
    let parts = [
      "data: x", "data:", "data", ":", "id: 1", "event: e", "retry: 5", "\n", "\n", "\r", "\r\n", "\n\n",
      "\u{FEFF}", "é",
      " ", "0123456789abcdef", "\0",
    ]
    for _ in 0..<1_500 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...14, using: &random) {
        bytes += Array((parts.randomElement(using: &random) ?? "").utf8)
        if Int.random(in: 0..<6, using: &random) == 0 {
          bytes.append(.random(in: .min ... .max, using: &random))
        }
      }
      let whole = EventCollector([bytes], takesEach: false).events
      let cut = Int.random(in: 0...bytes.count, using: &random)
      #expect(EventCollector([Array(bytes[..<cut]), Array(bytes[cut...])], takesEach: true).events == whole)
      #expect(EventCollector(bytes.map { [$0] }, takesEach: true).events == whole)
      #expect(EventCollector(bytes.map { [$0] }, takesEach: false).events == whole)
    }
  }

  @Test("offsets outside of the bytes are answered, not believed", arguments: [-1, 1, 99])
  func wrongOffsets(_ from: Int) throws {
    var decoder = EventDecoder()
    let step = try decoder.next(Span(), from: from)
    #expect(step == .needMore)
  }
}
