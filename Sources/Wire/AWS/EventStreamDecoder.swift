// Finds the messages of a binary AWS event stream (`application/vnd.amazon.eventstream`) in a read buffer:
// ranges out, nothing copied (Smithy specification, "Amazon Event Stream Specification").
//
//     total length u32 │ headers' length u32 │ CRC-32 of those eight bytes │ headers │ payload │ CRC-32 of all
//
// A message's length is judged as soon as its twelve-byte prelude is there, so that nobody waits for, or makes
// room for, what will never be taken. A message counts only when both checksums agree. Next: CRC32.swift.

/// Why a stream of messages was refused. Nothing behind the fault can be trusted: close.
package enum EventStreamFault: Error, Equatable, Sendable {
  /// The first eight bytes of a message don't agree with their checksum.
  case preludeChecksum
  /// A message doesn't agree with its checksum.
  case messageChecksum
  /// The lengths can't be those of a message.
  case lengths
  /// A message, or its headers, are longer than they may be; the ceiling is in bytes.
  case tooLarge(ceiling: Int)
  /// A header has no name, a type that doesn't exist, a value that doesn't fit, or a name that was there before.
  case header
  case tooManyHeaders

  /// What is wrong, and what would be right.
  package var message: String {
    switch self {
    case .preludeChecksum: "an event-stream message's lengths do not match their checksum"
    case .messageChecksum: "an event-stream message does not match its checksum"
    case .lengths: "an event-stream message's lengths do not fit each other"
    case .tooLarge(let ceiling): "an event-stream message, or its headers, are larger than \(ceiling) bytes"
    case .header: "an event-stream message has a header that is malformed, or there twice"
    case .tooManyHeaders: "an event-stream message has more than \(EventStreamDecoder.headerCeiling) headers"
    }
  }
}

/// One message of a stream. Ranges are offsets into the bytes that were given to the decoder.
package struct EventStreamMessage: Equatable, Sendable {
  /// What a message says it is (`:message-type`).
  package enum Kind: Equatable, Sendable {
    case event
    /// One of the errors that the service's model knows.
    case exception
    /// An error that it doesn't know: `errorCode` and `errorMessage` say which.
    case error
    /// Something else, or nothing.
    case other
  }

  /// Every byte of the message, from its length to its checksum.
  package internal(set) var whole: Range<Int>
  package internal(set) var payload: Range<Int>
  package internal(set) var kind = Kind.other
  // The header of this name, if the message has it.
  package internal(set) var eventType: Range<Int>?
  package internal(set) var exceptionType: Range<Int>?
  package internal(set) var errorCode: Range<Int>?
  package internal(set) var errorMessage: Range<Int>?
  package internal(set) var contentType: Range<Int>?
}

/// The state of reading one stream.
package struct EventStreamDecoder: Sendable {
  package enum Step: Equatable, Sendable {
    /// The next message is whole; the one behind it begins at its `whole.upperBound`.
    case message(EventStreamMessage)
    /// No further message is whole; ask again, with the same `from`, when there are more bytes.
    case needMore
  }

  /// Bytes of headers in a message (Smithy: 128 KiB).
  package static let headersCeiling = 128 << 10
  /// Headers in a message; services use four or five.
  package static let headerCeiling = 64

  /// Bytes before the headers: two lengths and their checksum.
  private static let prelude = 12
  private static let checksum = 4

  /// The most bytes a message may have.
  package let ceiling: Int
  /// The length of the message under way, once its prelude has been judged.
  private var length: Int?

  /// - Parameter ceiling: the most bytes a message may have.
  package init(ceiling: Int = 8 << 20) {
    self.ceiling = ceiling
  }

  /// How many bytes the message under way has in all; nil while that isn't known.
  package var expected: Int? { length }

  /// Looks for the message that begins at `from`: where the last one ended, or 0 if everything before it has
  /// been taken out of the buffer since.
  package mutating func next(_ bytes: Span<UInt8>, from: Int) throws(EventStreamFault) -> Step {
    guard from >= 0, from <= bytes.count else { return .needMore }
    let rest = bytes.extracting(from..<bytes.count)
    if length == nil {
      guard rest.count >= Self.prelude else { return .needMore }
      length = try judge(rest)
    }
    guard let length, rest.count >= length else { return .needMore }
    self.length = nil
    let end = length - Self.checksum
    guard CRC32.of(rest.extracting(0..<end)) == Self.number(rest, at: end) else { throw .messageChecksum }
    let headers = Self.prelude..<Self.prelude + Int(Self.number(rest, at: 4))
    var message = EventStreamMessage(
      whole: from..<from + length, payload: from + headers.upperBound..<from + end)
    try message.read(rest, headers, movedBy: from)
    return .message(message)
  }

  /// The length of the message whose prelude `bytes` begin with.
  private func judge(_ bytes: Span<UInt8>) throws(EventStreamFault) -> Int {
    guard CRC32.of(bytes.extracting(0..<8)) == Self.number(bytes, at: 8) else { throw .preludeChecksum }
    let total = Int(Self.number(bytes, at: 0))
    let headers = Int(Self.number(bytes, at: 4))
    if total > ceiling { throw .tooLarge(ceiling: ceiling) }
    if headers > Self.headersCeiling { throw .tooLarge(ceiling: Self.headersCeiling) }
    guard total >= Self.prelude + Self.checksum, headers <= total - Self.prelude - Self.checksum
    else { throw .lengths }
    return total
  }

  /// The big-endian number in the four bytes at `at`, which the caller knows to be there.
  private static func number(_ bytes: Span<UInt8>, at: Int) -> UInt32 {
    var value: UInt32 = 0
    for index in at..<at + 4 { value = value << 8 | UInt32(bytes[index]) }
    return value
  }
}

