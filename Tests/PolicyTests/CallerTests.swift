import Config
import Policy
import Testing
import Wire

@Suite("Caller")
struct CallerTests {
  @Test(arguments: [
    ("gpt-4o", "gpt-4o", true), ("gpt-4o", "gpt-4o-mini", false), ("gpt-4o", "gpt-4", false),
    ("claude-*", "claude-", true), ("claude-*", "claude-sonnet-5-5", true), ("claude-*", "xclaude-1", false),
    ("*", "", true), ("*", "a/b", true), ("", "", true), ("", "a", false), ("**", "x", true),
    ("*-mini", "gpt-4o-mini", true), ("*-mini", "gpt-4o-mini-2", false), ("a*b*c", "abbc", true),
    ("a*b*c", "acb", false), ("a*ab", "aab", true), ("a*ab", "aaab", true), ("?", "a", false),
    ("*.*", "a.b", true),
    ("gateway/*", "gateway/org/model", true), ("GPT-4o", "gpt-4o", false),
  ])
  func globs(pattern: String, text: String, matches: Bool) {
    let bytes = Array(text.utf8)
    let found = Glob(pattern).matches(bytes.span)
    #expect(found == matches)
  }

  /// A pattern made to go back as often as it can still ends.
  @Test func globsEnd() {
    let pattern = String(repeating: "a*", count: 200) + "b"
    let text = [UInt8](repeating: UInt8(ascii: "a"), count: 4000)
    let found = Glob(pattern).matches(text.span)
    #expect(!found)
  }

  private static func group(_ models: [String]) -> Group {
    var group = ConsumerGroup(name: "finance", key: .environment("KEY"))
    group.models = models
    return Group(group, index: 0)
  }

  /// What is asked, whether that is an entry of `models`, where it leads, and whether a group with `models` may use it.
  @Test(arguments: [
    ([], "anything", false, "gateway", "anything", true),
    (["*"], "gateway/x", false, "gateway", "x", true),
    (["gpt-4o"], "gpt-4o", false, "gateway", "gpt-4o", true),
    (["gpt-4o"], "gateway/gpt-4o", false, "gateway", "gpt-4o", false),
    (["gateway/*"], "gateway/gpt-4o", false, "gateway", "gpt-4o", true),
    (["gateway/*"], "gpt-4o", false, "gateway", "gpt-4o", false),
    // An entry is the operator's own word for where it leads, and an alias that is none must lead to what is allowed.
    (["fast"], "fast", true, "groq", "llama-3.3-70b", true),
    (["claude-sonnet"], "claude-sonnet", false, "anthropic", "claude-sonnet-4-5", false),
    (["claude-*"], "claude-sonnet", false, "anthropic", "claude-sonnet-4-5", true),
    (["claude-sonnet", "anthropic/*"], "claude-sonnet", false, "anthropic", "claude-sonnet-4-5", true),
    (["gpt-4o"], "fast", true, "gateway", "gpt-4o", false),
  ])
  func models(
    _ models: [String], asked: String, isEntry: Bool, provider: String, model: String, allowed: Bool
  ) {
    let (asked, model) = (Array(asked.utf8), Array(model.utf8))
    let found = Self.group(models).allows(
      asked.span, isEntry: isEntry, provider: provider, model: model.span)
    #expect(found == allowed)
  }

  private static func digest(_ seed: UInt64) -> KeyDigest {
    var words = InlineArray<4, UInt64>(repeating: 0)
    for place in 0..<4 { words[place] = seed &* (UInt64(place) + 1) &* 0x9E37_79B9_7F4A_7C15 }
    return KeyDigest(words)
  }

  @Test func groupsAreFoundByTheWholeDigest() {
    var consumers = Consumers()
    for name in ["a", "b", "c"] {
      consumers.groups.append(ConsumerGroup(name: name, key: .environment(name)))
    }
    let callers = Callers(consumers, digests: [1, 2, 3].map(Self.digest))
    #expect(callers.group(of: Self.digest(1))?.name == "a")
    #expect(callers.group(of: Self.digest(2))?.name == "b")
    #expect(callers.group(of: Self.digest(3))?.name == "c")
    #expect(callers.group(of: Self.digest(4)) == nil)
    for place in 0..<4 {
      for bit: UInt64 in [0, 1, 31, 62, 63] {
        var words = InlineArray<4, UInt64>(repeating: 0)
        for at in 0..<4 { words[at] = 2 &* (UInt64(at) + 1) &* 0x9E37_79B9_7F4A_7C15 }
        words[place] ^= 1 << bit
        #expect(callers.group(of: KeyDigest(words)) == nil)
      }
    }
    #expect(Callers(Consumers(), digests: []).group(of: Self.digest(1)) == nil)
  }
}
