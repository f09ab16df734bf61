// How a pod wants its sidecar: flags give the defaults, annotations of the pod's template decide.

internal import Wire

/// What is put into a pod, and how.
package struct InjectionSettings: Sendable, Equatable {
  package enum Mode: String, Sendable, CaseIterable {
    /// An init container with `restartPolicy: Always`: Kubernetes 1.29 and later.
    case native
    /// A container beside the application's.
    case classic
  }

  /// Whose SDK is pointed at Remora.
  enum SDK: String, Sendable, CaseIterable { case openai, anthropic }

  package var mode = Mode.native
  package var image: String
  /// The ConfigMap with `remora.yaml`.
  package var config = "remora"
  /// The Secrets whose keys are files; empty for none.
  package var secrets = ["remora"]
  /// Who gets the variables; nil for every container but init containers.
  package var containers: [String]?
  /// False: no variables at all.
  package var setsVariables = true
  var sdks: [SDK] = [.openai]
  var cpuRequest = "10m"
  var memoryRequest = "24Mi"
  var cpuLimit: String?
  var memoryLimit = "256Mi"
  /// User and group; nil leaves them to the cluster, as OpenShift wants it.
  var runAs: Int? = 64642
  var logLevel: String?
  /// Whether the application ends Remora itself, which a Job with a classic sidecar must.
  var appQuits = false

  package init(image: String) { self.image = image }

  /// Where images are, as the manifests of this project have it, until the operator says where they were pushed to.
  package static func placeholderImage(_ version: String) -> String {
    "registry.example.com/remora:\(version)"
  }
}

/// Names in annotations and labels.
package enum Mark {
  package static let prefix = "remora.dev/"
  package static let inject = "remora.dev/inject"
  package static let injected = "remora.dev/injected"
  static let containers = "remora.dev/containers"
  static let defaultContainer = "kubectl.kubernetes.io/default-container"
  /// The container's name.
  package static let sidecar = "remora"
  static let configVolume = "remora-config"
  static let secretsVolume = "remora-secrets"

  /// Everything behind the prefix that means something. `poke` is what a person writes to make kubelet look at once.
  static let known = [
    "inject", "config", "secret", "image", "containers", "env", "sdks", "mode", "cpu-request",
    "memory-request",
    "memory-limit", "cpu-limit", "run-as", "log-level", "quit", "injected", "poke",
  ]

  /// The known name that `name` most likely means.
  static func nearest(to name: String) -> String? {
    let ranked = known.map { ($0, distance(Array(name.utf8.prefix(64)), Array($0.utf8))) }.min { $0.1 < $1.1 }
    guard let ranked, ranked.1 <= max(2, ranked.0.utf8.count / 3) else { return nil }
    return ranked.0
  }

  /// What is said of a key that begins as ours do, and isn't one; nil for others.
  static func slip(_ key: String) -> String? {
    guard key.hasPrefix(prefix) else { return nil }
    let name = String(key.dropFirst(prefix.count))
    if known.contains(name) { return nil }
    let hint = nearest(to: name).map { "; did you mean \(prefix)\($0)?" } ?? ""
    return "unknown key \(Shown.text(key, ceiling: 80))\(hint)"
  }

  /// Letters to insert, remove, change or swap with their neighbour.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var before: [Int] = []
    var last = Array(0...right.count)
    for (i, a) in left.enumerated() {
      var row = [i + 1]
      for (j, b) in right.enumerated() {
        var best = min(last[j] + (a == b ? 0 : 1), last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a == right[j - 1], left[i - 1] == b { best = min(best, before[j - 1] + 1) }
        row.append(best)
      }
      (before, last) = (last, row)
    }
    return last[right.count]
  }
}

