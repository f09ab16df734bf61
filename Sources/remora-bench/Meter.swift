// What a proxy has used up, read from outside: processor time and allocations.

import Glibc

/// The processes of the proxy under test.
struct Meter: Sendable {
  let processes: [Int32]
  /// Where the preloaded counter of allocations keeps its sum, a 64-bit number; nil if none is loaded.
  let allocationsFile: String?

  /// A reading. Differences of two are of interest.
  struct Reading {
    var processor: UInt64 = 0
    var allocations: UInt64 = 0
    var taken = UInt64(0)
  }

  func read() -> Reading {
    var reading = Reading()
    for process in processes { reading.processor &+= Self.processorTime(of: process) }
    reading.allocations = allocationsFile.flatMap(Self.counter) ?? 0
    reading.taken = Self.time(CLOCK_MONOTONIC)
    return reading
  }

  /// User and system time of all threads of a process, those that ended included; nanoseconds, 0 if it is gone.
  private static func processorTime(of process: Int32) -> UInt64 {
    var clock = clockid_t()
    // SAFETY: the pointer is to a local that outlives the call.
    guard unsafe clock_getcpuclockid(process, &clock) == 0 else { return 0 }
    return time(clock)
  }

  private static func time(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    // SAFETY: as above.
    guard unsafe clock_gettime(clock, &time) == 0 else { return 0 }
    return UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_nsec)
  }

  private static func counter(_ path: String) -> UInt64? {
    guard let bytes = Input.file(path), bytes.count >= 8 else { return nil }
    return bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// Sorted durations, in nanoseconds.
struct Distribution {
  private let sorted: [Int]

  init(_ values: [Int]) { sorted = values.sorted() }

  /// The value that the given share of all is not above; 0 without values.
  func quantile(_ share: Double) -> Int {
    guard !sorted.isEmpty else { return 0 }
    let rank = Int((share * Double(sorted.count)).rounded(.up))
    return sorted[min(max(rank - 1, 0), sorted.count - 1)]
  }
}
