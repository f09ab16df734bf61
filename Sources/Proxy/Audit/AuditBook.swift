// Who is written down where: the audit logs that a caller's exchanges go to, and what that means for an exchange.

internal import Config
internal import Glibc
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// The audit logs of one configuration.
struct AuditBook: Sendable {
  /// A log, as a caller's exchanges see it.
  struct Entry: Sendable {
    let policy: [UInt8]
    let hold: AuditHold
    /// New requests are refused while it can't be written.
    let blocks: Bool
    /// An answer's end waits until the disk has its line.
    let waits: Bool
    /// With which the bodies' codes are made; nil: lines say nothing of bodies.
    let digestKey: Secret?

    var writer: AuditWriter { hold.writer }
  }

  private struct Opened: Sendable {
    let entry: Entry
    let settings: AuditLog
    /// What becomes of its chain when the configuration takes effect.
    let change: AuditChain?
  }

  private let opened: [Opened]
  private let common: [Entry]
  private let groups: [String: [Entry]]
  /// What lines say of the process: names of the pod, of each listener, and the configuration's SHA-256.
  let pod: [UInt8]
  let listeners: [[UInt8]]
  let configuration: [UInt8]

  /// Opens the logs; nil where there is none.
  init?(
    _ settings: Settings, _ logs: AuditLogs, keys: [String: Secret], pod: [UInt8], sha256: String
  ) throws(SnapshotFault) {
    var opened: [Opened] = []
    for policy in settings.policies where policy.kind == .auditLog {
      do throws(AuditFault) {
        let (hold, change) = try logs.open(policy.audit, key: keys[policy.name])
        let entry = Entry(
          policy: Array(policy.name.utf8), hold: hold, blocks: policy.audit.onError == .block,
          waits: policy.audit.sync == .always, digestKey: policy.audit.digests ? keys[policy.name] : nil)
        opened.append(Opened(entry: entry, settings: policy.audit, change: change))
      } catch { throw SnapshotFault(message: "policy '\(policy.name)': \(error.message)") }
    }
    if opened.isEmpty { return nil }
    func entries(_ names: [String]) -> [Entry] {
      var seen: Set<String> = []
      return names.compactMap { name in
        guard seen.insert(name).inserted else { return nil }
        return opened.first { $0.entry.policy.span.equals(Array(name.utf8).span) }?.entry
      }
    }
    self.opened = opened
    common = entries(settings.policyChain)
    var groups: [String: [Entry]] = [:]
    for group in settings.consumers?.groups ?? [] where !group.policies.isEmpty {
      groups[group.name] = entries(settings.policyChain + group.policies)
    }
    self.groups = groups
    self.pod = pod
    listeners = settings.listen.map { Array($0.address.text.utf8) }
    configuration = Array(sha256.utf8)
  }

  /// Has the logs go on as this configuration says.
  func takeEffect() {
    for log in opened { log.entry.writer.follow(log.settings, chain: log.change) }
  }

  func entries(_ group: Group?) -> [Entry] { group.flatMap { groups[$0.name] } ?? common }

  /// What is wrong with each log, by its policy's name.
  var problems: [(policy: [UInt8], problem: String)] {
    opened.compactMap { log in log.entry.writer.problem.map { (log.entry.policy, $0) } }
  }

  /// The last line's number of each log, by its policy's name.
  var sequences: [(policy: [UInt8], number: Int)] {
    opened.map { ($0.entry.policy, $0.entry.writer.gauge.lastSequence) }
  }
}

extension Exchange {
  /// Refuses what couldn't be written down, and has the bodies' codes taken where a log wants them.
  @inline(never)
  func admit(_ audits: AuditBook) throws(Refusal) {
    let entries = audits.entries(ask.group)
    for entry in entries where entry.blocks && !entry.writer.isGood {
      record.isUnaudited = true
      throw .auditUnavailable
    }
    if let digests = BodyDigests(entries) {
      record.digests = digests
      ask.body.listener = digests.request
      answer.listener = digests.answer
    }
  }

  /// Writes the exchange down.
  @inline(never)
  func audit(_ audits: AuditBook, _ counted: ExchangeRecord, _ connection: ClientConnection) {
    // There is no room for what was refused because there is no room.
    if record.isUnaudited { return }
    let entries = audits.entries(ask.group)
    if entries.isEmpty { return }
    let line = auditLine(audits, counted, connection)
    for (at, entry) in entries.enumerated() {
      var own = line
      if let digests = record.digests { own.insert(contentsOf: digests.members(at), at: line.count - 1) }
      let ticket = entry.writer.append(own, isNeeded: entry.blocks)
      if entry.waits { record.audited.append((entry.hold, ticket, entry.blocks)) }
    }
  }

  /// Whether the answer's end waits for the disk.
  func awaitsDisk(_ audits: AuditBook) -> Bool {
    !record.isSilent && !record.isUnaudited && record.isCounted
      && audits.entries(ask.group).contains(where: \.waits)
  }

  /// Waits until the disk has the exchange's lines. Where it doesn't take them, the answer's end is withheld: what can't
  /// be written down isn't done.
  func awaitDisk(_ connection: ClientConnection) async {
    let deadline = now + Deadline.audit
    for (hold, ticket, blocks) in record.audited {
      var isKept = false
      if let ticket {
        let writer = hold.writer
        let (loop, parker) = (loop, Confined(connection.parker))
        while !writer.keeps(ticket), writer.isGood, now < deadline, !connection.socket.hasFailed {
          writer.await(ticket) { loop.post { parker.value.signal() } }
          _ = await connection.parker.park(until: deadline)
        }
        isKept = writer.keeps(ticket)
      }
      if !isKept, blocks { withhold(connection) }
    }
  }

  private func withhold(_ connection: ClientConnection) {
    record.end = .error
    connection.mustClose = true
    answer.outbound.removeAll()
    answer.cut()
  }
}

extension Refusal {
  static var auditUnavailable: Refusal {
    Refusal(
      503, "overloaded_error", "audit_unavailable",
      "The audit log can't be written, so nothing is answered that it would have to hold. Try again later, or ask your platform team to look at its disk.",
      cause: .overloaded, retryAfter: 5)
  }
}

extension Snapshot {
  /// The pod's name: what Kubernetes' Downward API says, or the host's, which it is where the network isn't the node's.
  static func pod(_ environment: Environment) -> [UInt8] {
    for name in ["K8S_POD_NAME", "POD_NAME"] {
      if let text = environment[name], !text.isEmpty { return Array(text.utf8) }
    }
    var name = [CChar](repeating: 0, count: 256)
    guard unsafe gethostname(&name, name.count - 1) == 0 else { return [] }
    return name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
  }
}
