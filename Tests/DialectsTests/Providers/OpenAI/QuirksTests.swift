import Config
import Dialects
import Testing
import Wire

/// What providers of OpenAI's format get of a request.
@Suite struct QuirksTests {
  /// The body that reaches a provider of `kind`, and what was left out.
  func sent(
    _ kind: ProviderKind, _ body: String, _ shape: BodyShape = .chat, model: String? = nil
  ) throws -> (text: String, dropped: String) {
    try sent(Quirks.of(kind), body, shape, model: model)
  }

  func sent(
    _ quirks: Quirks, _ body: String, _ shape: BodyShape = .chat, model: String? = nil
  ) throws -> (text: String, dropped: String) {
    var scanner = JSONScanner(watching: RequestFacts.watched)
    let bytes = Array(body.utf8)
    try scanner.feed(bytes.span)
    try scanner.finish()
    var facts = RequestFacts()
    try facts.read(bytes.span, scanner)
    var splice = JSONSplice(editCeiling: 1 << 16)
    var dropped = DroppedFields()
    if let model {
      let name = Array(model.utf8)
      try facts.edit(&splice, bytes.span, scanner, model: name.span, addsUsage: false)
    } else {
      try facts.edit(&splice, bytes.span, scanner, model: nil, addsUsage: false)
    }
    if let edit = RequestEdit.of(quirks, shape, count: bytes.count) {
      try edit.write(bytes.span, &splice, dropped: &dropped)
    }
    var out = ByteQueue()
    splice.apply(to: bytes.span, into: &out)
    let expected = splice.resultCount(for: bytes.count)
    #expect(out.count == expected)
    #expect(Tree(out.bytes.text()) != nil, "\(out.bytes.text())")
    var list = ByteQueue()
    dropped.write(into: &list)
    return (out.bytes.text(), list.bytes.text())
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var kind: ProviderKind
    var from: String
    var to: String
    var dropped = ""
    var shape = BodyShape.chat
    var testDescription: String { "\(kind.rawValue): \(from)" }
  }

  static let message = #"{"role":"user","content":"hi"}"#

