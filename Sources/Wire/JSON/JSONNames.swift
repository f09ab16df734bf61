// Names that are looked for among many keys, few of which are any of them.

/// A set of names of members, asked about for each key of a text.
package final class JSONNames: Sendable {
  /// No name.
  package static let none = JSONNames([])

  package let names: [StaticString]
  /// A bit for each length that one of them has, up to 63 bytes.
  let lengths: UInt64
  /// For each length, and for the low bits of each first byte, the places of the names that have it.
  private let byLength: [UInt64]
  private let byFirst: [UInt64]

  /// - Parameter names: at most 64, of 1 to `JSONMember.nameCeiling` bytes.
  package init(_ names: [StaticString]) {
    precondition(names.count <= 64 && names.allSatisfy { 1...JSONMember.nameCeiling ~= $0.utf8CodeUnitCount })
    var byLength = [UInt64](repeating: 0, count: JSONMember.nameCeiling + 1)
    var byFirst = [UInt64](repeating: 0, count: 32)
    var lengths: UInt64 = 0
    for (place, name) in names.enumerated() {
      byLength[name.utf8CodeUnitCount] |= 1 << UInt64(place)
      byFirst[Int(name.bytes[0] & 31)] |= 1 << UInt64(place)
      lengths |= 1 << UInt64(name.utf8CodeUnitCount)
    }
    self.names = names
    self.lengths = lengths
    self.byLength = byLength
    self.byFirst = byFirst
  }

  /// The places of the names that `key` (unescaped) is, a bit for each.
  func places(of key: Span<UInt8>) -> UInt64 {
    guard !key.isEmpty, key.count <= JSONMember.nameCeiling else { return 0 }
    var rest = byLength[key.count] & byFirst[Int(key[0] & 31)]
    var found: UInt64 = 0
    while rest != 0 {
      if key.equals(names[rest.trailingZeroBitCount]) { found |= rest & ~(rest &- 1) }
      rest &= rest &- 1
    }
    return found
  }
}
