// What a configuration may say but this version can't do. Saying it is an error, so that nobody relies on it.
//
// When something becomes available, its lines here go.

internal import Wire

extension Decoder {
  /// Sections that have no effect yet, as paths of keys, and when they would have one.
  private static let sections: [(path: [String], hasEffect: @Sendable (YAMLNode) -> Bool)] = [
    (["consumers"], { !$0.isEmpty }),
    (["limits"], { !$0.isZero }),
    (["policies"], { !$0.isEmpty }),
    (["policy_chain"], { !$0.isEmpty }),
    (["retry"], { !$0.isEmpty }),
    (["prices"], { !$0.isEmpty }),
    (["telemetry", "otlp"], { !$0.isEmpty }),
  ]

  /// Reports what is said but not available.
  mutating func checkAvailability(_ root: YAMLNode) {
    for section in Self.sections {
      guard let (value, position) = root.find(section.path), section.hasEffect(value) else { continue }
      problem("'\(section.path.joined(separator: "."))' is not available yet; remove it", at: position)
    }
    if case .mapping(let entries)? = root["models"]?.kind {
      for entry in entries { checkModel(entry) }
    }
  }

  private mutating func checkModel(_ entry: YAMLEntry) {
    let what = "model '\(Shown.text(entry.key))'"
    let targets = entry.value["targets"] ?? entry.value
    if case .sequence(let items) = targets.kind {
      if items.count > 1 {
        problem("\(what): more than one target is not available yet; keep one", at: targets.position)
      }
      for item in items {
        guard let (_, position) = item.find(["weight"]) else { continue }
        problem("\(what): 'weight' is not available yet; remove it", at: position)
      }
    }
    if let (value, position) = entry.value.find(["pick"]), value.value != .string("ordered") {
      problem("\(what): 'pick' other than ordered is not available yet; remove it", at: position)
    }
    if let (value, position) = entry.value.find(["deprecated"]), value.value == .bool(true) {
      problem("\(what): 'deprecated: true' is not available yet; remove it", at: position)
    }
  }
}

extension YAMLNode {
  /// The value at a path of keys, and the place of its last key; nil where nothing is written.
  fileprivate func find(_ path: [String]) -> (value: YAMLNode, position: Position)? {
    var node = self
    var position = self.position
    for key in path {
      guard case .mapping(let entries) = node.kind, let entry = entries.first(where: { $0.key == key }) else {
        return nil
      }
      (node, position) = (entry.value, entry.keyPosition)
    }
    return node.isNull ? nil : (node, position)
  }

  fileprivate var isEmpty: Bool {
    switch kind {
    case .null: true
    case .sequence(let items): items.isEmpty
    case .mapping(let entries): entries.isEmpty
    case .scalar: isNull
    }
  }

  /// Whether nothing but zeros is written.
  fileprivate var isZero: Bool {
    guard case .mapping(let entries) = kind else { return isEmpty }
    return entries.allSatisfy { $0.value.value == .integer(0) || $0.value.isNull }
  }
}
