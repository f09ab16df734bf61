// From nodes to values, collecting every problem on the way.
//
// What can't be read is reported and replaced by nothing or a default, so that one look finds all problems.
// Next: Section.swift and Form.swift, which ask it; Sections/Settings.swift, where a document begins.

internal import Wire

/// What the decoding of one file has found so far.
struct Decoder {
  let file: String?
  let environment: Environment
  private(set) var problems: [Problem] = []
  private(set) var warnings: [Problem] = []
  var references: [Reference] = []
  /// Every provider that is written down, also one that has problems: who names it is right to do so.
  var providerNames: [String] = []

  init(file: String?, environment: Environment) {
    self.file = file
    self.environment = environment
  }

  mutating func problem(_ message: String, at position: Position?) {
    problems.append(Problem(file: position == nil ? nil : file, position: position, message: message))
  }

  mutating func warning(_ message: String, at position: Position?) {
    warnings.append(
      Problem(.warning, file: position == nil ? nil : file, position: position, message: message))
  }

  // MARK: Collections

  /// The keys of a mapping, those that the table doesn't know reported; nil if it isn't a mapping.
  mutating func fields(_ node: YAMLNode, _ table: Table, of what: String) -> Fields? {
    guard let entries = entries(node, of: what) else { return nil }
    for entry in entries where !table.names.contains(entry.key) {
      problem(Hint.unknownKey(entry.key, in: what, table), at: entry.keyPosition)
    }
    let fields = Fields(entries: entries, position: node.position)
    for key in table.keys where key.isRequired && fields[key.name] == nil {
      problem("\(what) needs the key '\(key.name)': \(key.about)", at: node.position)
    }
    return fields
  }

  /// The entries of a mapping whose keys the operator chooses; none where nothing was written.
  mutating func entries(_ node: YAMLNode, of what: String) -> [YAMLEntry]? {
    if node.isNull { return [] }
    if case .mapping(let entries) = node.kind { return entries }
    // Not the text: where a mapping is expected, it may be a secret.
    let found = if case .scalar = node.kind { "a text" } else { Self.kind(node) }
    problem("\(what) must be a mapping of 'key: value', not \(found)\(Hint.mapping(node))", at: node.position)
    return nil
  }

  /// The items of a list, at most `ceiling`.
  mutating func items(_ node: YAMLNode, of what: String, ceiling: Int) -> [YAMLNode] {
    if node.isNull { return [] }
    guard case .sequence(let items) = node.kind else {
      problem("\(what) must be a list, such as [a, b], not \(Self.kind(node))", at: node.position)
      return []
    }
    if items.count > ceiling {
      problem("\(what) has \(items.count) items; at most \(ceiling) are allowed", at: node.position)
      return Array(items.prefix(ceiling))
    }
    return items
  }

  mutating func texts(_ node: YAMLNode?, of what: String, ceiling: Int) -> [String] {
    guard let node else { return [] }
    return items(node, of: what, ceiling: ceiling).compactMap { text($0, of: "an item of \(what)") }
  }

  /// What a node is, for messages.
  static func kind(_ node: YAMLNode) -> String {
    switch node.kind {
    case .null: "nothing"
    case .sequence: "a list"
    case .mapping: "a mapping"
    case .scalar(let text, _): "'\(Shown.text(text))'"
    }
  }

  /// A scalar's text as it was written, variables and all; messages show this, never a variable's value.
  static func raw(_ node: YAMLNode) -> String {
    if case .scalar(let text, _) = node.kind { text } else { "" }
  }

  // MARK: Scalars

  /// Reports what no text of a configuration holds; whether there is something.
  private mutating func isStray(_ node: YAMLNode, _ what: String) -> Bool {
    guard let hint = Hint.stray(node) else { return false }
    problem("\(what): \(hint)", at: node.position)
    return true
  }

  /// A scalar's text with its variables replaced, and its type.
  ///
  /// - Parameter isFree: whether it may be any text, whatever it looks like.
  private mutating func scalar(
    _ node: YAMLNode, of what: String, as wanted: String, isFree: Bool = false
  ) -> (String, YAMLValue)? {
    guard case .scalar(let raw, let style) = node.kind else {
      problem("\(what) must be \(wanted), not \(Self.kind(node))", at: node.position)
      return nil
    }
    if !isFree, isStray(node, what) { return nil }
    do {
      let text = try environment.interpolate(raw)
      // A variable's value is typed as if it stood in the file without quotes.
      let isPlain = style == .plain || text != raw
      return (text, isPlain ? YAMLValue(plain: text) : .string(text))
    } catch {
      problem("\(what): \(error.reason)", at: node.position)
      return nil
    }
  }

