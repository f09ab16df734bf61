// Lines on their way to a descriptor that may not be read: kept up to a ceiling, then dropped and counted.
//
// A full pipe must never hold up a stream, so nothing here waits. The worker appends during a turn of its
// loop and flushes at the end of it; where the reader is slow it flushes again on a later turn.

import Glibc
package import Wire

/// A queue of whole lines before a descriptor. Confined to its worker.
package struct LogSink: ~Copyable {
  /// Bytes that may wait.
  package static let ceiling = 1 << 20
  /// Bytes of one line, its line feed included: POSIX writes so many to a pipe in one piece (PIPE_BUF on
  /// Linux), so workers that share a pipe can't tear each other's lines.
  package static let lineCeiling = 4096

  package enum Flush: Sendable, Equatable {
    /// Nothing waits any more.
    case done
    /// The reader is slow; lines wait.
    case wouldBlock
    /// The descriptor takes nothing any more; what waited was dropped and counted.
    case failed
  }

  private var waiting: ByteQueue
  /// Lines that were dropped, since the sink was made.
  package private(set) var dropped = 0
  private let descriptor: Int32
  /// What is said about an exchange: filled in, then appended.
  package var record = AccessRecord()

  /// - Parameter descriptor: stays open as long as the sink is used; the sink never closes it.
  package init(descriptor: Int32, pool: BlockPool? = nil) {
    waiting = ByteQueue(pool: pool)
    self.descriptor = descriptor
  }

  package var isEmpty: Bool { waiting.isEmpty }

  /// Keeps one line, which `write` appends with its line feed, or drops it where there is no room.
  package mutating func line(_ write: (inout ByteQueue) -> Void) {
    guard makesRoom() else { return }
    let before = waiting.count
    write(&waiting)
    check(since: before)
  }

  /// Whether a line still fits in; counts the one that doesn't.
  private mutating func makesRoom() -> Bool {
    if waiting.count <= Self.ceiling - Self.lineCeiling { return true }
    dropped = saturated(dropped, plus: 1)
    return false
  }

  /// Takes a line back that is too long to be written in one piece: it could wait for the reader half-way.
  private mutating func check(since before: Int) {
    if waiting.count - before > Self.lineCeiling {
      waiting.truncate(to: before)
      dropped = saturated(dropped, plus: 1)
    }
  }

  /// Keeps the line of `record`, or drops it where there is no room.
  package mutating func appendRecord() {
    guard makesRoom() else { return }
    let before = waiting.count
    record.write(into: &waiting)
    check(since: before)
  }

  /// Writes what the descriptor takes without waiting. SIGPIPE must be ignored by the process.
  package mutating func flush() -> Flush {
    while !waiting.isEmpty {
      guard isWritable() else { return .wouldBlock }
      let count = pieceLength()
      // SAFETY: the queue's bytes stay where they are until it is changed, which is after the call.
      let written = unsafe Glibc.write(descriptor, waiting.unsafeBytes.baseAddress, count)
      if written > 0 {
        waiting.consume(min(written, count))
      } else if written < 0, errno == EINTR {
        continue
      } else if written < 0, errno == EAGAIN {
        return .wouldBlock
      } else {
        abandon()
        return .failed
      }
    }
    return .done
  }

  /// Whether a write of one piece returns at once. The descriptor may well be a blocking one: standard output
  /// is shared with other processes, whose mode is not ours to change. Linux calls a pipe writable where at
  /// least a page of it is free, which holds a piece.
  private func isWritable() -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    while true {
      // SAFETY: one entry, which the kernel fills in and doesn't keep.
      let ready = unsafe poll(&entry, 1, 0)
      if ready < 0, errno == EINTR { continue }
      // An error of poll itself is left for `write` to report.
      return ready != 0
    }
  }

  /// As many whole lines as fit in one piece.
  private func pieceLength() -> Int {
    let bytes = waiting.bytes
    if bytes.count <= Self.lineCeiling { return bytes.count }
    var end = Self.lineCeiling
    while end > 0, bytes[end - 1] != ASCII.lf { end -= 1 }
    return end > 0 ? end : Self.lineCeiling
  }

  private mutating func abandon() {
    dropped = saturated(dropped, plus: waitingLines())
    waiting.removeAll()
  }

  private func waitingLines() -> Int {
    let bytes = waiting.bytes
    var lines = 0
    for at in 0..<bytes.count where bytes[at] == ASCII.lf { lines += 1 }
    return lines
  }
}
