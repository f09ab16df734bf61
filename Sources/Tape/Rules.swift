// What tells requests apart, and what doesn't: one function for the side that records and the side that replays.

internal import Config
internal import Detect
internal import Wire

/// Why a rule can't be used.
package struct TapeFault: Error {
  package let message: String
  package init(_ message: String) { self.message = message }
}

/// What of a request is left out of its key, and what of its texts is taken for the same.
package struct TapeRules: Sendable {
  /// JSON pointers (RFC 6901), in parts; `*` is any part.
  private var ignored: [[String]] = []
  /// Headers that don't count.
  private var headers: Set<String> = []
  private var pointers: [String] = []
  private var replacements: [(patterns: PatternSet, text: [UInt8])] = []
  private var names: [String] = []

  /// Beside what is asked: who asks, and what is for the proxy alone.
  private static let alwaysIgnored: Set = [
    "user", "safety_identifier", "prompt_cache_key", "metadata", "fallback_models", "customer_identifier",
    "thread_identifier", "group_identifier",
  ]

  private static let known = [
    "uuid": "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    "time":
      "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?|[0-9]{2}:[0-9]{2}:[0-9]{2}|1[0-9]{9}",
    "path": "(/[A-Za-z0-9_.@+-]{1,255}){2,64}",
  ]

  /// - Parameters:
  ///   - ignore: JSON pointers, and names of headers that count otherwise.
  ///   - normalize: `uuid`, `time`, `path`, or `RE=TEXT` in RE2's syntax.
  package init(ignore: [String] = [], normalize: [String] = []) throws(TapeFault) {
    for pointer in ignore {
      if TapeRequest.telling.contains(pointer.lowercased()) {
        headers.insert(pointer.lowercased())
        continue
      }
      guard pointer.hasPrefix("/") else {
        throw TapeFault(
          "--ignore '\(Shown.text(pointer))' is no JSON pointer, such as /metadata/run, and none of the headers that count, \(TapeRequest.telling.joined(separator: " and "))"
        )
      }
      let parts = pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
      ignored.append(parts.map { String($0).replacing("~1", with: "/").replacing("~0", with: "~") })
    }
    pointers = ignore
    for name in normalize {
      let pattern: String
      let text: String
      if let known = Self.known[name] {
        (pattern, text) = (known, "<\(name)>")
      } else if let equals = name.lastIndex(of: "="), equals > name.startIndex {
        (pattern, text) = (String(name[..<equals]), String(name[name.index(after: equals)...]))
      } else {
        throw TapeFault("--normalize '\(Shown.text(name))' is none of uuid, time, path or RE=TEXT")
      }
      do throws(PatternFault) { replacements.append((try PatternSet([pattern]), Array(text.utf8))) } catch {
        throw TapeFault("--normalize '\(Shown.text(name))': \(error.message)")
      }
    }
    names = normalize
  }

  /// No rules beside those that always hold.
  init(nothing: ()) {}

  // MARK: On the disk

  package static let fileName = "remora-recording.json"

  package var isEmpty: Bool { pointers.isEmpty && names.isEmpty }

  package var file: [UInt8] {
    var out: [UInt8] = []
    JSONTree.object([
      .init("remora", JSONTree(1)), .init("ignore", .array(pointers.map { JSONTree($0) })),
      .init("normalize", .array(names.map { JSONTree($0) })),
    ]).pretty(into: &out)
    return out + [ASCII.lf]
  }

  package init(file: [UInt8]) throws(TapeFault) {
    guard let tree = JSONTree.parse(file) else { throw TapeFault("\(Self.fileName) is no JSON") }
    try self.init(
      ignore: tree["ignore"]?.items.compactMap(\.string) ?? [],
      normalize: tree["normalize"]?.items.compactMap(\.string) ?? [])
  }

  // MARK: Keys

  func counts(header name: String) -> Bool {
    TapeRequest.telling.contains(name) && !headers.contains(name)
  }

  /// The same with one more normaliser; nil where it is there already.
  func with(_ name: String) -> TapeRules? {
    names.contains(name) ? nil : try? TapeRules(ignore: pointers, normalize: names + [name])
  }

  /// As `--normalize` takes them.
  var normalizers: String { names.joined(separator: ",") }

  func isIgnored(_ path: [String]) -> Bool {
    if path.count == 1, Self.alwaysIgnored.contains(path[0]) { return true }
    return ignored.contains { rule in
      rule.count == path.count && zip(rule, path).allSatisfy { $0 == "*" || $0 == $1 }
    }
  }

  func normalized(_ text: String) -> String {
    if replacements.isEmpty { return text }
    var bytes = Array(text.utf8)
    for (patterns, replacement) in replacements {
      var ranges: [Range<Int>] = []
      patterns.scan(bytes.span) { range, _ in ranges.append(range) }
      for range in ranges.reversed() { bytes.replaceSubrange(range, with: replacement) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A text that is the same for all requests with one meaning: members sorted, texts decoded, numbers as written.
  func canonical(_ tree: JSONTree, _ path: [String] = []) -> String {
    switch tree {
    case .literal(let token): return String(decoding: token, as: UTF8.self)
    case .text(let token):
      return String(decoding: JSONTree.quoted(normalized(JSONTree.decoded(token))), as: UTF8.self)
    case .array(let items):
      let parts = items.enumerated().map { canonical($1, path + [String($0)]) }
      return "[" + parts.joined(separator: ",") + "]"
    case .object(let members):
      let kept = members.map { ($0.key, $0.value) }.filter { !isIgnored(path + [$0.0]) }.sorted {
        $0.0 < $1.0
      }
      let parts = kept.map {
        String(decoding: JSONTree.quoted($0), as: UTF8.self) + ":" + canonical($1, path + [$0])
      }
      return "{" + parts.joined(separator: ",") + "}"
    }
  }
}

package enum Fingerprint {
  /// SHA-256 in 64 hexadecimal digits.
  package static func of(_ bytes: [UInt8]) -> String {
    var hash = SHA256()
    hash.append(bytes.span)
    let digest = hash.finish()
    var text = ""
    for at in 0..<32 {
      let byte = String(digest[at], radix: 16)
      text += byte.utf8.count == 1 ? "0" + byte : byte
    }
    return text
  }
}
