// What the scanner notices of a request beside the members that it reads: names further in, of which some say what the
// request needs of a model, some what only one provider understands, and some what others refuse.

package import Wire

/// What names further in say of a request.
package struct Noticed: OptionSet, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }

  /// `ForeignMembers`.
  package static let foreign = Noticed(rawValue: 1)
  package static let pictures = Noticed(rawValue: 2)
  package static let audio = Noticed(rawValue: 4)
  package static let schemas = Noticed(rawValue: 8)
  /// Files within the request, whose bytes are no text.
  package static let files = Noticed(rawValue: 16)
  /// What only the provider understands that has made it.
  package static let bound = Noticed(rawValue: 32)
  /// `GatewayMembers`, of the request's own members.
  package static let gateway = Noticed(rawValue: 64)
  /// What is there as base64, and is no text: written as a number, because it is asked of each request.
  package static let coded = Noticed(rawValue: 2 | 4 | 16)

  /// Each name with what it says.
  private static let table: [(name: StaticString, says: Noticed)] =
    ForeignMembers.names.map { ($0, .foreign) } + [
      ("image_url", .pictures), ("input_audio", .audio), ("json_schema", .schemas), ("file_data", .files),
      ("file_id", .bound), ("encrypted_content", .bound), ("thought_signature", .bound),
    ]

  /// The names, in the order of the scanner's bits.
  package static let names = JSONNames(table.map(\.name))
  package static let ownNames = JSONNames(GatewayMember.allCases.map(\.name))

  /// What `scanner` has noticed.
  package init(_ scanner: borrowing JSONScanner) {
    var found: Noticed = scanner.noticedOwn == 0 ? [] : .gateway
    var rest = scanner.noticed
    while rest != 0 {
      found.insert(Self.table[rest.trailingZeroBitCount].says)
      rest &= rest &- 1
    }
    self = found
  }
}
