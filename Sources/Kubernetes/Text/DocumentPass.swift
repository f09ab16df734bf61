// One document's way through: read it if it can hold a pod, judge each of its objects, change the text.

internal import Wire

struct DocumentPass {
  private let order: InjectionOrder
  private let text: ManifestText
  private let part: ManifestPart
  private let portions: Portions
  private(set) var lines: [InjectionReport.Line] = []
  private(set) var errors: [Remark] = []
  private(set) var warnings: [Remark] = []
  private(set) var search = ContainerSearch<Remark>()

  /// What is to be done to one object.
  private enum Decision {
    case nothing(InjectionReport.Fate, String)
    case refuse([Remark])
    case inject(Pod, Injection, [Remark])
  }

  init(
    _ order: InjectionOrder, _ text: ManifestText, _ part: ManifestPart, _ portions: Portions
  ) {
    self.order = order
    self.portions = portions
    self.text = text
    self.part = part
  }

  /// The document as it is to be.
  mutating func run() -> [UInt8] {
    let outline = ManifestOutline(text.bytes, part.content)
    guard let document = read(outline) else { return Array(text.bytes[part.range]) }
    let objects = ManifestObject.all(document, text)
    if objects.isEmpty { leave(outline) }
    if order.uninjects { return uninject(document, objects) }
    // Most documents have never been injected: their pods are looked at once.
    if ManifestOutline.contains(text.bytes, part.content, "remora.dev/injected") {
      let isRecorded = objects.map { Self.pod(of: $0, document, text)?.record != nil }
      if isRecorded.contains(true) { return injectAgain(document, objects, isRecorded) }
    }
    return inject(document, objects, text, part.range) { $0 }
  }

  private mutating func read(_ outline: ManifestOutline) -> ManifestDocument? {
    if outline.reading == .no {
      leave(outline)
      return nil
    }
    do throws(ManifestFault) { return try ManifestReader.read(text.bytes, part.content) } catch {
      if outline.reading == .ifPossible {
        leave(outline)
      } else {
        let line = text.lineStart(error.offset)..<min(error.offset + 1, text.bytes.count)
        let isTemplate = ManifestOutline.contains(text.bytes, line, "{{")
        let hint = isTemplate ? "; is this a template? render it first: helm template" : ""
        errors.append(Remark(offset: error.offset, message: error.message + hint))
      }
      return nil
    }
  }

  private mutating func leave(_ outline: ManifestOutline) {
    guard let kind = outline.kind, !kind.isEmpty else { return }
    let name = outline.name.map { "/" + Shown.text($0, ceiling: 253) } ?? ""
    lines.append(.init(fate: .left, object: Shown.text(kind) + name, detail: ""))
  }

  private mutating func say(_ fate: InjectionReport.Fate, _ object: ManifestObject, _ detail: String) {
    lines.append(.init(fate: fate, object: object.title, detail: detail))
  }

  private static func pod(of object: ManifestObject, _ document: ManifestDocument, _ text: ManifestText)
    -> Pod?
  {
    let path = Workload.path(object.kind) ?? Workload.otherPath
    return Pod(object.place.child(path, document), document, text)
  }

  // MARK: Taking back

  private mutating func uninject(_ document: ManifestDocument, _ objects: [ManifestObject]) -> [UInt8] {
    var edits = TextEdits()
    for object in objects {
      guard let pod = Self.pod(of: object, document, text) else {
        say(.left, object, "")
        continue
      }
      if let record = pod.record {
        edits.append(pod.removal(record))
        say(.uninjected, object, "")
      } else {
        say(.left, object, pod.mark == nil ? "not injected" : "what put Remora in has left no record")
      }
    }
    return edits.apply(to: text.bytes, part.range)
  }

  // MARK: Putting in

  /// Injects what isn't `done`; `original` says where in the stream's text a remark belongs.
  private mutating func inject(
    _ document: ManifestDocument, _ objects: [ManifestObject], _ text: ManifestText, _ range: Range<Int>,
    done: Set<Int> = [], _ original: (Int) -> Int
  ) -> [UInt8] {
    var all = TextEdits()
    for (index, object) in objects.enumerated() where !done.contains(index) {
      switch decide(object, document, text) {
      case .nothing(let fate, let detail): say(fate, object, detail)
      case .refuse(let remarks):
        errors += remarks.map { Remark(offset: original($0.offset), message: $0.message) }
      case .inject(let pod, let injection, let remarks):
        let (edits, problems) = injection.edits(for: pod, version: order.version, portions)
        errors += problems.map {
          Remark(offset: original($0.offset), message: "\(object.title): \($0.message)")
        }
        warnings += remarks.map {
          Remark(offset: original($0.offset), message: "\(object.title): \($0.message)")
        }
        all.append(edits)
        look(in: pod, object, original)
        say(.injected, object, injection.variables.map(\.container).joined(separator: ", "))
      }
    }
    return all.apply(to: text.bytes, range)
  }

