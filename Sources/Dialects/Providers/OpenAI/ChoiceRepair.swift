// Brings what no OpenAI SDK can read in an answer's choices into OpenAI's form: edits over scanned bytes.
//
// Both forms of an answer have the same choices, once with a `message`, once with a `delta`. Read next:
// ForeignReason.swift (finish reasons), CallRepair.swift (tool calls).

internal import Wire

/// Repairs the choices of one answer or stream.
struct ChoiceRepair: Sendable {
  enum Form: Sendable { case whole, chunk }

  let form: Form
  /// Choices hold a message, and not a text.
  private let isChat: Bool
  var calls = CallIndexes()
  private var hasCalls = false
  /// Its list of calls holds none, or none any more.
  private var lostCalls = false
  /// The `finish_reason` that says that the provider gave up.
  private(set) var failure: Range<Int>?

  init(_ form: Form, isChat: Bool) {
    self.form = form
    self.isChat = isChat
  }

  /// Begins another answer.
  mutating func reset() {
    calls.removeAll()
    failure = nil
  }

  /// Where a choice's members lie that must be there.
  private struct Choice {
    var index: JSONObjectCursor.Member?
    var reason: JSONObjectCursor.Member?
    /// `message`, or `delta` in a chunk.
    var message: JSONObjectCursor.Member?
    /// `message` in a chunk, `delta` in a whole answer.
    var other: JSONObjectCursor.Member?
    var isEmpty = true

    init(_ data: Span<UInt8>, _ range: Range<Int>, _ form: Form) {
      var members = JSONObjectCursor(data, range)
      while let member = members.next() {
        isEmpty = false
        if member.keyIs("index", in: data) {
          index = member
        } else if member.keyIs("finish_reason", in: data) {
          reason = member
        } else if member.keyIs("delta", in: data) {
          if form == .chunk { message = member } else { other = member }
        } else if member.keyIs("message", in: data) {
          if form == .chunk { other = member } else { message = member }
        }
      }
    }
  }

  /// Adds what must change in the choice that lies in `range`.
  ///
  /// - Parameters:
  ///   - position: among the choices, which is its index where it says none.
  ///   - begins: whether nothing has come of the choice before.
  /// - Throws: where it is more than the splice takes.
  mutating func read(
    _ data: Span<UInt8>, _ range: Range<Int>, at position: Int, begins: Bool = true,
    _ splice: inout JSONSplice
  ) throws(JSONSpliceFault) {
    let choice = Choice(data, range, form)
    // What goes in at the front of the choice.
    var added = ByteQueue()
    var index = position
    if let member = choice.index {
      if let said = JSONValue.integer(data, member.value) {
        index = said
      } else {
        var number = ByteQueue()
        JSONWriter.integer(position, into: &number)
        try splice.replace(member.value, with: number.bytes)
      }
    } else {
      added.append("\"index\":")
      JSONWriter.integer(position, into: &added)
      added.append(ASCII.comma)
    }
    hasCalls = false
    lostCalls = false
    if let message = choice.message, message.kind == .object {
      try read(message: message.value, of: index, data, &splice)
    } else if isChat {
      try addMessage(choice, index, begins, data, &splice, &added)
    }
    if let reason = choice.reason, reason.kind == .string {
      try read(reason: reason.value, data, &splice)
    } else {
      let word: StaticString =
        form == .chunk ? "null" : hasCalls ? "\"tool_calls\"" : isChat ? "\"stop\"" : "null"
      if let reason = choice.reason {
        if form == .whole ? isChat : reason.kind != .null {
          try splice.replace(reason.value, with: word.bytes)
        }
      } else {
        added.append("\"finish_reason\":")
        added.append(word)
        added.append(ASCII.comma)
      }
    }
    if added.isEmpty { return }
    if choice.isEmpty { added.truncate(to: added.count - 1) }
    try splice.insert(at: range.lowerBound + 1, added.bytes)
  }

  /// SDKs look into a chunk's `delta` and an answer's `message` without asking. A server that sends an answer in one piece
  /// may call the one like the other; behind pieces, that would be all of them once more.
  private mutating func addMessage(
    _ choice: Choice, _ index: Int, _ begins: Bool, _ data: Span<UInt8>, _ splice: inout JSONSplice,
    _ added: inout ByteQueue
  ) throws(JSONSpliceFault) {
    let name: StaticString = form == .chunk ? "delta" : "message"
    let nothing: StaticString = form == .chunk ? "{}" : "{\"role\":\"assistant\",\"content\":\"\"}"
    if begins, choice.message == nil, let other = choice.other, other.kind == .object {
      try splice.replace(other.key, with: name.bytes)
      try read(message: other.value, of: index, data, &splice)
    } else if let message = choice.message {
      try splice.replace(message.value, with: nothing.bytes)
    } else {
      added.append(ASCII.quote)
      added.append(name)
      added.append("\":")
      added.append(nothing)
      added.append(ASCII.comma)
    }
  }

  /// Takes out of a list of choices what is none.
  func clean(
    _ choices: Range<Int>, _ data: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(JSONSpliceFault) {
    var removal = ItemRemoval()
    var elements = JSONArrayCursor(data, choices)
    while let element = elements.next() {
      if element.kind == .object {
        try removal.keep(element.value, &splice)
      } else {
        try removal.remove(element.value, &splice)
      }
    }
    try removal.finish(&splice)
  }

  private mutating func read(
    reason range: Range<Int>, _ data: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(JSONSpliceFault) {
    var word: StaticString
    switch Reason(data, range) {
    case .known:
      // Without a call there is none to make.
      guard form == .whole, lostCalls, JSONString.equals(data, range, "tool_calls") else { return }
      word = "stop"
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
          let count = try read(calls: member.value, of: choice, data, &splice)
          hasCalls = count > 0
          lostCalls = count == 0
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
}
