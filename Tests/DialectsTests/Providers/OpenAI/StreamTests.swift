import Dialects
import Support
import Testing
import Wire

/// What came of a stream on its way through `PassStream`.
struct PassedStream: Equatable {
  var text = ""
  var usage = TokenUsage()
  var hasEnded = false
  var hasFailed = false
  var hasContent = false
  var mayEnd = false
  var fault: PassStream.Fault?

  static let member = "\"x_remora\":{\"a\":1}"

  /// Feeds `pieces` as they would come from a socket, and `end` behind them if it may.
  init(
    _ shape: BodyShape, _ pieces: [[UInt8]], removesUsage: Bool = false, inserts: Bool = false,
    ends: Bool = false, repairs: Bool = false
  ) {
    var stream = PassStream(shape, removesUsage: removesUsage, insertsMember: inserts, repairs: repairs)
    let member = Array(Self.member.utf8)
    var decoder = EventDecoder()
    var input = ByteQueue()
    var out = ByteQueue()
    do throws(PassStream.Fault) {
      for piece in pieces {
        input.append(piece)
        while case .event(let event)? = try? decoder.next(input.bytes, from: 0) {
          try stream.pass(event, in: input.bytes, member: member.span, into: &out)
          input.consume(event.whole.upperBound)
        }
      }
    } catch { fault = error }
    mayEnd = stream.mayEnd
    if ends, mayEnd { stream.end(into: &out) }
    text = out.bytes.text()
    usage = stream.usage
    hasEnded = stream.hasEnded
    hasFailed = stream.hasFailed
    hasContent = stream.hasContent
  }

  init(
    _ shape: BodyShape, _ text: String, removesUsage: Bool = false, inserts: Bool = false, ends: Bool = false,
    repairs: Bool = false
  ) {
    self.init(
      shape, [Array(text.utf8)], removesUsage: removesUsage, inserts: inserts, ends: ends, repairs: repairs)
  }
}

@Suite struct StreamTests {
  private static let role =
    #"{"id":"1","object":"o","choices":[{"index":0,"finish_reason":null,"delta":{"role":"assistant","content":""}}]}"#
  private static let hi =
    #"{"id":"1","object":"o","choices":[{"index":0,"finish_reason":null,"delta":{"content":"Hi"}}]}"#
  private static let stop =
    #"{"id":"1","object":"o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#
  private static let usage =
    #"{"id":"1","object":"o","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#

  private static func choice(_ delta: String) -> String {
    #"{"index":0,"finish_reason":null,"delta":\#(delta)}"#
  }

  private static func events(_ data: String...) -> String { data.map { "data: \($0)\n\n" }.joined() }

  /// A chunk as OpenAI writes them for clients that didn't ask for usage.
  private static func chunk(_ text: String, _ rest: String = "", usage: String? = ",\"usage\":null") -> String
  {
    #"{"id":"1","system_fingerprint":"fp","object":"o","choices":[{"index":0,"delta":{"content":""#
      + text
      + #""},"logprobs":null,"finish_reason":null}]"# + (usage ?? "") + rest + "}"
  }

