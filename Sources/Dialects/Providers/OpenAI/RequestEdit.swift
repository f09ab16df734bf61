// Carries out a row of the quirks on a request: edits over scanned bytes, nothing else moves.

package import Wire

/// Writes the edits that a provider's quirks ask for.
package struct RequestEdit {
  private let rules: RequestRules
  private let whole: Range<Int>
  private let clearsForeign: Bool
  private let hasGateway: Bool

  private init(_ rules: RequestRules, count: Int, clearsForeign: Bool, hasGateway: Bool) {
    self.rules = rules
    whole = 0..<count
    self.clearsForeign = clearsForeign
    self.hasGateway = hasGateway
  }

  /// Nil where bodies of `shape` go to this provider as they come.
  ///
  /// A function and no failable initialiser: one that fails with some of its members set was compiled, optimised, into
  /// code that destroys the others too (Swift 6.3).
  ///
  /// - Parameters:
  ///   - count: the body's length.
  ///   - noticed: what the scanner noticed: whether the body may hold `ForeignMembers`, and whether `GatewayMembers` are
  ///     taken out of it already.
  package static func of(_ quirks: Quirks, _ shape: BodyShape, count: Int, _ noticed: Noticed = [])
    -> RequestEdit?
  {
    let hasForeign = noticed.contains(.foreign)
    let hasGateway = noticed.contains(.gateway)
    let clearsForeign = quirks.refusesForeign && hasForeign && shape == .chat
    if let rules = quirks.rules(shape) {
      return RequestEdit(rules, count: count, clearsForeign: clearsForeign, hasGateway: hasGateway)
    }
    return clearsForeign
      ? RequestEdit(RequestRules(), count: count, clearsForeign: true, hasGateway: hasGateway) : nil
  }

  /// Adds the edits to `splice`, which may already hold those of `RequestFacts`.
  ///
  /// - Throws: `RequestFault` where the request would mean something else without what must go, or has more to change
  ///   than one request can.
  package func write(
    _ body: Span<UInt8>, _ splice: inout JSONSplice, dropped: inout DroppedFields
  ) throws(RequestFault) {
    do throws(EditFault) {
      var members = JSONObjectCursor(body, whole)
      while let member = members.next() {
        if RequestFacts.isOwn(body, member.key) { continue }
        if hasGateway, let known = GatewayMember(body, member.key), known.isHonoured { continue }
        try edit(member, body, &splice, &dropped)
      }
      if clearsForeign { try ForeignMembers.write(body, whole, &splice, &dropped) }
    } catch {
      switch error {
      case .request(let fault): throw fault
      case .splice:
        throw RequestFault(
          .invalid, "messages",
          "The request has more to change for its provider than one request can; send fewer messages.")
      }
    }
  }

  private func edit(
    _ member: JSONObjectCursor.Member, _ body: Span<UInt8>, _ splice: inout JSONSplice,
    _ dropped: inout DroppedFields
  ) throws(EditFault) {
    if member.kind == .null, rules.dropsNulls { return try splice.remove(member, body) }
    for rule in rules.fields where member.keyIs(rule.name, in: body) {
      // A null says nothing, and strict providers refuse it even under a name that they know.
      if member.kind == .null { return try splice.remove(member, body) }
      return try carryOut(rule, member, body, &splice, &dropped)
    }
    if let messages = rules.messages, member.kind == .array, member.keyIs("messages", in: body) {
      let thinks = !messages.thinksBetweenCalls || !isThinkingOff(body)
      return try MessageEdit(messages, thinks: thinks).write(body, member.value, &splice, &dropped)
    }
    if rules.strictTools, member.kind == .array, member.keyIs("tools", in: body) {
      return try ToolEdit.write(body, member.value, &splice, &dropped)
    }
    if rules.known.isEmpty || rules.known.contains(where: { member.keyIs($0, in: body) }) { return }
    for name in RequestRules.meaningful where member.keyIs(name, in: body) {
      return try refuse(name, member, body, &splice)
    }
    dropped.add(body.extracting(member.key))
    try splice.remove(member, body)
  }

  private func carryOut(
    _ rule: FieldRule, _ member: JSONObjectCursor.Member, _ body: Span<UInt8>, _ splice: inout JSONSplice,
    _ dropped: inout DroppedFields
  ) throws(EditFault) {
    switch rule.action {
    case .drop:
      // What is switched off is not missed.
      if JSONValue.bool(body, member.value) != false { dropped.add(rule.name) }
      try splice.remove(member, body)
    case .omit: try splice.remove(member, body)
    case .refuse: try refuse(rule.name, member, body, &splice)
    case .rename(let name):
      try splice.change(member.key, name)
      if let other = Self.member(name, body, whole) { try splice.remove(other, body) }
    case .one:
      if JSONValue.integer(body, member.value) == 1 { return }
      throw .unsupported(rule.name, "more than one choice")
    case .most(let ceiling):
      guard let value = JSONValue.double(body, member.value), value > ceiling else { return }
      dropped.add(rule.name)
      try splice.change(member.value, "\(ceiling)")
    case .words(let words):
      guard member.kind == .string else { return }
      for word in words where JSONString.equals(body, member.value, word.from) {
        try splice.change(JSONString.range(body, member.value), word.to)
      }
    case .counted:
      guard let isOn = JSONValue.bool(body, member.value) else { return }
      let top = Self.member("top_logprobs", body, whole).flatMap { JSONValue.integer(body, $0.value) }
      if isOn {
        try splice.change(member.value, "\(max(top ?? 1, 1))")
      } else {
        try splice.remove(member, body)
      }
    case .namedFunction:
      guard member.kind == .object else { return }
      let type = JSONView.value(body, in: member.value, at: "type")
      if let type, JSONString.equals(body, type, "function") { return }
      throw .unsupported(rule.name, "this form of it; name a function, or say auto, none or required")
    case .plainPrediction:
      if let content = JSONView.value(body, in: member.value, at: "content"),
        JSONView.kind(body, content) == .string
      {
        return
      }
      dropped.add(rule.name)
      try splice.remove(member, body)
    case .texts:
      var elements = JSONArrayCursor(body, member.value)
      guard let first = elements.next(), first.kind != .string else { return }
      throw .unsupported(rule.name, "tokens; send texts")
    }
  }

  /// Whether the request itself says that the model is not to think.
  private func isThinkingOff(_ body: Span<UInt8>) -> Bool {
    guard let type = JSONView.value(body, in: whole, at: "thinking", "type") else { return false }
    return JSONString.equals(body, type, "disabled")
  }

  /// Refuses a member, unless it says nothing.
  private func refuse(
    _ name: StaticString, _ member: JSONObjectCursor.Member, _ body: Span<UInt8>, _ splice: inout JSONSplice
  ) throws(EditFault) {
    let isDefault = name.bytes.equals("n") && JSONValue.integer(body, member.value) == 1
    if isDefault || JSONView.isHollow(body, member.value) || Self.isPlainText(name, member, body) {
      return try splice.remove(member, body)
    }
    throw .unsupported(name, nil)
  }

  /// `modalities: ["text"]` asks for what every answer is.
  private static func isPlainText(
    _ name: StaticString, _ member: JSONObjectCursor.Member, _ body: Span<UInt8>
  ) -> Bool {
    guard name.bytes.equals("modalities") else { return false }
    var elements = JSONArrayCursor(body, member.value)
    while let element = elements.next() {
      if !JSONString.equals(body, element.value, "text") { return false }
    }
    return true
  }

  /// The last member called `name`, if it says something.
  private static func member(
    _ name: StaticString, _ body: Span<UInt8>, _ object: Range<Int>
  ) -> JSONObjectCursor.Member? {
    var members = JSONObjectCursor(body, object)
    var found: JSONObjectCursor.Member?
    while let member = members.next() {
      if member.keyIs(name, in: body), member.kind != .null { found = member }
    }
    return found
  }
}

