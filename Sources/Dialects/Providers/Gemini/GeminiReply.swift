// An answer of generateContent. A stream's events have the same form as a whole answer, with pieces of the parts, so
// both are read here; GeminiStream.swift says when a stream is whole.

internal import Wire

/// Reads one answer, whole or event by event.
final class GeminiReader: AnswerReader {
  /// What is known of each candidate; bounded by `AnswerWriter.choiceCeiling`.
  var candidates: [Candidate] = []
  /// The prompt was blocked, so that there are no candidates.
  var isBlocked = false

  struct Candidate {
    var hasFinished = false
    /// What Google signs a text with, still escaped: the last one counts.
    var signature: [UInt8] = []
    /// What the answer rests on, where Google has searched: an object.
    var grounding: [UInt8] = []
    var hasToldExtra = false
    var images = 0
  }

  func read(_ body: Span<UInt8>, strings: JSONPlaces, to answer: inout AnswerWriter) throws(AnswerFault) {
    var whole = 0..<body.count
    // An error may come as the one element of an array.
    var elements = JSONArrayCursor(body, whole)
    if let first = elements.next() { whole = first.value }
    guard try readResponse(body, whole, to: &answer) else { throw .malformed }
    for index in candidates.indices { tellExtra(index, to: &answer) }
  }

  /// Reads one object of the response; false where it is none.
  func readResponse(
    _ data: Span<UInt8>, _ whole: Range<Int>, to answer: inout AnswerWriter
  ) throws(AnswerFault) -> Bool {
    var said: Range<Int>?
    var usage: Range<Int>?
    var feedback: Range<Int>?
    var id: Range<Int>?
    var version: Range<Int>?
    var created: Int?
    var members = JSONObjectCursor(data, whole)
    while let member = members.next() {
      if member.keyIs("candidates", in: data) {
        said = member.value
      } else if member.keyIs("usageMetadata", in: data) {
        usage = member.value
      } else if member.keyIs("modelVersion", in: data), member.kind == .string {
        version = member.value
      } else if member.keyIs("responseId", in: data), member.kind == .string {
        id = member.value
      } else if member.keyIs("createTime", in: data) {
        created = CivilTime.unixSeconds(rfc3339: JSONString.content(data, member.value))
      } else if member.keyIs("promptFeedback", in: data) {
        feedback = member.value
      } else if member.keyIs("error", in: data), member.kind == .object {
        throw GeminiFault.answerFault(data, member.value)
      }
    }
    answer.identify(
      id: JSONString.content(data, id ?? 0..<0), model: JSONString.content(data, version ?? 0..<0),
      created: created)
    if let usage { readUsage(data, usage, to: &answer) }
    var position = 0
    if let said {
      var elements = JSONArrayCursor(data, said)
      while let element = elements.next() {
        try readCandidate(data, element.value, position, to: &answer)
        position += 1
      }
    }
    if position == 0, let feedback, JSONView.value(data, in: feedback, at: "blockReason") != nil {
      isBlocked = true
      answer.finish(.contentFilter)
    }
    return said != nil || usage != nil || feedback != nil
  }

  // MARK: Candidates

  private func readCandidate(
    _ data: Span<UInt8>, _ range: Range<Int>, _ position: Int, to answer: inout AnswerWriter
  ) throws(AnswerFault) {
    var index = position
    var content: Range<Int>?
    var reason: Range<Int>?
    var message: Range<Int>?
    var logprobs: Range<Int>?
    var grounding: Range<Int>?
    var members = JSONObjectCursor(data, range)
    while let member = members.next() {
      if member.keyIs("content", in: data) {
        content = member.value
      } else if member.keyIs("finishReason", in: data), member.kind == .string {
        reason = member.value
      } else if member.keyIs("index", in: data) {
        index = JSONValue.integer(data, member.value) ?? position
      } else if member.keyIs("finishMessage", in: data), member.kind == .string {
        message = member.value
      } else if member.keyIs("logprobsResult", in: data) {
        logprobs = member.value
      } else if member.keyIs("groundingMetadata", in: data), member.kind == .object, member.value.count > 2 {
        grounding = member.value
      }
    }
    guard index >= 0, index < AnswerWriter.choiceCeiling else { return }
    while candidates.count <= index { candidates.append(Candidate()) }
    if let parts = content.flatMap({ JSONView.value(data, in: $0, at: "parts") }) {
      var elements = JSONArrayCursor(data, parts)
      while let part = elements.next() { readPart(data, part.value, index, to: &answer) }
    }
    if let logprobs {
      var object = ByteQueue()
      if GeminiLogprobs.append(data, logprobs, into: &object) {
        answer.text(data.extracting(0..<0), choice: index, logprobs: object.bytes)
      }
    }
    if let grounding { candidates[index].grounding = data.extracting(grounding).array() }
    guard let reason else { return }
    candidates[index].hasFinished = true
    answer.finish(try Self.finish(data, reason, message, to: &answer), choice: index)
  }

