// What keeps a large value where it is.

internal import Synchronization

/// A member of a large value, with which the compiler passes the value's address and no copy.
///
/// A value that can't be copied may still be moved while it is borrowed: lent to a function of another module, one that is
/// no more than words is laid out on the stack, whatever its size (Swift 6.3). An atomic has one place, and with it all
/// that it is a part of. It is never read.
package struct InPlace: ~Copyable, Sendable {
  private let word = Atomic<Bool>(false)

  package init() {}
}
