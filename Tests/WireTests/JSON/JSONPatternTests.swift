import Support
import Testing
import Wire

@Suite struct JSONPatternTests {
  /// What `match` says of `text` after `model`, whose part `cut` is to be found again.
  private func match(_ model: String, cut part: String = "", _ text: String) -> String? {
    var pattern = JSONPattern()
    let model = Array(model.utf8)
    pattern.learn(model.span, cut: place(of: Array(part.utf8), in: model))
    let text = Array(text.utf8)
    return pattern.match(text.span).map { String(decoding: text[$0.cut], as: UTF8.self) }
  }

  private func place(of part: [UInt8], in text: [UInt8]) -> Range<Int> {
    guard !part.isEmpty, let at = text.indices.first(where: { text[$0...].starts(with: part) }) else {
      return 0..<0
    }
    return at..<at + part.count
  }

  private static let model = #"{"id":"a","n":1,"d":[{"t":" word","r":null}],"u":null}"#

  @Test(
    "a text with other strings is like the model, and its cut is found",
    arguments: [
      model, #"{"id":"a","n":1,"d":[{"t":"","r":null}],"u":null}"#,
      #"{"id":"","n":1,"d":[{"t":" a much longer piece of text than before","r":null}],"u":null}"#,
      #"{"id":"bcdefghijklmnopq","n":1,"d":[{"t":"{}[],:","r":null}],"u":null}"#,
      #"{"id":"ü","n":1,"d":[{"t":"日本","r":null}],"u":null}"#,
    ])
  func alike(_ text: String) {
    #expect(match(Self.model, cut: #","u":null"#, text) == #","u":null"#)
    #expect(match(Self.model, text) == "")
  }

  @Test(
    "anything else is not",
    arguments: [
      "", "{", #"{"id":"a"}"#, #"{"id":"a","n":2,"d":[{"t":" word","r":null}],"u":null}"#,
      #"{"id":"a","n":1,"d":[{"x":" word","r":null}],"u":null}"#,
      #"{"id":"a","n":1,"d":[{"t":" word","r":"s"}],"u":null}"#,
      #"{"id":"a","n":1,"d":[{"t":"a\"b","r":null}],"u":null}"#,
      #"{"id":"a","n":1,"d":[{"t":"a\nb","r":null}],"u":null}"#,
      #"{"id":"a","n":1,"d":[{"t":" word","r":null}],"u":null} "#,
      #"{"id":"a","n":1,"d":[{"t":" word","r":null}],"u":nul"#,
      #"{"id":"a","x":"","n":1,"d":[{"t":" word","r":null}],"u":null}"#,
      "{\"id\":\"a\",\"n\":1,\"d\":[{\"t\":\"\u{1}\",\"r\":null}],\"u\":null}",
    ])
  func others(_ text: String) { #expect(match(Self.model, text) == nil) }

  @Test("every text that is like the model is JSON, wherever a byte of it is changed, left out or put in")
  func mutations() {
    let model = Array(Self.model.utf8)
    var pattern = JSONPattern()
    pattern.learn(model.span, cut: 0..<0)
    for at in model.indices {
      for byte in [UInt8(ascii: "\""), 0x5C, UInt8(ascii: ":"), UInt8(ascii: "x"), UInt8(ascii: "}"), 0x0A] {
        var changed = model
        changed[at] = byte
        var longer = model
        longer.insert(byte, at: at)
        var shorter = model
        shorter.remove(at: at)
        for text in [changed, longer, shorter] where pattern.match(text.span) != nil {
          #expect(isJSON(text), "\(String(decoding: text, as: UTF8.self))")
        }
      }
    }
  }

  private func isJSON(_ text: [UInt8]) -> Bool {
    var scanner = JSONScanner()
    do {
      try scanner.feed(text.span)
      try scanner.finish()
    } catch { return false }
    return true
  }

  @Test(
    "a string that is pointed out is found, whatever comes before and behind it",
    arguments: ["", #","u":null"#, #""n":1,"#], [#""a""#, #"" word""#])
  func pointed(_ cut: String, _ text: String) {
    let model = Array(Self.model.utf8)
    var pattern = JSONPattern()
    pattern.learn(model.span, cut: place(of: Array(cut.utf8), in: model))
    let isThere = pattern.point(at: place(of: Array(text.utf8), in: model))
    #expect(isThere)
    let other = Array(#"{"id":"bcd","n":1,"d":[{"t":"日本","r":null}],"u":null}"#.utf8)
    let found = pattern.match(other.span)
    let string = found.map { String(decoding: other[$0.string], as: UTF8.self) }
    #expect(string == (text == #""a""# ? #""bcd""# : #""日本""#))
    #expect(found.map { String(decoding: other[$0.cut], as: UTF8.self) } == cut)
  }

  @Test("a key, a part of a string and what is not there can not be pointed out")
  func notPointed() {
    let model = Array(Self.model.utf8)
    var pattern = JSONPattern()
    var isThere = pattern.point(at: 6..<9)
    #expect(!isThere)
    pattern.learn(model.span, cut: 0..<0)
    for range in [1..<5, 6..<8, 7..<9, 0..<0, 400..<402] {
      isThere = pattern.point(at: range)
      #expect(!isThere)
    }
    let found = pattern.match(model.span)
    #expect(found?.string == 0..<0)
  }

  @Test("a cut that holds a value's string, a text that is long or rich in strings, are no model")
  func notLearnt() {
    #expect(match(Self.model, cut: #""t":" word""#, Self.model) == nil)
    let long = "{\"a\":\"" + String(repeating: "x", count: 5000) + "\"}"
    #expect(match(long, long) == nil)
    let rich = "[" + Array(repeating: "\"\"", count: 33).joined(separator: ",") + "]"
    #expect(match(rich, rich) == nil)
  }

  @Test("before anything was learnt, and when it was forgotten, nothing is like it")
  func forgotten() {
    var pattern = JSONPattern()
    let text = Array(Self.model.utf8)
    #expect(pattern.match(text.span) == nil)
    pattern.learn(text.span, cut: 0..<0)
    #expect(pattern.match(text.span) != nil)
    pattern.forget()
    #expect(pattern.match(text.span) == nil)
  }
}
