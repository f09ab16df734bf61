import Testing

@testable import Transport

@Suite struct MountPointsTests {
  private static let table = """
    22 28 0:21 / /proc rw,nosuid - proc proc rw
    28 1 254:0 / / rw,relatime - ext4 /dev/vda rw
    41 28 254:0 /var/lib/x /etc/remora/remora.yaml ro - ext4 /dev/vda rw
    42 28 254:0 /y /etc/a\\040b\\134c rw - ext4 /dev/vda rw
    43 28
    """

  @Test(arguments: [
    ("/etc/remora/remora.yaml", true), ("/etc/remora", false), ("/etc/remora/remora.yam", false), ("/", true),
    ("/etc/a b\\c", true), ("/etc/a\\040b", false), ("", false), ("254:0", false),
  ])
  func looksForTheMountPoint(place: String, isMounted: Bool) {
    #expect(MountPoints.isMounted(place, Self.table) == isMounted)
  }

  @Test func knowsThisMachine() {
    #expect(MountPoints.holds("/proc"))
    #expect(!MountPoints.holds("/proc/self/status"))
    #expect(!MountPoints.holds("/proc/self"))
    #expect(!MountPoints.holds("/nowhere/at/all"))
  }
}
