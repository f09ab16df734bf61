// Bodies in every framing, in every cut.

import HTTP
import Support
import Testing
import Wire

@Suite("Bodies") struct BodyFlowTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let framing: Framing
    let text: String
    /// What is body of it.
    let body: String
    /// What comes behind the body's end; nil where the body has none in what has come.
    let rest: String?
    var testDescription: String { text }
  }

  static let cases: [Case] = [
    Case(framing: .none, text: "GET", body: "", rest: "GET"),
    Case(framing: .length(0), text: "GET", body: "", rest: "GET"),
    Case(framing: .length(3), text: "abcGET", body: "abc", rest: "GET"),
    Case(framing: .length(9), text: "abc", body: "abc", rest: nil),
    Case(framing: .untilClose, text: "abcGET", body: "abcGET", rest: nil),
    Case(framing: .chunked, text: "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\nGET", body: "abcd", rest: "GET"),
    Case(framing: .chunked, text: "0\r\nx: y\r\n\r\nGET", body: "", rest: "GET"),
    Case(framing: .chunked, text: "3\r\nab", body: "ab", rest: nil),
  ]

  @Test("what is body, and where it ends, doesn't depend on how it is cut", arguments: cases)
  func cuts(_ example: Case) throws {
    let bytes = Array(example.text.utf8)
    for pieces in EverySplit(bytes) {
      var flow = BodyFlow(example.framing, keepsTrailers: true)
      var body: [UInt8] = []
      var rest: [UInt8] = []
      for piece in pieces {
        var at = 0
        taking: while !flow.hasEnded {
          switch try flow.next(piece.span, from: at) {
          case .data(let range):
            body += piece[range]
            at = range.upperBound
          case .more(let consumed), .end(let consumed):
            at = consumed
            break taking
          }
        }
        rest += piece[at...]
      }
      #expect(String(decoding: body, as: UTF8.self) == example.body)
      #expect((flow.hasEnded ? String(decoding: rest, as: UTF8.self) : nil) == example.rest)
    }
  }

  @Test("bytes that go past it count")
  func skipping() throws {
    var flow = BodyFlow(.length(5))
    flow.skip(3)
    #expect(flow.remaining == 2 && !flow.hasEnded)
    flow.skip(9)
    #expect(flow.remaining == 0 && flow.hasEnded)
  }

  @Test("what is no chunk is a fault, and stays one")
  func faults() {
    var flow = BodyFlow(.chunked)
    for _ in 0..<2 {
      var isFault = false
      do { _ = try flow.next(Array("zz\r\n".utf8).span, from: 0) } catch { isFault = true }
      #expect(isFault)
    }
  }
}
