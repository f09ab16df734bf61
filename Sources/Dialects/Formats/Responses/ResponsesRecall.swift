// Puts what a request refers to by ids in the place of the ids: the body that comes of it says all of the conversation.

package import Wire

extension ResponsesMemory {
  /// Reads what a request refers to.
  ///
  /// - Parameters:
  ///   - body: the request, a JSON object.
  ///   - strings: where its long strings lie, as far as that is known.
  ///   - out: gets the request with its references resolved; stays empty where it has none that are known here.
  /// - Returns: nil where nothing of it is to be remembered.
  package func recall(
    _ body: Span<UInt8>, strings: JSONPlaces = JSONPlaces(), scope: [UInt8], age: UInt64, now: UInt64,
    into out: inout ByteQueue
  ) -> ResponsesTurn? {
    let places = strings.span
    var walk = JSONWalk(body, strings: places)
    var input = ResponsesInput()
    var previous: [UInt8] = []
    var isKept = true
    guard walk.enterObject() else { return nil }
    while let key = walk.nextKey() {
      if key.says("input", in: body) {
        // Of several the last counts.
        input = ResponsesInput(body, &walk)
      } else if let (value, kind) = walk.pass() {
        if key.says("store", in: body) {
          isKept = JSONValue.bool(body, value) != false
        } else if key.says("previous_response_id", in: body), kind == .string {
          previous = JSONString.content(body, value).array()
        }
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
    isChanged = take(body, input, into: &turn.input, scope, age, now) || isChanged
    if turn.input.count > Self.longestTurn { turn.isKept = false }
    if isChanged {
      let items = turn.input
      compose(body, chain, items.span, into: &out)
    }
    return turn
  }

  /// Appends the client's items, those that it only names in full.
  ///
  /// - Returns: whether there was one that it only names.
  private func take(
    _ body: Span<UInt8>, _ input: ResponsesInput, into items: inout [UInt8], _ scope: [UInt8],
    _ age: UInt64, _ now: UInt64
  ) -> Bool {
    if input.references.isEmpty, !input.isText {
      items = body.extracting(input.range).array()
      return false
    }
    var out = ByteQueue()
    defer { items = out.array() }
    if input.isText {
      out.append("{\"type\":\"message\",\"role\":\"user\",\"content\":")
      out.append(body.extracting(input.range))
      out.append("}")
      return false
    }
    var isChanged = false
    var at = input.range.lowerBound
    out.reserve(input.range.count)
    for (id, place) in input.references {
      guard let known = item(id, scope, age, now) else { continue }
      out.append(body.extracting(at..<place.lowerBound))
      out.append(known)
      at = place.upperBound
      isChanged = true
    }
    out.append(body.extracting(at..<input.range.upperBound))
    return isChanged
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

/// The input of a request, as far as recalling needs to know it.
private struct ResponsesInput {
  /// The text with its quotes, or what stands between a list's brackets, from its first item to the end of its last.
  private(set) var range = 0..<0
  private(set) var isText = false
  /// Items that are nothing but an id.
  private(set) var references: [(id: [UInt8], place: Range<Int>)] = []

  init() {}

  /// Reads the value that comes next.
  init(_ body: Span<UInt8>, _ walk: inout JSONWalk) {
    if case .string? = walk.kind, let value = walk.pass()?.range {
      range = value
      isText = true
      return
    }
    guard walk.enterArray() else {
      _ = walk.pass()
      return
    }
    var isFirst = true
    while walk.nextElement() {
      // The kind passes over what stands before it.
      let kind = walk.kind
      let start = walk.at
      if isFirst { range = start..<start }
      isFirst = false
      if kind == .object, let id = Self.reference(body, &walk) {
        references.append((id, start..<walk.at))
      } else if kind != .object {
        _ = walk.pass()
      }
      range = range.lowerBound..<max(walk.at, range.lowerBound)
    }
  }

  /// The id that the item is that comes next, where it is nothing but that. It is passed.
  private static func reference(_ body: Span<UInt8>, _ walk: inout JSONWalk) -> [UInt8]? {
    if walk.takePlainTurn() != nil { return nil }
    guard walk.enterObject() else { return nil }
    var id: Range<Int>?
    var isMore = false
    while let member = walk.nextMember() {
      if member.keyIs("id", in: body), member.kind == .string {
        id = member.value
      } else if member.keyIs("type", in: body) {
        if member.kind != .null, !JSONString.equals(body, member.value, "item_reference") { isMore = true }
      } else {
        isMore = true
      }
    }
    guard !isMore, let id else { return nil }
    return JSONString.content(body, id).array()
  }
}
