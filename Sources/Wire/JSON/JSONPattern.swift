// Knows a text again that differs from an earlier one only in what its strings say.
//
// The chunks of a stream are such texts: of three hundred bytes a word changes. What was found out about the first of
// them, that it is JSON and where its members lie, is then true of the others too, and they needn't be read again:
// between the strings every byte is the same, and in a string's place there is a string.

/// A text as a model for others. One is kept and used again.
package struct JSONPattern: ~Copyable {
  /// A longer text is no model: it is compared with all that follow.
  package static let ceiling = 4096
  private static let stringCeiling = 32

  private struct Place {
    /// The first byte behind the opening quote, and the closing one.
    var start: Int
    var end: Int
    /// It is pointed out, or the cut lies before it.
    var isMarked = false
  }

  /// What `match` tells of a text that is like the model.
  package struct Found: Equatable, Sendable {
    /// Where the cut lies in it.
    package var cut: Range<Int>
    /// Where the string lies, with its quotes, that was pointed out in the model; empty where none was.
    package var string = 0..<0
  }

  private var text = ByteQueue()
  /// Strings that are values. Keys may not change.
  private var strings: [Place] = []
  private var cut = 0..<0
  /// How many strings come before the cut.
  private var cutBehind = 0
  /// The place among `strings` of the one that was pointed out; -1: none was.
  private var pointed = -1
  private var isKnown = false

  package init() {}

  /// Nothing is like what was learnt.
  package mutating func forget() { isKnown = false }

  /// Takes `text`, which has been scanned, as the model.
  ///
  /// - Parameter cut: a part of it without a string that is a value, whose place in other texts `match` is to tell.
  package mutating func learn(_ text: Span<UInt8>, cut: Range<Int>) {
    isKnown = false
    pointed = -1
    guard text.count <= Self.ceiling, cut.lowerBound >= 0, cut.upperBound <= text.count else { return }
    strings.removeAll(keepingCapacity: true)
    var at = 0
    while at < text.count {
      guard text[at] == ASCII.quote else {
        at += 1
        continue
      }
      guard let end = JSONBytes.stringEnd(text, quote: at, limit: text.count) else { return }
      var next = end
      while next < text.count, JSONBytes.isSpace(text[next]) { next += 1 }
      if next == text.count || text[next] != ASCII.colon {
        guard strings.count < Self.stringCeiling else { return }
        strings.append(Place(start: at + 1, end: end - 1))
      }
      at = end
    }
    cutBehind = strings.count { $0.end < cut.lowerBound }
    if cutBehind < strings.count, strings[cutBehind].start <= cut.upperBound, !cut.isEmpty { return }
    if cutBehind < strings.count { strings[cutBehind].isMarked = true }
    self.cut = cut
    self.text.clear()
    self.text.append(text)
    isKnown = true
  }

  /// Points out the string of the model that lies, with its quotes, in `range`, whose place in other texts `match` is to
  /// tell.
  ///
  /// - Returns: whether there is a model with such a string.
  @discardableResult
  package mutating func point(at range: Range<Int>) -> Bool {
    pointed = strings.firstIndex { $0.start == range.lowerBound + 1 && $0.end == range.upperBound - 1 } ?? -1
    if pointed >= 0 { strings[pointed].isMarked = true }
    return isKnown && pointed >= 0
  }

  /// What `text` has in the places that the model names, if it is like the model; nil for any other text, and for one whose
  /// strings hold escapes.
  package func match(_ text: Span<UInt8>) -> Found? {
    guard isKnown else { return nil }
    return unsafe text.withUnsafeBytes { new in
      unsafe self.text.bytes.withUnsafeBytes { old in
        guard let new = new.baseAddress, let old = old.baseAddress else { return nil }
        // SAFETY: both hold as many bytes as is said.
        return unsafe match(new, text.count, old, self.text.count)
      }
    }
  }

  @unsafe private func match(
    _ new: UnsafeRawPointer, _ newCount: Int, _ old: UnsafeRawPointer, _ oldCount: Int
  ) -> Found? {
    var passed = 0
    var shift = 0
    var found = Found(cut: cut)
    for (index, place) in strings.enumerated() {
      let length = place.start &- passed
      let start = place.start &+ shift
      // SAFETY: the place lies in the model, and start is at most the new text's count.
      guard start <= newCount, unsafe Words.same(new + (passed &+ shift), old + passed, length) else {
        return nil
      }
      let end = unsafe Lanes.first(new, from: start, to: newCount, StringEnd.self)
      // SAFETY: end is at most the count.
      guard end < newCount, unsafe new.load(fromByteOffset: end, as: UInt8.self) == ASCII.quote else {
        return nil
      }
      if place.isMarked {
        if index == cutBehind { found.cut = cut.lowerBound + shift..<cut.upperBound + shift }
        if index == pointed { found.string = start &- 1..<end &+ 1 }
      }
      passed = place.end
      shift = end &- passed
    }
    if cutBehind == strings.count { found.cut = cut.lowerBound + shift..<cut.upperBound + shift }
    let rest = oldCount &- passed
    // SAFETY: as above, and what is left has the same length in both.
    guard newCount &- passed &- shift == rest, unsafe Words.same(new + (passed &+ shift), old + passed, rest)
    else { return nil }
    return found
  }
}
