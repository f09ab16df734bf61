// What a reader tells of tool calls.

internal import Wire

extension AnswerWriter {
  /// A tool call has begun.
  ///
  /// - Parameters:
  ///   - id: the provider's, still escaped; one is made where it is empty.
  ///   - signature: what Google signs a call with, still escaped; clients echo it.
  /// - Returns: the call's index in the choice, for `arguments`.
  package mutating func beginCall(
    id: Span<UInt8>, name: Span<UInt8>, signature: Span<UInt8> = Span(), choice index: Int = 0
  ) -> Int {
    hasContent = true
    note(.nothing)
    let choice = choice(index)
    let call = AnswerCall()
    if id.isEmpty { makeCallID(into: &call.id) } else { call.id.append(id) }
    call.name.append(name)
    call.signature.append(signature)
    guard choice.calls.count < Self.callCeiling else { return Self.callCeiling }
    choice.calls.append(call)
    guard isStream else {
      if let blocks, index == 0 {
        blocks.call(
          choice.calls.count - 1, id: unsafe call.id.view, name: name, signature: signature, into: &out)
      }
      return choice.calls.count - 1
    }
    openDelta(choice)
    out.append("\"tool_calls\":[{\"index\":")
    out.append(decimal: choice.calls.count - 1)
    out.append(",")
    call.writeHead(into: &out)
    out.append("\"}}]")
    closeDelta()
    return choice.calls.count - 1
  }

  /// A piece of a call's arguments: JSON inside a string of the provider's JSON, still escaped.
  package mutating func arguments(_ piece: Span<UInt8>, call: Int, choice index: Int = 0) {
    if piece.isEmpty { return }
    let choice = choice(index)
    guard call < choice.calls.count else { return }
    note(.arguments(call: call, choice: index), piece)
    choice.calls[call].hasArguments = true
    guard isStream else {
      if let blocks { return tell(blocks, .call(call), piece, index) }
      return choice.calls[call].arguments.append(piece)
    }
    openArguments(choice, call)
    out.append(piece)
    out.append("\"}}]")
    closeDelta()
  }

  /// A call's arguments as the JSON value that they are: written as text, without white space.
  package mutating func argumentsValue(_ json: Span<UInt8>, call: Int, choice index: Int = 0) {
    let choice = choice(index)
    guard call < choice.calls.count, !json.isEmpty else { return }
    note(.nothing)
    choice.calls[call].hasArguments = true
    if let blocks {
      var text = ByteQueue()
      JSONText.appendCompact(json, escaped: true, into: &text)
      return tell(blocks, .call(call), text.bytes, index)
    }
    guard isStream else {
      return JSONText.appendCompact(json, escaped: true, into: &choice.calls[call].arguments)
    }
    openArguments(choice, call)
    JSONText.appendCompact(json, escaped: true, into: &out)
    out.append("\"}}]")
    closeDelta()
  }

  /// The call is complete; one that has told no arguments has none, which is written `{}`.
  ///
  /// - Parameter input: a JSON value that holds where no arguments were told, or empty.
  package mutating func endCall(_ call: Int, input: Span<UInt8> = Span(), choice index: Int = 0) {
    let choice = choice(index)
    guard call < choice.calls.count, !choice.calls[call].hasArguments else { return }
    if !input.isEmpty { return argumentsValue(input, call: call, choice: index) }
    arguments(("{}" as StaticString).bytes, call: call, choice: index)
  }

  /// Appends an id for a call, unlike any other of the conversation.
  private mutating func makeCallID(into out: inout ByteQueue) {
    out.append("call_")
    out.append(frame.seed)
    out.append(decimal: callCount)
    callCount += 1
  }
}
