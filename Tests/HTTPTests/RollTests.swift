import Testing
import Transport

@testable import HTTP

@Suite("Roll") struct RollTests {
  @Test(
    "the more clients there are, the sooner a silent one's task goes",
    arguments: [(0, 1000), (1, 1000), (127, 1000), (128, 500), (640, 100), (10_000, 6), (1_000_000, 0)])
  func naps(_ count: Int, _ milliseconds: Int) {
    #expect(Roll.nap(Interval(seconds: 1), among: count).nanoseconds / 1_000_000 == UInt64(milliseconds))
  }
}
