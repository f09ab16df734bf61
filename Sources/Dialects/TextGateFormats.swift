// Where the pieces of texts lie in the events of a stream, in each of the clients' formats.

internal import Wire

extension TextGate {
  /// Finds the pieces of texts that an event brings.
  func read(_ data: Span<UInt8>, into out: inout ByteQueue) {
    let whole = 0..<data.count
    let type = JSONView.content(data, in: whole, at: "type")
    if !type.isEmpty { return readTyped(data, whole, type, into: &out) }
    guard JSONView.value(data, in: whole, at: "choices") != nil else {
      flush(like: data, into: &out) { _ in true }
      return restoreAll(data, whole)
    }
    var members = JSONObjectCursor(data, whole)
    while let member = members.next() {
      if member.keyIs("choices", in: data) {
        var elements = JSONArrayCursor(data, member.value)
        while let choice = elements.next() { readChoice(data, choice.value, into: &out) }
      } else {
        restoreMember(data, member)
      }
    }
  }

  /// A message's or a response's event.
  private func readTyped(
    _ data: Span<UInt8>, _ whole: Range<Int>, _ type: Span<UInt8>, into out: inout ByteQueue
  ) {
    if type.equals("content_block_delta") { return readBlock(data, whole, into: &out) }
    if type.equals("content_block_start") { return startBlock(data, whole) }
    if type.equals("content_block_stop") {
      let index = number(data, whole, "index")
      return flush(like: data, into: &out) { $0.kind.isBlock && $0.choice == index }
    }
    if type.begins("response."), type.ends(".delta") { return readResponse(data, whole, type) }
    if type.ends(".done") {
      // What comes next of this text is its whole: nothing of it stays behind.
      let item = number(data, whole, "output_index")
      flush(like: data, into: &out) { $0.kind.isResponse && $0.choice == item }
    } else if type.equals("message_delta") || type.equals("error") || type.equals("response.completed")
      || type.equals("response.incomplete") || type.equals("response.failed")
    {
      flush(like: data, into: &out) { _ in true }
    }
    // It has been counted in its pieces.
    watch?.counts = !type.begins("response.")
    restoreAll(data, whole)
    watch?.counts = true
  }

  func number(_ data: Span<UInt8>, _ range: Range<Int>, _ name: StaticString) -> Int {
    JSONView.value(data, in: range, at: name).flatMap { JSONValue.integer(data, $0) } ?? 0
  }

  // MARK: Chats

  /// A choice of a chat's or a completion's chunk.
  private func readChoice(_ data: Span<UInt8>, _ choice: Range<Int>, into out: inout ByteQueue) {
    let index = number(data, choice, "index")
    let isLast = !JSONView.content(data, in: choice, at: "finish_reason").isEmpty
    var members = JSONObjectCursor(data, choice)
    while let member = members.next() {
      if member.keyIs("delta", in: data) || member.keyIs("message", in: data) {
        readDelta(data, member.value, index, isLast)
      } else if member.keyIs("text", in: data) {
        feed(data, member.value, .init(kind: .legacy, choice: index), isLast: isLast)
      } else {
        restoreMember(data, member)
      }
    }
    // What isn't in this chunk comes before it, which is the last.
    if isLast {
      flush(like: data, into: &out) { !$0.kind.isBlock && !$0.kind.isResponse && $0.choice == index }
    }
  }

  private func readDelta(_ data: Span<UInt8>, _ delta: Range<Int>, _ choice: Int, _ isLast: Bool) {
    var members = JSONObjectCursor(data, delta)
    while let member = members.next() {
      let value = member.value
      func take(_ kind: TextChannel.Kind) {
        if member.kind == .string {
          feed(data, value, .init(kind: kind, choice: choice), isLast: isLast)
        } else {
          readParts(data, value, kind, choice, isLast)
        }
      }
      if member.keyIs("content", in: data) {
        take(.content)
      } else if member.keyIs("refusal", in: data) {
        take(.refusal)
      } else if member.keyIs("reasoning_content", in: data) {
        take(.reasoning)
      } else if member.keyIs("reasoning", in: data) {
        take(.otherReasoning)
      } else if member.keyIs("function_call", in: data) {
        if let arguments = JSONView.value(data, in: value, at: "arguments") {
          feed(data, arguments, .init(kind: .function, choice: choice), isLast: isLast)
        }
      } else if member.keyIs("tool_calls", in: data) {
        readCalls(data, value, choice, isLast)
      } else if member.keyIs("thinking_blocks", in: data) {
        readThoughts(data, value, .thought, choice, isLast)
      } else if member.keyIs("reasoning_details", in: data) {
        readThoughts(data, value, .detail, choice, isLast)
      } else {
        restoreMember(data, member)
      }
    }
  }

  private func readCalls(_ data: Span<UInt8>, _ list: Range<Int>, _ choice: Int, _ isLast: Bool) {
    var calls = JSONArrayCursor(data, list)
    while let call = calls.next() {
      let index = number(data, call.value, "index")
      if let arguments = JSONView.value(data, in: call.value, at: "function", "arguments") {
        if JSONView.kind(data, arguments) == .string {
          feed(data, arguments, .init(kind: .tool, choice: choice, part: index), isLast: isLast)
        } else {
          restoreLeaves(data, arguments)
        }
      }
      if let input = JSONView.value(data, in: call.value, at: "custom", "input") {
        feed(data, input, .init(kind: .custom, choice: choice, part: index), isLast: isLast)
      }
    }
  }

