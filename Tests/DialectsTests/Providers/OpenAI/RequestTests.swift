import Dialects
import Support
import Testing
import Wire

@Suite struct RequestTests {
  private struct Read: ~Copyable {
    var facts = RequestFacts()
    var scanner: JSONScanner
  }

  private func read(_ body: String) throws -> Read {
    var read = Read(scanner: JSONScanner(watching: RequestFacts.watched))
    let bytes = Array(body.utf8)
    try read.scanner.feed(bytes.span)
    try read.scanner.finish()
    try read.facts.read(bytes.span, read.scanner)
    return read
  }

  /// The body as the upstream gets it.
  private func edited(_ body: String, model: String? = nil, addsUsage: Bool = false) throws -> String {
    let read = try read(body)
    var splice = JSONSplice()
    let bytes = Array(body.utf8)
    if let model {
      let name = Array(model.utf8)
      try read.facts.edit(&splice, bytes.span, read.scanner, model: name.span, addsUsage: addsUsage)
    } else {
      try read.facts.edit(&splice, bytes.span, read.scanner, model: nil, addsUsage: addsUsage)
    }
    var out = ByteQueue()
    splice.apply(to: bytes.span, into: &out)
    let text = out.bytes.text()
    #expect(Tree(text) != nil, "\(text)")
    return text
  }

  /// What no edit may touch: numbers that no type holds, escapes, white space, order, a key that occurs twice.
  private static let odd =
    "\"z\" : 123456789012345678901234567890.10e+2 ,\r\n\t\"x\":\"\\u0041\\/\\ud83d\\ude00ä\", \"x\":[ ],\"a\":-0.0"

  @Test(
    "what steers must have its type",
    arguments: [
      #"{"stream":"yes"}"#, #"{"stream":1}"#, #"{"model":7}"#, #"{"model":null}"#, #"{"stream_options":[]}"#,
      #"{"stream":true,"stream_options":true}"#, "[]", "7",
    ])
  func wrongTypes(_ body: String) {
    #expect(throws: RequestFacts.Fault.self) { _ = try read(body) }
  }

