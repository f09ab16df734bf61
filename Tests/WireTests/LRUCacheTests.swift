import Testing

@testable import Wire

@Suite("LRUCache") struct LRUCacheTests {
  @Test("the value that was used the longest time ago makes room")
  func order() {
    var cache = LRUCache<String, Int>(ceiling: 3)
    for (at, key) in ["a", "b", "c"].enumerated() { cache.keep(at, for: key, weight: 1, age: 9, now: 0) }
    let found1 = cache.use("a", age: 9, now: 1)
    #expect(found1 == 0)
    cache.keep(3, for: "d", weight: 1, age: 9, now: 1)
    let found2 = cache.use("b", age: 9, now: 1)
    #expect(found2 == nil)
    for (key, value) in [("a", 0), ("c", 2), ("d", 3)] {
      let found3 = cache.use(key, age: 9, now: 1)
      #expect(found3 == value)
    }
    #expect(cache.weight == 3 && cache.count == 3)
  }

  @Test("a value's time begins anew with each use, and ends")
  func age() {
    var cache = LRUCache<String, Int>(ceiling: 3)
    cache.keep(1, for: "a", weight: 1, age: 10, now: 0)
    let found4 = cache.use("a", age: 10, now: 9)
    #expect(found4 == 1)
    let found5 = cache.use("a", age: 10, now: 18)
    #expect(found5 == 1)
    let found6 = cache.use("a", age: 10, now: 28)
    #expect(found6 == nil)
    #expect(cache.weight == 0 && cache.count == 0)
  }

  @Test("what weighs more than all may is not kept, and takes its earlier self with it")
  func tooHeavy() {
    var cache = LRUCache<String, Int>(ceiling: 3)
    cache.keep(1, for: "a", weight: 1, age: 10, now: 0)
    let found7 = cache.keep(2, for: "a", weight: 4, age: 10, now: 0)
    #expect(!found7)
    let found8 = cache.use("a", age: 10, now: 0)
    #expect(found8 == nil)
    let found9 = cache.keep(2, for: "b", weight: 3, age: 10, now: 0)
    #expect(found9)
    let found10 = cache.keep(3, for: "b", weight: 2, age: 10, now: 0)
    #expect(found10 && cache.weight == 2)
    cache.resize(1)
    #expect(cache.count == 0 && cache.weight == 0)
  }

  @Test("against a plain list of what was used last", arguments: 0..<20)
  func model(_ seed: Int) {
    var word = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    func random(_ below: Int) -> Int {
      word ^= word << 13
      word ^= word >> 7
      word ^= word << 17
      return Int(word % UInt64(below))
    }
    var cache = LRUCache<Int, Int>(ceiling: 40)
    var kept: [(key: Int, value: Int, weight: Int, until: UInt64)] = []
    for step in 0..<2000 {
      let (now, key) = (UInt64(step), random(12))
      switch random(4) {
      case 0:
        kept.removeAll { $0.key == key && $0.until <= now }
        let seen = cache.peek(key, now: now)
        let value = cache.use(key, age: 50, now: now)
        #expect(seen == value)
        #expect(value == kept.first { $0.key == key }?.value)
        if let at = kept.firstIndex(where: { $0.key == key }) {
          var entry = kept.remove(at: at)
          entry.until = now + 50
          kept.append(entry)
        }
      case 1:
        let found11 = cache.remove(key)
        #expect(found11 == kept.contains { $0.key == key })
        kept.removeAll { $0.key == key }
      default:
        let weight = random(50)
        kept.removeAll { $0.key == key }
        let isKept = cache.keep(step, for: key, weight: weight, age: 50, now: now)
        #expect(isKept == (weight <= 40))
        if !isKept { continue }
        kept.removeAll { $0.until <= now }
        while kept.reduce(weight, { $0 + $1.weight }) > 40 { kept.removeFirst() }
        kept.append((key, step, weight, now + 50))
      }
      #expect(cache.weight == kept.reduce(0) { $0 + $1.weight } && cache.count == kept.count)
    }
  }
}
