// What a translated exchange comes to: bytes in, bytes out.

import Dialects
import Testing
import Wire

/// A request on its way to a provider.
struct TranslatedRequest {
  let method: String
  let path: String
  let headers: String
  let text: String
  let dropped: String
  let body: Tree

  init(_ translation: Translation) throws {
    method = "\(translation.request.method)"
    path = translation.request.path.text()
    headers = translation.request.headers.text()
    text = translation.request.body.text()
    var names = ByteQueue()
    translation.request.dropped.write(into: &names)
    dropped = names.bytes.text()
    body = text.isEmpty ? .null : try #require(Tree(text), "the body is no JSON: \(text)")
  }
}

extension Dialect {
  /// The exchange that a client's body begins.
  func begin(
    _ body: String, model: String, _ operation: Operation = .chat
  ) throws(RequestFault) -> Translation {
    let bytes = Array(body.utf8)
    return try Translation(self, operation, model: Array(model.utf8), body: bytes.span)
  }

  /// What goes to the provider.
  func request(_ body: String, model: String, _ operation: Operation = .chat) throws -> TranslatedRequest {
    try TranslatedRequest(try begin(body, model: model, operation))
  }

  /// Why the request can't go to the provider; nil if it can.
  func refusal(_ body: String, model: String, _ operation: Operation = .chat) -> RequestFault? {
    do throws(RequestFault) { _ = try begin(body, model: model, operation) } catch { return error }
    return nil
  }

  /// What the client gets for a whole answer.
  func answer(
    _ reply: String, model: String, to body: String = #"{"messages":[{"role":"user","content":"Hi"}]}"#,
    _ operation: Operation = .chat
  ) throws -> Tree {
    let translation = try begin(body, model: model, operation)
    translation.begin(created: 1_700_000_000, seed: AnswerSeed("seed"), member: Span())
    var out = ByteQueue()
    let bytes = Array(reply.utf8)
    try translation.takeWhole(bytes.span, into: &out)
    let text = out.bytes.text()
    return try #require(Tree(text), "the answer is no JSON: \(text)")
  }

  /// What the client gets for a stream that comes in these pieces and then ends.
  func stream(
    _ pieces: [[UInt8]], model: String,
    to body: String =
      #"{"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hi"}]}"#
  ) throws -> String {
    let translation = try begin(body, model: model)
    translation.begin(created: 1_700_000_000, seed: AnswerSeed("seed"), member: Span())
    var out = ByteQueue()
    for piece in pieces { translation.take(piece.span, into: &out) }
    _ = translation.end(isWhole: true, into: &out)
    return out.bytes.text()
  }
}

/// A stream of chunks, read as strictly as the strictest client does.
struct ReadStream: Equatable {
  struct Call: Equatable {
    var id = ""
    var name = ""
    var arguments = ""
    var signature: String?
  }

  struct Choice: Equatable {
    var text = ""
    var reasoning = ""
    var calls: [Call] = []
    var finish: String?
    /// `extra_content` of the message.
    var extra: Tree?
    var images: [Tree] = []
    var logprobs: [Tree] = []
  }

  var choices: [Int: Choice] = [:]
  var usage: Tree?
  var tier: Tree?
  var error: Tree?
  var isDone = false
  var id: String?
  var model: String?

  var choice: Choice { choices[0] ?? Choice() }

  /// Reads `text`, and records an issue for each rule of OpenAI's streams that it breaks.
  init(_ text: String) {
    for event in text.split(separator: "\n\n") {
      guard event.hasPrefix("data: ") else {
        Issue.record("an event without data: \(event)")
        continue
      }
      let data = String(event.dropFirst(6))
      #expect(!isDone && error == nil, "something behind the end: \(data)")
      if data == "[DONE]" {
        isDone = true
        continue
      }
      guard let chunk = Tree(data) else {
        Issue.record("no JSON: \(data)")
        continue
      }
      if let error = chunk["error"] { self.error = error } else { read(chunk) }
    }
    for (index, choice) in choices where isDone {
      #expect(choice.finish != nil, "choice \(index) has no end")
    }
  }

  private mutating func read(_ chunk: Tree) {
    #expect(chunk["object"] == .string("chat.completion.chunk"))
    #expect(id == nil || id == chunk["id"]?.text)
    #expect(model == nil || model == chunk["model"]?.text)
    (id, model) = (chunk["id"]?.text, chunk["model"]?.text)
    if let usage = chunk["usage"], usage != .null { self.usage = usage }
    tier = chunk["service_tier"] ?? tier
    for said in chunk["choices"]?.elements ?? [] {
      let index = said["index"]?.integer ?? -1
      let isKnown = choices[index] != nil
      var choice = choices[index] ?? Choice()
      let delta = said["delta"] ?? .null
      #expect((delta["role"] != nil) == !isKnown, "the role stands on a choice's first chunk alone")
      #expect(choice.finish == nil, "something behind the finish")
      choice.text += delta["content"]?.text ?? ""
      choice.reasoning += delta["reasoning_content"]?.text ?? ""
      choice.extra = delta["extra_content"] ?? choice.extra
      choice.images += delta["images"]?.elements ?? []
      choice.logprobs += said["logprobs"]?["content"]?.elements ?? []
      for piece in delta["tool_calls"]?.elements ?? [] { Self.read(piece, into: &choice) }
      choice.finish = said["finish_reason"]?.text ?? choice.finish
      choices[index] = choice
    }
  }

  private static func read(_ piece: Tree, into choice: inout Choice) {
    let index = piece["index"]?.integer ?? -1
    if index == choice.calls.count {
      #expect(piece["type"] == .string("function"))
      choice.calls.append(
        Call(
          id: piece["id"]?.text ?? "", name: piece["function"]?["name"]?.text ?? "",
          signature: piece["extra_content"]?["google"]?["thought_signature"]?.text))
    }
    guard choice.calls.indices.contains(index) else {
      Issue.record("a call's index is \(index)")
      return
    }
    choice.calls[index].arguments += piece["function"]?["arguments"]?.text ?? ""
  }
}
