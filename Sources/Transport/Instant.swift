// Time on the machine's monotonic clock, which never jumps when somebody sets the date.

internal import Glibc

/// A point on the monotonic clock, in nanoseconds. Arithmetic saturates: a deadline can't wrap around.
package struct Instant: Comparable, Hashable, Sendable {
  package let nanoseconds: UInt64
  @inlinable package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// A deadline that doesn't come.
  package static let never = Instant(nanoseconds: .max)

  /// The clock, read now.
  package static var now: Instant {
    Instant(nanoseconds: read(CLOCK_MONOTONIC))
  }

  @inlinable package static func < (left: Instant, right: Instant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// The point `duration` later; a negative duration counts as none.
  package static func + (instant: Instant, duration: Duration) -> Instant {
    let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.nanoseconds)
    return overflow ? .never : Instant(nanoseconds: sum)
  }

  /// The point `interval` earlier.
  package static func - (instant: Instant, interval: Interval) -> Instant {
    let (rest, overflow) = instant.nanoseconds.subtractingReportingOverflow(interval.nanoseconds)
    return Instant(nanoseconds: overflow ? 0 : rest)
  }

  /// The point `interval` later.
  @inlinable
  package static func + (instant: Instant, interval: Interval) -> Instant {
    let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(interval.nanoseconds)
    return overflow ? .never : Instant(nanoseconds: sum)
  }

  /// Nanoseconds from `earlier` to here, 0 if `earlier` is in fact later.
  package func nanoseconds(since earlier: Instant) -> Int {
    nanoseconds > earlier.nanoseconds ? Int(clamping: nanoseconds - earlier.nanoseconds) : 0
  }

  /// The date, in nanoseconds since 1970-01-01 UTC: for log lines, never for deadlines.
  package static var unixNanoseconds: UInt64 { read(CLOCK_REALTIME) }

  private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_nsec)
  }
}

/// A length of time in whole nanoseconds: what the hot path adds to instants, for a `Duration` counts attoseconds in
/// 128 bits and is divided each time.
package struct Interval: Comparable, Hashable, Sendable {
  package let nanoseconds: UInt64

  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }
  package init(milliseconds: UInt64) { nanoseconds = milliseconds &* 1_000_000 }
  package init(seconds: UInt64) { nanoseconds = seconds &* 1_000_000_000 }
  /// A negative duration counts as none.
  package init(_ duration: Duration) { nanoseconds = duration.nanoseconds }

  package static func < (left: Interval, right: Interval) -> Bool { left.nanoseconds < right.nanoseconds }
}

extension Duration {
  /// This duration in whole nanoseconds, 0 for a negative one.
  package var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (scaled, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : scaled &+ UInt64(attoseconds / 1_000_000_000)
  }
}
