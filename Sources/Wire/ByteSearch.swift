// A text in a text: 32 places at a step, by its first byte and its last.

extension Span where Element == UInt8 {
  /// Where `part`, which is not empty, stands first at or behind `from`.
  package func place(of part: Span<UInt8>, from: Int = 0) -> Int? {
    let last = part.count &- 1
    guard last >= 0, from >= 0, count > last else { return nil }
    let rest = skip(to: part, from)
    if let found = rest.found { return found }
    var at = rest.at
    while at < count &- last {
      if self[at] == part[0], extracting(at..<at &+ part.count).equals(part) { return at }
      at &+= 1
    }
    return nil
  }

  /// Looks for `part` as far as 32 places are left, each with a last byte.
  ///
  /// - Returns: where it stands, or from where on is to be looked.
  private func skip(to part: Span<UInt8>, _ from: Int) -> (found: Int?, at: Int) {
    let last = part.count &- 1
    let (first, end) = (part[0], part[last])
    return unsafe withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return (nil, from) }
      var at = from
      let blocks = raw.count &- last &- 32
      while at <= blocks {
        // SAFETY: 32 bytes are there from both places on.
        let low = unsafe Self.ends(start, at, last, first, end)
        let high = unsafe Self.ends(start, at &+ 16, last, first, end)
        if Lanes.isWide(Lanes.all(low .| high)) {
          var bits = Lanes.bits(low) | Lanes.bits(high) << 16
          while bits != 0 {
            let place = at &+ bits.trailingZeroBitCount
            if extracting(place..<place &+ part.count).equals(part) { return (place, at) }
            bits &= bits &- 1
          }
        }
        at &+= 32
      }
      return (nil, at)
    }
  }

  /// At which of the sixteen places from `at` on the byte `first` is, and `end` so many places behind it.
  @inline(__always) @unsafe private static func ends(
    _ start: UnsafeRawPointer, _ at: Int, _ distance: Int, _ first: UInt8, _ end: UInt8
  ) -> Lanes.Marks {
    unsafe Lanes.equal(start.loadUnaligned(fromByteOffset: at, as: Lanes.Block.self), first)
      .& Lanes.equal(start.loadUnaligned(fromByteOffset: at &+ distance, as: Lanes.Block.self), end)
  }
}
