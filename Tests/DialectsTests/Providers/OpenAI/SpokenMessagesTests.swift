// Turns of blanks, and conversations in which no user speaks: what providers that refuse them get.

import Config
import Dialects
import Testing

extension QuirksTests {
  private static let begin = #"{"role":"user","content":"Begin."}"#

  @Test(
    "a user says next to nothing where none speaks, and no turn is blank",
    arguments: [
      (#"{"role":"system","content":"s"}"#, #"{"role":"system","content":"s"},\#(begin)"#),
      (#"{"role":"user","content":" \n"}"#, begin), (#"{"role":"user"}"#, begin),
      (#"{"role":"user","content":null}"#, begin), (#"{"role":"user","content":[]}"#, begin),
      (#"{"role":"user","content":[{"type":"text","text":"\u00a0\u3000 "}],"name":"n"}"#, begin),
      (#"{"role":"system","content":""}"#, begin),
      (#"{"role":"user","content":"  　\u2028 \f"}"#, begin),
      (#"{"role":"user","content":"　中"}"#, #"{"role":"user","content":"　中"}"#),
      (#"{"role":"user","content":" \"q"}"#, #"{"role":"user","content":" \"q"}"#),
      (#"{"role":"user","content":"\u00e9"}"#, #"{"role":"user","content":"\u00e9"}"#),
      (#"{"role":"user","content":"\u200b"}"#, #"{"role":"user","content":"\u200b"}"#),
      (#"{"role":"assistant","content":""} , {"role":"user","content":""}"#, begin),
      (
        #"{"role":"system","content":"s"},{"role":"user","content":"\t"},{"role":"user","content":""}"#,
        #"{"role":"system","content":"s"},\#(begin)"#
      ),
      (
        #"{"role":"assistant","content":"a"},{"role":"user","content":"b"}"#,
        #"\#(begin),{"role":"assistant","content":"a"},{"role":"user","content":"b"}"#
      ),
      (
        #"{"role":"user","content":""}, {"role":"user","content":"b"},{"role":"user","content":[{"type":"text","text":""}]}"#,
        #"{"role":"user","content":"b"}"#
      ),
      (
        #"{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":" "}"#,
        #"{"role":"user","content":"a"},{"role":"assistant","content":"b"},\#(begin)"#
      ),
      (
        #"{"role":"user","content":"a"},{"role":"assistant","content":null},{"role":"assistant","content":"c"}"#,
        #"{"role":"user","content":"a"},{"role":"assistant","content":"c"}"#
      ),
      (
        #"{"role":"user","content":[{"type":"text","text":""},{"type":"image_url","image_url":{"url":"u"}}]}"#,
        #"{"role":"user","content":[{"type":"text","text":""},{"type":"image_url","image_url":{"url":"u"}}]}"#
      ),
    ])
  func blanks(_ from: String, _ to: String) throws {
    // Where the last turn is the assistant's, Mistral is told to go on with it.
    let marked = to.hasSuffix(#""content":"c"}"#) ? to.dropLast() + #","prefix":true}"# : to
    #expect(try sent(.mistral, #"{"messages":[\#(from)]}"#).text == #"{"messages":[\#(marked)]}"#)
    #expect(try sent(.perplexity, #"{"messages":[\#(from)]}"#).text == #"{"messages":[\#(to)]}"#)
    for kind in [ProviderKind.openai, .azure, .groq, .deepseek, .together, .xai, .vllm, .openaiCompatible] {
      // Their own word on it is the better one.
      guard !from.contains("null"), kind != .groq || !from.contains("name") else { continue }
      #expect(try sent(kind, #"{"messages":[\#(from)]}"#).text == #"{"messages":[\#(from)]}"#)
    }
  }

  @Test("behind the system's word an assistant may begin at Mistral, and not at Perplexity")
  func beginning() throws {
    let system = #"{"role":"developer","content":"s"}"#
    let turns = #"{"role":"assistant","content":"a"},{"role":"user","content":"b"}"#
    let plain = #"{"role":"system","content":"s"}"#
    let body = #"{"messages":[\#(system),\#(turns)]}"#
    #expect(try sent(.mistral, body).text == #"{"messages":[\#(plain),\#(turns)]}"#)
    #expect(try sent(.perplexity, body).text == #"{"messages":[\#(plain),\#(Self.begin),\#(turns)]}"#)
  }

  @Test("an assistant's turn that only refuses says so, where there is no member for it")
  func refusals() throws {
    let turn = #"{"role":"assistant","content":null,"refusal":"no"}"#
    let said = #"{"role":"assistant","content":"no"}"#
    for kind in [ProviderKind.mistral, .perplexity, .groq] {
      let result = try sent(kind, #"{"messages":[\#(Self.message),\#(turn),\#(Self.message)]}"#)
      #expect(result.text == #"{"messages":[\#(Self.message),\#(said),\#(Self.message)]}"#)
      #expect(result.dropped.isEmpty)
    }
  }

  @Test("no message at all is no conversation")
  func noMessages() throws {
    for kind in [ProviderKind.mistral, .perplexity] {
      let fault = #expect(throws: RequestFault.self) { try sent(kind, #"{"messages":[ ]}"#) }
      #expect(fault?.code == .invalid && fault?.parameter == "messages")
    }
    #expect(try sent(.openai, #"{"messages":[]}"#).text == #"{"messages":[]}"#)
  }

  @Test("Moonshot gets no turn of blanks")
  func moonshot() throws {
    for (host, isMoonshot) in [
      ("api.moonshot.ai", true), ("api.moonshot.cn", true), ("moonshot.ai.test", false),
    ] {
      let provider = Provider(
        name: "a", kind: .openaiCompatible, baseURL: BaseURL(scheme: .https, host: host, prefix: "/v1"),
        apiKey: .none)
      let body = #"{"messages":[{"role":"assistant","content":""},\#(Self.message)]}"#
      let expected = isMoonshot ? #"{"messages":[\#(Self.message)]}"# : body
      #expect(try sent(Quirks.of(provider), body).text == expected)
      let partial =
        #"{"messages":[\#(Self.message),{"role":"assistant","name":"Kelsier","content":"","partial":true}]}"#
      #expect(try sent(Quirks.of(provider), partial).text == partial)
    }
  }
}
