// Makes what a buffer held unreadable, for buffers through which secrets went.

internal import COpenSSL
package import Wire

extension ByteQueue {
  /// Overwrites the waiting bytes and gives their memory back. What was consumed before, and what was left behind when
  /// the queue grew, is not reached: reserve the room first, and consume nothing.
  package mutating func wipe() {
    // SAFETY: the waiting bytes belong to this queue alone, which is being changed here.
    unsafe OPENSSL_cleanse(UnsafeMutableRawPointer(mutating: unsafeBytes.baseAddress), unsafeBytes.count)
    removeAll()
  }
}
