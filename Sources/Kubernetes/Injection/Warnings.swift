// What works, and not as its owner may think.

internal import Wire

extension Pod {
  func warnings(_ settings: InjectionSettings, _ chosen: [Container]) -> [Remark] {
    var found: [Remark] = []
    if settings.setsVariables {
      for container in chosen { warn(of: container, settings.sdks, &found) }
    }
    if text.isTrue(spec.node["shareProcessNamespace"]) {
      found.append(
        Remark(
          offset: spec.node["shareProcessNamespace"]?.content ?? spec.node.start,
          message: "shareProcessNamespace: a container that runs as root can read the keys through /proc"))
    }
    if isGuaranteed, !settings.isGuaranteed {
      let reason =
        settings.cpuLimit == nil
        ? "Remora has no CPU limit (remora.dev/cpu-limit)"
        : "Remora's requests aren't its limits (remora.dev/cpu-request, remora.dev/memory-request)"
      found.append(
        Remark(offset: spec.node.start, message: "the pod is Guaranteed and becomes Burstable: \(reason)"))
    }
    if let grace = text.integer(spec.node["terminationGracePeriodSeconds"]), grace < 10 {
      found.append(
        Remark(
          offset: spec.node["terminationGracePeriodSeconds"]?.content ?? spec.node.start,
          message: "terminationGracePeriodSeconds \(grace): a stream under way gets no longer than that"))
    }
    for entry in labels?.entries ?? [] where entry.key.hasPrefix(Mark.prefix) && entry.key != Mark.inject {
      let message = "\(Shown.text(entry.key, ceiling: 80)) has no effect as a label; make it an annotation"
      found.append(Remark(offset: entry.start, message: Mark.slip(entry.key) ?? message))
    }
    return found
  }

  private func warn(of container: Container, _ sdks: [InjectionSettings.SDK], _ found: inout [Remark]) {
    let name = Shown.text(container.name)
    let speaksAnthropic = sdks.contains(.anthropic)
    var proxy: ManifestNode?
    var exempts = false
    for variable in container.place.node["env"]?.list ?? [] {
      let value = text.text(variable["value"])
      let title = text.text(variable["name"]) ?? ""
      if !speaksAnthropic, title.hasPrefix("ANTHROPIC_") { continue }
      switch title {
      case "OPENAI_BASE_URL" where !isOurs(value), "ANTHROPIC_BASE_URL" where !isOurs(value):
        let message = "\(name) doesn't use Remora: it has an \(title) of its own"
        found.append(Remark(offset: variable.start, message: message))
      case "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN":
        if variable["valueFrom"] == nil, value?.hasPrefix("sk-") != true { continue }
        let message = "\(name) still has the provider's key in its \(title); Remora has it now"
        found.append(Remark(offset: variable.start, message: message))
      case "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy": proxy = proxy ?? variable
      case "NO_PROXY", "no_proxy":
        let names = Names.list(value ?? "")
        exempts =
          exempts || variable["valueFrom"] != nil || names.contains("localhost") || names.contains("*")
      default: break
      }
    }
    if let proxy, !exempts {
      let message =
        "\(name) may send what is for Remora to its HTTP proxy: put localhost into NO_PROXY"
      found.append(Remark(offset: proxy.start, message: message))
    }
  }

  private func isOurs(_ url: String?) -> Bool {
    guard let url else { return false }
    return ["http://localhost:4141", "http://127.0.0.1:4141", "http://[::1]:4141"].contains {
      url.hasPrefix($0)
    }
  }

  /// Whether each container's limits are its requests
  /// (kubernetes.io/docs/concepts/workloads/pods/pod-qos, "Guaranteed"). Where the pod has resources of its own, these
  /// decide, and a container more changes nothing.
  private var isGuaranteed: Bool {
    if spec.node["resources"]?["limits"] != nil || spec.node["resources"]?["requests"] != nil { return false }
    return all.allSatisfy { container in
      let resources = container.place.node["resources"]
      return ["cpu", "memory"].allSatisfy { name in
        guard let limit = text.text(resources?["limits"]?[name]).flatMap(Quantity.init) else { return false }
        guard let request = resources?["requests"]?[name] else { return true }
        return text.text(request).flatMap(Quantity.init) == limit
      }
    }
  }
}

extension InjectionSettings {
  /// Whether a Guaranteed pod stays one with this container in it.
  fileprivate var isGuaranteed: Bool {
    guard let cpu = cpuLimit.flatMap(Quantity.init) else { return false }
    return cpu == Quantity(cpuRequest) && Quantity(memoryLimit) == Quantity(memoryRequest)
  }
}
