import Testing
import Wire

@testable import Transport

@Suite struct PulseTests {
  private static func second(_ number: Int) -> Instant { Instant(nanoseconds: 1) + .seconds(number) }

  /// Work that a loop was given and may never do.
  private final class Pile: Sendable {
    private let work = Guarded<[@Sendable () -> Void]>([])
    var count: Int { work.withLock { $0.count } }
    func add(_ piece: @escaping @Sendable () -> Void) { work.withLock { $0.append(piece) } }
    func turn() {
      let pieces = work.withLock { pieces in
        defer { pieces = [] }
        return pieces
      }
      for piece in pieces { piece() }
    }
  }

  @Test func aLoopThatTurnsIsNeverSilent() {
    let (pulse, pile) = (Pulse(), Pile())
    for second in 0..<100 {
      #expect(pulse.silence(at: Self.second(second * 60), post: pile.add) == nil)
      pile.turn()
    }
  }

  @Test func silenceCountsFromTheFirstQuestion() {
    let (pulse, pile) = (Pulse(), Pile())
    #expect(pulse.silence(at: Self.second(100), post: pile.add) == nil)
    #expect(pulse.silence(at: Self.second(104), post: pile.add) == nil)
    #expect(pulse.silence(at: Self.second(105), post: pile.add) == .seconds(5))
    #expect(pulse.silence(at: Self.second(160), post: pile.add) == .seconds(60))
    #expect(pile.count == 1, "a loop that is stuck is not given more and more to do")
  }

  @Test func aLoopThatTurnsAgainIsWell() {
    let (pulse, pile) = (Pulse(), Pile())
    _ = pulse.silence(at: Self.second(1), post: pile.add)
    #expect(pulse.silence(at: Self.second(10), post: pile.add) != nil)
    pile.turn()
    #expect(pulse.silence(at: Self.second(11), post: pile.add) == nil)
    #expect(pulse.silence(at: Self.second(15), post: pile.add) == nil)
    #expect(pulse.silence(at: Self.second(16), post: pile.add) != nil)
  }

  @Test func aClockThatStandsAtZero() {
    let (pulse, pile) = (Pulse(), Pile())
    #expect(pulse.silence(at: Instant(nanoseconds: 0), post: pile.add) == nil)
    #expect(pulse.silence(at: Instant(nanoseconds: 0), post: pile.add) == nil)
    #expect(pile.count == 1)
  }
}
