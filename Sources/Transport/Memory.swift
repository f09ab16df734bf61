// Memory that goes back to the kernel when it is no longer needed.

internal import CLinux
internal import Glibc

/// What the allocator and the kernel keep for us, in case.
package enum Memory {
  /// Gives back what `malloc` holds and nobody uses: after a burst that may be most of the heap.
  package static func trim() { malloc_trim(0) }

  /// Forgets the pages that hold code: what is needed again comes back by itself. To be called once the start is
  /// over, for a half of the program is only for that.
  package static func forgetCode() { remora_forget_code() }
}
