import Testing
import Transport

@testable import Proxy

/// How long an answer may be silent and its client may take nothing, with seconds that the test sets.
@Suite("Patience")
struct PatienceTests {
  private static func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }
  private let idle = Interval(seconds: 60)

  private func until(
    _ patience: Patience, beats: Interval? = Deadline.heartbeat, isBacklogged: Bool = false,
    isFull: Bool = false
  ) -> Instant {
    patience.until(idle: idle, beats: beats, isBacklogged: isBacklogged, isFull: isFull)
  }

  private func verdict(
    _ patience: Patience, at seconds: UInt64, beats: Interval? = Deadline.heartbeat,
    isBacklogged: Bool = false,
    isFull: Bool = false
  ) -> Patience.Verdict? {
    patience.verdict(
      at: Self.at(seconds), idle: idle, beats: beats, isBacklogged: isBacklogged, isFull: isFull)
  }

  @Test("tells the client each 15 s, whatever the provider sends that the client doesn't get")
  func beat() {
    var patience = Patience(at: Self.at(100), stalled: Deadline.stalledClient)
    for second in stride(from: UInt64(100), to: 115, by: 5) { patience.heard(at: Self.at(second)) }
    #expect(until(patience) == Self.at(115))
    #expect(verdict(patience, at: 114) == nil)
    #expect(verdict(patience, at: 115) == .beat)
    patience.sent(at: Self.at(115))
    #expect(verdict(patience, at: 116) == nil)
    #expect(until(patience) == Self.at(130))
  }

  @Test("counts the provider's silence from its last byte, and not from a heartbeat")
  func silence() {
    var patience = Patience(at: Self.at(100), stalled: Deadline.stalledClient)
    for second in [115, 130, 145] as [UInt64] {
      patience.sent(at: Self.at(second))
      patience.note(Progress(taken: Int(second), isAll: true), isBacklogged: false, at: Self.at(second))
    }
    #expect(verdict(patience, at: 159) == nil)
    #expect(until(patience) == Self.at(160))
    #expect(verdict(patience, at: 160) == .silence)
    patience.heard(at: Self.at(159))
    #expect(verdict(patience, at: 160) == .beat)
  }

  @Test("gives no heartbeat to a whole answer")
  func noBeat() {
    let patience = Patience(at: Self.at(100), stalled: Deadline.stalledClient)
    #expect(until(patience, beats: nil) == Self.at(160))
    #expect(verdict(patience, at: 130, beats: nil) == nil)
  }

  @Test(
    "cuts a client off that takes nothing for 600 s, though the provider goes on and time is told",
    arguments: [true, false])
  func stalledClient(_ isBacklogged: Bool) {
    var patience = Patience(at: Self.at(100), stalled: Deadline.stalledClient)
    for second in stride(from: UInt64(100), through: 699, by: 10) {
      patience.heard(at: Self.at(second))
      patience.sent(isTaken: !isBacklogged, at: Self.at(second))
      #expect(until(patience, isBacklogged: isBacklogged) <= Self.at(second + 15))
      if second == 110 {
        patience.note(Progress(taken: 1, isAll: false), isBacklogged: isBacklogged, at: Self.at(second))
      }
      #expect(verdict(patience, at: second, isBacklogged: isBacklogged) == nil)
    }
    patience.note(Progress(taken: 1, isAll: false), isBacklogged: isBacklogged, at: Self.at(710))
    #expect(verdict(patience, at: 710, isBacklogged: isBacklogged) == .stalledClient)
    #expect(verdict(patience, at: 710, isBacklogged: isBacklogged, isFull: true) == .stalledClient)
    patience.note(Progress(taken: 2, isAll: false), isBacklogged: isBacklogged, at: Self.at(710))
    patience.heard(at: Self.at(710))
    #expect(verdict(patience, at: 711, isBacklogged: isBacklogged, isFull: true) != .stalledClient)
  }

  @Test("doesn't blame the provider while it isn't read")
  func full() {
    let patience = Patience(at: Self.at(100), stalled: Deadline.stalledClient)
    #expect(verdict(patience, at: 500, isBacklogged: true, isFull: true) == nil)
    #expect(verdict(patience, at: 500, isBacklogged: true, isFull: false) == .silence)
  }
}
