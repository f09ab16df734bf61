// A value behind a lock.

public import Synchronization

/// What threads share, each for a moment.
///
/// A `Mutex` that has to wait is taken and given back by the kernel, inside of Swift's own library, where no thread
/// sanitizer looks: to it, two threads that waited for each other did not. `order` says it again where it can be seen.
/// It is only touched with the lock held, so it orders no more than the lock does, and costs a move.
///
/// It is public because nothing else is inlined, and made for one type, in other modules: a loop takes its mailbox
/// twice a turn.
public struct Guarded<Value: ~Copyable>: ~Copyable, Sendable {
  @usableFromInline let mutex: Mutex<Value>
  @usableFromInline let order = Atomic<Bool>(false)

  @inlinable
  public init(_ value: consuming sending Value) { mutex = Mutex(value) }

  /// Runs `body` while nobody else does.
  @inlinable
  public borrowing func withLock<Result>(_ body: (inout sending Value) -> sending Result) -> sending Result {
    mutex.withLock { value in
      _ = order.load(ordering: .acquiring)
      defer { order.store(false, ordering: .releasing) }
      return body(&value)
    }
  }
}
