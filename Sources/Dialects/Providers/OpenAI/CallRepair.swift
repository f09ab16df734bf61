// Brings the tool calls of an answer into the form that SDKs put together: an index, an id and a name, each said once.

internal import Wire

extension ChoiceRepair {
  private struct Call {
    var index: JSONObjectCursor.Member?
    var id: JSONObjectCursor.Member?
    var type: JSONObjectCursor.Member?
    var function: Range<Int>?
    var name: JSONObjectCursor.Member?
    var arguments: JSONObjectCursor.Member?
    var isEmpty = true

    init(_ data: Span<UInt8>, _ range: Range<Int>) {
      var members = JSONObjectCursor(data, range)
      while let member = members.next() {
        isEmpty = false
        if member.keyIs("index", in: data) {
          index = member
        } else if member.keyIs("type", in: data) {
          type = member
        } else if member.keyIs("id", in: data) {
          id = member
        } else if member.kind == .object, member.keyIs("function", in: data) {
          function = member.value
        }
      }
      guard let function else { return }
      var inner = JSONObjectCursor(data, function)
      while let member = inner.next() {
        if member.keyIs("arguments", in: data) {
          arguments = member
        } else if member.kind == .string, member.value.count > 2, member.keyIs("name", in: data) {
          name = member
        }
      }
    }

    /// The id, if it is a text that says something; empty if not.
    @_lifetime(copy data)
    func said(_ data: Span<UInt8>) -> Span<UInt8> {
      guard let id, id.kind == .string else { return data.extracting(0..<0) }
      return JSONString.content(data, id.value)
    }
  }

  /// Adds what must change in the call that lies in `range`.
  ///
  /// - Parameter position: among the calls of the message.
  mutating func read(
    call range: Range<Int>, at position: Int, of choice: Int, _ data: Span<UInt8>,
    _ splice: inout JSONSplice
  ) throws(JSONSpliceFault) {
    let call = Call(data, range)
    // What goes in at the front of the call.
    var added = ByteQueue()
    var isFirst = true
    var index = position
    if form == .chunk {
      let said = call.index.flatMap { JSONValue.integer(data, $0.value) }.flatMap { $0 >= 0 ? $0 : nil }
      let piece = calls.piece(
        choice: choice, said: said, id: call.said(data), name: data.extracting(call.name?.value ?? 0..<0))
      index = piece.index
      isFirst = piece.isFirst
      if let member = call.index {
        if said != index { try replace(member.value, index, &splice) }
      } else {
        added.append("\"index\":")
        JSONWriter.integer(index, into: &added)
        added.append(ASCII.comma)
      }
      // SDKs add texts up: what is said twice is read as one long text.
      if let name = call.name, piece.repeatsName {
        try splice.remove(key: name.key, value: name.value, in: data)
      }
    }
    if isFirst {
      try identify(call, range, (choice, index), data, &splice, &added)
    } else if let id = call.id, id.kind != .null, id.value.count > 2 || id.kind == .number {
      if call.index == nil, call.type == nil, call.function == nil {
        try splice.replace(id.value, with: ("\"\"" as StaticString).bytes)
      } else {
        try splice.remove(key: id.key, value: id.value, in: data)
      }
    }
    // The kind is what tells the members of a union apart. In a stream the first piece says it.
    if call.function != nil, form == .whole || isFirst {
      if let type = call.type {
        if type.kind == .null || type.value.count == 2 {
          try splice.replace(type.value, with: ("\"function\"" as StaticString).bytes)
        }
      } else {
        added.append("\"type\":\"function\",")
      }
    }
    if !added.isEmpty {
      if call.isEmpty { added.truncate(to: added.count - 1) }
      try splice.insert(at: range.lowerBound + 1, added.bytes)
    }
    if let function = call.function { try read(function: function, call, data, &splice) }
  }

  private func replace(
    _ range: Range<Int>, _ number: Int, _ splice: inout JSONSplice
  ) throws(JSONSpliceFault) {
    var text = ByteQueue()
    JSONWriter.integer(number, into: &text)
    try splice.replace(range, with: text.bytes)
  }

  /// Sees to it that a call has an id: its result is sent back under it.
  private func identify(
    _ call: Call, _ range: Range<Int>, _ place: (choice: Int, call: Int), _ data: Span<UInt8>,
    _ splice: inout JSONSplice, _ added: inout ByteQueue
  ) throws(JSONSpliceFault) {
    guard let id = call.id else {
      added.append("\"id\":")
      Self.makeID(place, data, range, into: &added)
      added.append(ASCII.comma)
      return
    }
    var text = ByteQueue()
    switch id.kind {
    case .string:
      if id.value.count > 2 { return }
      Self.makeID(place, data, range, into: &text)
    case .number:
      text.append(ASCII.quote)
      text.append(data.extracting(id.value))
      text.append(ASCII.quote)
    default: Self.makeID(place, data, range, into: &text)
    }
    try splice.replace(id.value, with: text.bytes)
  }

  /// Appends an id for a call that has none, in quotes. It is made of the answer's first bytes, which hold the answer's
  /// own id and time, and of the call: so it is another one in each turn, and the same however a stream is cut.
  private static func makeID(
    _ place: (choice: Int, call: Int), _ data: Span<UInt8>, _ call: Range<Int>, into out: inout ByteQueue
  ) {
    // FNV-1a.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func add(_ bytes: Span<UInt8>) {
      for at in 0..<bytes.count { hash = (hash ^ UInt64(bytes[at])) &* 0x100_0000_01B3 }
    }
    add(data.extracting(first: 1024))
    add(data.extracting(call).extracting(first: 1024))
    out.append("\"call_")
    out.append(hexadecimalWord: hash)
    out.append(decimal: place.choice)
    out.append(UInt8(ascii: "_"))
    out.append(decimal: place.call)
    out.append(ASCII.quote)
  }

  private func read(
    function: Range<Int>, _ call: Call, _ data: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(JSONSpliceFault) {
    let nothing: StaticString = form == .whole ? "\"{}\"" : "\"\""
    guard let arguments = call.arguments else {
      if form == .whole, call.name != nil {
        try splice.insert(at: function.lowerBound + 1, ("\"arguments\":\"{}\"," as StaticString).bytes)
      }
      return
    }
    switch arguments.kind {
    case .string: return
    case .null: try splice.replace(arguments.value, with: nothing.bytes)
    default:
      var text = ByteQueue()
      JSONWriter.string(data.extracting(arguments.value), into: &text)
      try splice.replace(arguments.value, with: text.bytes)
    }
  }
}
