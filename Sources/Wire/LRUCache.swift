// Values that are kept for a while: bounded in bytes and in age. Where there is no room, the one goes first that was
// used the longest time ago.

/// A bounded store. It knows no clock: the caller says what time it is, in nanoseconds of a clock that doesn't step.
/// Compiled into its users, for what they keep: a generic one that isn't asks for its types each time.
@frozen @usableFromInline
package struct LRUCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  @frozen @usableFromInline
  struct Place: Sendable {
    @usableFromInline var key: Key
    @usableFromInline var value: Value
    @usableFromInline var weight: Int
    /// When it is forgotten unless it is used before.
    @usableFromInline var until: UInt64
    @usableFromInline var newer: Int?
    @usableFromInline var older: Int?

    @inlinable
    init(key: Key, value: Value, weight: Int, until: UInt64) {
      self.key = key
      self.value = value
      self.weight = weight
      self.until = until
    }
  }

  /// Bytes that all values may weigh together.
  @usableFromInline package internal(set) var ceiling: Int
  /// Bytes that they weigh.
  @usableFromInline package internal(set) var weight = 0
  @inlinable package var count: Int { index.count }
  @usableFromInline var places: [Place?] = []
  @usableFromInline var free: [Int] = []
  @usableFromInline var index: [Key: Int] = [:]
  @usableFromInline var newest: Int?
  @usableFromInline var oldest: Int?

  @inlinable package init(ceiling: Int) { self.ceiling = ceiling }

  /// The value of `key`, which is not used with that.
  @inlinable
  package func peek(_ key: Key, now: UInt64) -> Value? {
    guard let at = index[key], let place = places[at], place.until > now else { return nil }
    return place.value
  }

  /// The value of `key`, which is used with that: it is kept for another `age`.
  @inlinable
  package mutating func use(_ key: Key, age: UInt64, now: UInt64) -> Value? {
    guard let at = index[key], let place = places[at] else { return nil }
    if place.until <= now {
      remove(key)
      return nil
    }
    unlink(at)
    link(at)
    places[at]?.until = Self.end(of: age, from: now)
    return place.value
  }

  /// Keeps `value`, in the place of an earlier one of that key.
  ///
  /// - Returns: false where it weighs more than all together may.
  @inlinable
  @discardableResult
  package mutating func keep(_ value: Value, for key: Key, weight: Int, age: UInt64, now: UInt64) -> Bool {
    guard weight <= ceiling else {
      remove(key)
      return false
    }
    forget(at: now)
    let at: Int
    if let last = free.popLast() {
      at = last
    } else {
      at = places.count
      places.append(nil)
    }
    places[at] = Place(key: key, value: value, weight: weight, until: Self.end(of: age, from: now))
    // Looked up once: to hash a key takes longer than the rest.
    if let earlier = index.updateValue(at, forKey: key) { empty(earlier) }
    self.weight += weight
    link(at)
    // It is the newest, and light enough: what goes is among the others.
    shrink(to: ceiling)
    return true
  }

  /// Forgets a value, and says whether it was there.
  @inlinable
  @discardableResult
  package mutating func remove(_ key: Key) -> Bool {
    guard let at = index.removeValue(forKey: key) else { return false }
    empty(at)
    return true
  }

  /// Empties a place that the index no longer leads to.
  @inlinable
  mutating func empty(_ at: Int) {
    unlink(at)
    weight -= places[at]?.weight ?? 0
    places[at] = nil
    free.append(at)
  }

  /// Changes how much may be kept.
  @inlinable
  package mutating func resize(_ ceiling: Int) {
    self.ceiling = ceiling
    shrink(to: ceiling)
    if index.isEmpty {
      places = []
      free = []
      index = [:]
    }
  }

  /// Forgets what wasn't used for so long that its time is over.
  @inlinable
  package mutating func forget(at now: UInt64) {
    while let at = oldest, let until = places[at]?.until, until <= now { removeOldest(at) }
  }

  /// `UInt64.max` is an age without an end.
  @inlinable
  static func end(of age: UInt64, from now: UInt64) -> UInt64 {
    let (end, overflows) = now.addingReportingOverflow(age)
    return overflows ? .max : end
  }

  /// Forgets what was used longest ago, until the rest weighs `ceiling` at most.
  @inlinable
  package mutating func shrink(to ceiling: Int) {
    while weight > ceiling, let at = oldest { removeOldest(at) }
  }

  @inlinable
  mutating func removeOldest(_ at: Int) {
    if let key = places[at]?.key { remove(key) }
  }

  @inlinable
  mutating func link(_ at: Int) {
    places[at]?.older = newest
    places[at]?.newer = nil
    if let newest { places[newest]?.newer = at }
    newest = at
    if oldest == nil { oldest = at }
  }

  @inlinable
  mutating func unlink(_ at: Int) {
    let (newer, older) = (places[at]?.newer, places[at]?.older)
    if let newer { places[newer]?.older = older } else { newest = older }
    if let older { places[older]?.newer = newer } else { oldest = newer }
  }
}
