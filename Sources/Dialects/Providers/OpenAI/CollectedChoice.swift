// What the chunks of a stream have said, put together: see StreamCollector.swift.

internal import Wire

/// Members of an object that came in pieces: of each the value that counts.
struct CollectedMembers {
  private struct Member {
    /// Between its quotes.
    var key: [UInt8]
    var value: [UInt8]
    var isWritten = false

    /// Adds an item to a list.
    mutating func add(_ bytes: Span<UInt8>, _ item: Range<Int>) {
      value.removeLast()
      // Blanks alone are no item.
      if value.dropFirst().contains(where: { $0 > ASCII.space }) { value.append(ASCII.comma) }
      value += bytes.extracting(item).array()
      value.append(UInt8(ascii: "]"))
    }
  }

  /// Members of one object that are kept; no answer has so many.
  private static let ceiling = 256

  private var members: [Member] = []

  var isEmpty: Bool { members.isEmpty }

  /// Keeps a member, unless it says nothing: of several the last counts.
  mutating func keepLast(_ bytes: Span<UInt8>, _ member: JSONObjectCursor.Member) {
    if member.kind == .null { return }
    let key = bytes.extracting(member.key)
    let value = bytes.extracting(member.value).array()
    if let known = members.firstIndex(where: { $0.key.span.equals(key) }) {
      members[known].value = value
    } else if members.count < Self.ceiling {
      members.append(Member(key: key.array(), value: value))
    }
  }

  /// Keeps a member that says something: of several the first counts.
  mutating func keepFirst(_ bytes: Span<UInt8>, _ member: JSONObjectCursor.Member) {
    let isHollow =
      member.kind == .string ? member.value.count == 2 : JSONValue.integer(bytes, member.value) == 0
    let key = bytes.extracting(member.key)
    guard let known = members.first(where: { $0.key.span.equals(key) }) else {
      return keepLast(bytes, member)
    }
    if isHollow || !Self.isHollow(known.value) { return }
    keepLast(bytes, member)
  }

  private static func isHollow(_ value: [UInt8]) -> Bool {
    value.span.equals("\"\"") || value.span.equals("0")
  }

  /// Adds the list's items to those that the member has.
  mutating func extend(_ bytes: Span<UInt8>, _ member: JSONObjectCursor.Member) {
    let key = bytes.extracting(member.key)
    guard let known = members.firstIndex(where: { $0.key.span.equals(key) }),
      members[known].value.first == UInt8(ascii: "[")
    else { return keepLast(bytes, member) }
    var elements = JSONArrayCursor(bytes, member.value)
    while let element = elements.next() { members[known].add(bytes, element.value) }
  }

  func has(_ name: StaticString) -> Bool { members.contains { $0.key.span.equals(name.bytes) } }

  mutating func forget(_ name: StaticString) { members.removeAll { $0.key.span.equals(name.bytes) } }

  /// Adds an item to a member that is a list, or begins with it.
  mutating func add(_ bytes: Span<UInt8>, _ item: Range<Int>, to name: StaticString) {
    if let known = members.firstIndex(where: { $0.key.span.equals(name.bytes) }),
      members[known].value.first == UInt8(ascii: "[")
    {
      return members[known].add(bytes, item)
    }
    forget(name)
    guard members.count < Self.ceiling else { return }
    var list = Member(key: name.bytes.array(), value: ("[]" as StaticString).bytes.array())
    list.add(bytes, item)
    members.append(list)
  }

  /// Appends these members, each with a comma behind it, and marks them as written.
  mutating func write(_ names: [StaticString], into out: inout ByteQueue) {
    for name in names {
      guard let at = members.firstIndex(where: { $0.key.span.equals(name.bytes) }) else { continue }
      members[at].isWritten = true
      Self.write(members[at], into: &out)
      out.append(ASCII.comma)
    }
  }

  /// Appends the members that aren't written yet, each with a comma before it.
  func writeRest(into out: inout ByteQueue) {
    for member in members where !member.isWritten {
      out.append(ASCII.comma)
      Self.write(member, into: &out)
    }
  }

  private static func write(_ member: Member, into out: inout ByteQueue) {
    out.append(ASCII.quote)
    out.append(member.key)
    out.append("\":")
    out.append(member.value)
  }
}

/// What one choice has said so far; texts are still escaped.
struct CollectedChoice {
  private struct Call {
    var hasBegun = false
    var id: [UInt8] = []
    var name: [UInt8] = []
    var arguments: [UInt8] = []
    /// `type`, `extra_content` and their like.
    var others = CollectedMembers()
  }

  /// Texts that come in pieces, in the order in which a message has them.
  private static let texts: [StaticString] = ["content", "refusal", "reasoning_content", "reasoning"]

  let index: Int
  private(set) var hasBegun = false
  /// By the place in `texts`, and whether it has come at all.
  private var said: [[UInt8]] = [[], [], [], []]
  private var isSaid = [false, false, false, false]
  /// Of a completion.
  private var text: [UInt8] = []
  private var reason: [UInt8] = []
  private var calls: [Call] = []
  /// `function_call`, the older way to call.
  private var function: Call?
  private var message = CollectedMembers()
  private var logprobs = CollectedMembers()
  private var others = CollectedMembers()

  init(index: Int) { self.index = index }

