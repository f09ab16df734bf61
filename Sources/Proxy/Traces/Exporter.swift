// Brings spans, and metrics where they are wanted, to the collector: one task on the first worker's loop, one request at a
// time, never on a request's path. What follows on an answer is decided in Telemetry/OTLP/ExportRules.swift.

internal import Config
internal import HTTP
internal import Telemetry
internal import Transport
internal import Wire

/// The process's exporter. Confined to the first worker's loop.
final class Exporter {
  /// Between two complaints of a collector.
  private static let gap = Interval(seconds: 60)
  /// Of an answer, which has an error's text at most.
  private static let answerCeiling = 64 << 10

  private let state: WorkerState
  private let queue: SpanQueue
  private let parker: Parker
  private var plan: TelemetryPlan?
  /// Connections, for each address and the way in which it is checked: those of traces and metrics, which are mostly the
  /// same.
  private var pools: [(place: FetchPlace, pool: Pool)] = []
  private var isRunning = false
  /// When the batch that is gathered goes out.
  private var dueAt: Instant?
  private var metricsAt = Instant.never
  /// When everything must be over; nil while the process goes on.
  private var endsAt: Instant?
  private var onEnd: (() -> Void)?
  private var lastAlarm: Alarm?
  private var complainedAt: Instant?
  private let startedAt = Instant.unixNanoseconds
  /// What was counted.
  private var counts = ExportGauge()
  private var isSending = false

  init(_ state: WorkerState) {
    self.state = state
    queue = state.books.spans
    parker = Parker(on: state.loop)
    let here = Confined(self)
    let loop = state.loop
    queue.onWork { loop.post { here.value.parker.signal() } }
  }

  /// Exports from now on as `plan` says.
  func adopt(_ plan: TelemetryPlan?) {
    self.plan = plan
    metricsAt = .never
    if let plan, plan.metrics != nil { metricsAt = state.loop.now + plan.interval }
    guard plan != nil else { return }
    if isRunning { return parker.signal() }
    isRunning = true
    let here = Confined(self)
    state.loop.start { _ in await here.value.run() }
  }

  /// Sends what waits, once, and then calls `done`; at the latest after `time`.
  func finish(within time: Interval, _ done: @escaping () -> Void) {
    guard isRunning, plan != nil, queue.count > 0 || isSending || plan?.metrics != nil else { return done() }
    endsAt = state.loop.now + time
    onEnd = done
    // A collector that has taken the connection and says nothing holds the request under way, not the end.
    let alarm = Alarm { [weak self] in self?.end() }
    lastAlarm = alarm
    state.loop.arm(alarm, at: state.loop.now + time)
    parker.signal()
  }

  private func end() {
    let done = onEnd
    onEnd = nil
    done?()
  }

  var gauge: ExportGauge {
    var gauge = counts
    gauge.queued = queue.count
    gauge.dropped += queue.dropped
    return gauge
  }

  // MARK: The task

  private func run() async {
    while true {
      let now = state.loop.now
      if endsAt != nil { return await flush() }
      if now >= metricsAt, let plan {
        metricsAt = now + plan.interval
        await sendMetrics(plan)
        continue
      }
      let waiting = queue.count
      guard waiting > 0, let plan else {
        dueAt = nil
        _ = await parker.park(until: metricsAt)
        continue
      }
      let due = dueAt ?? now + plan.delay
      dueAt = due
      if waiting < plan.queue / 2, now < due {
        _ = await parker.park(until: min(due, metricsAt))
        continue
      }
      dueAt = nil
      await sendSpans(plan)
    }
  }

  /// The last of it.
  private func flush() async {
    if let plan {
      while queue.count > 0, !isOver { await sendSpans(plan) }
      if !isOver, plan.metrics != nil { await sendMetrics(plan) }
    }
    counts.dropped += queue.abandon()
    end()
  }

  /// The end can't wait any longer.
  private var isOver: Bool { endsAt.map { state.loop.now >= $0 } ?? false }

  private func sendSpans(_ plan: TelemetryPlan) async {
    guard let batch = queue.take() else { return }
    defer { queue.release(batch) }
    guard let destination = plan.traces else {
      // A configuration before this one wanted them.
      counts.dropped += batch.count
      return
    }
    await send(batch, 0..<batch.spans.count, batch.count, plan, destination, isHalf: false)
  }

  /// Sends the `count` spans that lie in `range`.
  private func send(
    _ batch: SpanBatch, _ range: Range<Int>, _ count: Int, _ plan: TelemetryPlan,
    _ destination: TelemetryPlan.Destination, isHalf: Bool
  ) async {
    let body = Self.body(unsafe batch.spans.view.extracting(range), plan, destination)
    let result = await deliver(body, destination, isHalf: isHalf)
    switch result {
    case .done(let rejected):
      counts.rejected += min(rejected, count)
      counts.sent += count - min(rejected, count)
    case .drop: counts.dropped += count
    case .halve where count > 1:
      let half = count / 2
      let place = range.lowerBound + Envelope.end(of: half, in: unsafe batch.spans.view.extracting(range))
      await send(batch, range.lowerBound..<place, half, plan, destination, isHalf: true)
      await send(batch, place..<range.upperBound, count - half, plan, destination, isHalf: true)
    case .halve: counts.dropped += count
    }
  }

  private func sendMetrics(_ plan: TelemetryPlan) async {
    guard let destination = plan.metrics, state.stuckWorker == nil else { return }
    let snapshot = await state.gatherMetrics()
    var page = ByteQueue()
    Exposition.write(snapshot, .prometheusText, into: &page)
    var items = ByteQueue()
    MetricsEncoder.encode(page.bytes, start: startedAt, now: Instant.unixNanoseconds, into: &items)
    let body = Self.body(items.bytes, plan, destination)
    _ = await deliver(body, destination, isHalf: true)
  }