  private func readPart(
    _ data: Span<UInt8>, _ part: Range<Int>, _ index: Int, to answer: inout AnswerWriter
  ) {
    var text: Range<Int>?
    var signature: Range<Int>?
    var isThought = false
    var members = JSONObjectCursor(data, part)
    var call: Range<Int>?
    while let member = members.next() {
      if member.keyIs("text", in: data), member.kind == .string {
        text = member.value
      } else if member.keyIs("thought", in: data) {
        isThought = member.kind == .true
      } else if member.keyIs("thoughtSignature", in: data), member.kind == .string {
        signature = member.value
      } else if member.keyIs("functionCall", in: data), member.kind == .object {
        call = member.value
      } else if member.keyIs("inlineData", in: data), member.kind == .object {
        tellImage(data, member.value, index, to: &answer)
      }
    }
    if let call { return readCall(data, call, signature, index, to: &answer) }
    // Parts of other kinds tell of tools that ran at the provider.
    guard let text else { return }
    if isThought {
      answer.reasoning(JSONString.content(data, text), choice: index)
    } else {
      answer.text(JSONString.content(data, text), choice: index)
    }
    if let signature { candidates[index].signature = JSONString.content(data, signature).array() }
  }

  /// A call comes whole.
  private func readCall(
    _ data: Span<UInt8>, _ range: Range<Int>, _ signature: Range<Int>?, _ index: Int,
    to answer: inout AnswerWriter
  ) {
    let call = answer.beginCall(
      id: JSONView.content(data, in: range, at: "id"), name: JSONView.content(data, in: range, at: "name"),
      signature: JSONString.content(data, signature ?? 0..<0), choice: index)
    if let arguments = JSONView.value(data, in: range, at: "args"), JSONView.kind(data, arguments) == .object
    {
      answer.argumentsValue(data.extracting(arguments), call: call, choice: index)
    }
    answer.endCall(call, choice: index)
  }

  /// A text's signature, which clients echo, in the place that Google's own surface in OpenAI's format has for it, and
  /// what Google found, beside it. Told once: clients that add up what a stream brings would double it.
  func tellExtra(_ index: Int, to answer: inout AnswerWriter) {
    let candidate = candidates[index]
    if candidate.hasToldExtra || candidate.signature.isEmpty && candidate.grounding.isEmpty { return }
    candidates[index].hasToldExtra = true
    var member = ByteQueue()
    member.append("\"extra_content\":{\"google\":{")
    if !candidate.signature.isEmpty {
      member.append("\"thought_signature\":\"")
      member.append(candidate.signature)
      member.append(candidate.grounding.isEmpty ? "\"" : "\",")
    }
    if !candidate.grounding.isEmpty {
      member.append("\"grounding_metadata\":")
      JSONText.appendCompact(candidate.grounding.span, escaped: false, into: &member)
    }
    member.append("}}")
    answer.messageMember(member.bytes, choice: index)
    candidates[index].signature = []
    candidates[index].grounding = []
  }

