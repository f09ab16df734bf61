// A second reading of a log line: one flat JSON object, strictly RFC 8259, nothing more.

indirect enum JSONValue: Equatable {
  case text(String)
  case number(String)
  case truth(Bool)
  case list([JSONValue])
}

struct JSONReadingFault: Error {
  var at: Int
}

/// The members of a JSON object in their order, from a line that ends in the only line feed it holds.
func parseLine(_ line: [UInt8]) throws -> [(name: String, value: JSONValue)] {
  guard line.last == 0x0A, !line.dropLast().contains(0x0A) else { throw JSONReadingFault(at: line.count) }
  var reading = JSONReading(bytes: Array(line.dropLast()))
  let members = try reading.object()
  guard reading.at == reading.bytes.count else { throw JSONReadingFault(at: reading.at) }
  return members
}

private struct JSONReading {
  var bytes: [UInt8]
  var at = 0

  var fault: JSONReadingFault { JSONReadingFault(at: at) }
  var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  mutating func expect(_ text: String) throws {
    guard bytes[at...].starts(with: text.utf8) else { throw fault }
    at += text.utf8.count
  }

  mutating func object() throws -> [(name: String, value: JSONValue)] {
    var members: [(name: String, value: JSONValue)] = []
    try expect("{")
    repeat {
      if !members.isEmpty { at += 1 }
      let name = try string()
      guard !members.contains(where: { $0.name == name }) else { throw fault }
      try expect(":")
      members.append((name, try value()))
    } while next == UInt8(ascii: ",")
    try expect("}")
    return members
  }

  mutating func value() throws -> JSONValue {
    switch next {
    case UInt8(ascii: "\""): return .text(try string())
    case UInt8(ascii: "t"):
      try expect("true")
      return .truth(true)
    case UInt8(ascii: "f"):
      try expect("false")
      return .truth(false)
    case UInt8(ascii: "["):
      var values: [JSONValue] = []
      repeat {
        at += 1
        values.append(try value())
      } while next == UInt8(ascii: ",")
      try expect("]")
      return .list(values)
    default: return .number(try number())
    }
  }

  mutating func digits() throws -> Int {
    let start = at
    while let byte = next, (0x30...0x39).contains(byte) { at += 1 }
    guard at > start else { throw fault }
    return at - start
  }

  mutating func number() throws -> String {
    let start = at
    if next == UInt8(ascii: "-") { at += 1 }
    let leading = next
    let count = try digits()
    guard count == 1 || leading != 0x30 else { throw fault }
    if next == UInt8(ascii: ".") {
      at += 1
      _ = try digits()
    }
    return String(decoding: bytes[start..<at], as: UTF8.self)
  }

  mutating func string() throws -> String {
    try expect("\"")
    var text: [UInt8] = []
    while let byte = next, byte != UInt8(ascii: "\"") {
      at += 1
      guard byte >= 0x20 else { throw fault }
      guard byte == UInt8(ascii: "\\") else {
        text.append(byte)
        continue
      }
      guard let escape = next else { throw fault }
      at += 1
      switch escape {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(escape)
      case UInt8(ascii: "n"): text.append(0x0A)
      case UInt8(ascii: "r"): text.append(0x0D)
      case UInt8(ascii: "t"): text.append(0x09)
      case UInt8(ascii: "u"):
        guard at + 4 <= bytes.count,
          let code = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16),
          let scalar = Unicode.Scalar(code)
        else { throw fault }
        at += 4
        text += Array(String(Character(scalar)).utf8)
      default: throw fault
      }
    }
    try expect("\"")
    guard let whole = String(validating: text, as: UTF8.self) else { throw fault }
    return whole
  }
}
