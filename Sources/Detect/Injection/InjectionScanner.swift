// The detector of injections: it reads a text word by word, and knows the orders of words in which known attempts to
// override instructions are made. It does not understand: a paraphrase passes.
//
// Of each element of a rule only the latest place is kept, since the distances between elements have only upper bounds:
// so it never goes back, and its memory is one number an element. Signs of smuggling (hidden characters, look-alikes,
// spaced letters, base64) count beside the words. Next: InjectionReading.swift, plain words; OddReading.swift, the others;
// InjectionSignals.swift, InjectionRules.swift, Folding.swift.

internal import Wire

/// Where a text comes from.
package enum Channel: Sendable { case user, tool }

/// What a text came to.
package struct InjectionVerdict: Equatable, Sendable {
  package var score = 0
  /// A bit for each rule's name that counted, and for each signal behind them.
  package var rules: UInt64 = 0

  /// The names of what counted.
  package var names: [String] {
    let known = InjectionRules.shared.names
    return (0..<known.count + InjectionSignal.allCases.count).filter { rules >> UInt64($0) & 1 == 1 }.map {
      $0 < known.count ? known[$0] : InjectionSignal(rawValue: $0 - known.count)?.name ?? ""
    }
  }

  /// The most telling name.
  package var name: String { names.first ?? "" }
}

