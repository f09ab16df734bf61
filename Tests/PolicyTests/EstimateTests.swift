import Config
import Testing
import Wire

@testable import Policy

@Suite("Estimate")
struct EstimateTests {
  private static func tokens(
    _ body: String, kind: ProviderKind = .vllm, model: String = "m", total: Int = 0
  ) throws -> Int {
    let bytes = Array(body.utf8)
    var scanner = JSONScanner()
    scanner.reset(watching: [.messages, .input, .prompt, .tools])
    try scanner.feed(bytes.span)
    var prompt = Prompt()
    prompt.total = max(total, bytes.count)
    for member in [JSONMember.messages, .input, .prompt] {
      if let found = scanner.found(member) { prompt.add(found.value) }
    }
    prompt.tools = scanner.found(.tools)?.value
    let name = Array(model.utf8)
    return Estimate.tokens(bytes.span, prompt, Counting(kind, model: name.span))
  }

  private static func chat(_ text: String) -> String {
    #"{"messages":[{"role":"user","content":"\#(text)"}]}"#
  }

  /// What OpenAI's o200k makes of texts, give or take a quarter.
  @Test(arguments: [
    (
      "The quick brown fox jumps over the lazy dog, and then it goes home to sleep until the morning comes.",
      21
    ),
    (
      "Die Würde des Menschen ist unantastbar. Sie zu achten und zu schützen ist Verpflichtung aller staatlichen Gewalt.",
      29
    ),
    ("吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。", 28),
  ])
  func words(text: String, counted: Int) throws {
    let guess = try Self.tokens(Self.chat(text)) - 7
    #expect(abs(guess - counted) * 4 <= counted + 3, "\(guess) for \(counted)")
  }

  @Test("an escaped character counts as the character")
  func escapes() throws {
    let plain = try Self.tokens(Self.chat("猫が好きです。猫が好きです。猫が好きです。"))
    let escaped = try Self.tokens(
      Self.chat(
        String(repeating: "\\u732b\\u304c\\u597d\\u304d\\u3067\\u3059\\u3002", count: 3)))
    #expect(plain == escaped)
    #expect(try Self.tokens(Self.chat("a\\nb")) > Self.tokens(Self.chat("ab")))
  }

  @Test("a picture counts as one, and its bytes don't")
  func pictures() throws {
    let data = String(repeating: "iVBORw0KGgo", count: 20_000)
    let body =
      #"{"messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,\#(data)"}}]}]}"#
    #expect((1100...2500).contains(try Self.tokens(body)))
    let short =
      #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]}]}"#
    #expect((1100...1120).contains(try Self.tokens(short)))
  }

  @Test("a long text is weighed by a part of it, within a tenth")
  func sampling() throws {
    let sentence = "Each of these sentences says the same thing in 13 words, or so. "
    let one = try Self.tokens(Self.chat(String(repeating: sentence, count: 20))) - 7
    let many = try Self.tokens(Self.chat(String(repeating: sentence, count: 4000))) - 7
    #expect(abs(many - one * 200) * 10 < one * 200)
  }

  @Test("of a body that is still coming the rest is like its beginning")
  func rest() throws {
    let text = Self.chat(String(repeating: "word and word ", count: 100))
    let whole = try Self.tokens(text)
    let scaled = try Self.tokens(text, total: text.utf8.count * 10)
    #expect(abs(scaled - whole * 10) < whole)
  }

  @Test("tools, lists of tokens, nothing")
  func forms() throws {
    #expect(try Self.tokens(#"{"input":[1,2,3,4,5]}"#) == 8)
    #expect(try Self.tokens(#"{"input":[[1,2],[3]]}"#) == 6)
    #expect(try Self.tokens(#"{}"#) == 3)
    #expect(try Self.tokens(#"{"messages":null}"#) == 3)
    let tools = #"{"messages":[],"tools":[{"type":"function","function":{"name":"f"}}]}"#
    #expect((8...20).contains(try Self.tokens(tools)))
    #expect(try Self.tokens(tools, kind: .anthropic, model: "claude-sonnet-4-5") > 514)
  }

