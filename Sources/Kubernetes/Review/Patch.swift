// An injection as a JSON Patch (RFC 6902): single places only, and nothing that was merely read is sent back, so that
// fields which this program doesn't know survive.

/// One operation; all of ours add.
struct PatchOperation {
  let path: String
  let value: Fragment

  var fragment: Fragment {
    .map(["op": .text("add"), "path": .text(path), "value": value])
  }
}

extension Injection {
  /// The operations, in an order in which each finds its parent: an operation that doesn't would fail the pod's
  /// creation, whatever the webhook's failure policy says.
  ///
  /// The container comes last: before that, the containers that get variables are where they were.
  /// - Returns: nil, and why, where the pod isn't of a form that the API server would send.
  func patch(for pod: Pod, version: String) -> (operations: [PatchOperation], problem: Remark?) {
    var operations: [PatchOperation] = []
    func add(_ items: [Fragment], _ parent: String, _ owner: ManifestNode, _ key: String, at index: Int)
      -> Remark?
    {
      guard !items.isEmpty else { return nil }
      let path = "\(parent)/\(key)"
      guard let list = owner[key], !pod.text.isNull(list) else {
        operations.append(PatchOperation(path: path, value: .list(items)))
        return nil
      }
      guard let there = list.items, index <= there.count else {
        return Remark(offset: list.content, message: "'\(key)' must be a list")
      }
      for (offset, item) in items.enumerated() {
        operations.append(PatchOperation(path: "\(path)/\(index + offset)", value: item))
      }
      return nil
    }
    for each in variables {
      let container = (each.list == "containers" ? pod.containers : pod.initContainers)[each.index]
      let added = each.added.map { Fragment.variable($0.name, $0.value) }
      let parent = "/spec/\(each.list)/\(each.index)"
      if let problem = add(added, parent, container.place.node, "env", at: 0) { return ([], problem) }
    }
    if let problem = add(settings.volumes, "/spec", pod.spec.node, "volumes", at: 0) { return ([], problem) }
    operations += annotations(record(for: pod, version: version).notes(defaultContainer), pod)
    if let problem = add([settings.container], "/spec", pod.spec.node, list, at: index) {
      return ([], problem)
    }
    return (operations, nil)
  }

  private func annotations(_ notes: [Fragment.Member], _ pod: Pod) -> [PatchOperation] {
    guard let metadata = pod.metadata, metadata.entries != nil else {
      return [PatchOperation(path: "/metadata", value: .map([.init(key: "annotations", value: .map(notes))]))]
    }
    guard let annotations = metadata["annotations"], annotations.entries != nil else {
      return [PatchOperation(path: "/metadata/annotations", value: .map(notes))]
    }
    return notes.map {
      // A slash in a name is ~1 in a path (RFC 6901 section 3); ours have no tilde.
      let name = $0.key.split(separator: "/", omittingEmptySubsequences: false).joined(separator: "~1")
      return PatchOperation(path: "/metadata/annotations/\(name)", value: $0.value)
    }
  }
}
