// Reads what the turns of a conversation are made of: parts of content, tool calls, earlier reasoning.

internal import Wire

extension ChatRequest {
  /// Reads a message's content, which comes next.
  func readContent(
    _ body: Span<UInt8>, _ walk: inout JSONWalk, _ index: Int
  ) throws(RequestFault) {
    if walk.enterArray() {
      var position = 0
      while walk.nextElement() {
        try readPart(body, &walk, (index, position))
        position += 1
        guard parts.count <= Self.listCeiling else {
          throw RequestFault(.invalid, "messages", "'messages' has more than \(Self.listCeiling) parts.")
        }
      }
      return
    }
    guard let (value, kind) = walk.pass(), kind != .null else { return }
    guard kind == .string else {
      throw Self.wrong("messages[\(index)].content", "a string or a list of parts")
    }
    parts.append(ChatPart(kind: .text, value: value, place: (index, 0)))
  }

  /// The members of a content part, by name: all that any type of part has.
  private struct PartMembers {
    var type: Range<Int>?
    var text: Range<Int>?
    var refusal: Range<Int>?
    var image: Range<Int>?
    var detail: Range<Int>?
    var audio: Range<Int>?
    var format: Range<Int>?
    var data: Range<Int>?
    var fileID: Range<Int>?
    var fileName: Range<Int>?
    var cacheControl: Range<Int>?

    init(_ body: Span<UInt8>, _ walk: inout JSONWalk) {
      while let key = walk.nextKey() {
        if key.says("image_url", in: body), walk.enterObject() {
          readImage(body, &walk)
        } else if key.says("input_audio", in: body), walk.enterObject() {
          readAudio(body, &walk)
        } else if key.says("file", in: body), walk.enterObject() {
          readFile(body, &walk)
        } else if let (value, kind) = walk.pass() {
          let text = kind == .string ? value : nil
          if key.says("text", in: body) {
            self.text = text
          } else if key.says("type", in: body) {
            type = text
          } else if key.says("image_url", in: body) {
            (image, detail) = (text, nil)
          } else if key.says("refusal", in: body) {
            refusal = text
          } else if key.says("cache_control", in: body) {
            cacheControl = kind == .object ? value : nil
          }
        }
      }
    }

    private mutating func readImage(_ body: Span<UInt8>, _ walk: inout JSONWalk) {
      (image, detail) = (nil, nil)
      while let member = walk.nextMember() {
        let text = member.kind == .string ? member.value : nil
        if member.keyIs("url", in: body) { image = text }
        if member.keyIs("detail", in: body) { detail = text }
      }
    }

    private mutating func readAudio(_ body: Span<UInt8>, _ walk: inout JSONWalk) {
      while let member = walk.nextMember() {
        let text = member.kind == .string ? member.value : nil
        if member.keyIs("data", in: body) { audio = text }
        if member.keyIs("format", in: body) { format = text }
      }
    }

    private mutating func readFile(_ body: Span<UInt8>, _ walk: inout JSONWalk) {
      while let member = walk.nextMember() {
        let text = member.kind == .string ? member.value : nil
        if member.keyIs("file_data", in: body) { data = text }
        if member.keyIs("file_id", in: body) { fileID = text }
        if member.keyIs("filename", in: body) { fileName = text }
      }
    }
  }

  private func readPart(
    _ body: Span<UInt8>, _ walk: inout JSONWalk, _ place: (message: Int, part: Int)
  ) throws(RequestFault) {
    var part = ChatPart(kind: .text, value: nil, place: place)
    guard walk.enterObject() else {
      guard let (value, kind) = walk.pass(), kind == .string else {
        throw Self.wrong(part.parameter, "an object")
      }
      part.value = value
      return parts.append(part)
    }
    let members = PartMembers(body, &walk)
    guard let type = members.type else {
      throw RequestFault(.invalid, part.parameter + ".type", "A part of the content must say its 'type'.")
    }
    part.cacheControl = members.cacheControl
    if JSONString.equals(body, type, "text") {
      part.value = members.text
    } else if JSONString.equals(body, type, "refusal") {
      part.kind = .refusal
      part.value = members.refusal
    } else if JSONString.equals(body, type, "image_url") {
      part.kind = .image
      part.value = members.image
      part.second = members.detail
    } else if JSONString.equals(body, type, "input_audio") {
      part.kind = .audio
      part.value = members.audio
      part.second = members.format
    } else if JSONString.equals(body, type, "file") {
      part.kind = .file
      part.value = members.data
      part.second = members.fileID
      part.third = members.fileName
    } else {
      throw RequestFault(
        .unsupported, part.parameter + ".type",
        "This type of content part can't be translated for the model's provider; "
          + "text, image_url, input_audio, file and refusal can.")
    }
    if part.value == nil, !(part.kind == .file && part.second != nil) {
      throw RequestFault(.invalid, part.parameter, "The content part lacks what its type promises.")
    }
    parts.append(part)
  }

