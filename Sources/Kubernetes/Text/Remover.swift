// Takes out of a manifest's text what inject has put in: in text that inject wrote, to the byte; in what a cluster gives
// back, whatever its order and layout.

internal import Wire

struct Remover {
  let text: ManifestText
  private(set) var edits = TextEdits()

  init(_ text: ManifestText) { self.text = text }

  /// Takes items out of a list.
  mutating func remove(_ indices: [Int], from list: ManifestNode) {
    guard let items = list.items, !indices.isEmpty else { return }
    if list.isFlow { return removeFlow(Set(indices), items.map { $0.start..<$0.end }, of: list) }
    for index in indices where items.indices.contains(index) {
      let dash = dash(index, of: list, items)
      let start = text.lineStart(dash)
      edits.remove(start - text.breakBefore(start)..<text.lineEnd(max(dash, items[index].end)))
    }
  }

  /// Takes keys out of a mapping.
  mutating func remove(_ keys: [String], from mapping: ManifestNode) {
    guard let entries = mapping.entries else { return }
    let indices = entries.indices.filter { keys.contains(entries[$0].key) }
    if indices.isEmpty { return }
    if mapping.isFlow {
      return removeFlow(
        Set(indices), entries.map { $0.start..<max($0.end, $0.value.end) }, of: mapping)
    }
    for index in indices {
      let entry = entries[index]
      if index == 0, !text.beginsLine(entry.start) {
        // It stands on its item's dash: the first one that stays moves up to it.
        let next = entries.indices.first { !indices.contains($0) }.map { entries[$0].start }
        edits.remove(entry.start..<(next ?? text.lineEnd(max(entry.end, entry.value.end))))
        if next == nil { edits.insert(Array("{}".utf8), at: entry.start) }
      } else if let next = entries.first, next.start > entry.start || !text.beginsLine(entry.start) {
        continue
      } else {
        let start = text.lineStart(entry.start)
        edits.remove(start - text.breakBefore(start)..<text.lineEnd(max(entry.end, entry.value.end)))
      }
    }
  }

  /// The offset of an item's dash.
  private func dash(_ index: Int, of list: ManifestNode, _ items: [ManifestNode]) -> Int {
    if index == 0 { return list.content }
    var line = text.lineEnd(items[index - 1].end)
    while line < text.bytes.count {
      let start = line + (text.lineBreak(line).count)
      let dash = start + list.column
      let end = text.lineEnd(start)
      if dash < end, text.bytes[dash] == UInt8(ascii: "-"), text.beginsLine(dash) { return dash }
      line = end
    }
    return items[index].start
  }

  /// Takes elements out from between brackets, each with the comma that it brought.
  private mutating func removeFlow(_ indices: Set<Int>, _ ranges: [Range<Int>], of collection: ManifestNode) {
    let leading = ranges.indices.first { !indices.contains($0) } ?? ranges.count
    let bracket = collection.content + 1
    if leading == ranges.count, let first = ranges.first, let last = ranges.last {
      edits.remove(first.lowerBound..<last.upperBound)
      return
    }
    if leading > 0, let first = ranges.first {
      var comma = ranges[leading - 1].upperBound
      while comma < ranges[leading].lowerBound, text.bytes[comma] != ASCII.comma { comma += 1 }
      if first.lowerBound == bracket {
        // Behind the bracket, with a comma and a blank.
        let hasBlank = comma + 1 < text.bytes.count && text.bytes[comma + 1] == ASCII.space
        edits.remove(bracket..<comma + (hasBlank ? 2 : 1))
      } else {
        edits.remove(bracket..<comma + 1)
      }
    }
    for index in indices where index > leading {
      edits.remove(ranges[index - 1].upperBound..<ranges[index].upperBound)
    }
  }
}

extension Pod {
  /// The changes that take an earlier injection back.
  func removal(_ record: InjectionRecord) -> TextEdits {
    var remover = Remover(text)
    var emptied: [String] = []
    for list in ["initContainers", "containers"] {
      take(list, from: spec, record, &remover, &emptied) { text.text($0["name"]) == Mark.sidecar }
    }
    take("volumes", from: spec, record, &remover, &emptied) {
      [Mark.configVolume, Mark.secretsVolume].contains(text.text($0["name"]))
    }
    remover.remove(emptied, from: spec.node)
    for container in all where container.name != Mark.sidecar {
      guard let names = record.variables.first(where: { $0.container == container.name })?.names else {
        continue
      }
      var emptied: [String] = []
      take("env", from: container.place, record, &remover, &emptied, made: "env.\(container.name)") {
        text.text($0["name"]).map(names.contains) ?? false
      }
      remover.remove(emptied, from: container.place.node)
    }
    removeNotes(record, &remover)
    return remover.edits
  }

  /// Takes the items that are `ours` out of a list, or puts its key into `emptied` if inject made it and nobody has
  /// added to it.
  private func take(
    _ key: String, from owner: Place, _ record: InjectionRecord, _ remover: inout Remover,
    _ emptied: inout [String],
    made: String? = nil, _ ours: (ManifestNode) -> Bool
  ) {
    guard let list = owner.child(key, document), let items = list.node.items else { return }
    let indices = items.indices.filter { ours(items[$0].target) }
    if indices.isEmpty { return }
    if indices.count == items.count, record.made.contains(made ?? key) {
      emptied.append(key)
    } else {
      remover.remove(indices, from: list.node)
    }
  }

  private func removeNotes(_ record: InjectionRecord, _ remover: inout Remover) {
    guard let metadata = template.child("metadata", document)?.node, let annotations = annotations else {
      return
    }
    let ours = [Mark.injected] + record.annotations
    let others = annotations.entries?.contains { !ours.contains($0.key) } ?? false
    if others || !record.made.contains("annotations") {
      remover.remove(ours, from: annotations)
    } else if record.made.contains("metadata"), metadata.entries?.count == 1 {
      remover.remove(["metadata"], from: template.node)
    } else {
      remover.remove(["annotations"], from: metadata)
    }
  }
}
