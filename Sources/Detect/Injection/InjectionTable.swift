// How the rules of the detector of injections are followed, for one channel: from a kind of word to the places in rules at
// which it counts. Words of the same classes are of one kind.
//
// Of each element of a rule but the last only the latest place is kept. Rules that begin with the same class share it. Which
// elements were met at all is a set, so that a word for which none of those that it needs was met is done with at once.

internal import Wire

/// A set of numbers below 128.
struct PlaceSet: Hashable {
  private(set) var low: UInt64 = 0
  private(set) var high: UInt64 = 0

  mutating func insert(_ place: Int) {
    if place < 64 { low |= 1 &<< UInt64(place) } else { high |= 1 &<< UInt64(place) }
  }

  mutating func remove(_ place: Int) {
    if place < 64 { low &= ~(1 &<< UInt64(place)) } else { high &= ~(1 &<< UInt64(place)) }
  }

  func contains(_ place: Int) -> Bool { (place < 64 ? low : high) &>> UInt64(place) & 1 == 1 }

  @inline(__always) func meets(_ other: PlaceSet) -> Bool { low & other.low | high & other.high != 0 }

  @inline(__always) mutating func formUnion(_ other: PlaceSet) {
    low |= other.low
    high |= other.high
  }

  @inline(__always) var isEmpty: Bool { low | high == 0 }

  @inline(__always) func visit(_ body: (Int) -> Void) {
    var rest = low
    while rest != 0 {
      body(rest.trailingZeroBitCount)
      rest &= rest &- 1
    }
    rest = high
    while rest != 0 {
      body(64 &+ rest.trailingZeroBitCount)
      rest &= rest &- 1
    }
  }
}

struct InjectionTable: Sendable {
  /// Elements of which the latest places are kept.
  static let ceiling = 128

  /// An element that a word may be.
  struct Step: Sendable {
    /// The element before it; -1: none.
    var before: Int32 = -1
    /// How far that may be, at most.
    var reach: Int32 = 0
    /// Where it is kept; -1: it is a rule's last.
    var own: Int32 = -1
    /// The rule that it completes; -1: none.
    var rule: Int32 = -1
  }

  /// What words of the same classes do.
  struct Kind: Sendable {
    /// They are the user's own things, which may be ignored.
    var isOwn = false
    /// What they are behind an indefinite article.
    var behindArticle = 0
    /// A word completes a rule alone.
    var isRule = false
    /// The elements that must have been met before one of its steps can be taken.
    var needs = PlaceSet()
    /// The elements that it is as a rule's first.
    var begins = PlaceSet()
    /// Its steps, its beginnings among them.
    var steps = 0..<0

    /// The word does no more than another one.
    var isIdle: Bool { !isOwn && steps.isEmpty }
  }

  private(set) var kinds: [Kind] = []
  private(set) var steps: [Step] = []
  /// For each element, how far behind it the next one may be.
  private(set) var reaches = [Int32](repeating: 0, count: ceiling)
  /// What most words of a text are not in.
  private(set) var filter = WordFilter()
  /// The class of what is the user's own, and that of words that say whose a prompt is.
  private let own: Int
  private let system: Int
  /// Each class' places in rules, later elements first.
  private var places = [[Step]](repeating: [], count: 128)
  private var kindPlaces: [PlaceSet: Int] = [:]

  /// - Parameter counts: which of the rules count.
  init(_ rules: [InjectionRules.Rule], _ counts: [Bool], own: Int, system: Int) {
    self.own = own
    self.system = system
    var firsts: [Int: Int32] = [:]
    var count: Int32 = 0
    for (number, rule) in rules.enumerated() where counts[number] {
      var before: Int32 = -1
      for (at, element) in rule.elements.enumerated() {
        let isLast = at == rule.elements.count - 1
        var step = Step(before: before, reach: element.gap + 1, rule: isLast ? Int32(number) : -1)
        if before >= 0 { reaches[Int(before)] = max(reaches[Int(before)], step.reach) }
        if !isLast {
          let known = at == 0 ? firsts[element.place] : nil
          step.own = known ?? count
          if known == nil { count += 1 }
          if at == 0 { firsts[element.place] = step.own }
          before = step.own
        }
        if at > 0 || isLast { places[element.place].insert(step, at: 0) }
      }
    }
    // A word can't be two elements of a rule: its being a first one is noted behind what it follows.
    for (place, own) in firsts { places[place].append(Step(own: own)) }
    filter.insert(InjectionScanner.article)
  }

  /// The number of the words that are in these classes.
  mutating func kind(_ classes: PlaceSet) -> Int {
    if let known = kindPlaces[classes] { return known }
    let number = kinds.count
    kindPlaces[classes] = number
    var kind = Kind()
    kind.isOwn = classes.contains(own)
    kind.behindArticle = number
    let from = steps.count
    classes.visit { steps += places[$0] }
    kind.steps = from..<steps.count
    for step in steps[from...] {
      if step.before >= 0 {
        kind.needs.insert(Int(step.before))
      } else if step.rule >= 0 {
        kind.isRule = true
      } else {
        kind.begins.insert(Int(step.own))
      }
    }
    kinds.append(kind)
    if classes.contains(system) {
      var others = classes
      others.remove(system)
      let other = self.kind(others)
      kinds[number].behindArticle = other
    }
    return number
  }

  /// Has the filter show a word of this kind, if it does anything.
  mutating func showWord(_ word: Substring, _ kind: Int) {
    let letters = Array(word.utf8)
    guard !kinds[kind].isIdle, letters.allSatisfy({ Letters.isLetter($0) }) else { return }
    var hash = WordHash()
    for byte in letters.prefix(8) { hash.feed(byte) }
    filter.insert(hash.low)
  }
}
