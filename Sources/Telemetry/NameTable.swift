// Names become small numbers once, so that counting an exchange compares integers and builds no text.
//
// Only names from the configuration are ever added: a client can look a name up, never put one in.

import Wire

/// A provider's, model's or policy's name as its shard knows it; means nothing to another shard.
package struct Label: Hashable, Sendable {
  let id: UInt16

  /// There is no such thing for this exchange: a request refused before it had a provider. Written `none`.
  package static let none = Label(id: 0)
  /// There is one, but it is not among the configured names, or the ceiling is reached. Written `other`.
  package static let other = Label(id: 1)
}

/// An append-only set of names, numbered in order of arrival.
struct NameTable: Sendable {
  /// Names kept over the whole life of a process, reloads included; later ones are `other`.
  static let ceiling = 4096
  /// Bytes of a name that may become a label; longer ones are `other`.
  static let longestName = 256

  private var bytes: [UInt8] = []
  /// Where each name ends in `bytes`; it begins where the one before it ends.
  private var ends: [Int] = []
  /// Open addressing, at most half full: a label's number and one, or zero where free.
  private var slots = [UInt16](repeating: 0, count: 64)

  init() {
    _ = add(Array("none".utf8).span)
    _ = add(Array("other".utf8).span)
  }

  var count: Int { ends.count }

  /// The name behind `label`; empty for a label of another table.
  @_lifetime(borrow self)
  func name(_ label: Label) -> Span<UInt8> {
    let at = Int(label.id)
    guard at < ends.count else { return bytes.span.extracting(0..<0) }
    return bytes.span.extracting((at == 0 ? 0 : ends[at - 1])..<ends[at])
  }

  func find(_ name: Span<UInt8>) -> Label? {
    guard name.count <= Self.longestName else { return nil }
    let held = slots[slot(for: name)]
    return held == 0 ? nil : Label(id: held - 1)
  }

  /// The label of `name`, which is added if need be; nil where it is too long or the table is full.
  mutating func add(_ name: Span<UInt8>) -> Label? {
    if let label = find(name) { return label }
    guard name.count <= Self.longestName, ends.count < Self.ceiling else { return nil }
    if (ends.count + 1) * 2 > slots.count { grow() }
    let label = Label(id: UInt16(ends.count))
    slots[slot(for: name)] = label.id + 1
    for at in 0..<name.count { bytes.append(name[at]) }
    ends.append(bytes.count)
    return label
  }

  /// Where `name` is, or where it would go. Ends because at least half of the slots are free.
  private func slot(for name: Span<UInt8>) -> Int {
    // Clients can't fill the table, so they can't profit from collisions.
    let hash = FNV.hash(name)
    let mask = slots.count - 1
    var at = Int(truncatingIfNeeded: hash ^ (hash >> 32)) & mask
    while slots[at] != 0, !self.name(Label(id: slots[at] - 1)).equals(name) { at = (at + 1) & mask }
    return at
  }

  private mutating func grow() {
    slots = [UInt16](repeating: 0, count: slots.count * 2)
    for at in 0..<ends.count {
      let id = UInt16(at)
      slots[slot(for: name(Label(id: id)))] = id + 1
    }
  }
}

/// The name that was looked up last, and its label. Not copied, so that to look at it counts no reference.
struct LastLabel: ~Copyable {
  private var name: [UInt8] = []
  private var label = Label.none

  func label(of name: Span<UInt8>) -> Label? { self.name.span.equals(name) ? label : nil }

  mutating func keep(_ label: Label, of name: Span<UInt8>) {
    forget()
    self.label = label
    for at in 0..<name.count { self.name.append(name[at]) }
  }

  /// The empty name's label is none.
  mutating func forget() {
    label = .none
    name.removeAll(keepingCapacity: true)
  }
}
