// Brings what no OpenAI SDK can read in an answer's choices into OpenAI's form: edits over scanned bytes.
//
// Both forms of an answer have the same choices, once with a `message`, once with a `delta`. Read next:
// ForeignReason.swift (finish reasons), CallIndexes.swift (the pieces of tool calls).

internal import Wire

/// Repairs the choices of one answer or stream.
struct ChoiceRepair: Sendable {
  enum Form: Sendable { case whole, chunk }

  private let form: Form
  private var calls = CallIndexes()
  private var hasCalls = false
  /// The `finish_reason` that says that the provider gave up.
  private(set) var failure: Range<Int>?

  init(_ form: Form) { self.form = form }

  /// Begins another answer.
  mutating func reset() {
    calls.removeAll()
    failure = nil
  }

  /// Adds what must change in the choice that lies in `range`.
  ///
  /// - Throws: where it is more than the splice takes.
  mutating func read(
    _ data: Span<UInt8>, _ range: Range<Int>, _ splice: inout JSONSplice
  ) throws(JSONSpliceFault) {
    var index = 0
    var message: Range<Int>?
    var reason: Range<Int>?
    var members = JSONObjectCursor(data, range)
    while let member = members.next() {
      if member.keyIs("index", in: data) {
        index = JSONValue.integer(data, member.value) ?? 0
      } else if member.kind == .null, member.keyIs("delta", in: data) {
        // SDKs' users look into it without asking.
        try splice.replace(member.value, with: ("{}" as StaticString).bytes)
      } else if member.kind == .object {
        if member.keyIs("delta", in: data) || member.keyIs("message", in: data) { message = member.value }
      } else if member.kind == .string, member.keyIs("finish_reason", in: data) {
        reason = member.value
      }
    }
    hasCalls = false
    if let message { try read(message: message, of: index, data, &splice) }
    if let reason { try read(reason: reason, data, &splice) }
  }

  private mutating func read(
    reason range: Range<Int>, _ data: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(JSONSpliceFault) {
    var word: StaticString
    switch Reason(data, range) {
    case .known: return
    case .failure:
      failure = range
      return
    case .blank where form == .chunk:
      return try splice.replace(range, with: ("null" as StaticString).bytes)
    case .blank: word = "stop"
    case .becomes(let other): word = other
    }
    if hasCalls, word.bytes.equals("stop") { word = "tool_calls" }
    var text = ByteQueue()
    JSONWriter.string(word, into: &text)
    try splice.replace(range, with: text.bytes)
  }

  private mutating func read(
    message: Range<Int>, of choice: Int, _ data: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(JSONSpliceFault) {
    var list: Range<Int>?
    var hasReasoning = false
    var members = JSONObjectCursor(data, message)
    while let member = members.next() {
      if member.kind == .array {
        if member.keyIs("content", in: data) {
          list = member.value
        } else if member.keyIs("tool_calls", in: data) {
          var elements = JSONArrayCursor(data, member.value)
          while let element = elements.next() {
            hasCalls = true
            if element.kind == .object { try read(call: element.value, of: choice, data, &splice) }
          }
        }
      } else if member.keyIs("reasoning_content", in: data) {
        hasReasoning = member.kind == .string
      }
    }
    if let list { try flatten(list, addsReasoning: !hasReasoning, data, &splice) }
  }

  // MARK: Content

  /// A list of chunks becomes the text that it says. What the model thought goes where OpenAI-format providers put
  /// it; references to sources have no place and are left out.
  private func flatten(
    _ list: Range<Int>, addsReasoning: Bool, _ data: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(JSONSpliceFault) {
    var text = ByteQueue()
    var reasoning = ByteQueue()
    var elements = JSONArrayCursor(data, list)
    text.append(ASCII.quote)
    while let element = elements.next() {
      if let thinking = JSONView.value(data, in: element.value, at: "thinking") {
        Self.append(thinking, data, to: &reasoning)
      } else {
        Self.append(element.value, data, to: &text)
      }
    }
    text.append(ASCII.quote)
    if addsReasoning, !reasoning.isEmpty {
      text.append(",\"reasoning_content\":\"")
      text.append(reasoning.bytes)
      text.append(ASCII.quote)
    }
    try splice.replace(list, with: text.bytes)
  }

  /// Appends the texts of a string, a chunk or a list of chunks, as they are escaped.
  private static func append(_ range: Range<Int>, _ data: Span<UInt8>, to out: inout ByteQueue) {
    switch JSONView.kind(data, range) {
    case .string: out.append(JSONString.content(data, range))
    case .object:
      if let text = JSONView.value(data, in: range, at: "text"), JSONView.kind(data, text) == .string {
        out.append(JSONString.content(data, text))
      }
    case .array:
      var elements = JSONArrayCursor(data, range)
      while let element = elements.next() {
        if element.kind != .array { append(element.value, data, to: &out) }
      }
    default: break
    }
  }

  // MARK: Tool calls

  private struct Call {
    var index: JSONObjectCursor.Member?
    var id: Range<Int>?
    var type: JSONObjectCursor.Member?
    var function: Range<Int>?
    var name: Range<Int>?
    var arguments: JSONObjectCursor.Member?
  }

  private mutating func read(
    call range: Range<Int>, of choice: Int, _ data: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(JSONSpliceFault) {
    let call = Self.members(data, range)
    let id = JSONString.content(data, call.id ?? 0..<0)
    // What goes in at the front of the call.
    var text = ByteQueue()
    if form == .chunk {
      let said = call.index.flatMap { JSONValue.integer(data, $0.value) }.flatMap { $0 >= 0 ? $0 : nil }
      let index = calls.index(choice: choice, said: said, id: id, begins: call.name != nil)
      if let member = call.index {
        if said != index {
          var number = ByteQueue()
          JSONWriter.integer(index, into: &number)
          try splice.replace(member.value, with: number.bytes)
        }
      } else {
        text.append("\"index\":")
        JSONWriter.integer(index, into: &text)
        text.append(ASCII.comma)
      }
    }
    // The kind is what tells the members of a union apart. In a stream the first piece says it.
    if call.function != nil, form == .whole || call.name != nil {
      if let type = call.type {
        if type.kind == .null || type.value.count == 2 {
          try splice.replace(type.value, with: ("\"function\"" as StaticString).bytes)
        }
      } else {
        text.append("\"type\":\"function\",")
      }
    }
    // A call with a function has a member, so the comma is right.
    if !text.isEmpty, call.function != nil || call.index != nil || call.id != nil || call.type != nil {
      try splice.insert(at: range.lowerBound + 1, text.bytes)
    }
    if let function = call.function { try read(function: function, call, data, &splice) }
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

  private static func members(_ data: Span<UInt8>, _ range: Range<Int>) -> Call {
    var call = Call()
    var members = JSONObjectCursor(data, range)
    while let member = members.next() {
      if member.keyIs("index", in: data) {
        call.index = member
      } else if member.keyIs("type", in: data) {
        call.type = member
      } else if member.keyIs("id", in: data) {
        if member.kind == .string, member.value.count > 2 { call.id = member.value }
      } else if member.kind == .object, member.keyIs("function", in: data) {
        call.function = member.value
      }
    }
    guard let function = call.function else { return call }
    var inner = JSONObjectCursor(data, function)
    while let member = inner.next() {
      if member.keyIs("arguments", in: data) {
        call.arguments = member
      } else if member.kind == .string, member.value.count > 2, member.keyIs("name", in: data) {
        call.name = member.value
      }
    }
    return call
  }
}
