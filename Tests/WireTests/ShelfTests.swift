import Testing

@testable import Wire

@Suite("Shelf") struct ShelfTests {
  @Test("the value that was used the longest time ago makes room")
  func order() {
    var shelf = Shelf<String, Int>(ceiling: 3)
    for (at, key) in ["a", "b", "c"].enumerated() { shelf.keep(at, for: key, weight: 1, age: 9, now: 0) }
    let found1 = shelf.use("a", age: 9, now: 1)
    #expect(found1 == 0)
    shelf.keep(3, for: "d", weight: 1, age: 9, now: 1)
    let found2 = shelf.use("b", age: 9, now: 1)
    #expect(found2 == nil)
    for (key, value) in [("a", 0), ("c", 2), ("d", 3)] {
      let found3 = shelf.use(key, age: 9, now: 1)
      #expect(found3 == value)
    }
    #expect(shelf.weight == 3 && shelf.count == 3)
  }

  @Test("a value's time begins anew with each use, and ends")
  func age() {
    var shelf = Shelf<String, Int>(ceiling: 3)
    shelf.keep(1, for: "a", weight: 1, age: 10, now: 0)
    let found4 = shelf.use("a", age: 10, now: 9)
    #expect(found4 == 1)
    let found5 = shelf.use("a", age: 10, now: 18)
    #expect(found5 == 1)
    let found6 = shelf.use("a", age: 10, now: 28)
    #expect(found6 == nil)
    #expect(shelf.weight == 0 && shelf.count == 0)
  }

  @Test("what weighs more than all may is not kept, and takes its earlier self with it")
  func tooHeavy() {
    var shelf = Shelf<String, Int>(ceiling: 3)
    shelf.keep(1, for: "a", weight: 1, age: 10, now: 0)
    let found7 = shelf.keep(2, for: "a", weight: 4, age: 10, now: 0)
    #expect(!found7)
    let found8 = shelf.use("a", age: 10, now: 0)
    #expect(found8 == nil)
    let found9 = shelf.keep(2, for: "b", weight: 3, age: 10, now: 0)
    #expect(found9)
    let found10 = shelf.keep(3, for: "b", weight: 2, age: 10, now: 0)
    #expect(found10 && shelf.weight == 2)
    shelf.resize(1)
    #expect(shelf.count == 0 && shelf.weight == 0)
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
    var shelf = Shelf<Int, Int>(ceiling: 40)
    var kept: [(key: Int, value: Int, weight: Int, until: UInt64)] = []
    for step in 0..<2000 {
      let (now, key) = (UInt64(step), random(12))
      switch random(4) {
      case 0:
        kept.removeAll { $0.key == key && $0.until <= now }
        let seen = shelf.peek(key, now: now)
        let value = shelf.use(key, age: 50, now: now)
        #expect(seen == value)
        #expect(value == kept.first { $0.key == key }?.value)
        if let at = kept.firstIndex(where: { $0.key == key }) {
          var entry = kept.remove(at: at)
          entry.until = now + 50
          kept.append(entry)
        }
      case 1:
        let found11 = shelf.remove(key)
        #expect(found11 == kept.contains { $0.key == key })
        kept.removeAll { $0.key == key }
      default:
        let weight = random(50)
        kept.removeAll { $0.key == key }
        let isKept = shelf.keep(step, for: key, weight: weight, age: 50, now: now)
        #expect(isKept == (weight <= 40))
        if !isKept { continue }
        kept.removeAll { $0.until <= now }
        while kept.reduce(weight, { $0 + $1.weight }) > 40 { kept.removeFirst() }
        kept.append((key, step, weight, now + 50))
      }
      #expect(shelf.weight == kept.reduce(0) { $0 + $1.weight } && shelf.count == kept.count)
    }
  }
}
