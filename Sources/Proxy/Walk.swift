// THE PAGE: the way of every request, top to bottom. A step takes what is known and gives what it found out; no step
// calls the next. Whatever happens, the walk comes to `account`, once.
//
//   receive → admit → choose → call → relay → account

internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// Goes the whole way. What is mostly there at once is tried at once, and awaited only where it isn't: to call an
  /// `async` function that has nothing to wait for costs more than most steps.
  ///
  /// - Returns: whether the connection takes another request.
  func run(_ connection: ClientConnection) async -> Bool {
    walk: do throws(Refusal) {
      var isHere = ask.takeHead(from: connection)
      if !isHere { isHere = try await ask.receiveHead(from: connection) }
      guard isHere else {
        abandon()
        break walk
      }
      try ask.read(connection)
      if ask.entrance.role == .admin {
        await answerAdmin(connection)
        break walk
      }
      if answerHealth(connection) { break walk }
      count()
      if let plan = lineup.snapshot.telemetry { beginTrace(plan) }
      if Log.isOn(.trace) { trace("head read") }
      try ask.admit(connection)
      if answerPreflight(connection) { break walk }
      if let callers = lineup.snapshot.callers { try ask.identify(callers) }
      if let audits = lineup.snapshot.audits { try admit(audits) }
      var plan: Plan?
      if asksForModels, try await answerModels(connection, &plan) { break walk }
      if asksForResponse, try answerResponse(connection) { break walk }
      try ask.check()
      if ask.awaitsGo(connection) { tellToGoOn(connection) }
      if try !ask.receiveAtOnce(connection) { try await ask.receive(connection) }
      ask.readAttribution()
      try ask.readWishes()
      if Log.isOn(.trace) { trace("body read") }
      if let age = lineup.snapshot.responsesAge, ask.target.recalls {
        if ask.awaitsMore { try await ask.readRest(connection) }
        try ask.recall(age)
      }
      let chosen = try choose(plan, connection)
      if case .wanted = record.bill.shared, let shared = lineup.meters?.shared {
        try await askShared(shared, connection)
      }
      if ask.awaitsMore { try await ask.meet(chosen.demand(ask), connection) }
      if let policies = ask.policies { try police(policies) }
      if Log.isOn(.trace) { trace("target chosen") }
      if lineup.snapshot.caches, try await answerCached(chosen, connection) { break walk }
      let attempt = try await call(chosen, connection)
      try await relay(attempt, connection)
      if Log.isOn(.trace) { trace("answer relayed") }
    } catch { refuse(error, connection) }
    let isAudited = lineup.snapshot.audits.map { awaitsDisk($0) } ?? false
    if isAudited {
      account(connection)
      await awaitDisk(connection)
    }
    var goesOn = leaveAnswer(to: connection) || sendAnswer(to: connection)
    if !goesOn { goesOn = await finish(connection) }
    if !isAudited { account(connection) }
    return goesOn
  }

  @inline(never)
  private func beginTrace(_ plan: TelemetryPlan) {
    guard plan.traces != nil else { return }
    let trace = state.lendTrace()
    trace.begin(ask, plan, state.tracing.numbers, epoch: state.tracing.clock.epoch(at: now))
    ask.trace = trace
  }

  /// Chooses the targets, and promises what they may take. A function of its own, so that what it needs doesn't stand in
  /// the memory of each stream.
  @inline(never)
  private func choose(_ plan: Plan?, _ connection: ClientConnection) throws(Refusal) -> Plan {
    var chosen: Plan
    if let plan { chosen = plan } else { chosen = try ask.choose(ask.entrance) }
    ask.readTier()
    if let meters = lineup.meters { chosen = try reserve(chosen, meters) }
    if let trace = ask.trace { trace.note(ask) }
    route = chosen.first
    notice = chosen.notice
    return chosen
  }

  /// Ends a walk whose client left before its request was read.
  private func abandon() {
    record.end = .clientGone
    record.isSilent = true
  }

  /// Sends what still waits for the client, where it goes out at once and another request may follow.
  private func sendAnswer(to connection: ClientConnection) -> Bool {
    guard mayGoOn(connection) else { return false }
    if answer.outbound.isEmpty { return true }
    guard let isSent = try? connection.socket.write(from: &answer.outbound) else {
      record.end = .clientGone
      return false
    }
    return isSent
  }

  /// Sends what still waits for the client, and says whether the connection can go on.
  private func finish(_ connection: ClientConnection) async -> Bool {
    var uptake = Uptake(limit: state.patience.stalled, at: now)
    while record.end != .clientGone, !answer.outbound.isEmpty {
      guard let isSent = try? connection.socket.write(from: &answer.outbound) else {
        record.end = .clientGone
        break
      }
      if isSent { break }
      let isStalled = await !connection.waitsForRoom(&uptake)
      if connection.socket.hasFailed || isStalled { record.end = .clientGone }
    }
    switch record.end {
    case .clientGone: return false
    case .complete: break
    case .upstreamEOF, .error, .idleTimeout, .shutdown:
      // A body that is cut must not look whole: no last chunk, no close_notify.
      if answer.isCut {
        connection.socket.close(isCut: true, abruptly: ask.isOld)
        return false
      }
    }
    // What is left of a body would pass for the next request.
    if connection.mustClose || !ask.head.keepsAlive || !ask.body.flow.hasEnded {
      if !ask.body.flow.hasEnded || !ask.hasHead || connection.socket.hasReadable {
        await connection.linger()
      }
      return false
    }
    return true
  }
}
