// An audit log's keys: where it writes, how long it keeps that, and what happens when it can't.

internal import Wire

/// How an audit log is kept.
package struct AuditLog: Sendable, Equatable {
  package enum OnError: String, Sendable, Equatable, CaseIterable { case block, drop }
  /// Who may read the file.
  package enum Mode: String, Sendable, Equatable, CaseIterable {
    case owner = "0600"
    case group = "0640"
    case everybody = "0644"

    package var bits: UInt32 {
      switch self {
      case .owner: 0o600
      case .group: 0o640
      case .everybody: 0o644
      }
    }
  }
  package enum Sync: String, Sendable, Equatable, CaseIterable { case always, interval, none }

  /// Where it writes: a file's path, or `stdout`.
  package var file: String?
  package var retention: Duration?
  package var onError = OnError.block
  package var sync = Sync.interval
  /// A file of so many bytes is followed by another.
  package var maxSize = 64 << 20
  package var isChained = true
  /// Bytes of all its files together, above which the oldest go; 0: no bound.
  package var maxTotal = 0
  package var mode = Mode.owner
  /// Whether lines say of bodies, by a code that the key makes, which they were.
  package var digests = false

  static let rows: [Row<Policy>] = [
    Row(optional: "file", \.audit.file, .target, "Where it writes.", kinds: Policy.only(.auditLog)),
    Row(
      optional: "retention", \.audit.retention, .duration(.seconds(3600)...Defaults.retention),
      "How long it keeps its lines.", kinds: Policy.only(.auditLog)),
    Row(
      "on_error", \.audit.onError, .choice,
      "What happens to requests while it can't write. Default: block.", kinds: Policy.only(.auditLog)
    ).printed(where: { $0.kind == .auditLog }),
    Row(
      "sync", \.audit.sync, .choice, "When it asks the disk to keep what was written. Default: interval.",
      kinds: Policy.only(.auditLog)
    ).printed(where: { $0.kind == .auditLog }),
    Row(
      "max_size", \.audit.maxSize, .size(ceiling: 1 << 40),
      "Bytes of a file, behind which another begins. Default: 64MiB.",
      kinds: Policy.only(.auditLog)
    ).printed(where: { $0.kind == .auditLog }),
    Row(
      "max_total", \.audit.maxTotal, .size(ceiling: 1 << 50),
      "Bytes of all its files together, above which the oldest are deleted. Default: no bound.",
      kinds: Policy.only(.auditLog)
    ).printed(where: { $0.kind == .auditLog && $0.audit.maxTotal > 0 }),
    Row(
      "mode", \.audit.mode, .choice, "Who may read the file. Default: 0600.",
      kinds: Policy.only(.auditLog)
    ).printed(where: { $0.kind == .auditLog && $0.audit.mode != .owner }),
    Row(
      "chain", \.audit.isChained, .boolean,
      "Whether each line holds a hash of the one before. Default: true.",
      kinds: Policy.only(.auditLog)
    ).printed(where: { $0.kind == .auditLog }),
    Row(
      "digest", \.audit.digests, .boolean,
      "Whether lines hold HMAC-SHA-256 codes of both bodies, under the key. Default: false.",
      kinds: Policy.only(.auditLog)
    ).printed(where: { $0.audit.digests }),
  ]
}
