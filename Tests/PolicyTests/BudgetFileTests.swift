import Testing
import Wire

@testable import Policy

@Suite("Budget file")
struct BudgetFileTests {
  private static let records = [
    Ledger.BudgetRecord(group: "", per: 86_400, start: 1_790_000_000, spent: 12_345_678_901, reserved: 17),
    Ledger.BudgetRecord(group: "finance", per: 2_592_000, start: 0, spent: 0, reserved: 0),
    Ledger.BudgetRecord(group: "a.b-c_d", per: 60, start: 60, spent: .max / 2, reserved: 1),
  ]

  @Test("what is written is read")
  func both() throws {
    for count in 0...Self.records.count {
      let records = Array(Self.records.prefix(count))
      let text = BudgetFile.text(records, at: 1_790_000_000_123)
      #expect(try BudgetFile.read(text.span) == records)
    }
  }

  @Test("CRC-32C of the usual vector")
  func checksum() {
    let text = Array("123456789".utf8)
    let sum = Castagnoli.checksum(text.span)
    #expect(sum == 0xE306_9283)
  }

  @Test("every single bit that flips, and every cut, is found")
  func damage() {
    let text = BudgetFile.text(Self.records, at: 1)
    func isRefused(_ text: [UInt8]) -> Bool {
      do throws(BudgetFile.Fault) {
        return try BudgetFile.read(text.span) != Self.records
      } catch { return true }
    }
    for at in 0..<text.count - 1 {
      for bit in 0..<8 {
        var other = text
        other[at] ^= 1 << UInt8(bit)
        // A digit of the checksum in upper case is the same digit.
        if at >= text.count - 11, bit == 5 { continue }
        #expect(isRefused(other), "bit \(bit) of byte \(at)")
      }
    }
    for count in 0..<text.count - 1 { #expect(isRefused(Array(text.prefix(count)))) }
  }

  @Test("other versions are told apart from damage, and what a record lacks is left out")
  func versions() throws {
    func signed(_ body: String) -> [UInt8] {
      let bytes = Array(body.utf8)
      let sum = String(Castagnoli.checksum(bytes.span), radix: 16)
      let digits = String(repeating: "0", count: 8 - sum.utf8.count) + sum
      return bytes + Array(",\"crc\":\"\(digits)\"}".utf8)
    }
    #expect(throws: BudgetFile.Fault.version) { _ = try BudgetFile.read(signed("{\"v\":2").span) }
    #expect(throws: BudgetFile.Fault.version) { _ = try BudgetFile.read(signed("{\"x\":1").span) }
    #expect(throws: BudgetFile.Fault.damaged) { _ = try BudgetFile.read(signed("{\"v\":1,,").span) }
    #expect(try BudgetFile.read(signed("{\"v\":1,\"groups\":{\"a\":{\"budget\":{\"per\":60}}}").span) == [])
    #expect(try BudgetFile.read(signed("{\"v\":1,\"groups\":7").span) == [])
  }
}
