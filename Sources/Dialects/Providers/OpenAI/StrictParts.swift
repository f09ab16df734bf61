// Parts of contents and tools, put into what Mistral's schema has: it refuses every member beside.

internal import Wire

/// The parts of a message's content.
enum PartEdit {
  /// - Parameter message: the place of the message that the content is of.
  static func write(
    _ body: Span<UInt8>, _ content: Range<Int>, of message: Int, _ splice: inout JSONSplice,
    _ dropped: inout DroppedFields
  ) throws(EditFault) {
    var parts = JSONArrayCursor(body, content)
    var index = -1
    while let part = parts.next() {
      index += 1
      func note(_ key: Span<UInt8>, _ dropped: inout DroppedFields) {
        dropped.add("messages", message, "content", index, key)
      }
      guard part.kind == .object, let type = JSONView.value(body, in: part.value, at: "type") else {
        continue
      }
      if JSONString.equals(body, type, "text") {
        try keep(["type", "text"], of: part.value, body, &splice, &dropped, note)
      } else if JSONString.equals(body, type, "image_url") {
        try keep(["type", "image_url"], of: part.value, body, &splice, &dropped, note)
        if let image = JSONView.value(body, in: part.value, at: "image_url") {
          try keep(["url", "detail"], of: image, body, &splice, &dropped, note)
        }
      } else if JSONString.equals(body, type, "input_audio") {
        // Here the sound itself, without a word on its form.
        if let audio = JSONView.value(body, in: part.value, at: "input_audio"),
          let data = JSONView.value(body, in: audio, at: "data")
        {
          try splice.change(audio, body.extracting(data))
        }
      } else if JSONString.equals(body, type, "refusal") {
        try replace(
          part.value, "text", "text", JSONView.value(body, in: part.value, at: "refusal"), body, &splice)
      } else if JSONString.equals(body, type, "file") {
        try file(part.value, body, &splice)
      }
    }
  }

  /// A file of OpenAI's: its data is a document's URL, and an id stands beside the type.
  private static func file(
    _ part: Range<Int>, _ body: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(EditFault) {
    guard let file = JSONView.value(body, in: part, at: "file") else { return }
    if let data = JSONView.value(body, in: file, at: "file_data"), JSONView.kind(body, data) == .string {
      return try replace(
        part, "document_url", "document_url", data, body, &splice,
        name: JSONView.value(body, in: file, at: "filename"))
    }
    try replace(part, "file", "file_id", JSONView.value(body, in: file, at: "file_id"), body, &splice)
  }

  /// Puts `{"type":type,member:value}` in the place of a part.
  private static func replace(
    _ part: Range<Int>, _ type: StaticString, _ member: StaticString, _ value: Range<Int>?,
    _ body: Span<UInt8>, _ splice: inout JSONSplice, name: Range<Int>? = nil
  ) throws(EditFault) {
    guard let value else { return }
    var text = ByteQueue()
    text.append("{\"type\":\"")
    text.append(type)
    text.append("\",\"")
    text.append(member)
    text.append("\":")
    text.append(body.extracting(value))
    if let name, JSONView.kind(body, name) == .string {
      text.append(",\"document_name\":")
      text.append(body.extracting(name))
    }
    text.append("}")
    try splice.change(part, text.bytes)
  }

  /// Leaves an object the members of `known` that say something.
  ///
  /// - Parameter note: names a member that had to go, by its place.
  static func keep(
    _ known: [StaticString], of object: Range<Int>, _ body: Span<UInt8>, _ splice: inout JSONSplice,
    _ dropped: inout DroppedFields, _ note: (Span<UInt8>, inout DroppedFields) -> Void
  ) throws(EditFault) {
    var removal = InnerRemoval()
    var members = JSONObjectCursor(body, object)
    while let member = members.next() {
      if member.kind != .null, known.contains(where: { member.keyIs($0, in: body) }) {
        try removal.keep(member, &splice)
      } else {
        if !JSONView.isHollow(body, member.value) { note(body.extracting(member.key), &dropped) }
        try removal.remove(member, &splice)
      }
    }
    try removal.finish(&splice)
  }
}

/// The tools of a request.
enum ToolEdit {
  static func write(
    _ body: Span<UInt8>, _ tools: Range<Int>, _ splice: inout JSONSplice, _ dropped: inout DroppedFields
  ) throws(EditFault) {
    var elements = JSONArrayCursor(body, tools)
    var index = -1
    while let tool = elements.next() {
      index += 1
      if let type = JSONView.value(body, in: tool.value, at: "type"),
        !JSONString.equals(body, type, "function")
      {
        throw .unsupported("tools", "tools that are not functions")
      }
      try PartEdit.keep(["type", "function"], of: tool.value, body, &splice, &dropped) { key, dropped in
        dropped.add("tools", index, key)
      }
      guard let function = JSONView.value(body, in: tool.value, at: "function") else { continue }
      try PartEdit.keep(
        ["name", "description", "strict", "parameters"], of: function, body, &splice, &dropped
      ) {
        key, dropped in dropped.add("tools", index, key)
      }
      try schema(function, body, &splice)
    }
  }

  /// A schema must be there, and says nothing of which version of JSON Schema it is.
  private static func schema(
    _ function: Range<Int>, _ body: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(EditFault) {
    guard let schema = JSONView.value(body, in: function, at: "parameters"),
      JSONView.kind(body, schema) == .object
    else {
      if JSONView.isHollow(body, function) { return }
      let none: StaticString = "\"parameters\":{\"type\":\"object\",\"properties\":{}},"
      return try splice.put(none.bytes, at: function.lowerBound + 1)
    }
    var removal = InnerRemoval()
    var members = JSONObjectCursor(body, schema)
    while let member = members.next() {
      if member.keyIs("$schema", in: body) || member.keyIs("$id", in: body) {
        try removal.remove(member, &splice)
      } else {
        try removal.keep(member, &splice)
      }
    }
    try removal.finish(&splice)
  }
}
