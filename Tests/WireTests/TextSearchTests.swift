import Testing
import Wire

@Suite("A string in a string") struct TextSearchTests {
  static let cases: [(text: String, part: String, place: Int?)] = [
    ("", "", 0), ("", "a", nil), ("a", "", 0), ("abc", "abc", 0), ("abc", "abcd", nil), ("aab", "ab", 1),
    ("https://host", "://", 5), ("one\r\ntwo", "\n", 4), ("naïve", "ïv", 2), ("e\u{301}", "e", 0),
  ]

  @Test("is found byte for byte, in a part of a text too", arguments: cases)
  func found(_ example: (text: String, part: String, place: Int?)) {
    let text = example.text
    let range = text.firstRange(of: example.part)
    #expect(range.map { text.utf8.distance(from: text.startIndex, to: $0.lowerBound) } == example.place)
    #expect(range.map { text.utf8[$0].elementsEqual(example.part.utf8) } ?? true)
    #expect(text.contains(example.part) == (example.place != nil))
    #expect("<\(text)>".dropFirst().dropLast().contains(example.part) == (example.place != nil))
  }

  @Test("is exchanged wherever it stands, and what is put there is not searched again")
  func exchanged() {
    #expect("a_b__c".replacing("_", with: "-") == "a-b--c")
    #expect("aaa".replacing("aa", with: "a") == "aa")
    #expect("${a} ${b}".replacing("${", with: "$${") == "$${a} $${b}")
    #expect("abc".replacing("x", with: "y") == "abc")
    #expect("abc".replacing("", with: "y") == "abc")
    #expect("".replacing("x", with: "y") == "")
    #expect("_ab".dropFirst().replacing("ab", with: "") == "")
  }
}