  /// Looks for the containers that the caller has named.
  private mutating func look(in pod: Pod, _ object: ManifestObject, _ original: (Int) -> Int) {
    guard let names = order.settings.containers, pod.annotations?[Mark.containers] == nil else { return }
    for name in names {
      guard let remark = pod.absence(of: name) else {
        search.found.insert(name)
        continue
      }
      let message = "\(object.title): \(remark.message)"
      search.missed.append((name, Remark(offset: original(remark.offset), message: message)))
    }
  }

  /// A document that holds what was injected before: what would come out the same stays as it is, the rest is taken
  /// back and put in anew.
  private mutating func injectAgain(
    _ document: ManifestDocument, _ objects: [ManifestObject], _ isRecorded: [Bool]
  ) -> [UInt8] {
    var kept = Set<Int>()
    if let (bare, bareDocument) = without(document, objects, { isRecorded[$0] }) {
      let bareObjects = ManifestObject.all(bareDocument, bare)
      for index in objects.indices where isRecorded[index] && bareObjects.indices.contains(index) {
        guard let pod = Self.pod(of: objects[index], document, text) else { continue }
        switch decide(bareObjects[index], bareDocument, bare) {
        case .inject(_, let injection, _):
          guard pod.holds(injection) else { continue }
          look(in: pod, objects[index]) { $0 }
          say(.kept, objects[index], "")
        case .nothing(_, let detail):
          say(.skipped, objects[index], detail + "; --uninject takes Remora out of it")
        case .refuse: continue
        }
        kept.insert(index)
      }
    }
    guard let (bare, bareDocument) = without(document, objects, { isRecorded[$0] && !kept.contains($0) })
    else {
      let message = "what was injected before can't be taken back; run remora inject --uninject"
      errors.append(Remark(offset: part.content.lowerBound, message: message))
      return []
    }
    let bareObjects = ManifestObject.all(bareDocument, bare)
    let start = part.content.lowerBound
    let limit = part.content.upperBound
    return inject(bareDocument, bareObjects, bare, 0..<bare.bytes.count, done: kept) {
      min(start + $0, limit)
    }
  }

  /// The document alone, without what was injected into the `chosen` objects.
  private func without(
    _ document: ManifestDocument, _ objects: [ManifestObject], _ chosen: (Int) -> Bool
  ) -> (ManifestText, ManifestDocument)? {
    var edits = TextEdits()
    for (index, object) in objects.enumerated() where chosen(index) {
      guard let pod = Self.pod(of: object, document, text), let record = pod.record else { continue }
      edits.append(pod.removal(record))
    }
    let bytes = edits.apply(to: text.bytes, part.range)
    // What stands before the content, such as a marker, is as it was.
    let start = part.content.lowerBound - part.range.lowerBound
    let behind = part.range.upperBound - part.content.upperBound
    guard start <= bytes.count - behind,
      let read = try? ManifestReader.read(bytes, start..<bytes.count - behind)
    else { return nil }
    return (ManifestText(bytes), read)
  }

  // MARK: Deciding

