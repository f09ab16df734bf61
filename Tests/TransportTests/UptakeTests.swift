import Testing
import Transport

/// Whether a peer still takes what it is sent, with seconds that the test sets.
@Suite("Uptake")
struct UptakeTests {
  private static func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

  /// The second at which the peer counts as stalled, where it is looked at whenever that is due.
  ///
  /// - Parameters:
  ///   - each: seconds between two things that are sent to it.
  ///   - taken: what it has taken at a second.
  private static func stalledAt(
    sentEach each: UInt64, until end: UInt64 = 5000, waits: Bool = false, _ taken: (UInt64) -> Progress
  ) -> UInt64? {
    var uptake = Uptake(limit: Interval(seconds: 600), at: at(100))
    for second in 100..<end {
      if (second - 100) % each == 0 { uptake.sent(at: at(second)) }
      if at(second) >= uptake.lookAt { uptake.note(taken(second), waits: waits, at: at(second)) }
      if uptake.isStalled(at: at(second)) { return second }
    }
    return nil
  }

  @Test("a peer that takes nothing is stalled, however often it is sent something", arguments: [1, 7, 900])
  func nothing(_ each: UInt64) throws {
    let second = try #require(Self.stalledAt(sentEach: each) { _ in Progress(taken: 7, isAll: false) })
    #expect(700...730 ~= second)
  }

  @Test("what is sent counts for nothing where more of it lies in between", arguments: [true, false])
  func falling(_ waits: Bool) throws {
    let second = try #require(
      Self.stalledAt(sentEach: 3, waits: waits) { Progress(taken: 1000 - Int($0), isAll: false) })
    #expect(700...730 ~= second)
  }

  @Test("the time counts from the last byte that was taken", arguments: [101, 350, 640] as [UInt64])
  func last(_ last: UInt64) throws {
    let second = try #require(
      Self.stalledAt(sentEach: 3) { Progress(taken: $0 < last ? 7 : 8, isAll: false) })
    #expect((last + 600)...(last + 630) ~= second)
  }

  @Test("a byte in each ten minutes will do", arguments: [true, false])
  func slow(_ waits: Bool) {
    #expect(
      Self.stalledAt(sentEach: 1, waits: waits) { Progress(taken: Int($0 / 590), isAll: false) } == nil)
  }

  @Test("where all was taken, the time begins with the next thing that is sent, and nobody looks before")
  func all() {
    var uptake = Uptake(limit: Interval(seconds: 600), at: Self.at(100))
    #expect(uptake.lookAt == .never)
    uptake.sent(at: Self.at(110))
    #expect(uptake.lookAt == Self.at(125))
    uptake.note(Progress(taken: 9, isAll: true), waits: false, at: Self.at(125))
    #expect(uptake.lookAt == .never && !uptake.isStalled(at: Self.at(9999)))
    uptake.sent(at: Self.at(9999))
    #expect(uptake.lookAt == Self.at(10_014))
    uptake.note(Progress(taken: 9, isAll: false), waits: false, at: Self.at(10_598))
    #expect(!uptake.isStalled(at: Self.at(10_598)) && uptake.isStalled(at: Self.at(10_599)))
  }

  @Test("what the kernel doesn't take is not taken")
  func backlog() throws {
    let second = try #require(
      Self.stalledAt(sentEach: 900, waits: true) { _ in Progress(taken: 9, isAll: true) })
    #expect(700...730 ~= second)
  }
}