/// One is kept and used again for each text.
package final class InjectionScanner {
  /// So many single letters in a row are words, spelt out.
  static let spelt = 6
  /// How far apart hits may be, in words, to count together.
  private static let window: Int32 = 160
  private static let never = Int32.min / 2
  /// Of a base64 text so many letters are decoded.
  static let base64Ceiling = 4096
  static let base64Runs = 8

  let rules = InjectionRules.shared
  let isInner: Bool
  var inner: InjectionScanner?
  let patternMemory: PatternMemory
  var channel = Channel.user

  /// How the rules are followed in the text under way.
  private(set) var table: InjectionTable
  /// The elements that were met, perhaps too far behind, and where they were met last.
  private var met = PlaceSet()
  private var last = InlineArray<128, Int32>(repeating: never)
  /// The names that were met within the window, perhaps, where that was last, and what they counted for.
  private var names: UInt64 = 0
  private var nameAt: [Int32]
  private var nameWeight: [Int32]
  var position: Int32 = 0
  var best: Int32 = 0
  /// A rule that was met, and counts unless the next word says that it concerns the user's own things; -1: none.
  var pending = -1
  /// Where an indefinite article stood: what follows is anybody's.
  var articleAt: Int32 = 0
  /// Ends of lines since the last ASCII letter or digit.
  var lineEnds = 0
  private var bestNames: UInt64 = 0

  var word = WordBuffer()
  private var spaced = WordBuffer()
  var spacedCount = 0

  // Signals.
  var tags = 0
  var selectors = 0
  var hiddenInside = 0
  var bidirectional = 0
  var mixed = 0
  var leet = 0
  var hasSpaced = false
  var base64Score = 0
  var base64Left = 0
  var base64End = 0
  var decoded: [UInt8] = []
  /// Control tokens: the most telling one's weight, how many there are, and where the last one ends.
  var tokenWeight = 0
  var tokenCount = 0
  var tokenEnd = 0
  /// Scripts without spaces between words are there.
  var hasSymbols = false
  var signals: UInt64 = 0

  /// - Parameter patterns: what it shares with other scanners of the worker.
  package convenience init(_ patterns: PatternMemory = PatternMemory()) {
    self.init(patterns, isInner: false)
  }

  init(_ patterns: PatternMemory, isInner: Bool) {
    patternMemory = patterns
    self.isInner = isInner
    table = rules.user
    nameAt = [Int32](repeating: Self.never, count: rules.names.count)
    nameWeight = [Int32](repeating: 0, count: rules.names.count)
  }

  /// What `text` comes to.
  ///
  /// - Parameter tokens: whether templates' control tokens count.
  package func judge(_ text: Span<UInt8>, _ channel: Channel, tokens: Bool = true) -> InjectionVerdict {
    begin(channel)
    read(text)
    endWord(text, at: text.count)
    endSpaced()
    settle(false)
    var verdict = InjectionVerdict()
    verdict.score = Int(best)
    if tokens { verdict.score += tokenScore() }
    if hasSymbols { verdict.score += cjkScore(text) }
    verdict.score += signalScore()
    verdict.rules = bestNames | signals << UInt64(rules.names.count)
    return verdict
  }

  private func begin(_ channel: Channel) {
    if channel != self.channel { table = channel == .tool ? rules.tool : rules.user }
    self.channel = channel
    met = PlaceSet()
    names = 0
    position = 0
    best = 0
    pending = -1
    articleAt = Self.never
    bestNames = 0
    lineEnds = 0
    word.clear()
    spaced.clear()
    spacedCount = 0
    (tags, selectors, hiddenInside, bidirectional, mixed, leet) = (0, 0, 0, 0, 0, 0)
    hasSpaced = false
    base64Score = 0
    base64Left = Self.base64Runs
    base64End = 0
    (tokenWeight, tokenCount, tokenEnd) = (0, 0, 0)
    hasSymbols = false
    signals = 0
  }

  // MARK: Words

  /// Ends the word that was read, if one was.
  @inline(__always)
  func endWord(_ text: Span<UInt8>, at: Int) {
    guard !word.isEmpty else { return }
    // A word that was spelt out before this one has its place before it.
    if word.length != 1, spacedCount > 0 { endSpaced() }
    position &+= 1
    if word.length == 1 {
      spacedCount += 1
      spaced.append(from: word)
      if word.bytes[0] == UInt8(ascii: "a") { articleAt = position }
    } else {
      if word.length == 2, word.bytes[0] == UInt8(ascii: "a"), word.bytes[1] == UInt8(ascii: "n") {
        articleAt = position
      }
      if let kind = rules.kind(word.hash.value) {
        apply(kind)
      } else {
        settle(false)
        if word.isOdd { readOdd(text, at) }
      }
    }
    word.clear()
  }

  /// A word that is in no class as it stands, and has something about it.
  @inline(never)
  private func readOdd(_ text: Span<UInt8>, _ at: Int) {
    if word.length >= WordBuffer.oddLength, !isInner, at > base64End { readBase64(text, word.start) }
    if word.hasWide, let plain = word.plain(.lookAlikes) {
      if word.hasLatin { mixed += 1 }
      if let kind = rules.kind(plain) {
        if !word.hasLatin { mixed += 1 }
        apply(kind)
      }
      return
    }
    guard word.hasDigit || word.hasSign, word.length > 2 else { return }
    for leetForm in [WordBuffer.Form.leetI, .leetL] {
      if let plain = word.plain(leetForm), let kind = rules.kind(plain) {
        leet += 1
        return apply(kind)
      }
    }
    guard word.hasSign else { return }
    var isFirst = true
    word.forEachPart { hash in
      if !isFirst { position &+= 1 }
      isFirst = false
      if let kind = rules.kind(hash) { apply(kind) }
    }
  }

  /// Notes a single ASCII letter.
  func noteSingle(_ letter: UInt8) {
    lineEnds = 0
    position &+= 1
    spacedCount += 1
    spaced.append(letter: letter)
    if letter == UInt8(ascii: "a") { articleAt = position }
  }

  /// Ends a run of single letters: six and more are one or several words.
  @inline(never)
  func endSpaced() {
    defer {
      spaced.clear()
      spacedCount = 0
    }
    guard spacedCount >= Self.spelt else { return }
    var at = 0
    while at < spaced.count {
      var found: (end: Int, kind: Int)?
      var hash = WordHash()
      for end in at..<min(at + 16, spaced.count) {
        hash.feed(spaced.bytes[end])
        if end - at >= 1, let kind = rules.kind(hash.value) { found = (end + 1, kind) }
      }
      if let found {
        position &+= 1
        apply(found.kind)
        hasSpaced = true
        at = found.end
      } else {
        at += 1
      }
    }
  }

  // MARK: Rules

  /// Decides about the rule that waits for the word behind it.
  func settle(_ isOwn: Bool) {
    guard pending >= 0 else { return }
    let rule = pending
    pending = -1
    if !isOwn { hit(rule) }
  }

  /// A word of a class, or of several.
  @inline(__always)
  func apply(_ known: Int) {
    if pending >= 0 { settle(table.kinds[known].isOwn) }
    // A prompt, any prompt, is no secret.
    let place = position &- articleAt == 1 ? table.kinds[known].behindArticle : known
    let begins = table.kinds[place].begins
    if table.kinds[place].isRule || table.kinds[place].needs.meets(met) {
      return follow(table.kinds[place].steps)
    }
    begins.visit { last[$0] = position }
    met.formUnion(begins)
  }

  /// Takes the steps of a word, one of which may go on.
  private func follow(_ steps: Range<Int>) {
    for at in steps {
      let step = table.steps[at]
      let before = Int(step.before)
      if before >= 0 {
        guard met.contains(before) else { continue }
        let distance = position &- last[before]
        guard distance <= step.reach else {
          if distance > table.reaches[before] { met.remove(before) }
          continue
        }
        // A word can't be two elements of a rule.
        if distance == 0 { continue }
      }
      if step.own >= 0 {
        last[Int(step.own)] = position
        met.insert(Int(step.own))
      } else if rules.rules[Int(step.rule)].name == rules.doubtful {
        pending = Int(step.rule)
      } else {
        hit(Int(step.rule))
      }
    }
  }

  private func hit(_ place: Int) {
    let rule = rules.rules[place]
    let name = rule.name
    let isLow = channel == .tool && rules.lowInTools[name]
    let weight = Int32(isLow ? min(rule.weight, 2) : rule.weight)
    let bit: UInt64 = 1 &<< UInt64(name)
    let isNear = names & bit != 0 && position &- nameAt[name] <= Self.window
    nameWeight[name] = isNear ? max(nameWeight[name], weight) : weight
    nameAt[name] = position
    names |= bit
    var total: Int32 = 0
    var most: InlineArray<3, Int32> = [0, 0, 0]
    var members: InlineArray<3, Int32> = [0, 0, 0]
    var rest = names
    while rest != 0 {
      let at = rest.trailingZeroBitCount
      rest &= rest &- 1
      if position &- nameAt[at] > Self.window {
        names &= ~(1 &<< UInt64(at))
        continue
      }
      let group = rules.groups[at]
      if group < 0 {
        total += nameWeight[at]
      } else {
        most[group] = max(most[group], nameWeight[at])
        members[group] += 1
      }
    }
    for group in 0..<InjectionRules.groupCount where members[group] > 0 {
      total += most[group] + members[group] - 1
    }
    if total > best {
      best = total
      bestNames = names
    }
  }
}
