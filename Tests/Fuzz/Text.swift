// JSON and server-sent events.

import Wire

/// Feeds a text to a scanner; the fault, if there is one.
private func scan(_ pieces: [[UInt8]], _ scanner: inout JSONScanner) -> JSONFault? {
  do throws(JSONFault) {
    for piece in pieces { try exact(piece) { span throws(JSONFault) in try scanner.feed(span) } }
    try scanner.finish()
    return nil
  } catch {
    return error
  }
}

private func agree(_ one: borrowing JSONScanner, _ other: borrowing JSONScanner) -> Bool {
  for member in JSONMember.allCases where one.found(member) != other.found(member) { return false }
  return one.openBrace == other.openBrace && one.closeBrace == other.closeBrace
    && one.topLevelKind == other.topLevelKind && one.isEmptyObject == other.isEmptyObject
}

@Sendable func fuzzScanner(_ input: Input) -> String {
  var whole = JSONScanner(checksText: true)
  let fault = scan([input.bytes], &whole)
  var cut = JSONScanner(checksText: true)
  expect(scan(input.pieces, &cut) == fault, "a text is judged the same in every cut")
  var watching = JSONScanner(watching: .all, checksText: true)
  let watched = scan([input.bytes], &watching)
  var watchingCut = JSONScanner(watching: .all, checksText: true)
  expect(scan(input.pieces, &watchingCut) == watched, "so it is where members are watched")
  expect(agree(watching, watchingCut), "members are found in the same places in every cut")
  expect(watched == fault || watched?.reason == .duplicateMember, "watching refuses no more than doubles")
  if fault != nil { return "refused" }
  exact(input.bytes) { bytes in
    for member in JSONMember.allCases {
      guard let found = watching.found(member), watched == nil else { continue }
      expect(found.isComplete && found.value.upperBound <= bytes.count, "a member lies in the text")
      var inner = JSONScanner()
      expect(scan([found.value.map { bytes[$0] }], &inner) == nil, "a member's value is a value")
    }
    walk(bytes, 0..<bytes.count, depth: 0)
  }
  likeness(input)
  return "accepted"
}

/// What is like a text that was accepted is JSON too, and has its members where they were.
private func likeness(_ input: Input) {
  var pattern = JSONPattern()
  exact(input.bytes) { bytes in pattern.learn(bytes, cut: 0..<0) }
  var numbers = input.numbers
  var text = input.bytes
  for _ in 0..<8 {
    let byte = UInt8(numbers.next(below: 256))
    let at = numbers.next(below: text.count + 1)
    switch numbers.next(below: 3) {
    case 0: text.insert(byte, at: at)
    case 1: if at < text.count { text.remove(at: at) }
    default: if at < text.count { text[at] = byte }
    }
    guard exact(text, { bytes in pattern.match(bytes) }) != nil else { continue }
    var scanner = JSONScanner()
    expect(scan([text], &scanner) == nil, "what is like JSON is JSON")
    expect(shape(text) == shape(input.bytes), "and has the same values in the same places")
  }
}

/// A text's structure, without what its strings say.
private func shape(_ text: [UInt8]) -> [UInt8] {
  var shape: [UInt8] = []
  var isInString = false
  var isEscaped = false
  for byte in text {
    if isEscaped {
      isEscaped = false
    } else if isInString, byte == 0x5C {
      isEscaped = true
    } else if byte == 0x22 {
      isInString.toggle()
      shape.append(byte)
    } else if !isInString {
      shape.append(byte)
    }
  }
  return shape
}

