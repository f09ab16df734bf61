import Dialects
import Testing
import Wire

@Suite struct UsageTests {
  private func read(_ texts: String...) -> TokenUsage {
    var usage = TokenUsage()
    for text in texts {
      let bytes = Array(text.utf8)
      usage.read(bytes.span, 0..<bytes.count)
    }
    return usage
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var name: String
    var text: String
    var input: Int?
    var output: Int?
    var cached: Int?
    var reasoning: Int?
    var written: Int?
    var testDescription: String { name }
  }

  @Test(
    "usage in each provider's form",
    arguments: [
      Row(
        name: "OpenAI chat",
        text: #"{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":"#
          + #"{"cached_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":3}}"#,
        input: 19, output: 10, cached: 4, reasoning: 3),
      Row(
        name: "OpenAI responses",
        text: #"{"input_tokens":36,"input_tokens_details":{"cached_tokens":0},"output_tokens":87,"#
          + #""output_tokens_details":{"reasoning_tokens":7},"total_tokens":123}"#,
        input: 36, output: 87, cached: 0, reasoning: 7),
      Row(
        name: "a cache that was written",
        text: #"{"prompt_tokens":19,"completion_tokens":1,"prompt_tokens_details":{"cache_write_tokens":9,"#
          + #""cached_tokens":4}}"#,
        input: 19, output: 1, cached: 4, written: 9),
      Row(
        name: "a cache that was written, in Responses and behind gateways",
        text:
          #"{"input_tokens":19,"input_tokens_details":{"cache_write_tokens":9},"cache_creation_input_tokens":8}"#,
        input: 19, written: 9),
      Row(
        name: "flat reasoning", text: #"{"prompt_tokens":1,"completion_tokens":9,"reasoning_tokens":7}"#,
        input: 1, output: 9, reasoning: 7),
      Row(
        name: "flat reasoning beside the details",
        text: #"{"reasoning_tokens":8,"completion_tokens_details":{"reasoning_tokens":7},"prompt_tokens":1}"#,
        input: 1, reasoning: 7),
      Row(name: "OpenAI embeddings", text: #"{"prompt_tokens":8,"total_tokens":8}"#, input: 8),
      Row(name: "only a total", text: #"{"total_tokens":8}"#, input: 8),
      Row(
        name: "DeepSeek",
        text: #"{"prompt_tokens":20,"completion_tokens":5,"total_tokens":25,"prompt_cache_hit_tokens":16,"#
          + #""prompt_cache_miss_tokens":4}"#,
        input: 20, output: 5, cached: 16),
      Row(
        name: "Mistral, num_cached_tokens",
        text: #"{"prompt_tokens":20,"completion_tokens":5,"total_tokens":25,"num_cached_tokens":9}"#,
        input: 20, output: 5, cached: 9),
      Row(
        name: "Mistral, prompt_token_details",
        text: #"{"prompt_tokens":20,"completion_tokens":5,"prompt_token_details":{"cached_tokens":9}}"#,
        input: 20, output: 5, cached: 9),
      Row(
        name: "Moonshot",
        text: #"{"prompt_tokens":20,"completion_tokens":30,"total_tokens":50,"cached_tokens":10}"#,
        input: 20, output: 30, cached: 10),
      Row(
        name: "xAI, whose completion leaves reasoning out",
        text: #"{"prompt_tokens":100,"completion_tokens":20,"total_tokens":150,"#
          + #""completion_tokens_details":{"reasoning_tokens":30}}"#,
        input: 100, output: 50, reasoning: 30),
      Row(
        name: "xAI, whose prompt leaves the cache out",
        text: #"{"prompt_tokens":10,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":90}}"#,
        input: 100, output: 20, cached: 90),
      Row(
        name: "reasoning inside the completion",
        text: #"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"#
          + #""completion_tokens_details":{"reasoning_tokens":30}}"#,
        input: 100, output: 50, reasoning: 30),
      Row(
        name: "Groq",
        text: #"{"queue_time":0.03,"prompt_tokens":12,"prompt_time":0.001,"completion_tokens":26,"#
          + #""completion_time":0.02,"total_tokens":38,"total_time":0.02}"#,
        input: 12, output: 26),
      Row(
        name: "other spellings of numbers", text: #"{"prompt_tokens":1.2e1,"completion_tokens":3.0}"#,
        input: 12, output: 3),
      Row(name: "escaped keys", text: #"{"prompt\u005ftokens":12}"#, input: 12),
      Row(name: "null details", text: #"{"prompt_tokens":1,"prompt_tokens_details":null}"#, input: 1),
      Row(name: "wrong types", text: #"{"prompt_tokens":"1","completion_tokens":[2],"total_tokens":true}"#),
      Row(name: "negative", text: #"{"prompt_tokens":-1,"completion_tokens":-2}"#),
      Row(name: "fractions", text: #"{"prompt_tokens":1.5}"#),
      Row(name: "too large", text: #"{"prompt_tokens":9223372036854775808}"#),
      Row(
        name: "more than there are tokens, which would overflow a sum",
        text: #"{"prompt_tokens":9223372036854775807,"completion_tokens":9223372036854775807,"#
          + #""total_tokens":9223372036854775807,"completion_tokens_details":{"reasoning_tokens":9223372036854775807}}"#,
        input: nil, output: nil, reasoning: nil),
      Row(
        name: "as many as there may be", text: #"{"prompt_tokens":1125899906842623,"completion_tokens":1e3}"#,
        input: 1_125_899_906_842_623, output: 1000),
      Row(name: "no object", text: "[1]"), Row(name: "null", text: "null"), Row(name: "nothing", text: ""),
    ])
  func providers(_ row: Row) {
    let usage = read(row.text)
    #expect(usage.input == row.input)
    #expect(usage.output == row.output)
    #expect(usage.cachedInput == row.cached)
    #expect(usage.reasoning == row.reasoning)
    #expect(usage.cacheWrite == row.written)
    #expect(usage.isEmpty == (row.input == nil && row.output == nil))
  }

  @Test("usage that is repeated is set, not summed, and what a later one lacks stays")
  func repeated() {
    let usage = read(
      #"{"prompt_tokens":10,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":4}}"#,
      #"{"prompt_tokens":10,"completion_tokens":7}"#, "null")
    #expect(usage.input == 10 && usage.output == 7 && usage.cachedInput == 4)
  }

  @Test("what is written says all that is known, and no sum is negative")
  func written() {
    var usage = TokenUsage()
    usage.input = .max
    usage.output = .max
    usage.cacheWrite = 5
    usage.reasoning = 6
    var out = ByteQueue()
    usage.write(into: &out)
    #expect(
      out.bytes.text()
        == #"{"prompt_tokens":9223372036854775807,"completion_tokens":9223372036854775807,"#
        + #""total_tokens":9223372036854775807,"prompt_tokens_details":{"cache_write_tokens":5},"#
        + #""completion_tokens_details":{"reasoning_tokens":6}}"#)
    usage.input = 7
    usage.output = 8
    var text = ByteQueue()
    usage.write(into: &text)
    var again = TokenUsage()
    again.read(text.bytes, 0..<text.count)
    #expect(again == usage)
  }
}
