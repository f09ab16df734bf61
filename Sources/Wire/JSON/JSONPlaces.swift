// Where the long strings of a text lie, noted while it is scanned: who walks through it afterwards need not look for
// their ends again.

/// Places of strings, in the order in which they stand.
package struct JSONPlaces: Sendable {
  /// A string of fewer bytes is found about as fast as its place.
  static let least = 48
  /// At most this many are noted, 64 KB; ends of those behind are looked for. A conversation of 500 KB has fewer.
  private static let ceiling = 8192
  /// At most this many are kept between texts: those of a conversation of 100 KB or so.
  private static let kept = 2048

  /// Start and end of each, quotes included, in the halves of a word.
  private var places: [UInt64] = []

  package init() {}

  /// The places, for a walk.
  package var span: Span<UInt64> { places.span }

  /// Begins a new text.
  package mutating func removeAll() { places.removeAll(keepingCapacity: places.count <= Self.kept) }

  /// Makes room for so many.
  package mutating func reserve(_ count: Int) { places.reserveCapacity(min(count, Self.ceiling)) }

  /// Notes a string, quotes included, unless it is short. It stands behind those that were noted before.
  @inline(__always) package mutating func add(_ start: Int, _ end: Int) {
    // What lies behind the first four gigabytes is looked for.
    guard end &- start >= Self.least, end <= UInt32.max, places.count < Self.ceiling else { return }
    places.append(UInt64(truncatingIfNeeded: start) << 32 | UInt64(truncatingIfNeeded: end))
  }
}
