// The tables behind the detector of injections, made once: from a word's hash to its classes, from a class to the places
// in rules where it counts.

internal import Wire

/// A set of up to 128 classes of words.
struct WordClasses {
  var low: UInt64 = 0
  var high: UInt64 = 0

  mutating func insert(_ place: Int) {
    if place < 64 { low |= 1 << UInt64(place) } else { high |= 1 << UInt64(place - 64) }
  }

  mutating func remove(_ place: Int) {
    if place < 64 { low &= ~(1 << UInt64(place)) } else { high &= ~(1 << UInt64(place - 64)) }
  }

  func contains(_ place: Int) -> Bool {
    place < 64 ? low >> UInt64(place) & 1 == 1 : high >> UInt64(place - 64) & 1 == 1
  }
}

/// A hash of a word's bytes: fed one at a time, or made of up to sixteen at once.
struct WordHash {
  private var low: UInt64 = 0
  private var high: UInt64 = 0
  /// FNV-1a over what is behind them.
  private var rest: UInt64 = 0
  private var count = 0

  @inline(__always) init() {}

  @inline(__always) init(_ word: LetterRun) {
    low = word.low
    high = word.high
  }

  @inline(__always) mutating func feed(_ byte: UInt8) {
    let place = UInt64(truncatingIfNeeded: count) &* 8 & 63
    if count < 8 {
      low |= UInt64(byte) &<< place
    } else if count < 16 {
      high |= UInt64(byte) &<< place
    } else {
      rest = (rest ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    count &+= 1
  }

  @inline(__always) var value: UInt64 { LetterRun.mix(low, high ^ rest) }
}

struct InjectionRules: Sendable {
  static let shared = InjectionRules()

  /// A rule's element: where it stands, what it needs, and what it completes.
  struct Step: Sendable {
    /// Its place among all elements; the one before it is its predecessor, unless it is a rule's first.
    let state: Int
    let isFirst: Bool
    let isLast: Bool
    /// The most positions between it and its predecessor.
    let gap: Int32
    let rule: Int
  }

  struct Rule: Sendable {
    /// Its place among the names.
    let name: Int
    let weight: Int
  }

  /// The class of what is the user's own, and so may be ignored.
  let own: Int
  /// The class of words that say whose a prompt is.
  let system: Int
  /// The rule that a word of `own` behind it takes back.
  let doubtful: Int
  let names: [String]
  let rules: [Rule]
  /// Each class' places in rules, later elements first, one class behind the other.
  let steps: [Step]
  /// Where each class' places begin among them, and where the last one's end.
  let stepStarts: [Int]
  let stateCount: Int
  /// For each name, the group of which only the greatest counts in full; -1: it counts by itself.
  let groups: [Int]
  /// Names that count only in what tools answered.
  let toolOnly: [Bool]
  /// Names that count little in what tools answered: code and documents speak of models all day.
  let lowInTools: [Bool]

  private static let slotCount = 2048
  private var keys = [UInt64](repeating: 0, count: slotCount)
  private var values = [WordClasses](repeating: WordClasses(), count: slotCount)
  /// What most words of a text are not in.
  private(set) var filter = WordFilter()
  /// In scripts without spaces.
  let cjk: [(signal: InjectionSignal, weight: Int, patterns: PatternGroup)]
  let tokens: PatternSet?

  private init() {
    var places: [Substring: Int] = [:]
    var lists: [(Int, Substring)] = []
    for line in InjectionWords.classes.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard let name = words.first else { continue }
      let place = places[name] ?? places.count
      places[name] = place
      for word in words.dropFirst() { lists.append((place, word)) }
    }
    var names: [String] = []
    var rules: [Rule] = []
    var steps = [[Step]](repeating: [], count: places.count)
    var state = 0
    for line in InjectionWords.rules.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count > 2, let weight = Int(words[1]) else { continue }
      let name = String(words[0])
      let place = names.firstIndex(of: name) ?? names.count
      if place == names.count { names.append(name) }
      for (at, element) in words.dropFirst(2).enumerated() {
        let parts = element.split(separator: ":")
        guard let known = parts.first.flatMap({ places[$0] }) else { continue }
        steps[known].append(
          Step(
            state: state, isFirst: at == 0, isLast: at == words.count - 3, gap: Int32(parts.last ?? "") ?? 0,
            rule: rules.count))
        state += 1
      }
      rules.append(Rule(name: place, weight: weight))
    }
    own = places["OWN"] ?? 127
    system = places["SYS"] ?? 127
    doubtful = names.firstIndex(of: "override.said") ?? -1
    self.names = names
    self.rules = rules
    self.steps = steps.flatMap { $0.sorted { $0.state > $1.state } }
    stepStarts = steps.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
    stateCount = state
    groups = names.map { Self.group($0) }
    toolOnly = names.map { $0.hasPrefix("tool.") }
    lowInTools = names.map {
      $0.hasPrefix("jb.") && $0 != "jb.dan" && $0 != "jb.anything" || $0 == "leak.secret" || $0 == "exfil"
    }
    cjk = Self.cjkPatterns.compactMap { signal, weight, patterns in
      (try? PatternGroup(patterns)).map { (signal, weight, $0) }
    }
    tokens = try? PatternSet(Self.tokenPatterns.map { $0.1 })
    for (place, word) in lists { add(word, place) }
  }

