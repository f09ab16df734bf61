// Puts what a request refers to by ids in the place of the ids: the body that comes of it says all of the conversation.

package import Wire

extension ResponsesMemory {
  /// Reads what a request refers to.
  ///
  /// - Parameters:
  ///   - body: the request, a JSON object.
  ///   - out: gets the request with its references resolved; stays empty where it has none that are known here.
  /// - Returns: nil where nothing of it is to be remembered.
  package func recall(
    _ body: Span<UInt8>, scope: [UInt8], age: UInt64, now: UInt64, into out: inout ByteQueue
  ) -> ResponsesTurn? {
    var input: JSONObjectCursor.Member?
    var previous: [UInt8] = []
    var isKept = true
    var members = JSONObjectCursor(body, 0..<body.count)
    while let member = members.next() {
      if member.keyIs("input", in: body) {
        input = member
      } else if member.keyIs("store", in: body) {
        isKept = JSONValue.bool(body, member.value) != false
      } else if member.keyIs("previous_response_id", in: body), member.kind == .string {
        previous = JSONString.content(body, member.value).array()
      }
    }
    let turn = ResponsesTurn(isKept: isKept)
    var chain: [Entry] = []
    if !previous.isEmpty {
      // What isn't known here may be known to the provider.
      guard let known = self.chain(previous, scope: scope, age: age, now: now) else { return nil }
      chain = known
      turn.previous = previous
    }
    var isChanged = !chain.isEmpty
    if let input {
      isChanged = take(body, input, into: &turn.input, scope, age, now) || isChanged
    }
    if turn.input.count > Self.longestTurn { turn.isKept = false }
    if isChanged { compose(body, chain, turn.input.bytes, into: &out) }
    return turn
  }

  /// Appends the client's items, those that it only names in full.
  ///
  /// - Returns: whether there was one that it only names.
  private func take(
    _ body: Span<UInt8>, _ input: JSONObjectCursor.Member, into out: inout ByteQueue, _ scope: [UInt8],
    _ age: UInt64, _ now: UInt64
  ) -> Bool {
    if input.kind == .string {
      out.append("{\"type\":\"message\",\"role\":\"user\",\"content\":")
      out.append(body.extracting(input.value))
      out.append("}")
      return false
    }
    var isChanged = false
    var items = JSONArrayCursor(body, input.value)
    while let item = items.next() {
      if !out.isEmpty { out.append(ASCII.comma) }
      if let id = Self.reference(body, item), let known = self.item(id, scope, age, now) {
        out.append(known)
        isChanged = true
      } else {
        out.append(body.extracting(item.value))
      }
    }
    return isChanged
  }

  /// The id that an item is, where it is nothing but that.
  private static func reference(_ body: Span<UInt8>, _ item: JSONArrayCursor.Element) -> [UInt8]? {
    guard item.kind == .object else { return nil }
    var id: [UInt8]?
    var members = JSONObjectCursor(body, item.value)
    while let member = members.next() {
      if member.keyIs("id", in: body), member.kind == .string {
        id = JSONString.content(body, member.value).array()
      } else if member.keyIs("type", in: body) {
        if member.kind != .null, !JSONString.equals(body, member.value, "item_reference") { return nil }
      } else {
        return nil
      }
    }
    return id
  }

  /// The item `id` of an output that is kept. Its id names the response: `msg_SEED_NUMBER` is one of `resp_SEED`'s.
  private func item(_ id: [UInt8], _ scope: [UInt8], _ age: UInt64, _ now: UInt64) -> [UInt8]? {
    guard let start = id.firstIndex(of: UInt8(ascii: "_")), let end = id.lastIndex(of: UInt8(ascii: "_")),
      start < end
    else { return nil }
    let name = Array("resp_".utf8) + id[(start + 1)..<end]
    guard let entry = entry(name, scope: scope, age: age, now: now) else { return nil }
    let response = entry.response.span
    var items = JSONArrayCursor(response, entry.output.lowerBound - 1..<entry.output.upperBound + 1)
    while let item = items.next() {
      if JSONView.content(response, in: item.value, at: "id").equals(id.span) {
        return response.extracting(item.value).array()
      }
    }
    return nil
  }

  private func compose(
    _ body: Span<UInt8>, _ chain: [Entry], _ input: Span<UInt8>, into out: inout ByteQueue
  ) {
    out.append("{")
    var members = JSONObjectCursor(body, 0..<body.count)
    while let member = members.next() {
      if member.keyIs("input", in: body) || member.keyIs("previous_response_id", in: body) { continue }
      out.append("\"")
      out.append(body.extracting(member.key))
      out.append("\":")
      out.append(body.extracting(member.value))
      out.append(ASCII.comma)
    }
    out.append("\"input\":[")
    var isFirst = true
    func add(_ items: Span<UInt8>) {
      if items.isEmpty { return }
      if !isFirst { out.append(ASCII.comma) }
      isFirst = false
      out.append(items)
    }
    for entry in chain {
      add(entry.input.span)
      add(entry.response.span.extracting(entry.output))
    }
    add(input)
    out.append("]}")
  }
}
