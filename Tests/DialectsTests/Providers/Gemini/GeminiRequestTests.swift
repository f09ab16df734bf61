import Dialects
import Support
import Testing

/// `{"messages":[a user's turn], MEMBERS}`.
func chatBody(_ members: String = "") -> String {
  #"{"model":"x","messages":[{"role":"user","content":"Hi"}]"# + (members.isEmpty ? "" : ",") + members + "}"
}

/// `{"messages":[TURNS], MEMBERS}`.
func chatBody(turns: String, _ members: String = "") -> String {
  #"{"model":"x","messages":["# + turns + "]" + (members.isEmpty ? "" : ",") + members + "}"
}

@Suite struct GeminiRequestTests {
  static let gemini = GeminiDialect()
  static let weather =
    #"{"type":"function","function":{"name":"weather","description":"Tells it.","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}"#
  static let time =
    #"{"type":"function","function":{"name":"time","parameters":{"type":"object","properties":{}}}}"#

  private func request(_ body: String, model: String = "gemini-2.5-flash") throws -> TranslatedRequest {
    try Self.gemini.request(body, model: model)
  }

  private func expect(_ got: Tree?, _ wanted: String, at place: SourceLocation = #_sourceLocation) {
    #expect(got == Tree(wanted), sourceLocation: place)
  }

  // MARK: Paths

