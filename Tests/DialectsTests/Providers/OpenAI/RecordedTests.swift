// What providers have really sent, from the recordings that lie beside the project.

import Config
import Dialects
import Glibc
import Testing
import Wire

/// One recorded answer, read in place.
struct Recording: Sendable, CustomTestStringConvertible {
  /// Providers that speak OpenAI's format.
  private static let providers = [
    "openai", "azure", "groq", "mistral", "deepseek", "together", "openrouter", "xai", "perplexity",
    "openai-compat",
    "moonshot", "cerebras", "alibaba", "zai", "vercel-gateway", "huggingface", "ollama",
  ]

  static let directory: String = {
    // …/Tests/DialectsTests/Providers/OpenAI/RecordedTests.swift, so the project's root is five steps up.
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(5)
    return root.joined(separator: "/") + "/../shared/recorded"
  }()

  static let all: [Recording] = {
    var found: [Recording] = []
    for provider in providers {
      let names = Self.names(directory + "/" + provider)
      if names.isEmpty { print("ABSENT: \(directory)/\(provider): its recordings are not checked") }
      found += names.compactMap { Recording(provider, $0) }
    }
    return found
  }()

  static let streams = all.filter { $0.isStream }
  static let answers = all.filter { !$0.isStream && ($0.status ?? 200) < 300 }
  static let errors = all.filter { !$0.isStream && ($0.status ?? 200) >= 400 }

  let name: String
  /// Whether answers of the kind that stands for the provider are repaired.
  let repairs: Bool
  let shape: BodyShape
  let isStream: Bool
  let status: Int?
  let body: String
  let facts: Tree?

  var testDescription: String { name }

  private init?(_ provider: String, _ file: String) {
    name = provider + "/" + file
    repairs = Quirks.of(ProviderKind(rawValue: provider) ?? .openaiCompatible).repairsAnswers
    guard let tree = Tree(Self.contents(Self.directory + "/" + name)), let operation = tree["operation"]?.text
    else {
      return nil
    }
    switch operation {
    case "chat", "chat-stream": shape = .chat
    case "completions", "completions-stream": shape = .completion
    case "responses", "responses-stream": shape = .response
    case "embeddings": shape = .embedding
    default: return nil
    }
    // Ollama's own form is another dialect.
    if let url = tree["request"]?["url"]?.text, url.contains("/api/chat") || url.contains("/api/embed") {
      return nil
    }
    status = tree["response"]?["status"]?.integer
    facts = tree["facts"]
    if let body = tree["response"]?["body"]?.text {
      self.body = body
      isStream = operation.hasSuffix("-stream") && !body.hasPrefix("{")
    } else if let events = tree["response"]?["events"]?.elements {
      body = events.compactMap(\.text).map { "data: \($0)\n\n" }.joined()
      isStream = true
    } else {
      return nil
    }
  }

  static func names(_ path: String) -> [String] {
    guard let listing = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(listing) }
    var names: [String] = []
    while let entry = unsafe readdir(listing) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { raw in
        unsafe String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasSuffix(".json") { names.append(name) }
    }
    return names.sorted()
  }

  static func contents(_ path: String) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var result: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe read(descriptor, &chunk, chunk.count)
      guard count > 0 else { return result }
      result += chunk[..<count]
    }
  }
}

@Suite struct RecordedTests {
  @Test("there are recordings to check")
  func present() {
    withKnownIssue("\(Recording.directory) is absent", isIntermittent: true) {
      #expect(!Recording.streams.isEmpty)
    } when: {
      Recording.all.isEmpty
    }
  }