  // MARK: Calls

  /// Reads an assistant's calls, a list that comes next.
  func readCalls(
    _ body: Span<UInt8>, _ walk: inout JSONWalk, _ index: Int
  ) throws(RequestFault) -> Range<Int> {
    let first = calls.count
    guard walk.enterArray() else { return first..<first }
    while walk.nextElement() {
      try readCall(body, &walk, (index, calls.count - first))
      guard calls.count <= Self.listCeiling else {
        throw RequestFault(.invalid, "messages", "'messages' has more than \(Self.listCeiling) tool calls.")
      }
    }
    return first..<calls.count
  }

  /// What a call says of its function.
  private struct Function {
    var name: Range<Int>?
    var arguments: Range<Int>?
    var cacheControl: Range<Int>?

    init() {}

    init(_ body: Span<UInt8>, _ walk: inout JSONWalk) {
      while let member = walk.nextMember() {
        if member.keyIs("name", in: body) {
          name = member.kind == .string ? member.value : nil
        } else if member.keyIs("arguments", in: body) {
          arguments = member.kind == .null ? nil : member.value
        } else if member.kind == .object, member.keyIs("cache_control", in: body) {
          cacheControl = member.value
        }
      }
    }
  }

  private func readCall(
    _ body: Span<UInt8>, _ walk: inout JSONWalk, _ place: (message: Int, call: Int)
  ) throws(RequestFault) {
    func parameter() -> String { "messages[\(place.message)].tool_calls[\(place.call)]" }
    var id: Range<Int>?
    var function = Function()
    var extra: Range<Int>?
    // Of clients' own: in the call, or in its function.
    var cacheControl: Range<Int>?
    if walk.enterObject() {
      while let key = walk.nextKey() {
        if key.says("function", in: body), walk.enterObject() {
          function = Function(body, &walk)
          continue
        }
        guard let (value, kind) = walk.pass() else { break }
        if key.says("id", in: body) {
          id = kind == .string ? value : nil
        } else if key.says("function", in: body) {
          function = Function()
        } else if key.says("extra_content", in: body) {
          extra = value
        } else if kind == .object, key.says("cache_control", in: body) {
          cacheControl = value
        } else if kind == .object, key.says("custom", in: body) {
          throw RequestFault(
            .unsupported, parameter(),
            "Custom tools can't be translated for the model's provider; use functions.")
        }
      }
    } else {
      _ = walk.pass()
    }
    guard let name = function.name else {
      throw RequestFault(.invalid, parameter() + ".function.name", "A tool call must name its function.")
    }
    var call = ChatCall(name: name, place: place)
    call.id = id
    call.cacheControl = cacheControl ?? function.cacheControl
    call.arguments = function.arguments
    if let extra, let signature = JSONView.value(body, in: extra, at: "google", "thought_signature"),
      JSONView.kind(body, signature) == .string
    {
      call.signature = signature
    }
    calls.append(call)
  }

  // MARK: Reasoning

  /// Reads a message's blocks of reasoning, whose list the walk has entered.
  func readThinking(_ body: Span<UInt8>, _ walk: inout JSONWalk) -> Range<Int> {
    let first = thinking.count
    while walk.nextElement() {
      guard walk.enterObject() else {
        _ = walk.pass()
        continue
      }
      var block = ChatThinking()
      while let member = walk.nextMember() {
        guard member.kind == .string else { continue }
        if member.keyIs("thinking", in: body) {
          block.text = member.value
        } else if member.keyIs("signature", in: body) {
          block.signature = member.value
        } else if member.keyIs("data", in: body) {
          block.redacted = member.value
        }
      }
      guard thinking.count < Self.listCeiling else { continue }
      if block.text != nil || block.redacted != nil || block.signature != nil { thinking.append(block) }
    }
    return first..<thinking.count
  }
}
