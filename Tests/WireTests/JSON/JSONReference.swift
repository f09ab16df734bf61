// An independent, plain reader of JSON to compare with, and a maker of random texts; slow on purpose.

import Testing
import Wire

/// A small generator of numbers that gives the same ones for the same seed.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_F491_4F6C_DD1D
  }
}

/// Reads a text by RFC 8259 and says only whether it is JSON.
struct ReferenceReader {
  private let bytes: [UInt8]
  private var at = 0

  static func accepts(_ bytes: [UInt8]) -> Bool {
    var reader = ReferenceReader(bytes: bytes)
    guard reader.value(depth: 0) else { return false }
    return reader.at == bytes.count
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func take(_ text: String) -> Bool {
    guard bytes[at...].starts(with: text.utf8) else { return false }
    at += text.utf8.count
    return true
  }

  private mutating func space() {
    while let byte = peek, [0x20, 0x0A, 0x0D, 0x09].contains(byte) { at += 1 }
  }

  /// A value with the white space around it.
  private mutating func value(depth: Int) -> Bool {
    space()
    defer { space() }
    switch peek {
    case UInt8(ascii: "{"): return depth < 512 && list("{", "}", depth) { $0.member(depth: depth + 1) }
    case UInt8(ascii: "["): return depth < 512 && list("[", "]", depth) { $0.value(depth: depth + 1) }
    case UInt8(ascii: "\""): return string()
    case UInt8(ascii: "t"): return take("true")
    case UInt8(ascii: "f"): return take("false")
    case UInt8(ascii: "n"): return take("null")
    default: return number()
    }
  }

  private mutating func list(_ open: String, _ close: String, _ depth: Int, _ item: (inout Self) -> Bool)
    -> Bool
  {
    guard take(open) else { return false }
    space()
    if take(close) { return true }
    repeat {
      guard item(&self) else { return false }
    } while take(",")
    return take(close)
  }

  private mutating func member(depth: Int) -> Bool {
    space()
    guard string() else { return false }
    space()
    return take(":") && value(depth: depth)
  }

  private mutating func string() -> Bool {
    guard take("\"") else { return false }
    while let byte = peek {
      at += 1
      if byte == UInt8(ascii: "\"") { return true }
      if byte < 0x20 { return false }
      guard byte == UInt8(ascii: "\\") else { continue }
      guard let escape = peek else { return false }
      at += 1
      if escape == UInt8(ascii: "u") {
        guard bytes.count - at >= 4, bytes[at..<at + 4].allSatisfy({ Character(.init($0)).isHexDigit })
        else { return false }
        at += 4
      } else if !"\"\\/bfnrt".utf8.contains(escape) {
        return false
      }
    }
    return false
  }

  private mutating func digits() -> Bool {
    let start = at
    while let byte = peek, (0x30...0x39).contains(byte) { at += 1 }
    return at > start
  }

  private mutating func number() -> Bool {
    _ = take("-")
    if !take("0") && !digits() { return false }
    if take(".") && !digits() { return false }
    if take("e") || take("E") {
      _ = take("+") || take("-")
      return digits()
    }
    return true
  }
}

/// Makes random texts that are JSON.
struct RandomJSON {
  private var random: Seeded
  private(set) var bytes: [UInt8] = []

  static func text(seed: UInt64) -> [UInt8] {
    var maker = RandomJSON(random: Seeded(seed))
    maker.value(depth: 0)
    return maker.bytes
  }

  private init(random: Seeded) { self.random = random }

  private mutating func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
  private mutating func put(_ text: String) { bytes += text.utf8 }
  private mutating func space() { put(["", "", "", " ", "\n", "\t \r\n"][pick(6)]) }

  private mutating func value(depth: Int) {
    space()
    switch pick(depth > 5 ? 5 : 9) {
    case 0: put(["true", "false", "null"][pick(3)])
    case 1, 2: number()
    case 3, 4: string()
    case 5, 6: list("[", "]") { $0.value(depth: depth + 1) }
    default:
      list("{", "}") {
        $0.space()
        $0.string()
        $0.space()
        $0.put(":")
        $0.value(depth: depth + 1)
      }
    }
    space()
  }

  private mutating func list(_ open: String, _ close: String, _ item: (inout Self) -> Void) {
    put(open)
    let count = pick(6)
    if count == 0 { space() }
    for index in 0..<count {
      if index > 0 { put(",") }
      item(&self)
    }
    put(close)
  }

  private mutating func number() {
    put(["", "-"][pick(2)])
    put(["0", "7", "10", "123456789012345678901234567890"][pick(4)])
    put(["", "", ".0", ".250", ".000000001"][pick(5)])
    put(["", "", "e5", "E-3", "e+308"][pick(5)])
  }

  private mutating func string() {
    put("\"")
    for _ in 0..<pick(12) {
      put(
        [
          "a", "model", "usage", " ", "é", "日本", "😀", "\\n", "\\\"", "\\\\", "\\/", "\\u0041",
          "\\ud83d\\ude00",
          "\\uD800", "0123456789abcdef0123456789abcdef", "{", "]", ",", "\u{7F}",
        ][pick(19)])
    }
    put("\"")
  }
}

/// What one reading of a text came to, for comparison across cuts.
struct Reading: Equatable {
  var fault: JSONFault?
  var kind: JSONKind?
  var braces: [Int?] = []
  var isEmptyObject = false
  var found: [JSONScanner.Found?] = []

  init(_ pieces: [[UInt8]], watching members: JSONMembers = [], checksText: Bool = false) {
    var scanner = JSONScanner(watching: members, checksText: checksText)
    do {
      for piece in pieces { try scanner.feed(piece.span) }
      let couldEnd = scanner.isComplete
      try scanner.finish()
      if !couldEnd { fault = JSONFault(offset: -1, reason: .endsEarly) }
    } catch {
      fault = error
    }
    kind = scanner.topLevelKind
    braces = [scanner.openBrace, scanner.closeBrace]
    isEmptyObject = scanner.isEmptyObject
    found = JSONMember.allCases.map { scanner.found($0) }
  }
}

/// What `scanner` has found of `member`, which must have begun.
func required(_ member: JSONMember, in scanner: borrowing JSONScanner) throws -> JSONScanner.Found {
  let found = scanner.found(member)
  return try #require(found)
}
