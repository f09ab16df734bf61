// Reads the tables under Tests/Fixtures/http1, one line a case.

import Glibc
import Testing

/// A case: what it is about, what must come of it, and the bytes that are fed.
struct FixtureRow: Sendable, CustomTestStringConvertible {
  let title: String
  let expected: String
  let bytes: [UInt8]
  var testDescription: String { title }

  /// The cases in `name`; one that can only fail if the file can't be read.
  static func rows(_ name: String) -> [FixtureRow] {
    let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    let path = "/\(root)/Tests/Fixtures/http1/\(name)"
    guard let text = read(path) else {
      return [FixtureRow(title: "\(path) can't be read", expected: "a file", bytes: [])]
    }
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(FixtureRow.init(line:))
  }

  private init(title: String, expected: String, bytes: [UInt8]) {
    self.title = title
    self.expected = expected
    self.bytes = bytes
  }

  private init(line: Substring) {
    let parts = line.split(separator: "|", maxSplits: 2, omittingEmptySubsequences: false)
    title = parts[0].dropLast().description
    expected = parts.count > 1 ? String(parts[1].dropFirst().dropLast()) : ""
    bytes = parts.count > 2 ? Self.unescaped(Array(parts[2].dropFirst().utf8)) : []
  }

  /// The bytes that `text` writes with escapes and repetitions.
  static func unescaped(_ text: [UInt8]) -> [UInt8] {
    var at = 0
    return unescaped(text, &at)
  }

  private static func unescaped(_ text: [UInt8], _ at: inout Int, nested: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = []
    while at < text.count {
      let byte = text[at]
      at += 1
      switch byte {
      case UInt8(ascii: "}") where nested: return bytes
      case UInt8(ascii: "{"):
        let digits = text[at...].prefix { $0 >= 0x30 && $0 <= 0x39 }
        guard let times = Int(String(decoding: digits, as: UTF8.self)) else {
          bytes.append(byte)
          continue
        }
        at += digits.count + 1
        let piece = unescaped(text, &at, nested: true)
        for _ in 0..<times { bytes += piece }
      case UInt8(ascii: "\\"):
        let kind = text[at]
        at += 1
        switch kind {
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "x"):
          bytes.append(UInt8(String(decoding: text[at..<at + 2], as: UTF8.self), radix: 16) ?? 0)
          at += 2
        default: bytes.append(kind)
        }
      default: bytes.append(byte)
      }
    }
    return bytes
  }

  /// `expected`, its escapes and repetitions undone.
  var expectedBytes: [UInt8] { Self.unescaped(Array(expected.utf8)) }

  private static func read(_ path: String) -> String? {
    guard let file = unsafe fopen(path, "r") else { return nil }
    defer { unsafe _ = fclose(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe fread(&block, 1, block.count, file)
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += block[..<count]
    }
  }
}

/// A small generator, so that what a random test found can be found again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    // SplitMix64.
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
