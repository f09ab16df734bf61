// The order of an answer's blocks, whatever order a provider tells them in, and what it may make Remora hold.

import Testing
import Wire

@testable import Dialects

/// Writes down what it is told, in a few letters.
private final class Notes: AnswerForm {
  var text = ""
  var names: [String] = []

  func start(_ frame: FormFrame, into out: inout ByteQueue) {}
  func open(_ block: AnswerBlock, into out: inout ByteQueue) {
    switch block.kind {
    case .call(let index):
      text += "<\(index) "
      names.append(String(decoding: block.name, as: UTF8.self))
    case .text: text += "<t "
    case .refusal: text += "<f "
    case .reasoning(let index): text += "<r\(index) "
    case .redacted(let index): text += "<x\(index) "
    }
  }
  func piece(
    _ bytes: Span<UInt8>, _ block: AnswerBlock, logprobs: Span<UInt8>, into out: inout ByteQueue
  ) { text += bytes.text() + (logprobs.isEmpty ? "" : "{" + logprobs.text() + "}") }
  func close(_ block: AnswerBlock, isCut: Bool, into out: inout ByteQueue) { text += isCut ? "!>" : ">" }
  func finish(_ end: AnswerEnd, _ usage: TokenUsage, into out: inout ByteQueue) { text += "." }
  func fail(_ error: Span<UInt8>, into out: inout ByteQueue) { text += "failed" }
}

