// Changes of a text: what is put in and what is taken out, each at a place of the old text.

internal import Wire

/// Changes that are made all at once.
struct TextEdits {
  private struct Edit {
    let range: Range<Int>
    let text: [UInt8]
  }

  private var edits: [Edit] = []

  var isEmpty: Bool { edits.isEmpty }

  mutating func insert(_ text: [UInt8], at offset: Int) {
    if !text.isEmpty { edits.append(Edit(range: offset..<offset, text: text)) }
  }

  mutating func remove(_ range: Range<Int>) {
    if !range.isEmpty { edits.append(Edit(range: range, text: [])) }
  }

  mutating func append(_ other: TextEdits) { edits += other.edits }

  /// `part` of the old text with these changes. What is put in at one place keeps its order.
  func apply(to bytes: [UInt8], _ part: Range<Int>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(part.count + edits.reduce(0) { $0 + $1.text.count })
    var at = part.lowerBound
    let inOrder = edits.enumerated().sorted {
      ($0.element.range.lowerBound, $0.offset) < ($1.element.range.lowerBound, $1.offset)
    }
    for (_, edit) in inOrder {
      if edit.range.lowerBound > at { result += bytes[at..<edit.range.lowerBound] }
      result += edit.text
      at = max(at, edit.range.upperBound)
    }
    if at < part.upperBound { result += bytes[at..<part.upperBound] }
    return result
  }
}
