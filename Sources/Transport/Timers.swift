// Deadlines, in a binary heap that is lazy: putting a deadline off costs one store.
//
// Nearly every deadline is put off before it comes (a stream's idle limit, once per chunk), so a timer's
// place in the heap is only a promise that it is looked at no later than it is due.

/// Something with a deadline on one loop. At most one deadline at a time.
package class Timer {
  /// When `fire` is wanted; `.never` while it is not.
  fileprivate(set) var due = Instant.never
  fileprivate var key = Instant.never
  fileprivate var slot = -1

  package init() {}

  /// Called on the loop when the deadline has passed. The timer is disarmed by then.
  package func fire() {}
}

/// A timer that calls a closure: for what is off the hot path.
package final class Alarm: Timer {
  private let action: () -> Void
  package init(_ action: @escaping () -> Void) { self.action = action }
  package override func fire() { action() }
}

/// All armed timers of a loop.
struct TimerHeap: ~Copyable {
  private var heap: [Timer] = []

  var count: Int { heap.count }

  /// The instant at which somebody must look again.
  var next: Instant { heap.isEmpty ? .never : heap[0].key }

  mutating func arm(_ timer: Timer, at due: Instant) {
    timer.due = due
    if timer.slot >= 0 {
      // Later than its place: it is looked at early and put back then.
      if due >= timer.key { return }
      timer.key = due
      siftUp(timer.slot)
    } else if due != .never {
      timer.key = due
      timer.slot = heap.count
      heap.append(timer)
      siftUp(timer.slot)
    }
  }

  mutating func remove(_ timer: Timer) {
    timer.due = .never
    let slot = timer.slot
    guard slot >= 0 else { return }
    timer.slot = -1
    let last = heap.removeLast()
    guard last !== timer else { return }
    heap[slot] = last
    siftDown(slot)
    siftUp(last.slot)
  }

  /// The next timer whose deadline has passed, taken out; timers that were put off go back in.
  mutating func expired(at now: Instant) -> Timer? {
    while let first = heap.first, first.key <= now {
      if first.due <= now {
        remove(first)
        return first
      }
      if first.due == .never {
        remove(first)
      } else {
        first.key = first.due
        siftDown(0)
      }
    }
    return nil
  }

  private mutating func siftUp(_ from: Int) {
    var slot = from
    let timer = heap[slot]
    while slot > 0 {
      let parent = (slot - 1) / 2
      if heap[parent].key <= timer.key { break }
      heap[slot] = heap[parent]
      heap[slot].slot = slot
      slot = parent
    }
    heap[slot] = timer
    timer.slot = slot
  }

  private mutating func siftDown(_ from: Int) {
    var slot = from
    let timer = heap[slot]
    while true {
      var child = 2 * slot + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1].key < heap[child].key { child += 1 }
      if timer.key <= heap[child].key { break }
      heap[slot] = heap[child]
      heap[slot].slot = slot
      slot = child
    }
    heap[slot] = timer
    timer.slot = slot
  }
}
