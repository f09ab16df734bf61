// A thread that isn't a loop waits here until another one has something for it.

internal import CLinux
internal import Glibc

/// Rung by any thread, heard by one.
package final class Bell: Sendable {
  private let descriptor: Int32

  /// - Throws: the fault of `eventfd`.
  package init() throws(SystemFault) {
    descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard descriptor >= 0 else { throw .last("eventfd") }
  }

  deinit { close(descriptor) }

  /// Ends the wait that is under way, or the next one. Never blocks.
  package func ring() {
    var one: UInt64 = 1
    // SAFETY: eventfd(2) takes eight bytes. It refuses them only where it has been rung 2^64 times, unheard.
    _ = unsafe write(descriptor, &one, 8)
  }

  /// Waits until it is rung, at most for so long.
  package func wait(milliseconds: Int32) {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    // SAFETY: one entry, and eight bytes for the count, which both calls fill in and don't keep.
    unsafe poll(&entry, 1, milliseconds)
    var count: UInt64 = 0
    _ = unsafe read(descriptor, &count, 8)
  }
}
