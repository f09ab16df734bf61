// What follows on a collector's answer (OpenTelemetry protocol 1.x, "OTLP/HTTP response" and "Retryable response codes").

internal import Wire

/// What came of one export.
package enum ExportOutcome: Sendable, Equatable {
  /// An answer with this status; seconds that `Retry-After` wants.
  case answered(Int, retryAfter: Int?)
  /// The connection was refused, or ended without an answer.
  case lost
  /// There was no answer in time: the collector may have taken the batch all the same.
  case slow
}

/// What to do with the batch.
package enum ExportStep: Sendable, Equatable {
  case done
  /// The same bytes again, in so many nanoseconds.
  case again(UInt64)
  /// In two parts.
  case halve
  case drop
}

package enum ExportRules {
  private static let second: UInt64 = 1_000_000_000
  /// The longest wait, whatever the collector wants, and how long a batch is tried for in all.
  private static let longest = 30 * second
  private static let patience = 60 * second

  /// - Parameters:
  ///   - failures: how often the batch has failed before.
  ///   - age: nanoseconds since it was first sent.
  ///   - mayWait: the queue has room for what comes meanwhile.
  ///   - random: for the jitter.
  package static func next(
    _ outcome: ExportOutcome, failures: Int, age: UInt64, isHalf: Bool, mayWait: Bool, random: UInt64
  ) -> ExportStep {
    var wanted: UInt64?
    switch outcome {
    case .answered(200, _): return .done
    case .answered(413, _): return isHalf ? .drop : .halve
    case .answered(429, let after), .answered(502, let after), .answered(503, let after),
      .answered(504, let after):
      // At once, once: who says so each time would be asked without a pause.
      if let after, after > 0 || failures == 0 { wanted = min(UInt64(clamping: after) * second, longest) }
    case .answered: return .drop
    case .lost, .slow: break
    }
    var wait = second << UInt64(min(failures, 5))
    // A fifth more or less, so that pods that failed together don't come back together.
    wait = wait / 10 * 8 + random % (wait / 10 * 4 + 1)
    wait = wanted ?? min(wait, longest)
    return mayWait && age + wait <= patience ? .again(wait) : .drop
  }

  /// How many spans or points a collector that took the request has rejected (ExportTraceServiceResponse, field 1, in
  /// which 1 is the number).
  package static func rejected(in body: Span<UInt8>) -> Int {
    var partial = 0..<0
    walk(body, 0..<body.count) {
      if $0 == 1 { partial = $1 }
    } number: { _, _ in
    }
    var rejected = 0
    walk(body, partial) { _, _ in
    } number: {
      if $0 == 1 { rejected = Int(clamping: Int64(bitPattern: $1)) }
    }
    return max(rejected, 0)
  }

  /// Goes through a message's fields, as far as they can be read.
  private static func walk(
    _ bytes: Span<UInt8>, _ range: Range<Int>, message: (UInt64, Range<Int>) -> Void,
    number: (UInt64, UInt64) -> Void
  ) {
    var at = range.lowerBound
    func varint() -> UInt64? {
      var (value, shift) = (UInt64(0), UInt64(0))
      while at < range.upperBound, shift < 64 {
        let byte = bytes[at]
        at += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
        shift += 7
      }
      return nil
    }
    while at < range.upperBound, let tag = varint() {
      switch tag & 7 {
      case 0:
        guard let value = varint() else { return }
        number(tag >> 3, value)
      case 1: at += 8
      case 2:
        guard let count = varint(), count <= UInt64(range.upperBound - at) else { return }
        message(tag >> 3, at..<at + Int(count))
        at += Int(count)
      case 5: at += 4
      default: return
      }
    }
  }
}
