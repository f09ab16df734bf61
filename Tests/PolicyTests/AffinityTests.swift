// What the requests of a conversation have in common, and where it was last.

import Testing

@testable import Policy

@Suite("Affinity")
struct AffinityTests {
  private func key(_ text: String) -> UInt64 {
    let bytes = Array(text.utf8)
    return Affinity.hash(bytes.span.extracting(Affinity.opening(bytes.span, turns: 0..<bytes.count)))
  }

  @Test(
    "turns that follow change nothing, another opening does",
    arguments: [0, 3000, 9000])
  func opening(_ length: Int) {
    let system = #"[{"role":"system","content":"\#(String(repeating: "be kind. ", count: length / 9))"},"#
    let first = system + #"{"content":[{"type":"text","text":"first, \"]} quoted"}],"role":"user"}"#
    let answered = first + #",{"role":"assistant","content":"one"},{"role":"user","content":"two"}]"#
    #expect(key(first + "]") == key(answered))
    #expect(key(answered) == key(answered.dropLast() + #",{"role":"user","content":"three"}]"#))
    let other = system + #"{"role":"user","content":"another"}]"#
    // Behind so long a prompt of the system nothing is looked at.
    #expect((key(first + "]") == key(other)) == (length > 8192))
  }

  @Test("what is no list of turns, or is cut anywhere, has an opening too")
  func odd() {
    let text = Array(#"[7,null,"user",{"role":7},{"role":"user"},{}]"#.utf8)
    #expect(Affinity.opening(text.span, turns: 0..<text.count) == 0..<text.count - 4)
    for end in 0...text.count {
      #expect(Affinity.opening(text.span, turns: 0..<end).upperBound <= end)
    }
  }

  @Test("a byte anywhere counts, and so does the length")
  func hash() {
    var seen: Set<UInt64> = []
    for length in 0..<80 {
      var bytes = [UInt8](repeating: 0, count: length)
      seen.insert(Affinity.hash(bytes.span))
      for at in 0..<length {
        bytes[at] = 1
        seen.insert(Affinity.hash(bytes.span))
        bytes[at] = 0
      }
    }
    #expect(seen.count == (0..<80).reduce(0) { $0 + 1 + $1 })
  }

  @Test("of many conversations the last ones are known, and none is taken for another")
  func companions() {
    let companions = Companions()
    let targets = (0..<5).map { TargetHealth(provider: "p", model: "\($0)") }
    #expect(companions.find(0, at: 1) == nil)
    for turn in 0..<10_000 as Range<UInt64> {
      let conversation = Pick.mix(turn)
      #expect(companions.find(conversation, at: turn) == nil)
      companions.keep(conversation, at: targets[Int(turn % 5)], now: turn)
      #expect(companions.find(conversation, at: turn) === targets[Int(turn % 5)])
    }
    var known = 0
    for turn in 9_000..<10_000 as Range<UInt64> {
      guard let target = companions.find(Pick.mix(turn), at: 10_000) else { continue }
      #expect(target === targets[Int(turn % 5)])
      known += 1
    }
    #expect(known > 600, "\(known)")
    // Another answer of the same conversation is in the same place.
    companions.keep(7, at: targets[0], now: 10_001)
    companions.keep(7, at: targets[1], now: 10_002)
    #expect(companions.find(7, at: 10_003) === targets[1])
  }
}