  static let memberRows: [Row] = [
    // Nothing moves where nothing must.
    Row(kind: .openai, from: #"{"seed": 1 ,"user":null}"#, to: #"{"seed": 1 ,"user":null}"#),
    Row(kind: .openrouter, from: #"{"seed": 1 ,"x":null}"#, to: #"{"seed": 1 ,"x":null}"#),
    Row(kind: .xai, from: #"{"n":2,"logit_bias":{"1":2}}"#, to: #"{"n":2,"logit_bias":{"1":2}}"#),
    Row(
      kind: .mistral, from: #"{"model":"m", "seed":7, "top_p":1e0}"#,
      to: #"{"model":"m", "random_seed":7, "top_p":1e0}"#),
    Row(
      kind: .mistral, from: #"{"max_completion_tokens":5,"max_tokens":9,"model":"m"}"#,
      to: #"{"max_tokens":5,"model":"m"}"#),
    Row(
      kind: .mistral, from: #"{"max_tokens":9,"model":"m","max_completion_tokens":5}"#,
      to: #"{"model":"m","max_tokens":5}"#),
    Row(
      kind: .mistral, from: #"{"max_tokens":9,"max_completion_tokens":null,"model":"m"}"#,
      to: #"{"max_tokens":9,"model":"m"}"#),
    Row(
      kind: .mistral,
      from:
        #"{"user":"u","model":"m","store":false,"service_tier":"auto","logit_bias":{},"logprobs":true,"stop":null}"#,
      to: #"{"model":"m"}"#, dropped: "user,store,service_tier,logit_bias,logprobs"),
    Row(
      kind: .mistral, from: #"{"stream":true,"stream_options":{"include_usage":true}}"#,
      to: #"{"stream":true}"#),
    Row(kind: .mistral, from: #"{"temperature":2}"#, to: #"{"temperature":1.5}"#, dropped: "temperature"),
    Row(kind: .mistral, from: #"{"temperature":1.5}"#, to: #"{"temperature":1.5}"#),
    Row(kind: .mistral, from: #"{"reasoning_effort":"medium"}"#, to: #"{"reasoning_effort":"high"}"#),
    Row(kind: .mistral, from: #"{"reasoning_effort":"none"}"#, to: #"{"reasoning_effort":"none"}"#),
    Row(kind: .mistral, from: #"{"functions":[],"modalities":["text"],"n":2}"#, to: #"{"n":2}"#),
    Row(kind: .mistral, from: #"{"seed":null}"#, to: "{}"),
    Row(
      kind: .mistral, from: #"{"prediction":{"type":"content","content":[{"type":"text","text":"a"}]}}"#,
      to: "{}", dropped: "prediction"),
    Row(kind: .mistral, from: #"{"tool_choice":"required"}"#, to: #"{"tool_choice":"required"}"#),
    Row(
      kind: .mistral, from: #"{"fallback_models":["a"],"model":"m","thread_identifier":"t","user":"u"}"#,
      to: #"{"model":"m"}"#, dropped: "user"),
    Row(
      kind: .groq,
      from: #"{"model":"m","logprobs":false,"n":1,"logit_bias":{"1":1},"top_logprobs":2,"seed":1}"#,
      to: #"{"model":"m","n":1,"seed":1}"#, dropped: "logit_bias,top_logprobs"),
    Row(kind: .groq, from: #"{"reasoning_effort":"minimal"}"#, to: #"{"reasoning_effort":"low"}"#),
    Row(kind: .fireworks, from: #"{"reasoning_effort":"xhigh"}"#, to: #"{"reasoning_effort":"high"}"#),
    Row(
      kind: .together, from: #"{"logprobs":true,"top_logprobs":3,"max_completion_tokens":4}"#,
      to: #"{"logprobs":3,"max_tokens":4}"#),
    Row(kind: .together, from: #"{"a":1,"logprobs":false}"#, to: #"{"a":1}"#),
    Row(kind: .deepseek, from: #"{"max_completion_tokens":4,"n":1}"#, to: #"{"max_tokens":4,"n":1}"#),
    Row(kind: .perplexity, from: #"{"tools":[],"tool_choice":"auto","model":"m"}"#, to: #"{"model":"m"}"#),
    // Embeddings.
    Row(
      kind: .mistral,
      from: #"{"input":"a","dimensions":3,"user":"u","encoding_format":"base64","model":"m"}"#,
      to: #"{"input":"a","output_dimension":3,"encoding_format":"base64","model":"m"}"#, dropped: "user",
      shape: .embedding),
    Row(
      kind: .groq, from: #"{"input":"a","logprobs":1}"#, to: #"{"input":"a","logprobs":1}"#, shape: .embedding
    ),
  ]

  @Test("members that a provider refuses are left out, renamed or changed", arguments: memberRows)
  func members(_ row: Row) throws {
    let result = try sent(row.kind, row.from, row.shape)
    #expect(result.text == row.to)
    #expect(result.dropped == row.dropped)
  }

  @Test(
    "what would mean something else is refused, and named",
    arguments: [
      (ProviderKind.groq, #"{"n":2}"#, "n"), (.groq, #"{"n":"x"}"#, "n"), (.deepseek, #"{"n":3}"#, "n"),
      (.perplexity, #"{"tools":[{"type":"function"}]}"#, "tools"),
      (.mistral, #"{"functions":[{"name":"f"}]}"#, "functions"),
      (.mistral, #"{"modalities":["text","audio"]}"#, "modalities"),
      (.mistral, #"{"audio":{"voice":"a"}}"#, "audio"),
      (.mistral, #"{"tool_choice":{"type":"allowed_tools"}}"#, "tool_choice"),
      (.mistral, #"{"tools":[{"type":"custom","custom":{"name":"x"}}]}"#, "tools"),
    ])
  func refused(_ kind: ProviderKind, _ body: String, _ parameter: String) throws {
    let fault = #expect(throws: RequestFault.self) { try sent(kind, body) }
    #expect(fault?.code == .unsupported)
    #expect(fault?.parameter == parameter)
    #expect(fault?.message.contains("'\(parameter)'") == true)
  }

  @Test("tokens are refused where only texts can be embedded")
  func tokens() throws {
    for body in [#"{"input":[1,2]}"#, #"{"input":[[1],[2]]}"#] {
      let fault = #expect(throws: RequestFault.self) { try sent(.mistral, body, .embedding) }
      #expect(fault?.parameter == "input")
    }
  }

  static let messageRows: [Row] = [
    Row(
      kind: .mistral, from: #"{"role":"developer","content":"a"}"#, to: #"{"role":"system","content":"a"}"#),
    Row(
      kind: .deepseek, from: #"{"content":"a", "role" : "developer","name":"x"}"#,
      to: #"{"content":"a", "role" : "system","name":"x"}"#),
    Row(
      kind: .mistral, from: #"{"name":"bob","role":"user","content":"a"}"#,
      to: #"{"role":"user","content":"a"}"#, dropped: "messages[0].name"),
    Row(
      kind: .mistral, from: #"{"role":"tool","name":"f","content":"a","tool_call_id":"abcDEF123"}"#,
      to: #"{"role":"tool","name":"f","content":"a","tool_call_id":"abcDEF123"}"#),
    Row(
      kind: .groq, from: #"{"role":"user","content":"a","name":"bob"}"#,
      to: #"{"role":"user","content":"a"}"#,
      dropped: "messages[0].name"),
    // What the SDK's own message objects hold.
    Row(
      kind: .groq,
      from:
        #"{"content":null,"refusal":null,"role":"assistant","annotations":[],"audio":null,"tool_calls":[{"id":"a"}]}"#,
      to: #"{"role":"assistant","tool_calls":[{"id":"a"}]}"#),
    Row(
      kind: .groq, from: #"{"role":"assistant","content":"a","reasoning_content":"why"}"#,
      to: #"{"role":"assistant","content":"a","reasoning":"why"}"#),
    Row(
      kind: .groq, from: #"{"role":"assistant","content":"a","reasoning_content":"why","reasoning":"why"}"#,
      to: #"{"role":"assistant","content":"a","reasoning":"why"}"#, dropped: "messages[0].reasoning_content"),
    // What Google's answers carry, and the SDK's own helpers add.
    Row(
      kind: .groq,
      from:
        #"{"role":"assistant","tool_calls":[{"id":"a","extra_content":{"google":{"thought_signature":"x"}},"#
        + #""type":"function","function":{"name":"f","arguments":"{}","parsed_arguments":{"a":1}}},"#
        + #"{"extra_content":null,"id":"b"}],"extra_content":{"google":{}}}"#,
      to:
        #"{"role":"assistant","tool_calls":[{"id":"a","type":"function","#
        + #""function":{"name":"f","arguments":"{}"}},{"id":"b"}]}"#,
      dropped: "messages[0].tool_calls[0].extra_content,messages[0].tool_calls[0].parsed_arguments,"
        + "messages[0].extra_content"),
    Row(
      kind: .mistral,
      from:
        #"{"role":"assistant","content":"","tool_calls":[{"extra_content":{"a":1},"id":"abcDEF123","index":0}]}"#,
      to: #"{"role":"assistant","content":"","tool_calls":[{"id":"abcDEF123","index":0}]}"#,
      dropped: "messages[0].tool_calls[0].extra_content"),
    Row(
      kind: .deepseek, from: #"{"role":"assistant","content":"a","reasoning_content":"why"}"#,
      to: #"{"role":"assistant","content":"a","reasoning_content":"why"}"#),
    // Parts.
    Row(
      kind: .mistral,
      from: #"{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}"#,
      to: #"{"role":"user","content":[{"type":"text","text":"a"}]}"#,
      dropped: "messages[0].content[0].cache_control"),
    Row(
      kind: .mistral,
      from: #"{"role":"user","content":[{"type":"image_url","image_url":{"url":"u","detail":null}}]}"#,
      to: #"{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}}]}"#),
    Row(
      kind: .mistral,
      from:
        #"{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}]}"#,
      to: #"{"role":"user","content":[{"type":"input_audio","input_audio":"AA=="}]}"#),
    Row(
      kind: .mistral,
      from:
        #"{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:a/b;base64,AA=="}}]}"#,
      to: #"{"role":"user","content":[{"type":"document_url","document_url":"data:a/b;base64,AA==","#
        + #""document_name":"a.pdf"}]}"#),
    Row(
      kind: .mistral, from: #"{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}"#,
      to: #"{"role":"user","content":[{"type":"file","file_id":"f"}]}"#),
  ]

  @Test("messages that a provider refuses are put into its form", arguments: messageRows)
  func messages(_ row: Row) throws {
    // Around it turns of the user, so that neither the first turn nor the last is the assistant's.
    let body = #"{"messages":[\#(Self.message),\#(row.from),\#(Self.message)],"model":"m"}"#
    let result = try sent(row.kind, body)
    #expect(result.text == #"{"messages":[\#(Self.message),\#(row.to),\#(Self.message)],"model":"m"}"#)
    #expect(result.dropped == row.dropped.replacing("messages[0]", with: "messages[1]"))
  }

  @Test("Mistral's ids have nine letters and digits, the same in call and result")
  func ids() throws {
    let body =
      #"{"messages":[{"role":"system","content":"s"},{"role":"assistant","tool_calls":[{"id":"call_abcdefghijklmnop","index":null,"#
      + #""type":"function","function":{"name":"f","arguments":"{}"}},{"id":"x\u00e9","type":"function","#
      + #""function":{"name":"g","arguments":"{}"}}]},{"role":"tool","tool_call_id":"x\u00e9","content":"2"},"#
      + #"{"role":"tool","tool_call_id":"call_abcdefghijklmnop","content":"1"}]}"#
    let tree = try #require(Tree(try sent(.mistral, body).text))
    let messages = try #require(tree["messages"]?.elements)
    let calls = try #require(messages[1]["tool_calls"]?.elements).compactMap { $0["id"]?.text }
    let results = messages[2...].compactMap { $0["tool_call_id"]?.text }
    #expect(calls.count == 2 && calls == results.reversed() && calls[0] != calls[1])
    for id in calls {
      #expect(id.utf8.count == 9 && id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
    }
    // Stateless, so a later turn says the same.
    #expect(try sent(.mistral, body).text == sent(.mistral, body).text)
  }

  @Test("a last turn of the assistant is one to go on with")
  func prefix() throws {
    let turn = #"{"role":"assistant","content":"Once","name":null}"#
    #expect(
      try sent(.mistral, #"{"messages":[\#(Self.message),\#(turn)]}"#).text
        == #"{"messages":[\#(Self.message),{"role":"assistant","content":"Once","prefix":true}]}"#)
    let said = #"{"messages":[\#(Self.message),{"role":"assistant","content":"Once","prefix":false}]}"#
    #expect(try sent(.mistral, said).text == said)
  }

  @Test(
    "what Mistral's model thought goes back to where it came from",
    arguments: [
      (
        #"{"role":"assistant","reasoning_content":"w\n","content":"a"}"#,
        #"{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"w\n"}]},"#
          + #"{"type":"text","text":"a"}]}"#
      ),
      (
        #"{"role":"assistant","content":null,"reasoning_content":"w"}"#,
        #"{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"w"}]}]}"#
      ),
      (
        #"{"reasoning_content":"w","role":"assistant"}"#,
        #"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"w"}]}],"role":"assistant"}"#
      ),
      (
        #"{"role":"assistant","content":[{"type":"text","text":"a"}],"reasoning_content":"w"}"#,
        #"{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"w"}]},"#
          + #"{"type":"text","text":"a"}]}"#
      ),
      (
        #"{"role":"assistant","content":"a","reasoning_content":""}"#, #"{"role":"assistant","content":"a"}"#
      ),
    ])
  func thinking(_ from: String, _ to: String) throws {
    let result = try sent(.mistral, #"{"messages":[\#(Self.message),\#(from),\#(Self.message)]}"#)
    #expect(result.text == #"{"messages":[\#(Self.message),\#(to),\#(Self.message)]}"#)
    #expect(result.dropped.isEmpty)
  }

  @Test("a tool's schema is there, and says nothing of its version")
  func tools() throws {
    let result = try sent(
      .mistral,
      #"{"tools":[{"type":"function","function":{"name":"f","description":null,"parameters":{"$schema":"x","#
        + #""type":"object","$id":"y"}}},{"type":"function","function":{"name":"g","x":1}}]}"#)
    #expect(
      result.text
        == #"{"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}},"#
        + #"{"type":"function","function":{"parameters":{"type":"object","properties":{}},"name":"g"}}]}"#)
    #expect(result.dropped == "tools[1].x")
  }

  @Test(
    "turns of one role in a row become one where roles must take turns",
    arguments: [
      (#"[{"role":"user","content":"a"}]"#, #"[{"role":"user","content":"a"}]"#),
      (
        #"[{"role":"developer","content":"s"},{"role":"user","content":"a\n"}, {"content":"b","role":"user"}]"#,
        #"[{"role":"system","content":"s"},{"role":"user","content":"a\n\n\nb"}]"#
      ),
      (
        #"[{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"b"}]}]"#,
        #"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]"#
      ),
      (
        #"[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]"#,
        #"[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]"#
      ),
      (
        #"[{"role":"tool","content":"a"},{"role":"tool","content":"b"}]"#,
        #"[{"role":"tool","content":"a"},{"role":"tool","content":"b"}]"#
      ),
    ])
  func turns(_ from: String, _ to: String) throws {
    #expect(try sent(.perplexity, #"{"messages":\#(from)}"#).text == #"{"messages":\#(to)}"#)
  }

  @Test("a model's name and a provider's quirks are changed together")
  func model() throws {
    #expect(
      try sent(.mistral, #"{"seed":1,"user":"u"}"#, model: "m").text == #"{"model":"m","random_seed":1}"#)
    #expect(try sent(.mistral, #"{"user":"u"}"#, model: "m").text == #"{"model":"m"}"#)
    #expect(
      try sent(.mistral, #"{"user":"u","model":"x","store":true}"#, model: "m").text == #"{"model":"m"}"#)
  }

  @Test("a request with more to change than one can have is refused, not cut")
  func tooMany() throws {
    let turn = #"{"role":"user","name":"x","content":"a"}"#
    let body = #"{"messages":[\#([String](repeating: turn, count: 70_000).joined(separator: ","))]}"#
    #expect(throws: RequestFault.self) { try sent(.mistral, body) }
  }

  @Test("whatever a body holds, what comes out is JSON, and nobody falls over")
  func odd() throws {
    for kind in ProviderKind.allCases {
      for body in [
        "{}", #"{"messages":[1,null,[],{}],"tools":[1,{}],"n":1}"#,
        #"{"messages":{},"tools":{},"prediction":7,"temperature":"x","tool_choice":[],"logprobs":[]}"#,
        #"{"messages":[{"role":"assistant","content":7,"tool_calls":[7,{"id":7,"function":[]}],"#
          + #""reasoning_content":7},{"role":7},{"role":"user","content":[7,{"type":7},{"type":"file"}]}]}"#,
        #"{"\u0073eed":1,"messages":[{"\u0072ole":"\u0064eveloper","content":"a"}]}"#,
      ] {
        _ = try? sent(kind, body)
      }
    }
    #expect(try sent(.mistral, #"{"\u0073eed":1}"#).text == #"{"random_seed":1}"#)
  }

  @Test("DeepSeek is told of each turn with calls what was thought, unless thinking is off")
  func thinksBetweenCalls() throws {
    func body(_ turn: String, _ more: String = "") -> String {
      #"{"model":"m","messages":[{"role":"user","content":"a"},\#(turn),"#
        + #"{"role":"assistant","content":"no calls"},{"role":"assistant","tool_calls":[]}]\#(more)}"#
    }
    let calls = #""tool_calls":[{"id":"c"}]"#
    let turn = #"{"role":"assistant",\#(calls)}"#
    let said = #"{"role":"assistant",\#(calls),"reasoning_content":""}"#
    #expect(try sent(.deepseek, body(turn)).text == body(said))
    let on = #","thinking":{"type":"enabled"}"#
    #expect(try sent(.deepseek, body(turn, on)).text == body(said, on))
    let null = #"{"reasoning_content":null,"role":"assistant",\#(calls)}"#
    #expect(try sent(.deepseek, body(null)).text == body(null.replacing("null", with: #""""#)))
    for same in [
      body(turn, #","thinking":{"type":"disabled"}"#), body(said),
      body(said.replacing(#""""#, with: #""x""#)),
    ] {
      #expect(try sent(.deepseek, same).text == same)
    }
    #expect(try sent(.openaiCompatible, body(turn)).text == body(turn))
  }
}
