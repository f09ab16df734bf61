// Diagnostics for the operator, on standard error: one line of JSON each, a fixed sentence and named facts.
//
// The sentence is static, so nothing from outside can end up in it; facts are cut and escaped. These lines
// are rare, hence one sink behind a lock for all workers. Requests have their own log: AccessRecord.swift.

import Glibc
import Synchronization
import Wire

package enum Log {
  package enum Level: UInt8, CaseIterable, Comparable, Sendable {
    /// An operator must act; degraded but serving; life cycle; one connection; byte counts.
    case error, warn, info, debug, trace

    package var name: StaticString {
      switch self {
      case .error: "error"
      case .warn: "warn"
      case .info: "info"
      case .debug: "debug"
      case .trace: "trace"
      }
    }

    /// The level of that name, as the configuration and the command line spell it.
    package init?(_ name: String) {
      let bytes = Array(name.utf8)
      for level in Level.allCases where bytes.span.equals(level.name) {
        self = level
        return
      }
      return nil
    }

    package static func < (one: Level, other: Level) -> Bool { one.rawValue < other.rawValue }
  }

  /// A named fact. Never a header's value, a body or a secret.
  package struct Field: Sendable {
    fileprivate enum Value: Sendable {
      case text([UInt8])
      case number(Int)
      case truth(Bool)
    }
    fileprivate let name: StaticString
    fileprivate let value: Value

    package static func text(_ name: StaticString, _ value: String) -> Field {
      Field(name: name, value: .text(Array(value.utf8)))
    }

    package static func bytes(_ name: StaticString, _ value: Span<UInt8>) -> Field {
      Field(name: name, value: .text(value.array()))
    }

    package static func number(_ name: StaticString, _ value: Int) -> Field {
      Field(name: name, value: .number(value))
    }

    package static func truth(_ name: StaticString, _ value: Bool) -> Field {
      Field(name: name, value: .truth(value))
    }
  }

  /// Bytes of a fact that are kept: room for a path or a problem in a configuration.
  private static let textCeiling = 512
  /// A line ends here, whatever facts are left, so that it always fits `LogSink.lineCeiling`.
  private static let lineCeiling = 3072

  private static let threshold = Atomic<UInt8>(Level.info.rawValue)
  private static let sink = Guarded(LogSink(descriptor: STDERR_FILENO))

  /// What is more talkative than `level` is not written.
  package static func use(_ level: Level) {
    threshold.store(level.rawValue, ordering: .relaxed)
  }

  /// Whether lines of `level` are written: ask before gathering costly facts.
  package static func isOn(_ level: Level) -> Bool {
    level.rawValue <= threshold.load(ordering: .relaxed)
  }

  /// Writes a line now, or keeps it until the next line or `flush` where standard error is not read.
  package static func write(_ level: Level, _ message: StaticString, _ fields: Field...) {
    guard isOn(level) else { return }
    var time = timespec()
    // SAFETY: the kernel fills in the structure and keeps no pointer to it.
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    let now = time.tv_sec &* 1_000_000_000 &+ time.tv_nsec
    sink.withLock { sink in
      sink.line { line(level, message, fields, unixNanoseconds: now, into: &$0) }
      _ = sink.flush()
    }
  }

  /// Tries again to write what was kept.
  @discardableResult
  package static func flush() -> LogSink.Flush { sink.withLock { $0.flush() } }

  /// Lines that nobody read in time.
  package static var dropped: Int { sink.withLock { $0.dropped } }

  /// The line that `write` writes.
  static func line(
    _ level: Level, _ message: StaticString, _ fields: [Field], unixNanoseconds: Int,
    into out: inout ByteQueue
  ) {
    let start = out.count
    out.append("{\"time\":\"")
    appendTimestamp(unixNanoseconds: unixNanoseconds, into: &out)
    out.append("\",\"level\":\"")
    out.append(level.name)
    out.append("\",\"msg\":")
    // SAFETY: a static string's bytes live as long as the program.
    let text = unsafe Span(_unsafeStart: message.utf8Start, count: message.utf8CodeUnitCount)
    jsonString(text, ceiling: textCeiling, writtenCeiling: textCeiling * 2, into: &out)
    for field in fields where out.count - start < lineCeiling - textCeiling * 2 {
      out.append(",\"")
      out.append(field.name)
      out.append("\":")
      switch field.value {
      case .text(let bytes):
        jsonString(bytes.span, ceiling: textCeiling, writtenCeiling: textCeiling * 2, into: &out)
      case .number(let number): out.append(decimal: number)
      case .truth(let truth): out.append(truth ? "true" : "false")
      }
    }
    out.append("}\n")
  }
}
