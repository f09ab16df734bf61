// Budgets over a restart: the text that is kept of them, and how it is read again.
//
// One line of JSON whose last member is a checksum of all before it. What doesn't fit is no error of the process's: the
// budgets begin anew, and the file is put aside.

internal import Wire

package enum BudgetFile {
  /// The most that is read; a line of every group that there may be is shorter.
  package static let ceiling = 1 << 20

  /// Why a file can't be used.
  package enum Fault: Error, Sendable, Equatable {
    /// It isn't what was written.
    case damaged
    /// Another version of Remora wrote it.
    case version
  }

  /// The text of `records`.
  ///
  /// - Parameter at: Unix time in milliseconds.
  package static func text(_ records: [Ledger.BudgetRecord], at: Int) -> [UInt8] {
    var out = ByteQueue()
    out.append("{\"v\":1,\"at\":")
    out.append(decimal: at)
    if let pod = records.first(where: \.group.isEmpty) {
      out.append(",\"pod\":")
      write(pod, into: &out)
    }
    out.append(",\"groups\":{")
    var isFirst = true
    for record in records where !record.group.isEmpty {
      if !isFirst { out.append(",") }
      isFirst = false
      JSONWriter.string(record.group, into: &out)
      out.append(":")
      write(record, into: &out)
    }
    out.append("}")
    let sum = Castagnoli.checksum(out.bytes)
    out.append(",\"crc\":\"")
    let digits = String(sum, radix: 16)
    out.append(Array(repeatElement(UInt8(ascii: "0"), count: 8 - digits.utf8.count)))
    out.append(Array(digits.utf8))
    out.append("\"}\n")
    return out.array()
  }

  private static func write(_ record: Ledger.BudgetRecord, into out: inout ByteQueue) {
    out.append("{\"budget\":{\"per\":")
    out.append(decimal: Int(record.per))
    out.append(",\"start\":")
    out.append(decimal: Int(record.start))
    out.append(",\"spent\":")
    out.append(decimal: Int(record.spent))
    out.append(",\"reserved\":")
    out.append(decimal: Int(record.reserved))
    out.append("}}")
  }

  /// Reads what `text` has written.
  package static func read(_ text: Span<UInt8>) throws(Fault) -> [Ledger.BudgetRecord] {
    var end = text.count
    while end > 0, text[end - 1] <= ASCII.space { end -= 1 }
    // `,"crc":"01234567"}`
    let tail = 18
    guard end > tail, text.extracting(end - tail..<end - tail + 8).equals(",\"crc\":\"") else {
      throw .damaged
    }
    let digits = text.extracting(end - 10..<end - 2)
    var sum: UInt32 = 0
    for at in 0..<digits.count {
      guard let digit = ASCII.hexadecimal(digits[at]) else { throw .damaged }
      sum = sum << 4 | UInt32(digit)
    }
    guard Castagnoli.checksum(text.extracting(0..<end - tail)) == sum else { throw .damaged }
    var scanner = JSONScanner(checksText: true)
    do throws(JSONFault) {
      try scanner.feed(text.extracting(0..<end))
      try scanner.finish()
    } catch { throw .damaged }
    let whole = 0..<end
    guard let version = number("v", in: whole, text), version == 1 else { throw .version }
    var records: [Ledger.BudgetRecord] = []
    if let pod = JSONView.value(text, in: whole, at: "pod") { records += record("", pod, text) }
    if let groups = JSONView.value(text, in: whole, at: "groups") {
      var members = JSONObjectCursor(text, groups)
      while let member = members.next() {
        var name = ByteQueue()
        JSONString.decode(text, member.key.lowerBound - 1..<member.key.upperBound + 1, into: &name)
        records += record(name.bytes.text(), member.value, text)
      }
    }
    return records
  }

  private static func record(
    _ group: String, _ range: Range<Int>, _ text: Span<UInt8>
  ) -> [Ledger.BudgetRecord] {
    guard let budget = JSONView.value(text, in: range, at: "budget"),
      let per = number("per", in: budget, text), let start = number("start", in: budget, text),
      let spent = number("spent", in: budget, text), let reserved = number("reserved", in: budget, text)
    else { return [] }
    return [Ledger.BudgetRecord(group: group, per: per, start: start, spent: spent, reserved: reserved)]
  }

  private static func number(_ name: StaticString, in range: Range<Int>, _ text: Span<UInt8>) -> Int64? {
    JSONView.value(text, in: range, at: name).flatMap { JSONValue.integer(text, $0) }.map { Int64($0) }
  }
}

/// CRC-32C (RFC 3720 section 12.1), a bit at a time: it is for a few hundred bytes.
enum Castagnoli {
  static func checksum(_ bytes: Span<UInt8>) -> UInt32 {
    var rest: UInt32 = .max
    for at in 0..<bytes.count {
      rest ^= UInt32(bytes[at])
      for _ in 0..<8 { rest = rest & 1 == 0 ? rest >> 1 : rest >> 1 ^ 0x82F6_3B78 }
    }
    return ~rest
  }
}
