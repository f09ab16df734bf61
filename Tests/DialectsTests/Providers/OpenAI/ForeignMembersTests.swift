import Config
import Dialects
import Testing
import Wire

/// What OpenAI gets of conversations that other providers have answered in.
@Suite struct ForeignMembersTests {
  private func sent(
    _ body: String, _ kind: ProviderKind = .openai, at host: String = "api.openai.com",
    _ prefix: String = "/v1"
  ) throws -> (body: String, dropped: String) {
    let provider = Config.Provider(
      name: "p", kind: kind, baseURL: BaseURL(scheme: .https, host: host, prefix: prefix), apiKey: .none)
    let preview = try RequestPreview(PreviewTarget(provider, model: Array("m".utf8)), body: Array(body.utf8))
    return (String(decoding: preview.body, as: UTF8.self), preview.dropped)
  }

  private static func chat(_ messages: String, _ rest: String = "") -> String {
    #"{"model":"m","messages":[\#(messages)]\#(rest)}"#
  }

  private static let foreign: [(from: String, to: String, dropped: String)] = [
    (
      #"{"role":"assistant","extra_content":{"google":{"thought_signature":"A"}},"content":"a"}"#,
      #"{"role":"assistant","content":"a"}"#, "messages[0].extra_content"
    ),
    (
      #"{"thinking_blocks":[{"type":"thinking"}],"reasoning_content":"t","role":"assistant","content":"a"}"#,
      #"{"role":"assistant","content":"a"}"#, "messages[0].thinking_blocks,messages[0].reasoning_content"
    ),
    (
      #"{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"A"}}}],"reasoning":"t","reasoning_details":[]}"#,
      #"{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}"#,
      "messages[0].tool_calls[0].extra_content,messages[0].reasoning"
    ),
    (
      #"{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}"#,
      #"{"role":"user","content":[{"type":"text","text":"a"}]}"#, "messages[0].content[0].cache_control"
    ),
    // A name is one however it is escaped.
    (
      #"{"role":"assistant","content":"a", "\u0065xtra_content" : {"a":1}}"#,
      #"{"role":"assistant","content":"a"}"#, "messages[0].\\u0065xtra_content"
    ),
  ]

  @Test("what other providers' answers carry is left out", arguments: foreign)
  func cleared(from: String, to: String, dropped: String) throws {
    for host in ["api.openai.com", "eu.api.openai.com"] {
      let made = try sent(Self.chat(from), at: host)
      #expect(made.body == Self.chat(to))
      #expect(made.dropped == dropped)
    }
  }

  @Test("tools lose the marks of a cache")
  func tools() throws {
    let made = try sent(
      Self.chat(
        #"{"role":"user","content":"a"}"#,
        #","tools":[{"type":"function","function":{"name":"f"},"cache_control":{"type":"ephemeral"}}]"#))
    #expect(
      made.body
        == Self.chat(
          #"{"role":"user","content":"a"}"#, #","tools":[{"type":"function","function":{"name":"f"}}]"#))
    #expect(made.dropped == "tools[0].cache_control")
  }

  @Test(
    "what only looks like it stays",
    arguments: [
      // A text, a schema's property, a call's arguments, and members of the request itself.
      chat(#"{"role":"user","content":"\"extra_content\""}"#),
      chat(
        #"{"role":"user","content":"a"}"#,
        #","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"reasoning":{"type":"string"}}}}}]"#
      ),
      chat(#"{"role":"user","content":"a"}"#, #","reasoning":{"effort":"low"}"#),
      chat(#"{"role":"user","content":"a","a_member_of_tomorrow":1}"#),
    ])
  func kept(body: String) throws {
    let made = try sent(body)
    #expect(made.body == body && made.dropped.isEmpty)
  }

  @Test(
    "servers of another make behind the same kind keep them, and so do others",
    arguments: [
      (ProviderKind.openai, "generativelanguage.googleapis.com"), (.openai, "vllm.models.svc"),
      (.openai, "api.openai.com.example.org"), (.openaiCompatible, "api.openai.com"), (.vllm, "127.0.0.1"),
    ])
  func others(kind: ProviderKind, host: String) throws {
    for row in Self.foreign {
      let body = Self.chat(row.from)
      let made = try sent(body, kind, at: host)
      #expect(made.body == body && made.dropped.isEmpty)
    }
  }
}
