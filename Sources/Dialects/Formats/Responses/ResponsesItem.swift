// One item of a response's output.

internal import Wire

struct ResponsesItem {
  enum Sort {
    case message, refusal, reasoning
    /// Reasoning that shows nothing.
    case sealed
    case function, custom
  }

  let sort: Sort
  private let block: AnswerBlock
  private let index: Int
  private let seed: AnswerSeed
  /// A call's name in the client's words, and the namespace that it is in.
  let name: [UInt8]
  private let space: [UInt8]

  init(_ block: AnswerBlock, index: Int, seed: AnswerSeed, _ tools: ResponsesNames) {
    self.block = block
    self.index = index
    self.seed = seed
    var name = block.name
    var space: [UInt8] = []
    switch block.kind {
    case .text: sort = .message
    case .refusal: sort = .refusal
    case .reasoning: sort = .reasoning
    case .redacted: sort = .sealed
    case .call:
      sort = tools.isCustom(block.name) ? .custom : .function
      if let known = tools.space(block.name) { (name, space) = known }
    }
    self.name = name
    self.space = space
  }

  /// OpenAI reads the beginning of an id where a history comes to it.
  func writeID(into out: inout ByteQueue) {
    switch sort {
    case .message, .refusal: out.append(literal: "msg_")
    case .reasoning, .sealed: out.append(literal: "rs_")
    case .function: out.append(literal: "fc_")
    case .custom: out.append(literal: "ctc_")
    }
    out.append(seed)
    out.append(literal: "_")
    out.append(decimal: index)
  }

  /// Appends a part of a message, or of a summary.
  ///
  /// - Parameter logprobs: items in a chat's form, with commas between.
  func writePart(_ text: Span<UInt8>, logprobs: Span<UInt8>, into out: inout ByteQueue) {
    switch sort {
    case .refusal: out.append(literal: "{\"type\":\"refusal\",\"refusal\":\"")
    case .reasoning: out.append(literal: "{\"type\":\"summary_text\",\"text\":\"")
    default: out.append(literal: "{\"type\":\"output_text\",\"text\":\"")
    }
    out.append(text)
    guard sort == .message else { return out.append(literal: "\"}") }
    out.append(literal: "\",\"annotations\":[],\"logprobs\":[")
    out.append(logprobs)
    out.append(literal: "]}")
  }

  /// Appends the item.
  ///
  /// - Parameter isOpen: it has only begun, and holds nothing.
  func write(
    _ status: StaticString, _ text: Span<UInt8>, logprobs: Span<UInt8>, isOpen: Bool,
    into out: inout ByteQueue
  ) {
    out.append(literal: "{\"id\":\"")
    writeID(into: &out)
    switch sort {
    case .message, .refusal:
      out.append(literal: "\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[")
      if !isOpen { writePart(text, logprobs: logprobs, into: &out) }
      out.append(literal: "]")
    case .reasoning, .sealed:
      out.append(literal: "\",\"type\":\"reasoning\",\"summary\":[")
      if !isOpen, sort == .reasoning { writePart(text, logprobs: logprobs, into: &out) }
      out.append(literal: "]")
      if !isOpen, !block.signature.isEmpty {
        out.append(literal: ",\"encrypted_content\":\"")
        out.append(Envelope.seal(block, isRedacted: sort == .sealed))
        out.append(literal: "\"")
      }
    case .function, .custom:
      out.append(
        sort == .custom
          ? "\",\"type\":\"custom_tool_call\",\"call_id\":\"" : "\",\"type\":\"function_call\",\"call_id\":\""
      )
      block.writeID(ceiling: 64, otherwise: "call_", seed, index, into: &out)
      out.append(literal: "\",\"name\":\"")
      out.append(name)
      if !space.isEmpty {
        out.append(literal: "\",\"namespace\":\"")
        out.append(space)
      }
      out.append(sort == .custom ? "\",\"input\":\"" : "\",\"arguments\":\"")
      out.append(text)
      out.append(literal: "\"")
    }
    out.append(literal: ",\"status\":\"")
    out.append(status)
    out.append(literal: "\"}")
  }
}