/// Walks through a value that was accepted, as readers do; what it writes of strings must be read back.
private func walk(_ bytes: Span<UInt8>, _ range: Range<Int>, depth: Int) {
  if depth > 40 { return }
  switch JSONView.kind(bytes, range) {
  case .object:
    var members = JSONObjectCursor(bytes, range)
    while let member = members.next() {
      walk(bytes, member.key, depth: depth + 1)
      walk(bytes, member.value, depth: depth + 1)
    }
  case .array:
    var elements = JSONArrayCursor(bytes, range)
    while let element = elements.next() { walk(bytes, element.value, depth: depth + 1) }
  case .string:
    var decoded = ByteQueue()
    JSONString.decode(bytes, range, into: &decoded)
    var written = ByteQueue()
    JSONWriter.string(decoded.bytes, into: &written)
    var scanner = JSONScanner()
    expect(scan([written.array()], &scanner) == nil, "a written string is one")
    var again = ByteQueue()
    JSONString.decode(written.bytes, 0..<written.count, into: &again)
    expect(again.bytes.text() == decoded.bytes.text(), "a written string says the same")
  case .number:
    _ = JSONValue.integer(bytes, range)
    if let double = JSONValue.double(bytes, range) { expect(double.isFinite, "a number is finite") }
  default: break
  }
}

@Sendable func fuzzSplice(_ input: Input) -> String {
  var scanner = JSONScanner(watching: .all)
  guard scan([input.bytes], &scanner) == nil, scanner.topLevelKind == .object else { return "no object" }
  var numbers = input.numbers
  var splice = JSONSplice()
  var removed: [JSONMember] = []
  var replaced: [JSONMember] = []
  for member in JSONMember.allCases.shuffled(using: &numbers) {
    guard let found = scanner.found(member) else { continue }
    switch numbers.next(below: 3) {
    case 0: if (try? splice.remove(found)) != nil { removed.append(member) }
    case 1:
      if (try? splice.replace(found.value, with: Array("[\"new\"]".utf8).span)) != nil {
        replaced.append(member)
      }
    default: break
    }
  }
  let inserts = numbers.next(below: 2) == 1
  if inserts { try? splice.insertMember(Array("\"inserted\":{}".utf8).span, in: scanner) }
  var whole = ByteQueue()
  exact(input.bytes) { bytes in splice.apply(to: bytes, into: &whole) }
  expect(splice.resultCount(for: input.bytes.count) == whole.count, "the length is the foretold one")
  var cut = ByteQueue()
  var base = 0
  for piece in input.pieces {
    exact(piece) { bytes in splice.apply(piece: bytes, base: base, into: &cut) }
    base += piece.count
  }
  expect(cut.array() == whole.array(), "a splice makes the same of every cut")
  var again = JSONScanner(watching: .all)
  let fault = scan([whole.array()], &again)
  expect(fault == nil, "what a splice makes is JSON: \(whole.bytes.text())")
  for member in JSONMember.allCases {
    let isThere = scanner.found(member) != nil && !removed.contains(member)
    expect((again.found(member) != nil) == isThere, "what was removed is gone, and nothing else: \(member)")
    guard isThere, let found = again.found(member), let before = scanner.found(member) else { continue }
    let expected = replaced.contains(member) ? Array("[\"new\"]".utf8) : Array(input.bytes[before.value])
    expect(Array(whole.array()[found.value]) == expected, "a value is the one meant: \(member)")
  }
  if inserts {
    expect(
      JSONView.value(whole.bytes, in: 0..<whole.count, at: "inserted") != nil, "what was inserted is there")
  }
  return "spliced"
}

extension Numbers: RandomNumberGenerator {
  mutating func next() -> UInt64 { UInt64(next(below: 1 << 30)) << 34 ^ UInt64(next(below: 1 << 30)) << 4 }
}

// MARK: Server-sent events

private struct PlainEvent: Equatable {
  var name: [UInt8] = []
  var data: [UInt8] = []
}

