// How OpenAI's chunks and whole answers are written down.

internal import Wire

/// What chunks begin with, once it is known.
struct ChunkHeads {
  /// `data: {…,"choices":[{"index":`
  var chunk: [UInt8] = []
  /// The same up to the text of a piece of the first choice, once one has gone out.
  var text: [UInt8] = []
  /// They tell how urgently the request was served, because it was known before the first.
  var tellsTier = false

  /// Forgets them; keeps their memory.
  mutating func forget() {
    // An array finds out on a long way that it is empty.
    if !chunk.isEmpty { chunk.removeAll(keepingCapacity: true) }
    if !text.isEmpty { text.removeAll(keepingCapacity: true) }
    tellsTier = false
  }
}

extension AnswerWriter {
  private mutating func appendIdentity() {
    out.append(literal: "{\"id\":\"")
    if id.isEmpty {
      out.append(literal: "chatcmpl-")
      out.append(frame.seed)
    } else {
      out.append(id)
    }
    out.append(
      isStream
        ? "\",\"object\":\"chat.completion.chunk\",\"created\":"
        : "\",\"object\":\"chat.completion\",\"created\":")
    out.append(decimal: created)
    out.append(literal: ",\"model\":")
    if model.isEmpty {
      let asked = frame.model
      JSONWriter.string(asked.span, into: &out)
    } else {
      out.append(literal: "\"")
      out.append(model)
      out.append(literal: "\"")
    }
  }

  private mutating func appendTier() {
    guard let serviceTier, !heads.tellsTier else { return }
    out.append(literal: ",\"service_tier\":\"")
    out.append(serviceTier)
    out.append(literal: "\"")
  }

  /// Appends `data: {…` up to the value of `choices`.
  mutating func openChunk() {
    if heads.chunk.isEmpty {
      let before = out.count
      out.append(literal: "data: ")
      appendIdentity()
      appendTier()
      heads.tellsTier = serviceTier != nil
      out.append(literal: ",\"choices\":[")
      heads.chunk = out.bytes.extracting(before..<out.count).array()
    } else {
      out.append(heads.chunk)
    }
  }

  mutating func openDelta(_ choice: AnswerChoice) {
    openChunk()
    out.append(literal: "{\"index\":")
    out.append(decimal: choice.index)
    out.append(literal: ",\"delta\":{")
    if !choice.hasRole {
      choice.hasRole = true
      out.append(literal: "\"role\":\"assistant\",")
    }
  }

  mutating func openArguments(_ choice: AnswerChoice, _ call: Int) {
    openDelta(choice)
    out.append(literal: "\"tool_calls\":[{\"index\":")
    out.append(decimal: call)
    out.append(literal: ",\"function\":{\"arguments\":\"")
  }

  mutating func closeDelta(logprobs: Span<UInt8> = Span()) {
    out.append(literal: "}")
    if !logprobs.isEmpty {
      out.append(literal: ",\"logprobs\":")
      out.append(logprobs)
    }
    out.append(literal: ",\"finish_reason\":null}]")
    closeChunk(usage: false)
  }

  private mutating func closeChunk(usage isUsage: Bool) {
    if frame.includesUsage, !isUsage { out.append(literal: ",\"usage\":null") }
    if hasEnded { appendTier() }
    if owesMember {
      owesMember = false
      out.append(literal: ",")
      out.append(member)
    }
    out.append(literal: "}\n\n")
  }

  /// Appends a chunk that is like nearly all: a piece of the first choice's text, and nothing else.
  mutating func plainText(_ piece: Span<UInt8>, _ choice: AnswerChoice) {
    if heads.text.isEmpty {
      let before = out.count
      openDelta(choice)
      out.append(literal: "\"content\":\"")
      heads.text = out.bytes.extracting(before..<out.count).array()
    } else {
      out.append(heads.text)
    }
    out.append(piece)
    out.append(
      frame.includesUsage
        ? "\"},\"finish_reason\":null}],\"usage\":null}\n\n" : "\"},\"finish_reason\":null}]}\n\n")
  }

  /// Bytes of `piece` before the escaped first half of a surrogate pair that it ends in (RFC 8259 section 7).
  static func wholeCount(_ piece: Span<UInt8>) -> Int {
    let at = piece.count - 6
    guard at >= 0, piece[at] == ASCII.backslash, piece[at + 1] == UInt8(ascii: "u"),
      ASCII.lower(piece[at + 2]) == UInt8(ascii: "d"), let digit = ASCII.hexadecimal(piece[at + 3]),
      digit >= 8, digit < 12
    else { return piece.count }
    var before = at
    while before > 0, piece[before - 1] == ASCII.backslash { before -= 1 }
    return (at - before) % 2 == 0 ? at : piece.count
  }

  mutating func endChunks() {
    for choice in choices {
      if !choice.held.isEmpty {
        // Its other half never came: a reader makes U+FFFD of it.
        let half = choice.held
        choice.held = []
        openDelta(choice)
        out.append(literal: "\"content\":\"")
        out.append(half)
        out.append(literal: "\"")
        closeDelta()
      }
      // Clients look for the role in a first chunk, and for nothing but the reason in the last.
      begin(choice: choice.index)
      openChunk()
      out.append(literal: "{\"index\":")
      out.append(decimal: choice.index)
      out.append(literal: ",\"delta\":{},\"finish_reason\":\"")
      out.append(choice.finishReason.name)
      out.append(literal: "\"}]")
      closeChunk(usage: false)
    }
    if frame.includesUsage {
      openChunk()
      out.append(literal: "],\"usage\":")
      usage.write(into: &out)
      closeChunk(usage: true)
    }
    EventEncoder.done(into: &out)
  }
}

// MARK: - Whole

extension AnswerWriter {
  mutating func writeWhole() {
    appendIdentity()
    out.append(literal: ",\"choices\":[")
    for choice in choices {
      if choice.index > 0 { out.append(literal: ",") }
      choice.write(into: &out)
    }
    out.append(literal: "],\"usage\":")
    usage.write(into: &out)
    appendTier()
    if owesMember {
      owesMember = false
      out.append(literal: ",")
      out.append(member)
    }
    out.append(literal: "}")
  }
}
