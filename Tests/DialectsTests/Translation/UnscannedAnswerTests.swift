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

  @Test("an error that stands in an answer is told, but of one that is no JSON")
  func errors() throws {
    let error = #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#
    let told = try Self.outcome(Array(error.utf8))
    #expect(told.fault?.breaksProtocol == false)
    let broken = try Self.outcome(Array((error + "]").utf8))
    #expect(broken.fault?.breaksProtocol == true)
  }
}