extension InjectionSettings {
  /// Takes what one annotation says, or says why it can't.
  mutating func take(_ name: String, _ value: String) -> String? {
    switch name {
    case "config": return set(value, Names.isObject, "the name of a ConfigMap") { $0.config = value }
    case "secret":
      let names = Names.list(value)
      guard names.allSatisfy(Names.isObject) else {
        return "'\(Shown.text(value))' is no list of names of Secrets"
      }
      secrets = names
    case "image": return set(value, Names.isImage, "an image's name") { $0.image = value }
    case "containers":
      let names = Names.list(value)
      guard !names.isEmpty, names.allSatisfy(Names.isContainer) else {
        return "'\(Shown.text(value))' is no list of containers"
      }
      containers = names
    case "env":
      guard value == "add" || value == "leave" else {
        return "'\(Shown.text(value))' is neither add nor leave"
      }
      setsVariables = value == "add"
    case "sdks":
      let chosen = Names.list(value).map(SDK.init)
      guard !chosen.isEmpty, !chosen.contains(nil) else {
        return "'\(Shown.text(value))' is no list of openai, anthropic"
      }
      sdks = chosen.compactMap { $0 }
    case "mode":
      guard let mode = Mode(rawValue: value) else {
        return "'\(Shown.text(value))' is neither native nor classic"
      }
      self.mode = mode
    case "cpu-request":
      return set(value, Names.isQuantity, "a quantity such as 10m") { $0.cpuRequest = value }
    case "memory-request":
      return set(value, Names.isQuantity, "a quantity such as 24Mi") { $0.memoryRequest = value }
    case "cpu-limit": return set(value, Names.isQuantity, "a quantity such as 500m") { $0.cpuLimit = value }
    case "memory-limit":
      return set(value, Names.isQuantity, "a quantity such as 256Mi") { $0.memoryLimit = value }
    case "run-as":
      if value == "none" {
        runAs = nil
      } else if let user = Int(value), user > 0, user <= Int(Int32.max) {
        runAs = user
      } else {
        return "'\(Shown.text(value))' is neither a user's number above 0 nor none"
      }
    case "log-level":
      let levels = ["trace", "debug", "info", "warn", "error"]
      return set(value, levels.contains, "one of trace, debug, info, warn, error") { $0.logLevel = value }
    case "quit":
      guard value == "app" else {
        return "'\(Shown.text(value))' is not app: say app where the application calls /quitquitquit"
      }
      appQuits = true
    default: break
    }
    return nil
  }

  private mutating func set(
    _ value: String, _ isValid: (String) -> Bool, _ wanted: String, _ apply: (inout InjectionSettings) -> Void
  ) -> String? {
    guard isValid(value) else { return "'\(Shown.text(value))' is not \(wanted)" }
    apply(&self)
    return nil
  }
}

/// Forms of names that Kubernetes demands.
package enum Names {
  /// The entries of a list with commas; blanks around them don't count, and an empty text is an empty list.
  package static func list(_ text: String) -> [String] {
    let trimmed = trim(text[...])
    if trimmed.isEmpty { return [] }
    return trimmed.split(separator: ",", omittingEmptySubsequences: false).map { String(trim($0)) }
  }

  private static func trim(_ text: Substring) -> Substring {
    var text = text.drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    return text
  }

  /// A DNS label (RFC 1123 section 2.1), as containers have it.
  package static func isContainer(_ text: String) -> Bool { isLabel(text.utf8[...]) }

  /// A DNS subdomain, as ConfigMaps and Secrets have it.
  package static func isObject(_ text: String) -> Bool {
    text.utf8.count <= 253 && !text.isEmpty
      && text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy(isLabel)
  }

  private static func isLabel(_ text: Substring.UTF8View) -> Bool {
    guard (1...63).contains(text.count), text.first != UInt8(ascii: "-"), text.last != UInt8(ascii: "-")
    else {
      return false
    }
    return text.allSatisfy { ASCII.isDigit($0) || $0 &- UInt8(ascii: "a") < 26 || $0 == UInt8(ascii: "-") }
  }

  /// What may be an image's name: the registry decides about the rest.
  package static func isImage(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 512 else { return false }
    func isWord(_ byte: UInt8) -> Bool { ASCII.isDigit(byte) || ASCII.lower(byte) &- UInt8(ascii: "a") < 26 }
    return isWord(first) && text.utf8.allSatisfy { isWord($0) || "._-/:@+".utf8.contains($0) }
  }

  /// A resource's quantity: a number above zero and a unit
  /// (kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity).
  package static func isQuantity(_ text: String) -> Bool {
    let digits = text.utf8.prefix { ASCII.isDigit($0) || $0 == UInt8(ascii: ".") }
    let unit = String(Substring(text.utf8.dropFirst(digits.count)))
    let units = ["", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
    guard (1...19).contains(digits.count), digits.count(where: { $0 == UInt8(ascii: ".") }) <= 1 else {
      return false
    }
    return digits.contains { ASCII.isDigit($0) && $0 != UInt8(ascii: "0") } && units.contains(unit)
  }
}
