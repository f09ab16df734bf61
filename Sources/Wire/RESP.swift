// The protocol of Redis, version 2 (https://redis.io/docs/latest/develop/reference/protocol-spec): commands out, replies
// in. No I/O: the reader looks at what has come so far and says what it is, or that more must come.

/// One reply, as far as a client needs to know it that asks small questions.
package enum RESPReply: Sendable, Equatable {
  /// `+OK`.
  case status([UInt8])
  /// `-CODE and a sentence`.
  case error([UInt8])
  case integer(Int64)
  case text([UInt8])
  /// A text or an array that isn't there.
  case nothing
  case array([RESPReply])
}

/// Why what has come is no reply, or none that is read.
package enum RESPFault: Error, Sendable, Equatable {
  /// Something else than a type's sign, a number that is none, a line that doesn't end.
  case malformed
  /// More bytes, elements or levels than any answer that was asked for has.
  case tooLarge
}

package enum RESP {
  /// Bytes of a line, its end included; of a text; elements of an array, all its levels together; levels.
  package static let line = 4096
  package static let text = 4096
  package static let elements = 128
  package static let depth = 4
  /// Bytes that a reply can have: what is longer and isn't whole never will be.
  package static let ceiling = elements * (text + 32)

  // MARK: Commands

  /// Begins a command of so many words, its name among them.
  package static func command(words: Int, into out: inout ByteQueue) {
    out.append("*")
    out.append(decimal: words)
    out.append("\r\n")
  }

  package static func word(_ bytes: Span<UInt8>, into out: inout ByteQueue) {
    length(bytes.count, into: &out)
    out.append(bytes)
    out.append("\r\n")
  }

  package static func word(_ text: StaticString, into out: inout ByteQueue) {
    length(text.utf8CodeUnitCount, into: &out)
    out.append(text)
    out.append("\r\n")
  }

  /// As above, for what leaves no copy behind.
  package static func word(secret bytes: Span<UInt8>, into out: inout ByteQueue) {
    length(bytes.count, into: &out)
    out.append(secret: bytes)
    out.append("\r\n")
  }

  package static func word(_ number: Int, into out: inout ByteQueue) {
    length(digits(number), into: &out)
    out.append(decimal: number)
    out.append("\r\n")
  }

  private static func length(_ count: Int, into out: inout ByteQueue) {
    out.append("$")
    out.append(decimal: count)
    out.append("\r\n")
  }

  /// How many bytes a number has in decimal, its sign included.
  private static func digits(_ number: Int) -> Int {
    var count = number < 0 ? 2 : 1
    var rest = number.magnitude
    while rest >= 10 {
      rest /= 10
      count += 1
    }
    return count
  }

  // MARK: Replies

  /// The reply at the beginning of `bytes`, and how many of them it has; nil where it isn't whole yet.
  package static func read(_ bytes: Span<UInt8>) throws(RESPFault) -> (reply: RESPReply, count: Int)? {
    var reader = Reader()
    guard let reply = try reader.reply(bytes, depth: 0) else {
      if bytes.count >= ceiling { throw .tooLarge }
      return nil
    }
    return (reply, reader.at)
  }

  private struct Reader {
    private(set) var at = 0
    private var elements = 0

    mutating func reply(_ bytes: Span<UInt8>, depth: Int) throws(RESPFault) -> RESPReply? {
      guard at < bytes.count else { return nil }
      let sign = bytes[at]
      switch sign {
      case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "$"), UInt8(ascii: "*"):
        break
      default: throw .malformed
      }
      guard let line = try line(bytes) else { return nil }
      switch sign {
      case UInt8(ascii: "+"): return .status(bytes.extracting(line).array())
      case UInt8(ascii: "-"): return .error(bytes.extracting(line).array())
      case UInt8(ascii: ":"): return .integer(try Self.number(bytes.extracting(line)))
      case UInt8(ascii: "$"): return try text(bytes, try Self.number(bytes.extracting(line)))
      default: return try array(bytes, try Self.number(bytes.extracting(line)), depth)
      }
    }

    /// What stands between the sign and the line's end, behind which it goes on.
    private mutating func line(_ bytes: Span<UInt8>) throws(RESPFault) -> Range<Int>? {
      let start = at + 1
      var end = start
      while end < bytes.count, bytes[end] != ASCII.cr {
        if bytes[end] == ASCII.lf { throw .malformed }
        end += 1
        if end - at > RESP.line { throw .tooLarge }
      }
      guard end + 1 < bytes.count else { return nil }
      guard bytes[end + 1] == ASCII.lf else { throw .malformed }
      at = end + 2
      return start..<end
    }

    private mutating func text(_ bytes: Span<UInt8>, _ count: Int64) throws(RESPFault) -> RESPReply? {
      if count == -1 { return .nothing }
      guard count >= 0 else { throw .malformed }
      guard count <= RESP.text else { throw .tooLarge }
      let end = at + Int(count)
      guard end + 2 <= bytes.count else { return nil }
      guard bytes[end] == ASCII.cr, bytes[end + 1] == ASCII.lf else { throw .malformed }
      defer { at = end + 2 }
      return .text(bytes.extracting(at..<end).array())
    }

    private mutating func array(
      _ bytes: Span<UInt8>, _ count: Int64, _ depth: Int
    ) throws(RESPFault) -> RESPReply? {
      if count == -1 { return .nothing }
      guard count >= 0 else { throw .malformed }
      guard depth < RESP.depth, count <= RESP.elements - elements else { throw .tooLarge }
      elements += Int(count)
      var parts: [RESPReply] = []
      for _ in 0..<Int(count) {
        guard let part = try reply(bytes, depth: depth + 1) else { return nil }
        parts.append(part)
      }
      return .array(parts)
    }

    private static func number(_ digits: Span<UInt8>) throws(RESPFault) -> Int64 {
      var place = 0
      var isNegative = false
      if digits.count > 1, digits[0] == UInt8(ascii: "-") || digits[0] == UInt8(ascii: "+") {
        isNegative = digits[0] == UInt8(ascii: "-")
        place = 1
      }
      guard place < digits.count else { throw .malformed }
      var value: Int64 = 0
      while place < digits.count {
        guard ASCII.isDigit(digits[place]) else { throw .malformed }
        let digit = Int64(digits[place] - 0x30)
        let (tens, isOver) = value.multipliedReportingOverflow(by: 10)
        let (sum, isTooMuch) = tens.addingReportingOverflow(isNegative ? -digit : digit)
        if isOver || isTooMuch { throw .malformed }
        value = sum
        place += 1
      }
      return value
    }
  }
}
