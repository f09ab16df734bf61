// What the reader refuses, by name and with its place.

import Testing

@testable import Wire

struct Refusal: Sendable, CustomTestStringConvertible {
  let yaml: String
  let kind: YAMLFault.Kind
  let line: Int
  let column: Int
  init(_ yaml: String, _ kind: YAMLFault.Kind, _ line: Int, _ column: Int) {
    (self.yaml, self.kind, self.line, self.column) = (yaml, kind, line, column)
  }
  var testDescription: String { yaml.debugDescription }
}

@Suite struct YAMLFaultTests {
  @Test("what is left out or wrong is refused where it stands", arguments: refused)
  func refuses(_ refusal: Refusal) {
    let fault = YAMLFault(refusal.kind, at: Position(line: refusal.line, column: refusal.column))
    #expect(throws: fault) { try parse(refusal.yaml) }
    #expect(!fault.message.isEmpty && fault.message != "not valid YAML")
  }

  static let refused: [Refusal] = [
    Refusal("a: &x b", .anchor, 1, 4), Refusal("&x a: b", .anchor, 1, 1), Refusal("[&x a]", .anchor, 1, 2),
    Refusal("a: *x", .alias, 1, 4), Refusal("models: [*]", .alias, 1, 10), Refusal("a: !t b", .tag, 1, 4),
    Refusal("- !!str 1", .tag, 1, 3), Refusal("<<: {a: b}", .mergeKey, 1, 1),
    Refusal("{<<: a}", .mergeKey, 1, 2),
    Refusal("? a\n: b", .complexKey, 1, 1), Refusal("{[a]: b}", .complexKey, 1, 2),
    Refusal("[a]: b", .complexKey, 1, 1),
    Refusal("%YAML 1.2\n---\na", .directive, 1, 1), Refusal("a:\n\tb: c", .tab, 2, 1),
    Refusal("a:\n  b: c\n \td: e", .tab, 3, 2),
    Refusal("-\ta: b", .tab, 1, 2),
    Refusal("a: 1\nb: 2\na: 3", .duplicateKey("a", first: Position(line: 1, column: 1)), 3, 1),
    Refusal("{a: 1, \"a\": 2}", .duplicateKey("a", first: Position(line: 1, column: 2)), 1, 8),
    Refusal("a: b: c", .valueNotAllowed, 1, 5), Refusal("a: b\n  c: d", .indentedTooDeep(under: 1), 2, 3),
    Refusal("a: 'b': c", .valueNotAllowed, 1, 7), Refusal("'a\n b': c", .valueNotAllowed, 2, 4),
    Refusal("a: - b", .sequenceNotAllowed, 1, 4), Refusal("a: b\n- c", .sequenceNotAllowed, 2, 1),
    Refusal("[- a]", .sequenceNotAllowed, 1, 2),
    Refusal("a: 1\n  b: 2", .indentedTooDeep(under: 1), 2, 3),
    Refusal("a:\n    b: 1\n  c: 2", .badIndentation, 3, 3),
    Refusal("- 'a'\n b", .badIndentation, 2, 2), Refusal("a: 1\nb", .missingColon, 2, 1),
    Refusal("a: 'b' c", .trailingContent, 1, 8),
    Refusal("\"a\":b", .missingSpaceAfterColon, 1, 4), Refusal(": a", .emptyKey, 1, 1),
    Refusal("{: a}", .emptyKey, 1, 2),
    Refusal("'a'#b", .commentNeedsSpace, 1, 4), Refusal("[a,#b\n]", .commentNeedsSpace, 1, 4),
    Refusal("a: @b", .reservedCharacter(0x40), 1, 4), Refusal("a: `b", .reservedCharacter(0x60), 1, 4),
    Refusal("a: %b", .reservedCharacter(0x25), 1, 4),
    Refusal("a: ]", .unexpected(0x5D), 1, 4), Refusal("[a,,b]", .unexpected(0x2C), 1, 4),
    Refusal("[a", .unclosed(0x5B), 1, 1),
    Refusal("x: {a: 1", .unclosed(0x7B), 1, 4), Refusal("a: \"b", .unclosed(0x22), 1, 4),
    Refusal("a: 'b\nc: d", .unclosed(0x27), 1, 4),
    Refusal("[a\n---\n]", .markerInside, 2, 1), Refusal("'a\n---\n'", .markerInside, 2, 1),
    Refusal("[a b: c d: e]", .valueNotAllowed, 1, 10),
    Refusal(#""\q""#, .badEscape, 1, 2), Refusal(#""\ud83d""#, .badEscape, 1, 2),
    Refusal(#""\u12""#, .badEscape, 1, 2),
    Refusal("a: |x\n b", .badBlockHeader, 1, 5), Refusal("a: |0\n b", .badBlockHeader, 1, 5),
    Refusal("a: |\n    \n  b", .blankLineTooDeep, 2, 1),
    Refusal("['a'b]", .expectedSeparator(closing: 0x5D), 1, 5), Refusal("--- a: b", .valueNotAllowed, 1, 6),
    Refusal("a: \u{1}", .controlCharacter(1), 1, 4),
    Refusal("a:\n  b: c\n    d: e", .indentedTooDeep(under: 2), 3, 5),
    Refusal("a: b\n  c\n  d: e", .indentedTooDeep(under: 1), 3, 3),
    Refusal("a\n  b: c", .missingColonAbove, 1, 1), Refusal("a:\n  b\n    c: d", .missingColonAbove, 2, 3),
    Refusal("a: 1\nb\n  c: d", .missingColonAbove, 2, 1), Refusal("- a\n  b: c", .missingColonAbove, 1, 3),
    Refusal("a: 1\nb:2", .missingSpaceAfterColon, 2, 1), Refusal("a: 1\nhttp://b", .missingColon, 2, 1),
    Refusal("a:\n  - b\n    - c", .dashTooDeep, 3, 5), Refusal("- a\n  - b", .dashTooDeep, 2, 3),
    Refusal("a:\n    - b\n  - c", .badIndentation, 3, 3), Refusal("a: {b: c},", .trailingComma, 1, 10),
    Refusal("{\"a\": 1},\n", .trailingComma, 1, 9), Refusal("// a\nb: c", .slashComment, 1, 1),
    Refusal("{\n  // a\n  \"b\": c }", .slashComment, 2, 3),
    Refusal("{\"b\": \"c\" // d\n}", .slashComment, 1, 11),
    Refusal("a: {} /* b */", .slashComment, 1, 7), Refusal("a: [::1]:4141", .bareIPv6, 1, 5),
    Refusal("a: [fd00::1]:4141", .bareIPv6, 1, 4), Refusal("[x, [fd00::1]:4141]", .bareIPv6, 1, 5),
    Refusal("- [::1]:4141", .bareIPv6, 1, 4),
  ]

  @Test("nesting has a ceiling", arguments: [("[", "]"), ("{a: ", "}"), ("- ", "")])
  func depth(_ brackets: (String, String)) {
    let open = { String(repeating: brackets.0, count: $0) }
    let close = { String(repeating: brackets.1, count: $0) }
    #expect(throws: Never.self) { try parse(open(64) + close(64)) }
    #expect { try parse(open(65) + close(65)) } throws: { ($0 as? YAMLFault)?.kind == .tooDeep(ceiling: 64) }
    #expect(throws: YAMLFault.self) { try parse(open(100_000)) }
  }

  @Test("size and keys have a ceiling")
  func size() {
    #expect(throws: YAMLFault(.tooLarge(ceiling: 1 << 20), at: Position(line: 1, column: 1))) {
      try parse(String(repeating: "a", count: (1 << 20) + 1))
    }
    #expect(throws: YAMLFault(.keyTooLong(ceiling: 1024), at: Position(line: 1, column: 1))) {
      try parse(String(repeating: "a", count: 1025) + ": b")
    }
  }

  @Test(
    "bytes that are not UTF-8 are refused",
    arguments: [
      [0xFF], [0xC3], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xF0, 0x9F],
      [0x80], [0xF5, 0x80, 0x80, 0x80],
    ] as [[UInt8]])
  func encoding(_ bytes: [UInt8]) {
    let text = Array("a: ".utf8) + bytes
    #expect(throws: YAMLFault(.invalidUTF8, at: Position(line: 1, column: 4))) {
      try YAMLNode.parse(text.span)
    }
  }

  @Test("a line of a mebibyte is read in one pass")
  func longLine() throws {
    let item = "{\"é\":[1,2]},"
    let count = 60_000
    let node = try parse("[" + String(repeating: item, count: count) + "]")
    guard case .sequence(let items) = node.kind else {
      Issue.record("not a list")
      return
    }
    #expect(items.count == count)
    #expect(items.last?.position == Position(line: 1, column: 2 + (count - 1) * 12))
  }
}
