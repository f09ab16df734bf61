// What is kept of responses for later requests, and that it stays within its bound.

import Testing
import Wire

@testable import Dialects

@Suite("ResponsesMemory")
struct ResponsesMemoryTests {
  private let age: UInt64 = 1_000_000_000

  private func keep(_ number: Int, behind previous: Int? = nil, in memory: ResponsesMemory) {
    let turn = ResponsesTurn(isKept: true)
    turn.previous = previous.map { Array("resp_\($0)".utf8) } ?? []
    turn.input = Array(#"{"role":"user","content":"\#(String(repeating: "x", count: 200))"}"#.utf8)
    let response = Array(
      #"{"id":"resp_\#(number)","output":[{"type":"message","id":"msg_\#(number)"}]}"#.utf8)
    guard let finished = FinishedResponse(response) else { return }
    memory.keep(finished, turn, scope: [], age: age, now: UInt64(number))
  }

  private func isKnown(_ number: Int, in memory: ResponsesMemory, now: UInt64) -> Bool {
    memory.response(Array("resp_\(number)".utf8), scope: [], age: age, now: now) != nil
  }

  @Test("ten thousand responses stay within the bound, and the latest are there")
  func bound() {
    let memory = ResponsesMemory()
    let ceiling = 256 << 10
    memory.resize(ceiling)
    for number in 0..<10_000 {
      keep(number, in: memory)
      #expect(memory.bytes <= ceiling)
    }
    #expect(memory.bytes > ceiling / 2)
    #expect(isKnown(9_999, in: memory, now: 10_000) && isKnown(9_900, in: memory, now: 10_000))
    #expect(!isKnown(0, in: memory, now: 10_000))
    memory.resize(0)
    #expect(memory.bytes == 0 && !isKnown(9_999, in: memory, now: 10_000))
  }

  @Test("a chain is told from its first response on, and not at all where one of them is forgotten")
  func chain() {
    let memory = ResponsesMemory()
    memory.resize(1 << 20)
    for number in 0..<50 { keep(number, behind: number == 0 ? nil : number - 1, in: memory) }
    #expect(memory.chain(Array("resp_49".utf8), scope: [], age: age, now: 60)?.count == 50)
    #expect(memory.chain(Array("resp_49".utf8), scope: [1], age: age, now: 60) == nil)
    #expect(memory.forget(Array("resp_7".utf8), scope: [], now: 61))
    #expect(memory.chain(Array("resp_49".utf8), scope: [], age: age, now: 62) == nil)
    #expect(memory.chain(Array("resp_6".utf8), scope: [], age: age, now: 62)?.count == 7)
  }
}
