// A small file that is written as a whole: a reader finds the old one or the new one, and so does who starts after the
// power was cut.

internal import Glibc

package enum WholeFile {
  /// Puts `bytes` in the place of the file at `path`: written beside it, flushed, renamed, and the directory flushed.
  ///
  /// Blocks for as long as the disk takes.
  package static func replace(_ path: String, with bytes: [UInt8]) throws(SystemFault) {
    let new = path + ".new"
    // Whoever may read a state directory need not read what callers spend.
    let descriptor = unsafe open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .last("open") }
    do throws(SystemFault) {
      defer { close(descriptor) }
      var written = 0
      while written < bytes.count {
        let count = unsafe bytes.withUnsafeBytes { raw in
          // SAFETY: written is below the count.
          retrying { unsafe write(descriptor, raw.baseAddress?.advanced(by: written), raw.count - written) }
        }
        guard count > 0 else { throw .last("write") }
        written += count
      }
      guard fsync(descriptor) == 0 else { throw .last("fsync") }
    } catch {
      unsafe unlink(new)
      throw error
    }
    guard unsafe rename(new, path) == 0 else { throw .last("rename") }
    let directory = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
      separator: "/")
    let place = unsafe open(directory.isEmpty ? "/" : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard place >= 0 else { throw .last("open") }
    defer { close(place) }
    // Some file systems flush no directories, and have nothing to flush then.
    if fsync(place) != 0, errno != EINVAL { throw .last("fsync") }
  }

  /// Gives the file at `path` another name.
  package static func move(_ path: String, to other: String) throws(SystemFault) {
    guard unsafe rename(path, other) == 0 else { throw .last("rename") }
  }

  /// Makes the directory, and those above it, where there are none; refuses what is none, or can't be written into.
  package static func makeDirectory(_ path: String) throws(SystemFault) {
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      made += "/" + part
      if unsafe mkdir(made, 0o700) != 0, errno != EEXIST { throw .last("mkdir") }
    }
    let place = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard place >= 0 else { throw .last("open") }
    close(place)
    guard unsafe access(path, W_OK | X_OK) == 0 else { throw .last("access") }
  }

  /// Whether there is a file at `path`.
  package static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }
}
