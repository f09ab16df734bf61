// How a path leads to its file: every symbolic link on the way, and what stands at the end.
//
// Kubernetes publishes a volume by swapping one link (`..data`) above the files, so a path's own `stat` is not
// enough to see a change, and a directory on the way is where the change is announced. One walk yields both:
// equal trails mean the same file, unchanged; the places are where FileWatch.swift listens.

internal import Glibc

/// What is found along one path. Equal trails lead to the same bytes.
package struct FileTrail: Equatable, Sendable {
  /// A name in a directory; whatever happens to it may change where the path leads.
  struct Place: Hashable, Sendable {
    let directory: String
    let name: String
  }

  /// What tells one state of a file from another without reading it.
  enum End: Equatable, Sendable {
    case file(device: UInt64, inode: UInt64, size: Int64, modified: Int64, changed: Int64)
    /// The way is broken; the number is `errno`.
    case missing(Int32)
  }

  /// As many as the kernel follows (path_resolution(7)).
  private static let linkCeiling = 40

  private(set) var links: [String] = []
  private(set) var places: [Place] = []
  private(set) var end = End.missing(ENOENT)

  /// Walks along `path`. It asks the file system and may block: not for a loop.
  package init(_ path: String) {
    var at = path.hasPrefix("/") ? "/" : "."
    var rest = Self.parts(path)
    while let part = rest.popLast() {
      if part == ".." {
        // `at` holds no links any more, so its parent is where `..` leads.
        at = Self.join(at, part)
        continue
      }
      let next = Self.join(at, part)
      var status = stat()
      guard unsafe lstat(next, &status) == 0 else {
        places.append(Place(directory: at, name: part))
        end = .missing(errno)
        return
      }
      if status.st_mode & S_IFMT == S_IFLNK {
        places.append(Place(directory: at, name: part))
        guard links.count < Self.linkCeiling, let target = Self.target(of: next) else {
          end = .missing(ELOOP)
          return
        }
        links.append(target)
        if target.hasPrefix("/") { at = "/" }
        rest += Self.parts(target)
      } else if rest.isEmpty {
        places.append(Place(directory: at, name: part))
        end = .file(
          device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
          modified: Self.nanoseconds(status.st_mtim), changed: Self.nanoseconds(status.st_ctim))
      } else {
        at = next
      }
    }
  }

  /// The names in `path`, the first one last.
  private static func parts(_ path: String) -> [String] {
    path.split(separator: "/").filter { $0 != "." }.map(String.init).reversed()
  }

  private static func join(_ directory: String, _ name: String) -> String {
    directory == "/" ? "/" + name : directory + "/" + name
  }

  private static func target(of link: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe buffer.withUnsafeMutableBytes { room in
      guard let start = room.baseAddress else { return 0 }
      return unsafe readlink(link, start.assumingMemoryBound(to: CChar.self), room.count)
    }
    return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