  @Test(
    "whether a stream and its usage are wanted",
    arguments: [
      ("{}", false, false), (#"{"stream":true}"#, true, false), (#"{"stream":false}"#, false, false),
      (#"{"stream":null}"#, false, false),
      (#"{"stream":true,"stream_options":{"include_usage":true}}"#, true, true),
      (#"{"stream":true,"stream_options":{"include_usage":false}}"#, true, false),
      (#"{"stream":true,"stream_options":{"include_usage":null}}"#, true, false),
      (#"{"stream":true,"stream_options":{"include_usage":"true"}}"#, true, false),
      (#"{"stream":true,"stream_options":{"include\u005fusage":true}}"#, true, true),
      (#"{"stream":true,"stream_options":null}"#, true, false),
      (#"{"\u0073tream":true}"#, true, false), (#"{"nested":{"stream":true}}"#, false, false),
    ])
  func facts(_ body: String, _ streams: Bool, _ asksForUsage: Bool) throws {
    let facts = try read(body).facts
    #expect(facts.streams == streams)
    #expect(facts.asksForUsage == asksForUsage)
  }

  @Test("what was read before is forgotten")
  func reused() throws {
    var read = try read(#"{"stream":true,"stream_options":{"include_usage":true}}"#)
    read.scanner.reset(watching: RequestFacts.watched)
    let bytes = Array("{}".utf8)
    try read.scanner.feed(bytes.span)
    try read.facts.read(bytes.span, read.scanner)
    #expect(!read.facts.streams && !read.facts.asksForUsage)
  }

  @Test(
    "a wrong type is told by its parameter",
    arguments: [
      (#"{"model":7}"#, "model"), (#"{"model":null}"#, "model"), (#"{"model":["a"]}"#, "model"),
      (#"{"stream":"true"}"#, "stream"), (#"{"stream":1}"#, "stream"), (#"{"stream":{}}"#, "stream"),
    ])
  func wrongType(_ body: String, _ parameter: String) throws {
    do {
      _ = try read(body)
      Issue.record("accepted")
    } catch RequestFacts.Fault.wrongType(let found, _) {
      #expect(found.description == parameter)
    }
  }

  @Test("only an object is a request", arguments: ["[]", "17", "\"x\"", "null", "[{\"model\":\"m\"}]"])
  func notAnObject(_ body: String) throws {
    do {
      _ = try read(body)
      Issue.record("accepted")
    } catch RequestFacts.Fault.notAnObject {}
  }

  @Test("nothing to change, nothing changed")
  func untouched() throws {
    let body = "  {\(Self.odd),\"model\":\"m\"}\n"
    #expect(try edited(body) == body)
  }

  @Test(
    "a renamed model leaves every other byte as it was",
    arguments: [
      ("{%,\"model\":\"old\"}", "{%,\"model\":\"new \\\"1\\\"\"}"),
      ("{\"model\" : \"old\" ,%}", "{\"model\" : \"new \\\"1\\\"\" ,%}"),
      ("{\"mod\\u0065l\":\"\\u0041\",%}", "{\"mod\\u0065l\":\"new \\\"1\\\"\",%}"),
      (
        " {%,\"nested\":{\"model\":\"old\"},\"model\":\"\"} ",
        " {%,\"nested\":{\"model\":\"old\"},\"model\":\"new \\\"1\\\"\"} "
      ),
    ])
  func model(_ body: String, _ expected: String) throws {
    #expect(try edited(fill(body), model: "new \"1\"") == fill(expected))
  }

  @Test(
    "Remora's own members don't go upstream, wherever they stand",
    arguments: [
      (#"{"fallback_models":["a","b"],%}"#, "{%}"), (#"{%,"customer_identifier":"c"}"#, "{%}"),
      (#"{"m":1 , "thread_identifier" : {"x":[1]} , %}"#, #"{"m":1  , %}"#),
      (#"{"group_identifier":"g"}"#, "{}"), (#"{ "group_identifier" : null }"#, "{  }"),
      (#"{"group_identifier":1,"thread_identifier":2,"customer_identifier":3,"fallback_models":4}"#, "{}"),
      (#"{"group_identifier":1,"model":"m","fallback_models":4}"#, #"{"model":"m"}"#),
      (#"{"a":0,"group_identifier":1,"fallback_models":4,"b":1}"#, #"{"a":0,"b":1}"#),
      (#"{"nested":{"group_identifier":1},%}"#, #"{"nested":{"group_identifier":1},%}"#),
    ])
  func ownMembers(_ body: String, _ expected: String) throws {
    #expect(try edited(fill(body)) == fill(expected))
  }

  @Test(
    "usage is asked for in one more member, or inside the options there are",
    arguments: [
      (#"{"stream":true,%}"#, #"{"stream":true,%,"stream_options":{"include_usage":true}}"#),
      (#"{%,"stream":true } "#, #"{%,"stream":true ,"stream_options":{"include_usage":true}} "#),
      (#"{"stream_options":{},%}"#, #"{"stream_options":{"include_usage":true},%}"#),
      (#"{"stream_options":{ },%}"#, #"{"stream_options":{"include_usage":true },%}"#),
      (#"{"stream_options":null,%}"#, #"{"stream_options":{"include_usage":true},%}"#),
      (#"{"stream_options":{"include_usage":false},%}"#, #"{"stream_options":{"include_usage":true},%}"#),
      (
        #"{"stream_options": {"include_usage" : null},%}"#, #"{"stream_options": {"include_usage" : true},%}"#
      ),
      (
        #"{"stream_options":{"include_obfuscation":false},%}"#,
        #"{"stream_options":{"include_usage":true,"include_obfuscation":false},%}"#
      ),
      (
        #"{%,"stream":true,"group_identifier":1}"#,
        #"{%,"stream":true,"stream_options":{"include_usage":true}}"#
      ),
      (
        #"{"group_identifier":1,"stream":true}"#, #"{"stream":true,"stream_options":{"include_usage":true}}"#
      ),
    ])
  func usage(_ body: String, _ expected: String) throws {
    #expect(try edited(fill(body), addsUsage: true) == fill(expected))
  }

  @Test("all edits at once")
  func allEdits() throws {
    let body =
      #"{"fallback_models":[],"model":"a",%,"stream":true,"stream_options":{},"thread_identifier":"t"}"#
    let expected = #"{"model":"b",%,"stream":true,"stream_options":{"include_usage":true}}"#
    #expect(try edited(fill(body), model: "b", addsUsage: true) == fill(expected))
  }

  @Test("a request without a model gets the one that was chosen for it")
  func addedModel() throws {
    #expect(try edited(fill("{%}"), model: "b") == fill(#"{"model":"b",%}"#))
    #expect(try edited("{ }", model: "b") == #"{"model":"b" }"#)
    #expect(try edited(#"{"group_identifier":1}"#, model: "b") == #"{"model":"b"}"#)
    #expect(
      try edited(#"{"stream":true}"#, model: "b", addsUsage: true)
        == #"{"model":"b","stream":true,"stream_options":{"include_usage":true}}"#)
  }

  private func fill(_ text: String) -> String {
    text.split(separator: "%", omittingEmptySubsequences: false).joined(separator: Self.odd)
  }
}
