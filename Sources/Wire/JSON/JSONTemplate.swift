// Knows a text again that differs from an earlier one in what a single string says.
//
// The events of a provider's stream are such texts: what was found out about the first of them is then true of the others,
// but for that string.

/// A text as a model for others. One is kept and used again.
package struct JSONTemplate: ~Copyable {
  /// A longer text is no model: it is compared with all that follow.
  private static let ceiling = 4096

  private var text = ByteQueue()
  /// The string, without its quotes.
  private var hole = 0..<0
  private var isKnown = false

  package init() {}

  /// Nothing is like what was learnt.
  package mutating func forget() { isKnown = false }

  /// Takes `text`, which has been scanned, as the model.
  ///
  /// - Parameter hole: what stands between the quotes of one of its strings, which is a value.
  package mutating func learn(_ text: Span<UInt8>, hole: Range<Int>) {
    isKnown = false
    guard text.count <= Self.ceiling, hole.lowerBound > 0, hole.upperBound < text.count,
      text[hole.lowerBound - 1] == ASCII.quote, text[hole.upperBound] == ASCII.quote
    else { return }
    self.text.clear()
    self.text.append(text)
    self.hole = hole
    isKnown = true
  }

  /// Where in `text` the string lies, if the rest is the model's; nil for any other text, and for one whose string holds
  /// an escape of more than a letter.
  package func match(_ text: Span<UInt8>) -> Range<Int>? {
    let start = hole.lowerBound
    let end = text.count - (self.text.count - hole.upperBound)
    guard isKnown, end >= start else { return nil }
    let model = self.text.bytes
    guard text.extracting(0..<start).equals(model.extracting(0..<start)),
      text.extracting(end..<text.count).equals(model.extracting(hole.upperBound..<model.count))
    else { return nil }
    var isWide = false
    // It ends at the quote that the rest begins with, and not before.
    return JSONBytes.textEnd(text.extracting(0...end), from: start, isWide: &isWide) == end
      ? start..<end : nil
  }
}
