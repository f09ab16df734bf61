// Brings the tool calls of an answer into the form that SDKs put together: an index, an id and a name, each said once.

internal import Wire

extension ChoiceRepair {
  private struct Call {
    var index: JSONObjectCursor.Member?
    var id: JSONObjectCursor.Member?
    var type: JSONObjectCursor.Member?
    var function: JSONObjectCursor.Member?
    var name: JSONObjectCursor.Member?
    var arguments: JSONObjectCursor.Member?
    /// It has members of another kind of tool, or of no kind that is known here.
    var isOther = false
    var count = 0

    init(_ data: Span<UInt8>, _ range: Range<Int>) {
      var members = JSONObjectCursor(data, range)
      while let member = members.next() {
        count += 1
        if member.keyIs("index", in: data) {
          index = member
        } else if member.keyIs("type", in: data) {
          type = member
        } else if member.keyIs("id", in: data) {
          id = member
        } else if member.keyIs("function", in: data) {
          function = member
        } else if member.kind != .null {
          isOther = true
        }
      }
      guard let function, function.kind == .object else { return }
      var inner = JSONObjectCursor(data, function.value)
      while let member = inner.next() {
        if member.keyIs("arguments", in: data) {
          arguments = member
        } else if member.kind == .string, member.value.count > 2, member.keyIs("name", in: data) {
          name = member
        }
      }
    }

    var hasFunction: Bool { function?.kind == .object }

    /// Whether it should have a function, and has none.
    func lacksFunction(_ data: Span<UInt8>) -> Bool {
      if hasFunction || isOther { return false }
      guard let type, type.kind == .string, type.value.count > 2 else { return true }
      return JSONString.equals(data, type.value, "function")
    }

    /// The id, if it is a text that says something, or a number; empty if not.
    @_lifetime(copy data)
    func said(_ data: Span<UInt8>) -> Span<UInt8> {
      switch id?.kind {
      case .string?: return JSONString.content(data, id?.value ?? 0..<0)
      case .number?: return data.extracting(id?.value ?? 0..<0)
      default: return data.extracting(0..<0)
      }
    }
  }

  /// Adds what must change in a message's calls. What is no call goes: SDKs look into each.
  ///
  /// - Returns: how many are left.
  mutating func read(
    calls list: Range<Int>, of choice: Int, _ data: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(JSONSpliceFault) -> Int {
    var removal = ItemRemoval()
    var elements = JSONArrayCursor(data, list)
    var count = 0
    while let element = elements.next() {
      let call = Call(data, element.value)
      // In a stream the function may come later.
      guard element.kind == .object, form == .chunk || !call.lacksFunction(data) else {
        try removal.remove(element.value, &splice)
        continue
      }
      try removal.keep(element.value, &splice)
      try read(call, element.value, at: count, of: choice, data, &splice)
      count += 1
    }
    try removal.finish(&splice)
    return count
  }

  /// Adds what must change in the call that lies in `range`.
  ///
  /// - Parameter position: among the calls of the message.
  private mutating func read(
    _ call: Call, _ range: Range<Int>, at position: Int, of choice: Int, _ data: Span<UInt8>,
    _ splice: inout JSONSplice
  ) throws(JSONSpliceFault) {
    // What goes in at the front of the call.
    var added = ByteQueue()
    var isFirst = true
    var index = position
    if form == .chunk {
      let said = call.index.flatMap { JSONValue.integer(data, $0.value) }.flatMap { $0 >= 0 ? $0 : nil }
      let piece = calls.piece(
        choice: choice, said: said, id: call.said(data), name: data.extracting(call.name?.value ?? 0..<0),
        hasArguments: (call.arguments?.value.count ?? 0) > 2)
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
      if call.count == 1 {
        try splice.replace(id.value, with: ("\"\"" as StaticString).bytes)
      } else {
        try splice.remove(key: id.key, value: id.value, in: data)
      }
    }
    try fill(call, isFirst, data, &splice, &added)
    if !added.isEmpty {
      if call.count == 0 { added.truncate(to: added.count - 1) }
      try splice.insert(at: range.lowerBound + 1, added.bytes)
    }
    if let function = call.function, function.kind == .object {
      try read(function: function.value, call, data, &splice)
    }
  }

  /// Sees to it that a call of a function says so, and has one: SDKs look into it in each piece.
  private func fill(
    _ call: Call, _ isFirst: Bool, _ data: Span<UInt8>, _ splice: inout JSONSplice, _ added: inout ByteQueue
  ) throws(JSONSpliceFault) {
    let lacksFunction = call.lacksFunction(data)
    // The kind is what tells the members of a union apart. In a stream the first piece says it.
    if call.hasFunction || lacksFunction, form == .whole || isFirst {
      if let type = call.type {
        if type.kind == .null || type.value.count == 2 {
          try splice.replace(type.value, with: ("\"function\"" as StaticString).bytes)
        }
      } else {
        added.append("\"type\":\"function\",")
      }
    }
    guard lacksFunction else { return }
    if let function = call.function {
      try splice.replace(function.value, with: ("{\"arguments\":\"\"}" as StaticString).bytes)
    } else {
      added.append("\"function\":{\"arguments\":\"\"},")
    }
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
    let answer = FNV.hash(data.extracting(first: 1024))
    let hash = FNV.hash(data.extracting(call).extracting(first: 1024), behind: answer)
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
