// Puts fragments into a manifest's text, always whole and always in one of three ways: behind the line of a list's or a
// mapping's key, behind a one-line entry, or right behind a bracket. What is there is never written again.

internal import Wire

struct Inserter {
  let text: ManifestText
  let document: ManifestDocument
  /// How far the items of a new list stand from its key: as those of `containers:` do.
  let indent: Int
  private(set) var edits = TextEdits()
  private(set) var problems: [Remark] = []
  /// What goes behind a bracket, collected: how it is written depends on whether something follows.
  private var behindBrackets: [(collection: ManifestNode, texts: [String])] = []

  init(_ pod: Pod) {
    text = pod.text
    document = pod.document
    if let list = pod.spec.child("containers", document)?.node, !list.isFlow, !pod.spec.node.isFlow {
      indent = max(0, list.column - pod.spec.node.column)
    } else {
      indent = 2
    }
  }

  /// The changes, when all is said.
  consuming func finish() -> (TextEdits, [Remark]) {
    for (collection, texts) in behindBrackets { putBehindBracket(of: collection, texts) }
    return (edits, problems)
  }

  // MARK: What is put in

  /// Puts the items of `portion` into the list `key` of `owner`, at `index`.
  ///
  /// - Parameter preferred: the key of `owner` behind whose line a new key goes, where `owner` has no line of its own.
  mutating func put(
    _ portion: Portion, into key: String, of owner: Place, at index: Int = 0,
    behind preferred: String = "name"
  ) {
    if portion.items.isEmpty { return }
    guard let list = owner.child(key, document) else {
      return make(key, portion, in: owner, behind: preferred)
    }
    guard let entry = list.entry, mayEdit(list, key) else { return }
    if case .null = list.node.kind, !owner.node.isFlow {
      putBlock(portion.items(at: owner.node.column + indent), behind: entry.end)
    } else if text.isNull(list.node) {
      refuse(list.node.content, "'\(key)' is null; remove it, or write []")
    } else if let there = list.node.items {
      insert(portion, into: list, there, entry, key, at: min(index, there.count))
    } else {
      refuse(list.node.content, "'\(key)' must be a list")
    }
  }

  /// Adds annotations; `owner` is the mapping that has `metadata`.
  mutating func annotate(_ owner: Place, _ notes: Portions.Notes) {
    guard let metadata = owner.child("metadata", document) else {
      return make("metadata", notes.metadata, in: owner, behind: "kind")
    }
    guard mayEdit(metadata, "metadata") else { return }
    guard let annotations = metadata.child("annotations", document) else {
      return make("annotations", notes.annotations, in: metadata, behind: "name")
    }
    guard mayEdit(annotations, "annotations") else { return }
    for note in notes.each { make(note.key, note.value, in: annotations, behind: "") }
  }

  // MARK: How

  private mutating func insert(
    _ portion: Portion, into list: Place, _ there: [ManifestNode], _ entry: ManifestEntry, _ key: String,
    at index: Int
  ) {
    if list.node.isFlow {
      if index > 0 {
        edits.insert(Array(portion.itemsJSON.map { ", " + $0 }.joined().utf8), at: there[index - 1].end)
      } else {
        collect(list.node, portion.itemsJSON)
      }
      return
    }
    let block = portion.items(at: list.node.column)
    let keyEnd = text.lineEnd(entry.end)
    if index > 0 {
      putBlock(block, behind: there[index - 1].end)
    } else if list.node.content > keyEnd, list.node.start == list.node.content || list.node.start < keyEnd {
      putBlock(block, behind: entry.end)
    } else {
      refuse(
        list.node.start,
        "'\(key)' begins in a way that nothing can be put before; write its items on lines below it")
    }
  }

  /// Adds `key: value` to the mapping `owner`.
  private mutating func make(_ key: String, _ portion: Portion, in owner: Place, behind preferred: String) {
    guard mayEdit(owner, owner.entry?.key ?? key) else { return }
    if owner.node.isFlow {
      var name = ""
      YAMLValue.writeJSON(key, to: &name)
      return collect(owner.node, ["\(name): \(portion.json)"])
    }
    let ownLine = owner.entry.map { text.lineEnd($0.end) }
    if case .null = owner.node.kind, let entry = owner.entry, let column = column(of: entry) {
      return putBlock(portion.entry(key, at: column + 2, indent: indent), behind: entry.end)
    }
    guard let entries = owner.node.entries else {
      return refuse(owner.node.content, "'\(owner.entry?.key ?? key)' must be a mapping")
    }
    let block = portion.entry(key, at: owner.node.column, indent: indent)
    if let entry = owner.entry, let ownLine, !entry.isExplicit, owner.node.content > ownLine,
      owner.node.start == owner.node.content || owner.node.start < ownLine
    {
      return putBlock(block, behind: entry.end)
    }
    // An item of a list, or the whole object: behind an entry that is a line.
    let line =
      entries.first { $0.key == preferred && isOneLine($0) } ?? entries.first { isOneLine($0) }
    if let line {
      putBlock(block, behind: max(line.end, line.value.end))
    } else if let first = entries.first, !first.isExplicit {
      putBlock(block, before: first)
    } else {
      refuse(owner.node.start, "there is no line behind which '\(key)' can be put; write 'name:' on one line")
    }
  }

