import Testing

@testable import Dialects

@Suite("Claude's names") struct ClaudeModelTests {
  @Test(
    "a version is read from every form of name; without one it counts as the newest",
    arguments: [
      ("claude-3-5-haiku-20241022", 35), ("claude-opus-4-5", 45), ("claude-sonnet-4-5@20250929", 45),
      ("us.anthropic.claude-sonnet-4-20250514-v1:0", 40), ("anthropic.claude-3-haiku-20240307-v1:0", 30),
      ("claude-2.1", 21), ("claude-2", 20), ("anthropic.claude-v2", 20), ("anthropic.claude-v2:1", 21),
      ("anthropic.claude-instant-v1", 10), ("claude-instant-1.2", 12), ("claude-sonnet-5", 50),
      ("claude-opus-latest", 99), ("", 99), ("claude-v", 99), ("v2", 20),
    ])
  func versions(name: String, version: Int) {
    #expect(ClaudeModel(Array(name.utf8)).version == version)
  }
}
