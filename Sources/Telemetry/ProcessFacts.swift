// What the kernel knows about this process: the `process_` metrics every dashboard expects.

import Glibc
import Wire

/// The process as /proc shows it.
package struct ProcessFacts: Sendable {
  package var cpuNanoseconds: Int
  package var residentBytes: Int
  package var virtualBytes: Int
  package var threads: Int
  package var startUnixNanoseconds: Int
  /// nil where /proc can't say; `maxDescriptors` also where there is no limit.
  package var openDescriptors: Int?
  package var maxDescriptors: Int?

  /// Reads them now; nil where there is no readable /proc. A few system calls, off the hot path.
  package static func read() -> ProcessFacts? {
    guard let stat = contents(of: "/proc/self/stat"),
      let parsed = ProcessStat(parsing: stat.span)
    else { return nil }
    return ProcessFacts(
      cpuNanoseconds: nanoseconds(ticks: parsed.cpuTicks),
      residentBytes: parsed.residentPages.multipliedReportingOverflow(by: pageSize).partialValue,
      virtualBytes: parsed.virtualBytes, threads: parsed.threads,
      startUnixNanoseconds: bootUnixNanoseconds &+ nanoseconds(ticks: parsed.startTicks),
      openDescriptors: openDescriptorCount(),
      maxDescriptors: contents(of: "/proc/self/limits").flatMap { descriptorLimit(in: $0.span) })
  }

  private static let ticksPerSecond = max(sysconf(Int32(_SC_CLK_TCK)), 1)
  private static let pageSize = max(sysconf(Int32(_SC_PAGESIZE)), 1)
  /// Taken once: two clocks read at two instants would make the start time waver from scrape to scrape.
  private static let bootUnixNanoseconds = clock(CLOCK_REALTIME) &- clock(CLOCK_BOOTTIME)

  private static func nanoseconds(ticks: Int) -> Int {
    let (seconds, rest) = ticks.quotientAndRemainder(dividingBy: ticksPerSecond)
    return seconds &* 1_000_000_000 &+ rest &* 1_000_000_000 / ticksPerSecond
  }

  private static func clock(_ clock: clockid_t) -> Int {
    var time = timespec()
    // SAFETY: the kernel fills in the structure and keeps no pointer to it.
    _ = unsafe clock_gettime(clock, &time)
    return time.tv_sec &* 1_000_000_000 &+ time.tv_nsec
  }

  /// A small file of /proc, whole; nil where it can't be read or is larger than any of those we want.
  private static func contents(of path: StaticString) -> [UInt8]? {
    // SAFETY: a static string ends in a zero byte and lives as long as the program.
    let descriptor = unsafe open(
      UnsafeRawPointer(path.utf8Start).assumingMemoryBound(to: CChar.self), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let ceiling = 16 * 1024
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: ceiling) { buffer, count in
      count = 0
      while count < ceiling {
        // SAFETY: the room behind `count` belongs to the array being made.
        let got = unsafe Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), ceiling - count)
        if got < 0, errno == EINTR { continue }
        if got <= 0 { break }
        count += got
      }
    }
    return bytes.count < ceiling ? bytes : nil
  }

  private static func openDescriptorCount() -> Int? {
    guard let directory = unsafe opendir("/proc/self/fd") else { return nil }
    // SAFETY: opened above, closed once, not used after.
    defer { unsafe _ = closedir(directory) }
    var count = 0
    while unsafe readdir(directory) != nil { count += 1 }
    // Less `.`, `..` and the directory's own descriptor.
    return max(count - 3, 0)
  }
}

/// The soft limit on open files in /proc/self/limits; nil where there is none.
func descriptorLimit(in limits: Span<UInt8>) -> Int? {
  var start = 0
  while start < limits.count {
    var end = start
    while end < limits.count, limits[end] != ASCII.lf { end += 1 }
    let line = limits.extracting(start..<end)
    if line.count > 14, line.extracting(0..<14).equals("Max open files") {
      return Numbers(line, from: 14).first()
    }
    start = end + 1
  }
  return nil
}

/// The fields of /proc/PID/stat that are wanted (proc_pid_stat(5)).
struct ProcessStat: Equatable {
  var cpuTicks: Int
  var threads: Int
  var startTicks: Int
  var virtualBytes: Int
  var residentPages: Int

  /// nil where the text is not what proc_pid_stat(5) promises.
  init?(parsing text: Span<UInt8>) {
    // The command's name stands in brackets and may hold anything, brackets too: the last one closes it.
    var close = text.count - 1
    while close >= 0, text[close] != UInt8(ascii: ")") { close -= 1 }
    guard close >= 0, close + 4 <= text.count else { return nil }
    // Behind it come a blank, the state's letter, and then numbers from field 4 on.
    var numbers = Numbers(text, from: close + 3)
    var fields: [Int] = []
    while fields.count < 21, let number = numbers.next() { fields.append(number) }
    guard fields.count == 21 else { return nil }
    // Fields 14, 15, 20, 22, 23 and 24 of the manual page.
    cpuTicks = saturated(fields[10], plus: fields[11])
    threads = fields[16]
    startTicks = fields[18]
    virtualBytes = fields[19]
    residentPages = fields[20]
  }
}

/// Decimal numbers between blanks; ends at anything else.
private struct Numbers: ~Escapable {
  private let text: Span<UInt8>
  private var at: Int

  @_lifetime(copy text)
  init(_ text: Span<UInt8>, from start: Int) {
    self.text = text
    at = start
  }

  /// The first number, for a line that holds one of interest.
  consuming func first() -> Int? { next() }

  mutating func next() -> Int? {
    while at < text.count, text[at] == ASCII.space { at += 1 }
    var isNegative = false
    if at < text.count, text[at] == UInt8(ascii: "-") {
      isNegative = true
      at += 1
    }
    let start = at
    var value = 0
    while at < text.count, ASCII.isDigit(text[at]) {
      let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
      value = overflow ? .max : saturated(tenfold, plus: Int(text[at] - 0x30))
      at += 1
    }
    if at == start { return nil }
    return isNegative ? -value : value
  }
}