  @Test(arguments: [
    ("claude-3-5-sonnet-20241022", false), ("claude-sonnet-4-5-20250929", false), ("claude-opus-4-8", true),
    ("claude-sonnet-5-5", true), ("anthropic.claude-haiku-4-5-20251001-v1:0", false),
    ("claude-sonnet-5", true),
    ("claude", false),
  ])
  func claudes(name: String, isNew: Bool) {
    let bytes = Array(name.utf8)
    let weights = Counting(.anthropic, model: bytes.span).vocabulary.weights
    #expect((weights == Vocabulary.newClaude.weights) == isNew)
    #expect((weights == Vocabulary.claude.weights) == !isNew)
  }
}

@Suite("Learning")
struct LearningTests {
  private static func key(_ model: String, group: String = "", hasTools: Bool = false) -> LessonKey {
    let (provider, model, group) = (Array("p".utf8), Array(model.utf8), Array(group.utf8))
    return LessonKey(provider: provider.span, model: model.span, hasTools: hasTools, group: group.span)
  }

  @Test("ten answers bring an estimate that is far off within a tenth", arguments: [0.3, 0.5, 1.0, 2.0, 3.5])
  func ratio(_ factor: Double) {
    let learning = Learning()
    let key = Self.key("m")
    for _ in 0..<10 {
      learning.learn(key, estimate: 1000, prompt: Int(1000 * factor), answer: 10)
    }
    let guess = Double(learning.guess(key, prompt: 2000).prompt)
    #expect(abs(guess - 2000 * factor) < 200 * factor)
    // Of others nothing was learned.
    #expect(learning.guess(Self.key("m", hasTools: true), prompt: 2000).prompt == 2000)
    #expect(learning.guess(Self.key("n"), prompt: 2000).prompt == 2000)
  }

  @Test("short prompts and absurd counts teach nothing wrong")
  func ceilings() {
    let learning = Learning()
    let key = Self.key("m")
    learning.learn(key, estimate: 199, prompt: 100_000, answer: 0)
    #expect(learning.guess(key, prompt: 100).prompt == 100)
    for prompt in [Int.max, 0, -5] { learning.learn(key, estimate: 1000, prompt: prompt, answer: -1) }
    #expect(learning.guess(key, prompt: 100).prompt == 100)
    for _ in 0..<100 { learning.learn(key, estimate: 200, prompt: 1 << 39, answer: .max) }
    #expect(learning.guess(key, prompt: 100).prompt == 400)
    #expect(learning.guess(key, prompt: .max).prompt == .max)
  }

  @Test("an answer of which nothing is said: a quarter more than all but one in twenty, of the last 64")
  func answers() {
    let learning = Learning()
    let key = Self.key("m", group: "a")
    #expect(learning.guess(key, prompt: 1).answer == nil && learning.meanAnswer(key) == nil)
    for tokens in 1...100 { learning.learn(key, estimate: 1, prompt: 1, answer: tokens) }
    // 37...100: the place at 95 % is 60 of 64.
    #expect(learning.guess(key, prompt: 1).answer == 97 + 25)
    #expect(learning.meanAnswer(key) == 68)
    #expect(learning.guess(Self.key("m", group: "b"), prompt: 1).answer == nil)
  }

  @Test("names without end are not remembered without end")
  func bounded() {
    let learning = Learning()
    for number in 0..<5000 {
      learning.learn(Self.key("m\(number)"), estimate: 1000, prompt: 2000, answer: 5)
    }
    #expect(learning.guess(Self.key("m5"), prompt: 1000).prompt == 2000)
    #expect(learning.guess(Self.key("m4999"), prompt: 1000).prompt == 1000)
  }
}