@Suite struct AnswerBlocksTests {
  private func told(_ chunks: [String], finishes: Bool = true) -> String {
    let notes = Notes()
    let answer = BlockAnswer(notes)
    let reader = ChatAnswerReader(answer)
    var out = ByteQueue()
    for chunk in chunks {
      let data = Array(#"{"choices":[{"index":0,"delta":\#(chunk)}]}"#.utf8)
      if !reader.again(data.span, into: &out) { reader.read(chunk: data.span, carriesOn: true, into: &out) }
    }
    if finishes { reader.finish(TokenUsage(), into: &out) }
    return notes.text
  }

  private func call(_ index: String, _ arguments: String, name: String? = nil) -> String {
    let name = name.map {
      #""id":"c","# + #""type":"function","function":{"name":"\#($0)","arguments":"\#(arguments)"}"#
    }
    return #"{"tool_calls":[{"index":\#(index),\#(name ?? #""function":{"arguments":"\#(arguments)"}"#)}]}"#
  }

  @Test("calls that interleave come one after the other")
  func interleaved() {
    let text = told([
      call("0", #"{\"a\":"#, name: "f"), call("1", #"{\"b\""#, name: "g"), call("0", #"1}"#),
      call("1", ":2}"),
    ])
    #expect(text == #"<0 {\"a\":1}><1 {\"b\":2}>."#)
  }

  @Test(
    "braces in texts are no end of a call, however quotes are escaped",
    arguments: [
      #"{\"a\":\"}\\\"}\"}"#, #"{\u0022a\u0022:\u0022}\u005c\u0022}\u0022}"#, #"{\u0022a\":\"}\"\u007d"#,
    ])
  func texts(_ arguments: String) {
    for cut in 0...arguments.utf8.count {
      let bytes = Array(arguments.utf8)
      // An escape is never torn: pieces lie in strings of their own.
      let first = String(decoding: bytes[..<cut], as: UTF8.self)
      if first.hasSuffix("\\") && !first.hasSuffix("\\\\") || tearsAnEscape(first) { continue }
      let second = String(decoding: bytes[cut...], as: UTF8.self)
      let text = told([call("0", first, name: "f"), call("1", "{}", name: "g"), call("0", second)])
      #expect(text == "<0 \(arguments)><1 {}>.")
    }
  }

  private func tearsAnEscape(_ text: String) -> Bool {
    for length in 1...5 {
      let tail = text.suffix(length)
      if tail.hasPrefix("\\u"), length < 6 { return true }
    }
    var backslashes = 0
    for character in text.reversed() {
      if character != "\\" { break }
      backslashes += 1
    }
    return backslashes % 2 == 1
  }

  @Test("a name that comes in pieces is one, and one that is said again is not said twice")
  func names() {
    let piece = { self.call("0", "", name: $0) }
    #expect(told([piece("read_"), piece("file"), call("0", "{}")]) == "<0 {}>.")
    #expect(names(of: [piece("read_"), piece("file"), call("0", "{}")]) == ["read_file"])
    #expect(names(of: [piece("read"), piece("read"), call("0", "{}", name: "read")]) == ["read"])
    // What comes next ends it: a text, another call, the answer's end.
    #expect(names(of: [piece("a"), piece("b"), #"{"content":"x"}"#, piece("c")]) == ["ab"])
    #expect(names(of: [piece("a"), call("1", "{}", name: "b"), piece("c")]) == ["a", "b"])
    #expect(names(of: [piece("a"), piece("b")]) == ["ab"])
  }

  private func names(of chunks: [String]) -> [String] {
    let notes = Notes()
    let reader = ChatAnswerReader(BlockAnswer(notes))
    var out = ByteQueue()
    for chunk in chunks {
      let data = Array(#"{"choices":[{"index":0,"delta":\#(chunk)}]}"#.utf8)
      reader.read(chunk: data.span, carriesOn: false, into: &out)
    }
    reader.finish(TokenUsage(), into: &out)
    return notes.names
  }

  @Test("probabilities of tokens come with their text, and behind what it waits for")
  func logprobs() {
    func chunk(_ delta: String, _ items: String) -> [UInt8] {
      Array(
        #"{"choices":[{"index":0,"delta":\#(delta),"logprobs":{"content":[\#(items)],"refusal":null}}]}"#.utf8
      )
    }
    let notes = Notes()
    let reader = ChatAnswerReader(BlockAnswer(notes))
    var out = ByteQueue()
    let open = Array(#"{"choices":[{"index":0,"delta":\#(call("0", "{", name: "f"))}]}"#.utf8)
    let close = Array(#"{"choices":[{"index":0,"delta":\#(call("0", "}"))}]}"#.utf8)
    let chunks = [
      chunk(#"{"content":""}"#, "0"), chunk(#"{"content":"a"}"#, "1"), chunk(#"{"content":""}"#, "2"), open,
      chunk(#"{"content":"b"}"#, "3"),
      chunk(#"{"content":"c"}"#, "4,5"), close,
    ]
    for each in chunks { reader.read(chunk: each.span, carriesOn: false, into: &out) }
    reader.finish(TokenUsage(), into: &out)
    #expect(notes.text == "<t {0}a{1}{2}><0 {}><t bc{3,4,5}>.")
  }

  @Test("what must wait for a call that never ends is bounded, and the answer fails")
  func bounded() {
    let piece = #"{"content":"\#(String(repeating: "x", count: 1 << 20))"}"#
    let text = told([call("0", "{", name: "f")] + Array(repeating: piece, count: 10))
    #expect(text == "<0 {failed")
  }

  @Test("a stream that overflows is no complete one")
  func overflowed() throws {
    let passage = Passage(pool: nil)
    var asked = AskedAnswer()
    (asked.shape, asked.isFullService, asked.streams) = (.chat, true, true)
    passage.begin(asked, repairs: false)
    let body = Array(
      #"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}]}"#.utf8)
    let recast = try Recast(.messages, body.span, for: ChatTarget(), model: [], passage: passage)
    let conversation = Conversation(passage)
    conversation.go(.recast(recast))
    let manner = conversation.begin(ReplyFacts(status: 200, media: .events, hasBody: true), member: Span()) {
      AnswerStamp(created: 1, seed: AnswerSeed())
    }
    #expect(manner == .events)
    var out = ByteQueue()
    func say(_ delta: String) throws {
      let event = Array(#"data: {"choices":[{"index":0,"delta":\#(delta)}]}"#.utf8) + [ASCII.lf, ASCII.lf]
      try conversation.take(event.span, member: Span(), into: &out)
    }
    try say(call("0", "{", name: "f"))
    let piece = #"{"content":"\#(String(repeating: "x", count: 1 << 20))"}"#
    for _ in 0..<10 { try say(piece) }
    let done = Array("data: [DONE]\n\n".utf8)
    try conversation.take(done.span, member: Span(), into: &out)
    #expect(conversation.hasFailed)
    #expect(out.bytes.text().contains("event: error"))
    guard case .fault = conversation.end(isWhole: true, into: &out) else {
      Issue.record("it ended as if it were whole")
      return
    }
  }

  @Test("a call that came while others waited comes behind them")
  func order() {
    let text = told([
      call("0", "{", name: "f"), #"{"content":"one"}"#, call("1", "{}", name: "g"), #"{"content":"two"}"#,
      call("0", "}"), call("2", "{}", name: "h"),
    ])
    #expect(text == "<0 {}><t one><1 {}><t two><2 {}>.")
  }

  @Test(
    "absurd indexes are none",
    arguments: ["9223372036854775807", "-1", "1e3", "null", "99999999999999999999"])
  func indexes(_ index: String) {
    let text = told([call(index, "{}", name: "f"), call(index, "", name: nil)])
    #expect(text.hasSuffix(">.") && text.contains("{}"))
  }
}
