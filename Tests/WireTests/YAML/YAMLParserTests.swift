// What the reader accepts means what YAML 1.2 says; expectations are written by hand, as JSON.

import Testing

@testable import Wire

struct Snippet: Sendable, CustomTestStringConvertible {
  let yaml: String
  let expected: String
  init(_ yaml: String, _ expected: String) { (self.yaml, self.expected) = (yaml, expected) }
  var testDescription: String { yaml.debugDescription }
}

func parse(_ text: String) throws(YAMLFault) -> YAMLNode {
  let bytes = Array(text.utf8)
  return try YAMLNode.parse(bytes.span)
}

@Suite struct YAMLParserTests {
  @Test("a text means what YAML 1.2 says", arguments: accepted)
  func accepts(_ snippet: Snippet) throws {
    #expect(try parse(snippet.yaml).json() == snippet.expected)
  }

  @Test("line breaks of any kind, and a byte order mark, change nothing", arguments: accepted)
  func lineBreaks(_ snippet: Snippet) throws {
    for ending in ["\r\n", "\r"] {
      let yaml =
        "\u{FEFF}"
        + snippet.yaml.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: ending)
      #expect(try parse(yaml).json() == snippet.expected)
    }
  }

  @Test("no prefix of a text traps", arguments: accepted)
  func prefixes(_ snippet: Snippet) {
    let bytes = Array(snippet.yaml.utf8)
    for length in 0...bytes.count {
      _ = try? YAMLNode.parseAll(bytes.span.extracting(0..<length))
    }
  }

  static let accepted: [Snippet] = [
    // Empty and scalar documents.
    Snippet("", "null"), Snippet("\n# only a comment\n", "null"), Snippet("---\n", "null"),
    Snippet("--- a\n...\n", #""a""#),
    Snippet("a\n", #""a""#), Snippet("a\nb", #""a b""#),
    // Comments.
    Snippet("a: 1 # comment", #"{"a":1}"#), Snippet("a: b#c", #"{"a":"b#c"}"#),
    Snippet("a: b #c", #"{"a":"b"}"#),
    Snippet("a: 'b # c' # d", #"{"a":"b # c"}"#), Snippet("a: \"#\"", ##"{"a":"#"}"##),
    Snippet("a: # comment\n  b", #"{"a":"b"}"#), Snippet("# x\n\na: 1\n # y\nb: 2\n", #"{"a":1,"b":2}"#),
    Snippet("- a # x\n# y\n- b", #"["a","b"]"#),
    // Colons.
    Snippet("url: http://x.y:80/z?a=b&c#d", ##"{"url":"http://x.y:80/z?a=b&c#d"}"##),
    Snippet("a: b:c", #"{"a":"b:c"}"#),
    Snippet("a:b", #""a:b""#), Snippet("a::b: c", #"{"a::b":"c"}"#),
    Snippet("\"a: b\": c", #"{"a: b":"c"}"#), Snippet("'a'  : c", #"{"a":"c"}"#),
    Snippet("time: 12:30:45", #"{"time":"12:30:45"}"#),
    // Empty values.
    Snippet("a:\nb:", #"{"a":null,"b":null}"#), Snippet("- \n-\n- a", #"[null,null,"a"]"#),
    Snippet("a: ''", #"{"a":""}"#),
    Snippet("a: \"\"\nb: ~", #"{"a":"","b":null}"#),
    // Nesting.
    Snippet("a:\n- b\n- c\nd: e", #"{"a":["b","c"],"d":"e"}"#),
    Snippet("a:\n  - b\n  - c", #"{"a":["b","c"]}"#),
    Snippet("- - a\n  - b\n- c", #"[["a","b"],"c"]"#),
    Snippet("- a: 1\n  b: 2\n- c: 3", #"[{"a":1,"b":2},{"c":3}]"#),
    Snippet("-   a:\n      b: c\n    d: e", #"[{"a":{"b":"c"},"d":"e"}]"#),
    Snippet("a:\n  b:\n    c: d\n  e: f", #"{"a":{"b":{"c":"d"},"e":"f"}}"#),
    Snippet("- a:\n  - b\n  - c\n- d", #"[{"a":["b","c"]},"d"]"#),
    Snippet("-\n  a: b\n-\n  - c", #"[{"a":"b"},["c"]]"#),
    Snippet("a:\n- b:\n  - c\n-\n- d: e\nf: g", #"{"a":[{"b":["c"]},null,{"d":"e"}],"f":"g"}"#),
    Snippet("  a: 1\n  b: 2\n", #"{"a":1,"b":2}"#),
    // Plain texts.
    Snippet("a: b\n  c\n\n  d\ne: f", #"{"a":"b c\nd","e":"f"}"#), Snippet("a:\n  b\n  c", #"{"a":"b c"}"#),
    Snippet("a: -b", #"{"a":"-b"}"#), Snippet("a: ?b", #"{"a":"?b"}"#),
    Snippet("a: b, c] d}", #"{"a":"b, c] d}"}"#),
    Snippet("a: x \"y\" 'z'", #"{"a":"x \"y\" 'z'"}"#),
    Snippet("a:\tb", #"{"a":"b"}"#),
    Snippet("a: ${X:-y}", #"{"a":"${X:-y}"}"#), Snippet("a: b\\n", #"{"a":"b\\n"}"#),
    Snippet("ключ: значение", #"{"ключ":"значение"}"#),
    // Types.
    Snippet("[null, ~, Null, true, False, yes, on, no]", #"[null,null,null,true,false,"yes","on","no"]"#),
    Snippet("[1, -2, +3, 010, 0o10, 0x1F, 0b1]", #"[1,-2,3,10,8,31,"0b1"]"#),
    Snippet(
      "[1.5, -.5, 1., 1e3, .inf, -.INF, .nan, 1_000, 1.2.3]",
      #"[1.5,-0.5,1.0,1000.0,".inf","-.inf",".nan","1_000","1.2.3"]"#),
    Snippet("['1', \"true\", 2001-01-01, 5s]", #"["1","true","2001-01-01","5s"]"#),
    Snippet("9223372036854775808", "9.223372036854776e+18"),
    Snippet("-9223372036854775808", "-9223372036854775808"),
    // Quoted texts.
    Snippet("'it''s'", #""it's""#), Snippet(#""\x41\u00e9\U0001F600\t\/\\\"""#, #""Aé😀\t/\\\"""#),
    Snippet(#""\ud83d\ude00""#, #""😀""#), Snippet("\"a\n  b\n\n  c\"", #""a b\nc""#),
    Snippet("'a\n  b\n\n\n  c'", #""a b\n\nc""#),
    Snippet("\"a\\\n  b\"", #""ab""#), Snippet("\"a \\\n  \\ b\"", #""a  b""#),
    Snippet("a: \" x \"", #"{"a":" x "}"#),
    Snippet("a: \"b\n  c: d\"", #"{"a":"b c: d"}"#),
    // Literal and folded texts.
    Snippet("a: |\n  b\n  c\nd: e", #"{"a":"b\nc\n","d":"e"}"#), Snippet("a: |-\n  b\n", #"{"a":"b"}"#),
    Snippet("a: |+\n  b\n\n", #"{"a":"b\n\n"}"#),
    Snippet("a: |\n  b\n\n", #"{"a":"b\n"}"#), Snippet("a: |\n\n  b\n    c\n", #"{"a":"\nb\n  c\n"}"#),
    Snippet("a: |2\n    b\n", #"{"a":"  b\n"}"#),
    Snippet("a: |1-\n  b", #"{"a":" b"}"#), Snippet("a: |-1 # c\n  b", #"{"a":" b"}"#),
    Snippet("- |\n a\n- >\n b\n c\n", #"["a\n","b c\n"]"#),
    Snippet("a: >\n  b\n  c\n\n  d\n", #"{"a":"b c\nd\n"}"#),
    Snippet("a: >\n  b\n    c\n  d\n", #"{"a":"b\n  c\nd\n"}"#),
    Snippet("a: >-\n  b\n\n\n  c\n\n", #"{"a":"b\n\nc"}"#),
    Snippet("a: |\n  # not a comment\n  b: c\n", ##"{"a":"# not a comment\nb: c\n"}"##),
    Snippet("a: |\nb: c", #"{"a":"","b":"c"}"#), Snippet("a: |", #"{"a":""}"#), Snippet("|", #""""#),
    Snippet("a: |\n  b", #"{"a":"b"}"#),
    Snippet("a: |\n  b\n # comment\nc: d", #"{"a":"b\n","c":"d"}"#),
    Snippet("a:\n- |\n  b\n- c", #"{"a":["b\n","c"]}"#),
    // Flow collections and JSON.
    Snippet("[]", "[]"), Snippet("{}", "{}"), Snippet("[a, b,]", #"["a","b"]"#),
    Snippet("{a: 1, b: [2, {c: 3}],}", #"{"a":1,"b":[2,{"c":3}]}"#),
    Snippet("a: [\n  b, # c\n  d\n]\ne: f", #"{"a":["b","d"],"e":"f"}"#),
    Snippet("{a, b: , c: d}", #"{"a":null,"b":null,"c":"d"}"#),
    Snippet("[a: b, 'c':d]", #"[{"a":"b"},{"c":"d"}]"#), Snippet("{a:1}", #"{"a:1":null}"#),
    Snippet("[http://x:1/?y, a b\n c]", #"["http://x:1/?y","a b c"]"#),
    Snippet("{\"a\":1,\"b\":[true,null,-1.5e3],\n\t\"c\":{}}", #"{"a":1,"b":[true,null,-1500.0],"c":{}}"#),
    Snippet("{\"a\"\n:\n1}", #"{"a":1}"#), Snippet("- [a]\n- {b: c}\n", #"[["a"],{"b":"c"}]"#),
    Snippet("[\"a,b\", 'c]']", #"["a,b","c]"]"#),
  ]

  @Test("several documents come in order")
  func documents() throws {
    let bytes = Array("a: 1\n---\n- b\n---\n---\nc\n...\n# end\n---\n".utf8)
    let documents = try YAMLNode.parseAll(bytes.span)
    #expect(documents.map { $0.json() } == [#"{"a":1}"#, #"["b"]"#, "null", #""c""#, "null"])
    #expect(throws: YAMLFault(.severalDocuments, at: Position(line: 3, column: 1))) {
      try YAMLNode.parse(bytes.span)
    }
    let empty: [UInt8] = []
    #expect(try YAMLNode.parseAll(empty.span).isEmpty)
  }

  @Test("every value knows its line and column, in characters")
  func positions() throws {
    let node = try parse("é: [ü, {a: b}]\nlist:\n  - x\n  -  'y'\n")
    guard case .mapping(let entries) = node.kind, case .sequence(let flow) = entries[0].value.kind,
      case .sequence(let list) = entries[1].value.kind
    else {
      Issue.record("not the collections that were written")
      return
    }
    #expect(entries[1].keyPosition == Position(line: 2, column: 1))
    #expect(flow.map(\.position) == [Position(line: 1, column: 5), Position(line: 1, column: 8)])
    #expect(flow[1]["a"]?.position == Position(line: 1, column: 12))
    #expect(list.map(\.position) == [Position(line: 3, column: 5), Position(line: 4, column: 6)])
  }
}