  private func decide(_ object: ManifestObject, _ document: ManifestDocument, _ text: ManifestText)
    -> Decision
  {
    let isKnown = Workload.path(object.kind) != nil
    guard let pod = Self.pod(of: object, document, text) else {
      return .nothing(.left, isKnown ? "no containers" : "")
    }
    // Of kinds that aren't known, only the pod's template counts.
    let (wish, remarks) = pod.wish(of: isKnown ? object.place.node : pod.template.node)
    if !remarks.isEmpty { return .refuse(remarks) }
    if !isKnown, wish != .yes {
      return .nothing(.left, #"an unknown kind: \#(Mark.inject): "true" on its pod template would inject it"#)
    }
    if wish == .no { return .nothing(.skipped, #"\#(Mark.inject) is "false""#) }
    if order.isOptIn, wish != .yes {
      let slip = pod.slip(around: object.place.node).map { ": \($0)" } ?? ""
      return .nothing(.left, "doesn't ask" + slip)
    }
    if let owner = owner(of: object, text) {
      return .nothing(.skipped, "\(owner) makes it: inject that instead")
    }
    let circumstances = Circumstances(kind: object.kind, title: object.title)
    let (verdict, warnings) = pod.judge(order.settings, circumstances)
    switch verdict {
    case .skip(let reason, _) where wish == .yes:
      return .refuse([
        Remark(offset: object.place.node.start, message: "\(object.title) asks for Remora: \(reason)")
      ])
    case .skip(let reason, _): return .nothing(.skipped, reason)
    case .present: return .nothing(.kept, "Remora is there, put in by other means")
    case .refuse(let remarks): return .refuse(remarks)
    case .inject(let injection):
      let claims = takenClaims(object, text)
      if !claims.isEmpty { return .refuse(claims) }
      return .inject(pod, injection, warnings + remarksOnObject(object, text))
    }
  }

  /// Claims of a StatefulSet with a name of ours: they take the place of the template's volumes.
  private func takenClaims(_ object: ManifestObject, _ text: ManifestText) -> [Remark] {
    (object.place.node.at("spec", "volumeClaimTemplates")?.list ?? []).compactMap { claim in
      guard let name = text.text(claim.at("metadata", "name")),
        name == Mark.configVolume || name == Mark.secretsVolume
      else { return nil }
      return Remark(offset: claim.start, message: "the volume \(name) is there already; rename it")
    }
  }

  /// What makes this object anew, so that a change of it would be undone.
  private func owner(of object: ManifestObject, _ text: ManifestText) -> String? {
    for owner in object.place.node.at("metadata", "ownerReferences")?.list ?? []
    where text.isTrue(owner["controller"]) {
      let kind = text.text(owner["kind"]) ?? "a controller"
      return "\(Shown.text(kind))/\(Shown.text(text.text(owner["name"]) ?? "", ceiling: 253))"
    }
    return nil
  }

  private func remarksOnObject(_ object: ManifestObject, _ text: ManifestText) -> [Remark] {
    var found: [Remark] = []
    let metadata = object.place.node["metadata"]
    if object.kind == "Job", object.place.node["status"] != nil || metadata?["uid"] != nil {
      let message = "the template of a Job that exists can't be changed: delete it first"
      found.append(Remark(offset: object.place.node.start, message: message))
    }
    if object.kind != "Pod" {
      let remedies = [
        ("annotations", "put it on the pod template"),
        ("labels", "make it an annotation of the pod template"),
      ]
      for (part, remedy) in remedies {
        for entry in metadata?[part]?.entries ?? []
        where entry.key.hasPrefix(Mark.prefix) && entry.key != Mark.inject {
          let message = "\(Shown.text(entry.key, ceiling: 80)) has no effect here; \(remedy)"
          found.append(Remark(offset: entry.start, message: message))
        }
      }
    }
    return found
  }
}

extension ManifestFault {
  /// What is wrong, and what would be right.
  package var message: String { YAMLFault(kind, at: Position(line: 1, column: 1)).message }
}

extension Pod {
  /// Whether all that `injection` would put in is there; a cluster adds defaults of its own.
  func holds(_ injection: Injection) -> Bool {
    guard let record, record.mode == injection.settings.mode, let sidecar, sidecar.list == injection.list,
      injection.settings.container.isWithin(sidecar.place.node, text)
    else { return false }
    let volumes = spec.node["volumes"]?.list ?? []
    for volume in injection.settings.volumes {
      guard volumes.contains(where: { volume.isWithin($0, text) }) else { return false }
    }
    let hasSecrets = volumes.contains { text.text($0["name"]) == Mark.secretsVolume }
    guard hasSecrets != injection.settings.secrets.isEmpty else { return false }
    guard record.variables.count == injection.variables.count else { return false }
    for each in injection.variables {
      let container = all.first { $0.list == each.list && $0.name == each.container }
      let there = container?.place.node["env"]?.list ?? []
      guard let names = record.variables.first(where: { $0.container == each.container })?.names,
        names == each.added.map(\.name),
        each.added.allSatisfy({ added in
          there.contains { Fragment.variable(added.name, added.value).isWithin($0, text) }
        })
      else { return false }
    }
    return true
  }
}
