// Which objects make pods, and where in them the pod is.

internal import Wire

/// Where a kind keeps its pod.
enum Workload {
  /// The way from the object to the mapping that has the pod's `metadata` and `spec`; nil for kinds that aren't known
  /// to make pods.
  static func path(_ kind: String) -> [String]? {
    switch kind {
    case "Pod": []
    case "PodTemplate": ["template"]
    case "CronJob": ["spec", "jobTemplate", "spec", "template"]
    case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job": otherPath
    default: nil
    }
  }

  /// Where most other kinds that make pods keep theirs: a Rollout, a DeploymentConfig, a CloneSet.
  static let otherPath = ["spec", "template"]

  static func isList(_ kind: String) -> Bool { kind.hasSuffix("List") }

  /// Whether a document of this kind must be read.
  static func isRead(_ kind: String) -> Bool {
    path(kind) != nil || isList(kind) || kind.isEmpty || kind.first.map { "&*!|>{[%@`".contains($0) } == true
  }

  /// Parts of the names of kinds that must be read.
  static let words: [StaticString] = [
    "Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "List",
    "remora.dev/inject",
  ]

  /// Whether pods of this kind are to come to an end, which a container beside the application would hinder.
  static func ends(_ kind: String) -> Bool { kind == "Job" || kind == "CronJob" }
}

/// Why nothing may be put into a collection.
enum Obstacle: Sendable {
  /// It, or what it is part of, has an anchor that an alias names.
  case anchor(Range<Int>, alias: Int)
  /// It, or what it is part of, is written as an alias.
  case alias(Int)
  /// It, or what it is part of, takes keys from elsewhere.
  case merge(Int)
}

/// A value with what an edit there must know of its surroundings.
struct Place: Sendable {
  /// What it is behind aliases.
  let node: ManifestNode
  /// The entry whose value it is.
  let entry: ManifestEntry?
  let obstacle: Obstacle?

  private init(
    _ value: ManifestNode, _ entry: ManifestEntry?, _ outer: Obstacle?, _ document: ManifestDocument
  ) {
    node = value.target
    self.entry = entry
    if let outer {
      obstacle = outer
    } else if case .alias = value.kind {
      obstacle = .alias(value.content)
    } else if let anchor = value.anchor, let shared = document.shared[anchor] {
      obstacle = .anchor(shared.anchor, alias: shared.alias)
    } else if let merge = node.entry("<<") {
      obstacle = .merge(merge.start)
    } else {
      obstacle = nil
    }
  }

  init(root: ManifestNode, _ document: ManifestDocument) { self.init(root, nil, nil, document) }

  func child(_ key: String, _ document: ManifestDocument) -> Place? {
    guard let entry = node.entry(key) else { return nil }
    return Place(entry.value, entry, obstacle, document)
  }

  func child(_ path: [String], _ document: ManifestDocument) -> Place? {
    var place: Place? = self
    for key in path { place = place?.child(key, document) }
    return place
  }

  var items: [ManifestNode] { node.items ?? [] }

  func item(_ index: Int, _ document: ManifestDocument) -> Place? {
    guard items.indices.contains(index) else { return nil }
    return Place(items[index], nil, obstacle, document)
  }
}

/// One object of a stream.
struct ManifestObject {
  let kind: String
  let name: String
  let place: Place

  var title: String {
    let kind = Shown.text(kind)
    return name.isEmpty ? kind : "\(kind)/\(Shown.text(name, ceiling: 253))"
  }
}

extension ManifestObject {
  /// Every object of a document; lists are opened, in lists too.
  static func all(_ document: ManifestDocument, _ text: ManifestText) -> [ManifestObject] {
    var found: [ManifestObject] = []
    for root in document.roots { collect(Place(root: root, document), nil, document, text, &found) }
    return found
  }

  private static func collect(
    _ place: Place, _ impliedKind: String?, _ document: ManifestDocument, _ text: ManifestText,
    _ found: inout [ManifestObject]
  ) {
    guard place.node.entries != nil, let kind = text.text(place.node["kind"]) ?? impliedKind else { return }
    if Workload.isList(kind), let items = place.child("items", document), items.node.items != nil {
      // A list of one kind needs not say it for each of its items: what the API answers does not.
      let itemKind = kind == "List" || kind == "ResourceList" ? nil : String(kind.dropLast(4))
      for index in items.items.indices {
        if let item = items.item(index, document) { collect(item, itemKind, document, text, &found) }
      }
      return
    }
    let metadata = place.node["metadata"]
    let name = text.text(metadata?["name"]) ?? text.text(metadata?["generateName"]) ?? ""
    found.append(ManifestObject(kind: kind, name: name, place: place))
  }
}
