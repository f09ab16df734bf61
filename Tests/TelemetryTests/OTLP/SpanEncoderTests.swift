// Spans of any content, read back field by field by a reader that shares nothing with the encoder.

import Testing
import Wire

@testable import Telemetry

/// A message of protobuf's, taken apart: fields in their order.
private struct Message {
  enum Value: Equatable {
    case number(UInt64)
    case bytes([UInt8])
  }
  var fields: [(number: Int, value: Value)] = []

  /// Nil where the bytes are no message.
  init?(_ bytes: [UInt8]) {
    var at = 0
    func varint() -> UInt64? {
      var value: UInt64 = 0
      for shift in stride(from: UInt64(0), to: 70, by: 7) {
        guard at < bytes.count else { return nil }
        let byte = bytes[at]
        at += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
      }
      return nil
    }
    func fixed(_ count: Int) -> UInt64? {
      guard at + count <= bytes.count else { return nil }
      defer { at += count }
      return bytes[at..<at + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    while at < bytes.count {
      guard let tag = varint() else { return nil }
      let value: Value?
      switch tag & 7 {
      case 0: value = varint().map { .number($0) }
      case 1: value = fixed(8).map { .number($0) }
      case 5: value = fixed(4).map { .number($0) }
      case 2:
        guard let count = varint(), count <= UInt64(bytes.count - at) else { return nil }
        value = .bytes(Array(bytes[at..<at + Int(count)]))
        at += Int(count)
      default: value = nil
      }
      guard let value else { return nil }
      fields.append((Int(tag >> 3), value))
    }
  }

  func numbers(_ field: Int) -> [UInt64] {
    fields.compactMap { if $0.number == field, case .number(let number) = $0.value { number } else { nil } }
  }

  func bytes(_ field: Int) -> [[UInt8]] {
    fields.compactMap { if $0.number == field, case .bytes(let bytes) = $0.value { bytes } else { nil } }
  }
}

@Suite("SpanEncoder") struct SpanEncoderTests {
  /// What a text becomes: as it is where it is UTF-8 and short, and else something that is.
  private static func fits(_ got: [UInt8], _ text: [UInt8], _ ceiling: Int) -> Bool {
    guard got.count <= max(text.count, ceiling), String(validating: got, as: UTF8.self) != nil else {
      return false
    }
    let isWhole = text.count <= ceiling && String(validating: text, as: UTF8.self) != nil
    return !isWhole || got == text
  }

  private static func text(_ random: inout some RandomNumberGenerator) -> [UInt8] {
    let count = [0, 1, 5, 40, 127, 128, 129, 300].randomElement(using: &random) ?? 0
    if Bool.random(using: &random) {
      return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
    let letters = ["a", "Z", " ", "é", "€", "😀", "\u{0}", "\""]
    return Array(
      (0..<count).map { _ in letters.randomElement(using: &random) ?? "" }.joined().utf8.prefix(count))
  }

  private static func number(_ random: inout some RandomNumberGenerator) -> Int {
    [0, 1, -1, 127, 128, 300, .max, .min, Int.random(in: .min ... .max, using: &random)].randomElement(
      using: &random) ?? 0
  }

  @Test("ten thousand spans of any content are what protobuf reads")
  func anySpan() throws {
    var random = SystemRandomNumberGenerator()
    let encoder = SpanEncoder()
    for _ in 0..<10_000 {
      let ids = TraceIDs(
        high: random.next(), low: random.next(), span: UInt64.random(in: 1 ... .max, using: &random))
      let parent = Bool.random(using: &random) ? random.next() : 0
      let state = Array("a=1,b=2".utf8.prefix(Int.random(in: 0...7, using: &random)))
      let (flags, isRemote) = (UInt8.random(in: 0...3, using: &random), Bool.random(using: &random))
      let (name, text) = (Self.text(&random), Self.text(&random))
      let (start, end) = (random.next(), random.next())
      let (whole, truth) = (Self.number(&random), Bool.random(using: &random))
      let real = Double(bitPattern: random.next())
      let words = (0..<Int.random(in: 0...5, using: &random)).map { _ in
        ["stop", "length", "tool_calls", "x"].randomElement(using: &random) ?? ""
      }
      encoder.begin(ids, parent: parent, state: state.span, flags: flags, isRemote: isRemote, kind: .client)
      encoder.name(Array("chat".utf8).span, name.span)
      encoder.time(from: start, to: end)
      encoder.attribute("whole", whole)
      encoder.attribute("none", nil as Int?)
      encoder.attribute("truth", truth)
      encoder.attribute("real", real)
      encoder.attribute("text", text.span)
      encoder.attribute("words", words: Array(words.joined(separator: " ").utf8).span)
      encoder.event("first_token", at: start)
      encoder.status(truth ? .error("timeout") : .unset)
      encoder.end()
      let scope = try #require(Message(Self.spans(encoder)))
      #expect(scope.fields.count == encoder.count && scope.bytes(2).count == encoder.count)
      let span = try #require(scope.bytes(2).last.flatMap { Message($0) })
      // Exchanges have up to a few.
      if encoder.count == 4 { encoder.clear() }
      #expect(
        span.bytes(1) == [Self.big(ids.high) + Self.big(ids.low)] && span.bytes(2) == [Self.big(ids.span)])
      #expect(span.bytes(3) == (state.isEmpty ? [] : [state]))
      #expect(span.bytes(4) == (parent == 0 ? [] : [Self.big(parent)]))
      let said = try #require(span.bytes(5).first)
      #expect(Self.fits(said, Array("chat".utf8) + (name.isEmpty ? [] : [0x20] + name), 128))
      #expect(span.numbers(6) == [3] && span.numbers(7) == [start] && span.numbers(8) == [max(start, end)])
      #expect(span.numbers(16) == [UInt64(flags) | 0x100 | (isRemote ? 0x200 : 0)])
      #expect(span.bytes(15).count == (truth ? 1 : 0))
      if let status = span.bytes(15).first.flatMap({ Message($0) }) {
        #expect(status.bytes(2) == [Array("timeout".utf8)] && status.numbers(3) == [2])
      }
      let event = try #require(span.bytes(11).first.flatMap { Message($0) })
      #expect(event.numbers(1) == [start] && event.bytes(2) == [Array("first_token".utf8)])
      var values: [String: Message] = [:]
      for bytes in span.bytes(9) {
        let pair = try #require(Message(bytes))
        let key = String(decoding: try #require(pair.bytes(1).first), as: UTF8.self)
        let value = pair.bytes(2).first.flatMap { Message($0) }
        #expect(value.map { _ in true } == true)
        values[key] = value
      }
      let wanted =
        ["whole", "truth", "real"] + (text.isEmpty ? [] : ["text"]) + (words.isEmpty ? [] : ["words"])
      #expect(Set(values.keys) == Set(wanted) && values.count == span.bytes(9).count)
      #expect(values["whole"]?.numbers(3) == [UInt64(bitPattern: Int64(whole))])
      #expect(values["truth"]?.numbers(2) == [truth ? 1 : 0])
      #expect(values["real"]?.numbers(4) == [real.bitPattern])
      if let got = values["text"] {
        #expect(Self.fits(try #require(got.bytes(1).first), text, SpanEncoder.textCeiling))
      }
      if let list = values["words"] {
        let items = try #require(list.bytes(5).first.flatMap { Message($0) })
        #expect(items.bytes(1).compactMap { Message($0)?.bytes(1).first } == words.map { Array($0.utf8) })
      }
    }
  }

  private static func spans(_ encoder: SpanEncoder) -> [UInt8] {
    let spans = unsafe encoder.spans
    var bytes: [UInt8] = []
    for at in spans.indices { bytes.append(spans[at]) }
    return bytes
  }

  @Test("the end of so many spans is found, short ones and long ones")
  func ends() {
    var random = SystemRandomNumberGenerator()
    let (encoder, none) = (SpanEncoder(), [UInt8]())
    let text = [UInt8](repeating: 0x61, count: 120)
    var ends = [0]
    for _ in 0..<40 {
      encoder.begin(
        TraceIDs(high: 1, low: 2, span: 3), parent: 0, state: none.span, flags: 1, isRemote: false,
        kind: .server)
      for _ in 0..<Int.random(in: 0...100, using: &random) {
        encoder.attribute("text", text.span)
      }
      encoder.end()
      ends.append(Self.spans(encoder).count)
    }
    let spans = Self.spans(encoder)
    #expect(encoder.count == 40)
    for (count, end) in ends.enumerated() { #expect(Envelope.end(of: count, in: spans.span) == end) }
    // What isn't there ends with what is.
    #expect(Envelope.end(of: 41, in: spans.span) == spans.count)
  }

  @Test("a span that is longer than its length can say is left out, and those around it are whole")
  func tooLong() {
    let (encoder, none) = (SpanEncoder(), [UInt8]())
    let text = [UInt8](repeating: 0x61, count: 110)
    for count in [1, 200, 1] {
      encoder.begin(
        TraceIDs(high: 1, low: 2, span: 3), parent: 0, state: none.span, flags: 1, isRemote: false,
        kind: .server)
      for _ in 0..<count { encoder.attribute("text", text.span) }
      encoder.end()
    }
    #expect(encoder.count == 2 && Message(Self.spans(encoder))?.bytes(2).count == 2)
  }

  private static func big(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - $0 * 8)) }
  }
}
