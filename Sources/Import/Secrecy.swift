// What is never printed: secrets that somebody has written into a file, wherever they stand in it.

internal import Config
internal import Detect
internal import Wire

/// The secrets that are written in one file.
struct Secrecy {
  /// In the order in which they were found: a provider's key is named by its place here.
  private(set) var literals: [String] = []
  private var places: [String: Int] = [:]
  /// Shorter texts are words that may stand anywhere.
  private static let least = 5

  /// Collects what stands behind keys that name secrets, and what looks like one wherever it stands.
  init(_ root: YAMLNode) { collect(root, key: "") }

  private mutating func collect(_ node: YAMLNode, key: String) {
    switch node.kind {
    case .null: return
    case .sequence(let nodes): for node in nodes { collect(node, key: key) }
    case .mapping(let entries):
      for entry in entries {
        if Self.looksSecret(entry.key) { _ = index(of: entry.key) }
        collect(entry.value, key: entry.key)
      }
    case .scalar(let text, _):
      guard text.utf8.count >= Self.least, Reference(text).literal != nil else { return }
      if Self.namesSecret(key), !Self.isHarmless(text) {
        add(text)
      } else if Self.looksSecret(text) {
        add(text)
      }
    }
  }

  private mutating func add(_ text: String) {
    _ = index(of: text)
    // `Bearer KEY`: the key alone is one too.
    if let blank = text.lastIndex(of: " ") {
      let rest = text[text.index(after: blank)...]
      if rest.utf8.count >= 8 { _ = index(of: String(rest)) }
    }
  }

  /// The place of a literal secret in the list, which it joins.
  mutating func index(of text: String) -> Int {
    if let index = places[text] { return index }
    places[text] = literals.count
    literals.append(text)
    return literals.count - 1
  }

  /// Whether it is one of them.
  func holds(_ text: String) -> Bool { places[text] != nil }

  /// Whether what stands behind a key of this name is a secret.
  static func namesSecret(_ key: String) -> Bool {
    let name = key.lowercased()
    if name.hasSuffix("_name") || name.hasSuffix("tokens") || name.hasSuffix("_per_token") { return false }
    return ["key", "token", "secret", "password", "auth", "dsn"].contains(where: name.hasSuffix)
      || ["secret", "password", "credential", "authorization", "apikey", "api_key", "private_key", "cookie"]
        .contains {
          name.contains($0)
        }
  }

  /// Whether a text looks like what issuers of credentials make.
  static func looksSecret(_ text: String) -> Bool {
    if text.hasPrefix("sk-"), text.utf8.count >= 8 { return true }
    var findings: [Finding] = []
    PersonalData(Entities(.secret)).scan(Array(text.utf8).span, into: &findings)
    return !findings.isEmpty
  }

  /// Words that stand in a secret's place, paths, numbers and yes or no.
  private static func isHarmless(_ text: String) -> Bool {
    if isPlaceholder(text) || YAMLValue(plain: text) != .string(text) { return true }
    let ends = [".json", ".pem", ".key", ".crt", ".cert", ".txt", ".yaml"]
    if ends.contains(where: text.hasSuffix), !text.hasPrefix("{") { return true }
    return text.hasPrefix("/") && !text.contains("=") && !text.contains("+")
      && text.split(separator: "/").count >= 2
  }

  /// What people write where a key is asked for and none is needed.
  static func isPlaceholder(_ text: String) -> Bool {
    let words: Set = [
      "none", "dummy", "empty", "fake", "fake-key", "fake_key", "test", "null", "na", "n/a", "no-key",
      "nokey", "not-needed",
      "not-required", "anything", "any", "sk-1234", "sk-xxx", "xxx", "placeholder", "key", "passthrough",
      "password", "token", "local", "lm-studio",
    ]
    let word = text.lowercased()
    // `api_key: ollama`: clients want one, and the server at hand doesn't.
    return words.contains(word) || ProviderKind(rawValue: word) != nil || Vendor.liteLLM(word) != nil
  }

  /// A key of the file as a message may show it.
  static func shownKey(_ key: String) -> String {
    let isPlain = key.utf8.allSatisfy {
      ASCII.isNameByte($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "*")
        || $0 == UInt8(ascii: "/")
    }
    return isPlain && (1...48).contains(key.utf8.count) && !looksSecret(key) ? key : "…"
  }

  /// What takes every secret that was found out of texts: the last net, for what stands twice in a file.
  var cleaner: Cleaner {
    Cleaner(literals.filter { $0.utf8.count >= Self.least && !Self.isPlaceholder($0) })
  }
}

/// Takes secrets out of texts, however many there are, in one pass.
struct Cleaner {
  /// Bytes by which one is found; none is shorter.
  private static let stem = 5
  /// Those that begin alike, the longest first.
  private var secrets: [[UInt8]: [[UInt8]]] = [:]

  fileprivate init(_ literals: [String]) {
    for literal in literals.map({ Array($0.utf8) }).sorted(by: { $0.count > $1.count }) {
      secrets[Array(literal.prefix(Self.stem)), default: []].append(literal)
    }
  }

  func clean(_ text: String) -> String {
    if secrets.isEmpty { return text }
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var (kept, at) = (0, 0)
    while at + Self.stem <= bytes.count {
      let stem = Array(bytes[at..<at + Self.stem])
      guard let found = secrets[stem]?.first(where: { Self.stands($0, in: bytes, at: at) }) else {
        at += 1
        continue
      }
      result += bytes[kept..<at]
      result += "REDACTED".utf8
      at += found.count
      kept = at
    }
    return String(decoding: result + bytes[kept...], as: UTF8.self)
  }

  private static func stands(_ secret: [UInt8], in bytes: [UInt8], at place: Int) -> Bool {
    let end = place + secret.count
    guard end <= bytes.count, bytes[place..<end].elementsEqual(secret) else { return false }
    // A word of lower-case letters may be a part of another that has nothing to do with it.
    guard secret.allSatisfy({ isLetter($0) }) else { return true }
    return !(place > 0 && isJoined(bytes[place - 1])) && !(end < bytes.count && isJoined(bytes[end]))
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    byte &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "_")
  }

  private static func isJoined(_ byte: UInt8) -> Bool {
    ASCII.isNameByte(byte) || byte == UInt8(ascii: "_")
  }
}

/// A value that may name a variable: `os.environ/NAME`, `$NAME`, `${NAME}`.
enum Reference: Equatable {
  case variable(String)
  case literal(String)

  init(_ text: String) {
    var name = text[...]
    if name.hasPrefix("os.environ/") {
      name = name.dropFirst("os.environ/".count)
    } else if name.hasPrefix("${"), name.hasSuffix("}") {
      name = name.dropFirst(2).dropLast()
    } else if name.hasPrefix("$") {
      name = name.dropFirst()
    } else {
      self = .literal(text)
      return
    }
    // A password may begin with a dollar sign too: only what is written as variables are is one.
    let isMeant = text.hasPrefix("os.environ/") || !name.utf8.contains { $0 &- UInt8(ascii: "a") < 26 }
    self = isMeant && Self.isVariable(name) ? .variable(String(name)) : .literal(text)
  }

  var literal: String? { if case .literal(let text) = self { text } else { nil } }

  private static func isVariable(_ name: Substring) -> Bool {
    guard let first = name.utf8.first, !ASCII.isDigit(first), name.utf8.count <= 128 else { return false }
    return name.utf8.allSatisfy {
      ASCII.lower($0) &- UInt8(ascii: "a") < 26 || ASCII.isDigit($0) || $0 == UInt8(ascii: "_")
    }
  }
}
