// Whose request it is in the application's own words: customer, conversation, group and whatever else it adds. For the log
// alone: nothing here decides who may do what, and nothing of it is a label of a metric.

internal import Dialects
internal import Policy
internal import Wire

/// What a request says of itself.
struct Attribution {
  /// Bytes that are kept of a text.
  static let textCeiling = 128
  /// Bytes that are kept of a name in the metadata, and pairs of it: what OpenAI takes (API reference, "Metadata").
  static let nameCeiling = 64
  static let pairCeiling = 16

  var customer: [UInt8] = []
  var thread: [UInt8] = []
  var group: [UInt8] = []
  var metadata: [(name: [UInt8], value: [UInt8])] = []

  /// The same without what policies find in any text of it.
  func covered(_ chain: PolicyChain, by inspector: Inspector) -> Attribution {
    var said = self
    for path in [\Attribution.customer, \.thread, \.group] {
      if let covered = inspector.cover(said[keyPath: path], chain) { said[keyPath: path] = covered }
    }
    for at in said.metadata.indices {
      if let covered = inspector.cover(said.metadata[at].name, chain) { said.metadata[at].name = covered }
      if let covered = inspector.cover(said.metadata[at].value, chain) { said.metadata[at].value = covered }
    }
    return said
  }
}

extension Ask {
  /// Reads what the body and `x-remora-` headers say; a header says it where the body doesn't.
  func readAttribution() {
    if body.isJSON, body.scanner.hasSeen(RequestFacts.attributing) {
      var said = remarks.attribution ?? Attribution()
      if let text = text(.customerIdentifier) { said.customer = text }
      if let text = text(.threadIdentifier) { said.thread = text }
      if let text = text(.groupIdentifier) { said.group = text }
      readMetadata(&said)
      remarks.attribution = said
    }
    guard head.names.contains(.xRemora) else { return }
    let bytes = headBytes
    for field in head.fields where field.known == .xRemora {
      let name = bytes.extracting(field.name).extracting(9...)
      let path: WritableKeyPath<Attribution, [UInt8]>
      switch name.count {
      case 19 where name.equalsIgnoringCase("customer-identifier"): path = \.customer
      case 17 where name.equalsIgnoringCase("thread-identifier"): path = \.thread
      case 16 where name.equalsIgnoringCase("group-identifier"): path = \.group
      default: continue
      }
      var said = remarks.attribution ?? Attribution()
      if said[keyPath: path].isEmpty {
        said[keyPath: path] = Self.plain(bytes.extracting(field.value), Attribution.textCeiling)
      }
      remarks.attribution = said
    }
  }

  /// Takes what another gateway's member says, where Remora's own says nothing.
  func attribute(_ value: Range<Int>, _ kind: JSONKind, to path: WritableKeyPath<Attribution, [UInt8]>) {
    guard let text = text(value, kind, Attribution.textCeiling) else { return }
    var said = remarks.attribution ?? Attribution()
    if said[keyPath: path].isEmpty { said[keyPath: path] = text }
    remarks.attribution = said
  }

  /// Takes another gateway's `custom_identifier` as a pair of the metadata.
  func attributeCustom(_ value: Range<Int>, _ kind: JSONKind) {
    guard let text = text(value, kind, Attribution.textCeiling) else { return }
    var said = remarks.attribution ?? Attribution()
    if said.metadata.count < Attribution.pairCeiling {
      said.metadata.append((Array("custom_identifier".utf8), text))
    }
    remarks.attribution = said
  }

  private func text(_ member: JSONMember) -> [UInt8]? {
    guard let found = body.scanner.found(member), found.value.upperBound <= body.bytes.count else {
      return nil
    }
    return text(found.value, found.kind, Attribution.textCeiling)
  }

  /// A text or a number as the log takes it; nil for anything else.
  private func text(_ value: Range<Int>, _ kind: JSONKind, _ ceiling: Int) -> [UInt8]? {
    // SAFETY: while it is in use, nothing changes the queue.
    let bytes = unsafe body.bytes.view
    switch kind {
    case .string:
      var text = ByteQueue()
      // No more than can be kept is decoded, whatever its escapes.
      let end = min(value.upperBound, value.lowerBound + 2 + ceiling * 6)
      JSONString.decode(bytes, value.lowerBound..<end, into: &text)
      return Self.plain(text.bytes, ceiling)
    case .number, .true, .false: return Self.plain(bytes.extracting(value), ceiling)
    case .null, .object, .array: return nil
    }
  }

  private func readMetadata(_ said: inout Attribution) {
    guard let found = body.scanner.found(.metadata), found.kind == .object,
      found.value.upperBound <= body.bytes.count
    else { return }
    var members = JSONObjectCursor(unsafe body.bytes.view, found.value)
    while let member = members.next(), said.metadata.count < Attribution.pairCeiling {
      let key = member.key.lowerBound - 1..<member.key.upperBound + 1
      guard let name = text(key, .string, Attribution.nameCeiling), !name.isEmpty,
        let value = text(member.value, member.kind, Attribution.textCeiling)
      else { continue }
      said.metadata.append((name, value))
    }
  }

  /// Without control bytes, and cut between two characters.
  private static func plain(_ text: Span<UInt8>, _ ceiling: Int) -> [UInt8] {
    var plain: [UInt8] = []
    for at in 0..<text.count {
      if plain.count == ceiling {
        if text[at] & 0xC0 == 0x80 {
          while let last = plain.popLast(), last & 0xC0 == 0x80 {}
        }
        break
      }
      if text[at] >= 0x20, text[at] != 0x7F { plain.append(text[at]) }
    }
    return plain
  }
}
