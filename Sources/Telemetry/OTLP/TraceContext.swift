// The trace that a request belongs to, as the caller says it (W3C Trace Context, level 2).

internal import Wire

/// What a `traceparent` says.
package struct TraceParent: Sendable, Equatable {
  /// The trace, and the caller's span in it.
  package var ids: TraceIDs
  package var flags: UInt8

  package var isSampled: Bool { flags & 1 != 0 }

  /// The flags that are known: sampled, and a trace id that is random (section 3.2.2.5).
  private static let known: UInt8 = 3

  /// Reads `VERSION-TRACE-SPAN-FLAGS` (section 3.2); nil where it is none: upper case, zeros, version `ff`, other lengths.
  ///
  /// What a version above 00 has behind the flags, after another hyphen, is left alone (section 3.2.4).
  package init?(_ text: Span<UInt8>) {
    guard text.count >= 55, let version = Self.hexadecimal(text, 0..<2), version != 0xFF else { return nil }
    if version == 0, text.count != 55 { return nil }
    if text.count > 55, text[55] != UInt8(ascii: "-") { return nil }
    for at in [2, 35, 52] where text[at] != UInt8(ascii: "-") { return nil }
    guard let high = Self.hexadecimal(text, 3..<19), let low = Self.hexadecimal(text, 19..<35),
      let span = Self.hexadecimal(text, 36..<52), let flags = Self.hexadecimal(text, 53..<55),
      high | low != 0, span != 0
    else { return nil }
    ids = TraceIDs(high: high, low: low, span: span)
    self.flags = UInt8(truncatingIfNeeded: flags) & Self.known
  }

  /// Digits in lower case, at most sixteen.
  private static func hexadecimal(_ text: Span<UInt8>, _ range: Range<Int>) -> UInt64? {
    var value: UInt64 = 0
    for at in range {
      let byte = text[at]
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x61...0x66: digit = byte - 0x57
      default: return nil
      }
      value = value << 4 | UInt64(digit)
    }
    return value
  }
}

/// The members of a `tracestate`, which may come in several lines (section 3.3).
package struct TraceState: Sendable {
  /// What must be passed on at least, and is the most that is here (sections 3.3.1.1 and 3.3.1.5).
  private static let ceiling = 512
  private static let memberCeiling = 32

  private var count = 0
  private var members = 0
  /// Nothing of it can't be read, and there isn't too much of it.
  package private(set) var isGood = true

  package init() {}

  /// Takes the next line.
  package mutating func take(_ line: Span<UInt8>) {
    count += line.count + (count > 0 ? 1 : 0)
    var at = 0
    while at <= line.count {
      var end = at
      while end < line.count, line[end] != ASCII.comma { end += 1 }
      var (from, to) = (at, end)
      while from < to, line[from] == ASCII.space || line[from] == ASCII.tab { from += 1 }
      while to > from, line[to - 1] == ASCII.space || line[to - 1] == ASCII.tab { to -= 1 }
      // An empty member is allowed, and is none.
      if from < to {
        members += 1
        if !Self.isMember(line.extracting(from..<to)) { isGood = false }
      }
      at = end + 1
    }
    if count > Self.ceiling || members > Self.memberCeiling { isGood = false }
  }

  /// `key=value`: a key of at most 256 lower-case letters, digits and `_-*/@`, a value of at most 256 visible bytes.
  private static func isMember(_ text: Span<UInt8>) -> Bool {
    var at = 0
    while at < text.count, text[at] != UInt8(ascii: "=") {
      switch text[at] {
      case 0x61...0x7A, 0x30...0x39: break
      case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "/"), UInt8(ascii: "@"):
        if at == 0 { return false }
      default: return false
      }
      at += 1
    }
    guard at > 0, at <= 256, at < text.count else { return false }
    let value = text.extracting((at + 1)...)
    guard !value.isEmpty, value.count <= 256 else { return false }
    for at in 0..<value.count where value[at] < 0x20 || value[at] > 0x7E || value[at] == UInt8(ascii: "=") {
      return false
    }
    return true
  }
}

/// Which traces that begin here are exported: the same verdict for an id wherever it is asked (OpenTelemetry's
/// TraceIdRatioBased, as Python's SDK has it: the id's low 64 bits against the ratio).
package struct Sampling: Sendable, Equatable {
  private let bound: UInt64?

  /// - Parameter ratio: from 0 to 1; what isn't there is taken for the nearest that is.
  package init(_ ratio: Double) {
    // 2^64 is no number of 64 bits: all.
    bound = ratio >= 1 ? nil : ratio > 0 ? UInt64((ratio * 0x1p64).rounded(), orMost: .max) : 0
  }

  package func takes(_ ids: TraceIDs) -> Bool { bound.map { ids.low < $0 } ?? true }
}

extension UInt64 {
  fileprivate init(_ value: Double, orMost most: UInt64) { self = UInt64(exactly: value) ?? most }
}
