import Glibc
import Testing
import Wire

@testable import Telemetry

/// A pipe with its reading end.
private final class Pipe {
  let reader: Int32
  let writer: Int32

  init(isBlocking: Bool) {
    var ends = [Int32](repeating: -1, count: 2)
    let made = unsafe pipe(&ends)
    precondition(made == 0)
    reader = ends[0]
    writer = ends[1]
    _ = fcntl(reader, F_SETFL, O_NONBLOCK)
    if !isBlocking { _ = fcntl(writer, F_SETFL, O_NONBLOCK) }
  }

  deinit {
    close(reader)
    close(writer)
  }

  /// All that can be read now.
  func drain() -> [UInt8] {
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while true {
      let got = unsafe read(reader, &piece, piece.count)
      if got <= 0 { return all }
      all += piece[..<got]
    }
  }
}

/// A line that tells its number, `length` bytes with its line feed.
private func numbered(_ number: Int, length: Int = 100) -> [UInt8] {
  var line = Array("\(number) ".utf8)
  line += [UInt8](repeating: UInt8(ascii: "x"), count: max(length - line.count - 1, 0))
  return line + [0x0A]
}

/// What a flush came to; `#expect` can't call a sink itself, since it is not copyable.
private func flush(_ sink: inout LogSink) -> LogSink.Flush { sink.flush() }

@Suite("LogSink") struct LogSinkTests {
  @Test("a pipe that nobody reads never holds the writer up, blocking or not", arguments: [true, false])
  func fullPipe(_ isBlocking: Bool) {
    let pipe = Pipe(isBlocking: isBlocking)
    var sink = LogSink(descriptor: pipe.writer)
    var sent = 0
    while sink.dropped == 0, sent < 100_000 {
      sink.line { $0.append(numbered(sent)) }
      sent += 1
      if sent % 64 == 0 { _ = sink.flush() }
    }
    let dropped = sink.dropped
    #expect(dropped == 1)
    // More than the ceiling waited at no time, and nearly so much does.
    #expect(sent > LogSink.ceiling / 100)
    #expect(flush(&sink) == .wouldBlock)
    var received: [UInt8] = []
    while sink.flush() == .wouldBlock { received += pipe.drain() }
    received += pipe.drain()
    #expect(received == (0..<sent - 1).flatMap { numbered($0) })
    let isEmpty = sink.isEmpty
    #expect(isEmpty)
    #expect(flush(&sink) == .done)
  }

  @Test("lines are written whole, so that two sinks on one pipe don't tear each other's")
  func twoSinks() {
    let pipe = Pipe(isBlocking: true)
    var one = LogSink(descriptor: pipe.writer)
    var two = LogSink(descriptor: pipe.writer)
    for number in 0..<400 {
      one.line { $0.append(numbered(number, length: 1000)) }
      two.line { $0.append(numbered(1000 + number, length: 777)) }
    }
    var received: [UInt8] = []
    var isOneDone = false
    var isTwoDone = false
    while !isOneDone || !isTwoDone {
      isOneDone = one.flush() == .done
      received += pipe.drain()
      isTwoDone = two.flush() == .done
    }
    received += pipe.drain()
    let lines = Set(received.split(separator: 0x0A).map { Array($0) + [0x0A] })
    #expect(
      lines
        == Set((0..<400).flatMap { [numbered($0, length: 1000), numbered(1000 + $0, length: 777)] }))
  }

  @Test("a line longer than a piece is dropped and counted, a line of its length is not")
  func longLine() {
    let pipe = Pipe(isBlocking: true)
    var sink = LogSink(descriptor: pipe.writer)
    sink.line { $0.append(numbered(1)) }
    sink.line { $0.append(numbered(2, length: LogSink.lineCeiling + 1)) }
    sink.line { $0.append(numbered(3, length: LogSink.lineCeiling)) }
    let dropped = sink.dropped
    #expect(dropped == 1)
    #expect(flush(&sink) == .done)
    #expect(pipe.drain() == numbered(1) + numbered(3, length: LogSink.lineCeiling))
  }

  @Test("a descriptor that is gone costs the lines, not the process")
  func goneDescriptor() {
    var sink = LogSink(descriptor: -1)
    for number in 0..<3 { sink.line { $0.append(numbered(number)) } }
    // poll passes a negative descriptor over, which looks like a reader that is slow for ever.
    #expect(flush(&sink) == .wouldBlock)
    let null = unsafe open("/dev/null", O_RDONLY)
    defer { close(null) }
    var refused = LogSink(descriptor: null)
    for number in 0..<3 { refused.line { $0.append(numbered(number)) } }
    #expect(flush(&refused) == .failed)
    let dropped = refused.dropped
    #expect(dropped == 3)
    let isEmpty = refused.isEmpty
    #expect(isEmpty)
  }

  @Test("an exchange's line arrives as it was written")
  func record() throws {
    let pipe = Pipe(isBlocking: true)
    var sink = LogSink(descriptor: pipe.writer)
    sink.record.begin(unixNanoseconds: 0, endpoint: .models, status: 200, end: .complete)
    sink.appendRecord()
    #expect(flush(&sink) == .done)
    #expect(try parseLine(pipe.drain()).contains { $0.name == "endpoint" && $0.value == .text("models") })
  }
}

@Suite("Log") struct LogTests {
  private func line(_ message: StaticString, _ fields: [Log.Field]) -> [UInt8] {
    var out = ByteQueue()
    Log.line(.warn, message, fields, unixNanoseconds: 0, into: &out)
    return out.array()
  }

  @Test("a line is exactly this")
  func golden() {
    let fields: [Log.Field] = [.text("file", "a\"b\n"), .number("line", -3), .truth("kept", true)]
    #expect(
      String(decoding: line("configuration refused", fields), as: UTF8.self) == #"""
        {"time":"1970-01-01T00:00:00.000Z","level":"warn","msg":"configuration refused","file":"a\"b\n","line":-3,"kept":true}

        """#)
  }

  @Test("any number of long facts fits a line")
  func ceiling() throws {
    let ugly = String(repeating: "\u{1}", count: 10_000)
    let names: [StaticString] = ["a", "b", "c", "d", "e", "f", "g", "h"]
    let written = line("m", names.map { .text($0, ugly) })
    #expect(written.count <= LogSink.lineCeiling)
    #expect(try parseLine(written).count >= 5)
  }

  @Test("levels are found by their names and ordered by their weight")
  func levels() {
    for level in Log.Level.allCases { #expect(Log.Level("\(level.name)") == level) }
    #expect(Log.Level("loud") == nil)
    #expect(Log.Level.error < .warn && Log.Level.debug < .trace)
    #expect(Log.isOn(.error))
  }
}
