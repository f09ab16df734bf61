// Answers that are kept: how many, for how long, and who waits for one that is being made.

import Policy
import Synchronization
import Testing
import Wire

@testable import Proxy

@Suite struct AnswerCacheTests {
  private func key(_ number: Int) -> CacheKey {
    CacheKey([UInt64(number), 0, 0, 0])
  }

  private func answer(_ count: Int, at now: Nanoseconds = 0) -> CachedAnswer {
    var answer = CachedAnswer(
      head: [UInt8](repeating: 0x61, count: count), route: Route(providerIndex: 0))
    answer.madeAt = now
    return answer
  }

  @Test("what was used longest ago goes first, and bytes never go beyond the limit")
  func oldest() {
    let cache = AnswerCache()
    cache.resize(to: 5000)
    for number in 0..<4 { cache.keep(answer(744), under: key(number)) }
    #expect(cache.bytes == 4000)
    #expect(cache.find(key(0), notOlderThan: 10, at: 0) != nil)
    cache.keep(answer(744), under: key(4))
    cache.keep(answer(744), under: key(5))
    #expect(cache.bytes == 5000)
    #expect(cache.find(key(0), notOlderThan: 10, at: 0) != nil)
    #expect(cache.find(key(1), notOlderThan: 10, at: 0) == nil)
    // The same one again takes the place of the old one.
    cache.keep(answer(44), under: key(5))
    #expect(cache.bytes == 4300)
    cache.resize(to: 0)
    #expect(cache.bytes == 0 && cache.find(key(5), notOlderThan: 10, at: 0) == nil)
    cache.keep(answer(1), under: key(1))
    #expect(cache.bytes == 0)
  }

  @Test("where memory is short the half that was used longest ago goes, again and again down to nothing")
  func halving() {
    let cache = AnswerCache()
    cache.resize(to: 8000)
    for number in 0..<8 { cache.keep(answer(744), under: key(number)) }
    for left in [4000, 2000, 1000, 0, 0] {
      cache.halve()
      #expect(cache.bytes == left)
      #expect((cache.find(key(7), notOlderThan: 10, at: 0) != nil) == (left > 0))
    }
    cache.keep(answer(744), under: key(1))
    #expect(cache.bytes == 1000)
  }

  @Test("against a list of all of them, in any order of uses")
  func oracle() {
    let cache = AnswerCache()
    cache.resize(to: 20_000)
    var known: [(key: Int, weight: Int)] = []
    var random: UInt64 = 7
    func next(_ below: Int) -> Int {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 33) % below
    }
    for _ in 0..<20_000 {
      let number = next(40)
      if next(3) == 0 {
        let found = cache.find(key(number), notOlderThan: 10, at: 0)
        let place = known.firstIndex { $0.key == number }
        #expect((found != nil) == (place != nil))
        if let place { known.append(known.remove(at: place)) }
      } else {
        let count = next(5500)
        cache.keep(answer(count), under: key(number))
        known.removeAll { $0.key == number }
        if count + 256 <= 5000 { known.append((number, count + 256)) }
        while known.reduce(0, { $0 + $1.weight }) > 20_000 { known.removeFirst() }
      }
      #expect(cache.bytes == known.reduce(0) { $0 + $1.weight })
    }
  }

  @Test("an answer is as old as it is")
  func age() {
    let cache = AnswerCache()
    cache.resize(to: 5000)
    cache.keep(answer(1, at: 100), under: key(1))
    #expect(cache.find(key(1), notOlderThan: 50, at: 149) != nil)
    #expect(cache.find(key(1), notOlderThan: 50, at: 150) == nil)
    #expect(cache.find(key(1), notOlderThan: 0, at: 100) == nil)
  }

  @Test("one makes it, the others are told once, and who has left isn't")
  func flight() {
    final class Waiter {}
    let cache = AnswerCache()
    let told = Atomic(0)
    let waiters = [Waiter(), Waiter(), Waiter()]
    func lead(_ place: Int) -> Bool {
      cache.lead(key(1), waiter: ObjectIdentifier(waiters[place])) { told.add(1, ordering: .relaxed) }
    }
    #expect(lead(0))
    #expect(!lead(1) && !lead(1) && !lead(2))
    cache.leave(key(1), waiter: ObjectIdentifier(waiters[2]))
    var write: CacheWrite? = CacheWrite(key(1), cache, ceiling: 10, leads: true)
    write?.take([1, 2, 3].span)
    #expect(told.load(ordering: .relaxed) == 0)
    write = nil
    #expect(told.load(ordering: .relaxed) == 1)
    #expect(lead(2))
  }

  @Test("what is about one exchange alone is left out, and what is too long isn't kept")
  func places() {
    let cache = AnswerCache()
    cache.resize(to: 50_000)
    func keep(_ text: String, _ member: String, number: Int) -> CachedAnswer? {
      let write = CacheWrite(key(number), cache, ceiling: 30, leads: false)
      write.take(Array("lost by another try".utf8).span)
      write.restart()
      for byte in text.utf8 { write.take([byte].span) }
      let bytes = Array(member.utf8)
      write.keep(without: bytes.span, isEvents: false, route: Route(providerIndex: 0), at: 0)
      return cache.find(key(number), notOlderThan: 1, at: 0)
    }
    let kept = keep(#"{"x":{"a":1},"id":2}"#, #""x":{"a":1}"#, number: 1)
    #expect(kept?.head == Array("{".utf8) && kept?.tail == Array(#","id":2}"#.utf8) && kept?.hasPlace == true)
    #expect(keep(#"{"id":2}"#, #""x":1"#, number: 2)?.hasPlace == false)
    #expect(keep(#"{"id":2}"#, "", number: 3)?.head == Array(#"{"id":2}"#.utf8))
    #expect(keep(String(repeating: "x", count: 31), "", number: 4) == nil)
    #expect(keep("", "", number: 5) == nil)
  }
}