  /// A text in parts, as Mistral's: what is thought stands among them.
  private func readParts(
    _ data: Span<UInt8>, _ list: Range<Int>, _ kind: TextChannel.Kind, _ choice: Int, _ isLast: Bool
  ) {
    var parts = JSONArrayCursor(data, list)
    while let part = parts.next() {
      var members = JSONObjectCursor(data, part.value)
      while let member = members.next() {
        if member.keyIs("text", in: data) {
          feed(data, member.value, .init(kind: kind, choice: choice), isLast: isLast)
        } else if member.keyIs("thinking", in: data), member.kind == .array, kind == .content {
          readParts(data, member.value, .reasoning, choice, isLast)
        } else {
          restoreMember(data, member)
        }
      }
    }
  }

  /// Reasoning in blocks that may be signed: what is taken out of one takes its signature with it.
  private func readThoughts(
    _ data: Span<UInt8>, _ list: Range<Int>, _ kind: TextChannel.Kind, _ choice: Int, _ isLast: Bool
  ) {
    var blocks = JSONArrayCursor(data, list)
    var position = 0
    while let block = blocks.next() {
      let said = JSONView.value(data, in: block.value, at: "index").flatMap { JSONValue.integer(data, $0) }
      let place = TextChannel.Place(kind: kind, choice: choice, part: said ?? position)
      position += 1
      let signature = JSONView.value(data, in: block.value, at: "signature")
      let isSigned = signature.map { $0.count > 2 && JSONView.kind(data, $0) == .string } ?? false
      for name: StaticString in ["thinking", "text", "summary"] {
        guard let text = JSONView.value(data, in: block.value, at: name) else { continue }
        feed(data, text, place, isLast: isLast || isSigned)
      }
      if isSigned, let signature { unsign(data, signature, place) }
    }
  }

  /// Takes a signature away from what isn't any more what was signed.
  private func unsign(_ data: Span<UInt8>, _ signature: Range<Int>, _ place: TextChannel.Place) {
    guard channels.contains(where: { $0.place == place && $0.hasChanged }) else { return }
    replace(signature, with: Span())
  }

  // MARK: Messages

  /// A piece of a message's block.
  private func readBlock(_ data: Span<UInt8>, _ whole: Range<Int>, into out: inout ByteQueue) {
    guard let delta = JSONView.value(data, in: whole, at: "delta") else { return }
    let index = number(data, whole, "index")
    var members = JSONObjectCursor(data, delta)
    while let member = members.next() {
      if member.keyIs("text", in: data) {
        feed(data, member.value, .init(kind: .blockText, choice: index))
      } else if member.keyIs("partial_json", in: data) {
        feed(data, member.value, .init(kind: .blockInput, choice: index))
      } else if member.keyIs("thinking", in: data) {
        feed(data, member.value, .init(kind: .blockThinking, choice: index))
      } else if member.keyIs("signature", in: data), member.kind == .string {
        flush(like: data, into: &out) { $0 == .init(kind: .blockThinking, choice: index) }
        unsign(data, member.value, .init(kind: .blockThinking, choice: index))
      } else {
        restoreMember(data, member)
      }
    }
  }

  /// A block that begins, and may bring its first words, or all of a tool's.
  private func startBlock(_ data: Span<UInt8>, _ whole: Range<Int>) {
    guard let block = JSONView.value(data, in: whole, at: "content_block") else { return }
    let index = number(data, whole, "index")
    let type = JSONView.content(data, in: block, at: "type")
    guard type.equals("text") || type.equals("thinking") else { return restoreAll(data, block) }
    if let text = JSONView.value(data, in: block, at: "text") {
      feed(data, text, .init(kind: .blockText, choice: index))
    }
    if let thinking = JSONView.value(data, in: block, at: "thinking") {
      feed(data, thinking, .init(kind: .blockThinking, choice: index))
    }
  }

  // MARK: Responses

  /// A piece of a response's text.
  private func readResponse(_ data: Span<UInt8>, _ whole: Range<Int>, _ type: Span<UInt8>) {
    // Each piece of sound is coded by itself.
    if type.equals("response.audio.delta") || type.equals("response.output_audio.delta") { return }
    var place = TextChannel.Place(
      kind: type.ends("arguments.delta") ? .pieceArguments : .piece,
      choice: number(data, whole, "output_index"))
    // A summary and what it sums up may have parts of the same number.
    place.part =
      type.ends("summary_text.delta")
      ? -1 - number(data, whole, "summary_index") : number(data, whole, "content_index")
    var members = JSONObjectCursor(data, whole)
    while let member = members.next() {
      if member.keyIs("delta", in: data) {
        feed(data, member.value, place)
      } else if member.keyIs("logprobs", in: data) {
        removeLogprobs(member)
      }
    }
    guard let at = channels.lastIndex(where: { $0.place == place }), channels[at].type.isEmpty else { return }
    channels[at].type = type.array()
    channels[at].item = JSONView.content(data, in: whole, at: "item_id").array()
  }

  /// Moves an event's number up by the events that were put before it.
  func renumber(_ data: Span<UInt8>) {
    guard let value = JSONView.value(data, in: 0..<data.count, at: "sequence_number"),
      let number = JSONValue.integer(data, value)
    else { return }
    var text = ByteQueue()
    text.append(decimal: number.addingReportingOverflow(added).partialValue)
    put(text.bytes, in: value)
  }
}
