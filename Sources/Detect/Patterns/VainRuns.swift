// What was found out about runs of a pattern's automaton that came to nothing, so that the next one, which begins a byte
// later and is soon in the same state at the same place, needn't be read to its end again.

internal import Wire

/// From which places and states on no match ends, or where the next one does. Runs that begin in the same stretch of a
/// text are followed to a common end behind the last place that any of them may reach, so that what is known of one is
/// known for all.
struct VainRuns {
  /// A run is asked for, and remembered, at each of these places, but for its first few bytes.
  static let step = 4
  /// Of the first tries in a text nothing is remembered: most texts have no more.
  static let least = 8
  private static let stretch = 512
  private static let slotCount = 1024
  /// No match ends at all.
  static let never = Int.max

  private var keys: [UInt64] = []
  private var ends: [Int] = []
  /// Places and states of the run under way of which nothing is known yet.
  private var open: [UInt64] = []
  private var start = 0
  private var asked = 0
  /// Up to where runs that begin in this stretch are followed.
  private(set) var limit = stretch + PatternSet.matchCeiling

  /// Begins with a run from `start` on.
  @inline(__always)
  mutating func begin(_ start: Int) {
    if !open.isEmpty { open.removeAll(keepingCapacity: true) }
    if start >= self.start, start < self.start &+ Self.stretch { return }
    self.start = start & ~(Self.stretch &- 1)
    limit = self.start &+ Self.stretch &+ PatternSet.matchCeiling
  }

  /// Where the next match ends of a run that is in `state` at `place`, if that is known; else it is to be told.
  @inline(never)
  mutating func end(_ place: Int, _ state: Int) -> Int? {
    asked &+= 1
    if keys.isEmpty {
      keys = [UInt64](repeating: 0, count: Self.slotCount)
      ends = [Int](repeating: 0, count: Self.slotCount)
    }
    // The place lies in one of several stretches; the state is at most the ceiling of states.
    let key = UInt64(truncatingIfNeeded: start) &<< 26 | UInt64(place &- start) &<< 15 | UInt64(state)
    let slot = Self.slot(key)
    if keys[slot] == key &+ 1 { return ends[slot] }
    open.append(key)
    return nil
  }

  /// Tells where the run's next match ends, for all places that it came through since the last one.
  @inline(never)
  mutating func tell(_ end: Int) {
    for key in open {
      let slot = Self.slot(key)
      keys[slot] = key &+ 1
      ends[slot] = end
    }
    open.removeAll(keepingCapacity: true)
  }

  /// Whether runs in the text up to `place` took several steps for each of its bytes.
  @inline(__always)
  func isMuch(_ place: Int) -> Bool { asked > 128 &+ place / 2 }

  var isOpen: Bool { !open.isEmpty }

  private static func slot(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> 54)
  }
}