  /// A picture that the model made, as a `data:` URL where other gateways put it (`message.images`).
  private func tellImage(
    _ data: Span<UInt8>, _ range: Range<Int>, _ index: Int, to answer: inout AnswerWriter
  ) {
    let type = JSONView.content(data, in: range, at: "mimeType")
    let image = JSONView.content(data, in: range, at: "data")
    guard !image.isEmpty, type.count > 6, type.extracting(0..<6).equals("image/") else { return }
    var item = ByteQueue()
    item.append("{\"type\":\"image_url\",\"index\":")
    item.append(decimal: candidates[index].images)
    item.append(",\"image_url\":{\"url\":\"data:")
    item.append(type)
    item.append(";base64,")
    item.append(image)
    item.append("\"}}")
    candidates[index].images += 1
    answer.image(item.bytes, choice: index)
  }

  // MARK: Ends

  private static let filtered: [StaticString] = [
    "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR",
    "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
  ]
  private static let failed: [StaticString] = [
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
  ]

  /// Reasons that say no more than that it ended.
  private static let stopped: [StaticString] = ["OTHER", "NO_IMAGE", "FINISH_REASON_UNSPECIFIED"]

  /// OpenAI's reason; an unknown one is a stop. Some say that there is no answer.
  private static func finish(
    _ data: Span<UInt8>, _ reason: Range<Int>, _ message: Range<Int>?, to answer: inout AnswerWriter
  ) throws(AnswerFault) -> FinishReason {
    if JSONString.equals(data, reason, "STOP") { return .stop }
    if JSONString.equals(data, reason, "MAX_TOKENS") { return .length }
    for name in filtered where JSONString.equals(data, reason, name) { return .contentFilter }
    for name in failed where JSONString.equals(data, reason, name) {
      var text = ByteQueue()
      if let message { JSONString.decode(data, message, into: &text) }
      if text.isEmpty { text.append("The model failed: \(name).") }
      throw AnswerFault(text.array(), code: name.bytes.array())
    }
    for name in stopped where JSONString.equals(data, reason, name) { return .stop }
    answer.passOver(.finishReason)
    return .stop
  }

  // MARK: Usage

  /// Cumulative in a stream. What the prompt's tools read is input too, and thoughts are output.
  private func readUsage(_ data: Span<UInt8>, _ range: Range<Int>, to answer: inout AnswerWriter) {
    var input: Int?
    var toolInput = 0
    var output: Int?
    var thoughts: Int?
    var members = JSONObjectCursor(data, range)
    while let member = members.next() {
      if member.keyIs("promptTokenCount", in: data) {
        input = TokenCount.read(data, member.value)
      } else if member.keyIs("toolUsePromptTokenCount", in: data) {
        toolInput = TokenCount.read(data, member.value) ?? 0
      } else if member.keyIs("candidatesTokenCount", in: data) {
        output = TokenCount.read(data, member.value)
      } else if member.keyIs("thoughtsTokenCount", in: data) {
        thoughts = TokenCount.read(data, member.value)
      } else if member.keyIs("cachedContentTokenCount", in: data) {
        answer.usage.cachedInput = TokenCount.read(data, member.value) ?? answer.usage.cachedInput
      } else if member.keyIs("promptTokensDetails", in: data) {
        answer.usage.audioInput = Self.audio(data, member.value) ?? answer.usage.audioInput
      } else if member.keyIs("candidatesTokensDetails", in: data) {
        answer.usage.audioOutput = Self.audio(data, member.value) ?? answer.usage.audioOutput
      } else if member.keyIs("serviceTier", in: data) || member.keyIs("trafficType", in: data) {
        answer.serviceTier = ServiceTier.read(data, member.value) ?? answer.serviceTier
      }
    }
    if let input { answer.usage.input = input + toolInput }
    if output != nil || thoughts != nil { answer.usage.output = (output ?? 0) + (thoughts ?? 0) }
    answer.usage.reasoning = thoughts ?? answer.usage.reasoning
  }

  /// What of some tokens is sound (Gemini API reference, "ModalityTokenCount").
  private static func audio(_ data: Span<UInt8>, _ details: Range<Int>) -> Int? {
    guard case .array? = JSONView.kind(data, details) else { return nil }
    var elements = JSONArrayCursor(data, details)
    while let element = elements.next() {
      guard JSONView.content(data, in: element.value, at: "modality").equals("AUDIO"),
        let count = JSONView.value(data, in: element.value, at: "tokenCount")
      else { continue }
      return TokenCount.read(data, count)
    }
    return nil
  }
}
