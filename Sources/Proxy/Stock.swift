// Objects that are over, and wait to be used again.

internal import Wire

/// A worker's stock of one kind of objects. It keeps as many as were in use at once lately, so that a burst finds in it
/// what the burst before has made.
struct Stock<Item: AnyObject> {
  private var unused: [Item] = []
  private var mark = HighWater()
  private let floor: Int

  /// - Parameter floor: so many unused ones are always kept.
  init(floor: Int) { self.floor = floor }

  /// One to use, which `keep` or `lose` is told of when it is over; nil where it must be made.
  mutating func take() -> Item? {
    mark.rise()
    return unused.popLast()
  }

  /// Takes one back.
  mutating func keep(_ item: Item) {
    mark.fall()
    unused.append(item)
  }

  /// One that was taken will not come back.
  mutating func lose() { mark.fall() }

  mutating func removeAll() { unused.removeAll() }

  /// More are kept than always are, so that `settle` is to be called soon.
  var isHigh: Bool { unused.count > floor }

  /// The one that is taken next.
  var next: Item? { unused.last }

  /// How many are kept beyond those that always are.
  var surplus: Int { max(unused.count - floor, 0) }

  /// Lets go of those that were not needed since the last time. To be called again for as long as `isHigh`.
  ///
  /// - Returns: how many they were.
  mutating func settle() -> Int { shrink(by: mark.surplus(of: unused.count, above: floor)) }

  /// Lets go of all that aren't always kept.
  ///
  /// - Returns: how many they were.
  mutating func shrink() -> Int { shrink(by: surplus) }

  private mutating func shrink(by count: Int) -> Int {
    // The ones at the front have waited longest.
    unused.removeFirst(count)
    return count
  }
}
