// What a command is given to read: a file, a pipe that the shell made, standard input.

import Config
import Glibc

enum Input {
  /// Reads `path` to its end; `-` is standard input.
  ///
  /// Unlike what a configuration names, it may be a pipe: a person waits for it.
  /// - Throws: `FileFault`, also where there are more than `ceiling` bytes.
  static func read(_ path: String, ceiling: Int) throws(FileFault) -> [UInt8] {
    let isStandard = path == "-"
    let descriptor = isStandard ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(errno) }
    defer { if !isStandard { close(descriptor) } }
    if isatty(descriptor) == 1 { Console.error("reading from the terminal; Ctrl-D ends") }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= ceiling {
      // SAFETY: the pointer and the count are those of `block`.
      let count = unsafe block.withUnsafeMutableBytes {
        unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
      }
      if count == 0 { return bytes }
      if count > 0 {
        bytes += block[..<count]
      } else if errno != EINTR {
        throw errno == EISDIR ? .directory : .system(errno)
      }
    }
    throw .tooLarge(ceiling: ceiling)
  }
}
