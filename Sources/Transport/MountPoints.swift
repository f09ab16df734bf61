// Whether a file is a mount of its own: kubelet's subPath, or one file shared with a container. Such a mount
// holds on to the file that was there when the container was made, whatever is published beside it.

internal import Glibc

package enum MountPoints {
  /// Whether something is mounted at `path` itself, which is no symbolic link. It reads `/proc/self/mountinfo`.
  package static func holds(_ path: String) -> Bool {
    var status = stat()
    guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFLNK else { return false }
    guard let place = absolute(path), let table = table() else { return false }
    return isMounted(place, table)
  }

  /// Looks for `place` in the text of a `mountinfo` (proc(5)): the fifth word, spaces and the like in octal.
  static func isMounted(_ place: String, _ table: String) -> Bool {
    table.split(separator: "\n").contains { line in
      // A line has ten words and more: those behind the fifth are left together.
      let words = line.split(separator: " ", maxSplits: 5)
      return words.count > 4 && plain(words[4]) == place
    }
  }

  private static func plain(_ word: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(word.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == 0x5C, digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) {
        bytes.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 0x30) })
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func absolute(_ path: String) -> String? {
    guard let real = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(real) }
    return unsafe String(cString: real)
  }

  private static func table() -> String? {
    let descriptor = unsafe open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 16_384)
    // More mounts than this no container has.
    while bytes.count < 4 << 20 {
      let count = retrying { unsafe read(descriptor, &room, room.count) }
      guard count > 0 else { break }
      bytes += room[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
