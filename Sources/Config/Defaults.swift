// Every default and every ceiling of the configuration, with its reason.

package enum Defaults {
  /// Loopback only: the key of the pod's owner must not serve its neighbours.
  package static let listen = [
    ListenEntry(address: .tcp(host: "127.0.0.1", port: 4141)),
    ListenEntry(address: .tcp(host: "::1", port: 4141)),
  ]
  /// Every interface: kubelet's probes and Prometheus come from outside the pod.
  package static let admin = Address.tcp(host: "0.0.0.0", port: 4142)

  /// What OpenAI's own SDKs allow for a connection.
  package static let connectTimeout = Duration.seconds(5)
  /// As long as OpenAI's SDKs wait: a model that thinks may be silent for minutes.
  package static let firstByteTimeout = Duration.seconds(600)
  /// As above: silence in a stream is thinking too.
  package static let idleTimeout = Duration.seconds(600)
  /// Under the 60 s and more that public providers keep a connection.
  package static let poolIdleTimeout = Duration.seconds(55)
  /// Under the 5 s after which the usual servers inside a cluster (uvicorn, vLLM, Node) close one.
  package static let ownServerPoolIdleTimeout = Duration.seconds(4)
  /// Room for a few images in base64; four such bodies fit a small pod's memory.
  package static let maxBody = 64 << 20
  /// What Kubernetes gives a pod to end.
  package static let drain = Duration.seconds(30)

  // MARK: Ceilings

  /// More loops than this have no machine to run on.
  static let workers = 256
  /// More sockets than any pod has names for.
  static let listenEntries = 64
  /// A sidecar's configuration is read by people.
  static let providers = 256
  static let models = 4096
  static let targets = 64
  static let groups = 4096
  /// Headers sent upstream; Remora itself accepts 128 of a client.
  static let headers = 64
  static let headerValue = 8 << 10
  /// Names become metric labels.
  static let name = 64
  static let modelName = 256
  static let text = 4096
  /// Kubernetes' own ceiling of a path in a volume.
  static let path = 4096
  /// Longer than this, a timeout is a mistake of units.
  static let timeout = Duration.seconds(24 * 3600)
  /// A year and a day, for budgets and logs.
  static let retention = Duration.seconds(366 * 24 * 3600)
  /// What one process can be asked to hold in memory.
  static let body = 16 << 30
  static let connections = 65_536
  /// As much, and not less than an idle process and a few requests.
  static let memory = 1 << 40
  static let leastMemory = 24 << 20
  static let attempts = 10
  static let weight = 1_000_000
  /// Bytes of a key; the longest known tokens (JWT) have 4 KiB.
  package static let secret = 8 << 10
  /// Bytes of a file that holds a secret: the key, and blanks around it.
  package static let secretFile = 64 << 10
}