  @Test("chunks that differ only in their text pass as if each were the first, between any others")
  func alike() {
    let odd = [
      #"{"id":"1","object":"o","choices":[{"index":1,"delta":{"content":"b"},"finish_reason":null}],"usage":null}"#,
      #"{"id":"1","object":"o","choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"length"}],"usage":null}"#,
      Self.chunk("", #","error":null"#), Self.chunk("a\\nb"), Self.chunk(#"\u00e9"#), Self.chunk("ü"),
      Self.chunk("x", usage: #","usage":{"prompt_tokens":3,"completion_tokens":4}"#),
      Self.chunk("y", usage: nil),
      #"{"id":"1","object":"o","choices":[{"index":0,"finish_reason":null,"delta":{"tool_calls":[]}}],"usage":null}"#,
    ]
    let plain = ["", "a", " word", "a much longer piece than the others", "{}"].map { Self.chunk($0) }
    for chunk in odd {
      let sequence = plain + [chunk] + plain + [chunk, chunk] + plain
      let passed = PassedStream(.chat, sequence.map { "data: \($0)\n\n" }.joined(), removesUsage: true)
      var expected = ""
      for (index, data) in sequence.enumerated() {
        // Alone behind the first, so that nothing could be like it.
        let before = index == 0 ? "" : Self.events(Self.role)
        let alone = PassedStream(.chat, before + Self.events(data), removesUsage: true)
        #expect(alone.fault == nil)
        expected += alone.text.dropFirst(before.count)
      }
      #expect(passed.text == expected)
      #expect(passed.fault == nil && passed.hasContent)
    }
  }

  @Test(
    "a chunk that is nearly like the last is still read: a fault is found, an end is seen, nothing passes an error"
  )
  func nearlyAlike() {
    let chunk = Self.chunk("a")
    for end in chunk.indices.dropFirst() {
      let cut = PassedStream(.chat, Self.events(chunk, chunk, String(chunk[..<end])))
      #expect(cut.fault != nil)
    }
    let stopped = PassedStream(.chat, Self.events(chunk, chunk, Self.stop, chunk))
    #expect(stopped.mayEnd)
    let failed = PassedStream(.chat, Self.events(chunk, chunk, #"{"error":{"message":"no"}}"#, chunk))
    #expect(failed.hasFailed)
    #expect(
      failed.text == PassedStream(.chat, Self.events(chunk, chunk, #"{"error":{"message":"no"}}"#)).text)
    let named = PassedStream(.chat, Self.events(chunk, chunk) + "event: x\ndata: \(chunk)\n\n")
    #expect(named.text.hasSuffix("event: x\ndata: \(chunk)\n\n"))
  }

  @Test("a stream comes out the same in every cut")
  func everyCut() {
    let text =
      "\u{FEFF}: hello\n\nid: 7\nretry: 10\ndata: \(Self.role)\r\n\r\ndata:\(Self.hi)\r\rdata: {\"a\":\ndata: 1}\n\n"
      + ": OPENROUTER PROCESSING\n\nevent: x\n\ndata\n\ndata: \n\n"
      + Self.events(Self.stop, Self.usage, "[DONE]") + ": bye\n\n"
    let whole = PassedStream(.chat, text, inserts: true)
    #expect(whole.fault == nil)
    #expect(whole.hasEnded && whole.hasContent && !whole.hasFailed && whole.mayEnd)
    #expect(whole.usage.input == 3 && whole.usage.output == 4)
    let first = "{" + PassedStream.member + "," + Self.role.dropFirst()
    #expect(
      whole.text == Self.events(first, Self.hi) + "data: {\"a\":\ndata: 1}\n\n"
        + Self.events(Self.stop, Self.usage, "[DONE]"))
    for pieces in EverySplit(text) {
      let cut = PassedStream(.chat, pieces, inserts: true)
      #expect(cut == whole)
    }
  }

  @Test(
    "comments, ids, retry times, empty data and names without data don't pass",
    arguments: [
      ": x\n\n", "id: 1\n\n", "retry: 1\n\n", "event: x\n\n", "data\n\n", "data:\n\n", "data: \n\n", "\n\n",
      "x: 1\n\n",
      "id: 1\nretry: 2\n: x\n\n", "data: {\"choices\":[]}\n",
    ])
  func dropped(_ text: String) {
    let passed = PassedStream(.chat, text, inserts: true)
    #expect(passed.text.isEmpty)
    #expect(passed.fault == nil)
  }

  @Test("an event's name passes with its data, its id doesn't")
  func names() {
    let passed = PassedStream(.embedding, "event: image\nid: 1\ndata: x\n\n")
    #expect(passed.text == "event: image\ndata: x\n\n")
  }

  @Test(
    "usage that only Remora asked for is taken out, and still known",
    arguments: [
      (#"{"object":"o","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#, nil),
      (#"{"usage":{"prompt_tokens":3,"completion_tokens":4},"object":"o","choices":[ ]}"#, nil),
      (
        #"{"object":"o","choices":[{"index":0,"finish_reason":null,"delta":{}}],"usage":{"prompt_tokens":3,"completion_tokens":4},"a":1}"#,
        #"{"object":"o","choices":[{"index":0,"finish_reason":null,"delta":{}}],"a":1}"#
      ),
      (
        #"{"object":"o","choices":[{"index":0,"finish_reason":null,"delta":{}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
        #"{"object":"o","choices":[{"index":0,"finish_reason":null,"delta":{}}]}"#
      ),
      (#"{"usage":{"prompt_tokens":3,"completion_tokens":4},"a":1}"#, #"{"a":1}"#),
    ] as [(String, String?)])
  func removedUsage(_ chunk: String, _ expected: String?) {
    let removed = PassedStream(.chat, Self.events(chunk), removesUsage: true)
    #expect(removed.text == expected.map { Self.events($0) } ?? "")
    #expect(removed.usage.input == 3 && removed.usage.output == 4)
    let kept = PassedStream(.chat, Self.events(chunk))
    #expect(kept.text == Self.events(chunk))
    #expect(kept.usage == removed.usage)
  }

  @Test("usage: null goes where the client didn't ask, and stays where it did")
  func nullUsage() {
    let chunk = #"{"id":"1","object":"o","choices":[],"usage":null,"prompt_filter_results":[]}"#
    #expect(PassedStream(.chat, Self.events(chunk)).text == Self.events(chunk))
    #expect(
      PassedStream(.chat, Self.events(chunk), removesUsage: true).text
        == Self.events(#"{"id":"1","object":"o","choices":[],"prompt_filter_results":[]}"#))
  }

  @Test(
    "usage in x_groq is found",
    arguments: [
      #"{"object":"o","choices":[],"x_groq":{"id":"r","usage":{"prompt_tokens":3,"completion_tokens":4}}}"#,
      #"{"object":"o","choices":[],"usage":null,"x_groq":{"usage":{"prompt_tokens":3,"completion_tokens":4}}}"#,
    ])
  func groq(_ chunk: String) {
    let passed = PassedStream(.chat, Self.events(chunk))
    #expect(passed.usage.input == 3 && passed.usage.output == 4)
  }

  @Test("usage that is repeated in each chunk counts once")
  func repeatedUsage() {
    let passed = PassedStream(
      .chat,
      Self.events(
        #"{"object":"o","choices":[{"index":0,"finish_reason":null,"delta":{"content":"a"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#,
        #"{"object":"o","choices":[{"index":0,"finish_reason":null,"delta":{"content":"b"}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#
      ))
    #expect(passed.usage.input == 3 && passed.usage.output == 2)
  }

  @Test("nothing follows the end")
  func afterEnd() {
    let passed = PassedStream(.chat, Self.events(Self.hi, "[DONE]", Self.hi, "[DONE]") + "data: {\n\n")
    #expect(passed.text == Self.events(Self.hi, "[DONE]"))
    #expect(passed.fault == nil)
  }

  @Test("a stream that said why it ended gets the [DONE] that its provider left out")
  func addedDone() {
    let passed = PassedStream(.chat, Self.events(Self.hi, Self.stop), ends: true)
    #expect(passed.text == Self.events(Self.hi, Self.stop, "[DONE]"))
    let complete = PassedStream(.chat, Self.events(Self.hi, Self.stop, "[DONE]"), ends: true)
    #expect(complete.text == passed.text)
  }

  @Test(
    "whether a stream may end where it does",
    arguments: [
      ([], false), ([hi], false), ([hi, stop], true), ([hi, "[DONE]"], true), (["[DONE]"], true),
      ([usage], false),
      ([#"{"object":"o","choices":[{"index":0,"finish_reason":""}]}"#], false),
      ([#"{"object":"o","choices":[{"index":0,"finish_reason":null}]}"#], false),
      ([#"{"object":"o","choices":[{"finish_reason":"stop"}]}"#], true),
      ([#"{"object":"o","choices":[{"index":0,"delta":{}},{"index":1,"finish_reason":"stop"}]}"#], false),
      ([hi, #"{"object":"o","choices":[{"index":1,"finish_reason":"stop"}]}"#], false),
      ([hi, #"{"object":"o","choices":[{"index":1,"finish_reason":"length"}]}"#, stop], true),
      ([#"{"object":"o","choices":[{"index":-5,"finish_reason":"stop"}]}"#], true),
      ([#"{"object":"o","choices":[{"index":99999999999999999999999,"finish_reason":"stop"}]}"#], true),
      ([#"{"object":"o","choices":[{"index":1000,"finish_reason":"stop"}]}"#], true),
      ([#"{"error":{"message":"m"}}"#], true),
    ] as [([String], Bool)])
  func mayEnd(_ data: [String], _ expected: Bool) {
    let text = data.map { "data: \($0)\n\n" }.joined()
    #expect(PassedStream(.chat, text).mayEnd == expected)
    #expect(PassedStream(.completion, text).mayEnd == expected)
  }

  @Test(
    "an error is given the form that every SDK reads",
    arguments: [
      (
        #"{"error":{"message":"m","type":"t"}}"#,
        #"{"error":{"message":"m","type":"t","param":null,"code":null}}"#
      ),
      (
        #"{"error":{"message":"m","type":null,"param":"p","code":"c","more":1}}"#,
        #"{"error":{"message":"m","type":null,"param":"p","code":"c","more":1}}"#
      ),
      (
        #"{"id":"1","error":"text \u00e4"}"#,
        #"{"error":{"message":"text \u00e4","type":"api_error","param":null,"code":null}}"#
      ),
      (
        // OpenRouter's: the status is the code, and the choice ends in a word of its own.
        #"{"id":"1","error":{"code":429,"message":"slow"},"object":"o","choices":[{"index":0,"delta":{},"finish_reason":"error"}]}"#,
        #"{"error":{"message":"slow","type":"rate_limit_error","param":null,"code":null}}"#
      ),
      (
        #"{"error":[1, 2]}"#,
        #"{"error":{"message":"The provider ended its answer with an error, without a message.","#
          + #""type":"api_error","param":null,"code":null}}"#
      ),
    ])
  func errors(_ chunk: String, _ expected: String) {
    let passed = PassedStream(.chat, Self.events(Self.hi, chunk), ends: true)
    #expect(passed.hasFailed && !passed.hasEnded)
    #expect(passed.text == Self.events(Self.hi, expected))
  }

  @Test("behind an error nothing follows, not even [DONE], but usage is taken note of")
  func afterError() {
    let error = #"{"error":{"message":"m","type":"t","param":null,"code":null}}"#
    let passed = PassedStream(.chat, Self.events(Self.hi, error, Self.usage, Self.hi, "[DONE]"), ends: true)
    #expect(passed.text == Self.events(Self.hi, error))
    #expect(passed.hasFailed)
    #expect(passed.usage.output == 4)
  }

  @Test(
    "error: null is taken out",
    arguments: [
      (#"{"error":null,"object":"o","choices":[]}"#, #"{"object":"o","choices":[]}"#),
      (#"{"object":"o","choices":[],"error":null}"#, #"{"object":"o","choices":[]}"#),
      (#"{"a":1,"error" : null , "object":"o","choices":[]}"#, #"{"a":1 , "object":"o","choices":[]}"#),
    ])
  func nullError(_ chunk: String, _ expected: String) {
    let passed = PassedStream(.chat, Self.events(chunk))
    #expect(passed.text == Self.events(expected))
    #expect(!passed.hasFailed)
  }

  @Test("all edits of one chunk together")
  func allEdits() {
    let chunk =
      #"{"error":null,"usage":null,"object":"o","choices":["# + Self.choice(#"{"content":"é"}"#) + "]}"
    let passed = PassedStream(.chat, Self.events(chunk), removesUsage: true, inserts: true)
    #expect(
      passed.text
        == Self.events(
          "{\(PassedStream.member)," + #""object":"o","choices":["# + Self.choice(#"{"content":"é"}"#) + "]}")
    )
    let only = PassedStream(
      .chat, Self.events(#"{"error":null,"usage":null}"#), removesUsage: true, inserts: true)
    #expect(only.text == Self.events("{\(PassedStream.member)}"))
  }

  @Test("the member goes into the first event that passes")
  func member() {
    let passed = PassedStream(
      .chat, Self.events(Self.usage, Self.hi, Self.stop), removesUsage: true, inserts: true)
    #expect(passed.text == Self.events("{" + PassedStream.member + "," + Self.hi.dropFirst(), Self.stop))
    let empty = PassedStream(.chat, Self.events("{}", Self.hi), inserts: true)
    #expect(empty.text == Self.events("{" + PassedStream.member + "}", Self.hi))
    let bare = PassedStream(.chat, Self.events("7", Self.hi), inserts: true)
    #expect(bare.text == Self.events("7", "{" + PassedStream.member + "," + Self.hi.dropFirst()))
  }

  @Test(
    "another Remora's member gives way to ours, wherever it stands, and stays where there is none of ours")
  func anotherMember() {
    let theirs = #""x_remora":{"request_id":"a","provider":"b"}"#
    let rest = #""object":"o","choices":[]"#
    for chunk in ["{\(theirs),\(rest)}", "{\(rest) , \(theirs)}", #"{"a":1, \#(theirs) ,\#(rest)}"#] {
      let passed = PassedStream(.chat, Self.events(chunk, Self.hi), inserts: true)
      #expect(passed.text.hasPrefix("data: {\(PassedStream.member),"))
      #expect(!passed.text.contains("request_id") && passed.text.contains(rest))
      for event in passed.text.split(separator: "\n\n") { #expect(Tree(String(event.dropFirst(6))) != nil) }
      #expect(PassedStream(.chat, Self.events(chunk, Self.hi)).text == Self.events(chunk, Self.hi))
    }
    let only = PassedStream(.response, Self.events("{\(theirs)}"), inserts: true)
    #expect(only.text == Self.events("{\(PassedStream.member)}"))
  }

  @Test(
    "content is told from what only opens a stream",
    arguments: [
      (#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#, false),
      (#"{"choices":[{"delta":{"role":"assistant","content":null,"refusal":null}}]}"#, false),
      (#"{"choices":[{"delta":{"tool_calls":[]}}]}"#, false), (#"{"choices":[{"delta":{}}]}"#, false),
      (#"{"choices":[],"prompt_filter_results":[{"content_filter_results":{}}]}"#, false),
      (#"{"choices":[{"index":0,"finish_reason":null,"content_filter_offsets":{"a":1}}]}"#, false),
      (#"{"choices":[{"delta":{"content":"a"}}]}"#, true),
      (#"{"choices":[{"delta":{"reasoning_content":"a"}}]}"#, true),
      (#"{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}"#, true),
      (#"{"choices":[{"delta":{"content":[{"type":"text","text":"a"}]}}]}"#, true),
      (#"{"choices":[{"text":"a"}]}"#, true), (#"{"choices":[{"text":""}]}"#, false),
      (#"{"error":{"message":"m"}}"#, false),
    ])
  func content(_ chunk: String, _ expected: Bool) {
    #expect(PassedStream(.chat, Self.events(chunk)).hasContent == expected)
  }

  @Test("what isn't JSON is a fault", arguments: ["{", "x", "{\"usage\":1,\"usage\":2}", "{}}"])
  func fault(_ data: String) {
    let passed = PassedStream(.chat, Self.events(Self.hi, data, Self.hi))
    #expect(passed.fault != nil)
    #expect(passed.text == Self.events(Self.hi))
    #expect(PassedStream(.embedding, Self.events(data)).text == Self.events(data))
  }
}
