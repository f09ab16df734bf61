// The members of one object, read once and asked for by name: a message or an item has few, and is asked for most of them.

/// Where the members of an object lie. It can't be copied, so that asking it costs no copy of all.
package struct HeldMembers: ~Copyable {
  private static let ceiling = 12

  /// A key and its value, in the halves of what a text of less than 4 GiB can be.
  private struct Held {
    var key: UInt32 = 0
    /// The key's length, and in its highest bit whether the key holds a backslash.
    var form: UInt32 = 0
    var value: UInt32 = 0
    var end: UInt32 = 0

    static let escaped: UInt32 = 1 << 31

    init() {}

    init(_ member: JSONObjectCursor.Member) {
      key = UInt32(truncatingIfNeeded: member.key.lowerBound)
      form = UInt32(truncatingIfNeeded: member.key.count) | (member.isEscaped ? Self.escaped : 0)
      value = UInt32(truncatingIfNeeded: member.value.lowerBound)
      end = UInt32(truncatingIfNeeded: member.value.upperBound)
    }

    @inline(__always) var name: JSONKey {
      let start = Int(key)
      return JSONKey(
        range: start..<start &+ Int(form & ~Self.escaped), isEscaped: form & Self.escaped != 0)
    }

    var range: Range<Int> { Int(value)..<Int(end) }
  }

  private var held = InlineArray<12, Held>(repeating: Held())
  private var count = 0
  /// Where the object lies, perhaps with white space in front of it.
  package let range: Range<Int>

  /// Passes over the object that comes next; another value has no members, and isn't passed.
  package init(_ walk: inout JSONWalk) {
    let start = walk.at
    if walk.enterObject() {
      while let member = walk.nextMember() {
        if count < Self.ceiling { held[count] = Held(member) }
        count &+= 1
      }
    }
    range = start..<max(walk.at, start)
    // What lies behind the first 4 GiB is looked for again.
    if range.upperBound > UInt32.max { count = Self.ceiling + 1 }
  }

  /// It has more members than are held: those are looked for again.
  private var isMore: Bool { count > Self.ceiling }

  /// The value of the member `name`, whatever it is. Of several the last counts.
  package func value(_ name: StaticString, in bytes: Span<UInt8>) -> Range<Int>? {
    if isMore { return JSONView.value(bytes, in: range, at: name) }
    var at = count
    while at > 0 {
      at &-= 1
      if held[at].name.says(name, in: bytes) { return held[at].range }
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
      for at in 0..<count {
        let member = held[at]
        let name = member.name
        guard let kind = JSONView.kind(bytes, member.range) else { continue }
        each(
          JSONObjectCursor.Member(
            key: name.range, value: member.range, kind: kind, isEscaped: name.isEscaped))
      }
    }
  }
}
