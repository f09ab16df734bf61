import Support
import Testing
import Wire

@testable import Transport

@Suite(.timeLimit(.minutes(1))) struct ParkerTests {
  /// Sleeps on as often as it is told to.
  private final class Sleeper: Deputy {
    var acts = 0
    var patience: Int
    var onAct: (() -> Void)?
    init(patience: Int) { self.patience = patience }
    func act() -> Bool {
      acts += 1
      onAct?()
      return acts <= patience
    }
  }

  /// Has a task park with `deputy`, then calls `then` while it sleeps; gives what woke it.
  private func park(
    _ stage: Stage, until deadline: Instant, _ deputy: Sleeper, then: (Parker) -> Void
  ) async -> Wake? {
    let parker = Confined(Parker(on: stage.loop))
    let waiter = Confined(Parker(on: stage.loop))
    let deputy = Confined(deputy)
    let woken = Confined(Woken())
    stage.loop.start { _ in
      woken.value.by = await parker.value.park(until: deadline, deputy: deputy.value)
      parker.value.retire()
      waiter.value.signal()
    }
    let patience = stage.patience
    while !parker.value.isOccupied, stage.loop.now < patience { await waiter.value.yield() }
    then(parker.value)
    while woken.value.by == nil {
      if await waiter.value.park(until: stage.patience) == .deadline { break }
    }
    waiter.value.retire()
    return woken.value.by
  }

  private final class Woken { var by: Wake? }

  @Test("a deputy is asked at each signal, and the task is woken by the first that it leaves to it")
  func wakes() async throws {
    try await Stage.run { stage in
      let deputy = Sleeper(patience: 3)
      let wake = await park(stage, until: stage.patience, deputy) { parker in
        for _ in 0..<4 { parker.signal() }
        // The task is no longer asleep: this is for its next wait.
        parker.signal()
      }
      #expect(wake == .event)
      #expect(deputy.acts == 4)
    }
  }

  @Test("what a deputy signals itself wakes the task, though the deputy would have it sleep")
  func signalsItself() async throws {
    try await Stage.run { stage in
      let deputy = Sleeper(patience: .max)
      let wake = await park(stage, until: stage.patience, deputy) { parker in
        deputy.onAct = { if deputy.acts == 2 { parker.signal() } }
        parker.signal()
        parker.signal()
      }
      deputy.onAct = nil
      #expect(wake == .event)
      #expect(deputy.acts == 2)
    }
  }

  @Test("a deadline wakes the task without asking, and a deputy can put it off")
  func deadline() async throws {
    try await Stage.run { stage in
      let start = stage.loop.now
      let deputy = Sleeper(patience: .max)
      let wake = await park(stage, until: start + .milliseconds(1), deputy) { parker in
        deputy.onAct = { parker.putOff(to: start + .milliseconds(20)) }
        parker.signal()
      }
      deputy.onAct = nil
      #expect(wake == .deadline)
      #expect(deputy.acts == 1)
      #expect(stage.loop.now >= start + .milliseconds(20))
    }
  }

  @Test("a deputy is let go of when the task wakes")
  func release() async throws {
    try await Stage.run { stage in
      weak var left: Sleeper?
      do {
        let deputy = Sleeper(patience: 0)
        left = deputy
        _ = await park(stage, until: stage.patience, deputy) { $0.signal() }
      }
      #expect(left == nil)
    }
  }

  @Test("a signal that came before the wait ends it without a deputy")
  func earlier() async throws {
    try await Stage.run { stage in
      let parker = Parker(on: stage.loop)
      let deputy = Sleeper(patience: .max)
      parker.signal()
      #expect(await parker.park(until: stage.patience, deputy: deputy) == .event)
      #expect(deputy.acts == 0)
      parker.retire()
    }
  }

  @Test("a signal that comes while the task is on its way to sleep is not lost")
  func onTheWay() async throws {
    try await Stage.run { stage in
      let parker = Confined(Parker(on: stage.loop))
      let waiter = Confined(Parker(on: stage.loop))
      let woken = Confined(Woken())
      stage.loop.start { _ in
        waiter.value.signal()
        woken.value.by = await parker.value.park(until: stage.patience)
        parker.value.retire()
        waiter.value.signal()
      }
      _ = await waiter.value.park(until: stage.patience)
      parker.value.signal()
      _ = await waiter.value.park(until: stage.patience)
      waiter.value.retire()
      #expect(woken.value.by == .event)
    }
  }
}
