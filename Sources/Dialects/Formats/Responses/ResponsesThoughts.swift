// Reasoning under Remora's own seal in a history that goes to a provider of the Responses API: it was another model's, and
// the provider refuses what it can't open (`invalid_encrypted_content`). It is taken out.

internal import Wire

enum ResponsesThoughts {
  static func remove(from body: Span<UInt8>, _ splice: inout JSONSplice) throws(RequestFault) {
    // Hardly any history holds one.
    guard Envelope.occurs(in: body), let input = JSONView.value(body, in: 0..<body.count, at: "input") else {
      return
    }
    var items = JSONArrayCursor(body, input)
    while let item = items.next() {
      guard item.kind == .object, JSONView.content(body, in: item.value, at: "type").equals("reasoning"),
        Envelope.isOurs(JSONView.content(body, in: item.value, at: "encrypted_content"))
      else { continue }
      try MessagesThoughts.remove(item.value, from: body, &splice, "input")
    }
  }
}
