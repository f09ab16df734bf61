// What inject writes beside what it has done, so that undoing it needs no guess.

internal import Wire

/// The annotation `remora.dev/injected`. It holds no time and no digest: it differs only where what was put in does.
struct InjectionRecord: Hashable {
  /// The variables that one container got.
  struct Told: Hashable {
    let container: String
    let names: [String]
  }

  var version: String
  var mode: InjectionSettings.Mode
  /// Keys that weren't there: `initContainers`, `containers`, `volumes`, `annotations`, `metadata`, `env.CONTAINER`.
  var made: [String] = []
  var variables: [Told] = []
  /// Other annotations that were added.
  var annotations: [String] = []

  init(version: String, mode: InjectionSettings.Mode) {
    self.version = version
    self.mode = mode
  }

  var text: String {
    var members: [Fragment.Member] = [
      .init(key: "version", value: .text(version)), .init(key: "mode", value: .text(mode.rawValue)),
      .init(key: "made", value: .list(made.map { .text($0) })),
      .init(
        key: "env",
        value: .map(
          variables.map { .init(key: $0.container, value: .list($0.names.map { .text($0) })) })),
    ]
    if !annotations.isEmpty {
      members.append(.init(key: "annotations", value: .list(annotations.map { .text($0) })))
    }
    return Fragment.map(members).compactJSON
  }

  /// Reads what `text` says; nil for what inject hasn't written, such as a policy's mark.
  init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard text.utf8.first == UInt8(ascii: "{"), YAMLSource.firstFault(in: bytes.span) == nil,
      let document = try? ManifestReader.read(bytes, 0..<bytes.count), let root = document.roots.first
    else { return nil }
    let source = ManifestText(bytes)
    guard let version = source.text(root["version"]), let word = source.text(root["mode"]),
      let mode = InjectionSettings.Mode(rawValue: word)
    else { return nil }
    self.init(version: version, mode: mode)
    made = root["made"]?.list.compactMap(source.text) ?? []
    annotations = root["annotations"]?.list.compactMap(source.text) ?? []
    for entry in root["env"]?.entries ?? [] {
      variables.append(Told(container: entry.key, names: entry.value.list.compactMap(source.text)))
    }
  }

  /// The annotations that say so: the record first.
  func notes(_ defaultContainer: String?) -> [Fragment.Member] {
    let record = Fragment.Member(key: Mark.injected, value: .text(text))
    guard let defaultContainer else { return [record] }
    return [record, .init(key: Mark.defaultContainer, value: .text(defaultContainer))]
  }
}

extension Injection {
  /// What is to be remembered of this injection into `pod`.
  func record(for pod: Pod, version: String) -> InjectionRecord {
    var record = InjectionRecord(version: version, mode: settings.mode)
    record.made = [list, "volumes"].filter { pod.spec.node[$0] == nil }
    for each in variables {
      let container = (each.list == "containers" ? pod.containers : pod.initContainers)[each.index]
      if container.place.node["env"] == nil { record.made.append("env.\(each.container)") }
      record.variables.append(.init(container: each.container, names: each.added.map(\.name)))
    }
    let metadata = pod.metadata
    if metadata == nil { record.made.append("metadata") }
    if metadata?["annotations"] == nil { record.made.append("annotations") }
    if defaultContainer != nil { record.annotations.append(Mark.defaultContainer) }
    return record
  }
}
