// A text in a text: sixteen places at a step, by its first byte and its last.

extension Span where Element == UInt8 {
  /// Where `part`, which is not empty, stands first at or behind `from`.
  package func place(of part: Span<UInt8>, from: Int = 0) -> Int? {
    let last = part.count &- 1
    guard last >= 0, from >= 0, count > last else { return nil }
    var at = from
    let blocks = count &- last &- 16
    while at <= blocks {
      var bits = ends(of: part, at)
      while bits != 0 {
        let place = at &+ bits.trailingZeroBitCount
        if extracting(place..<place &+ part.count).equals(part) { return place }
        bits &= bits &- 1
      }
      at &+= 16
    }
    while at < count &- last {
      if self[at] == part[0], extracting(at..<at &+ part.count).equals(part) { return at }
      at &+= 1
    }
    return nil
  }

  /// At which of the sixteen places from `at` on the first byte of `part` is, and the last one where it has to be.
  @inline(__always) private func ends(of part: Span<UInt8>, _ at: Int) -> UInt32 {
    let last = part.count &- 1
    let (first, end) = (part[0], part[last])
    return unsafe withUnsafeBytes { raw in
      guard at >= 0, at &+ last &+ 16 <= raw.count else { return 0 }
      // SAFETY: sixteen bytes are there from both places on.
      return unsafe Lanes.bits(
        Lanes.equal(raw.loadUnaligned(fromByteOffset: at, as: Lanes.Block.self), first)
          .& Lanes.equal(raw.loadUnaligned(fromByteOffset: at &+ last, as: Lanes.Block.self), end))
    }
  }
}
