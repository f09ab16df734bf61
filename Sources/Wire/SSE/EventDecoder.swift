// Finds the events of a server-sent stream in a read buffer: ranges out, nothing copied (WHATWG HTML 9.2).
//
// Looks at every byte once, however the stream is cut, and holds no bytes of its own. It takes all three
// line ends and a byte order mark at the very start. It refuses an event larger than its ceiling. An event
// that the stream's end cuts off is never reported. Next: EventEncoder.swift.

/// What can be wrong with an event stream; the format itself has no errors.
package enum SSEFault: Error, Equatable, Sendable {
  /// An event is longer than this many bytes.
  case eventTooLarge(ceiling: Int)
}

/// One block of a stream, up to and with the blank line behind it. Ranges are offsets into the bytes that
/// were given to the decoder.
package struct Event: Equatable, Sendable {
  /// Every byte of the block, the blank line included.
  package internal(set) var whole: Range<Int>
  /// The value of the data line, if there is exactly one.
  package internal(set) var data: Range<Int>?
  /// How many data lines there are. A block without any is not dispatched to anybody (section 9.2.6).
  package internal(set) var dataLines = 0
  /// The event's type, if it says one that isn't empty; the last one counts.
  package internal(set) var name: Range<Int>?
  /// The event's id, if it says one; the last one counts.
  package internal(set) var id: Range<Int>?
  package internal(set) var hasRetry = false
  /// Whether any line names a field that has a meaning.
  fileprivate var hasField = false

  package var hasID: Bool { id != nil }
  /// Whether the block is only comments, unknown fields and blank lines.
  package var isComment: Bool { !hasField }
}

/// The state of reading one stream.
package struct EventDecoder: Sendable {
  package enum Step: Equatable, Sendable {
    /// The next block is whole; the one behind it begins at its `whole.upperBound`.
    case event(Event)
    /// No further block is whole; ask again, with the same `from`, when there are more bytes.
    case needMore
  }

  /// The most bytes an event may have.
  package let ceiling: Int

  // All offsets are counted from where the block under way begins, so that they stay true when what lies
  // before it is taken out of the buffer.
  private var event = Event(whole: 0..<0)
  private var blockStart = 0
  private var lineStart = 0
  /// No line that began at `lineStart` ends before this byte.
  private var looked = 0
  private var isAtStreamStart = true
  /// The last line ended in a carriage return that was the last byte: a line feed now would belong to it.
  private var isBehindReturn = false

  /// - Parameter ceiling: the most bytes an event may have.
  package init(ceiling: Int = 8 << 20) {
    self.ceiling = ceiling
  }

  /// Looks for the end of the block that begins at `from`: where the last one ended, or 0 if everything
  /// before the block has been taken out of the buffer since.
  package mutating func next(_ bytes: Span<UInt8>, from: Int) throws(SSEFault) -> Step {
    guard from >= 0, from <= bytes.count else { return .needMore }
    let block = bytes.extracting(from..<bytes.count)
    if block.isEmpty { return .needMore }
    if let event = line(block, from: from) { return .event(event) }
    if isAtStreamStart && !passByteOrderMark(block) { return .needMore }
    while passLineFeed(block) {
      let end = LineEnd.next(block, from: looked)
      looked = end
      if end == block.count { break }
      let isBlank = end == lineStart
      if isBlank && end - blockStart > ceiling { break }
      var next = end + 1
      if block[end] == ASCII.cr {
        if next == block.count { isBehindReturn = true } else if block[next] == ASCII.lf { next += 1 }
      }
      if isBlank { return .event(finish(at: next).moved(by: from)) }
      event.read(block, line: lineStart..<end)
      lineStart = next
      looked = next
    }
    if looked - blockStart > ceiling { throw .eventTooLarge(ceiling: ceiling) }
    return .needMore
  }

  /// The block that begins at `from` where it is one line of data and nothing else, as most are.
  private func line(_ block: Span<UInt8>, from: Int) -> Event? {
    guard looked == 0, !isBehindReturn, !isAtStreamStart, block.count > 7,
      block.extracting(0..<6).reads("data: ")
    else { return nil }
    let end = LineEnd.next(block, from: 6)
    guard end &+ 1 < block.count, block[end] == ASCII.lf, block[end &+ 1] == ASCII.lf, end < ceiling else {
      return nil
    }
    var event = Event(whole: from..<from &+ end &+ 2)
    event.data = from &+ 6..<from &+ end
    event.dataLines = 1
    event.hasField = true
    return event
  }

  /// Passes over the mark that may stand before the first byte of a stream; false while that isn't decided.
  private mutating func passByteOrderMark(_ block: Span<UInt8>) -> Bool {
    if block.isEmpty { return false }
    if block[0] == 0xEF {
      if block.count < 3 && (block.count < 2 || block[1] == 0xBB) { return false }
      if block[1] == 0xBB && block[2] == 0xBF {
        blockStart = 3
        lineStart = 3
        looked = 3
      }
    }
    isAtStreamStart = false
    return true
  }

  /// Passes over the second half of a line end that was cut in two; false while it may still come.
  private mutating func passLineFeed(_ block: Span<UInt8>) -> Bool {
    if !isBehindReturn { return true }
    guard looked < block.count else { return false }
    isBehindReturn = false
    if block[looked] == ASCII.lf {
      // It belongs to the block before, whose event has been reported.
      if blockStart == lineStart { blockStart += 1 }
      lineStart += 1
      looked += 1
    }
    return true
  }

  private mutating func finish(at end: Int) -> Event {
    var finished = event
    finished.whole = blockStart..<end
    event = Event(whole: 0..<0)
    blockStart = 0
    lineStart = 0
    looked = 0
    return finished
  }

  /// Appends the event's data to `queue`: its data lines, joined by line feeds. `bytes` are those in which
  /// the event was found.
  package static func data(of event: Event, in bytes: Span<UInt8>, into queue: inout ByteQueue) {
    if let data = event.data {
      queue.append(JSONBytes.slice(bytes, data))
      return
    }
    let block = JSONBytes.slice(bytes, event.whole)
    var lineStart = 0
    var isFirst = true
    while lineStart < block.count {
      let end = LineEnd.next(block, from: lineStart)
      if let (field, value) = Event.field(block, line: lineStart..<end), field == .data {
        if !isFirst { queue.append(ASCII.lf) }
        isFirst = false
        queue.append(block.extracting(value))
      }
      // A line feed behind a return makes one empty line more, which holds no field.
      lineStart = end + 1
    }
  }
}

