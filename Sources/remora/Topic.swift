// The commands, and what may stand behind each.

/// The commands that there are.
enum Topic: String, CaseIterable {
  case audit, serve, check, demo, explain, `import`, inject, models, policy, probe, record, replay, schema,
    version, webhook,
    help

  /// The options, and whether each takes a value.
  var options: [String: Bool] {
    switch self {
    case .serve: ["--config": true, "--listen": true, "--admin": true, "--log-level": true]
    case .check: ["--config": true, "--format": true, "--print": false]
    case .explain: ["--config": true, "--body": true, "--endpoint": true, "--admin": true]
    case .models: ["--config": true, "--json": false]
    case .import: ["--from": true, "--report": true, "--strict": false]
    case .inject:
      [
        "-f": true, "--filename": true, "--uninject": false, "--opt-in": false, "--mode": true,
        "--image": true,
        "--config": true, "--secret": true, "--containers": true, "--env": true, "--dry-run": false,
      ]
    case .probe: ["--admin": true, "--ready": false]
    case .record:
      ["--config": true, "--missing": false, "--errors": false, "--ignore": true, "--normalize": true]
    case .replay:
      [
        "--timing": true, "--exhausted": true, "--unused": true, "--listen": true, "--admin": true,
        "--verify": false, "--config": true,
      ]
    case .policy: ["--policy": true, "--config": true]
    case .audit: ["--key": true]
    case .webhook:
      [
        "--tls-cert": true, "--tls-key": true, "--listen": true, "--admin": true, "--on-error": true,
        "--mode": true,
        "--image": true, "--config": true, "--secret": true, "--containers": true, "--env": true,
      ]
    case .demo, .schema, .version, .help: [:]
    }
  }

  /// The most words that may stand beside the options.
  var operandCeiling: Int {
    switch self {
    case .check, .explain, .import, .policy, .help: 1
    // Files of years.
    case .audit: 100_000
    // The directory, and a command's words.
    case .record, .replay: 10_000
    case .serve, .demo, .inject, .models, .probe, .schema, .version, .webhook: 0
    }
  }
}
