// What the operator said, checked: the root of all settings.
//
// Plain values, one file a concept beside this one. SettingsDecoder.swift fills them from a file,
// ZeroConfiguration.swift from the environment alone; Defaults.swift says what holds where nothing was said.

/// Everything that can be configured. Values are complete: what was not said has its default.
package struct Settings: Sendable, Equatable {
  package var listen: [ListenEntry] = Defaults.listen
  /// Where health, readiness and metrics are served.
  package var admin: Address = Defaults.admin
  package var workers: Workers = .count(1)
  /// In the order of the file; names are unique.
  package var providers: [Provider] = []
  /// Whether they are those whose keys are in the environment, because the file names none.
  package var hasFoundProviders = false
  /// The name of the provider that gets what no other rule places.
  package var defaultProvider: String?
  /// In the order of the file; names are unique.
  package var models: [ModelEntry] = []
  /// Nil where the file says nothing: a failed request isn't repeated.
  package var retry: Retry?
  package var consumers: Consumers?
  package var limits = Limits()
  package var policies: [Policy] = []
  /// Names of policies, in the order in which they look at a request.
  package var policyChain: [String] = []
  package var prices: [Price] = []
  /// Bytes of a body that must be read whole; streamed bodies have no ceiling. 0: none.
  package var maxBody = Defaults.maxBody
  /// Bytes of memory that the process may use; nil: as the container's limit says. 0: no ceiling.
  package var maxMemory: Int?
  /// Host names, in lower case, that a loopback listener accepts beside its own.
  package var allowedHosts: [String] = []
  /// Origins of web pages that may send, as browsers write them: `https://app.example`.
  package var allowedOrigins: [String] = []
  package var responseMetadata = ResponseMetadata.body
  package var telemetry = Telemetry()
  package var shutdown = Shutdown()

  package init() {}

  /// The provider of this name, or nil.
  package func provider(_ name: String) -> Provider? {
    providers.first { $0.name == name }
  }

  /// The entry of `models` with this name, or nil.
  package func model(_ name: String) -> ModelEntry? {
    models.first { $0.name == name }
  }
}

/// How many event loops run.
package enum Workers: Sendable, Equatable {
  case count(Int)
  /// The cgroup's CPU quota, rounded up.
  case automatic
}

/// Where an answer says which provider and model made it.
package enum ResponseMetadata: String, Sendable, Equatable, CaseIterable {
  case body, headers, off
}

/// How often and how fast a failed attempt is repeated.
package struct Retry: Sendable, Equatable {
  /// Attempts in all, the first one included.
  package var attempts = 3
  /// The pause before the second attempt; it doubles, up to `maxBackoff`.
  package var backoff = Duration.milliseconds(250)
  package var maxBackoff = Duration.seconds(4)
  /// Repeats in percent of recent requests.
  package var budgetPercent = 20

  package init() {}
}

package struct Telemetry: Sendable, Equatable {
  package enum AccessLog: String, Sendable, Equatable, CaseIterable { case json, off }
  package enum Level: String, Sendable, Equatable, CaseIterable { case trace, debug, info, warn, error }

  package var accessLog = AccessLog.json
  package var level = Level.info
  /// Where traces go, or nil.
  package var otlp: BaseURL?

  package init() {}
}

package struct Shutdown: Sendable, Equatable {
  /// How long requests under way may take to finish.
  package var drain = Defaults.drain

  package init() {}
}
