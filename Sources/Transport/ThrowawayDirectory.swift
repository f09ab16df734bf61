// A directory that only this user can read and that goes when it is no longer needed.

internal import Glibc
internal import Wire

package final class ThrowawayDirectory: Sendable {
  package let path: String
  private let names = Guarded<[String]>([])

  /// Makes a directory with a name of its own inside `parent`.
  package init(in parent: String) throws(SystemFault) {
    var template = Array((parent + "/remora-XXXXXX").utf8CString)
    // SAFETY: the template ends with a zero, and mkdtemp(3) writes inside it.
    guard unsafe mkdtemp(&template) != nil else { throw .last("mkdtemp") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { remove() }

  /// Writes a new file that its owner alone can read.
  ///
  /// - Returns: its path.
  @discardableResult
  package func write(_ name: String, _ bytes: [UInt8]) throws(SystemFault) -> String {
    let file = path + "/" + name
    let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .last("open") }
    defer { close(descriptor) }
    names.withLock { $0.append(name) }
    var written = 0
    while written < bytes.count {
      let rest = bytes[written...]
      let count = retrying {
        unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      }
      guard count > 0 else { throw .last("write") }
      written += count
    }
    return file
  }

  /// Removes what was written, and the directory. Safe to call twice, from any thread.
  package func remove() {
    names.withLock { names in
      for name in names { unsafe unlink(path + "/" + name) }
      names = []
      unsafe rmdir(path)
    }
  }
}