/// Why edits could not be made.
enum EditFault: Error {
  case request(RequestFault)
  case splice

  /// - Parameter what: of the member, in the words of an error's sentence; nil where it is the whole of it.
  static func unsupported(_ parameter: StaticString, _ what: StaticString?) -> EditFault {
    let detail = what.map { ": it does not take \($0)" } ?? ""
    return .request(
      RequestFault(
        .unsupported, "\(parameter)",
        "The model's provider can't be told '\(parameter)'\(detail). Leave it out, or ask another model."))
  }
}

extension JSONView {
  /// Whether a value says nothing: null, an empty list, object or text.
  static func isHollow(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    switch kind(bytes, range) {
    case .null: return true
    case .string: return range.count == 2
    case .array:
      var elements = JSONArrayCursor(bytes, range)
      return elements.next() == nil
    case .object:
      var members = JSONObjectCursor(bytes, range)
      return members.next() == nil
    default: return false
    }
  }
}

extension JSONString {
  /// Between the quotes.
  static func range(_ bytes: Span<UInt8>, _ value: Range<Int>) -> Range<Int> {
    value.count >= 2 ? value.lowerBound + 1..<value.upperBound - 1 : value
  }
}

extension JSONSplice {
  mutating func change(_ range: Range<Int>, _ text: StaticString) throws(EditFault) {
    try change(range, text.bytes)
  }

  mutating func change(_ range: Range<Int>, _ text: String) throws(EditFault) {
    var queue = ByteQueue()
    queue.append(text)
    try change(range, queue.bytes)
  }

  mutating func change(_ range: Range<Int>, _ bytes: Span<UInt8>) throws(EditFault) {
    do throws(JSONSpliceFault) { try replace(range, with: bytes) } catch { throw .splice }
  }

  mutating func put(_ text: Span<UInt8>, at offset: Int) throws(EditFault) {
    do throws(JSONSpliceFault) { try insert(at: offset, text) } catch { throw .splice }
  }

  /// Takes a member of the text's own object out.
  mutating func remove(_ member: JSONObjectCursor.Member, _ body: Span<UInt8>) throws(EditFault) {
    do throws(JSONSpliceFault) { try remove(key: member.key, value: member.value, in: body) } catch {
      throw .splice
    }
  }
}

/// Takes members out of one inner object, or elements out of a list, their commas with them. Each is shown, in order.
struct InnerRemoval {
  private var items = ItemRemoval()

  mutating func keep(_ member: JSONObjectCursor.Member, _ splice: inout JSONSplice) throws(EditFault) {
    try keep(Self.range(member), &splice)
  }

  mutating func remove(_ member: JSONObjectCursor.Member, _ splice: inout JSONSplice) throws(EditFault) {
    try remove(Self.range(member), &splice)
  }

  mutating func keep(_ element: Range<Int>, _ splice: inout JSONSplice) throws(EditFault) {
    do throws(JSONSpliceFault) { try items.keep(element, &splice) } catch { throw .splice }
  }

  mutating func remove(_ element: Range<Int>, _ splice: inout JSONSplice) throws(EditFault) {
    do throws(JSONSpliceFault) { try items.remove(element, &splice) } catch { throw .splice }
  }

  /// None is left to show.
  mutating func finish(_ splice: inout JSONSplice) throws(EditFault) {
    do throws(JSONSpliceFault) { try items.finish(&splice) } catch { throw .splice }
  }

  private static func range(_ member: JSONObjectCursor.Member) -> Range<Int> {
    member.key.lowerBound - 1..<member.value.upperBound
  }
}
