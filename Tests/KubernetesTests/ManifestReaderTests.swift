// Values and places, read from YAML of any style.

import Testing
import Wire

@testable import Kubernetes

@Suite struct ManifestReaderTests {
  private func read(_ text: String) throws -> (ManifestNode, ManifestText) {
    let bytes = Array(text.utf8)
    let document = try ManifestReader.read(bytes, 0..<bytes.count)
    return (try #require(document.roots.first), ManifestText(bytes))
  }

  @Test(
    "a scalar says what YAML says it does",
    arguments: [
      ("a: b c", "b c"), ("a: b # c", "b"), ("a: b#c", "b#c"), ("a: 'it''s'", "it's"),
      ("a: \"x\\ty\"", "x\ty"),
      ("a: \"\\ud83d\\ude00\"", "\u{1F600}"), ("a: b\n  c\n\n  d", "b c\nd"), ("a: 'b\n  c'", "b c"),
      ("a: |\n  x\n  y\n", "x\ny\n"), ("a: >-\n  x\n  y\n", "x y"), ("a: &x b", "b"), ("a: !!str b", "b"),
      ("b: &x 1\na: *x", "1"), ("{a: b}", "b"), ("{\"a\":\"b\"}", "b"), ("a:\n  b", "b"),
      ("a: http://x:1/y", "http://x:1/y"),
      ("{? a : b}", "b"), ("{\n  ? \"a\"\n  : \"b\",\n}", "b"), ("{b: 1, ? a: b}", "b"),
      ("? a\n: b", "b"), ("a: -1", "-1"), ("a: \"b\r\n  c\"", "b c"), ("&k a: b", "b"), ("!t a: b", "b"),
    ])
  func scalars(_ document: String, _ value: String) throws {
    let (root, text) = try read(document)
    #expect(text.text(root["a"]) == value)
  }

  @Test("flags are YAML 1.1's, as the API server reads them")
  func flags() throws {
    let (root, text) = try read("[yes, On, true, y, no, 'yes', 1, maybe]")
    #expect(root.list.map { text.isTrue($0) } == [true, true, true, true, false, false, false, false])
    #expect(
      root.list.map { text.string($0) != nil } == [false, false, false, false, false, true, false, true])
  }

  @Test(
    "what isn't YAML, or has two readings, is refused",
    arguments: [
      "a: b\n c: d", "a:\n  - b\n c", "- a\nb: c", "a: [b", "a: {b: c", "a: 'b", "a: \"\\q\"", "a: *b",
      "{a: 1, a: 2}",
      "a: b: c", "a: @b", "a: |x\n  b", "[a, , b]", "a: &x &y b", "a: b\na", "? [a]\n: b",
      "{? [a] : b}", "{? }", "{[a]: b}",
      "a:\n\t- b",
      String(repeating: "[", count: 300),
    ])
  func refused(_ document: String) {
    let bytes = Array(document.utf8)
    #expect(throws: ManifestFault.self) { try ManifestReader.read(bytes, 0..<bytes.count) }
  }

  @Test("every prefix of a document is read or refused, and none traps")
  func prefixes() {
    for text in LayoutTests.layouts {
      let bytes = Array(text.utf8)
      for count in 0...bytes.count { _ = try? ManifestReader.read(bytes, 0..<count) }
    }
  }

  @Test("documents are the whole stream, cut at its markers")
  func parts() {
    let bytes = Array("a\n---\nb: |\n  --- x\n...\n# c\n--- d\n---".utf8)
    let parts = ManifestStream.parts(bytes).map { String(decoding: bytes[$0.range], as: UTF8.self) }
    #expect(parts == ["a\n", "---\nb: |\n  --- x\n...\n", "# c\n", "--- d\n", "---"])
    #expect(ManifestStream.parts([]).isEmpty)
  }

  @Test("names that nobody knows are told the nearest one")
  func nearest() {
    #expect(Mark.nearest(to: "imgae") == "image")
    #expect(Mark.nearest(to: "container") == "containers")
    #expect(Mark.nearest(to: "xyzzyplugh") == nil)
  }
}
