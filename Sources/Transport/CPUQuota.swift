// How many processors this process may use, as the container's limit says.

internal import CLinux
internal import Glibc

/// The cgroup's CPU limit (cgroups(7), `cpu.max`).
package enum CPUQuota {
  /// The quota rounded up, at least 1 and at most the processors there are; those where no limit is set.
  package static func processors() -> Int {
    let online = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    guard let quota = limit() else { return online }
    return min(online, max(1, quota))
  }

  private static func limit() -> Int? {
    if let text = line("/sys/fs/cgroup/cpu.max") {
      let parts = text.split(separator: " ")
      guard parts.count == 2, let quota = Int(parts[0]), let period = Int(parts[1]) else { return nil }
      return rounded(quota, period)
    }
    guard let quota = line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").flatMap({ Int($0) }),
      let period = line("/sys/fs/cgroup/cpu/cpu.cfs_period_us").flatMap({ Int($0) })
    else { return nil }
    return rounded(quota, period)
  }

  private static func rounded(_ quota: Int, _ period: Int) -> Int? {
    guard quota > 0, period > 0, quota < 1 << 40 else { return nil }
    return (quota + period - 1) / period
  }

  private static func line(_ path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 128)
    let count = unsafe read(descriptor, &bytes, bytes.count)
    guard count > 0 else { return nil }
    return String(decoding: bytes[..<count].prefix { $0 != 0x0A }, as: UTF8.self)
  }
}
