// What one choice of an answer holds so far. In a stream that is next to nothing: what went out isn't kept.

internal import Wire

/// A choice in the making. A reference, so that a writer can hold several.
final class AnswerChoice {
  let index: Int
  var hasRole = false
  var hasText = false
  var text: ByteQueue
  /// The escaped first half of a surrogate pair, whose other half is to come.
  var held: [UInt8] = []
  var reasoning: [UInt8] = []
  var refusal: [UInt8] = []
  var calls: [AnswerCall] = []
  var reason: FinishReason?
  /// Items of `logprobs.content`, with commas between.
  private var logprobs = ByteQueue()
  /// Members of the message beside OpenAI's, each behind a comma.
  private var members = ByteQueue()
  /// Items of `images`, with commas between.
  private var images = ByteQueue()
  private var thinking: [AnswerThinking] = []

  /// - Parameter pool: what its text is kept in.
  init(index: Int, pool: BlockPool?) {
    self.index = index
    text = ByteQueue(pool: pool)
  }

  /// Forgets what it holds, and is the same choice of another answer.
  func forget() {
    hasRole = false
    hasText = false
    text.removeAll()
    if !held.isEmpty { held = [] }
    if !reasoning.isEmpty { reasoning = [] }
    if !refusal.isEmpty { refusal = [] }
    if !calls.isEmpty { calls = [] }
    reason = nil
    logprobs.removeAll()
    members.removeAll()
    images.removeAll()
    if !thinking.isEmpty { thinking = [] }
  }

  /// What the client is told: a choice that calls tools ends for them, whatever the provider says of it, unless it
  /// was cut.
  var finishReason: FinishReason {
    let said = reason ?? .stop
    return said == .stop && !calls.isEmpty ? .toolCalls : said
  }

  func appendMember(_ member: Span<UInt8>) {
    members.append(",")
    members.append(member)
  }

  func appendImage(_ item: Span<UInt8>) {
    if !images.isEmpty { images.append(",") }
    images.append(item)
  }

  /// - Parameter object: `{"content":[…]}` in OpenAI's form.
  func appendLogprobs(_ object: Span<UInt8>) {
    let items = Self.items(object)
    if items.isEmpty { return }
    if !logprobs.isEmpty { logprobs.append(",") }
    logprobs.append(items)
  }

  /// What stands in the list of an object in OpenAI's form, with commas between; empty where there is nothing.
  @_lifetime(copy object)
  static func items(_ object: Span<UInt8>) -> Span<UInt8> {
    guard !object.isEmpty, let list = JSONView.value(object, in: 0..<object.count, at: "content"),
      JSONView.kind(object, list) == .array, list.count > 2
    else { return object.extracting(0..<0) }
    return object.extracting(list.lowerBound + 1..<list.upperBound - 1)
  }

  func appendThinking(_ block: Int, text: Span<UInt8>, signature: Span<UInt8>, redacted: Span<UInt8>) {
    let block = min(max(block, 0), AnswerWriter.callCeiling)
    while thinking.count <= block { thinking.append(AnswerThinking()) }
    thinking[block].text.append(text)
    thinking[block].signature.append(signature)
    thinking[block].redacted.append(redacted)
  }

  /// Appends `{"index":…,"message":{…},"logprobs":…,"finish_reason":…}`.
  func write(into out: inout ByteQueue) {
    out.append("{\"index\":")
    out.append(decimal: index)
    out.append(",\"message\":{\"role\":\"assistant\",\"content\":")
    if !hasText, !calls.isEmpty || !refusal.isEmpty {
      out.append("null")
    } else {
      out.append("\"")
      out.append(text)
      out.append("\"")
    }
    out.append(",\"refusal\":")
    if refusal.isEmpty {
      out.append("null")
    } else {
      out.append("\"")
      out.append(refusal)
      out.append("\"")
    }
    if !reasoning.isEmpty {
      out.append(",\"reasoning_content\":\"")
      out.append(reasoning)
      out.append("\"")
    }
    writeThinking(into: &out)
    if !calls.isEmpty {
      out.append(",\"tool_calls\":[")
      for at in 0..<calls.count {
        out.append(at == 0 ? "{" : ",{")
        calls[at].writeHead(into: &out)
        out.append(calls[at].arguments)
        out.append("\"}}")
      }
      out.append("]")
    }
    if !images.isEmpty {
      out.append(",\"images\":[")
      out.append(images)
      out.append("]")
    }
    out.append(members)
    out.append("},\"logprobs\":")
    if logprobs.isEmpty {
      out.append("null")
    } else {
      out.append("{\"content\":[")
      out.append(logprobs)
      out.append("],\"refusal\":null}")
    }
    out.append(",\"finish_reason\":\"")
    out.append(finishReason.name)
    out.append("\"}")
  }

  private func writeThinking(into out: inout ByteQueue) {
    if thinking.isEmpty { return }
    out.append(",\"thinking_blocks\":[")
    for (at, block) in thinking.enumerated() {
      if at > 0 { out.append(",") }
      if block.redacted.isEmpty {
        out.append("{\"type\":\"thinking\",\"thinking\":\"")
        out.append(block.text)
        if !block.signature.isEmpty {
          out.append("\",\"signature\":\"")
          out.append(block.signature)
        }
      } else {
        out.append("{\"type\":\"redacted_thinking\",\"data\":\"")
        out.append(block.redacted)
      }
      out.append("\"}")
    }
    out.append("]")
  }
}

/// A block of signed reasoning.
final class AnswerThinking {
  var text = ByteQueue()
  var signature = ByteQueue()
  var redacted = ByteQueue()
}

/// A tool call in the making; all its texts are still escaped.
final class AnswerCall {
  var id = ByteQueue()
  var name = ByteQueue()
  var signature = ByteQueue()
  var arguments = ByteQueue()
  var hasArguments = false

  /// Appends the call up to the opening quote of its arguments.
  func writeHead(into out: inout ByteQueue) {
    out.append("\"id\":\"")
    out.append(id)
    out.append("\",\"type\":\"function\",")
    if !signature.isEmpty {
      out.append("\"extra_content\":{\"google\":{\"thought_signature\":\"")
      out.append(signature)
      out.append("\"}},")
    }
    out.append("\"function\":{\"name\":\"")
    out.append(name)
    out.append("\",\"arguments\":\"")
  }
}
