// What keeps the requests of a conversation at one target: a number that they have in common, equal in all pods.

internal import Wire

package enum Affinity {
  /// Bytes of a conversation's opening that are looked at. With a longer system prompt than this, its conversations are one.
  private static let longest = 8192

  /// The opening of a conversation, which all its requests begin with: its turns up to the end of the user's first one.
  ///
  /// - Parameter turns: the array `messages` or `input`.
  package static func opening(_ text: Span<UInt8>, turns: Range<Int>) -> Range<Int> {
    let limit = min(turns.upperBound, turns.lowerBound + longest)
    var cursor = JSONArrayCursor(text, turns.lowerBound..<limit)
    while let turn = cursor.next() {
      if isUsers(text, turn.value) { return turns.lowerBound..<turn.value.upperBound }
    }
    return turns.lowerBound..<limit
  }

  /// Reads no further than to the role, which mostly comes first.
  private static func isUsers(_ text: Span<UInt8>, _ turn: Range<Int>) -> Bool {
    var members = JSONObjectCursor(text, turn)
    while let member = members.next() {
      if member.keyIs("role", in: text) { return JSONString.equals(text, member.value, "user") }
    }
    return false
  }

  /// A hash that is the same in every process, of sixteen bytes a step (multiply and fold, as wyhash by Wang Yi does, public
  /// domain). Who makes two conversations collide has them at the same target.
  package static func hash(_ bytes: Span<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ UInt64(truncatingIfNeeded: bytes.count)
    var at = 0
    while at &+ 16 <= bytes.count {
      // SAFETY: sixteen bytes from `at` on lie within the span, and any bytes are a number.
      let first = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self)
      let second = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: at &+ 8, as: UInt64.self)
      let product = (UInt64(littleEndian: first) ^ 0xa076_1d64_78bd_642f)
        .multipliedFullWidth(by: UInt64(littleEndian: second) ^ hash)
      hash = product.high ^ product.low
      at &+= 16
    }
    while at < bytes.count {
      hash = (hash ^ UInt64(bytes[at])) &* 0x0000_0100_0000_01b3
      at &+= 1
    }
    return Pick.mix(hash)
  }
}
