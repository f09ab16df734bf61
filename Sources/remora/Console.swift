// What people read: results on stdout, complaints on stderr.

import Glibc
import Wire

enum Console {
  /// Writes to stdout at once, so that what a person waits for is never held in a buffer.
  static func write(_ text: String) { write(text, to: STDOUT_FILENO) }

  static func line(_ text: String = "") { write(text + "\n") }

  /// Writes one line to stderr.
  static func error(_ text: String) { write(Shown.line(text) + "\n", to: STDERR_FILENO) }

  /// Writes lines to stderr, all at once: a stream's table may have thousands.
  static func errors(_ texts: [String]) {
    write(texts.map { Shown.line($0) + "\n" }.joined(), to: STDERR_FILENO)
  }

  /// A complaint of the program itself, on stderr.
  static func complain(_ text: String) { error("remora: " + text) }

  /// Writes bytes to stdout.
  ///
  /// - Returns: whether all were taken.
  static func write(_ bytes: [UInt8]) -> Bool { write(bytes[...], to: STDOUT_FILENO) }

  private static func write(_ text: String, to descriptor: Int32) {
    _ = write(Array(text.utf8)[...], to: descriptor)
  }

  private static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      // SAFETY: the pointer and the count are those of `rest`.
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return false }
    }
    return true
  }
}
