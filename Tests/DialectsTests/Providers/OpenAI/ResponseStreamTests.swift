// Streams of the Responses API that pass.

import Dialects
import Support
import Testing
import Wire

@Suite struct ResponseStreamTests {
  private static func event(_ type: String, _ rest: String = "") -> String {
    "event: \(type)\ndata: {\"type\":\"\(type)\"\(rest)}\n\n"
  }

  private static let usage =
    #","response":{"id":"r","error":null,"usage":{"input_tokens":3,"output_tokens":4,"total_tokens":7}}"#

  @Test(
    "the last event of the Responses API is its end",
    arguments: [
      ("response.completed", true, false), ("response.incomplete", true, false),
      ("response.cancelled", true, false),
      ("response.failed", true, true), ("error", false, true), ("response.created", false, false),
      ("response.output_text.delta", false, false),
    ])
  func ends(_ type: String, _ hasEnded: Bool, _ hasFailed: Bool) {
    let text = Self.event("response.created") + Self.event(type, Self.usage)
    for pieces in EverySplit(text) {
      let passed = PassedStream(.response, pieces, ends: true)
      #expect(passed.text == text)
      #expect(passed.hasEnded == hasEnded && passed.hasFailed == hasFailed)
      #expect(passed.mayEnd == (hasEnded || hasFailed))
      #expect(passed.usage.input == 3 && passed.usage.output == 4)
      #expect(passed.hasContent == type.hasSuffix(".delta"))
    }
  }

  @Test("usage stays, and nothing is added at the end")
  func untouched() {
    let text = Self.event("response.completed", Self.usage)
    let passed = PassedStream(.response, text, removesUsage: true, ends: true)
    #expect(passed.text == text)
  }

  @Test("the member goes into the first event")
  func member() {
    let passed = PassedStream(.response, Self.event("response.created") + Self.event("x"), inserts: true)
    #expect(
      passed.text
        == "event: response.created\ndata: {\(PassedStream.member),\"type\":\"response.created\"}\n\n"
        + Self.event("x"))
  }

  @Test(
    "odd events pass", arguments: ["{}", "[]", "7", "{\"type\":7}", "{\"type\":\"\"}", "{\"response\":null}"])
  func odd(_ data: String) {
    let text = "data: \(data)\n\n"
    #expect(PassedStream(.response, text).text == text)
  }
}
