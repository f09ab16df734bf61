import Dialects
import Support
import Testing
import Wire

@Suite struct ReplyTests {
  private static let member = "\"x_remora\":{\"a\":1}"

  /// What the client gets of `pieces`, and the usage that was found.
  private func pass(_ pieces: [[UInt8]], inserts: Bool) -> (text: String, usage: TokenUsage) {
    var reply = PassReply(insertsMember: inserts)
    let member = Array(Self.member.utf8)
    var out = ByteQueue()
    for piece in pieces { reply.piece(piece.span, member: member.span, into: &out) }
    return (out.bytes.text(), reply.usage)
  }

  private static let answer =
    "{\"id\":\"x\",\"choices\":[{\"usage\":7,\"text\":\"\\\"usage\\\":{}ä\"}],\"usage\": {\"prompt_tokens\":12,"
    + "\"completion_tokens\" : 34, \"prompt_tokens_details\":{\"cached_tokens\":5},"
    + "\"completion_tokens_details\":{\"reasoning_tokens\":6}} , \"n\":1e400}"

  @Test("an answer passes unchanged in every cut, and its usage is found")
  func everyCut() {
    for pieces in EverySplit(Self.answer) {
      let (text, usage) = pass(pieces, inserts: false)
      #expect(text == Self.answer)
      #expect(usage.input == 12 && usage.output == 34 && usage.cachedInput == 5 && usage.reasoning == 6)
    }
  }

  @Test(
    "the member goes in at the front, in every cut",
    arguments: [
      ("{\"a\":1}", "{%,\"a\":1}"), (" \r\n\t{ \n\"a\":1}\n", " \r\n\t{ \n%,\"a\":1}\n"), ("{}", "{% }"),
      ("{ }", "{ % }"), ("\n\n{ }", "\n\n{ % }"), ("[]", "[]"), (" [{}] ", " [{}] "), ("17", "17"),
      ("\"{\"", "\"{\""), ("null", "null"), ("", ""), ("  ", "  "), ("{", "{"), ("{ ", "{ "),
      ("<html>{}</html>", "<html>{}</html>"), ("{\"a\":", "{%,\"a\":"),
    ])
  func insertion(_ body: String, _ expected: String) {
    let expected = expected.split(separator: "%", omittingEmptySubsequences: false).joined(
      separator: Self.member)
    for pieces in EverySplit(body) {
      let (text, _) = pass(pieces, inserts: true)
      #expect(text == expected)
      // What a Content-Length promised: the member and one byte.
      if text != body {
        #expect(text.utf8.count == body.utf8.count + Self.member.utf8.count + (body.contains("\"") ? 1 : 1))
      }
      #expect(pass(pieces, inserts: false).text == body)
    }
  }

