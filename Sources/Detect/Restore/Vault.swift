// The values that one request's placeholders stand for.
//
// A placeholder is a type, an underscore and a few letters of a keyed hash of the value: the same value has the same
// placeholder in every turn of a conversation, whatever else the request holds, and without the key it says nothing.
// It has no brackets, which renderers and models drop. Next: RestoreState.swift, which finds them again.

package import Wire

/// One request's values. It is kept and used again.
package final class Vault {
  /// Distinct values of one request; more are no prompt but a data set.
  package static let valueCeiling = 512
  /// Bytes of all values of one request.
  private static let byteCeiling = 64 * 1024
  /// A placeholder's longest type.
  package static let labelCeiling = 20
  /// What can come before the end of a placeholder, in bytes: type, `\_`, eight letters.
  package static let nameCeiling = labelCeiling + 10

  struct Entry {
    /// Where its name and its value lie in `bytes`.
    var name: Range<Int>
    var value: Range<Int>
    /// Where its canonical value lies.
    var canonical: Range<Int>
    /// Whether it is put back.
    var restores: Bool
  }

  private var scope: [UInt8] = []
  /// What tells the conversation from others of the same scope.
  private var conversation: [UInt8] = []
  private var bytes: [UInt8] = []
  private(set) var entries: [Entry] = []
  /// Entries in the order of their names.
  private(set) var order: [Int] = []
  /// A bit for each letter with which a name begins.
  private(set) var firsts: UInt32 = 0
  /// How often a value was put back.
  package var restored = 0
  /// How often something looked like a placeholder, and was none of this request's.
  package var unknown = 0

  package init() {}

  /// Begins a request whose placeholders are those of `scope`.
  ///
  /// - Parameter conversation: what all of its requests have in common, and others don't.
  package func begin(scope: [UInt8], conversation: [UInt8] = []) {
    self.scope = scope
    self.conversation = conversation
    forget()
  }

  package func forget() {
    for at in bytes.indices { bytes[at] = 0 }
    bytes.removeAll(keepingCapacity: bytes.capacity <= Self.byteCeiling)
    entries.removeAll(keepingCapacity: true)
    order.removeAll(keepingCapacity: true)
    firsts = 0
    restored = 0
    unknown = 0
  }

  package var isEmpty: Bool { entries.isEmpty }
  package var count: Int { entries.count }

  /// The place of the value `text`, which is taken in where it is new; nil where there is no room for it.
  ///
  /// - Parameters:
  ///   - label: the placeholder's type: ASCII capitals, digits and underscores.
  ///   - hash: of the operator's key, or of a random one.
  ///   - restores: whether it is put back in answers.
  ///   - isOwn: whether another conversation has another placeholder for it.
  package func place(
    of text: Span<UInt8>, _ entity: Entity, label: Span<UInt8>, _ hash: KeyedHash, restores: Bool = true,
    isOwn: Bool = false
  ) -> Int? {
    let canonical = Self.canonical(text, entity)
    for at in entries.indices where matches(at, canonical, label) { return at }
    guard entries.count < Self.valueCeiling,
      bytes.count + text.count + canonical.count + 64 <= Self.byteCeiling
    else {
      return nil
    }
    var name = self.name(canonical, label, hash, round: 0, isOwn)
    if find(name) != nil { name = self.name(canonical, label, hash, round: 1, isOwn) }
    let start = bytes.count
    bytes += name
    for at in 0..<text.count { bytes.append(text[at]) }
    bytes += canonical
    let entry = Entry(
      name: start..<start + name.count, value: start + name.count..<start + name.count + text.count,
      canonical: start + name.count + text.count..<bytes.count, restores: restores)
    entries.append(entry)
    let place = entries.count - 1
    order.insert(place, at: lowerBound(name))
    firsts |= 1 << UInt32(name[0] & 0x1F)
    return place
  }

  private func matches(_ at: Int, _ canonical: [UInt8], _ label: Span<UInt8>) -> Bool {
    let entry = entries[at]
    guard entry.canonical.count == canonical.count, bytes[entry.canonical].elementsEqual(canonical) else {
      return false
    }
    let name = bytes[entry.name]
    guard name.count > label.count else { return false }
    for place in 0..<label.count where name[name.startIndex + place] != label[place] { return false }
    return name[name.startIndex + label.count] == 0x5F
  }

  /// What the same value has in common however it is written.
  private static func canonical(_ text: Span<UInt8>, _ entity: Entity) -> [UInt8] {
    var result: [UInt8] = []
    var isDomain = false
    for at in 0..<text.count {
      let byte = text[at]
      switch entity {
      case .email:
        if byte == UInt8(ascii: "@") { isDomain = true }
        result.append(isDomain ? ASCII.lower(byte) : byte)
      case .iban, .ukNINO, .itCF, .esDNI, .inPAN, .mac:
        if Letters.isAlnum(byte) { result.append(Letters.isLetter(byte) ? byte & 0xDF : byte) }
      case .ip, .secret, .custom, .crypto, .dateOfBirth, .passport, .driversLicense: result.append(byte)
      default: if Letters.isDigit(byte) { result.append(byte) }
      }
    }
    return result
  }

  /// No vowels, and nothing that looks like another sign.
  private static let alphabet: StaticString = "BCDFGHJKMNPQRSTVWXZ2345679"

  private func name(
    _ canonical: [UInt8], _ label: Span<UInt8>, _ hash: KeyedHash, round: UInt8, _ isOwn: Bool
  ) -> [UInt8] {
    var name: [UInt8] = []
    for at in 0..<label.count { name.append(label[at]) }
    var digest = hash.begin()
    let scope = scope
    digest.append(scope.span)
    digest.append(0)
    if isOwn {
      let conversation = conversation
      digest.append(conversation.span)
      digest.append(0)
    }
    digest.append(label)
    digest.append(round)
    digest.append(canonical.span)
    let code = hash.finish(digest)
    name.append(0x5F)
    let alphabet = Self.alphabet.bytes
    let first = name.count
    var hasDigit = false
    for at in 0..<(round == 0 ? 6 : 8) {
      let letter = alphabet[(Int(code[at * 2]) * 256 + Int(code[at * 2 + 1])) % 26]
      if Letters.isDigit(letter) { hasDigit = true }
      name.append(letter)
    }
    // One digit at least, so that it can't be a word.
    if !hasDigit { name[first + Int(code[30] % 6)] = alphabet[19 + Int(code[31] % 7)] }
    return name
  }

  /// Appends the placeholder of a value that isn't taken in: it is never put back.
  package func writeName(
    of text: Span<UInt8>, _ entity: Entity, label: Span<UInt8>, _ hash: KeyedHash, isOwn: Bool,
    into out: inout ByteQueue
  ) {
    out.append(name(Self.canonical(text, entity), label, hash, round: 0, isOwn))
  }

  // MARK: Names

  private func lowerBound(_ name: [UInt8]) -> Int {
    var low = 0
    var high = order.count
    while low < high {
      let middle = (low + high) / 2
      if bytes[entries[order[middle]].name].lexicographicallyPrecedes(name) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  private func find(_ name: [UInt8]) -> Int? {
    let at = lowerBound(name)
    guard at < order.count, bytes[entries[order[at]].name].elementsEqual(name) else { return nil }
    return order[at]
  }

  /// The name's byte at `at` of the entry that is `place`th in order; 0 behind its end.
  @inline(__always)
  func letter(_ place: Int, _ at: Int) -> UInt8 {
    let name = entries[order[place]].name
    return at < name.count ? bytes[name.lowerBound + at] : 0
  }

  /// Appends the placeholder of the value at `place`.
  package func writeName(_ place: Int, into out: inout ByteQueue) {
    let bytes = bytes
    out.append(bytes.span.extracting(entries[place].name))
  }

  /// Appends the value itself, as it was first written.
  package func writeValue(_ place: Int, into out: inout ByteQueue) {
    let bytes = bytes
    out.append(bytes.span.extracting(entries[place].value))
  }

  /// Whether any value is put back.
  package var restoresAny: Bool { entries.contains { $0.restores } }

  /// Whether the value at `place` is put back.
  func restores(_ place: Int) -> Bool { entries[place].restores }

  /// Calls `each` with every value and its place.
  package func forEachValue(_ each: (Span<UInt8>, Int) -> Void) {
    let bytes = bytes
    for place in entries.indices { each(bytes.span.extracting(entries[place].value), place) }
  }
}
