// What an exchange must keep for its trace: the numbers, and the spans that are over. Lent by the worker, so that a request
// allocates nothing for it; nil where nothing is exported, and that is all that it costs then.

internal import Dialects
internal import Glibc
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// One exchange's part of a trace. Confined to its worker.
final class ExchangeTrace {
  /// The trace, and the span that stands for the request.
  private(set) var ids = TraceIDs(high: 0, low: 0)
  /// The caller's span; 0: none.
  private(set) var parent: UInt64 = 0
  private(set) var flags: UInt8 = 0
  private(set) var isRoot = true
  /// The span of the try under way.
  private(set) var attempt: UInt64 = 0
  /// `tracestate`, its lines in one; empty where it isn't passed on.
  private(set) var traceState = ByteQueue()
  /// Unix nanoseconds at the monotonic clock's 0.
  private var epoch: UInt64 = 0
  /// Nanoseconds that were waited before the try under way.
  var waited = 0
  /// What the request asks of the model, as far as it says so in numbers.
  var maxTokens: Int?
  var choices: Int?
  var temperature: Double?
  var topP: Double?
  var seed: Int?
  /// What the try under way has cost, in millionths of a millionth of a dollar, once that is worked out.
  var cost: Int?
  /// What the answer of the try under way says of itself.
  let answer = AnswerFacts()
  /// The spans that are over.
  let spans = SpanEncoder()

  var isSampled: Bool { flags & 1 != 0 }

  /// Whether what is over is kept: where the trace begins here, what went wrong is, whatever the ratio says.
  func keeps(failed: Bool) -> Bool { isSampled || isRoot && failed }

  /// Begins with a request's head.
  ///
  /// - Parameter epoch: Unix nanoseconds at the monotonic clock's 0.
  func begin(_ ask: Ask, _ plan: TelemetryPlan, _ numbers: SpanNumbers, epoch: UInt64) {
    self.epoch = epoch
    waited = 0
    maxTokens = nil
    choices = nil
    temperature = nil
    topP = nil
    seed = nil
    attempt = 0
    spans.clear()
    traceState.clear()
    if let parent = ask.traceParent {
      ids = parent.ids
      self.parent = parent.ids.span
      flags = parent.flags
      isRoot = false
      ids.span = numbers.next()
      takeState(ask)
    } else {
      ids = TraceIDs(high: numbers.next(), low: numbers.next(), span: numbers.next())
      parent = 0
      // The id is random: section 3.2.2.5 of Trace Context, level 2.
      flags = plan.sampling.takes(ids) ? 1 : 0
      isRoot = true
    }
  }

  private func takeState(_ ask: Ask) {
    guard ask.head.names.contains(.tracestate) else { return }
    let bytes = ask.headBytes
    var state = TraceState()
    for field in ask.head.fields where field.known == .tracestate {
      let value = bytes.extracting(field.value)
      state.take(value)
      if !state.isGood { break }
      if !traceState.isEmpty { traceState.append(ASCII.comma) }
      traceState.append(value)
    }
    if !state.isGood { traceState.removeAll() }
  }

  private static let counts: JSONMembers = [
    .maxCompletionTokens, .maxTokens, .maxOutputTokens, .choiceCount,
  ]
  private static let sampling: JSONMembers = [.temperature, .topP, .seed]

  /// Keeps what the request asks of the model, as long as its body is here.
  func note(_ ask: Ask) {
    guard ask.body.isJSON else { return }
    // Most requests say few of them.
    if ask.body.scanner.hasSeen(Self.counts) {
      maxTokens = ask.number(.maxCompletionTokens) ?? ask.number(.maxTokens) ?? ask.number(.maxOutputTokens)
      choices = ask.number(.choiceCount)
    }
    guard ask.body.scanner.hasSeen(Self.sampling) else { return }
    temperature = ask.double(.temperature)
    topP = ask.double(.topP)
    seed = ask.integer(.seed)
  }

  /// Gives the try that begins a span of its own.
  func beginTry(_ numbers: SpanNumbers) {
    attempt = numbers.next()
    cost = nil
    answer.begin()
  }

  /// The instant by the wall clock, in nanoseconds since 1970.
  func unix(_ instant: Instant) -> UInt64 { epoch &+ instant.nanoseconds }

  /// Appends the fields that tell an upstream of the trace: the try's span is its parent.
  func write(into out: inout ByteQueue) {
    out.append("traceparent: 00-")
    ids.writeTrace(into: &out)
    out.append("-")
    out.append(hexadecimalWord: attempt)
    switch flags {
    case 0: out.append("-00\r\n")
    case 1: out.append("-01\r\n")
    case 2: out.append("-02\r\n")
    default: out.append("-03\r\n")
    }
  }
}

/// Where the wall clock stands beside the monotonic one: both are read once a second, and not for each trace. Within a trace
/// it is the same, so that no span ends before it begins.
struct SpanClock {
  private static let lifetime = Interval(seconds: 1)
  private var epoch: UInt64 = 0
  private var endsAt = Instant(nanoseconds: 0)

  /// Unix nanoseconds at the monotonic clock's 0.
  ///
  /// - Parameter now: about now.
  mutating func epoch(at now: Instant) -> UInt64 {
    if now >= endsAt {
      epoch = Instant.unixNanoseconds &- Instant.now.nanoseconds
      endsAt = now + Self.lifetime
    }
    return epoch
  }
}

/// Numbers for traces and spans, as many at once as the kernel gives without being asked for each.
final class SpanNumbers {
  private var numbers = InlineArray<64, UInt64>(repeating: 0)
  private var at = 64

  /// A number that isn't 0.
  func next() -> UInt64 {
    while true {
      if at >= 64 { fill() }
      let number = numbers[at]
      at += 1
      if number != 0 { return number }
    }
  }

  private func fill() {
    at = 0
    ProcessSettings.fillRandom(&numbers)
  }
}

extension Ask {
  /// The caller's trace; nil where it says none, or none that can be read, or two.
  var traceParent: TraceParent? {
    guard hasHead, head.names.contains(.traceparent) else { return nil }
    var found: Field?
    for field in head.fields where field.known == .traceparent {
      if found != nil { return nil }
      found = field
    }
    return found.flatMap { TraceParent(headBytes.extracting($0.value)) }
  }

  /// The trace that the request belongs to, and its span where it has one here; nil where there is none.
  var traceIDs: TraceIDs? {
    if let trace { return trace.ids }
    return traceParent.map { TraceIDs(high: $0.ids.high, low: $0.ids.low) }
  }
}

/// What a worker's traces share.
struct Tracing {
  let numbers = SpanNumbers()
  var clock = SpanClock()
  /// The first worker's; nil for the others.
  var exporter: Exporter?
}
