// The last step, which every exchange comes to once: metrics and the access log.

internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// Counts the exchange and writes its line.
  func account(_ connection: ClientConnection) {
    if record.isSilent { return }
    count()
    let end = Instant.now
    let isGone = if case .clientGone = record.end { !answer.hasBegun } else { false }
    var counted = ExchangeRecord(endpoint: ask.target.endpoint, status: isGone ? 499 : answer.status)
    counted.durationNanoseconds = end.nanoseconds(since: record.startedAt)
    // The last turn began with the event that brought the answer's end.
    record.overhead = max(0, record.overhead) + end.nanoseconds(since: now)
    counted.overheadNanoseconds = record.overhead
    counted.requestBytes = ask.body.received
    counted.responseBytes = answer.count
    let route = route
    if let route {
      counted.model = label(of: route)
      counted.provider = lineup.labels[route.providerIndex]
      counted.expectsUsage = ask.target.takesTokens && counted.status == 200 && ask.cache.result != .hit
    } else {
      counted.model = shard.intern(model: ask.model)
    }
    tries.end(self)
    // Looked at once: each look at what may be absent counts a reference.
    if let attempt { conclude(attempt, route, &counted, at: end) } else { settle(&counted, nil, route) }
    if let trace = ask.trace {
      if trace.isSampled { counted.trace = (trace.ids, Int(clamping: trace.unix(end))) }
      finish(trace, counted, connection, at: end)
    }
    if isStream, counted.status == 200 { counted.streamEnd = record.end }
    shard.finish(counted)
    if let write = ask.cache.write { keepAnswer(write) }
    if let watch = ask.watch { count(watch) }
    if state.writesAccessLog { log(counted) }
    if Log.isOn(.debug) { tell(counted) }
    if let audits = lineup.snapshot.audits { audit(audits, counted, connection) }
  }

  @inline(never)
  private func label(of route: Route) -> Label {
    if let model = route.model { return shard.intern(model: model.span) }
    return shard.intern(model: ask.model)
  }

  /// Counts and settles what the last try came to.
  @inline(__always)
  private func conclude(_ attempt: Attempt, _ route: Route?, _ counted: inout ExchangeRecord, at end: Instant)
  {
    if let first = attempt.tried.times.firstTokenAt {
      counted.firstTokenNanoseconds = first.nanoseconds(since: ask.receivedAt ?? record.startedAt)
    }
    take(attempt, &counted)
    settle(&counted, attempt, route)
    counted.tokenSpeed = speed(attempt, counted, end)
    if let trace = ask.trace { trace.cost = counted.cost }
    let paced = attempt.tried.paced
    concludeLast(attempt, at: end)
    if let paced { tell(paced, attempt, counted.usage.output, end) }
  }

  /// Output tokens a second in billionths; nil where there are too few of them, or no time between them.
  private func speed(_ attempt: Attempt, _ counted: ExchangeRecord, _ end: Instant) -> Int? {
    guard answer.isEvents, record.end == .complete, let tokens = counted.usage.output, tokens >= 16,
      tokens < 1 << 30, let first = attempt.tried.times.firstTokenAt
    else { return nil }
    let time = end.nanoseconds(since: first)
    guard time >= 1000 else { return nil }
    // Thousandths first, and a ceiling, so that nothing overflows.
    let thousandths = UInt64(tokens) * 1_000_000_000 / UInt64(time / 1000)
    return Int(min(thousandths, 1 << 40)) * 1_000_000
  }

  /// Tells a target that is picked by its speed how fast it was.
  private func tell(_ health: TargetHealth, _ attempt: Attempt, _ tokens: Int?, _ end: Instant) {
    guard record.end == .complete, answer.status == 200 else { return }
    let began = attempt.tried.times.beganAt
    if answer.isEvents {
      guard let first = attempt.tried.times.firstTokenAt else { return }
      health.took(.stream(UInt64(clamping: first.nanoseconds(since: began))), at: now.nanoseconds)
    } else {
      let each = end.nanoseconds(since: began) / max(tokens ?? 1, 1)
      health.took(.whole(UInt64(clamping: each)), at: now.nanoseconds)
    }
  }

  /// Whether a stream was asked for, or is what the client got.
  var isStream: Bool { answer.isEvents || ask.body.isJSON && ask.body.facts.streams }

  /// Adds what the last try has to tell: usage, what was left out, what was passed over.
  private func take(_ attempt: Attempt, _ counted: inout ExchangeRecord) {
    let conversation = attempt.conversation
    let usage = conversation.usage
    counted.usage = Usage(
      input: usage.input, output: usage.output, cachedInput: usage.cachedInput, cacheWrite: usage.cacheWrite,
      reasoning: usage.reasoning)
    let dropped = conversation.droppedCount
    if dropped > 0 { shard.dropped(dropped, for: counted.provider) }
    guard let unknown = conversation.unknown, !unknown.isEmpty else { return }
    for (place, kind) in [
      (UnknownPlace.event, UnknownKind.event), (.block, .block), (.finishReason, .finishReason),
    ] where unknown[kind] > 0 {
      shard.unknown(place, unknown[kind], of: counted.provider)
    }
  }

  /// Says how long the exchange's parts took.
  @inline(never)
  private func tell(_ counted: ExchangeRecord) {
    Log.write(
      .debug, "request", .bytes("request_id", ask.requestID),
      .bytes("endpoint", counted.endpoint.name.bytes),
      .number("status", counted.status), .bytes("end", record.end.name.bytes),
      .number("received_us", ask.receivedAt.map { $0.nanoseconds(since: record.startedAt) / 1000 } ?? -1),
      .number("overhead_us", counted.overheadNanoseconds / 1000), .number("attempts", record.attempts),
      .number("duration_us", counted.durationNanoseconds / 1000))
  }

  /// Counts the exchange as one in flight, once.
  func count() {
    if record.isCounted { return }
    record.isCounted = true
    shard.begin()
  }

  private func log(_ counted: ExchangeRecord) {
    describe(counted, &state.accessLog.record)
    state.accessLog.appendRecord()
  }

  private func describe(_ counted: ExchangeRecord, _ line: inout AccessRecord) {
    line.begin(
      unixNanoseconds: counted.trace?.unixNanoseconds ?? Int(clamping: Instant.unixNanoseconds),
      endpoint: counted.endpoint,
      status: counted.status, end: record.end)
    line.set(.requestID, ask.requestID)
    line.trace = ask.traceIDs
    if ask.hasHead {
      line.set(.method, ask.headBytes.extracting(ask.head.methodText))
      line.set(.path, ask.headBytes.extracting(ask.head.path))
    }
    if let group = ask.group {
      let label = group.label
      line.set(.group, label.span)
    }
    if let watch = ask.watch { line.policies = watch.lines }
    line.keyHint = ask.shownKey.hint
    line.set(.modelAsked, ask.model)
    if let upstream {
      line.set(.provider, upstream.name.utf8.span)
      withModel { line.set(.model, $0) }
    }
    if let attempt {
      if let sent = attempt.tried.times.sentAt, let first = attempt.tried.times.firstByteAt {
        line.upstreamNanoseconds = record.upstream + first.nanoseconds(since: sent)
      } else if record.upstream > 0 {
        line.upstreamNanoseconds = record.upstream
      }
    }
    line.isStream = isStream
    line.durationNanoseconds = counted.durationNanoseconds
    line.firstTokenNanoseconds = counted.firstTokenNanoseconds
    line.overheadNanoseconds = counted.overheadNanoseconds
    line.usage = record.bill.shown ?? counted.usage
    if let said = written {
      line.set(.customer, said.customer.span)
      line.set(.thread, said.thread.span)
      line.set(.groupIdentifier, said.group.span)
      line.metadata = said.metadata
    }
    line.cost = record.bill.cost.map { Int(clamping: $0.picodollars) }
    line.isEstimated = record.bill.isEstimated
    line.attempts = record.attempts
    line.cache = ask.cache.result
    line.requestBytes = counted.requestBytes
    line.responseBytes = counted.responseBytes
    describeError(counted, &line)
  }

  private func describeError(_ counted: ExchangeRecord, _ line: inout AccessRecord) {
    if let name = record.errorName {
      line.set(.errorCode, name.utf8.span)
    } else {
      line.set(.errorCode, record.errorCode.bytes)
    }
    if let message = record.errorMessage {
      line.set(.errorMessage, message.utf8.span)
    } else if counted.status >= 400, let attempt, attempt.conversation.asksProvider {
      // Its words may be the prompt's.
      line.set(.errorMessage, "Provider '\(attempt.upstream.name)' answered \(counted.status).".utf8.span)
    }
  }
}
