import Glibc
import Support
import Synchronization
import Testing
import Wire

@testable import Transport

@Suite(.timeLimit(.minutes(1))) struct LoopTests {
  /// What was done, in order.
  private final class Deeds {
    var done: [String] = []
  }

  @Test("who yields goes on behind all others that are ready, and an event meanwhile is not lost")
  func yielding() async throws {
    try await Stage.run { stage in
      let deeds = Confined(Deeds())
      let waiter = Confined(Parker(on: stage.loop))
      for name in ["a", "b", "c"] {
        stage.loop.start { _ in
          let parker = Parker(on: stage.loop)
          for step in 1...3 {
            deeds.value.done.append("\(name)\(step)")
            await parker.yield()
          }
          parker.signal()
          let wake = await parker.park(until: .never)
          deeds.value.done.append("\(name) \(wake)")
          parker.retire()
          waiter.value.signal()
        }
      }
      while deeds.value.done.count < 12 { _ = await waiter.value.park(until: stage.patience) }
      waiter.value.retire()
      #expect(
        deeds.value.done == [
          "a1", "b1", "c1", "a2", "b2", "c2", "a3", "b3", "c3", "a event", "b event", "c event",
        ])
    }
  }

  /// Tells when its round has ended.
  private final class Late: Straggler {
    let name: String
    let deeds: Deeds
    init(_ name: String, _ deeds: Deeds) {
      self.name = name
      self.deeds = deeds
    }
    func roundEnds() { deeds.done.append("\(name) sends") }
  }

  @Test(
    "what is left for the end of the round comes behind all tasks that were ready, once, and makes others leave theirs"
  )
  func stragglers() async throws {
    try await Stage.run { stage in
      let deeds = Confined(Deeds())
      let waiter = Confined(Parker(on: stage.loop))
      let loop = stage.loop
      for name in ["a", "b", "c", "d", "e"] {
        loop.start { _ in
          deeds.value.done.append("\(name) \(loop.isBusy)")
          // The first has four behind it; the others follow because it has left something.
          if loop.isBusy { loop.atEndOfRound(Late(name, deeds.value)) }
          waiter.value.signal()
        }
      }
      while deeds.value.done.count < 10 { _ = await waiter.value.park(until: stage.patience) }
      #expect(
        deeds.value.done == [
          "a true", "b true", "c true", "d true", "e true", "a sends", "b sends", "c sends", "d sends",
          "e sends",
        ])
      deeds.value.done.removeAll()
      loop.start { _ in
        deeds.value.done.append("alone \(loop.isBusy)")
        waiter.value.signal()
      }
      while deeds.value.done.isEmpty { _ = await waiter.value.park(until: stage.patience) }
      waiter.value.retire()
      #expect(deeds.value.done == ["alone false"])
    }
  }

  /// Fired alarms, in order.
  private final class Log {
    var fired: [Int] = []
    /// When, by the loop's clock.
    var times: [Instant] = []
    var alarms: [Alarm] = []
  }

  @Test(
    "timers fire in the order of their deadlines, whatever the order in which they were set", arguments: 0..<4
  )
  func order(seed: UInt64) async throws {
    try await Stage.run { stage in
      var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
      func random(_ below: UInt64) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % below)
      }
      let log = Log()
      let start = stage.loop.now
      // What each alarm was last set to, in microseconds; nil for one that was disarmed.
      var due: [Int?] = []
      for index in 0..<300 {
        let alarm = Alarm {
          log.fired.append(index)
          log.times.append(stage.loop.now)
        }
        log.alarms.append(alarm)
        due.append(random(20) * 1000 + index)
        stage.loop.arm(alarm, at: start + .microseconds(due[index] ?? 0))
      }
      for _ in 0..<500 {
        let index = random(300)
        switch random(4) {
        case 0:
          stage.loop.disarm(log.alarms[index])
          due[index] = nil
        case 1:
          stage.loop.arm(log.alarms[index], at: .never)
          due[index] = nil
        default:
          due[index] = random(20) * 1000 + index
          stage.loop.arm(log.alarms[index], at: start + .microseconds(due[index] ?? 0))
        }
      }
      let parker = Parker(on: stage.loop)
      while await parker.park(until: start + .milliseconds(25)) != .deadline {}
      #expect(log.fired.sorted() == due.indices.filter { due[$0] != nil })
      // In one turn the order is free.
      var turnBefore = start
      for (at, index) in log.fired.enumerated() {
        if at > 0, log.times[at - 1] < log.times[at] { turnBefore = log.times[at - 1] }
        let wanted = start + .microseconds(due[index] ?? 0)
        #expect(wanted <= log.times[at] && (wanted > turnBefore || wanted == start || turnBefore == start))
      }
      #expect(log.alarms.allSatisfy { $0.due == .never })
    }
  }

  @Test("a timer that is put off fires once, at the later time")
  func putOff() async throws {
    try await Stage.run { stage in
      let log = Log()
      let start = stage.loop.now
      let alarm = Alarm { log.fired.append(stage.loop.now.nanoseconds(since: start)) }
      stage.loop.arm(alarm, at: start + .milliseconds(1))
      stage.loop.arm(alarm, at: start + .milliseconds(6))
      let parker = Parker(on: stage.loop)
      #expect(await parker.park(until: start + .milliseconds(12)) == .deadline)
      #expect(log.fired.count == 1)
      #expect(log.fired.allSatisfy { $0 >= 6_000_000 })
    }
  }

  @Test("a timer may set itself again while it fires")
  func again() async throws {
    try await Stage.run { stage in
      let log = Log()
      let loop = stage.loop
      let parker = Parker(on: loop)
      let alarm = Alarm {
        log.fired.append(log.fired.count)
        if log.fired.count < 3, let alarm = log.alarms.first {
          loop.arm(alarm, at: loop.now + .milliseconds(1))
        } else {
          parker.signal()
        }
      }
      log.alarms = [alarm]
      loop.arm(alarm, at: loop.now)
      #expect(await parker.park(until: stage.patience) == .event)
      #expect(log.fired == [0, 1, 2])
      log.alarms = []
    }
  }

  @Test("deadlines saturate")
  func saturation() {
    #expect(Instant.never + .seconds(1) == .never)
    #expect(Instant(nanoseconds: 5) + .seconds(Int64.max) == .never)
    #expect(Instant(nanoseconds: 5) + .seconds(-1) == Instant(nanoseconds: 5))
    #expect(Instant(nanoseconds: 5).nanoseconds(since: .never) == 0)
    #expect(Instant.never.nanoseconds(since: Instant(nanoseconds: 0)) == .max)
  }

  @Test("a parker is woken by a signal, one that came before too, and by its deadline")
  func parker() async throws {
    try await Stage.run { stage in
      let loop = stage.loop
      let parker = Parker(on: loop)
      #expect(await parker.park(until: loop.now) == .deadline)
      parker.signal()
      parker.signal()
      #expect(await parker.park(until: loop.now) == .event)
      #expect(await parker.park(until: loop.now) == .deadline)
      let before = loop.now
      #expect(await parker.park(until: before + .milliseconds(3)) == .deadline)
      #expect(loop.now.nanoseconds(since: before) >= 3_000_000)
      let alarm = Alarm { parker.signal() }
      loop.arm(alarm, at: loop.now + .milliseconds(1))
      #expect(await parker.park(until: stage.patience) == .event)
      // The deadline of a park that has ended doesn't end the next one.
      loop.arm(alarm, at: loop.now + .milliseconds(8))
      let early = Alarm { parker.signal() }
      loop.arm(early, at: loop.now + .milliseconds(1))
      #expect(await parker.park(until: loop.now + .milliseconds(4)) == .event)
      #expect(await parker.park(until: .never) == .event)
      parker.retire()
    }
  }

  @Test("work posted by other threads runs on the loop, all of it")
  func posts() async throws {
    let count = Atomic<Int>(0)
    let strayed = Atomic<Bool>(false)
    try await Stage.run { stage in
      let loop = stage.loop
      for _ in 0..<4 {
        let hasThread = Thread.detached {
          for _ in 0..<500 {
            loop.post {
              if !loop.isCurrent { strayed.store(true, ordering: .relaxed) }
              count.add(1, ordering: .relaxed)
            }
          }
        }
        #expect(hasThread)
      }
      let parker = Parker(on: loop)
      let deadline = stage.patience
      while count.load(ordering: .relaxed) < 2000, loop.now < deadline {
        _ = await parker.park(until: loop.now + .milliseconds(1))
      }
    }
    let posted = count.load(ordering: .relaxed)
    #expect(posted == 2000)
    let hasStrayed = strayed.load(ordering: .relaxed)
    #expect(!hasStrayed)
  }

  @Test("a turn ends with what was asked for at its end")
  func endOfTurn() async throws {
    try await Stage.run { stage in
      let log = Log()
      stage.loop.atEndOfTurn { log.fired.append(1) }
      let parker = Parker(on: stage.loop)
      _ = await parker.park(until: stage.loop.now + .milliseconds(2))
      #expect(!log.fired.isEmpty)
    }
  }
}
