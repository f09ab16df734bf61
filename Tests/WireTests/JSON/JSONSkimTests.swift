import Support
import Testing
import Wire

@Suite struct JSONSkimTests {
  /// What of `text` is found when it comes in `pieces`; nil if the value's end isn't seen.
  private func found(_ pieces: [[UInt8]]) -> String? {
    var skim = JSONSkim(for: "usage")
    var value = ByteQueue()
    for piece in pieces {
      if let part = skim.feed(piece.span) { value.append(piece.span.extracting(part)) }
    }
    return skim.isComplete ? value.bytes.text() : nil
  }

  @Test(
    "a member's value is found at every split",
    arguments: [
      (#"{"usage":{"a":[1,"}"]},"x":1}"#, #"{"a":[1,"}"]}"#), (#"{"x":{"usage":1},"usage": [ ] }"#, "[ ]"),
      (#" { "a" : "\"usage\":3" , "usage" : 12 }"#, "12 "), (#"{"usage":"a\\","b":2}"#, #""a\\""#),
      (#"{"usages":1,"usag":2,"usage":null}"#, "null"),
      (#"{"a":["usage",{"usage":4}],"usage":5,"usage":6}"#, "5"),
      (#"{"a":"usage","b":"usage","usage":{}}"#, "{}"),
    ])
  func finds(_ text: String, _ value: String) {
    for pieces in EverySplit(Array(text.utf8)) { #expect(found(pieces) == value, "\(pieces)") }
  }

  @Test(
    "nothing is found where nothing is, whatever comes",
    arguments: [
      "", "{}", "[\"usage\",1]", "\"usage\"", "{\"usage\"", "{\"usage\":", "{\"usage\":{", "}}}}{\"usage\":1",
      "]",
      "{\"a\":{\"usage\":1}}", "{\"us\\u0061ge\":1}", "{\"usage\n\":1}", "\\", "{\"\\", "{{\"usage\":1}",
      ":::\"usage\":1,",
    ])
  func finds(nothing text: String) {
    for pieces in EverySplit(Array(text.utf8)) { #expect(found(pieces) == nil, "\(pieces)") }
  }

  @Test("what is nested is passed wherever its brackets, quotes and escapes lie")
  func nesting() {
    // At each distance from the blocks in which the search goes.
    for shift in 0..<70 {
      let filling = String(repeating: "ä", count: shift / 2) + String(repeating: "x", count: shift % 2)
      let nested = "[\"\(filling)\\\\\",{\"\\\"}]\":[[\"|_~^\\\\\\\"{[\"],\"\"]},\"\\u005c\"]"
      let text = Array("{\"a\":\(nested),\"usage\":{\"b\":\(nested)},\"c\":1}".utf8)
      #expect(found([text]) == "{\"b\":\(nested)}")
      for cut in 1..<text.count {
        #expect(found([Array(text[..<cut]), Array(text[cut...])]) == "{\"b\":\(nested)}", "\(shift) \(cut)")
      }
      #expect(JSONView.value(text.span, in: 0..<text.count, at: "c").map { text[$0] } == [UInt8(ascii: "1")])
    }
  }

  @Test("whoever reads the value at once may say where it ends")
  func whole() {
    let text = Array(#"{"a":{},"usage":{"b":1},"c":2}"#.utf8)
    var skim = JSONSkim(for: "usage")
    var places: [Int] = []
    let part = skim.feed(text.span) { start in
      places.append(start)
      return 23
    }
    #expect(places == [16] && part == 16..<23 && skim.isComplete)
    skim.reset()
    #expect(skim.feed(text.span) { _ in nil } == 16..<23)
    skim.reset()
    #expect(skim.feed(Array(#"{"usage":[{}]}"#.utf8).span) { _ in 11 } == 9..<13)
  }

  @Test("another text can follow")
  func reuse() {
    var skim = JSONSkim(for: "usage")
    let text = Array(#"{"usage":1}"#.utf8)
    #expect(skim.feed(text.span) == 9..<10)
    #expect(skim.feed(text.span) == nil)
    skim.reset()
    #expect(skim.feed(text.span) == 9..<10)
  }
}
