// Threads, for the few things that block: worker loops and name look-ups.

internal import CLinux
internal import Glibc

/// A POSIX thread that runs one closure.
package enum Thread {
  private final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Starts a detached thread with every signal blocked, so that signals reach the main loop only.
  ///
  /// - Returns: whether the system had a thread to give.
  package static func detached(_ body: @escaping @Sendable () -> Void) -> Bool {
    var all = sigset_t()
    var old = sigset_t()
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_SETMASK, &all, &old)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &old, nil) }
    let box = unsafe Unmanaged.passRetained(Box(body))
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    defer { unsafe pthread_attr_destroy(&attributes) }
    unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    unsafe pthread_attr_setstacksize(&attributes, 512 * 1024)
    let code = unsafe pthread_create(
      &thread, &attributes,
      { argument in
        if let argument = unsafe argument {
          unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
        }
        return nil
      }, unsafe box.toOpaque())
    if code != 0 {
      unsafe box.release()
      return false
    }
    return true
  }

  /// Has the calling thread give way to every other one of the process that has something to do. On Linux this is a
  /// thread's own (setpriority(2), "C library/kernel differences").
  package static func giveWay() { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19) }
}
