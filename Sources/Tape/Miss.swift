// Why nothing was found for a request: which recording is nearest, and where it differs.

internal import Wire

struct TapeMiss {
  private let request: TapeRequest
  private let key: String
  private let candidates: [TapeRecording]
  private let rules: TapeRules

  /// Differences that are said, and characters of each side.
  private static let mostDifferences = 5
  private static let width = 60

  init(_ request: TapeRequest, _ key: String, _ candidates: [TapeRecording], _ rules: TapeRules) {
    self.request = request
    self.key = key
    self.candidates = candidates
    self.rules = rules
  }

  var sentence: String {
    let what =
      "no recording of \(request.method) \(Shown.text(request.path, ceiling: 120)) (key \(key.prefix(12)))"
    if candidates.isEmpty {
      return what + "; none of this path is there: record it, or record again with --missing"
    }
    guard case .json(let asked) = request.body else {
      return what + "; \(candidates.count) of this path were looked at, none has this body"
    }
    let leaves = self.leaves(asked, request.tree)
    var best: (recording: TapeRecording, share: Double)?
    for candidate in candidates {
      guard let body = candidate.request["body"] else { continue }
      let share = likeness(leaves, self.leaves(body, candidate.request))
      if share > best?.share ?? 0 { best = (candidate, share) }
    }
    let looked = "\(candidates.count) of this path \(candidates.count == 1 ? "was" : "were") looked at"
    guard let best, best.share >= 0.5, let body = best.recording.request["body"] else {
      return "\(what); \(looked), none is near"
    }
    let differences = differences(self.leaves(body, best.recording.request), leaves)
    return "\(what); \(looked), the nearest is \(best.recording.file): \(differences.joined(separator: "; "))"
      + hint(body, asked)
  }

  /// What a body says, by the pointer to each value, and the headers that count; what doesn't is left out.
  private func leaves(_ body: JSONTree, _ request: JSONTree) -> [(pointer: String, value: String)] {
    var leaves: [(String, String)] = []
    for header in request["headers"]?.members ?? [] where rules.counts(header: header.key) {
      leaves.append(("the header \(header.key)", "\"\(header.value.string ?? "")\""))
    }
    gather(body, [], into: &leaves)
    return leaves
  }

  private func gather(_ tree: JSONTree, _ path: [String], into leaves: inout [(String, String)]) {
    func pointer() -> String { "/" + path.joined(separator: "/") }
    switch tree {
    case .literal(let token): leaves.append((pointer(), String(decoding: token, as: UTF8.self)))
    case .text(let token): leaves.append((pointer(), "\"" + rules.normalized(JSONTree.decoded(token)) + "\""))
    case .array(let items):
      if items.isEmpty { leaves.append((pointer(), "[]")) }
      for (index, item) in items.enumerated() { gather(item, path + [String(index)], into: &leaves) }
    case .object(let members):
      if members.isEmpty { leaves.append((pointer(), "{}")) }
      for member in members where !rules.isIgnored(path + [member.key]) {
        gather(member.value, path + [member.key], into: &leaves)
      }
    }
  }

  /// The share of values that are the same; what the user said last counts double.
  private func likeness(
    _ left: [(pointer: String, value: String)], _ right: [(pointer: String, value: String)]
  ) -> Double {
    let known = Dictionary(right, uniquingKeysWith: { first, _ in first })
    let last = left.last { $0.pointer.hasPrefix("/messages/") && $0.pointer.hasSuffix("/content") }?.pointer
    var (same, all) = (0.0, 0.0)
    for (pointer, value) in left {
      let weight = pointer == last ? 2.0 : 1.0
      all += weight
      if let other = known[pointer] {
        same += other == value ? weight : weight * Self.closeness(value, other)
      }
    }
    let pointers = Set(left.map(\.pointer))
    all += Double(right.filter { !pointers.contains($0.pointer) }.count)
    return all == 0 ? 0 : same / all
  }

  /// How much of two texts is the same at their ends.
  private static func closeness(_ left: String, _ right: String) -> Double {
    let (a, b) = (Array(left.utf8), Array(right.utf8))
    let prefix = zip(a, b).prefix { $0 == $1 }.count
    let rest = min(a.count, b.count) - prefix
    let suffix = min(rest, zip(a.reversed(), b.reversed()).prefix { $0 == $1 }.count)
    return Double(prefix + suffix) / Double(max(a.count, b.count, 1)) * 0.9
  }

  private func differences(
    _ before: [(pointer: String, value: String)], _ after: [(pointer: String, value: String)]
  ) -> [String] {
    let old = Dictionary(before, uniquingKeysWith: { first, _ in first })
    let new = Dictionary(after, uniquingKeysWith: { first, _ in first })
    var lines: [String] = []
    for (pointer, value) in after where old[pointer] != value {
      if let other = old[pointer] {
        let (from, to) = Self.cut(other, value)
        lines.append("\(Shown.text(pointer)): \(from) became \(to)")
      } else {
        lines.append("\(Shown.text(pointer)): new, \(Shown.text(value, ceiling: Self.width))")
      }
    }
    for (pointer, _) in before where new[pointer] == nil {
      lines.append("\(Shown.text(pointer)): is missing")
    }
    if lines.count > Self.mostDifferences {
      let more = lines.count - Self.mostDifferences
      lines = Array(lines.prefix(Self.mostDifferences)) + ["and \(more) more"]
    }
    return lines
  }

  /// The two around the first place where they differ.
  private static func cut(_ left: String, _ right: String) -> (String, String) {
    let (a, b) = (Array(left), Array(right))
    let same = zip(a, b).prefix { $0 == $1 }.count
    func part(_ text: [Character]) -> String {
      let start = max(0, same - 12)
      let end = min(text.count, start + width)
      return Shown.text(
        (start > 0 ? "…" : "") + String(text[start..<max(start, end)]) + (end < text.count ? "…" : ""),
        ceiling: width + 2)
    }
    return (part(a), part(b))
  }

  /// A normaliser under which the two would be one.
  private func hint(_ recorded: JSONTree, _ asked: JSONTree) -> String {
    // Where the bodies are the same already, something else tells them apart.
    if rules.canonical(recorded) == rules.canonical(asked) { return "" }
    for name in ["time", "uuid", "path"] {
      guard let rules = self.rules.with(name) else { continue }
      if rules.canonical(recorded) == rules.canonical(asked) {
        return "; record with --normalize \(rules.normalizers) to take them for the same"
      }
    }
    return ""
  }
}
