// Whole answers that are found to be JSON, or not, while they are read.

import Config
import Dialects
import Testing
import Wire

@Suite struct UnscannedAnswerTests {
  private static let answer = #"""
    {"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":
    "a \"b\"\n\u00e9","citations":null},{"type":"tool_use","id":"t1","name":"f","input":{"a":[1,{"b":-2.5e3}]}}],
    "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":7,"cache_creation":{
    "ephemeral_1h_input_tokens":0},"output_tokens":5,"service_tier":"standard"}}
    """#

  private struct Outcome {
    var text = ""
    var fault: AnswerFault?
    var usage = TokenUsage()
    var hasContent = false
  }

  private static func outcome(_ text: [UInt8]) throws -> Outcome {
    let translation = try ProviderKind.anthropic.dialect().begin(
      #"{"messages":[{"role":"user","content":"Hi"}]}"#, model: "claude-sonnet-4-5")
    translation.begin(created: 1, seed: AnswerSeed("seed"), member: Span())
    var outcome = Outcome()
    var out = ByteQueue()
    do throws(AnswerFault) { try translation.takeWhole(text.span, into: &out) } catch {
      outcome.fault = error
    }
    outcome.text = out.bytes.text()
    outcome.usage = translation.usage
    outcome.hasContent = translation.hasContent
    return outcome
  }

  @Test("of an answer that is no JSON nothing is told and nothing counted, wherever it breaks off")
  func prefixes() throws {
    let bytes = Array(Self.answer.utf8)
    let whole = try Self.outcome(bytes)
    #expect(whole.fault == nil && whole.hasContent && whole.usage.input == 7 && whole.usage.output == 5)
    for count in bytes.indices {
      let cut = try Self.outcome(Array(bytes[..<count]))
      #expect(cut.fault?.breaksProtocol == true && cut.text.isEmpty && !cut.hasContent)
      #expect(cut.usage.input == nil && cut.usage.output == nil)
    }
  }

  @Test(
    "a fault behind everything that is read is one",
    arguments: [
      ("\"stop_sequence\":null", "\"stop_sequence\":nil"), ("\"standard\"}}", "\"standard\"}},"),
      ("\"standard\"}}", "\"standard\",}}"), ("-2.5e3", "-2.5e"), ("\\u00e9", "\\u00g9"), ("\\n", "\\x"),
      ("\"citations\":null", "\"citations\":[}"), ("[1,{", "[01,{"),
    ])
  func faults(_ right: String, _ wrong: String) throws {
    let text = Self.answer.replacing(right, with: wrong)
    #expect(text != Self.answer)
    let broken = try Self.outcome(Array(text.utf8))
    #expect(broken.fault?.breaksProtocol == true && broken.text.isEmpty && broken.usage.input == nil)
  }

  @Test("an answer with keys and nests that the walk doubts is read as it is")
  func doubts() throws {
    let plain = try Self.outcome(Array(Self.answer.utf8))
    let nest = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    for (right, same) in [
      ("\"role\"", "\"r\\u006fle\""), ("\"text\":\n", "\"t\\u0065xt\":\n"),
      ("\"citations\":null", "\"citations\":\(nest)"),
    ] {
      let text = Self.answer.replacing(right, with: same)
      #expect(text != Self.answer)
      let doubted = try Self.outcome(Array(text.utf8))
      #expect(doubted.fault == nil && doubted.text == plain.text && doubted.usage.input == 7)
    }
  }

  @Test(
    "usage is read in whatever spelling its numbers have",
    arguments: [
      ("7", 7), ("0", 0), ("7e0", 7), ("70e-1", 7), ("7.0", 7), (" 7 ", 7), ("1125899906842623", 1 << 50 - 1),
      ("9223372036854775807", nil), ("-7", nil), ("7.5", nil), ("null", nil), ("\"7\"", nil),
    ])
  func numbers(_ said: String, _ count: Int?) throws {
    let text = Self.answer.replacing(#""input_tokens":7"#, with: #""input_tokens":\#(said)"#)
    let told = try Self.outcome(Array(text.utf8))
    #expect(told.fault == nil && told.usage.input == count && told.usage.output == 5)
    for wrong in ["07", "7.", "7e", "+7", "0x7", "7 7"] {
      let broken = try Self.outcome(Array(text.replacing(said + ",\"cache", with: wrong + ",\"cache").utf8))
      #expect(broken.fault?.breaksProtocol == true && broken.usage.output == nil)
    }
  }

  @Test("of one exchange nothing is left in the next, whole or streamed")
  func again() throws {
    let model = Array("claude-sonnet-4-5".utf8)
    let body = Array(#"{"messages":[{"role":"user","content":"Hi"}]}"#.utf8)
    let streamed = Array(#"{"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#.utf8)
    let first = #"""
      {"content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"a"}],"stop_reason":"end_turn",
      "usage":{"input_tokens":7,"cache_read_input_tokens":3,"cache_creation_input_tokens":2,"output_tokens":5}}
      """#
    let second = #"{"content":[{"type":"text","text":"b"}],"usage":{"input_tokens":1,"output_tokens":2}}"#
    let events = """
      data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"c","name":"f","input":{"a":1}}}

      data: {"type":"message_stop"}


      """
    let translation = try Translation(
      ProviderKind.anthropic.dialect(), .chat, model: model, body: streamed.span)
    var texts: [String] = []
    for (body, answer) in [(body, first), (streamed, events), (body, second)] {
      try translation.begin(
        translation.dialect, .chat, model: model, body: body.span, strings: JSONPlaces(), ChatRequest())
      translation.begin(created: 1, seed: AnswerSeed("seed"), member: Span())
      var out = ByteQueue()
      let bytes = Array(answer.utf8)
      if body == streamed {
        translation.take(bytes.span, into: &out)
        _ = translation.end(isWhole: true, into: &out)
      } else {
        try translation.takeWhole(bytes.span, into: &out)
      }
      texts.append(out.bytes.text())
    }
    #expect(translation.usage.input == 1 && translation.usage.output == 2)
    let fresh = try Self.outcome(Array(second.utf8))
    #expect(texts[2] == fresh.text && texts[2] != texts[0])
    #expect(translation.usage == fresh.usage)
  }

  @Test("an error that stands in an answer is told, but of one that is no JSON")
  func errors() throws {
    let error = #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#
    let told = try Self.outcome(Array(error.utf8))
    #expect(told.fault?.breaksProtocol == false)
    let broken = try Self.outcome(Array((error + "]").utf8))
    #expect(broken.fault?.breaksProtocol == true)
  }
}
