import Config
import Dialects
import Testing
import Wire

@Suite struct AnthropicLimitsTests {
  private func line(_ name: String, _ value: String, now: Int = 1_767_225_590) throws -> String? {
    var out = ByteQueue()
    try ProviderKind.anthropic.dialect()
      .writeLimit(Array(name.utf8).span, Array(value.utf8).span, now: now, into: &out)
    return out.isEmpty ? nil : out.bytes.text()
  }

  @Test("limits go by OpenAI's names, and instants become times to wait")
  func limits() throws {
    #expect(try line("anthropic-ratelimit-requests-limit", "50") == "x-ratelimit-limit-requests: 50\r\n")
    #expect(
      try line("Anthropic-RateLimit-Input-Tokens-Remaining", "9")
        == "x-ratelimit-remaining-input-tokens: 9\r\n")
    #expect(
      try line("anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:00Z")
        == "x-ratelimit-reset-tokens: 10s\r\n")
    #expect(
      try line("anthropic-ratelimit-output-tokens-reset", "2025-12-31T23:00:00Z")
        == "x-ratelimit-reset-output-tokens: 0s\r\n")
  }

  @Test("what is none of them stays what it is")
  func others() throws {
    #expect(try line("anthropic-ratelimit-unified-status", "allowed") == nil)
    #expect(try line("anthropic-ratelimit-tokens-reset", "soon") == nil)
    #expect(try line("anthropic-organization-id", "x") == nil)
    #expect(try line("anthropic-ratelimit-", "1") == nil)
    #expect(try line("", "") == nil)
  }
}
