// The admin port: probes, metrics, and the way out for Jobs. It never proxies.

internal import CRevision
internal import Config
internal import Glibc
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  func answerAdmin(_ connection: ClientConnection) async {
    record.isSilent = true
    let path = ask.headBytes.extracting(ask.head.path)
    if path.equals("/quitquitquit") {
      return answerQuit(connection)
    }
    let isState = path.equals("/state")
    if isState, !isOfThisPod(connection) { return }
    let isProbe = path.equals("/healthz") || path.equals("/readyz")
    guard isProbe || isState || path.equals("/metrics") else {
      return refuse(
        Refusal(
          404, "invalid_request_error", "not_found",
          "There is nothing at '\(ask.shownPath)'; the admin port has /healthz, /readyz, /metrics, /state.",
          shouldRetry: false), connection)
    }
    guard ask.head.method == .get || ask.head.method == .head else {
      return refuse(
        .methodNotAllowed("\(ask.head.method.text)", path: ask.shownPath, allow: "GET, HEAD"), connection)
    }
    if path.equals("/healthz") {
      answerPulse(connection)
    } else if path.equals("/readyz") {
      let isVerbose = ask.target.query.map { ask.headBytes.extracting($0).equals("verbose") } ?? false
      if isVerbose { writeConfigHealth() }
      let isReady = state.readiness.write(isVerbose: isVerbose, into: &answer.body)
      answer(isReady ? 200 : 503, "text/plain; charset=utf-8", connection)
    } else if isState {
      writeState()
      answer(200, "application/json", connection)
    } else {
      await answerMetrics(connection)
    }
  }

  /// Lines that fail nothing: what is in force still serves.
  private func writeConfigHealth() {
    if let watch = state.reloads.health.watch {
      answer.body.append("[+]watch ")
      answer.body.append(watch.name)
      answer.body.append(ASCII.lf)
    }
    if let audits = state.lineup.snapshot.audits {
      let problems = audits.problems
      if problems.isEmpty { answer.body.append("[+]audit ok\n") }
      for (policy, problem) in problems {
        answer.body.append("[!]audit: ")
        answer.body.append(Array("\(problem) (policy '".utf8))
        answer.body.append(policy)
        answer.body.append("')\n")
      }
    }
    if let shared = state.shared {
      answer.body.append(
        shared.book.isUp
          ? "[+]limits_shared ok\n"
          : "[!]limits_shared away: this pod keeps to its part of the groups' limits\n")
    }
    guard let problem = state.reloads.problem else { return answer.body.append("[+]reload ok\n") }
    answer.body.append("[!]reload refused, the earlier configuration is in force: ")
    answer.body.append(Array(problem.utf8))
    answer.body.append(ASCII.lf)
  }

  private func answerMetrics(_ connection: ClientConnection) async {
    // A worker that is stuck would hold the scrape, and each one after it, for as long as it is.
    if state.stuckWorker != nil { return answerPulse(connection) }
    let merged = await state.gatherMetrics()
    let format: Exposition.Format
    if let accept = ask.head.first(.accept) {
      format = Exposition.negotiate(accept: ask.headBytes.extracting(accept.value))
    } else {
      format = .prometheusText
    }
    Exposition.write(merged, format, into: &answer.body)
    answer(200, format.contentType, connection)
  }

  /// Drains and exits, asked by somebody inside the pod.
  private func answerQuit(_ connection: ClientConnection) {
    guard ask.head.method == .post else {
      return refuse(
        .methodNotAllowed("\(ask.head.method.text)", path: "/quitquitquit", allow: "POST"), connection)
    }
    guard isOfThisPod(connection) else { return }
    answer.body.append("draining\n")
    connection.mustClose = true
    answer(200, "text/plain; charset=utf-8", connection)
    state.drain.onQuit?()
  }

  /// Whether a process of this pod asks; whatever else does is refused.
  private func isOfThisPod(_ connection: ClientConnection) -> Bool {
    guard connection.socket.isFromThisMachine else {
      refuse(
        Refusal(
          403, "permission_error", "loopback_only", "Only a process in the same pod may ask for this.",
          shouldRetry: false), connection)
      return false
    }
    guard isFromWebPage else { return true }
    state.shard.refused(.foreignOrigin)
    refuse(
      Refusal(
        403, "permission_error", "origin_not_allowed",
        "A web page may not ask for this: send no Origin, and localhost or a loopback address as Host.",
        shouldRetry: false), connection)
    return false
  }
}

extension WorkerState {
  /// All that the process counts; asked of the first worker's state.
  func gatherMetrics() async -> MetricSnapshot {
    var merged = MetricSnapshot()
    for worker in crew { merged.merge(await worker.metrics()) }
    merged.allowances = AllowanceGauge.all(books.ledger, lineup.snapshot.settings, shared?.book)
    merged.sharedUp = shared?.book.isUp
    merged.targets = TargetGauge.all(lineup.snapshot.health)
    merged.stateProblems = books.keeper.problems
    merged.audit = lineup.snapshot.auditLogs.gauge
    merged.auditSequences = lineup.snapshot.audits?.sequences ?? []
    if lineup.snapshot.telemetry != nil { merged.exports = tracing.exporter?.gauge }
    merged.certificates = lineup.snapshot.certificateEnds
    merged.secretLoads = reloads.secretLoads
    merged.loadFailures = reloads.loadFailures
    merged.isDraining = drain.hasBegun
    merged.build = BuildInfo(
      version: Version.remora, revision: Version.revision, openssl: TLSLibrary.version)
    merged.config = reloads.health
    merged.process = ProcessFacts.read()
    return merged
  }
}

extension Exchange {
  /// Whether a browser may have sent this for a page, which reaches the loopback port as any process in the pod does.
  /// Browsers send Origin with each POST and Sec-Fetch-Site with everything (Fetch standard, section 3.2; Fetch Metadata
  /// Request Headers, section 2.3); Host shows a page whose name was pointed here.
  private var isFromWebPage: Bool {
    if ask.head.first(.origin) != nil { return true }
    let bytes = ask.headBytes
    for field in ask.head.fields where bytes.extracting(field.name).equalsIgnoringCase("sec-fetch-site") {
      // `none` is a person's own doing, which no page has caused.
      if !bytes.extracting(field.value).equals("none") { return true }
    }
    for authority in [ask.head.authority, ask.head.host] {
      if let authority, !ask.isOwnHost(authority) { return true }
    }
    return false
  }
}

/// This build.
package enum Version {
  package static let remora = "0.1.0"
  /// The revision of the sources, in hexadecimal digits; empty where the build was told none.
  // SAFETY: the text is a constant of the program's.
  package static let revision = unsafe String(cString: remora_revision())
}