  @Test(
    "the model is a part of the path",
    arguments: [
      ("gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:generateContent"),
      ("models/gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:generateContent"),
      ("tunedModels/mine-1", "/v1beta/tunedModels/mine-1:generateContent"),
      ("a b?c=d#e", "/v1beta/models/a%20b%3Fc%3Dd%23e:generateContent"),
      ("models/../../x", "/v1beta/models/..%2F..%2Fx:generateContent"),
    ])
  func paths(_ model: String, _ path: String) throws {
    let request = try request(chatBody(), model: model)
    #expect(request.path == path && request.method == "POST")
    expect(request.body, #"{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}"#)
    #expect(request.dropped.isEmpty)
  }

  @Test("a stream is asked for as events")
  func streamPath() throws {
    #expect(
      try request(chatBody(#""stream":true"#)).path
        == "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse")
  }

  // MARK: Turns

  @Test("system and developer turns are the system's instruction, wherever they stand")
  func system() throws {
    let turns =
      #"{"role":"system","content":"A"},{"role":"user","content":"B"},{"role":"developer","content":[{"type":"text","text":"C"},{"type":"text","text":""}]}"#
    let body = try request(chatBody(turns: turns)).body
    expect(body["systemInstruction"], #"{"parts":[{"text":"A"},{"text":"C"}]}"#)
    expect(body["contents"], #"[{"role":"user","parts":[{"text":"B"}]}]"#)
    // Gemma 3 has no place for it.
    let gemma = try request(chatBody(turns: turns), model: "gemma-3-27b-it").body
    #expect(gemma["systemInstruction"] == nil)
    expect(gemma["contents"], #"[{"role":"user","parts":[{"text":"A"},{"text":"C"},{"text":"B"}]}]"#)
  }

  @Test("there is a user's turn, and it is the first")
  func firstTurn() throws {
    let alone = try request(chatBody(turns: #"{"role":"system","content":"A"}"#)).body
    expect(alone["contents"], #"[{"role":"user","parts":[{"text":"Begin."}]}]"#)
    let empty = try request(chatBody(turns: #"{"role":"user","content":""}"#)).body
    expect(empty["contents"], #"[{"role":"user","parts":[{"text":"Begin."}]}]"#)
    let other = try request(chatBody(turns: #"{"role":"assistant","content":"A"}"#)).body
    let blank = try request(
      chatBody(
        turns:
          #"{"role":"system","content":" "},{"role":"user","content":[{"type":"text","text":" \n"}]},{"role":"assistant","content":" "}"#
      )
    ).body
    expect(blank["contents"], #"[{"role":"user","parts":[{"text":"Begin."}]}]"#)
    #expect(blank["systemInstruction"] == nil)
    expect(
      other["contents"],
      #"[{"role":"user","parts":[{"text":"Begin."}]},{"role":"model","parts":[{"text":"A"}]}]"#)
  }

  @Test("the system's later word moves to the front, and is named")
  func laterSystem() throws {
    let request = try request(
      chatBody(
        turns:
          #"{"role":"system","content":"A"},{"role":"user","content":"B"},{"role":"assistant","content":"C"},{"role":"developer","content":"D"},{"role":"user","content":"E"}"#
      ))
    expect(request.body["systemInstruction"], #"{"parts":[{"text":"A"},{"text":"D"}]}"#)
    #expect(request.dropped == "messages[3]")
  }

  @Test("neighbours of one role are one turn; texts keep their escapes")
  func merged() throws {
    let turns =
      #"{"role":"user","content":"A"},{"role":"user","content":[{"type":"text","text":"\u00e9\n\"\ud83d\ude00"}]},{"role":"assistant","content":"C"},{"role":"assistant","content":null,"refusal":"No"},{"role":"user","content":"D"}"#
    let request = try request(chatBody(turns: turns))
    expect(
      request.body["contents"],
      #"[{"role":"user","parts":[{"text":"A"},{"text":"\u00e9\n\"\ud83d\ude00"}]},{"role":"model","parts":[{"text":"C"},{"text":"No"}]},{"role":"user","parts":[{"text":"D"}]}]"#
    )
    #expect(request.text.contains(#"{"text":"\u00e9\n\"\ud83d\ude00"}"#))
  }

  @Test("reasoning that the client kept stays at home; the signature of a text goes with it")
  func signedText() throws {
    let signed = #""extra_content":{"google":{"thought_signature":"c2ln"}}"#
    let turns =
      #"{"role":"user","content":"A"},{"role":"assistant","reasoning_content":"Hm","content":[{"type":"text","text":"B"},{"type":"text","text":"C"}],\#(signed)},{"role":"user","content":"D"},{"role":"assistant","content":"",\#(signed)}"#
    expect(
      try request(chatBody(turns: turns)).body["contents"],
      #"[{"role":"user","parts":[{"text":"A"}]},{"role":"model","parts":[{"text":"B"},{"text":"C","thoughtSignature":"c2ln"}]},{"role":"user","parts":[{"text":"D"}]},{"role":"model","parts":[{"text":"","thoughtSignature":"c2ln"}]}]"#
    )
  }

  @Test(
    "a picture or document is what its bytes are, whatever its part and URL call it",
    arguments: [
      ("image/png", "/9j/4AAQSkZJRgABAQ==", "image/jpeg"), ("image/jpeg", "JVBERi0xLjcK", "application/pdf"),
      ("application/pdf", "iVBORw0KGgoAAA==", "image/png"),
      ("application/pdf", "R0lGODlhAQABAA==", "image/gif"),
      ("application/octet-stream", "UklGRiQAAABXRUJQVlA4IA==", "image/webp"),
      ("image/jpeg", "AAAAGGZ0eXBoZWljAAAAAA==", "image/heic"),
      ("image/jpeg", "AAAAGGZ0eXBtaWYxAAAAAA==", "image/heif"), ("image/png", "QQ==", "image/png"),
      ("application/pdf", "", "application/pdf"), ("image/webp", "iVBORw", "image/png"),
      ("image/webp", "iVBO", "image/webp"), ("video/mp4", "AAAAGGZ0eXBtcDQyAAAAAA==", "video/mp4"),
    ])
  func mistyped(_ said: String, _ data: String, _ type: String) throws {
    let url = "data:\(said);base64,\(data)"
    for part in [
      #"{"type":"image_url","image_url":{"url":"\#(url)"}}"#,
      #"{"type":"file","file":{"file_data":"\#(url)","filename":"a.csv"}}"#,
    ] {
      let turn = #"{"role":"user","content":[\#(part)]}"#
      let sent = try request(chatBody(turns: turn)).body["contents"]?[0]?["parts"]?[0]?["inlineData"]
      #expect(sent?["mimeType"]?.text == type)
      #expect(sent?["data"]?.text?.hasPrefix(data) == true)
    }
    let bare = #"{"type":"file","file":{"file_data":"iVBORw0KGgoAAA==","filename":"a.pdf"}}"#
    let sent = try request(chatBody(turns: #"{"role":"user","content":[\#(bare)]}"#))
    #expect(sent.body["contents"]?[0]?["parts"]?[0]?["inlineData"]?["mimeType"]?.text == "image/png")
  }

  @Test("a blank last word of the user's is one")
  func blankLastWord() throws {
    let turns =
      #"{"role":"user","content":"A"},{"role":"assistant","content":"B"},{"role":"user","content":" "}"#
    expect(
      try request(chatBody(turns: turns)).body["contents"],
      #"[{"role":"user","parts":[{"text":"A"}]},{"role":"model","parts":[{"text":"B"}]},{"role":"user","parts":[{"text":"Begin."}]}]"#
    )
  }

  // MARK: Calls

  @Test(
    "a result that holds a reference goes as a text",
    arguments: [
      ##"{\"a\":[{\"b\":{\"$ref\":\"#/x\"}}]}"##, #"{\"\\u0024ref\":1}"#,
    ])
  func references(_ said: String) throws {
    let turns =
      #"{"role":"user","content":"A"},\#(Self.threeCalls),{"role":"tool","tool_call_id":"a","content":"\#(said)"}"#
    let result = try request(chatBody(turns: turns)).body["contents"]?[2]?["parts"]?[0]?["functionResponse"]
    expect(result?["response"], #"{"output":"\#(said)"}"#)
  }

  private static let threeCalls =
    #"{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"n\": 12345678901234567890, \"t\":\"\\u00e9\\\"\"}"},"extra_content":{"google":{"thought_signature":"c2ln"}}},{"id":"b","type":"function","function":{"name":"g","arguments":""}},{"id":"c","type":"function","function":{"name":"f","arguments":"nonsense"}}]}"#

  @Test("three parallel calls, and their results in another order")
  func parallelCalls() throws {
    let turns =
      #"{"role":"user","content":"A"},\#(Self.threeCalls),{"role":"tool","tool_call_id":"c","content":"third"},{"role":"tool","tool_call_id":"a","content":"{\"ok\":true}"},{"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"sec"},{"type":"text","text":"ond"}]},{"role":"user","content":"And?"}"#
    let request = try request(
      chatBody(turns: turns, #""tools":[\#(Self.weather)]"#), model: "gemini-3-pro-preview")
    expect(
      request.body["contents"]?[1],
      #"{"role":"model","parts":[{"functionCall":{"id":"a","name":"f","args":{"n":12345678901234567890,"t":"\u00e9\""}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"b","name":"g","args":{}}},{"functionCall":{"id":"c","name":"f","args":{}}}]}"#
    )
    expect(
      request.body["contents"]?[2],
      #"{"role":"user","parts":[{"functionResponse":{"id":"a","name":"f","response":{"ok":true}}},{"functionResponse":{"id":"b","name":"g","response":{"output":"second"}}},{"functionResponse":{"id":"c","name":"f","response":{"output":"third"}}}]}"#
    )
    // Results and words are never of one turn.
    expect(request.body["contents"]?[3], #"{"role":"user","parts":[{"text":"And?"}]}"#)
    #expect(request.body["contents"]?.elements.count == 4)
    // Arguments that are no JSON are told.
    #expect(request.dropped == "messages[1].tool_calls[2].arguments")
    #expect(request.text.contains("12345678901234567890"))
  }

  @Test("ids that are used again belong to the last call before the result")
  func repeatedIDs() throws {
    func call(_ name: String) -> String {
      #"{"role":"assistant","tool_calls":[{"id":"call_0","type":"function","function":{"name":"\#(name)","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_0","content":"x"}"#
    }
    let body = try request(chatBody(turns: #"{"role":"user","content":"A"},\#(call("f")),\#(call("g"))"#))
      .body
    #expect(body["contents"]?[2]?["parts"]?[0]?["functionResponse"]?["name"] == .string("f"))
    #expect(body["contents"]?[4]?["parts"]?[0]?["functionResponse"]?["name"] == .string("g"))
  }

  @Test("a result without a call needs a name")
  func orphans() throws {
    let named = #"{"role":"user","content":"A"},{"role":"tool","tool_call_id":"z","name":"f","content":"x"}"#
    expect(
      try request(chatBody(turns: named)).body["contents"]?[1],
      #"{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"x"}}}]}"#)
    let nameless = #"{"role":"user","content":"A"},{"role":"tool","tool_call_id":"z","content":"x"}"#
    let fault = Self.gemini.refusal(chatBody(turns: nameless), model: "gemini-2.5-flash")
    #expect(fault?.parameter == "messages[1].tool_call_id" && fault?.code == .invalid)
  }

  @Test("calls whose signature is lost get the one that passes, where one is demanded")
  func lostSignatures() throws {
    let turns =
      #"{"role":"user","content":"A"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]}"#
    func signatures(_ model: String) throws -> [String?] {
      try request(chatBody(turns: turns), model: model).body["contents"]?[1]?["parts"]?.elements.map {
        $0["thoughtSignature"]?.text
      } ?? []
    }
    #expect(try signatures("gemini-3-flash-preview") == ["skip_thought_signature_validator", nil])
    #expect(try signatures("gemini-pro-latest") == ["skip_thought_signature_validator", nil])
    #expect(try signatures("gemini-2.5-pro") == [nil, nil])
  }

  @Test("pictures in a result stand in it, or beside it where the model is older")
  func resultMedia() throws {
    let turns =
      #"{"role":"user","content":"A"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}"#
    let part = #"{"inlineData":{"mimeType":"image/png","data":"AAAA"}}"#
    expect(
      try request(chatBody(turns: turns), model: "gemini-3-flash").body["contents"]?[2]?["parts"],
      #"[{"functionResponse":{"id":"a","name":"f","response":{"output":"x"},"parts":[\#(part)]}}]"#)
    expect(
      try request(chatBody(turns: turns)).body["contents"]?[2]?["parts"],
      #"[{"functionResponse":{"id":"a","name":"f","response":{"output":"x"}}},\#(part)]"#)
  }

  // MARK: Tools

  @Test("functions are declared; one that takes nothing has no schema")
  func tools() throws {
    let request = try request(
      chatBody(#""tools":[\#(Self.weather),\#(Self.time)],"parallel_tool_calls":false"#))
    expect(
      request.body["tools"],
      #"[{"functionDeclarations":[{"name":"weather","description":"Tells it.","parametersJsonSchema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}},{"name":"time"}]}]"#
    )
    #expect(request.body["toolConfig"] == nil)
    #expect(request.dropped == "parallel_tool_calls")
  }

  @Test(
    "every form of tool_choice",
    arguments: [
      (#""auto""#, #"{"mode":"AUTO"}"#),
      (#""none""#, #"{"mode":"NONE"}"#),
      (#""required""#, #"{"mode":"ANY"}"#),
      (
        #"{"type":"function","function":{"name":"time"}}"#, #"{"mode":"ANY","allowedFunctionNames":["time"]}"#
      ),
      (
        #"{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"time"}}]}}"#,
        #"{"mode":"ANY","allowedFunctionNames":["time"]}"#
      ),
    ])
  func toolChoice(_ choice: String, _ config: String) throws {
    let body = try request(chatBody(#""tools":[\#(Self.weather),\#(Self.time)],"tool_choice":\#(choice)"#))
      .body
    expect(body["toolConfig"], #"{"functionCallingConfig":\#(config)}"#)
    #expect(body["tools"]?[0]?["functionDeclarations"]?.elements.count == 2)
  }

  @Test("of tools that are allowed but not demanded, only those are declared")
  func allowedTools() throws {
    let choice =
      #"{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"time"}}]}}"#
    let body = try request(chatBody(#""tools":[\#(Self.weather),\#(Self.time)],"tool_choice":\#(choice)"#))
      .body
    expect(body["tools"], #"[{"functionDeclarations":[{"name":"time"}]}]"#)
    expect(body["toolConfig"], #"{"functionCallingConfig":{"mode":"AUTO"}}"#)
  }

  @Test("Google's search is a tool, beside functions where the model allows that")
  func search() throws {
    let search = #""web_search_options":{}"#
    expect(try request(chatBody(search)).body["tools"], #"[{"googleSearch":{}}]"#)
    let older = try request(chatBody(#"\#(search),"tools":[\#(Self.time)]"#))
    expect(older.body["tools"], #"[{"functionDeclarations":[{"name":"time"}]}]"#)
    #expect(older.dropped == "web_search_options")
    let newer = try request(chatBody(#"\#(search),"tools":[\#(Self.time)]"#), model: "gemini-3-pro-preview")
    expect(newer.body["tools"], #"[{"googleSearch":{}},{"functionDeclarations":[{"name":"time"}]}]"#)
    expect(newer.body["toolConfig"], #"{"includeServerSideToolInvocations":true}"#)
    #expect(newer.dropped.isEmpty)
  }

  // MARK: Media

  @Test(
    "pictures, sounds and documents go in the request",
    arguments: [
      (
        #"{"type":"image_url","image_url":{"url":"data:image/jpg;charset=x;base64,QUJD\/A"}}"#,
        #"{"inlineData":{"mimeType":"image/jpeg","data":"QUJD/A=="}}"#
      ),
      (
        #"{"type":"image_url","image_url":{"url":"data:image\/png;base64,QUJD\n\u002B\u002fA\u003D"}}"#,
        #"{"inlineData":{"mimeType":"image/png","data":"QUJD+/A="}}"#
      ),
      (
        #"{"type":"input_audio","input_audio":{"data":"AAAA","format":"mp3"}}"#,
        #"{"inlineData":{"mimeType":"audio/mp3","data":"AAAA"}}"#
      ),
      (
        #"{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA","filename":"a.pdf"}}"#,
        #"{"inlineData":{"mimeType":"application/pdf","data":"AAAA"}}"#
      ),
      (
        #"{"type":"file","file":{"file_data":"AAAA","filename":"a.csv"}}"#,
        #"{"inlineData":{"mimeType":"text/csv","data":"AAAA"}}"#
      ),
      (
        #"{"type":"file","file":{"file_data":"AAAA"}}"#,
        #"{"inlineData":{"mimeType":"application/pdf","data":"AAAA"}}"#
      ),
      (
        #"{"type":"file","file":{"file_id":"files/abc"}}"#,
        #"{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/abc"}}"#
      ),
      (
        #"{"type":"file","file":{"file_id":"https://generativelanguage.googleapis.com/v1beta/files/abc"}}"#,
        #"{"fileData":{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/abc"}}"#
      ),
      (
        #"{"type":"image_url","image_url":{"url":"https:\/\/example.com\/a.PNG?w=1.jpg#x"}}"#,
        #"{"fileData":{"fileUri":"https://example.com/a.PNG?w=1.jpg#x","mimeType":"image/png"}}"#
      ),
      (
        #"{"type":"image_url","image_url":"https://example.com/picture"}"#,
        #"{"fileData":{"fileUri":"https://example.com/picture","mimeType":"image/jpeg"}}"#
      ),
      (
        #"{"type":"image_url","image_url":{"url":"https://youtu.be/x"}}"#,
        #"{"fileData":{"fileUri":"https://youtu.be/x","mimeType":"video/mp4"}}"#
      ),
    ])
  func media(_ part: String, _ wanted: String) throws {
    let turns = #"{"role":"user","content":[{"type":"text","text":"A"},\#(part)]}"#
    expect(
      try request(chatBody(turns: turns)).body["contents"],
      #"[{"role":"user","parts":[{"text":"A"},\#(wanted)]}]"#)
  }

  @Test(
    "what Google can't read is refused with its place",
    arguments: [
      (
        "gemini-2.0-flash", #"{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}"#,
        "image_url"
      ),
      (
        "gemini-2.5-flash", #"{"type":"image_url","image_url":{"url":"http://example.com/a.png"}}"#,
        "image_url"
      ),
      (
        "gemini-2.5-flash", #"{"type":"image_url","image_url":{"url":"ftp://example.com/a.png"}}"#,
        "image_url"
      ),
      ("gemini-2.5-flash", #"{"type":"image_url","image_url":{"url":"data:image/png,abc"}}"#, "image_url"),
      ("gemini-2.5-flash", #"{"type":"file","file":{"file_id":"file-abc"}}"#, "file.file_id"),
    ])
  func refusedMedia(_ model: String, _ part: String, _ place: String) {
    let fault = Self.gemini.refusal(chatBody(turns: #"{"role":"user","content":[\#(part)]}"#), model: model)
    #expect(fault?.parameter == "messages[0].content[0].\(place)")
  }
}
