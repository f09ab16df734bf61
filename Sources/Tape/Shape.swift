// What an answer is made of, whatever it says: a model answers differently each time, but in the same members.

internal import Wire

/// The members of an answer and their kinds, by which two answers to one request are compared.
package struct TapeShape {
  /// Differences of an answer that are told.
  private static let ceiling = 8

  /// The kinds of value at each place; none where it was only ever null, or a list without items.
  private var kinds: [String: Set<String>] = [:]
  /// In the order in which they came.
  private var places: [String] = []

  private init(_ body: TapeAnswer.Body) {
    switch body {
    case .none: break
    case .json(let tree): gather(tree, "")
    case .raw: note("a body that is no JSON", "text")
    case .events(let events): for event in events { gather(event) }
    }
  }

  /// Where an answer now is made otherwise than it was.
  ///
  /// - Returns: what breaks readers of the old one (another status or form, members that aren't there any more or are
  ///   of another kind), and what is new.
  package static func drift(from old: TapeAnswer, to new: TapeAnswer) -> (broken: [String], new: [String]) {
    if old.status != new.status { return (["status \(old.status) became \(new.status)\(new.errorName)"], []) }
    let types = [old, new].map { answer in
      answer.headers.first { $0.name == "content-type" }?.value.prefix { $0 != ";" }.lowercased() ?? "none"
    }
    if types[0] != types[1] { return (["content-type \(types[0]) became \(types[1])"], []) }
    let (before, after) = (TapeShape(old.body), TapeShape(new.body))
    return (Self.few(before.broken(in: after)), Self.few(after.places.filter { before.kinds[$0] == nil }))
  }

  private static func few(_ all: [String]) -> [String] {
    all.count > ceiling ? all.prefix(ceiling) + ["and \(all.count - ceiling) more"] : all
  }

  private func broken(in other: TapeShape) -> [String] {
    var broken: [String] = []
    var gone: [String] = []
    for place in places where !gone.contains(where: { place.hasPrefix($0 + "/") }) {
      guard let now = other.kinds[place] else {
        // Nothing can be said of what was in an object or a list that is empty this time.
        if let parent = other.kinds[Self.parent(of: place)], parent.isDisjoint(with: ["object", "list"]) {
          continue
        }
        gone.append(place)
        broken.append("\(place) isn't there any more")
        continue
      }
      let was = kinds[place] ?? []
      if !was.isEmpty, !now.isEmpty, was.isDisjoint(with: now) {
        broken.append(
          "\(place): \(was.sorted().joined(separator: " or ")) became \(now.sorted().joined(separator: " or "))"
        )
      }
    }
    return broken
  }

  private static func parent(of place: String) -> String {
    place.lastIndex(of: "/").map { String(place[..<$0]) } ?? ""
  }

  private mutating func gather(_ event: TapeEvent) {
    switch event.data {
    case .text(let text): note(text == "[DONE]" ? "event [DONE]" : "event of text", "text")
    case .json(let tree):
      let said = event.name.isEmpty ? tree["type"]?.string ?? tree["object"]?.string ?? "" : event.name
      gather(tree, "event \(Shown.text(said.isEmpty ? "without a name" : said, ceiling: 60))")
    }
  }

  private mutating func gather(_ tree: JSONTree, _ place: String) {
    switch tree {
    case .literal(let token):
      switch token.first {
      case UInt8(ascii: "n"): note(place, nil)
      case UInt8(ascii: "t"), UInt8(ascii: "f"): note(place, "boolean")
      default: note(place, "number")
      }
    case .text: note(place, "text")
    case .array(let items):
      note(place, items.isEmpty ? nil : "list")
      for item in items { gather(item, place + "/*") }
    case .object(let members):
      note(place, members.isEmpty ? nil : "object")
      for member in members { gather(member.value, place + "/" + Shown.text(member.key, ceiling: 60)) }
    }
  }

  private mutating func note(_ place: String, _ kind: String?) {
    if kinds[place] == nil {
      kinds[place] = []
      places.append(place)
    }
    if let kind { kinds[place]?.insert(kind) }
  }
}

extension TapeAnswer {
  /// What its error is called, in brackets; empty where it has none.
  fileprivate var errorName: String {
    guard case .json(let tree) = body, let error = tree["error"],
      let name = error["code"]?.string ?? error["type"]?.string
    else { return "" }
    return " (\(Shown.text(name, ceiling: 60)))"
  }
}

extension TapeRecording {
  /// The body to ask with once more; nil where it isn't kept, only what tells it apart.
  package var bodyToAsk: [UInt8]? {
    if request["parts"] != nil || request["raw_sha256"] != nil { return nil }
    guard let body = request["body"] else { return [] }
    return body.isShortened ? nil : body.compact
  }

  package var method: String { request["method"]?.string ?? "POST" }
}

extension JSONTree {
  /// Whether a long text in it is kept as its hash alone.
  fileprivate var isShortened: Bool {
    switch self {
    case .literal, .text: false
    case .array(let items): items.contains(where: \.isShortened)
    case .object(let members):
      members.contains { $0.key == "$sha256" } || members.contains { $0.value.isShortened }
    }
  }
}
