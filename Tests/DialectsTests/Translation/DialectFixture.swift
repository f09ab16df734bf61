// Reads the cases under Tests/Fixtures/dialects: what goes into a dialect, and what must come out of it.

import Config
import Dialects
import Glibc
import Support
import Testing
import Wire

/// A case: a title, and lines of `key: value`.
struct DialectCase: Sendable, CustomTestStringConvertible {
  let title: String
  private let lines: [(key: String, value: String)]

  var testDescription: String { title }

  subscript(_ key: String) -> String? { lines.first { $0.key == key }?.value }

  func all(_ key: String) -> [String] { lines.filter { $0.key == key }.map(\.value) }

  /// The cases in `name`; one that can only fail if the file can't be read.
  static func cases(_ name: String) -> [DialectCase] {
    let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    let path = "/\(root)/Tests/Fixtures/dialects/\(name).txt"
    let text = String(decoding: Recording.contents(path), as: UTF8.self)
    let cases = text.split(separator: "\n== ").dropFirst().map(DialectCase.init(text:))
    return cases.isEmpty ? [DialectCase(text: "\(path) can't be read")] : cases
  }

  private init(text: Substring) {
    let rows = text.split(separator: "\n")
    title = rows.first.map(String.init) ?? ""
    lines = rows.dropFirst().filter { !$0.hasPrefix("#") }.map { row in
      let parts = row.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      return (String(parts[0]), parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "")
    }
  }

  /// What the client asks; a file's cases mostly say only what matters.
  var request: [UInt8] {
    Array((self["in"] ?? "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}").utf8)
  }

  func translation(_ dialect: any Dialect, embeddings: Bool = false) throws(RequestFault)
    -> Translation
  {
    try Translation(
      dialect, embeddings ? .embeddings : .chat, model: Array((self["model"] ?? "m").utf8), body: request.span
    )
  }
}

extension ProviderKind {
  /// The dialect of this kind, with settings that say nothing.
  func dialect() throws -> any Dialect {
    try #require(Dialects.dialect(of: Config.Provider(name: "p", kind: self, baseURL: nil, apiKey: .none)))
  }
}

/// What a client makes of an answer: the pieces put together, and the rules that SDKs rely on held.
struct Assembled {
  var message: [String: Tree] = [:]
  var broken: [String] = []
  var error: String?

  /// Puts a stream's chunks together.
  init(stream text: String, wantsUsage: Bool) {
    var state = ChunkState()
    var isDone = false
    for event in text.components(separatedBy: "\n\n") where !event.isEmpty {
      if isDone { broken.append("something follows the end") }
      guard event.hasPrefix("data: ") else {
        broken.append("no data line: \(event)")
        continue
      }
      let data = String(event.dropFirst(6))
      if data == "[DONE]" {
        isDone = true
        continue
      }
      guard let chunk = Tree(data) else {
        broken.append("not JSON: \(data)")
        continue
      }
      if let failure = chunk["error"] {
        error = failure["message"]?.text ?? "no message"
        isDone = true
        continue
      }
      state.take(chunk, wantsUsage, &broken)
    }
    if !isDone { broken.append("no end") }
    let ending = state.atEnd(wantsUsage)
    message = state.message
    if error == nil { broken += ending }
  }

  /// Takes a whole answer apart.
  init(whole text: String) {
    guard let answer = Tree(text) else {
      broken.append("not JSON: \(text)")
      return
    }
    let choices = answer["choices"]?.elements ?? []
    for (at, choice) in choices.enumerated() {
      let prefix = at == 0 ? "" : "\(at)."
      for name in [
        "content", "refusal", "reasoning_content", "thinking_blocks", "annotations", "extra_content",
      ] {
        if let value = choice["message"]?[name], value != .null, value != .string("") {
          message[prefix + name] = value
        }
      }
      if let calls = choice["message"]?["tool_calls"] { message[prefix + "tool_calls"] = calls }
      if let logprobs = choice["logprobs"], logprobs != .null {
        message[prefix + "logprobs"] = logprobs["content"]
      }
      message[prefix + "finish_reason"] = choice["finish_reason"]
    }
    message["usage"] = answer["usage"]
    message["service_tier"] = answer["service_tier"]
    message["id"] = answer["id"]
    if answer["object"] != .string("chat.completion") { broken.append("wrong object") }
  }
}

/// What chunks say so far.
private struct ChunkState {
  var message: [String: Tree] = [:]
  private var identity: [Tree?]?
  private var roles = Set<Int>()
  private var finished = Set<Int>()
  private var calls: [Int: [[String: String]]] = [:]
  private var extras: [Int: [Int: Tree]] = [:]
  private var blocks: [Int: [[String: String]]] = [:]

