// Items that go from the middle of a text: members of an inner object, or elements of a list.

internal import Wire

/// Takes items out of one list or object, their commas with them. Every item is shown, in order.
struct ItemRemoval {
  private var hasKept = false
  /// Where a run of items at the front begins that all go.
  private var start: Int?
  /// The end of the last item.
  private var end = 0

  mutating func keep(_ item: Range<Int>, _ splice: inout JSONSplice) throws(JSONSpliceFault) {
    if let start { try splice.replace(start..<item.lowerBound, with: Span()) }
    start = nil
    hasKept = true
    end = item.upperBound
  }

  mutating func remove(_ item: Range<Int>, _ splice: inout JSONSplice) throws(JSONSpliceFault) {
    if hasKept {
      try splice.replace(end..<item.upperBound, with: Span())
    } else {
      start = start ?? item.lowerBound
    }
    end = item.upperBound
  }

  /// No item is left to show.
  mutating func finish(_ splice: inout JSONSplice) throws(JSONSpliceFault) {
    if let start { try splice.replace(start..<end, with: Span()) }
    start = nil
  }
}