  private static func body(
    _ items: Span<UInt8>, _ plan: TelemetryPlan, _ destination: TelemetryPlan.Destination
  ) -> [UInt8] {
    var plain = ByteQueue()
    let resource = plan.resource
    Envelope.head(items.count, resource: resource.span, version: Version.remora, into: &plain)
    if destination.isCompressed {
      var packed = ByteQueue()
      GzipEncoder.encode(items, behind: plain.bytes, into: &packed)
      return packed.array()
    }
    plain.append(items)
    return plain.array()
  }

  // MARK: One batch

  private enum Delivery {
    case done(rejected: Int)
    case halve
    case drop
  }

  /// Sends the same bytes until they are taken, or given up.
  private func deliver(
    _ body: [UInt8], _ destination: TelemetryPlan.Destination, isHalf: Bool
  ) async -> Delivery {
    isSending = true
    defer { isSending = false }
    let began = state.loop.now
    var failures = 0
    while true {
      let (outcome, rejected, problem) = await post(body, destination)
      counts.note(outcome)
      let mayWait = endsAt == nil && plan != nil && !queue.isFull
      let age = UInt64(clamping: state.loop.now.nanoseconds(since: began))
      let step = ExportRules.next(
        outcome, failures: failures, age: age, isHalf: isHalf, mayWait: mayWait, random: state.nextRandom())
      switch step {
      case .done:
        if rejected > 0 { complain(destination, "it has rejected a part of what was sent", rejected) }
        return .done(rejected: rejected)
      case .halve: return .halve
      case .drop:
        complain(destination, problem, 0)
        return .drop
      case .again(let wait):
        failures += 1
        let until = state.loop.now + Interval(nanoseconds: wait)
        // The end of the process ends the wait too: then it is tried once more.
        while state.loop.now < until, endsAt == nil { _ = await parker.park(until: until) }
        if queue.isFull || plan == nil, endsAt == nil, failures > 1 {
          complain(destination, problem, 0)
          return .drop
        }
      }
    }
  }

  private func post(
    _ body: [UInt8], _ destination: TelemetryPlan.Destination
  ) async -> (ExportOutcome, rejected: Int, problem: String) {
    var request = FetchRequest(.post, destination.place, ceiling: Self.answerCeiling)
    request.userAgent = Array("OTel-OTLP-Exporter-Remora/\(Version.remora)".utf8)
    request.accepts = "application/x-protobuf"
    request.contentType = "application/x-protobuf"
    request.isRepeatable = true
    if destination.isCompressed { request.fields.append("content-encoding: gzip\r\n") }
    for (name, value) in destination.fields {
      request.fields.append(name)
      request.fields.append(": ")
      request.fields.append(secret: value.bytes)
      request.fields.append("\r\n")
    }
    request.body.append(body)
    let now = state.loop.now
    let deadline = min(now + destination.timeout, endsAt ?? .never)
    do throws(FetchFault) {
      let answer = try await Fetch.run(
        request, over: .pooled(pool(destination)), parker: parker, until: deadline)
      var rejected = 0
      if answer.status == 200 { rejected = ExportRules.rejected(in: answer.body.bytes) }
      let hint: String
      switch answer.status {
      case 401, 403: hint = "; look at telemetry.otlp.headers"
      case 404, 405: hint = "; look at the path of telemetry.otlp.endpoint"
      case 415: hint = "; it doesn't take protobuf"
      default: hint = ""
      }
      return (
        .answered(answer.status, retryAfter: answer.retryAfter), rejected,
        "it answered \(answer.status)\(hint)"
      )
    } catch {
      return (error == .slow ? .slow : .lost, 0, "it \(error.message)")
    }
  }

  private func pool(_ destination: TelemetryPlan.Destination) -> Pool {
    if let known = pools.first(where: { $0.place.shares(destination.place) }) { return known.pool }
    // What an earlier configuration named is needed no more; nothing is under way but what this is for.
    pools.removeAll { known in
      if [plan?.traces, plan?.metrics].contains(where: { $0?.place.shares(known.place) == true }) {
        return false
      }
      known.pool.close()
      return true
    }
    let limits = PoolLimits(
      maxConnections: 0, idleTimeout: .seconds(60), warm: 0, connectTimeout: .seconds(5))
    let made = Pool(
      destination.place.endpoint, tls: destination.place.tls, limits: limits, on: state.loop,
      dialer: state.dialer)
    pools.append((destination.place, made))
    return made
  }

  private func complain(_ destination: TelemetryPlan.Destination, _ problem: String, _ rejected: Int) {
    if let complainedAt, state.loop.now < complainedAt + Self.gap { return }
    complainedAt = state.loop.now
    Log.write(
      .warn, "telemetry can't be exported", .text("collector", destination.place.shown),
      .text("problem", problem),
      .number("rejected", rejected), .number("dropped", gauge.dropped))
  }
}

extension FetchPlace {
  /// Whether a connection to the one serves for the other.
  fileprivate func shares(_ other: FetchPlace) -> Bool {
    endpoint == other.endpoint && tls === other.tls
  }
}

extension ExportGauge {
  /// Counts an answer, or that there was none.
  fileprivate mutating func note(_ outcome: ExportOutcome) {
    switch outcome {
    case .answered(let status, _): note(code: status)
    case .lost, .slow: note(code: 0)
    }
  }
}
