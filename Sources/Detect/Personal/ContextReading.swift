// The words around one number after another. Windows around numbers overlap, so each word is read once, and what it says is
// kept for as long as a window may hold it.

internal import Wire

/// What was read of a text's words, from left to right.
struct ContextReading {
  /// A word that says something, or a sentence's end: its place, up to where more must be the same for it to say that,
  /// and what it says; 0 for a sentence's end.
  private struct Event {
    let bits: UInt64

    init(_ place: Int, reach: Int, _ said: UInt32) {
      bits =
        UInt64(truncatingIfNeeded: place) &<< 32 | UInt64(min(reach, 0xFF)) &<< 24 | UInt64(said & 0xFF_FFFF)
    }
    init(_ bits: UInt64) { self.bits = bits }

    var place: Int { Int(bits >> 32) }
    var reach: Int { Int(bits >> 24 & 0xFF) }
    var said: UInt32 { UInt32(bits & 0xFF_FFFF) }
  }

  /// More than two windows, and the number between them, can hold.
  private static let ceiling = 64
  /// How far what isn't asked for is read nevertheless, rather than begin anew.
  private static let gap = 96
  /// What isn't asked for here.
  private static let others: Hints = [.negative, .version, .filler, .short]
  /// A word that says nothing, and may say something where a window cuts it.
  private static let mayBeCut = Hints.short.rawValue
  /// What ends with its sentence.
  private static let ofSentence: Hints = [.phone, .birth, .passport, .license]

  private var events = InlineArray<64, UInt64>(repeating: 0)
  private var count = 0
  /// From where on words were read, and up to where.
  private var since = 0
  private var end = 0
  /// What the last word says.
  private var last: UInt32 = 0
  /// No word is kept, or a sentence's end is what was kept last.
  private var isSentence = true

  /// What stands before `place`, and what of it stands near.
  mutating func before(_ text: Span<UInt8>, _ place: Int) -> (all: Hints, near: Hints) {
    let from = max(place &- ContextWords.before, 0)
    let start = ContextWords.wordStart(text, from, place)
    read(text, from, start, to: place)
    return said(text, start..<place, nearFrom: place &- ContextWords.near)
  }

  /// What stands behind `place`.
  ///
  /// - Parameter wordless: up to where no word stands.
  mutating func behind(_ text: Span<UInt8>, _ place: Int, wordless: Int) -> Hints {
    let limit = min(place &+ ContextWords.behind, text.count)
    let start = wordless > place ? wordless : ContextWords.wordStart(text, place, limit)
    guard start < limit else { return [] }
    read(text, start, start, to: limit)
    return said(text, start..<limit, nearFrom: limit).all
  }

  /// Reads on up to `limit`, or from `start` on if what is between isn't known.
  private mutating func read(_ text: Span<UInt8>, _ from: Int, _ start: Int, to limit: Int) {
    if from < since || from > end &+ Self.gap {
      (since, end, count, last, isSentence) = (from, start, 0, 0, true)
    }
    guard end < limit else { return }
    let words = ContextWords.shared
    let window = text.extracting(0..<limit)
    while end < limit {
      let at = end
      // Mostly numbers stand here, and blanks.
      if Letters.isDigit(text[at]) || text[at] == ASCII.space {
        end = isSentence ? window.latin(from: at &+ 1) : at &+ 1
        continue
      }
      guard ContextWords.isLetter(text, at) else {
        if isSentence {
          end = window.latin(from: at &+ 1)
          continue
        }
        if let place = ContextWords.sentenceEnd(text, at), last & Hints.short.rawValue == 0 {
          add(Event(place, reach: 0, 0))
        }
        end = at &+ 1
        continue
      }
      var reach = at &+ 2
      last = words.said(text, at, to: text.count, &reach)
      let said = last & ~Self.others.rawValue
      if said != 0 || reach &- at > 3 { add(Event(at, reach: reach &- at, said | Self.mayBeCut)) }
      end = ContextWords.wordEnd(text, at, to: text.count)
    }
  }

  private mutating func add(_ event: Event) {
    events[count & (Self.ceiling &- 1)] = event.bits
    count &+= 1
    isSentence = event.said == 0
  }

  /// What is said in `range`, all of which was read. It changes nothing, but what isn't to be changed is copied first.
  private mutating func said(
    _ text: Span<UInt8>, _ range: Range<Int>, nearFrom: Int
  ) -> (all: Hints, near: Hints) {
    var all: UInt32 = 0
    var near: UInt32 = 0
    var counted = UInt32.max
    var at = count
    let least = max(count &- Self.ceiling, 0)
    while at > least {
      at &-= 1
      let event = Event(events.span[at & (Self.ceiling &- 1)])
      let place = event.place
      if place >= range.upperBound { continue }
      if place < range.lowerBound { break }
      var said = event.said
      if said == 0 {
        counted = ~Self.ofSentence.rawValue
        continue
      }
      if place &+ event.reach > range.upperBound {
        // What goes on behind the range isn't said in it.
        var reach = 0
        said = ContextWords.shared.said(text, place, to: range.upperBound, &reach)
      }
      all |= said & counted
      if place >= nearFrom { near |= said & counted }
    }
    return (Hints(rawValue: all & ~Self.mayBeCut), Hints(rawValue: near & ~Self.mayBeCut))
  }
}
