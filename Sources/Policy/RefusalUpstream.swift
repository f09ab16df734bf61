// What Remora says of the way to the upstream, and of its own state.

extension Refusal {
  package static func cannotConnect(_ provider: String, _ reason: String) -> Refusal {
    Refusal(
      502, "upstream_error", "upstream_connect", "Provider '\(provider)' could not be reached: \(reason).",
      cause: .unreachable,
      source: .network)
  }

  package static func tls(_ provider: String, _ reason: String) -> Refusal {
    Refusal(
      502, "upstream_error", "upstream_tls", "No TLS connection to provider '\(provider)': \(reason).",
      cause: .tls,
      source: .network, shouldRetry: false)
  }

  package static func protocolBroken(_ provider: String, _ reason: String) -> Refusal {
    Refusal(
      502, "upstream_error", "upstream_protocol", "Provider '\(provider)' broke the protocol: \(reason).",
      cause: .broken,
      source: .upstream)
  }

  /// The answer is well-formed HTTP, but not of the API that is meant to be there.
  package static func notTheAPI(_ provider: String, _ reason: String) -> Refusal {
    Refusal(
      502, "upstream_error", "upstream_protocol",
      "Provider '\(provider)' does not answer as its API does: \(reason); "
        + "check providers.\(provider).base_url in Remora's configuration.", cause: .broken,
      source: .upstream, shouldRetry: false)
  }

  /// - Parameter key: the provider's key of the configuration that says what it is shown.
  package static func upstreamAuth(_ provider: String, status: Int, key: String) -> Refusal {
    let rights = status == 403 ? ", and that they may use the model" : ""
    return Refusal(
      502, "upstream_error", "upstream_auth",
      "Provider '\(provider)' refused Remora's credentials (\(status)); "
        + "check providers.\(provider).\(key) in Remora's configuration\(rights).", cause: .credentials,
      source: .upstream, shouldRetry: false)
  }

  /// - Parameter isPassing: whether it may come right without anybody changing anything.
  package static func noCredentials(_ provider: String, _ reason: String, isPassing: Bool) -> Refusal {
    Refusal(
      502, "upstream_error", "upstream_auth",
      "There are no credentials for provider '\(provider)': \(reason).", cause: .credentials,
      source: .network, shouldRetry: isPassing ? nil : false)
  }

  package static func timeout(_ provider: String, _ reason: String) -> Refusal {
    Refusal(
      504, "upstream_error", "upstream_timeout", "Provider '\(provider)' \(reason).", cause: .timedOut,
      source: .upstream)
  }

  package static func overloaded(_ reason: String) -> Refusal {
    Refusal(503, "overloaded_error", "overloaded", reason, cause: .overloaded, retryAfter: 1)
  }

  package static let noMemory: Refusal = {
    var refusal = Refusal.overloaded("Remora holds as much memory as it may (max_memory); try again.")
    refusal.closes = true
    return refusal
  }()

  package static let noDescriptors = Refusal.overloaded(
    "Remora has as many files open as the process may (ulimit -n); try again.")

  package static let draining: Refusal = {
    var refusal = Refusal(
      503, "overloaded_error", "draining", "Remora is shutting down; try again.", cause: .draining,
      retryAfter: 1)
    refusal.closes = true
    return refusal
  }()
}
