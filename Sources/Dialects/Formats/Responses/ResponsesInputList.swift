// The list of what a response was made of (OpenAI API reference, "List input items", 2026-10): a page of it.

package import Wire

/// Which page of a list is wanted.
package struct ResponsesPage: Sendable {
  package var limit = 20
  package var isAscending = false
  /// The id of the item that comes before the page; empty: it is the first.
  package var after: [UInt8] = []

  package init() {}
}

extension ResponsesMemory {
  /// Appends a page of the items that the model was shown for the response `id`.
  ///
  /// - Returns: false where the response isn't known, or not this caller's.
  package func list(
    _ id: [UInt8], _ page: ResponsesPage, scope: [UInt8], age: UInt64, now: UInt64, into out: inout ByteQueue
  ) -> Bool {
    guard let chain = chain(id, scope: scope, age: age, now: now), let last = chain.last else { return false }
    var items: [(id: [UInt8], text: [UInt8])] = []
    func add(_ list: [UInt8]) {
      let text = [UInt8(ascii: "[")] + list + [UInt8(ascii: "]")]
      var cursor = JSONArrayCursor(text.span, 0..<text.count)
      while let item = cursor.next() {
        if item.kind != .object { continue }
        items.append(Self.shown(text.span, item.value, id, at: items.count))
      }
    }
    for entry in chain.dropLast() {
      add(entry.input)
      add(Array(entry.response[entry.output]))
    }
    add(last.input)
    if !page.isAscending { items.reverse() }
    if let at = items.firstIndex(where: { $0.id == page.after }) { items.removeFirst(at + 1) }
    let shown = items.prefix(page.limit)
    out.append("{\"object\":\"list\",\"data\":[")
    for (at, item) in shown.enumerated() {
      if at > 0 { out.append(ASCII.comma) }
      out.append(item.text)
    }
    out.append("],\"first_id\":")
    Self.append(shown.first?.id, into: &out)
    out.append(",\"last_id\":")
    Self.append(shown.last?.id, into: &out)
    out.append(",\"has_more\":")
    out.append(items.count > shown.count ? "true" : "false")
    out.append("}")
    return true
  }

  private static func append(_ id: [UInt8]?, into out: inout ByteQueue) {
    guard let id else { return out.append("null") }
    out.append("\"")
    out.append(id)
    out.append("\"")
  }

  /// An item as the list shows it: with a type, an id, and a message's text in a part of its own.
  private static func shown(
    _ bytes: Span<UInt8>, _ item: Range<Int>, _ response: [UInt8], at index: Int
  ) -> (id: [UInt8], text: [UInt8]) {
    var out = ByteQueue()
    var id = JSONView.content(bytes, in: item, at: "id").array()
    if id.isEmpty { id = Array("item_".utf8) + response.dropFirst(5) + Array("_in\(index)".utf8) }
    out.append("{\"id\":\"")
    out.append(id)
    out.append("\"")
    if JSONView.value(bytes, in: item, at: "type") == nil { out.append(",\"type\":\"message\"") }
    let isModels = JSONView.content(bytes, in: item, at: "role").equals("assistant")
    var members = JSONObjectCursor(bytes, item)
    while let member = members.next() {
      if member.keyIs("id", in: bytes) { continue }
      out.append(",\"")
      out.append(bytes.extracting(member.key))
      out.append("\":")
      if member.keyIs("content", in: bytes), member.kind == .string {
        out.append(isModels ? "[{\"type\":\"output_text\",\"text\":" : "[{\"type\":\"input_text\",\"text\":")
        out.append(bytes.extracting(member.value))
        out.append(isModels ? ",\"annotations\":[]}]" : "}]")
      } else {
        out.append(bytes.extracting(member.value))
      }
    }
    out.append("}")
    return (id, out.array())
  }
}