  @Test(
    "another Remora's member gives way to ours, in every cut, and the length is what was promised",
    arguments: [
      (#"{"x_remora":{"a":"}\\\"]","b":[{}]},"id":"x"}"#, #"{%^,"id":"x"}"#),
      (#"{ "x_remora" : null , "id":"x"}"#, #"{ %^, "id":"x"}"#), (#"{"x_remora":{}}"#, "{%^}"),
      (#"{"x_remora":"","x_remora_2":1}"#, #"{%^,"x_remora_2":1}"#),
      (#"{"x_remor":1}"#, #"{%,"x_remor":1}"#), (#"{"x_remora2":1}"#, #"{%,"x_remora2":1}"#),
      (#"{"x\u005fremora":1}"#, #"{%,"x\u005fremora":1}"#),
    ])
  func anotherMember(_ body: String, _ expected: String) {
    let full = expected.split(separator: "%", omittingEmptySubsequences: false).joined(separator: Self.member)
    let blanks = body.utf8.count + Self.member.utf8.count + 1 - (full.utf8.count - 1)
    let wanted = full.split(separator: "^", omittingEmptySubsequences: false).joined(
      separator: String(repeating: " ", count: max(blanks, 0)))
    for pieces in EverySplit(body) {
      let (text, _) = pass(pieces, inserts: true)
      #expect(text == wanted)
      #expect(text.utf8.count == body.utf8.count + Self.member.utf8.count + 1)
      #expect(pass(pieces, inserts: false).text == body)
    }
  }

  @Test(
    "whether a member can go in is known from what follows the brace",
    arguments: [
      ("{\"", false), ("{\"i", true), ("{\"x_remor", false), ("{\"x_remorA", true),
      ("{\"x_remora\"", true), ("{\"x_remora", false), ("{}", true), (" \n{ \n}", true), ("{", false),
      ("{ ", false), ("", false), (" ", false),
      ("[]", false), ("x{}", false),
    ])
  func takesMember(_ start: String, _ expected: Bool) {
    let bytes = Array(start.utf8)
    let takes = PassReply.takesMember(bytes.span)
    #expect(takes == expected)
  }

  @Test("usage is found with the member in, too")
  func usageAndMember() {
    for pieces in EverySplit(Self.answer) {
      #expect(pass(pieces, inserts: true).usage.output == 34)
    }
  }

  @Test(
    "what holds no usage has none",
    arguments: [
      "{}", "[]", "", "x", "{\"usage\":null}", "{\"usage\":7}", "{\"usage\":[]}",
      "{\"a\":{\"usage\":{\"input_tokens\":1}}}",
      "{\"usage\":{\"prompt_tokens\":-1}}", "{\"usage\":{\"prompt_tokens\":\"1\"}}",
      "{\"usage\":{\"prompt_tokens\":1", "{\"usage\":{\"prompt_tokens\":99999999999999999999}}",
    ])
  func noUsage(_ body: String) {
    for pieces in EverySplit(body) {
      let (text, usage) = pass(pieces, inserts: false)
      #expect(text == body)
      #expect(usage.isEmpty)
    }
  }

  @Test("a broken answer passes as it is, and what was found before stays")
  func broken() {
    let body = "{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2},]"
    for pieces in EverySplit(body) {
      #expect(pass(pieces, inserts: false).text == body)
    }
    #expect(pass(Array(body.utf8).map { [$0] }, inserts: false).usage.output == 2)
  }

  @Test(
    "what is no JSON says the same in every cut",
    arguments: [
      "{\"usage\":{\"prompt_tokens\":1,\"x\":2{,\"completion_tokens\":3}}",
      "{\"usage\":{\"prompt_tokens\":1,\"x\":2[,\"completion_tokens\":3}]}",
      "{\"usage\":{\"prompt_tokens\":1,\"x\":nul\"},\"completion_tokens\":3}",
      "{\"usage\":{\"prompt_tokens\":1,\"x\":2\",\"completion_tokens\":3}}",
      "{\"usage\":{\"prompt_tokens\":1,\"x\":},\"completion_tokens\":3}",
      "{\"usage\":{\"prompt_tokens\":1,\"x\":{\"y\":]},\"completion_tokens\":3}}",
      "{\"usage\":{\"prompt_tokens\":1,},\"completion_tokens\":3}",
      "{\"usage\":{\"prompt_tokens\":1;},\"completion_tokens\":3}",
      "{\"usage\":{\"prompt_tokens\":1]},\"completion_tokens\":3}",
    ])
  func garbage(_ body: String) {
    let expected = pass([Array(body.utf8)], inserts: false).usage
    for pieces in EverySplit(Array(body.utf8)) {
      #expect(pass(pieces, inserts: false).usage == expected, "\(pieces)")
    }
  }

  @Test("a usage object that has no end is not kept without bound, and one behind it is still passed")
  func hugeUsage() {
    let body = "{\"usage\":{\"x\":\"" + String(repeating: "x", count: 40_000) + "\",\"prompt_tokens\":1}}"
    let bytes = Array(body.utf8)
    let pieces = stride(from: 0, to: bytes.count, by: 1000).map {
      Array(bytes[$0..<min($0 + 1000, bytes.count)])
    }
    let (text, usage) = pass(pieces, inserts: false)
    #expect(text == body)
    #expect(usage.isEmpty)
    #expect(pass([bytes], inserts: false).usage.input == 1)
  }
}
