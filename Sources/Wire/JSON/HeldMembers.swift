// The members of one object, read once and asked for by name: a message or an item has few, and is asked for most of them.

/// Where the members of an object lie.
package struct HeldMembers {
  private static let ceiling = 12

  private var held = InlineArray<12, JSONObjectCursor.Member?>(repeating: nil)
  private var count = 0
  /// Where the object lies, perhaps with white space in front of it.
  package let range: Range<Int>

  /// Passes over the object that comes next; another value has no members, and isn't passed.
  package init(_ walk: inout JSONWalk) {
    let start = walk.at
    if walk.enterObject() {
      while let member = walk.nextMember() {
        if count < Self.ceiling { held[count] = member }
        count &+= 1
      }
    }
    range = start..<max(walk.at, start)
  }

  /// It has more members than are held: those are looked for again.
  private var isMore: Bool { count > Self.ceiling }

  /// The value of the member `name`, whatever it is. Of several the last counts.
  package func value(_ name: StaticString, in bytes: Span<UInt8>) -> Range<Int>? {
    if isMore { return JSONView.value(bytes, in: range, at: name) }
    var at = count
    while at > 0 {
      at &-= 1
      if let member = held[at], member.keyIs(name, in: bytes) { return member.value }
    }
    return nil
  }

  /// The value of the member `name`, where it is a string.
  package func string(_ name: StaticString, in bytes: Span<UInt8>) -> Range<Int>? {
    guard let value = value(name, in: bytes), JSONView.kind(bytes, value) == .string else { return nil }
    return value
  }

  /// What the string member `name` says, still escaped; empty where there is no such member.
  @_lifetime(copy bytes)
  package func content(_ name: StaticString, in bytes: Span<UInt8>) -> Span<UInt8> {
    guard let value = string(name, in: bytes) else { return bytes.extracting(0..<0) }
    return JSONString.content(bytes, value)
  }

  /// Calls `each` with every member, in the object's order.
  package func visit(_ bytes: Span<UInt8>, _ each: (JSONObjectCursor.Member) -> Void) {
    if isMore {
      var members = JSONObjectCursor(bytes, range)
      while let member = members.next() { each(member) }
    } else {
      for at in 0..<count { if let member = held[at] { each(member) } }
    }
  }
}
