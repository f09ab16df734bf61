// Names and classes of bytes, so that no parser holds a bare number.

/// The bytes that protocols are made of. Public, so that in other modules too they are numbers and not calls.
public enum ASCII {
  @inlinable public static var tab: UInt8 { 0x09 }
  @inlinable public static var lf: UInt8 { 0x0A }
  @inlinable public static var cr: UInt8 { 0x0D }
  @inlinable public static var space: UInt8 { 0x20 }
  @inlinable public static var quote: UInt8 { 0x22 }
  @inlinable public static var backslash: UInt8 { 0x5C }
  @inlinable public static var colon: UInt8 { 0x3A }
  @inlinable public static var comma: UInt8 { 0x2C }

  @inlinable public static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  /// Whether `byte` is a letter, a digit or a hyphen, of which nearly all names are made.
  package static func isNameByte(_ byte: UInt8) -> Bool {
    (byte | 0x20) &- 0x61 < 26 || isDigit(byte) || byte == 0x2D
  }

  /// The value of a hexadecimal digit, or nil.
  package static func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }

  /// `byte` in lower case, if it is a letter.
  package static func lower(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
}

extension StaticString {
  /// The text's bytes, which live as long as the program.
  package var bytes: Span<UInt8> {
    @_lifetime(immortal)
    get {
      // SAFETY: a static string's bytes are never freed; every one of ours has a pointer representation.
      let span = unsafe Span<UInt8>(_unsafeStart: utf8Start, count: utf8CodeUnitCount)
      return unsafe _overrideLifetime(span, copying: ())
    }
  }
}

extension Span where Element == UInt8 {
  /// Where the first backslash at or behind `from` is, or the count where there is none.
  package func backslash(from: Int) -> Int { first(Backslash.self, from: from) }

  /// Where the first full stop at or behind `from` is, or the count where there is none.
  package func fullStop(from: Int) -> Int { first(FullStop.self, from: from) }

  /// Where the first byte at or behind `from` is that is no ASCII, a control character, a quote or a backslash; the count
  /// where there is none.
  package func plainTextEnd(from: Int) -> Int { first(NotPlainText.self, from: from) }

  /// Whether all of it is visible ASCII without a blank or a backslash.
  package var isVisible: Bool { first(NotVisible.self, from: 0) == count }

  /// Where the first byte at or behind `from` is that is no ASCII, or the count where there is none.
  package func wide(from: Int) -> Int { first(Wide.self, from: from) }

  /// Where the first byte of a kind at or behind `from` is, or the count where there is none.
  @inline(__always)
  private func first<Kind: ByteKind>(_ kind: Kind.Type, from: Int) -> Int {
    unsafe withUnsafeBytes { raw in
      guard let start = raw.baseAddress, from >= 0 else { return raw.count }
      // SAFETY: from is not negative, and the limit is the count.
      return unsafe Lanes.first(start, from: from, to: raw.count, kind)
    }
  }

  /// Whether these bytes are exactly `text`.
  @inlinable
  public func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    // SAFETY: a static string's bytes live as long as the program, and both counts are equal.
    return unsafe withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return true }
      return unsafe Words.same(start, UnsafeRawPointer(text.utf8Start), bytes.count)
    }
  }

  /// As `equals`, compiled into the caller: for a text that is written out there.
  @inlinable @inline(__always)
  public func reads(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    // SAFETY: as above.
    return unsafe withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return true }
      return unsafe Words.sameHere(start, UnsafeRawPointer(text.utf8Start), text.utf8CodeUnitCount)
    }
  }

  /// Whether these bytes and `other` are the same, in any case.
  package func equalsIgnoringCase(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for at in 0..<count where ASCII.lower(self[at]) != ASCII.lower(other[at]) { return false }
    return true
  }

  /// Whether these bytes are `text`, which is written in lower case and without underscores, in any case (RFC 9110
  /// section 5.1).
  @inlinable
  public func equalsIgnoringCase(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    // SAFETY: as above.
    return unsafe withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return true }
      return unsafe Words.sameIgnoringCase(start, lower: UnsafeRawPointer(text.utf8Start), bytes.count)
    }
  }

  /// Whether the bytes begin with `text`.
  package func begins(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    return count >= length && extracting(0..<length).equals(text)
  }

  /// Whether the bytes end with `text`.
  package func ends(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    return count >= length && extracting(count - length..<count).equals(text)
  }

  /// Whether these bytes are exactly `other`.
  @inlinable
  public func equals(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    // SAFETY: both counts are equal.
    return unsafe withUnsafeBytes { left in
      unsafe other.withUnsafeBytes { right in
        guard let start = left.baseAddress, let other = right.baseAddress else { return true }
        return unsafe Words.same(start, other, left.count)
      }
    }
  }

  /// These bytes as text, wrong UTF-8 replaced; off the hot path only.
  package func text() -> String {
    unsafe withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// A copy of these bytes; off the hot path only.
  package func array() -> [UInt8] {
    unsafe withUnsafeBufferPointer { unsafe Array($0) }
  }
}