  private func isOneLine(_ entry: ManifestEntry) -> Bool {
    if entry.isExplicit { return false }
    switch entry.value.kind {
    case .scalar(.literal), .scalar(.folded), .sequence, .mapping: return false
    case .null: return entry.value.start == entry.value.content
    case .scalar, .alias: return text.isOneLine(entry.start..<entry.value.end)
    }
  }

  /// The column of a key that stands first on its line, or behind its item's dash.
  private func column(of entry: ManifestEntry) -> Int? { entry.start - text.lineStart(entry.start) }

  /// Puts whole lines behind the one of `offset`.
  private mutating func putBlock(_ block: [UInt8], behind offset: Int) {
    let end = text.lineEnd(offset)
    edits.insert(broken(block, as: text.lineBreak(end)), at: end)
  }

  /// Puts whole lines before an entry, which may stand on its item's dash: what comes first moves up to it.
  private mutating func putBlock(_ block: [UInt8], before entry: ManifestEntry) {
    let lineBreak = text.lineBreak(text.lineEnd(entry.start))
    let column = entry.start - text.lineStart(entry.start)
    let lines = broken(block, as: lineBreak).dropFirst(lineBreak.count + column)
    edits.insert(lines + lineBreak + Array(repeating: ASCII.space, count: column), at: entry.start)
  }

  /// A portion's lines with the breaks that the text has.
  private func broken(_ block: [UInt8], as lineBreak: [UInt8]) -> [UInt8] {
    if lineBreak == [ASCII.lf] { return block }
    return block.flatMap { $0 == ASCII.lf ? lineBreak : [$0] }
  }

  private mutating func collect(_ collection: ManifestNode, _ texts: [String]) {
    if let index = behindBrackets.firstIndex(where: { $0.collection.content == collection.content }) {
      behindBrackets[index].texts += texts
    } else {
      behindBrackets.append((collection, texts))
    }
  }

  private mutating func putBehindBracket(of collection: ManifestNode, _ texts: [String]) {
    let bracket = collection.content + 1
    guard let first = collection.items?.first?.start ?? collection.entries?.first?.start else {
      return edits.insert(Array(texts.joined(separator: ", ").utf8), at: bracket)
    }
    let gap = text.bytes[bracket..<first]
    let isLaidOut = gap.allSatisfy { $0 == ASCII.space || $0 == ASCII.lf || $0 == ASCII.cr }
    if isLaidOut, gap.contains(where: { $0 == ASCII.lf || $0 == ASCII.cr }) {
      // A line each, as what follows is.
      let lineBreak = text.lineBreak(text.lineEnd(bracket))
      let blanks = text.bytes[text.lineStart(first)..<first]
      let lines = texts.map { lineBreak + blanks + Array($0.utf8) + [ASCII.comma] }
      edits.insert(lines.flatMap { $0 }, at: bracket)
    } else {
      let rest = text.lineEnd(bracket) == bracket ? "," : ", "
      edits.insert(Array((texts.joined(separator: ", ") + rest).utf8), at: bracket)
    }
  }

  // MARK: Refusing

  private mutating func refuse(_ offset: Int, _ message: String) {
    problems.append(Remark(offset: offset, message: message))
  }

  private mutating func mayEdit(_ place: Place, _ name: String) -> Bool {
    guard let obstacle = place.obstacle else { return true }
    var lines = LineCounter(text.bytes)
    let remedy = "expand anchors first: kubectl create --dry-run=client -o yaml -f FILE"
    let offset: Int
    let reason: String
    switch obstacle {
    case .anchor(let anchor, let alias):
      offset = anchor.lowerBound
      let word = String(decoding: text.bytes[anchor], as: UTF8.self)
      reason = "'\(name)' has the anchor \(word), used again in line \(lines.position(alias).line)"
    case .alias(let at):
      offset = at
      reason = "'\(name)' is an alias, and what it stands for is used elsewhere"
    case .merge(let at):
      offset = at
      reason = "'\(name)' takes keys from elsewhere (<<)"
    }
    let message = "\(reason); \(remedy)"
    if !problems.contains(where: { $0.offset == offset }) { refuse(offset, message) }
    return false
  }
}

extension Injection {
  /// Writes this injection and its record into the text.
  func edits(for pod: Pod, version: String, _ portions: Portions) -> (TextEdits, [Remark]) {
    var inserter = Inserter(pod)
    portions.take(settings)
    inserter.put(portions.container, into: list, of: pod.spec, at: index)
    inserter.put(portions.volumes, into: "volumes", of: pod.spec)
    for each in variables {
      let told = (each.list == "containers" ? pod.containers : pod.initContainers)[each.index]
      inserter.put(portions.variables(each.added), into: "env", of: told.place)
    }
    inserter.annotate(pod.template, portions.notes(record(for: pod, version: version), defaultContainer))
    return inserter.finish()
  }
}
