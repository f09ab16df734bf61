// The last step, which every exchange comes to once: metrics and the access log.

internal import Dialects
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  func account(_ connection: ClientConnection) {
    if record.isSilent { return }
    count()
    let end = Instant.now
    if case .clientGone = record.end, !hasAnswered { record.status = 499 }
    var counted = ExchangeRecord(endpoint: record.endpoint, status: record.status)
    counted.durationNanoseconds = end.nanoseconds(since: record.startedAt)
    // The last turn began with the event that brought the answer's end.
    record.overhead = max(0, record.overhead) + end.nanoseconds(since: now)
    counted.overheadNanoseconds = record.overhead
    counted.firstTokenNanoseconds = record.firstTokenAt.map {
      $0.nanoseconds(since: record.receivedAt ?? record.startedAt)
    }
    counted.usage = Usage(
      input: record.usage.input, output: record.usage.output, cachedInput: record.usage.cachedInput,
      reasoning: record.usage.reasoning)
    counted.requestBytes = record.requestBytes
    counted.responseBytes = record.responseBytes
    if let upstream { counted.provider = lineup.labels[upstream.index] }
    counted.model = withModel { state.shard.intern(model: $0) }
    counted.expectsUsage = target.isFullService && record.status == 200 && upstream != nil
    if record.isStream, record.status == 200 { counted.streamEnd = record.end }
    state.shard.finish(counted)
    if upstream != nil { countTranslation(counted.provider) }
    if state.writesAccessLog { log(counted) }
  }

  /// Counts what the upstream couldn't be told, and what it said that nobody here knows.
  private func countTranslation(_ provider: Label) {
    let count = translation?.request.dropped.count ?? dropped.count
    if count > 0 { state.shard.dropped(count, for: provider) }
    guard let unknown = translation?.unknown, !unknown.isEmpty else { return }
    for (place, kind) in [
      (UnknownPlace.event, UnknownKind.event), (.block, .block), (.finishReason, .finishReason),
    ] where unknown[kind] > 0 {
      state.shard.unknown(place, unknown[kind], of: provider)
    }
  }

  /// Counts the exchange as one in flight, once.
  func count() {
    if record.isCounted { return }
    record.isCounted = true
    state.shard.begin()
  }

  private func log(_ counted: ExchangeRecord) {
    var line = AccessRecord(
      unixNanoseconds: Int(clamping: Instant.unixNanoseconds), endpoint: record.endpoint,
      status: record.status,
      end: record.end)
    line.requestID = requestID.array()
    if hasHead { line.method = headBytes.view.extracting(head.methodText).array() }
    line.modelAsked = modelAsked.array()
    line.provider = upstream.map { Array($0.name.utf8) } ?? []
    line.model = upstream == nil ? [] : withModel { $0.array() }
    line.isStream = record.isStream
    line.durationNanoseconds = counted.durationNanoseconds
    line.firstTokenNanoseconds = counted.firstTokenNanoseconds
    if let sent = record.sentAt, let first = record.firstByteAt {
      line.upstreamNanoseconds = first.nanoseconds(since: sent)
    }
    line.overheadNanoseconds = record.overhead
    line.usage = counted.usage
    line.attempts = record.attempts
    line.requestBytes = record.requestBytes
    line.responseBytes = record.responseBytes
    line.errorCode = record.errorCode.bytes.array()
    state.accessLog.append(line)
  }
}
