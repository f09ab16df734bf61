// Names to their places in a list.

internal import Wire

/// Names to their places in a list: open addressing over FNV-1a, so that a look-up allocates nothing.
///
/// All names are the operator's own: a client can't choose them so that they collide.
struct NameTable: Sendable {
  private let names: [[UInt8]]
  /// Places in `names`, or -1; a power of two, at most half full.
  private let slots: [Int32]
  /// Bytes of the longest name.
  let longest: Int

  /// Of equal names the first one counts.
  init(_ names: [[UInt8]]) {
    self.names = names
    longest = names.reduce(0) { max($0, $1.count) }
    var count = 4
    while count < names.count * 2 { count *= 2 }
    var slots = [Int32](repeating: -1, count: count)
    for (place, name) in names.enumerated() {
      var slot = Self.hash(name.span) & (count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (count - 1) }
      slots[slot] = Int32(truncatingIfNeeded: place)
    }
    self.slots = slots
  }

  func index(of name: Span<UInt8>) -> Int? {
    guard !name.isEmpty, name.count <= longest else { return nil }
    var slot = Self.hash(name) & (slots.count - 1)
    while slots[slot] >= 0 {
      let place = Int(slots[slot])
      if equal(place, name) { return place }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  private func equal(_ place: Int, _ name: Span<UInt8>) -> Bool {
    let known = names[place]
    return known.span.equals(name)
  }

  /// FNV-1a, 64 bits.
  private static func hash(_ bytes: Span<UInt8>) -> Int {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for at in 0..<bytes.count { hash = (hash ^ UInt64(bytes[at])) &* 0x0000_0100_0000_01b3 }
    return Int(truncatingIfNeeded: hash ^ hash >> 32)
  }
}
