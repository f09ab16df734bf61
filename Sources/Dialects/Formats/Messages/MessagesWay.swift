// How a request of the Messages API passes, as it is, to a provider that has that API: what goes before the body.

package import Config
package import Wire

/// What a client's Messages request says outside its body.
package struct MessagesAsk: Sendable {
  /// It asks for the count of its tokens, and not for an answer.
  package var counts = false
  /// It asks for a stream.
  package var streams = false
  /// The client says itself which version of the API it speaks.
  package var hasVersion = false
  /// Values of the client's own `anthropic-beta`; of several with commas between.
  package var beta: [UInt8] = []

  package init() {}
}

/// Where such a request goes, and what changes in it.
package struct MessagesWay: ~Copyable {
  /// Behind the base URL's prefix.
  package var path = ByteQueue()
  /// The client's query goes on behind it.
  package var takesQuery = true
  /// Header lines of the provider's own, each with its CR LF.
  package var fields = ByteQueue()
  /// The client's fields that these replace.
  package var held = FieldNames()
  /// The provider reads the model in the path, and the API's version in the body: this one, where the body has none.
  package var version: StaticString?
  /// The body keeps its model nevertheless.
  package var keepsModel = false
  /// The request is put into the form of InvokeModel, with these betas in it, where the operator wants that; nil: it goes
  /// as it is.
  package var invokedBeta: [UInt8]?
  /// The provider keeps conversations that go on with their last turn alone.
  package var keepsThreads = false
  /// The provider is none of Claude's, and thinks without signing.
  package var takesUnsigned = false

  package init() {}
}

extension MessagesWay {
  /// Which model is asked, the body says.
  package var readsModel: Bool { version == nil || keepsModel }

  /// How a request passes as it is; nil where the provider has no Messages API for the model.
  ///
  /// - Parameter model: the name that the provider knows, in UTF-8; without a dialect it isn't looked at.
  package static func of(
    _ provider: Config.Provider, _ dialect: (any Dialect)?, _ ask: MessagesAsk, to model: [UInt8]
  ) throws(RequestFault) -> MessagesWay? {
    if let way = try dialect?.messages(ask, to: model) {
      if way.invokedBeta == nil || provider.messages == .native { return way }
      return nil
    }
    // At Bedrock only Claude has it, and there is no other path to it.
    guard provider.messages == .native, provider.kind != .bedrock else { return nil }
    var way = MessagesWay()
    way.takesUnsigned = true
    // A dialect's base URL ends before the API's version.
    if dialect != nil { way.path.append("/v1") }
    way.path.append(ask.counts ? "/messages/count_tokens" : "/messages")
    return way
  }

  /// Appends the values of two lists as one field, each once: the client's, then the operator's.
  mutating func merge(_ name: StaticString, _ client: [UInt8], _ own: [UInt8]) {
    fields.append(name)
    fields.append(": ")
    fields.append(client)
    var isEmpty = client.isEmpty
    for part in own.split(separator: ASCII.comma) {
      let word = Array(part)
      if Self.lists(client.span, word.span) { continue }
      if !isEmpty { fields.append(ASCII.comma) }
      fields.append(word)
      isEmpty = false
    }
    fields.append("\r\n")
  }

  private static func lists(_ list: Span<UInt8>, _ word: Span<UInt8>) -> Bool {
    var from = 0
    while from <= list.count {
      var end = from
      while end < list.count, list[end] != ASCII.comma { end += 1 }
      var start = from
      var stop = end
      while start < stop, list[start] <= ASCII.space { start += 1 }
      while stop > start, list[stop - 1] <= ASCII.space { stop -= 1 }
      if list.extracting(start..<stop).equals(word) { return true }
      from = end + 1
    }
    return false
  }
}

extension Passage {
  /// Has a Messages request go the way that its provider wants, behind `edit`.
  ///
  /// - Parameters:
  ///   - way: its fields are taken over.
  ///   - body: the client's, with what `scanner` found in it.
  package func take(
    _ way: inout MessagesWay, _ body: Span<UInt8>, _ scanner: borrowing JSONScanner
  ) throws(RequestFault) {
    swap(&fields, &way.fields)
    heldFields = way.held
    // Elsewhere it would be refused in words that no client knows, or passed over, and the conversation lost.
    if !way.keepsThreads, let thread = JSONView.value(body, in: 0..<body.count, at: "thread"),
      !JSONValue.isNull(body, thread)
    {
      throw MessagesRequest.noThread
    }
    let strings = scanner.strings
    try MessagesThoughts.remove(
      from: body, strings: strings.span, takesUnsigned: way.takesUnsigned, &splice)
    guard let version = way.version else { return }
    var member = ByteQueue()
    if JSONView.value(body, in: 0..<body.count, at: "anthropic_version") == nil {
      member.append("\"anthropic_version\":\"")
      member.append(version)
      member.append("\"")
    }
    guard !way.keepsModel, let model = scanner.found(.model) else {
      if !member.isEmpty { try? splice.insertMember(member.bytes, in: scanner) }
      return
    }
    // In the model's place, so that there is one edit; a name is never read where the path says it.
    if member.isEmpty {
      try? splice.remove(model)
    } else {
      try? splice.replace(model.key.lowerBound..<model.value.upperBound, with: member.bytes)
    }
  }
}
