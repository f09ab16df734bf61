// What is done with an audit log's lines, one batch after the other: put into the chain, written, kept for as long as they
// must be. It has no clock of its own and no thread. Next: AuditWriter.swift, which has both.

internal import Glibc
internal import Policy
internal import Telemetry
internal import Wire

/// The hand that writes one log. Confined to its writer's thread.
final class AuditPen {
  private(set) var file: AuditFile
  private(set) var chain: AuditChain
  private var keeping: AuditKeeping
  /// Lines of the chain that the file hasn't taken.
  private var waiting = ByteQueue()
  /// The file must be put aside before another line: it has another key.
  private var endsFile = false
  private var wantsSync = false
  private var tidiedAt: Int?
  /// Lines that the file has, since the pen was made.
  private(set) var written = 0
  private var sealed = 0

  /// Bytes that a line has beside what it says: its number and two hashes.
  private static let frame = 192

  /// How often files are looked at for their age, in seconds.
  static let tidyInterval = 3600

  /// Opens the log.
  init(_ path: String, mode: mode_t, chain: AuditChain, keeping: AuditKeeping) throws(AuditFault) {
    var file = AuditFile(path, mode: mode)
    var chain = chain
    try file.open(&chain)
    self.file = file
    self.chain = chain
    self.keeping = keeping
  }

  /// Bytes that the file hasn't taken.
  var backlog: Int { waiting.count }
  /// Whether something was written that the disk may not have.
  var isDirty: Bool { wantsSync }

  /// Takes over what a configuration has changed. Lines under another key begin another file.
  func follow(_ keeping: AuditKeeping, chain other: AuditChain?) {
    self.keeping = keeping
    tidiedAt = nil
    guard let other else { return }
    chain = chain.changing(to: other)
    endsFile = true
  }

  /// Writes lines: for each, what it says, ended by a line feed.
  ///
  /// - Parameters:
  ///   - dropped: lines that are missing before them.
  ///   - seconds: Unix time.
  /// - Returns: nil, or why not all of them are written; they are tried again with the next ones.
  func write(_ lines: Span<UInt8>, dropped: Int, at seconds: Int) -> String? {
    let problem = attend(at: seconds)
    // What can't be written now is in the chain all the same, in the order in which it came.
    let goesOut = problem == nil
    var failure = problem
    if dropped > 0 {
      let event = Self.event("gap", seconds, "count", dropped)
      if let new = seal(event.span, goesOut, at: seconds) { failure = new }
    }
    var at = 0
    while at < lines.count {
      var end = at
      while end < lines.count, lines[end] != ASCII.lf { end += 1 }
      if end > at, let new = seal(lines.extracting(at..<end), goesOut && failure == nil, at: seconds) {
        failure = new
      }
      at = end + 1
    }
    return failure ?? flush(at: seconds)
  }

  /// Sees to it that the file is the one that is to be written.
  private func attend(at seconds: Int) -> String? {
    do throws(AuditFault) {
      if !file.isOpen || file.isMoved { try file.open(&chain) }
      if endsFile || file.ends(behind: 0, adding: 0, at: seconds, keeping) { try turn(at: seconds) }
    } catch { return error.message }
    return nil
  }

  /// Puts the file aside and begins another.
  private func turn(at seconds: Int) throws(AuditFault) {
    if file.size > 0 { try file.putAside(at: seconds, &chain) }
    endsFile = false
    tidiedAt = nil
  }

  /// Puts one line into the chain; first what waits goes out, where the file would grow too long.
  private func seal(_ members: Span<UInt8>, _ goesOut: Bool, at seconds: Int) -> String? {
    var problem: String?
    if goesOut, file.ends(behind: waiting.count, adding: members.count + Self.frame, at: seconds, keeping) {
      problem = flush(at: seconds)
      if problem == nil {
        do throws(AuditFault) { try turn(at: seconds) } catch { problem = error.message }
      }
    }
    chain.seal(members, into: &waiting)
    sealed += 1
    return problem
  }

  private func flush(at seconds: Int) -> String? {
    if waiting.isEmpty { return nil }
    guard file.isOpen else { return "it isn't open" }
    wantsSync = true
    let problem = file.write(&waiting, at: seconds)
    written = problem == nil ? sealed : written
    return problem
  }

  /// Has the disk keep what was written.
  func sync() -> String? {
    guard wantsSync else { return nil }
    if let problem = file.sync() { return problem }
    wantsSync = false
    return nil
  }

  // MARK: What is old

  /// Ends a file whose day is over, and deletes those that are too old or too many. Deleting is written down, too: the
  /// line says why the chain begins where it does.
  func tidy(at seconds: Int) -> String? {
    if let tidiedAt, seconds >= tidiedAt, seconds - tidiedAt < Self.tidyInterval { return nil }
    if let problem = attend(at: seconds) { return problem }
    tidiedAt = seconds
    if keeping.retention == nil, keeping.maxTotal == 0 { return nil }
    var count = 0
    var last = 0
    for file in keeping.doomed(file.asides.facts(), size: file.size, at: seconds)
    where self.file.asides.delete(file.name) {
      count += 1
      last = max(last, file.sequence)
    }
    if count == 0 { return nil }
    var line = ByteQueue()
    line.append(Self.event("pruned", seconds, "files", count).span)
    line.append(",\"last_seq\":")
    line.append(decimal: last)
    return seal(line.bytes, true, at: seconds) ?? flush(at: seconds)
  }

  /// What a line says that is no exchange's.
  private static func event(
    _ name: StaticString, _ seconds: Int, _ what: StaticString, _ count: Int
  ) -> [UInt8] {
    var members = ByteQueue()
    members.append("\"time\":\"")
    appendTimestamp(unixNanoseconds: seconds &* 1_000_000_000, into: &members)
    members.append("\",\"event\":\"")
    members.append(name)
    members.append("\",\"")
    members.append(what)
    members.append("\":")
    members.append(decimal: count)
    return members.array()
  }
}
