// A list of models as Anthropic's clients read it (Anthropic API reference, "List Models", 2026-10), made of one in
// OpenAI's form.

package import Wire

/// Writes lists of models in Anthropic's form.
package enum MessagesModels {
  /// Which part of a list is asked for.
  package struct Page {
    /// Models at most: Anthropic's own default, and what it allows.
    package var limit = 20
    package static let ceiling = 1000
    /// The name behind which the page begins, or before which it ends; empty: the list's own ends.
    package var after: [UInt8] = []
    package var before: [UInt8] = []

    package init() {}
  }

  /// Appends a page of `list`, a body `{"data":[…]}` in OpenAI's form.
  package static func write(_ list: Span<UInt8>, _ page: Page, into out: inout ByteQueue) {
    var models: [Range<Int>] = []
    if let data = JSONView.value(list, in: 0..<list.count, at: "data") {
      var elements = JSONArrayCursor(list, data)
      while let element = elements.next() {
        if element.kind == .object { models.append(element.value) }
      }
    }
    var start = 0
    var end = models.count
    for (at, model) in models.enumerated() {
      if !page.after.isEmpty, isNamed(list, model, page.after) { start = at + 1 }
      if !page.before.isEmpty, isNamed(list, model, page.before) { end = at }
    }
    start = min(start, end)
    let limit = min(max(page.limit, 1), MessagesModels.Page.ceiling)
    let shown = page.before.isEmpty ? models[start..<end].prefix(limit) : models[start..<end].suffix(limit)
    out.append("{\"data\":[")
    for (at, model) in shown.enumerated() {
      if at > 0 { out.append(ASCII.comma) }
      write(model: list, model, into: &out)
    }
    out.append("],\"has_more\":")
    JSONWriter.bool(shown.count < end - start, into: &out)
    out.append(",\"first_id\":")
    writeName(list, shown.first, into: &out)
    out.append(",\"last_id\":")
    writeName(list, shown.last, into: &out)
    out.append("}")
  }

  /// Appends one model.
  package static func write(model list: Span<UInt8>, _ model: Range<Int>, into out: inout ByteQueue) {
    out.append("{\"type\":\"model\",\"id\":")
    writeName(list, model, into: &out)
    out.append(",\"display_name\":")
    if let shown = JSONView.value(list, in: model, at: "display_name"), JSONView.kind(list, shown) == .string
    {
      out.append(list.extracting(shown))
    } else {
      writeName(list, model, into: &out)
    }
    out.append(",\"created_at\":\"")
    let created = JSONView.value(list, in: model, at: "created").flatMap { JSONValue.integer(list, $0) }
    CivilTime.append(rfc3339: created ?? 0, into: &out)
    out.append("\"}")
  }

  private static func isNamed(_ list: Span<UInt8>, _ model: Range<Int>, _ name: [UInt8]) -> Bool {
    guard let id = JSONView.value(list, in: model, at: "id") else { return false }
    var text = ByteQueue()
    JSONString.decode(list, id, into: &text)
    return text.bytes.equals(name.span)
  }

  private static func writeName(_ list: Span<UInt8>, _ model: Range<Int>?, into out: inout ByteQueue) {
    if let model, let id = JSONView.value(list, in: model, at: "id"), JSONView.kind(list, id) == .string {
      out.append(list.extracting(id))
    } else {
      JSONWriter.null(into: &out)
    }
  }
}
