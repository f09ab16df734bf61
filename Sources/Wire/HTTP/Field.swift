// One field, and a block of them: what requests, responses and trailers share.

/// A header field, as offsets from the first byte of the head it stands in.
package struct Field: Sendable, Equatable {
  /// The name, as it was written.
  package var name: Range<Int>
  /// The value, without the blanks around it. Bytes from 0x80 on are left as they came.
  package var value: Range<Int>
  package var known: FieldName

  package init(name: Range<Int>, value: Range<Int>, known: FieldName) {
    self.name = name
    self.value = value
    self.known = known
  }
}

/// A set of names: those that a head has, so that what is absent is not looked for, or those that stay behind.
public struct FieldNames: Sendable, ExpressibleByArrayLiteral {
  @usableFromInline var bits: UInt64 = 0

  public init() {}
  public init(arrayLiteral names: FieldName...) { for name in names { insert(name) } }

  /// Those that hold the caller's key.
  package static let credentials = {
    var names = FieldNames()
    for name in FieldName.allCases where name.isCredential { names.insert(name) }
    return names
  }()

  @inlinable public mutating func insert(_ name: FieldName) { bits |= 1 << UInt64(name.rawValue) }
  @inlinable public mutating func formUnion(_ other: FieldNames) { bits |= other.bits }
  @inlinable public func contains(_ name: FieldName) -> Bool { bits >> UInt64(name.rawValue) & 1 != 0 }
}

extension [Field] {
  /// The first field with this name; several may have it.
  package func first(_ name: FieldName) -> Field? {
    for field in self where field.known.rawValue == name.rawValue { return field }
    return nil
  }

  /// The most fields that a head may have.
  package static var ceiling: Int { 128 }

  /// Appends the fields that begin at `start` and end, with an empty line, at the last of `bytes`
  /// (RFC 9112 section 5). Refused: folded lines, blanks before the colon, controls in a value, anything
  /// behind the empty line.
  package mutating func parse(_ bytes: Span<UInt8>, from start: Int) throws(HeadFault) {
    var at = start
    while true {
      guard at >= 0, at + 1 < bytes.count else { throw .incomplete }
      if bytes[at] == ASCII.cr {
        guard bytes[at + 1] == ASCII.lf else { throw .bareCarriageReturn }
        guard at + 2 == bytes.count else { throw .incomplete }
        return
      }
      if count >= Self.ceiling { throw .tooManyFields }
      at = try parseField(bytes, from: at)
    }
  }

  /// Appends the field that begins at `start`; gives the offset of the next line.
  private mutating func parseField(_ bytes: Span<UInt8>, from start: Int) throws(HeadFault) -> Int {
    if bytes[start] == ASCII.space || bytes[start] == ASCII.tab { throw .foldedField }
    let colon = Syntax.tokenEnd(bytes, from: start)
    guard colon > start, colon < bytes.count, bytes[colon] == ASCII.colon else { throw .fieldName }
    let end = try Syntax.lineEnd(bytes, from: colon + 1)
    append(
      Field(
        name: start..<colon, value: Syntax.trimmed(bytes, colon + 1..<end),
        known: FieldName(bytes.extracting(start..<colon))))
    return end + 2
  }
}

extension Syntax {
  /// Where the line that `from` lies in ends: the offset of its CR LF. Refused: any other control but
  /// the tab.
  @inline(__always)
  package static func lineEnd(_ bytes: Span<UInt8>, from: Int) throws(HeadFault) -> Int {
    let end = unsafe bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return 0 }
      // SAFETY: from is not negative, and no more than the count is looked at.
      return unsafe firstControl(start, from: max(from, 0), to: raw.count)
    }
    guard end < bytes.count else { throw .incomplete }
    switch bytes[end] {
    case ASCII.cr:
      guard end + 1 < bytes.count else { throw .incomplete }
      guard bytes[end + 1] == ASCII.lf else { throw .bareCarriageReturn }
      return end
    case ASCII.lf: throw .bareLineFeed
    default: throw .controlByte
    }
  }
}
