import Testing
import Wire

@Suite struct JSONTemplateTests {
  private static let model = #"{"type":"delta","n":1,"text":"one","end":true}"#

  /// What a template of `model` finds in `text`.
  private static func found(_ text: String, hole: String = "one") throws -> String? {
    let learnt = Array(model.utf8)
    let wanted = Array(hole.utf8)
    let start = try #require((0..<learnt.count).first { learnt[$0...].starts(with: wanted) })
    var template = JSONTemplate()
    template.learn(learnt.span, hole: start..<start + wanted.count)
    let bytes = Array(text.utf8)
    return template.match(bytes.span).map { String(decoding: bytes[$0], as: UTF8.self) }
  }

  @Test(
    "a text is known again that differs in the string alone",
    arguments: ["one", "", "another", #"a\nb\"c\\"#, "é 日本", String(repeating: "x", count: 9000)])
  func matches(text: String) throws {
    #expect(try Self.found(#"{"type":"delta","n":1,"text":"\#(text)","end":true}"#) == text)
  }

  @Test(
    "any other text is read anew",
    arguments: [
      #"{"type":"delta","n":2,"text":"one","end":true}"#, #"{"type":"delta","n":1,"text":"one","end":true} "#,
      #"{"type":"delta","n":1,"text":"one","more":"x","end":true}"#,
      #"{"type":"delta","n":1,"text":"one","text":"x","end":true}"#,
      #"{"type":"delta","n":1,"text":null,"end":true}"#, #"{"type":"delta","n":1,"text":"\","end":true}"#,
      #"{"type":"delta","n":1,"text":"\ud83d","end":true}"#,
      #"{"type":"delta","n":1,"text":"\x","end":true}"#,
      #"{"type":"delta","n":1,"text":"a\#u{0A}b","end":true}"#,
      #"{"type":"delta","n":1,"text":","end":true}"#,
      #"","end":true}"#, "", #"{"type":"delta","n":1,"text":""#,
    ])
  func others(text: String) throws {
    #expect(try Self.found(text) == nil)
  }

  @Test("what isn't between two quotes is no hole", arguments: ["on", "ne", "true", "1"])
  func holes(hole: String) throws {
    #expect(try Self.found(Self.model, hole: hole) == nil)
  }

  @Test("a long text is no model, and what is forgotten isn't known")
  func limits() {
    let long = Array(("{\"a\":\"" + String(repeating: "x", count: 5000) + "\"}").utf8)
    var template = JSONTemplate()
    template.learn(long.span, hole: 6..<5006)
    #expect(template.match(long.span) == nil)
    let short = Array(#"{"a":"x"}"#.utf8)
    template.learn(short.span, hole: 6..<7)
    #expect(template.match(short.span) == 6..<7)
    template.forget()
    #expect(template.match(short.span) == nil)
  }
}
