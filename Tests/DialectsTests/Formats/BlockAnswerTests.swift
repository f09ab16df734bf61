// What an answer in blocks holds, when it lets go of it, and how it ends where it is none.

import Support
import Testing
import Wire

@testable import Dialects

@Suite struct BlockAnswerTests {
  private func begun(streams: Bool) -> BlockAnswer {
    let answer = BlockAnswer(MessagesForm())
    var frame = FormFrame()
    frame.streams = streams
    frame.seed = AnswerSeed("seed")
    answer.begin(frame)
    return answer
  }

  private func open(_ call: Int, of answer: BlockAnswer, into out: inout ByteQueue) {
    let name = Array("f".utf8)
    answer.call(call, id: name.span, name: name.span, signature: Span(), into: &out)
  }

  private func tell(_ piece: String, of call: Int, _ answer: BlockAnswer, into out: inout ByteQueue) {
    let bytes = Array(piece.utf8)
    answer.piece(.call(call), bytes.span, into: &out)
  }

  @Test(
    "arguments go out as soon as they show that they are an object",
    arguments: [["{"], [" ", #"{"#], [#"\n\t"#, " {"], [#"  {\"a\":"#], ["", "{"]])
  func streamed(_ pieces: [String]) {
    let answer = begun(streams: true)
    var out = ByteQueue()
    open(0, of: answer, into: &out)
    for piece in pieces.dropLast() { tell(piece, of: 0, answer, into: &out) }
    #expect(!out.bytes.text().contains("input_json_delta"))
    tell(pieces[pieces.count - 1], of: 0, answer, into: &out)
    #expect(out.bytes.text().contains(#""partial_json":"\#(pieces.joined())""#))
    #expect(answer.heldCount == 0)
    let before = out.count
    tell("1}", of: 0, answer, into: &out)
    #expect(out.bytes.extracting(before..<out.count).text().contains(#""partial_json":"1}""#))
  }

  @Test("what must be held to its end is counted, and ends the stream where it is too much")
  func held() {
    let answer = begun(streams: true)
    var out = ByteQueue()
    open(0, of: answer, into: &out)
    tell("[", of: 0, answer, into: &out)
    #expect(answer.heldCount == 1)
    let piece = String(repeating: "1", count: 1 << 20)
    for _ in 0..<33 { tell(piece, of: 0, answer, into: &out) }
    answer.checkHeld(into: &out)
    #expect(answer.isOverfull && answer.hasEnded)
    #expect(out.bytes.text().contains("event: error"))
  }

  @Test("arguments that were no object are held no longer than their call is open")
  func released() {
    let answer = begun(streams: true)
    var out = ByteQueue()
    open(0, of: answer, into: &out)
    for piece in [#"\n"#, " ", "[1", "]"] { tell(piece, of: 0, answer, into: &out) }
    #expect(answer.heldCount == 6)
    let text = Array("x".utf8)
    answer.piece(.text, text.span, into: &out)
    #expect(answer.heldCount == 0)
    #expect(out.bytes.text().contains("INVALID_JSON"))
    // The next call is looked at from its own beginning.
    open(1, of: answer, into: &out)
    tell("{}", of: 1, answer, into: &out)
    #expect(out.bytes.text().contains(#""index":2,"delta":{"type":"input_json_delta","partial_json":"{}""#))
    #expect(answer.heldCount == 0)
  }

  @Test("a whole answer of which a part is lost is none", arguments: [true, false])
  func lost(_ streams: Bool) {
    let answer = begun(streams: streams)
    var out = ByteQueue()
    open(0, of: answer, into: &out)
    tell(#"{\"a\":"#, of: 0, answer, into: &out)
    for call in 1...1100 { open(call, of: answer, into: &out) }
    answer.finish(TokenUsage(), into: &out)
    #expect(answer.isOverfull && answer.hasEnded)
    let text = out.bytes.text()
    #expect(!text.contains("message_stop") && !text.contains("stop_reason\":\"tool_use"))
  }

  @Test("what was told and reaches nobody is forgotten: what follows begins anew")
  func takenBack() {
    let answer = begun(streams: true)
    var lost = ByteQueue()
    let text = Array("half a word".utf8)
    answer.piece(.text, text.span, into: &lost)
    answer.finish(TokenUsage(), into: &lost)
    answer.takeBack()
    var out = ByteQueue()
    let error = Array(#"{"error":{"message":"gone","type":"upstream_error","code":"x"}}"#.utf8)
    answer.fail(error.span, into: &out)
    let said = out.bytes.text()
    #expect(said.hasPrefix("event: message_start") && said.contains("event: error"))
    #expect(!said.contains("half a word") && said.contains("gone"))
  }
}