  mutating func take(_ chunk: Tree, _ wantsUsage: Bool, _ broken: inout [String]) {
    let identity = [chunk["id"], chunk["created"], chunk["model"], chunk["object"]]
    if let known = self.identity, known != identity { broken.append("the identity changes") }
    self.identity = identity
    message["id"] = chunk["id"]
    let choices = chunk["choices"]?.elements ?? []
    if wantsUsage, chunk["usage"] == nil { broken.append("a chunk without usage") }
    if !wantsUsage, chunk["usage"] != nil { broken.append("usage that nobody asked for") }
    if choices.isEmpty { message["usage"] = chunk["usage"] }
    message["service_tier"] = chunk["service_tier"] ?? message["service_tier"]
    for choice in choices { takeChoice(choice, &broken) }
  }

  private mutating func takeChoice(_ choice: Tree, _ broken: inout [String]) {
    let index = choice["index"]?.integer ?? -1
    let prefix = index == 0 ? "" : "\(index)."
    guard let delta = choice["delta"] else { return broken.append("no delta") }
    if delta["role"] != nil, !roles.insert(index).inserted { broken.append("a second role") }
    if !roles.contains(index) { broken.append("no role at first") }
    for name in ["content", "refusal", "reasoning_content"] {
      guard let piece = delta[name]?.text, !piece.isEmpty else { continue }
      message[prefix + name] = .string((message[prefix + name]?.text ?? "") + piece)
    }
    for name in ["annotations", "extra_content"] where delta[name] != nil {
      message[prefix + name] = delta[name]
    }
    for block in delta["thinking_blocks"]?.elements ?? [] { take(block, of: index) }
    for call in delta["tool_calls"]?.elements ?? [] { takeCall(call, index, &broken) }
    if let logprobs = choice["logprobs"], logprobs != .null {
      let known = message[prefix + "logprobs"]?.elements ?? []
      message[prefix + "logprobs"] = .array(known + (logprobs["content"]?.elements ?? []))
    }
    guard let reason = choice["finish_reason"], reason != .null else { return }
    if !finished.insert(index).inserted { broken.append("a second finish") }
    message[prefix + "finish_reason"] = reason
  }

  private mutating func take(_ block: Tree, of choice: Int) {
    let index = block["index"]?.integer ?? 0
    while (blocks[choice]?.count ?? 0) <= index { blocks[choice, default: []].append([:]) }
    for name in block.names where name != "index" {
      let piece = block[name]?.text ?? ""
      let known = blocks[choice]?[index][name] ?? ""
      blocks[choice]?[index][name] = name == "type" ? piece : known + piece
    }
  }

  private mutating func takeCall(_ call: Tree, _ choice: Int, _ broken: inout [String]) {
    let index = call["index"]?.integer ?? -1
    let known = calls[choice]?.count ?? 0
    if index == known {
      guard let id = call["id"]?.text, let name = call["function"]?["name"]?.text,
        call["type"]?.text == "function"
      else { return broken.append("a call begins without id, type or name") }
      calls[choice, default: []].append(["id": id, "name": name, "arguments": ""])
      if let extra = call["extra_content"] { extras[choice, default: [:]][index] = extra }
    } else if index < 0 || index > known {
      return broken.append("call \(index) behind \(known)")
    }
    calls[choice]?[index]["arguments"]? += call["function"]?["arguments"]?.text ?? ""
  }

  /// Writes down what came in pieces.
  mutating func atEnd(_ wantsUsage: Bool) -> [String] {
    for (choice, list) in calls {
      let trees: [Tree] = list.enumerated().map { index, call in
        var tree: [String: Tree] = [
          "id": .string(call["id"] ?? ""), "type": .string("function"),
          "function": .object([
            "name": .string(call["name"] ?? ""), "arguments": .string(call["arguments"] ?? ""),
          ]),
        ]
        tree["extra_content"] = extras[choice]?[index]
        return .object(tree)
      }
      message[choice == 0 ? "tool_calls" : "\(choice).tool_calls"] = .array(trees)
    }
    for (choice, list) in blocks {
      message[choice == 0 ? "thinking_blocks" : "\(choice).thinking_blocks"] = .array(
        list.map { .object($0.mapValues { .string($0) }) })
    }
    var broken: [String] = []
    if finished != roles || finished.isEmpty { broken.append("\(roles) began and \(finished) finished") }
    if wantsUsage, message["usage"] == nil { broken.append("no usage") }
    return broken
  }
}

extension String {
  /// The pieces between `separator`s.
  func components(separatedBy separator: String) -> [String] {
    split(separator: separator, omittingEmptySubsequences: true).map(String.init)
  }
}
