// The estimate of prompts against what providers counted, on the recordings that lie beside the project.

import Config
import Glibc
import Support
import Testing
import Wire

@testable import Policy

/// A recorded request, and the tokens that the provider counted for its prompt.
private struct RecordedPrompt: Sendable {
  let name: String
  let target: String
  let kind: ProviderKind
  let model: String
  let hasTools: Bool
  let estimate: Int
  let counted: Int

  static let all: [RecordedPrompt] = {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    let directory = root.joined(separator: "/") + "/../shared/recorded"
    let found = ProviderKind.allCases.flatMap { kind in
      names(directory + "/" + kind.rawValue).sorted().compactMap { file in
        RecordedPrompt(kind, "recorded/\(kind.rawValue)/\(file)")
      }
    }
    if found.isEmpty { print("ABSENT: \(directory): estimates are not held against it") }
    return found
  }()

  private static func names(_ directory: String) -> [String] {
    guard let stream = unsafe opendir(directory) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name.hasSuffix(".json") { names.append(name) }
    }
    return names
  }

  /// Nil where the request isn't one that a client of Remora's could have sent, or where what isn't text decides.
  private init?(_ kind: ProviderKind, _ file: String) {
    let record = SharedVectors.contents(ofShared: file)
    let whole = 0..<record.count
    let span = record.span
    guard let request = JSONView.value(span, in: whole, at: "request"),
      let place = JSONView.value(span, in: request, at: "json"),
      JSONView.kind(span, place) == .object,
      let usage = JSONView.value(span, in: whole, at: "facts", "usage"),
      let serverTools = JSONView.value(span, in: whole, at: "facts", "server_tools"), serverTools.count <= 2
    else { return nil }
    func count(_ name: StaticString) -> Int {
      JSONView.value(span, in: usage, at: name).flatMap { JSONValue.integer(span, $0) } ?? 0
    }
    let prompt = max(
      count("prompt_tokens"),
      count("input_tokens") + count("cache_read_input_tokens") + count("cache_creation_input_tokens"))
    let body = span.extracting(place).array()
    let text = String(decoding: body, as: UTF8.self)
    // Documents, sound, and what the provider itself puts into a prompt.
    let others = [
      "\"document\"", "_file\"", "\"file\"", "input_audio", "video", "previous_response_id", "conversation\"",
      "item_reference", "encrypted_content", "image", "web_search", "tool_search", "code_execution",
      "computer_", "_2025", "_2026",
    ]
    if others.contains(where: { text.contains($0) }) { return nil }
    var scanner = JSONScanner()
    scanner.reset(watching: [.messages, .input, .prompt, .tools, .instructions, .system, .model])
    guard (try? scanner.feed(body.span)) != nil, scanner.found(.messages) ?? scanner.found(.input) != nil
    else {
      return nil
    }
    var needed = Prompt()
    needed.total = body.count
    for member in [JSONMember.messages, .input, .prompt, .instructions, .system] {
      if let found = scanner.found(member) { needed.add(found.value) }
    }
    needed.tools = scanner.found(.tools)?.value
    name = file
    self.kind = kind
    model = scanner.found(.model).map { JSONString.text(body.span, $0.value) } ?? ""
    hasTools = needed.tools != nil
    target = "\(kind.rawValue)/\(model)\(hasTools ? " with tools" : "")"
    counted = prompt
    let bytes = Array(model.utf8)
    estimate = Estimate.tokens(body.span, needed, Counting(kind, model: bytes.span))
    if counted < 200 { return nil }
  }
}

@Suite struct RecordedEstimateTests {
  @Test(
    "after ten answers of a target thirteen of fourteen estimates are within a quarter of what the provider counts"
  )
  func learned() {
    let targets = Dictionary(grouping: RecordedPrompt.all, by: \.target).filter { $0.value.count >= 3 }
    var close = 0
    var all = 0
    var far: [String] = []
    for (target, prompts) in targets {
      for (place, prompt) in prompts.enumerated() {
        // Of the others ten, again from the first where there are fewer.
        let others = prompts.indices.filter { $0 != place }.map { prompts[$0] }
        let learning = Learning()
        let empty: [UInt8] = []
        let (provider, model) = (Array(prompt.kind.rawValue.utf8), Array(prompt.model.utf8))
        let key = LessonKey(
          provider: provider.span, model: model.span, hasTools: prompt.hasTools, group: empty.span)
        for turn in 0..<10 {
          let other = others[turn % others.count]
          learning.learn(key, estimate: other.estimate, prompt: other.counted, answer: 10)
        }
        let guess = learning.guess(key, prompt: prompt.estimate).prompt
        all += 1
        if abs(guess - prompt.counted) * 4 <= prompt.counted {
          close += 1
        } else {
          far.append("\(target): \(guess) (\(prompt.estimate)) for \(prompt.counted): \(prompt.name)")
        }
      }
    }
    print("estimates within a quarter: \(close) of \(all), of \(targets.count) targets")
    #expect(close * 14 >= all * 13, "\(far.joined(separator: "\n"))")
  }
}