private func events(_ pieces: [[UInt8]], takesEach: Bool) -> [PlainEvent] {
  var decoder = EventDecoder()
  var pending: [UInt8] = []
  var events: [PlainEvent] = []
  for piece in pieces {
    pending += piece
    var from = 0
    while true {
      let step = exact(pending) { bytes in try? decoder.next(bytes, from: from) }
      guard case .event(let event)? = step else { break }
      expect(
        event.whole.lowerBound >= from && event.whole.upperBound <= pending.count,
        "an event lies in the stream")
      expect(event.whole.upperBound > from, "an event takes at least a byte")
      if event.dataLines > 0 {
        var data = ByteQueue()
        exact(pending) { bytes in EventDecoder.data(of: event, in: bytes, into: &data) }
        events.append(PlainEvent(name: event.name.map { Array(pending[$0]) } ?? [], data: data.array()))
      }
      from = event.whole.upperBound
      if takesEach {
        pending.removeFirst(from)
        from = 0
      }
    }
    pending.removeFirst(from)
  }
  return events
}

/// The events by the letter of the standard (HTML, section 9.2.6), slowly, from the whole stream.
private func plainEvents(_ stream: [UInt8]) -> [PlainEvent] {
  var stream = stream[...]
  if stream.starts(with: [0xEF, 0xBB, 0xBF]) { stream = stream.dropFirst(3) }
  var events: [PlainEvent] = []
  var event = PlainEvent()
  var hasData = false
  var line: [UInt8] = []
  var at = stream.startIndex
  while at < stream.endIndex {
    let byte = stream[at]
    at += 1
    guard byte == 0x0A || byte == 0x0D else {
      line.append(byte)
      continue
    }
    if byte == 0x0D, at < stream.endIndex, stream[at] == 0x0A { at += 1 }
    defer { line = [] }
    if line.isEmpty {
      if hasData { events.append(event) }
      event = PlainEvent()
      hasData = false
      continue
    }
    let colon = line.firstIndex(of: 0x3A) ?? line.endIndex
    var value = line[min(colon + 1, line.endIndex)...]
    if value.first == 0x20 { value = value.dropFirst() }
    if Array(line[..<colon]) == Array("event".utf8) { event.name = Array(value) }
    if Array(line[..<colon]) == Array("data".utf8) {
      if hasData { event.data.append(0x0A) }
      event.data += value
      hasData = true
    }
  }
  return events
}

@Sendable func fuzzEvents(_ input: Input) -> String {
  let expected = plainEvents(input.bytes)
  // A carriage return at the very end may be half of a line end: the event is there either way.
  expect(events([input.bytes], takesEach: false) == expected, "events are those of the standard")
  expect(events(input.pieces, takesEach: false) == expected, "so they are in pieces")
  expect(events(input.pieces, takesEach: true) == expected, "and taken out one by one")
  var written = ByteQueue()
  let plain = expected.filter { !$0.data.contains(0x0D) }
  for event in plain { EventEncoder.data(event.data.span, into: &written) }
  expect(plainEvents(written.array()).map(\.data) == plain.map(\.data), "what is written reads back")
  return expected.map { hexadecimal($0.name) + ":" + hexadecimal($0.data) }.joined(separator: " ")
}

/// What a reply is, or why it is none; nil where more must come.
private func reply(_ bytes: [UInt8]) -> Result<(reply: RESPReply, count: Int), RESPFault>? {
  do throws(RESPFault) {
    let found = try exact(bytes) { span throws(RESPFault) in try RESP.read(span) }
    return found.map { .success($0) }
  } catch { return .failure(error) }
}

@Sendable func fuzzReplies(_ input: Input) -> String {
  let whole = reply(input.bytes)
  var held: [UInt8] = []
  for piece in input.pieces {
    held += piece
    switch (reply(held), whole) {
    case (nil, _): continue
    case (.success(let early)?, .success(let late)?):
      expect(early.reply == late.reply && early.count == late.count, "a reply is the same in every cut")
      expect(early.count <= held.count, "a reply lies in what has come")
    case (.failure?, .failure?): break
    default: expect(false, "a reply is judged the same in every cut")
    }
    break
  }
  switch whole {
  case nil: return "more"
  case .failure(let fault)?: return "\(fault)"
  case .success(let found)?: return "\(found.reply)"
  }
}
