// Whether a pod can have the sidecar, and what exactly it gets: one function for the command line and the webhook.

internal import Wire

/// What becomes of a pod.
enum Verdict {
  case inject(Injection)
  /// It can't or mustn't have one. A misfit that asked is an error on the command line.
  case skip(reason: String, isMisfit: Bool)
  /// Remora is there, put in by other means than inject.
  case present
  case refuse([Remark])
}

/// What is known of a pod's surroundings.
struct Circumstances {
  /// The kind of what makes the pod.
  var kind: String
  /// How the object is called in messages.
  var title: String
}

extension Pod {
  /// Judges a pod that holds no record of an earlier injection, or whose record is taken back.
  func judge(_ defaults: InjectionSettings, _ circumstances: Circumstances) -> (Verdict, warnings: [Remark]) {
    if let misfit { return (.skip(reason: misfit, isMisfit: true), []) }
    if let sidecar {
      if isRemora(sidecar) { return (.present, []) }
      let message = "\(circumstances.title) has a container remora that isn't Remora; rename it"
      return (.refuse([Remark(offset: sidecar.place.node.start, message: message)]), [])
    }
    var settings = defaults
    var problems = readAnnotations(&settings)
    problems += excess(settings)
    problems += conflicts(settings, circumstances)
    let chosen = chosenContainers(settings, &problems)
    if !problems.isEmpty { return (.refuse(problems.sorted { $0.offset < $1.offset }), []) }
    let injection = Injection(
      settings: settings, index: settings.mode == .native ? meshes : 0,
      variables: chosen.compactMap { variables(of: $0, settings) },
      defaultContainer: settings.mode == .classic && annotations?[Mark.defaultContainer] == nil
        ? containers.first?.name : nil)
    return (.inject(injection), warnings(settings, chosen))
  }

  /// Why no pod of this form can have a sidecar.
  private var misfit: String? {
    if text.isTrue(spec.node["hostNetwork"]) {
      return "host network: ports 4141 and 4142 would be the node's"
    }
    if text.text(spec.node.at("os", "name")) == "windows"
      || text.text(spec.node["nodeSelector"]?["kubernetes.io/os"]) == "windows"
    {
      return "Windows: the image is Linux"
    }
    if annotations?["kubernetes.io/config.mirror"] != nil {
      return "a mirror pod: kubelet reads it from a file"
    }
    return nil
  }

  /// Native sidecars of meshes that stand first: behind them, or the first connections would bypass the mesh.
  /// Not in a mesh's own control plane, whose proxy carries what the control plane says and no application's traffic.
  private var meshes: Int {
    if labels?["linkerd.io/control-plane-component"] != nil { return 0 }
    let index = initContainers.lastIndex {
      ["istio-proxy", "linkerd-proxy"].contains($0.name)
        && text.text($0.place.node["restartPolicy"]) == "Always"
    }
    return index.map { $0 + 1 } ?? 0
  }

  private func readAnnotations(_ settings: inout InjectionSettings) -> [Remark] {
    var problems: [Remark] = []
    for entry in annotations?.entries ?? [] where entry.key.hasPrefix(Mark.prefix) {
      let name = String(entry.key.dropFirst(Mark.prefix.count))
      guard Mark.known.contains(name) else {
        let hint = Mark.nearest(to: name).map { "; did you mean \(Mark.prefix)\($0)?" } ?? ""
        problems.append(
          Remark(
            offset: entry.start, message: "unknown annotation \(Shown.text(entry.key, ceiling: 80))\(hint)"))
        continue
      }
      guard let value = text.string(entry.value) else {
        let message = "\(entry.key) must be a text; write it in quotes"
        problems.append(Remark(offset: entry.value.content, message: message))
        continue
      }
      if let problem = settings.take(name, value) {
        problems.append(Remark(offset: entry.value.content, message: "\(entry.key): \(problem)"))
      }
    }
    return problems
  }

  /// Requests beyond their limits, which the API server would refuse.
  private func excess(_ settings: InjectionSettings) -> [Remark] {
    let resources = [
      ("cpu", settings.cpuRequest, settings.cpuLimit),
      ("memory", settings.memoryRequest, settings.memoryLimit),
    ]
    return resources.compactMap { name, request, limit in
      guard let limit, let least = Quantity(request), let most = Quantity(limit), least > most else {
        return nil
      }
      let (low, high) = ("\(Mark.prefix)\(name)-request", "\(Mark.prefix)\(name)-limit")
      let place = annotations?[low] ?? annotations?[high]
      let message =
        "Remora would request more \(name) than its limit, \(request) of \(limit); say both: \(low), \(high)"
      return Remark(offset: place?.content ?? spec.node.start, message: message)
    }
  }

  /// What is in the sidecar's way.
  private func conflicts(_ settings: InjectionSettings, _ circumstances: Circumstances) -> [Remark] {
    var problems: [Remark] = []
    var names = Set<String>()
    for container in all {
      if container.name.isEmpty {
        problems.append(Remark(offset: container.place.node.start, message: "a container has no name"))
      } else if !names.insert(container.name).inserted {
        let message = "two containers are called \(Shown.text(container.name)); rename one"
        problems.append(Remark(offset: container.place.node.start, message: message))
      }
      for port in container.place.node["ports"]?.list ?? [] {
        guard let number = text.integer(port["containerPort"]), number == 4141 || number == 4142 else {
          continue
        }
        let message = "the container \(Shown.text(container.name)) has port \(number), which Remora needs"
        problems.append(Remark(offset: port.start, message: message))
      }
    }
    for volume in spec.node["volumes"]?.list ?? [] {
      guard let name = text.text(volume["name"]), name == Mark.configVolume || name == Mark.secretsVolume
      else {
        continue
      }
      problems.append(Remark(offset: volume.start, message: "the volume \(name) is there already; rename it"))
    }
    if settings.mode == .classic, Workload.ends(circumstances.kind), !settings.appQuits {
      let message =
        "\(circumstances.title) would never end with a classic sidecar; use the native mode, or say "
        + "\(Mark.prefix)quit: app where the application calls /quitquitquit"
      problems.append(Remark(offset: template.node.start, message: message))
    }
    return problems
  }

  /// Who gets variables.
  private func chosenContainers(_ settings: InjectionSettings, _ problems: inout [Remark]) -> [Container] {
    guard let names = settings.containers else { return containers }
    // What a flag names is somewhere in the stream, which isn't for one pod to say.
    if annotations?[Mark.containers] != nil {
      problems += names.compactMap { absence(of: $0) }
    }
    return all.filter { names.contains($0.name) }
  }

  /// Says that there is no container of this name; nil where there is one.
  func absence(of name: String) -> Remark? {
    if all.contains(where: { $0.name == name }) { return nil }
    let known = Shown.list(all.map(\.name))
    return Remark(
      offset: annotations?[Mark.containers]?.content ?? spec.node.start,
      message: "there is no container \(Shown.text(name)); there are: \(known)")
  }

  private func variables(of container: Container, _ settings: InjectionSettings) -> Injection.Variables? {
    let there = container.place.node["env"]?.list.compactMap { text.text($0["name"]) } ?? []
    let added = settings.variables.filter { !there.contains($0.name) }
    if added.isEmpty { return nil }
    return Injection.Variables(
      list: container.list, index: container.index, container: container.name, added: added)
  }
}