  mutating func read(_ chunk: Span<UInt8>, _ choice: Range<Int>) {
    hasBegun = true
    var members = JSONObjectCursor(chunk, choice)
    while let member = members.next() {
      if member.keyIs("index", in: chunk) || member.keyIs("message", in: chunk) { continue }
      if member.keyIs("delta", in: chunk) {
        read(delta: member.value, chunk)
      } else if member.keyIs("text", in: chunk) {
        text += JSONString.content(chunk, member.value).array()
      } else if member.keyIs("finish_reason", in: chunk) {
        if member.kind == .string { reason = JSONString.content(chunk, member.value).array() }
      } else if member.kind == .object, member.keyIs("logprobs", in: chunk) {
        var lists = JSONObjectCursor(chunk, member.value)
        while let list = lists.next() { logprobs.extend(chunk, list) }
      } else {
        others.keepLast(chunk, member)
      }
    }
  }

  private mutating func read(delta: Range<Int>, _ chunk: Span<UInt8>) {
    var members = JSONObjectCursor(chunk, delta)
    next: while let member = members.next() {
      if member.keyIs("role", in: chunk) { continue }
      if member.kind == .string {
        for (at, name) in Self.texts.enumerated() where member.keyIs(name, in: chunk) {
          said[at] += JSONString.content(chunk, member.value).array()
          isSaid[at] = true
          continue next
        }
      }
      if member.kind == .array, member.keyIs("tool_calls", in: chunk) {
        var elements = JSONArrayCursor(chunk, member.value)
        while let call = elements.next() { read(call: call.value, chunk) }
      } else if member.kind == .object, member.keyIs("function_call", in: chunk) {
        var call = function ?? Call()
        Self.read(function: member.value, chunk, into: &call)
        function = call
      } else if member.kind == .array {
        message.extend(chunk, member)
      } else {
        message.keepLast(chunk, member)
      }
    }
  }

  private mutating func read(call range: Range<Int>, _ chunk: Span<UInt8>) {
    let said = JSONView.value(chunk, in: range, at: "index").flatMap { JSONValue.integer(chunk, $0) } ?? 0
    let index = min(max(said, 0), AnswerWriter.callCeiling - 1)
    while calls.count <= index { calls.append(Call()) }
    calls[index].hasBegun = true
    var members = JSONObjectCursor(chunk, range)
    while let member = members.next() {
      if member.keyIs("index", in: chunk) { continue }
      if member.keyIs("id", in: chunk) {
        if member.kind == .string { calls[index].id += JSONString.content(chunk, member.value).array() }
      } else if member.kind == .object, member.keyIs("function", in: chunk) {
        Self.read(function: member.value, chunk, into: &calls[index])
      } else {
        calls[index].others.keepLast(chunk, member)
      }
    }
  }

  private static func read(function: Range<Int>, _ chunk: Span<UInt8>, into call: inout Call) {
    var members = JSONObjectCursor(chunk, function)
    while let member = members.next() {
      guard member.kind == .string else { continue }
      let piece = JSONString.content(chunk, member.value).array()
      if member.keyIs("name", in: chunk) { call.name += piece }
      if member.keyIs("arguments", in: chunk) { call.arguments += piece }
    }
  }

  // MARK: Writing

  /// Appends the choice of a whole answer.
  func write(isChat: Bool, into out: inout ByteQueue) {
    out.append("{\"index\":")
    out.append(decimal: index)
    if isChat {
      writeMessage(into: &out)
    } else {
      out.append(",\"text\":\"")
      out.append(text)
      out.append(ASCII.quote)
    }
    out.append(",\"logprobs\":")
    if logprobs.isEmpty {
      out.append("null")
    } else {
      var lists = ByteQueue()
      logprobs.writeRest(into: &lists)
      out.append("{")
      out.append(lists.bytes.extracting(1..<lists.count))
      out.append("}")
    }
    out.append(",\"finish_reason\":\"")
    if reason.isEmpty {
      out.append(calls.isEmpty ? "stop" : "tool_calls")
    } else {
      out.append(reason)
    }
    out.append(ASCII.quote)
    others.writeRest(into: &out)
    out.append("}")
  }

  private func writeMessage(into out: inout ByteQueue) {
    out.append(",\"message\":{\"role\":\"assistant\"")
    for (at, name) in Self.texts.enumerated() {
      // The first two are always there.
      if at > 1, !isSaid[at] { continue }
      out.append(",\"")
      out.append(name)
      out.append("\":")
      // A chunk opens a text with an empty piece, also where none follows.
      let isNull = said[at].isEmpty && (at > 0 || !calls.isEmpty || function != nil || !said[1].isEmpty)
      if isNull {
        out.append("null")
      } else {
        out.append(ASCII.quote)
        out.append(said[at])
        out.append(ASCII.quote)
      }
    }
    if !calls.isEmpty {
      out.append(",\"tool_calls\":[")
      var isFirst = true
      // Some servers count from 1.
      for call in calls where call.hasBegun {
        out.append(isFirst ? "{\"id\":\"" : ",{\"id\":\"")
        isFirst = false
        out.append(call.id)
        out.append(ASCII.quote)
        call.others.writeRest(into: &out)
        out.append(",\"function\":")
        Self.write(function: call, into: &out)
        out.append("}")
      }
      out.append("]")
    }
    if let function {
      out.append(",\"function_call\":")
      Self.write(function: function, into: &out)
    }
    message.writeRest(into: &out)
    out.append("}")
  }

  private static func write(function call: Call, into out: inout ByteQueue) {
    out.append("{\"name\":\"")
    out.append(call.name)
    out.append("\",\"arguments\":\"")
    out.append(call.arguments)
    out.append("\"}")
  }
}
