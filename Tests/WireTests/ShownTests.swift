// What messages show of other people's texts.

import Testing
import Wire

@Suite struct ShownTests {
  @Test(
    "what breaks a line, steers a terminal or can't be seen is shown as an escape",
    arguments: [
      ("plain 'text' \\ \"q\"", "plain 'text' \\ \"q\""), ("a\nb\r\nc\td", "a\\nb\\r\\nc\\td"),
      ("\u{1B}[31mred\u{7}", "\\u{1B}[31mred\\u{7}"),
      ("a\u{85}b\u{2028}c\u{2029}", "a\\u{85}b\\u{2028}c\\u{2029}"),
      ("listen\u{200B}", "listen\\u{200B}"), ("a\u{A0}b\u{FEFF}", "a\\u{A0}b\\u{FEFF}"),
      ("abc\u{202E}def\u{2066}", "abc\\u{202E}def\\u{2066}"), ("größe 模型 🐟", "größe 模型 🐟"), ("", ""),
    ])
  func escapes(_ text: String, _ shown: String) {
    #expect(Shown.text(text) == shown)
    #expect(Shown.path(text) == shown)
    #expect(Shown.line(text) == shown)
    #expect(Shown.line(Shown.line(text)) == shown)
  }

  @Test("a text is cut, a path is whole, a list says how many it leaves out")
  func cuts() {
    let long = String(repeating: "a", count: 100)
    #expect(Shown.text(long) == String(repeating: "a", count: 60) + "…")
    #expect(Shown.path(long) == long && Shown.line(long) == long)
    #expect(Shown.list([]) == "" && Shown.list(["a", "b\nc"]) == "a, b\\nc")
    let many = (1...30).map { "n\($0)" }
    #expect(Shown.list(many) == many.prefix(24).joined(separator: ", ") + " and 6 more")
    #expect(Shown.list([long]) == Shown.text(long))
  }
}
