import Testing

@testable import Wire

@Suite("A text in a text") struct ByteSearchTests {
  @Test("is found wherever it stands, and from there on only", arguments: [1, 2, 15, 16, 17, 40])
  func places(_ count: Int) {
    let part = (0..<count).map { UInt8(0x41 + $0) }
    for total in count..<count + 50 {
      for place in 0...total - count {
        var text = [UInt8](repeating: 0x41, count: total)
        for at in 0..<total where at % 3 == 0 { text[at] = part[count - 1] }
        text.replaceSubrange(place..<place + count, with: part)
        let found = text.span.place(of: part.span)
        // By hand, for short parts stand elsewhere, too.
        let first = (0...total - count).first { Array(text[$0..<$0 + count]) == part }
        #expect(found == first, "\(total) \(place)")
        #expect(text.span.place(of: part.span, from: place) == place)
      }
    }
  }

  @Test("is not found where it is cut, longer than the text, or empty")
  func none() {
    let text = Array("the quick brown fox jumps over the lazy dog".utf8)
    for part in ["the quick brown fox jumps over the lazy dog!", "dogs", "xthe", "quick fox", ""] {
      #expect(text.span.place(of: Array(part.utf8).span) == nil, "\(part)")
    }
    #expect([UInt8]().span.place(of: text.span) == nil)
    #expect(text.span.place(of: Array("the".utf8).span, from: 1) == 31)
    #expect(text.span.place(of: Array("the".utf8).span, from: 100) == nil)
  }
}
