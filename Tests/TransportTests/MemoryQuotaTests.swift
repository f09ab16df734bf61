import Testing

@testable import Transport

@Suite struct MemoryQuotaTests {
  @Test(
    "the list of groups names the file, in either version",
    arguments: [
      ("0::/\n", ["/sys/fs/cgroup/memory.max"]),
      ("0::/kubepods/pod1/c\n", ["/sys/fs/cgroup/kubepods/pod1/c/memory.max"]),
      (
        "9:name=systemd:/\n4:memory:/a/b:c\n3:cpu,memory:/d\n0::/\n",
        [
          "/sys/fs/cgroup/memory/a/b:c/memory.limit_in_bytes",
          "/sys/fs/cgroup/memory/d/memory.limit_in_bytes",
          "/sys/fs/cgroup/memory.max",
        ]
      ),
      // A group outside of what is mounted here.
      ("0::/../../other\n", []), ("nonsense\n0:x:/\n", []), ("", []),
    ])
  func places(text: String, places: [String]) {
    #expect(MemoryQuota.places(text) == places)
  }

  @Test(
    "a limit is a number; what means none isn't one",
    arguments: [
      ("67108864\n", 67_108_864), ("max\n", nil), ("9223372036854771712\n", nil), ("0\n", nil), ("-1\n", nil),
      ("", nil), ("99999999999999999999999\n", nil),
    ] as [(String, Int?)])
  func limits(text: String, limit: Int?) {
    #expect(MemoryQuota.limit(text) == limit)
  }
}
