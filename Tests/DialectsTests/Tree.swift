// JSON as a tree, for expectations.

import Wire

/// A JSON value that a test looks into.
enum Tree: Equatable, CustomStringConvertible {
  case object([String: Tree])
  case array([Tree])
  case string(String)
  /// As it is written.
  case number(String)
  case bool(Bool)
  case null

  /// The value that `text` is, or nil if it isn't JSON.
  init?(_ text: String) { self.init(Array(text.utf8)) }

  init?(_ bytes: [UInt8]) {
    var scanner = JSONScanner()
    do throws(JSONFault) {
      try scanner.feed(bytes.span)
      try scanner.finish()
    } catch { return nil }
    var at = 0
    while at < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
    var end = bytes.count
    while end > at, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[end - 1]) { end -= 1 }
    self.init(bytes, at..<end)
  }

  private init?(_ bytes: [UInt8], _ range: Range<Int>) {
    switch JSONView.kind(bytes.span, range) {
    case .object:
      var members: [String: Tree] = [:]
      var cursor = JSONObjectCursor(bytes.span, range)
      while let member = cursor.next() {
        guard let value = Tree(bytes, member.value) else { return nil }
        members[JSONString.text(bytes.span, member.key)] = value
      }
      self = .object(members)
    case .array:
      var elements: [Tree] = []
      var cursor = JSONArrayCursor(bytes.span, range)
      while let element = cursor.next() {
        guard let value = Tree(bytes, element.value) else { return nil }
        elements.append(value)
      }
      self = .array(elements)
    case .string: self = .string(JSONString.text(bytes.span, range))
    case .number: self = .number(String(decoding: bytes[range], as: UTF8.self))
    case .true: self = .bool(true)
    case .false: self = .bool(false)
    case .null: self = .null
    case nil: return nil
    }
  }

  subscript(_ name: String) -> Tree? {
    if case .object(let members) = self { members[name] } else { nil }
  }

  subscript(_ index: Int) -> Tree? {
    if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { nil }
  }

  var text: String? { if case .string(let text) = self { text } else { nil } }
  var integer: Int? { if case .number(let digits) = self { Int(digits) } else { nil } }
  var elements: [Tree] { if case .array(let elements) = self { elements } else { [] } }
  var names: [String] { if case .object(let members) = self { members.keys.sorted() } else { [] } }

  var description: String {
    switch self {
    case .object(let members): "\(members)"
    case .array(let elements): "\(elements)"
    case .string(let text): "\"\(text)\""
    case .number(let digits): digits
    case .bool(let value): "\(value)"
    case .null: "null"
    }
  }
}