  @Test("a recorded stream passes with its text, and its usage is found", arguments: Recording.streams)
  func stream(_ recording: Recording) throws {
    let bytes = Array(recording.body.utf8)
    let whole = PassedStream(recording.shape, [bytes], ends: true)
    #expect(whole.fault == nil)
    #expect(PassedStream(recording.shape, bytes.map { [$0] }, ends: true) == whole)
    // One recording holds two answers, one behind the other; nothing passes behind the first one's end.
    if recording.body.split(separator: "\"type\":\"response.completed\"").count > 2 { return }
    #expect(try Self.said(whole.text, recording.shape) == Self.said(recording.body, recording.shape))
    if let text = recording.facts?["text"]?.text, recording.shape != .response {
      #expect(try Self.said(whole.text, recording.shape) == text)
    }
    if let usage = recording.facts?["usage"], usage != .null {
      #expect(whole.usage.input == Self.input(usage))
      let output = (usage["completion_tokens"] ?? usage["output_tokens"])?.integer
      let reasoning = usage["completion_tokens_details"]?["reasoning_tokens"]?.integer ?? 0
      #expect(whole.usage.output == output || whole.usage.output == (output ?? 0) + reasoning)
    }
    // With usage taken out and a member put in, the text is still the same, and each event is still JSON.
    let edited = PassedStream(recording.shape, [bytes], removesUsage: true, inserts: true, ends: true)
    #expect(try Self.said(edited.text, recording.shape) == Self.said(whole.text, recording.shape))
    #expect(edited.usage == whole.usage)
    #expect(edited.text.isEmpty || edited.text.contains(PassedStream.member))
  }

  @Test("a recorded answer passes unchanged, and its usage is found", arguments: Recording.answers)
  func answer(_ recording: Recording) throws {
    let bytes = Array(recording.body.utf8)
    let member = Array(PassedStream.member.utf8)
    for pieces in [[bytes], bytes.map { [$0] }] {
      var reply = PassReply(insertsMember: true)
      var out = ByteQueue()
      for piece in pieces { reply.piece(piece.span, member: member.span, into: &out) }
      let tree = try #require(Tree(out.array()))
      #expect(tree["x_remora"]?["a"]?.integer == 1)
      let count = out.count
      #expect(count == bytes.count + member.count + 1)
      let usage = Tree(recording.body)?["usage"]
      if let usage, let input = Self.input(usage) {
        #expect(reply.usage.input == input)
        #expect(reply.usage.cachedInput ?? 0 <= input)
      }
    }
  }

  @Test("a recorded stream of a chat says the same in OpenAI's form", arguments: Recording.streams)
  func repairedStream(_ recording: Recording) throws {
    guard recording.shape == .chat, let facts = recording.facts else { return }
    let bytes = Array(recording.body.utf8)
    let whole = PassedStream(.chat, [bytes], ends: true, repairs: recording.repairs)
    #expect(whole.fault == nil)
    #expect(PassedStream(.chat, bytes.map { [$0] }, ends: true, repairs: recording.repairs) == whole)
    var answer = Answer()
    for line in whole.text.split(whereSeparator: { $0.isNewline }) where line.hasPrefix("data: {") {
      let chunk = try #require(Tree(String(line.dropFirst(6))))
      for choice in try #require(chunk["choices"]?.elements) { answer.add(choice, "delta") }
    }
    answer.check(facts)
  }

  @Test("a recorded chat says the same in OpenAI's form", arguments: Recording.answers)
  func repairedAnswer(_ recording: Recording) throws {
    guard recording.shape == .chat, let facts = recording.facts else { return }
    let bytes = Array(recording.body.utf8)
    var text = recording.body
    if recording.repairs {
      var repair = ReplyRepair()
      var out = ByteQueue()
      let finding = repair.read(bytes.span, .chat, wantsBase64: false, provider: "acme", into: &out)
      #expect(finding == .fine || finding == .repaired)
      if finding == .repaired { text = out.bytes.text() }
    }
    var answer = Answer()
    for choice in try #require(Tree(text)?["choices"]?.elements) { answer.add(choice, "message") }
    answer.check(facts)
  }

