// A pod, or a template of pods, as far as inject looks at it.

internal import Wire

/// A remark on a place of a text.
package struct Remark: Sendable, Equatable {
  package let offset: Int
  package let message: String
}

/// One container of a pod.
struct Container {
  let list: String
  let index: Int
  let place: Place
  /// Empty where it has none.
  let name: String
}

struct Pod {
  let text: ManifestText
  let document: ManifestDocument
  /// The mapping that has `metadata` and `spec`.
  let template: Place
  let spec: Place
  let containers: [Container]
  let initContainers: [Container]

  /// Nil where there are no containers to speak of: a patch, or no pod at all.
  init?(_ template: Place?, _ document: ManifestDocument, _ text: ManifestText) {
    guard let template, let spec = template.child("spec", document), spec.node.entries != nil,
      let containers = spec.child("containers", document), !containers.items.isEmpty
    else { return nil }
    self.text = text
    self.document = document
    self.template = template
    self.spec = spec
    self.containers = Self.containers("containers", spec, document, text)
    initContainers = Self.containers("initContainers", spec, document, text)
  }

  private static func containers(
    _ list: String, _ spec: Place, _ document: ManifestDocument, _ text: ManifestText
  ) -> [Container] {
    guard let place = spec.child(list, document) else { return [] }
    return place.items.indices.compactMap { index in
      guard let item = place.item(index, document) else { return nil }
      return Container(list: list, index: index, place: item, name: text.text(item.node["name"]) ?? "")
    }
  }

  var all: [Container] { initContainers + containers }
  var metadata: ManifestNode? { template.node["metadata"] }
  var annotations: ManifestNode? { metadata?["annotations"] }
  var labels: ManifestNode? { metadata?["labels"] }

  func annotation(_ name: String) -> String? { text.text(annotations?[name]) }

  /// What inject or somebody else has written about an earlier injection.
  var mark: ManifestNode? { annotations?[Mark.injected] }
  var record: InjectionRecord? { text.text(mark).flatMap(InjectionRecord.init) }

  /// The container of Remora's name.
  var sidecar: Container? { all.first { $0.name == Mark.sidecar } }

  /// Whether a container of Remora's name is Remora: it has the port that Prometheus looks for.
  func isRemora(_ container: Container) -> Bool {
    container.place.node["ports"]?.list.contains { text.text($0["name"]) == "remora-admin" } ?? false
  }
}

/// What an object says about being injected.
enum Wish: Equatable {
  case yes, no, nothing
}

extension Pod {
  /// What annotations and labels say: the pod's template before the workload around it, annotations before labels.
  ///
  /// - Returns: remarks on values that are neither "true" nor "false" beside it.
  func wish(of object: ManifestNode) -> (Wish, [Remark]) {
    var remarks: [Remark] = []
    var wish = Wish.nothing
    for node in [annotations, labels, object.at("metadata", "annotations"), object.at("metadata", "labels")] {
      guard let value = node?[Mark.inject] else { continue }
      let said: Wish? =
        switch text.string(value) {
        case "true": .yes
        case "false": .no
        default: nil
        }
      guard let said else {
        let message = #"\#(Mark.inject) must be "true" or "false", in quotes"#
        if !remarks.contains(where: { $0.offset == value.content }) {
          remarks.append(Remark(offset: value.content, message: message))
        }
        continue
      }
      if wish == .nothing { wish = said }
    }
    return (wish, remarks)
  }

  /// What may have been meant for a wish and isn't one: the first key of ours that nobody knows.
  func slip(around object: ManifestNode) -> String? {
    for node in [annotations, labels, object.at("metadata", "annotations"), object.at("metadata", "labels")] {
      for entry in node?.entries ?? [] {
        if let slip = Mark.slip(entry.key) { return slip }
      }
    }
    return nil
  }
}