  private static func group(_ name: String) -> Int {
    if name.hasPrefix("override.") { return 0 }
    if name.hasPrefix("leak.") { return 1 }
    return ["jb.nolimits", "jb.free", "jb.policy", "jb.openai"].contains(name) ? 2 : -1
  }
  static let groupCount = 3

  private mutating func add(_ word: Substring, _ place: Int) {
    var hash = WordHash()
    for byte in word.utf8 { hash.feed(byte) }
    var slot = Int(hash.value >> 32) & (Self.slotCount - 1)
    while keys[slot] != 0, keys[slot] != hash.value { slot = (slot + 1) & (Self.slotCount - 1) }
    keys[slot] = hash.value
    values[slot].insert(place)
    filter.insert(hash.value)
  }

  /// The classes of the word with this hash; nil for a word that is in none.
  @inline(__always)
  func classes(_ hash: UInt64) -> WordClasses? {
    filter.mayHold(hash) ? look(hash) : nil
  }

  /// The same where that isn't asked first.
  @inline(never)
  func look(_ hash: UInt64) -> WordClasses? {
    var slot = Int(hash >> 32) & (Self.slotCount - 1)
    while keys[slot] != 0 {
      if keys[slot] == hash { return values[slot] }
      slot = (slot + 1) & (Self.slotCount - 1)
    }
    return nil
  }

  /// Whether the word with this hash is in a class.
  func isKnown(_ hash: UInt64) -> Bool { classes(hash) != nil }

  /// In scripts without spaces: signal, weight, patterns.
  static let cjkPatterns: [(InjectionSignal, Int, [String])] = [
    (
      .override, 10,
      [
        "忽略(?:之前|以上|上述|前面|所有|你)[^。]{0,12}(?:指令|指示|提示|规则|内容)",
        "(?:以前|上記|これまで|すべて)の[^。]{0,8}(?:指示|命令|プロンプト)[^。]{0,6}(?:無視|忘れ)",
        "(?:이전|위|모든)[^.]{0,10}(?:지시|명령|지침|프롬프트)[^.]{0,8}(?:무시|잊)",
      ]
    ),
    (.leak, 8, ["(?:系统|系統)(?:提示|指令)", "システムプロンプト", "시스템프롬프트"]),
  ]

  /// Templates' control tokens, and lines that play a role's head: weight, pattern.
  static let tokenPatterns: [(Int, String)] = [
    (
      10,
      "<\\|(?:im_start|im_end|im_sep|system|user|assistant|endoftext|end|eot_id|eom_id|start_header_id|end_header_id|"
        + "begin_of_text|end_of_text|channel|message|start|return|call|python_tag|endofprompt)\\|>"
    ),
    (10, "<(?:start|end)_of_turn>|\\[/?INST\\]|<</?SYS>>|\\[SYSTEM_PROMPT\\]|<\\|?START_OF_TURN_TOKEN\\|?>"),
    (10, "<\u{FF5C}(?:User|Assistant|(?:begin|end)\u{2581}of\u{2581}sentence)\u{FF5C}>"),
    (
      4,
      "(?i)(?:^|\\n)[ \\t]{0,8}(?:#{1,4}[ \\t]{0,4})?(?:\\[|<|\\*\\*)?(?:system|assistant)"
        + "(?:[ \\t]{0,4}(?:prompt|message|instructions?|override))?(?:\\]|>|\\*\\*)?[ \\t]{0,4}:\\s{0,4}\\S"
    ),
    (
      3,
      "(?i)(?:^|\\n)[ \\t]{0,8}(?:#{2,4}|-{3,40}|={3,40})[ \\t]{0,4}(?:end|new|begin|start)?[ \\t]{0,4}(?:of[ \\t]{1,4})?"
        + "(?:system|user|instructions?|prompt|context|document|input)\\b"
    ),
  ]
}
