// An audit log's lines, each of which holds a hash of the one before: to change, leave out or reorder one breaks the
// chain behind it. With a key, the chain can't be mended without the key.
//
// A line is a JSON object; its `hash` is of the `prev` in it, as text, and of the line without that last member. No I/O.

package import Detect
package import Wire

/// Where a chain stands.
package struct AuditChain: Sendable {
  /// The number of the last line.
  package private(set) var sequence = 0
  /// Its hash, in hexadecimal; empty before the first.
  package private(set) var last: [UInt8] = []
  private let key: KeyedHash?
  private let isChained: Bool

  /// - Parameters:
  ///   - key: with which the hashes are made; nil: without one.
  ///   - isChained: whether lines are hashed at all.
  package init(key: KeyedHash?, isChained: Bool = true) {
    self.key = key
    self.isChained = isChained
  }

  /// The same chain from here on, with another key.
  package func changing(to other: AuditChain) -> AuditChain {
    var chain = AuditChain(key: other.key, isChained: other.isChained)
    chain.sequence = sequence
    chain.last = other.isChained ? last : []
    return chain
  }

  /// Appends the next line: what it says, `"key":value` separated by commas, between what every line says.
  package mutating func seal(_ members: Span<UInt8>, into out: inout ByteQueue) {
    sequence &+= 1
    var line = ByteQueue()
    line.append(Self.opening)
    line.append(decimal: sequence)
    line.append(",")
    line.append(members)
    if isChained {
      line.append(",\"prev\":\"")
      line.append(last.span)
      line.append("\"")
    }
    line.append("}")
    guard isChained else {
      out.append(line.bytes)
      return out.append("\n")
    }
    last = hash(last.span, line.bytes)
    out.append(line.bytes.extracting(0..<line.count - 1))
    out.append(",\"hash\":\"")
    out.append(last.span)
    out.append("\"}\n")
  }

  /// What is wrong with the next line; nil where it fits. The first line that is looked at may be any.
  package mutating func verify(_ line: Span<UInt8>) -> String? {
    guard let number = Self.sequence(of: line) else { return "it is no line of an audit log" }
    guard let hash = Self.hash(of: line), let previous = Self.text(line, "prev") else {
      return "it has no hash (chain: false), so nothing can be said of it"
    }
    if sequence > 0 {
      if number != sequence + 1 { return "its seq is \(number), behind a line whose seq is \(sequence)" }
      if previous != last { return "its prev isn't the hash of the line before it" }
    }
    guard isTrue(line, hash, previous) else {
      return
        "its hash doesn't fit what it says\(key == nil ? "; if the log has a key, name it with --key" : "")"
    }
    sequence = number
    last = hash
    return nil
  }

  /// Whether the line's own hash fits it; true for a line without one.
  package func fits(_ line: Span<UInt8>) -> Bool {
    guard let hash = Self.hash(of: line), let previous = Self.text(line, "prev") else { return true }
    return isTrue(line, hash, previous)
  }

  private func isTrue(_ line: Span<UInt8>, _ hash: [UInt8], _ previous: [UInt8]) -> Bool {
    var bare = ByteQueue()
    bare.append(line.extracting(0..<line.count - Self.tail))
    bare.append("}")
    return self.hash(previous.span, bare.bytes) == hash
  }

  /// Goes on behind `line`, the last one of a file.
  ///
  /// - Returns: false where it is no line.
  package mutating func resume(behind line: Span<UInt8>) -> Bool {
    guard let number = Self.sequence(of: line) else { return false }
    sequence = number
    last = isChained ? Self.hash(of: line) ?? [] : []
    return true
  }

  /// The length of `,"hash":"…"}`.
  private static let tail = 75

  /// The number of a line; nil where it is none of an audit log.
  package static func sequence(of line: Span<UInt8>) -> Int? {
    guard line.count > opening.utf8CodeUnitCount, line[line.count - 1] == UInt8(ascii: "}"),
      line.extracting(0..<opening.utf8CodeUnitCount).equals(opening)
    else { return nil }
    var value = 0
    for at in opening.utf8CodeUnitCount..<line.count {
      guard ASCII.isDigit(line[at]) else { return value > 0 && line[at] == ASCII.comma ? value : nil }
      let (tens, isFar) = value.multipliedReportingOverflow(by: 10)
      let (next, isFarther) = tens.addingReportingOverflow(Int(line[at] & 0x0F))
      if isFar || isFarther { return nil }
      value = next
    }
    return nil
  }

  /// What every line begins with.
  package static let opening: StaticString = "{\"v\":1,\"seq\":"

  /// Whether `text` is the beginning of a line.
  package static func begins(_ text: Span<UInt8>) -> Bool {
    let known = opening.bytes
    for at in 0..<min(text.count, opening.utf8CodeUnitCount) where text[at] != known[at] { return false }
    return true
  }

  /// How many lines are missing where `line` says that some are; nil for others.
  package static func gap(of line: Span<UInt8>) -> Int? {
    guard text(line, "event").map({ $0.span.equals("gap") }) == true else { return nil }
    return JSONView.value(line, in: 0..<line.count, at: "count").flatMap { JSONValue.integer(line, $0) }
  }

  private static func text(_ line: Span<UInt8>, _ name: StaticString) -> [UInt8]? {
    guard let value = JSONView.value(line, in: 0..<line.count, at: name),
      JSONView.kind(line, value) == .string
    else {
      return nil
    }
    return JSONString.content(line, value).array()
  }

  private static func hash(of line: Span<UInt8>) -> [UInt8]? {
    guard line.count > tail, let hash = text(line, "hash"), hash.count == 64,
      line.extracting(line.count - tail..<line.count - tail + 9).equals(",\"hash\":\"")
    else { return nil }
    return hash
  }

  private func hash(_ previous: Span<UInt8>, _ line: Span<UInt8>) -> [UInt8] {
    var digest = key?.begin() ?? SHA256()
    digest.append(previous)
    digest.append(line)
    let bytes = key?.finish(digest) ?? digest.finish()
    let letters = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for at in 0..<32 {
      text.append(letters[Int(bytes[at] >> 4)])
      text.append(letters[Int(bytes[at] & 15)])
    }
    return text
  }

  /// When a line was written, in Unix seconds.
  package static func time(of line: Span<UInt8>) -> Int? {
    text(line, "time").flatMap { CivilTime.unixSeconds(rfc3339: $0.span) }
  }
}