extension Event {
  fileprivate enum Field {
    case data, event, id, retry
  }

  /// Takes in one line, which isn't blank (section 9.2.6, "process the field").
  fileprivate mutating func read(_ block: Span<UInt8>, line: Range<Int>) {
    guard let (field, value) = Self.field(block, line: line) else { return }
    switch field {
    case .data:
      dataLines += 1
      data = dataLines == 1 ? value : nil
    case .event:
      name = value.isEmpty ? nil : value
    case .id:
      for at in value where block[at] == 0 { return }
      id = value
    case .retry:
      if value.isEmpty { return }
      for at in value where !ASCII.isDigit(block[at]) { return }
      hasRetry = true
    }
    hasField = true
  }

  /// The field that a line names and where its value lies; nil for comments and names without a meaning.
  fileprivate static func field(_ block: Span<UInt8>, line: Range<Int>) -> (Field, Range<Int>)? {
    guard !line.isEmpty else { return nil }
    let (field, name): (Field, StaticString)
    switch block[line.lowerBound] {
    case UInt8(ascii: "d"): (field, name) = (.data, "data")
    case UInt8(ascii: "e"): (field, name) = (.event, "event")
    case UInt8(ascii: "i"): (field, name) = (.id, "id")
    case UInt8(ascii: "r"): (field, name) = (.retry, "retry")
    default: return nil
    }
    let nameEnd = line.lowerBound + name.utf8CodeUnitCount
    guard nameEnd <= line.upperBound, block.extracting(line.lowerBound..<nameEnd).equals(name)
    else { return nil }
    if nameEnd == line.upperBound { return (field, nameEnd..<nameEnd) }
    guard block[nameEnd] == ASCII.colon else { return nil }
    let start = nameEnd + 1
    let hasSpace = start < line.upperBound && block[start] == ASCII.space
    return (field, (hasSpace ? start + 1 : start)..<line.upperBound)
  }

  fileprivate func moved(by distance: Int) -> Event {
    if distance == 0 { return self }
    func move(_ range: Range<Int>) -> Range<Int> { range.lowerBound + distance..<range.upperBound + distance }
    var event = self
    event.whole = move(whole)
    event.data = data.map(move)
    event.name = name.map(move)
    event.id = id.map(move)
    return event
  }
}
