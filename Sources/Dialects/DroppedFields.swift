// What of a request its provider can't be told: the value of the answer's `x-remora-dropped`.

package import Wire

/// Places of request fields that were left out, each once, in the order in which they were found: a member of the
/// request by its name, one inside of it by its path (`tools[0].strict`, `messages[3].name`).
///
/// Some names are the client's own, so the list is bounded and holds nothing that a header can't.
package struct DroppedFields: Sendable {
  /// Entries of the list; where a request has more, the last one is `...`.
  package static let ceiling = 32
  /// Bytes of one name; a longer one is cut.
  package static let nameCeiling = 64

  /// The names, with commas between them.
  private var text: [UInt8] = []
  /// How many there are, the last one `...` where there were more.
  package private(set) var count = 0
  /// Where the last name begins, its comma included.
  private var last = 0
  private var isFull = false

  package init() {}

  package var isEmpty: Bool { text.isEmpty }

  package mutating func removeAll() {
    if isEmpty { return }
    text.removeAll(keepingCapacity: true)
    (count, last, isFull) = (0, 0, false)
  }

  /// Adds a name, unless it is there.
  package mutating func add(_ name: StaticString) { add(name.bytes) }

  /// Adds a member of an element: `tools[0].strict`, or the element itself where `member` is empty.
  package mutating func add(_ list: StaticString, _ index: Int, _ member: StaticString) {
    add(list, index, member.bytes)
  }

  /// As above, of a member whose name is the client's.
  package mutating func add(_ list: StaticString, _ index: Int, _ member: Span<UInt8>) {
    if isFull { return }
    var place = ByteQueue()
    Self.append(list, index, member, into: &place)
    add(place.bytes)
  }

  /// Adds a member of an element of an element: `messages[3].content[0].cache_control`.
  package mutating func add(
    _ list: StaticString, _ index: Int, _ inner: StaticString, _ position: Int, _ member: StaticString
  ) {
    add(list, index, inner, position, member.bytes)
  }

  /// As above, of a member whose name is the client's.
  package mutating func add(
    _ list: StaticString, _ index: Int, _ inner: StaticString, _ position: Int, _ member: Span<UInt8>
  ) {
    if isFull { return }
    var place = ByteQueue()
    Self.append(list, index, Span(), into: &place)
    place.append(".")
    Self.append(inner, position, member, into: &place)
    add(place.bytes)
  }

  private static func append(
    _ list: StaticString, _ index: Int, _ member: Span<UInt8>, into out: inout ByteQueue
  ) {
    out.append(list)
    out.append("[")
    out.append(decimal: index)
    out.append("]")
    if member.isEmpty { return }
    out.append(".")
    out.append(member.extracting(first: nameCeiling))
  }

  /// Adds a name of the client's choosing, unless it is there.
  package mutating func add(_ name: Span<UInt8>) {
    let name = name.extracting(first: Self.nameCeiling)
    if name.isEmpty || isFull || contains(name) { return }
    if count == Self.ceiling {
      isFull = true
      text.removeLast(text.count - last)
      text.append(ASCII.comma)
      for _ in 0..<3 { text.append(UInt8(ascii: ".")) }
      return
    }
    count += 1
    last = text.count
    if !text.isEmpty { text.append(ASCII.comma) }
    for at in 0..<name.count { text.append(Self.shown(name[at])) }
  }

  /// Adds a member, whose name is the client's, of an object: `reasoning.mode`.
  mutating func add(inside object: StaticString, _ member: Span<UInt8>) {
    var name = ByteQueue()
    name.append(object)
    name.append(".")
    name.append(member.extracting(first: Self.nameCeiling))
    add(name.bytes)
  }

  /// Calls `each` with every name.
  func each(_ each: (Span<UInt8>) -> Void) {
    var from = 0
    while from < text.count {
      var end = from
      while end < text.count, text[end] != ASCII.comma { end += 1 }
      each(text.span.extracting(from..<end))
      from = end + 1
    }
  }

  /// Appends the list as a header's value: `seed,logit_bias`.
  package func write(into out: inout ByteQueue) { out.append(text.span) }

  private func contains(_ name: Span<UInt8>) -> Bool {
    var from = 0
    while from < text.count {
      var end = from
      while end < text.count, text[end] != ASCII.comma { end += 1 }
      if end - from == name.count {
        var isSame = true
        for at in 0..<name.count where text[from + at] != Self.shown(name[at]) { isSame = false }
        if isSame { return true }
      }
      from = end + 1
    }
    return false
  }

  /// A byte that could end the value, or split the list, becomes one that can't.
  private static func shown(_ byte: UInt8) -> UInt8 {
    byte > ASCII.space && byte < 0x7F && byte != ASCII.comma ? byte : UInt8(ascii: "_")
  }
}
