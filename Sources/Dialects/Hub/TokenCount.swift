// A number of tokens, as providers say it.

internal import Wire

enum TokenCount {
  /// The number in `range`; nil where it is none, or not one of tokens: counts are added up, here and in metrics.
  static func read(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    JSONValue.integer(bytes, range).flatMap { $0 >= 0 && $0 < 1 << 50 ? $0 : nil }
  }
}
