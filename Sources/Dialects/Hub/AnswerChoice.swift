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
    out.append(literal: "{\"index\":")
    out.append(decimal: index)
    out.append(literal: ",\"message\":{\"role\":\"assistant\",\"content\":")
    if !hasText, !calls.isEmpty || !refusal.isEmpty {
      out.append(literal: "null")
    } else {
      out.append(literal: "\"")
      out.append(text)
      out.append(literal: "\"")
    }
    out.append(literal: ",\"refusal\":")
    if refusal.isEmpty {
      out.append(literal: "null")
    } else {
      out.append(literal: "\"")
      out.append(refusal)
      out.append(literal: "\"")
    }
    if !reasoning.isEmpty {
      out.append(literal: ",\"reasoning_content\":\"")
      out.append(reasoning)
      out.append(literal: "\"")
    }
    writeThinking(into: &out)
    if !calls.isEmpty {
      out.append(literal: ",\"tool_calls\":[")
      for at in 0..<calls.count {
        out.append(at == 0 ? "{" : ",{")
        calls[at].writeHead(into: &out)
        out.append(calls[at].arguments)
        out.append(literal: "\"}}")
      }
      out.append(literal: "]")
    }
    if !images.isEmpty {
      out.append(literal: ",\"images\":[")
      out.append(images)
      out.append(literal: "]")
    }
    out.append(members)
    out.append(literal: "},\"logprobs\":")
    if logprobs.isEmpty {
      out.append(literal: "null")
    } else {
      out.append(literal: "{\"content\":[")
      out.append(logprobs)
      out.append(literal: "],\"refusal\":null}")
    }
    out.append(literal: ",\"finish_reason\":\"")
    out.append(finishReason.name)
    out.append(literal: "\"}")
  }

  private func writeThinking(into out: inout ByteQueue) {
    if thinking.isEmpty { return }
    out.append(literal: ",\"thinking_blocks\":[")
    for (at, block) in thinking.enumerated() {
      if at > 0 { out.append(literal: ",") }
      if block.redacted.isEmpty {
        out.append(literal: "{\"type\":\"thinking\",\"thinking\":\"")
        out.append(block.text)
        if !block.signature.isEmpty {
          out.append(literal: "\",\"signature\":\"")
          out.append(block.signature)
        }
      } else {
        out.append(literal: "{\"type\":\"redacted_thinking\",\"data\":\"")
        out.append(block.redacted)
      }
      out.append(literal: "\"}")
    }
    out.append(literal: "]")
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
    out.append(literal: "\"id\":\"")
    out.append(id)
    out.append(literal: "\",\"type\":\"function\",")
    if !signature.isEmpty {
      out.append(literal: "\"extra_content\":{\"google\":{\"thought_signature\":\"")
      out.append(signature)
      out.append(literal: "\"}},")
    }
    out.append(literal: "\"function\":{\"name\":\"")
    out.append(name)
    out.append(literal: "\",\"arguments\":\"")
  }
}
