// The sidecar's container, its volumes, and what the application is told: the same as k8s/components/sidecar and the
// chart have it, which a test compares.

/// What is to be put into one pod.
package struct Injection: Sendable {
  /// Variables that one container gets.
  package struct Variables: Sendable, Equatable {
    /// `containers` or `initContainers`.
    package let list: String
    package let index: Int
    package let container: String
    package let added: [Variable]
  }

  package struct Variable: Sendable, Equatable {
    package let name: String
    package let value: String
  }

  let settings: InjectionSettings
  /// Where in its list the container goes.
  let index: Int
  package let variables: [Variables]
  /// The container that `kubectl logs` is to show, if the pod doesn't say.
  let defaultContainer: String?

  /// The list that holds the sidecar.
  package var list: String { settings.mode == .native ? "initContainers" : "containers" }
}

extension InjectionSettings {
  /// What containers are told.
  var variables: [Injection.Variable] {
    guard setsVariables else { return [] }
    return sdks.flatMap { sdk -> [Injection.Variable] in
      switch sdk {
      case .openai:
        [
          .init(name: "OPENAI_BASE_URL", value: "http://localhost:4141/v1"),
          // The SDKs refuse to start without a key. Remora replaces it.
          .init(name: "OPENAI_API_KEY", value: "remora"),
        ]
      case .anthropic:
        [
          .init(name: "ANTHROPIC_BASE_URL", value: "http://localhost:4141"),
          .init(name: "ANTHROPIC_API_KEY", value: "remora"),
        ]
      }
    }
  }

  /// The container.
  package var container: Fragment {
    var arguments = ["serve", "--config", "/etc/remora/remora.yaml"]
    if let logLevel { arguments += ["--log-level", logLevel] }
    let cpu: Fragment? = cpuLimit.map { .text($0) }
    return .map([
      "name": .text(Mark.sidecar),
      "image": .text(image),
      "restartPolicy": mode == .native ? .text("Always") : nil,
      "args": .list(arguments.map { .text($0) }),
      "env": .list(Self.whereabouts),
      "ports": .list([.map(["name": .text("remora-admin"), "containerPort": .number(4142)])]),
      "startupProbe": Self.probe("/readyz", period: 1, timeout: 2, failures: 120),
      "livenessProbe": Self.probe("/healthz", period: 10, timeout: 3, failures: 3),
      "readinessProbe": Self.probe("/readyz", period: 5, timeout: 3, failures: 3),
      "resources": .map([
        "requests": .map(["cpu": .text(cpuRequest), "memory": .text(memoryRequest)]),
        "limits": .map(["cpu": cpu, "memory": .text(memoryLimit)]),
      ]),
      "securityContext": .map([
        "runAsNonRoot": .flag(true),
        "runAsUser": runAs.map { .number($0) },
        "runAsGroup": runAs.map { .number($0) },
        "allowPrivilegeEscalation": .flag(false),
        "readOnlyRootFilesystem": .flag(true),
        "capabilities": .map(["drop": .list([.text("ALL")])]),
        "seccompProfile": .map(["type": .text("RuntimeDefault")]),
      ]),
      "terminationMessagePolicy": .text("FallbackToLogsOnError"),
      "volumeMounts": .list(mounts),
    ])
  }

  /// What the pod is, for traces, metrics that are sent, and audit logs: by the Downward API, so that no two pods need
  /// different text.
  private static let whereabouts: [Fragment] = [
    field("K8S_NAMESPACE_NAME", "metadata.namespace"),
    field("K8S_POD_NAME", "metadata.name"),
    field("K8S_POD_UID", "metadata.uid"),
    field("K8S_NODE_NAME", "spec.nodeName"),
    // No field holds it.
    .variable("K8S_CONTAINER_NAME", Mark.sidecar),
    // Empty where the pod has no such label, which counts as not set.
    field("K8S_APP_NAME", "metadata.labels['app.kubernetes.io/name']"),
  ]

  private static func field(_ name: String, _ path: String) -> Fragment {
    .map([
      "name": .text(name),
      "valueFrom": .map(["fieldRef": .map(["fieldPath": .text(path)])]),
    ])
  }

  private static func probe(_ path: String, period: Int, timeout: Int, failures: Int) -> Fragment {
    .map([
      "httpGet": .map(["path": .text(path), "port": .text("remora-admin")]),
      "periodSeconds": .number(period), "timeoutSeconds": .number(timeout),
      "failureThreshold": .number(failures),
    ])
  }

  private var mounts: [Fragment] {
    let config: Fragment = .map([
      "name": .text(Mark.configVolume), "mountPath": .text("/etc/remora"), "readOnly": .flag(true),
    ])
    if secrets.isEmpty { return [config] }
    return [
      config,
      .map([
        "name": .text(Mark.secretsVolume), "mountPath": .text("/var/run/secrets/remora"),
        "readOnly": .flag(true),
      ]),
    ]
  }

  /// The volumes. 292 is 0444: Remora doesn't run as root, and what isn't decimal is read in two ways.
  package var volumes: [Fragment] {
    let mode = Fragment.number(292)
    let config: Fragment = .map([
      "name": .text(Mark.configVolume), "configMap": .map(["name": .text(config), "defaultMode": mode]),
    ])
    switch secrets.count {
    case 0: return [config]
    case 1:
      let secret: Fragment = .map(["secretName": .text(secrets[0]), "defaultMode": mode])
      return [config, .map(["name": .text(Mark.secretsVolume), "secret": secret])]
    default:
      let sources = Fragment.list(secrets.map { .map(["secret": .map(["name": .text($0)])]) })
      return [
        config,
        .map([
          "name": .text(Mark.secretsVolume), "projected": .map(["defaultMode": mode, "sources": sources]),
        ]),
      ]
    }
  }
}
