// The text a parser walks over: checked UTF-8 with one kind of line break, and offsets turned into positions.

/// Checked text, in which every line break is one LF.
package struct YAMLSource {
  /// The text without its byte order mark.
  private(set) var bytes: [UInt8] = []
  /// The offset at which each line begins.
  private var lines: [Int] = [0]
  /// The last position given out, so that one long line isn't counted again for every value on it.
  private var lastOffset = 0
  private var lastLine = 0
  private var lastColumn = 1

  /// - Throws: `tooLarge`, `invalidUTF8`, `controlCharacter`.
  init(_ input: Span<UInt8>, ceiling: Int) throws(YAMLFault) {
    guard input.count <= ceiling else {
      throw YAMLFault(.tooLarge(ceiling: ceiling), at: Position(line: 1, column: 1))
    }
    bytes.reserveCapacity(input.count)
    var at = 0
    if input.count >= 3, input[0] == 0xEF, input[1] == 0xBB, input[2] == 0xBF { at = 3 }
    while at < input.count {
      let byte = input[at]
      switch byte {
      case ASCII.cr:
        // YAML 1.2 section 5.4: CR LF and a lone CR are one line break each.
        if at + 1 < input.count, input[at + 1] == ASCII.lf { at += 1 }
        newLine()
        at += 1
      case ASCII.lf:
        newLine()
        at += 1
      case ASCII.tab, 0x20...0x7E:
        bytes.append(byte)
        at += 1
      default:
        at += try scalar(input, at)
      }
    }
  }

  private mutating func newLine() {
    bytes.append(ASCII.lf)
    lines.append(bytes.count)
  }

  /// Copies one scalar that isn't printable ASCII, and returns how many bytes it took.
  private mutating func scalar(_ input: Span<UInt8>, _ at: Int) throws(YAMLFault) -> Int {
    guard let (value, length) = Self.decode(input, at) else {
      throw YAMLFault(.invalidUTF8, at: position(of: bytes.count))
    }
    guard Self.isPrintable(value) else {
      throw YAMLFault(.controlCharacter(value), at: position(of: bytes.count))
    }
    for offset in at..<(at + length) { bytes.append(input[offset]) }
    return length
  }

  /// Whether a scalar that isn't printable ASCII may stand in a text: YAML 1.2 section 5.1, c-printable.
  private static func isPrintable(_ value: UInt32) -> Bool {
    value == 0x85 || (value >= 0xA0 && value != 0xFFFE && value != 0xFFFF)
  }

  /// The offset of the first thing that may not stand in a text, and what is wrong with it; nil where all is well.
  ///
  /// For readers that need the bytes as they are, line breaks included.
  package static func firstFault(in input: Span<UInt8>) -> (offset: Int, kind: YAMLFault.Kind)? {
    var at = 0
    while at < input.count {
      switch input[at] {
      case ASCII.lf, ASCII.cr, ASCII.tab, 0x20...0x7E: at += 1
      default:
        guard let (value, length) = decode(input, at) else { return (at, .invalidUTF8) }
        guard isPrintable(value) else { return (at, .controlCharacter(value)) }
        at += length
      }
    }
    return nil
  }

  /// The scalar at `at` and its length; nil where the bytes are not UTF-8 (Unicode 16, table 3-7).
  private static func decode(_ input: Span<UInt8>, _ at: Int) -> (value: UInt32, length: Int)? {
    let first = input[at]
    let length: Int
    let least: UInt32
    switch first {
    case 0x00...0x7F: return (UInt32(first), 1)
    case 0xC2...0xDF: (length, least) = (2, 0x80)
    case 0xE0...0xEF: (length, least) = (3, 0x800)
    case 0xF0...0xF4: (length, least) = (4, 0x10000)
    default: return nil
    }
    guard input.count - at >= length else { return nil }
    var value = UInt32(first) & (0x7F >> UInt32(length))
    for offset in 1..<length {
      let next = input[at + offset]
      guard next & 0xC0 == 0x80 else { return nil }
      value = value << 6 | UInt32(next & 0x3F)
    }
    guard value >= least, value <= 0x10FFFF, !(0xD800...0xDFFF).contains(value) else { return nil }
    return (value, length)
  }

  /// The line and column of an offset.
  mutating func position(of offset: Int) -> Position {
    if offset < lastOffset { (lastOffset, lastLine, lastColumn) = (0, 0, 1) }
    if lastLine + 1 < lines.count, lines[lastLine + 1] <= offset {
      var low = lastLine + 1
      var high = lines.count - 1
      while low < high {
        let middle = (low + high + 1) / 2
        if lines[middle] <= offset { low = middle } else { high = middle - 1 }
      }
      (lastOffset, lastLine, lastColumn) = (lines[low], low, 1)
    }
    while lastOffset < offset {
      // A scalar is counted at its first byte; the others continue it.
      if lastOffset < bytes.count, bytes[lastOffset] & 0xC0 == 0x80 { lastColumn -= 1 }
      lastOffset += 1
      lastColumn += 1
    }
    return Position(line: lastLine + 1, column: lastColumn)
  }
}
