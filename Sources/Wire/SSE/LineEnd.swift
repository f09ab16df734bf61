// The search for the ends of lines.

enum LineEnd {
  /// The first line feed or carriage return at or behind `from`, or `bytes.count`.
  static func next(_ bytes: Span<UInt8>, from: Int) -> Int {
    unsafe bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress, from >= 0 else { return raw.count }
      // SAFETY: from is not negative.
      return unsafe Lanes.first(start, from: from, to: raw.count, LineBreak.self)
    }
  }
}
