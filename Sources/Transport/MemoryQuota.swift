// How much memory this process may use before the kernel ends it, as the container's limit says.

internal import Glibc
internal import Wire

/// The cgroup's memory limit (cgroups(7); `memory.max`, or `memory.limit_in_bytes` of version 1).
package enum MemoryQuota {
  /// More than any machine has: version 1 writes "no limit" as a number of pages.
  private static let none = 1 << 50

  /// The limit in bytes; nil where there is none.
  package static func bytes() -> Int? {
    let own = text("/proc/self/cgroup", most: 4096).map(Self.places) ?? []
    // In a container the own group is mounted as the root; on a machine it lies where the process's list says.
    let places = own + ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
    return places.compactMap { text($0, most: 64).flatMap(limit) }.min()
  }

  /// The files that hold the limit of a process whose `/proc/self/cgroup` is `text`.
  static func places(_ text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3, !parts[2].contains("..") else { return nil }
      let path = parts[2] == "/" ? "" : parts[2]
      if parts[0] == "0", parts[1].isEmpty { return "/sys/fs/cgroup\(path)/memory.max" }
      guard parts[1].split(separator: ",").contains("memory") else { return nil }
      return "/sys/fs/cgroup/memory\(path)/memory.limit_in_bytes"
    }
  }

  /// The number in such a file; nil for `max` and whatever else means none.
  static func limit(_ text: String) -> Int? {
    guard let number = Int(text.split(separator: "\n").first ?? ""), number > 0, number < none else {
      return nil
    }
    return number
  }

  private static func text(_ path: String, most: Int) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: most)
    let count = unsafe read(descriptor, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}
