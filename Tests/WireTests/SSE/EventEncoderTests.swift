import Support
import Testing
import Wire

@Suite struct EventEncoderTests {
  @Test(
    "data becomes one line a line, and reads back",
    arguments: [
      ("{\"a\":1}", "data: {\"a\":1}\n\n", "{\"a\":1}"), ("", "data: \n\n", ""),
      ("a\nb", "data: a\ndata: b\n\n", "a\nb"),
      ("a\r\nb\rc\n", "data: a\ndata: b\ndata: c\ndata: \n\n", "a\nb\nc\n"), (" x", "data:  x\n\n", " x"),
    ])
  func data(_ text: String, _ expected: String, _ readBack: String) {
    var queue = ByteQueue()
    EventEncoder.data(Array(text.utf8).span, into: &queue)
    #expect(queue.bytes.text() == expected)
    #expect(EventCollector([queue.array()], takesEach: true).events == [PlainEvent(data: readBack)])
  }

  @Test("events may have a type")
  func named() {
    var queue = ByteQueue()
    EventEncoder.event("response.created", data: Array("{}".utf8).span, into: &queue)
    #expect(queue.bytes.text() == "event: response.created\ndata: {}\n\n")
  }

  @Test("the end and the sign of life are the forms that every SDK reads")
  func fixed() {
    var queue = ByteQueue()
    EventEncoder.comment(into: &queue)
    EventEncoder.done(into: &queue)
    #expect(queue.bytes.text() == ": remora\ndata: [DONE]\n\n")
  }
}
