import Dialects
import Testing

@Suite struct GeminiSettingsTests {
  private static let gemini = GeminiDialect()

  private func request(_ members: String, model: String = "gemini-2.5-flash") throws -> TranslatedRequest {
    try Self.gemini.request(chatBody(members), model: model)
  }

  private func config(_ members: String, model: String = "gemini-2.5-flash") throws -> Tree? {
    try request(members, model: model).body["generationConfig"]
  }

  private func expect(_ got: Tree?, _ wanted: String, at place: SourceLocation = #_sourceLocation) {
    #expect(got == Tree(wanted), sourceLocation: place)
  }

  @Test("numbers, with the client's digits")
  func numbers() throws {
    expect(
      try config(
        #""max_tokens":5,"max_completion_tokens":7,"temperature":1.50,"top_p":0.9,"top_k":40,"n":2,"seed":4294967297,"logprobs":true,"top_logprobs":3,"stop":["a","","b"]"#
      ),
      #"{"maxOutputTokens":7,"temperature":1.50,"topP":0.9,"topK":40,"candidateCount":2,"seed":1,"responseLogprobs":true,"logprobs":3,"stopSequences":["a","b"]}"#
    )
    expect(
      try config(#""stop":"x","logprobs":true,"top_logprobs":0"#),
      #"{"responseLogprobs":true,"stopSequences":["x"]}"#)
    #expect(try config(#""n":1,"temperature":null,"stop":[]"#) == nil)
    #expect(try config(#""stop":["1","2","3","4","5"]"#)?["stopSequences"]?.elements.count == 5)
    #expect(
      Self.gemini.refusal(chatBody(#""stop":["1","2","3","4","5","6"]"#), model: "gemini-2.5-flash")?
        .parameter == "stop")
  }

  @Test("penalties go where they are taken; none is none")
  func penalties() throws {
    let members = #""presence_penalty":0.5,"frequency_penalty":-1"#
    expect(try config(members, model: "gemini-2.0-flash"), #"{"presencePenalty":0.5,"frequencyPenalty":-1}"#)
    let newer = try request(members)
    #expect(newer.body["generationConfig"] == nil && newer.dropped == "presence_penalty,frequency_penalty")
    let nothing = try request(#""presence_penalty":0,"frequency_penalty":0.0"#)
    #expect(nothing.body["generationConfig"] == nil && nothing.dropped.isEmpty)
  }

  // MARK: Form

  @Test("JSON, with and without a schema")
  func form() throws {
    expect(
      try config(#""response_format":{"type":"json_object"}"#), #"{"responseMimeType":"application/json"}"#)
    #expect(try config(#""response_format":{"type":"text"}"#) == nil)
    let schema =
      ##"{"type":"object","properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{"A":{"type":["string","null"]}},"additionalProperties":false}"##
    let members =
      #""response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":\#(schema)}}"#
    expect(try config(members), #"{"responseMimeType":"application/json","responseJsonSchema":\#(schema)}"#)
    expect(
      try config(members, model: "gemini-1.5-pro-002"),
      #"{"responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true}},"propertyOrdering":["a"]}}"#
    )
  }

  @Test("a form and tools together are refused where the model refuses them")
  func formWithTools() throws {
    let members = #""response_format":{"type":"json_object"},"tools":[\#(GeminiRequestTests.time)]"#
    let fault = Self.gemini.refusal(chatBody(members), model: "gemini-2.5-pro")
    #expect(fault?.parameter == "response_format" && fault?.code == .unsupported)
    #expect(try request(members, model: "gemini-3-pro-preview").body["tools"] != nil)
    // Tools that may not be called need not be declared.
    #expect(try request(members + #","tool_choice":"none""#).body["tools"] == nil)
  }

  // MARK: Thinking

  @Test(
    "an effort is a budget for 2.5",
    arguments: [
      ("gemini-2.5-flash", "none", #"{"thinkingBudget":0}"#, ""),
      ("gemini-2.5-flash", "minimal", #"{"thinkingBudget":1024,"includeThoughts":true}"#, ""),
      ("gemini-2.5-flash", "low", #"{"thinkingBudget":1024,"includeThoughts":true}"#, ""),
      ("gemini-2.5-flash", "medium", #"{"thinkingBudget":8192,"includeThoughts":true}"#, ""),
      ("gemini-2.5-flash", "high", #"{"thinkingBudget":24576,"includeThoughts":true}"#, ""),
      ("gemini-2.5-flash-lite", "none", #"{"thinkingBudget":0}"#, ""),
      ("gemini-2.5-pro", "none", #"{"thinkingBudget":128}"#, "reasoning_effort"),
      ("gemini-2.5-pro", "max", #"{"thinkingBudget":32768,"includeThoughts":true}"#, ""),
    ])
  func budgets(_ model: String, _ effort: String, _ wanted: String, _ dropped: String) throws {
    let request = try request(#""reasoning_effort":"\#(effort)""#, model: model)
    expect(request.body["generationConfig"]?["thinkingConfig"], wanted)
    #expect(request.dropped == dropped)
  }

  @Test(
    "an effort is a level from 3 on",
    arguments: [
      ("gemini-3-pro-preview", ["low", "low", "low", "high", "high", "high", "high"]),
      ("gemini-3.1-pro-preview", ["low", "low", "low", "medium", "high", "high", "high"]),
      ("gemini-3-flash-preview", ["minimal", "minimal", "low", "medium", "high", "high", "high"]),
      ("gemini-3.7-flash", ["low", "low", "low", "medium", "high", "high", "high"]),
      ("gemini-3.1-flash-lite", ["minimal", "minimal", "low", "medium", "high", "high", "high"]),
      ("gemini-flash-latest", ["low", "low", "low", "medium", "high", "high", "high"]),
    ])
  func levels(_ model: String, _ wanted: [String]) throws {
    let efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]
    for (effort, level) in zip(efforts, wanted) {
      let request = try request(#""reasoning_effort":"\#(effort)""#, model: model)
      let thinking = request.body["generationConfig"]?["thinkingConfig"]
      #expect(thinking?["thinkingLevel"] == .string(level.uppercased()), "\(effort)")
      #expect((thinking?["includeThoughts"] == .bool(true)) == (effort != "none"))
      #expect(thinking?["thinkingBudget"] == nil)
      #expect(request.dropped == (effort == "none" ? "reasoning_effort" : ""))
    }
  }

  @Test(
    "models that don't think aren't told how",
    arguments: ["gemini-2.0-flash", "gemma-3-27b-it", "gemini-2.5-flash-image"])
  func thoughtless(_ model: String) throws {
    let request = try request(#""reasoning_effort":"high""#, model: model)
    #expect(request.body["generationConfig"] == nil && request.dropped == "reasoning_effort")
    #expect(try self.request(#""reasoning_effort":"none""#, model: model).dropped.isEmpty)
  }

  @Test(
    "what a model can't be told is named as the client said it",
    arguments: [
      (#""thinking":{"type":"enabled","budget_tokens":2000}"#, "thinking"),
      (#""thinking":{"type":"enabled"}"#, "thinking"), (#""thinking":{"budget_tokens":2000}"#, "thinking"),
      (#""reasoning":{"effort":"high"}"#, "reasoning"), (#""reasoning":{"max_tokens":2000}"#, "reasoning"),
      (#""reasoning_effort":null,"reasoning":{"effort":"high"}"#, "reasoning"),
      (#""reasoning_effort":"high","thinking":{}"#, "reasoning_effort"),
      (#""thinking":{"type":"disabled"}"#, ""),
      (#""thinking":"on""#, "thinking"), (#""thinking":true,"reasoning_effort":"none""#, "thinking"),
      (#""include_thoughts":true"#, ""),
    ])
  func names(_ members: String, _ dropped: String) throws {
    #expect(try request(members, model: "gemini-2.0-flash").dropped == dropped)
  }

  @Test("an effort beside Google's own words is named as the client said it")
  func twice() throws {
    let own = #""thinking_config":{"thinking_budget":5}"#
    #expect(try request(#"\#(own),"reasoning_effort":"high""#).dropped == "reasoning_effort")
    #expect(try request(#"\#(own),"reasoning":{"effort":"high"}"#).dropped == "reasoning")
  }

  @Test("a model that always thinks can't be told not to, in whatever words")
  func alwaysThinks() throws {
    for (members, dropped) in [
      (#""thinking":{"type":"disabled"}"#, "thinking"), (#""reasoning":{"effort":"none"}"#, "reasoning"),
      (#""reasoning_effort":"none""#, "reasoning_effort"),
    ] {
      #expect(try request(members, model: "gemini-2.5-pro").dropped == dropped)
    }
  }

  @Test(
    "other ways of saying it",
    arguments: [
      (#""reasoning":{"effort":"low"}"#, #"{"thinkingBudget":1024,"includeThoughts":true}"#),
      (#""reasoning":{"effort":"low","exclude":true}"#, #"{"thinkingBudget":1024}"#),
      (#""reasoning":{"max_tokens":100000}"#, #"{"thinkingBudget":24576,"includeThoughts":true}"#),
      (#""reasoning_effort":"low","include_thoughts":false"#, #"{"thinkingBudget":1024}"#),
      (#""include_reasoning":true"#, #"{"includeThoughts":true}"#),
      (
        #""thinking":{"type":"enabled","budget_tokens":2000}"#,
        #"{"thinkingBudget":2000,"includeThoughts":true}"#
      ),
      (#""thinking":{"budget_tokens":2000}"#, #"{"thinkingBudget":2000,"includeThoughts":true}"#),
      (
        #""thinking":{},"reasoning_effort":"low""#,
        #"{"thinkingBudget":1024,"includeThoughts":true}"#
      ),
      (#""thinking":{"type":"disabled"}"#, #"{"thinkingBudget":0}"#),
      (#""thinking_config":{"thinking_budget":5}"#, #"{"thinking_budget":5}"#),
      (#""google":{"thinking_config":{"include_thoughts":true}}"#, #"{"include_thoughts":true}"#),
      (#""extra_body":{"google":{"thinkingConfig":{"thinkingBudget":1}}}"#, #"{"thinkingBudget":1}"#),
    ])
  func otherWords(_ members: String, _ wanted: String) throws {
    let request = try request(members)
    expect(request.body["generationConfig"]?["thinkingConfig"], wanted)
    #expect(request.dropped.isEmpty)
  }

  // MARK: The rest

  @Test("Google's own members, in either spelling")
  func extensions() throws {
    let safety = #"[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}]"#
    let request = try request(
      #""safety_settings":\#(safety),"mediaResolution":"MEDIA_RESOLUTION_LOW","service_tier":"flex","modalities":["text","image"]"#
    )
    expect(request.body["safetySettings"], safety)
    #expect(request.body["serviceTier"] == .string("flex"))
    expect(
      request.body["generationConfig"],
      #"{"responseModalities":["TEXT","IMAGE"],"mediaResolution":"MEDIA_RESOLUTION_LOW"}"#)
    #expect(request.dropped.isEmpty)
    #expect(try self.request(#""service_tier":"auto","modalities":["text"]"#).text == self.request("").text)
  }

  @Test("what is cached isn't said again")
  func cached() throws {
    let turns = #"{"role":"system","content":"S"},{"role":"user","content":"A"}"#
    let request = try Self.gemini.request(
      chatBody(
        turns: turns,
        #""cached_content":"cachedContents/x","tools":[\#(GeminiRequestTests.time)],"tool_choice":"auto""#),
      model: "gemini-2.5-flash")
    expect(
      request.body,
      #"{"contents":[{"role":"user","parts":[{"text":"A"}]}],"cachedContent":"cachedContents/x"}"#)
    #expect(request.dropped == "system,tools,tool_choice")
  }

  @Test(
    "what has no word is dropped, and told",
    arguments: [
      "user", "safety_identifier", "prompt_cache_key", "metadata", "store", "verbosity", "prediction",
      "logit_bias",
      "something_new",
    ])
  func dropped(_ field: String) throws {
    let request = try request(#""\#(field)":{"a":1}"#)
    #expect(request.dropped == field)
    #expect(request.text == (try self.request("").text))
  }

  @Test(
    "what would change the meaning is refused",
    arguments: [
      (#""modalities":["text","audio"],"audio":{"voice":"x"}"#, "audio"),
      (#""modalities":["audio"]"#, "modalities"), (#""functions":[]"#, "functions"),
    ])
  func refused(_ members: String, _ parameter: String) {
    #expect(Self.gemini.refusal(chatBody(members), model: "gemini-2.5-flash")?.parameter == parameter)
  }

  @Test("strictness has no word")
  func strict() throws {
    let tool =
      #"{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object","properties":{"a":{}}}}}"#
    #expect(try request(#""tools":[\#(tool)]"#).dropped == "tools[0].strict")
  }
}