  /// A text, which isn't empty, has no control characters, and at most `ceiling` bytes.
  mutating func text(
    _ node: YAMLNode?, of what: String, ceiling: Int = Defaults.text, isFree: Bool = false
  ) -> String? {
    guard let node, let (text, _) = scalar(node, of: what, as: "a text", isFree: isFree) else { return nil }
    if text.isEmpty {
      problem("\(what) is empty; write a text or leave the key out", at: node.position)
      return nil
    }
    if text.utf8.count > ceiling {
      problem("\(what) has \(text.utf8.count) bytes; at most \(ceiling) are allowed", at: node.position)
      return nil
    }
    if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
      problem("\(what) holds a control character; remove it", at: node.position)
      return nil
    }
    return text
  }

  /// A text that may be a header's value: printable ASCII, spaces inside (RFC 9110 section 5.5, without
  /// obs-text).
  mutating func headerText(_ node: YAMLNode?, of what: String) -> String? {
    guard let node, let text = text(node, of: what, ceiling: Defaults.headerValue, isFree: true)
    else { return nil }
    guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), !text.hasPrefix(" "), !text.hasSuffix(" ")
    else {
      problem(
        "\(what): a header's value has printable ASCII characters and no spaces around it", at: node.position)
      return nil
    }
    return text
  }

  /// Looks at a name that the operator has chosen for a provider, a group or a policy.
  mutating func checkName(_ entry: YAMLEntry, _ what: String) {
    if Name.isValid(entry.key) { return }
    problem(
      "\(what): a name has at most \(Defaults.name) letters, digits, '-', '_' and '.'", at: entry.keyPosition)
  }

  mutating func boolean(_ node: YAMLNode?, of what: String) -> Bool? {
    guard let node, let (_, value) = scalar(node, of: what, as: "true or false") else { return nil }
    if case .bool(let value) = value { return value }
    problem("\(what) must be true or false, not \(Self.kind(node)) (without quotes)", at: node.position)
    return nil
  }

  mutating func integer(_ node: YAMLNode?, of what: String, in range: ClosedRange<Int>) -> Int? {
    let wanted = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    guard let node, let (_, value) = scalar(node, of: what, as: wanted) else { return nil }
    if case .integer(let number) = value, range.contains(number) { return number }
    problem("\(what) must be \(wanted), not \(Self.kind(node))", at: node.position)
    return nil
  }

  /// A number that isn't negative.
  mutating func number(_ node: YAMLNode?, of what: String) -> Double? {
    guard let node, let (_, value) = scalar(node, of: what, as: "a number") else { return nil }
    switch value {
    case .integer(let number) where number >= 0: return Double(number)
    case .float(let number) where number >= 0 && number.isFinite: return number
    default:
      problem("\(what) must be a number that is not negative, not \(Self.kind(node))", at: node.position)
      return nil
    }
  }

  /// One of an enumeration's names.
  ///
  /// - Parameter others: names that people write for it, and what to write for them.
  mutating func choice<Value: CaseIterable & RawRepresentable<String>>(
    _ node: YAMLNode?, of what: String, _ type: Value.Type, others: [String: String] = [:]
  ) -> Value? {
    guard let node, let text = text(node, of: what) else { return nil }
    if let value = Value(rawValue: text) { return value }
    let names = type.allCases.map(\.rawValue)
    let nearest = Name.nearest(to: text, in: names).map { "did you mean '\($0)'?" }
    let hint = (others[text] ?? nearest).map { "; " + $0 } ?? ""
    problem(
      "\(what) must be one of \(names.joined(separator: ", ")), not \(Self.kind(node))\(hint)",
      at: node.position)
    return nil
  }

  mutating func duration(_ node: YAMLNode?, of what: String, in range: ClosedRange<Duration>) -> Duration? {
    guard let node, let (text, _) = scalar(node, of: what, as: "a duration such as 5s") else { return nil }
    do {
      let duration = try Quantity.duration(text)
      if range.contains(duration) { return duration }
      let (least, most) = (Quantity.text(range.lowerBound), Quantity.text(range.upperBound))
      problem("\(what) must be from \(least) to \(most), not \(Self.kind(node))", at: node.position)
    } catch {
      problem("\(what), \(Self.kind(node)): \(error.reason)", at: node.position)
    }
    return nil
  }

  mutating func size(_ node: YAMLNode?, of what: String, ceiling: Int) -> Int? {
    guard let node, let (text, _) = scalar(node, of: what, as: "a size such as 64MiB") else { return nil }
    do {
      let size = try Quantity.size(text)
      if size <= ceiling { return size }
      problem(
        "\(what) must be at most \(Quantity.text(size: ceiling)), not \(Self.kind(node))", at: node.position)
    } catch {
      problem("\(what), \(Self.kind(node)): \(error.reason)", at: node.position)
    }
    return nil
  }

  mutating func percent(_ node: YAMLNode?, of what: String) -> Int? {
    guard let node, let (text, _) = scalar(node, of: what, as: "a share such as 20%") else { return nil }
    do { return try Quantity.percent(text) } catch {
      problem("\(what), \(Self.kind(node)): \(error.reason)", at: node.position)
      return nil
    }
  }

  mutating func address(_ node: YAMLNode?, of what: String) -> Address? {
    guard let node, let text = text(node, of: what) else { return nil }
    do { return try Address.read(text) } catch {
      problem("\(what), \(Self.kind(node)): \(error.reason)", at: node.position)
      return nil
    }
  }

  mutating func url(_ node: YAMLNode?, of what: String) -> BaseURL? {
    guard let node, let text = text(node, of: what) else { return nil }
    do { return try BaseURL.read(text) } catch {
      // The text may hold a password: the place says enough.
      problem("\(what): \(error.reason)", at: node.position)
      return nil
    }
  }

  /// The path of a file, which `Check` will look at.
  mutating func path(_ node: YAMLNode?, of what: String) -> String? {
    guard let node, let path = filePath(node, of: what) else { return nil }
    references.append(Reference(target: .file(path, key: what), position: node.position))
    return path
  }

  /// A path that a shell would not change.
  mutating func filePath(_ node: YAMLNode, of what: String) -> String? {
    guard let path = text(node, of: what, ceiling: Defaults.path) else { return nil }
    guard let hint = Hint.home(path) else { return path }
    problem("\(what): \(hint)", at: node.position)
    return nil
  }

  // MARK: Secrets

  /// Where a secret comes from; the secret itself, if someone wrote it here, is never repeated in a message.
  mutating func secret(
    _ node: YAMLNode?, of what: String, as use: Secret.Use = .key, allowsWords: Bool = false
  ) -> SecretSource? {
    guard let node, !isStray(node, what) else { return nil }
    let source: SecretSource?
    switch node.kind {
    case .mapping: source = secretPlace(node, of: what)
    case .scalar("passthrough", _) where allowsWords: source = .passthrough
    case .scalar("none", _) where allowsWords: source = SecretSource.none
    case .scalar(let text, _):
      source = secretVariable(text, of: what, at: node.position, allowsWords: allowsWords)
    default:
      problem("\(what) must be { file: PATH } or { env: NAME }, not \(Self.kind(node))", at: node.position)
      source = nil
    }
    if let source {
      references.append(Reference(target: .secret(source, name: what, use), position: node.position))
    }
    return source
  }

  private mutating func secretPlace(_ node: YAMLNode, of what: String) -> SecretSource? {
    guard let fields = fields(node, .secret, of: what) else { return nil }
    switch (fields["file"], fields["env"]) {
    case (let file?, nil):
      return filePath(file, of: "\(what).file").map { .file($0) }
    case (nil, let name?):
      guard let text = text(name, of: "\(what).env") else { return nil }
      if Name.isVariable(text[...]) { return .environment(text) }
      // What isn't a variable's name is likely the secret itself.
      problem(
        "\(what).env must be the name of an environment variable, such as OPENAI_API_KEY", at: name.position)
    case (_?, _?):
      problem(
        "\(what) names both a file and a variable; keep one: { file: PATH } or { env: NAME }",
        at: node.position)
    case (nil, nil):
      problem("\(what) must name a file or a variable: { file: PATH } or { env: NAME }", at: node.position)
    }
    return nil
  }

  /// `${NAME}` alone means the variable; any other text is taken for the secret itself, and refused.
  private mutating func secretVariable(
    _ text: String, of what: String, at position: Position, allowsWords: Bool
  ) -> SecretSource? {
    if let name = Self.variable(text) { return .environment(name) }
    let words = allowsWords ? ", passthrough or none" : ""
    problem(
      "\(what) must not hold the secret itself; write { file: PATH } or { env: NAME }\(words)", at: position)
    return nil
  }

  /// The name in a text that is `${NAME}` and nothing else.
  static func variable(_ text: String) -> String? {
    guard text.hasPrefix("${"), text.hasSuffix("}") else { return nil }
    let name = text.dropFirst(2).dropLast()
    return Name.isVariable(name) ? String(name) : nil
  }
}

/// The keys of one mapping, as the decoder looks them up.
struct Fields {
  let entries: [YAMLEntry]
  let position: Position

  /// A key's value; nil where it is absent, or where nothing is written behind it.
  subscript(name: String) -> YAMLNode? {
    entries.first { $0.key == name && !$0.value.isNull }?.value
  }

  /// Whether a key is there, be it that nothing is written behind it.
  func has(_ name: String) -> Bool { entries.contains { $0.key == name } }

  func keyPosition(_ name: String) -> Position {
    entries.first { $0.key == name }?.keyPosition ?? position
  }
}

extension YAMLNode {
  /// Whether nothing is written, or keys with nothing behind them.
  var saysNothing: Bool {
    if case .mapping(let entries) = kind { return entries.allSatisfy(\.value.isNull) }
    return isNull
  }
}

extension Table {
  /// Where a secret comes from.
  static let secret = Table([
    Key(
      name: "file", shape: .path, about: "A file that holds the secret.", kinds: nil, isRequired: false),
    Key(
      name: "env", shape: .text, about: "The environment variable that holds the secret.", kinds: nil,
      isRequired: false),
  ])
}