extension EventStreamMessage {
  /// Takes in the headers that lie in `range`: name length u8, name, type u8, value.
  fileprivate mutating func read(
    _ bytes: Span<UInt8>, _ range: Range<Int>, movedBy distance: Int
  ) throws(EventStreamFault) {
    var names = InlineArray<64, Range<Int>>(repeating: 0..<0)
    var count = 0
    var at = range.lowerBound
    while at < range.upperBound {
      let header = try Self.header(bytes, at: at, limit: range.upperBound)
      guard count < EventStreamDecoder.headerCeiling else { throw .tooManyHeaders }
      let name = bytes.extracting(header.name)
      for index in 0..<count where bytes.extracting(names[index]).equals(name) { throw .header }
      names[count] = header.name
      count += 1
      try take(name, header, bytes, distance)
      at = header.end
    }
  }

  private mutating func take(
    _ name: Span<UInt8>, _ header: Header, _ bytes: Span<UInt8>, _ distance: Int
  ) throws(EventStreamFault) {
    guard name[0] == ASCII.colon else { return }
    let value = header.value.lowerBound + distance..<header.value.upperBound + distance
    if name.equals(":message-type") {
      let text = bytes.extracting(header.value)
      if text.equals("event") { kind = .event }
      if text.equals("exception") { kind = .exception }
      if text.equals("error") { kind = .error }
    } else if name.equals(":event-type") {
      eventType = value
    } else if name.equals(":exception-type") {
      exceptionType = value
    } else if name.equals(":error-code") {
      errorCode = value
    } else if name.equals(":error-message") {
      errorMessage = value
    } else if name.equals(":content-type") {
      contentType = value
    } else {
      return
    }
    // Each header that has a meaning is a text; one that isn't says nothing that could be believed.
    guard header.isText else { throw .header }
  }

  private struct Header {
    /// Never empty.
    let name: Range<Int>
    let value: Range<Int>
    let isText: Bool
    var end: Int { value.upperBound }
  }

  /// The header that begins at `at`.
  private static func header(
    _ bytes: Span<UInt8>, at: Int, limit: Int
  ) throws(EventStreamFault) -> Header {
    let nameStart = at + 1
    let nameEnd = nameStart + Int(bytes[at])
    guard nameEnd > nameStart, nameEnd < limit else { throw .header }
    let type = bytes[nameEnd]
    var start = nameEnd + 1
    let length: Int
    switch type {
    case 0, 1: length = 0
    case 2: length = 1
    case 3: length = 2
    case 4: length = 4
    case 5, 8: length = 8
    case 9: length = 16
    case 6, 7:
      guard start + 2 <= limit else { throw .header }
      length = Int(bytes[start]) << 8 | Int(bytes[start + 1])
      start += 2
    default: throw .header
    }
    guard start + length <= limit else { throw .header }
    return Header(name: nameStart..<nameEnd, value: start..<start + length, isText: type == 7)
  }
}