  @Test("a recorded error becomes OpenAI's and keeps its message", arguments: Recording.errors)
  func error(_ recording: Recording) throws {
    let bytes = Array(recording.body.utf8)
    var out = ByteQueue()
    Fault.translate(bytes.span, status: recording.status ?? 500, provider: "acme", into: &out)
    let message = try #require(Tree(out.array())?["error"]?["message"]?.text)
    #expect(!message.hasPrefix("Provider 'acme'"), "\(recording.body)")
  }

  /// The tokens of all the input: what a cache had is a part of it, also where xAI counts it beside the rest.
  private static func input(_ usage: Tree) -> Int? {
    guard let said = (usage["prompt_tokens"] ?? usage["input_tokens"])?.integer else { return nil }
    let cached = usage["prompt_tokens_details"]?["cached_tokens"]?.integer ?? 0
    return cached > said ? said + cached : said
  }

  /// What a stream's events say, joined.
  private static func said(_ stream: String, _ shape: BodyShape) throws -> String {
    var text = ""
    for line in stream.split(whereSeparator: { $0.isNewline }) where line.hasPrefix("data:") {
      let data = line.dropFirst(5).drop { $0 == " " }
      if data == "[DONE]" || data.isEmpty { continue }
      let event = try #require(Tree(String(data)), "\(data)")
      if shape == .response {
        if event["type"]?.text == "response.output_text.delta" { text += event["delta"]?.text ?? "" }
        continue
      }
      for choice in event["choices"]?.elements ?? [] where (choice["index"]?.integer ?? 0) == 0 {
        let content = choice["delta"]?["content"] ?? choice["text"]
        text += content?.text ?? ""
        // Mistral's parts.
        for part in content?.elements ?? [] where part["type"]?.text == "text" {
          text += part["text"]?.text ?? ""
        }
      }
    }
    return text
  }
}

/// The first choice of an answer, put together as an SDK does, which trips over what is not OpenAI's.
private struct Answer {
  private var text = ""
  private var reasoning = ""
  private var finish: String?
  private var calls: [Int: (id: String, name: String, arguments: String)] = [:]

  mutating func add(_ choice: Tree, _ message: String) {
    guard (choice["index"]?.integer ?? 0) == 0 else { return }
    if let reason = choice["finish_reason"]?.text {
      #expect(["stop", "length", "tool_calls", "content_filter", "function_call"].contains(reason))
      finish = reason
    }
    guard let inner = choice[message], inner != .null else { return }
    if let content = inner["content"], content != .null {
      #expect(content.text != nil, "content is no text")
      text += content.text ?? ""
    }
    reasoning += (inner["reasoning_content"] ?? inner["reasoning"])?.text ?? ""
    for (place, call) in (inner["tool_calls"]?.elements ?? []).enumerated() {
      let index = message == "delta" ? call["index"]?.integer : place
      #expect(index != nil, "a call has no index")
      var known = calls[index ?? 0] ?? ("", "", "")
      known.id = call["id"]?.text ?? known.id
      known.name += call["function"]?["name"]?.text ?? ""
      if let arguments = call["function"]?["arguments"], arguments != .null {
        #expect(arguments.text != nil, "arguments are no text")
        known.arguments += arguments.text ?? ""
      }
      if message == "message" { #expect(call["type"]?.text == "function") }
      calls[index ?? 0] = known
    }
  }

  func check(_ facts: Tree) {
    #expect(text == facts["text"]?.text ?? "")
    if let expected = facts["reasoning"]?.text, !expected.isEmpty { #expect(reasoning == expected) }
    let expected = facts["tool_calls"]?.elements ?? []
    let made = calls.keys.sorted().compactMap { calls[$0] }
    #expect(made.map(\.id) == expected.map { $0["id"]?.text ?? "" })
    #expect(made.map(\.name) == expected.map { $0["name"]?.text ?? "" })
    #expect(made.map(\.arguments) == expected.map { $0["arguments"]?.text ?? "" })
    #expect(finish != nil)
  }
}
