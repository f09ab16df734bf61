// What the detector of injections looks words and rules up in, made once. Next: InjectionTable.swift, how rules are
// followed; InjectionWords.swift, what they are.

internal import Wire

/// A hash of a word's bytes: fed one at a time, or made of up to sixteen at once.
struct WordHash {
  private(set) var low: UInt64 = 0
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

  struct Rule: Sendable {
    /// Its place among the names.
    let name: Int
    let weight: Int
    /// Class, and the most words that may stand before.
    fileprivate(set) var elements: [(place: Int, gap: Int32)]
  }

  /// The rule that a word of the user's own things behind it takes back.
  let doubtful: Int
  let names: [String]
  let rules: [Rule]
  /// For each name, the group of which only the greatest counts in full; -1: it counts by itself.
  let groups: [Int]
  /// Names that count little in what tools answered: code and documents speak of models all day.
  let lowInTools: [Bool]
  /// What users say is read with the one, and what tools answered with the other.
  let user: InjectionTable
  let tool: InjectionTable

  private static let slotCount = 2048
  private var keys = [UInt64](repeating: 0, count: slotCount)
  private var values = [UInt16](repeating: 0, count: slotCount)
  /// In scripts without spaces.
  let cjk: [(signal: InjectionSignal, weight: Int, patterns: PatternGroup)]
  let tokens: PatternSet?

  private init() {
    var places: [Substring: Int] = [:]
    var classes: [Substring: PlaceSet] = [:]
    for line in InjectionWords.classes.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard let name = words.first else { continue }
      let place = places[name] ?? places.count
      places[name] = place
      for word in words.dropFirst() { classes[word, default: PlaceSet()].insert(place) }
    }
    var names: [String] = []
    var rules: [Rule] = []
    for line in InjectionWords.rules.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count > 2, let weight = Int(words[1]) else { continue }
      let name = String(words[0])
      let place = names.firstIndex(of: name) ?? names.count
      if place == names.count { names.append(name) }
      var rule = Rule(name: place, weight: weight, elements: [])
      for element in words.dropFirst(2) {
        let parts = element.split(separator: ":")
        guard let known = parts.first.flatMap({ places[$0] }) else { continue }
        rule.elements.append((known, Int32(parts.last ?? "") ?? 0))
      }
      rules.append(rule)
    }
    doubtful = names.firstIndex(of: "override.said") ?? -1
    self.names = names
    self.rules = rules
    groups = names.map { Self.group($0) }
    lowInTools = names.map {
      $0.hasPrefix("jb.") && $0 != "jb.dan" && $0 != "jb.anything" || $0 == "leak.secret" || $0 == "exfil"
    }
    cjk = Self.cjkPatterns.compactMap { signal, weight, patterns in
      (try? PatternGroup(patterns)).map { (signal, weight, $0) }
    }
    tokens = try? PatternSet(Self.tokenPatterns.map { $0.1 })
    // Some rules count only in what tools answered.
    let forUsers = rules.map { !names[$0.name].hasPrefix("tool.") }
    let own = places["OWN"] ?? 127
    let system = places["SYS"] ?? 127
    var user = InjectionTable(rules, forUsers, own: own, system: system)
    var tool = InjectionTable(rules, rules.map { _ in true }, own: own, system: system)
    let kinds = classes.map { word, set in
      let kind = user.kind(set)
      // The same number: it has seen the same sets.
      _ = tool.kind(set)
      user.showWord(word, kind)
      tool.showWord(word, kind)
      return (word, kind)
    }
    self.user = user
    self.tool = tool
    for (word, kind) in kinds { add(word, kind) }
  }

  private static func group(_ name: String) -> Int {
    if name.hasPrefix("override.") { return 0 }
    if name.hasPrefix("leak.") { return 1 }
    return ["jb.nolimits", "jb.free", "jb.policy", "jb.openai"].contains(name) ? 2 : -1
  }
  static let groupCount = 3

  private mutating func add(_ word: Substring, _ kind: Int) {
    var hash = WordHash()
    for byte in word.utf8 { hash.feed(byte) }
    var slot = Int(hash.value >> 32) & (Self.slotCount - 1)
    while keys[slot] != 0 { slot = (slot + 1) & (Self.slotCount - 1) }
    keys[slot] = hash.value
    values[slot] = UInt16(kind)
  }

  /// The kind of the word with this hash; nil for a word that is in no class.
  @inline(__always)
  func kind(_ hash: UInt64) -> Int? {
    var slot = Int(hash >> 32) & (Self.slotCount - 1)
    while keys[slot] != 0 {
      if keys[slot] == hash { return Int(values[slot]) }
      slot = (slot + 1) & (Self.slotCount - 1)
    }
    return nil
  }

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

  /// Whether a control token can begin with a line's end or a bracket and with what follows that.
  @inline(__always)
  static func mayBeginToken(_ byte: UInt8, _ next: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "<"):
      switch next {
      case UInt8(ascii: "|"), UInt8(ascii: "<"), UInt8(ascii: "s"), UInt8(ascii: "e"), UInt8(ascii: "S"),
        0xEF:
        true
      default: false
      }
    case UInt8(ascii: "["):
      next == UInt8(ascii: "/") || next == UInt8(ascii: "I") || next == UInt8(ascii: "S")
    default:
      switch next {
      case ASCII.space, ASCII.tab, UInt8(ascii: "#"), UInt8(ascii: "["), UInt8(ascii: "<"), UInt8(ascii: "*"),
        UInt8(ascii: "-"), UInt8(ascii: "="), UInt8(ascii: "s"), UInt8(ascii: "S"), UInt8(ascii: "a"),
        UInt8(ascii: "A"):
        true
      default: false
      }
    }
  }

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
