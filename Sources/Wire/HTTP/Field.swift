// One field, and a block of them: what requests, responses and trailers share.

/// A header field, as offsets from the first byte of the head it stands in.
public struct Field: Sendable, Equatable {
  /// The name, as it was written.
  public let name: Range<Int>
  /// The value, without the blanks around it. Bytes from 0x80 on are left as they came.
  public let value: Range<Int>
  public let known: FieldName
  /// Whether its line is `name: value`, with that space and no other blanks around a value that is not empty.
  public let isUsual: Bool
}

/// A set of names: those that a head has, so that what is absent is not looked for, or those that stay behind.
public struct FieldNames: Sendable, ExpressibleByArrayLiteral {
  // A bit for each name: there are fewer than 64.
  @usableFromInline var bits: UInt64 = 0

  public init() {}
  public init(arrayLiteral names: FieldName...) { for name in names { insert(name) } }

  /// Those that hold the caller's key.
  package static let credentials = {
    var names = FieldNames()
    for name in FieldName.allCases where name.isCredential { names.insert(name) }
    return names
  }()

  @inlinable public mutating func insert(_ name: FieldName) { bits |= 1 &<< UInt64(name.rawValue) }
  @inlinable public mutating func formUnion(_ other: FieldNames) { bits |= other.bits }
  @inlinable public func contains(_ name: FieldName) -> Bool { bits &>> UInt64(name.rawValue) & 1 != 0 }
}

extension [Field] {
  /// The first field with this name; several may have it.
  package func first(_ name: FieldName) -> Field? {
    for field in self where field.known.rawValue == name.rawValue { return field }
    return nil
  }

  /// The most fields that a head may have.
  package static var ceiling: Int { 128 }
  /// Room is made for so many fields at a time, a part of the ceiling. An array that is appended to one by one asks
  /// before each whether it is shared.
  private static var step: Int { 16 }

  /// Appends the fields that begin at `start` and end with an empty line (RFC 9112 section 5); gives the offset of
  /// what follows it. Refused: folded lines, blanks before the colon, controls in a value.
  package mutating func parse(_ bytes: Span<UInt8>, from start: Int) throws(HeadFault) -> Int {
    var at = start
    while true {
      guard at >= 0, at < bytes.count - 1 else { throw .incomplete }
      if bytes[at] == ASCII.cr {
        guard bytes[at + 1] == ASCII.lf else { throw .bareCarriageReturn }
        return at + 2
      }
      if count >= Self.ceiling { throw .tooManyFields }
      try append(addingCapacity: Self.step) { room throws(HeadFault) in
        at = try Field.fill(&room, bytes, from: at)
      }
    }
  }
}

extension Field {
  /// Reads fields as long as there is room; gives the offset of the line behind them.
  fileprivate static func fill(
    _ room: inout OutputSpan<Field>, _ bytes: Span<UInt8>, from start: Int
  ) throws(HeadFault) -> Int {
    var at = start
    while true {
      at = fillUsual(&room, bytes, from: at)
      guard !room.isFull, at < bytes.count - 1, bytes[at] != ASCII.cr else { return at }
      var next = at
      room.append(try Field(bytes, &next))
      at = next
    }
  }

  /// As above, but no further than the lines are as nearly all are: a name of letters and hyphens, `: `, and a value with
  /// nothing around it, far enough before the end.
  @inline(__always)
  private static func fillUsual(
    _ room: inout OutputSpan<Field>, _ bytes: Span<UInt8>, from start: Int
  ) -> Int {
    unsafe bytes.withUnsafeBytes { raw in
      guard let text = raw.baseAddress, start >= 0, start <= raw.count, raw.count >= 18 else { return start }
      // From there on are sixteen bytes, and two behind them.
      let last = unsafe text + (raw.count &- 18)
      var line = unsafe text + start
      while !room.isFull {
        // SAFETY: eighteen bytes are there from every place up to `last`. A place that is found is one of sixteen that were
        // looked at, so two bytes are there from it on.
        guard let colon = unsafe place(line, last, NoLetterOrHyphen.self), unsafe colon != line,
          unsafe pair(colon) == 0x203A
        else { break }
        let known = unsafe FieldName(
          Span(_unsafeStart: line.assumingMemoryBound(to: UInt8.self), count: colon - line))
        let value = unsafe colon + 2
        guard let end = unsafe place(value, last, ControlByte.self), unsafe pair(end) == 0x0A0D else { break }
        // A value that is empty begins with the carriage return.
        // SAFETY: the value begins at its end at the latest, and both were looked at.
        guard unsafe value.load(as: UInt8.self) > ASCII.space,
          unsafe end.load(fromByteOffset: -1, as: UInt8.self) != ASCII.space
        else { break }
        // SAFETY: the colon was found behind the line's beginning, and the end not before the value's.
        unsafe room.append(
          Field(
            name: Range(uncheckedBounds: (line - text, colon - text)),
            value: Range(uncheckedBounds: (value - text, end - text)),
            known: known, isUsual: true))
        unsafe line = end + 2
      }
      return unsafe line - text
    }
  }

  /// Where the first byte of a kind is at or behind `start`; nil where a step would begin behind `last`.
  @inline(__always) @unsafe
  private static func place<Kind: ByteKind>(
    _ start: UnsafeRawPointer, _ last: UnsafeRawPointer, _ kind: Kind.Type
  ) -> UnsafeRawPointer? {
    var here = unsafe start
    while unsafe here <= last {
      // SAFETY: the caller's.
      let found = unsafe Lanes.bits(Kind.marks(here.loadUnaligned(as: Lanes.Block.self)))
      if found != 0 { return unsafe here + found.trailingZeroBitCount }
      unsafe here = here + 16
    }
    return nil
  }

  /// Two bytes, the first one lowest.
  @inline(__always) @unsafe
  private static func pair(_ place: UnsafeRawPointer) -> UInt16 {
    // SAFETY: the caller's.
    unsafe UInt16(littleEndian: place.loadUnaligned(as: UInt16.self))
  }

  /// Reads the field whose line begins at `start`, which moves to the next line.
  @inline(never)
  private init(_ bytes: Span<UInt8>, _ start: inout Int) throws(HeadFault) {
    var isOdd = false
    guard let colon = Syntax.colon(bytes, behindTokenAt: start, isOdd: &isOdd) else {
      throw Syntax.isBlank(bytes[start]) ? .foldedField : .fieldName
    }
    let end = try Syntax.lineEnd(bytes, from: colon + 1)
    name = start..<colon
    known = isOdd ? FieldName(odd: bytes.extracting(name)) : FieldName(bytes.extracting(name))
    let first = colon + 2
    isUsual =
      end > first && bytes[colon + 1] == ASCII.space && !Syntax.isBlank(bytes[first])
      && !Syntax.isBlank(bytes[end - 1])
    value = isUsual ? first..<end : Syntax.trimmed(bytes, colon + 1..<end)
    start = end + 2
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
