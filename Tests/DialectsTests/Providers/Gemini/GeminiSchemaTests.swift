import Dialects
import Testing

@Suite struct GeminiSchemaTests {
  /// What a model that has no JSON Schema gets for it.
  private func convert(_ schema: String) throws -> Tree? {
    let format = #""response_format":{"type":"json_schema","json_schema":{"name":"x","schema":\#(schema)}}"#
    return try GeminiDialect().request(chatBody(format), model: "gemini-1.5-flash")
      .body["generationConfig"]?["responseSchema"]
  }

  @Test(
    "each word of JSON Schema in Google's subset",
    arguments: [
      (#"{"type":"string","format":"uuid","minLength":1}"#, #"{"type":"STRING","minLength":1}"#),
      (#"{"type":"string","format":"date-time"}"#, #"{"type":"STRING","format":"date-time"}"#),
      (#"{"const":"a"}"#, #"{"type":"STRING","enum":["a"]}"#),
      (#"{"type":"string","enum":["a","b",null]}"#, #"{"type":"STRING","enum":["a","b"],"nullable":true}"#),
      (#"{"type":"integer","enum":[1,2],"minimum":1}"#, #"{"type":"INTEGER","minimum":1}"#),
      (
        #"{"type":["number","null"],"description":"D"}"#,
        #"{"type":"NUMBER","description":"D","nullable":true}"#
      ),
      (#"{"type":["string","integer"]}"#, #"{"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]}"#),
      (#"{"type":"array"}"#, #"{"type":"ARRAY","items":{"type":"STRING"}}"#),
      (
        #"{"items":{"type":"boolean"},"maxItems":3}"#,
        #"{"type":"ARRAY","items":{"type":"BOOLEAN"},"maxItems":3}"#
      ),
      (
        #"{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"string"}},"required":["b"],"additionalProperties":false,"$schema":"x"}"#,
        #"{"type":"OBJECT","properties":{"b":{"type":"STRING"},"a":{"type":"STRING"}},"propertyOrdering":["b","a"],"required":["b"]}"#
      ),
      (
        ##"{"$ref":"#/$defs/A","description":"Mine","$defs":{"A":{"type":"string","description":"Theirs"}}}"##,
        #"{"type":"STRING","description":"Mine"}"#
      ),
      (
        ##"{"allOf":[{"$ref":"#/definitions/A"},{"properties":{"b":{"type":"string"}},"required":["b"]}],"definitions":{"A":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}}}"##,
        #"{"type":"OBJECT","properties":{"a":{"type":"STRING"},"b":{"type":"STRING"}},"propertyOrdering":["a","b"],"required":["a","b"]}"#
      ),
      (
        #"{"anyOf":[{"type":"null"},{"type":"string","pattern":"x"}]}"#,
        #"{"type":"STRING","pattern":"x","nullable":true}"#
      ),
      (
        #"{"oneOf":[{"type":"string"},{"type":"object","properties":{"a":{}}}],"title":"T"}"#,
        #"{"anyOf":[{"type":"STRING"},{"type":"OBJECT","properties":{"a":{}},"propertyOrdering":["a"]}],"title":"T"}"#
      ),
      (##"{"$ref":"#/$defs/missing"}"##, "{}"), ("{}", "{}"),
    ])
  func words(_ schema: String, _ wanted: String) throws { #expect(try convert(schema) == Tree(wanted)) }

  @Test(
    "a schema without an end is refused",
    arguments: [
      ##"{"type":"object","properties":{"next":{"$ref":"#"}}}"##,
      ##"{"type":"array","items":{"$ref":"#"}}"##,
      ##"{"type":"object","properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{"A":{"properties":{"l":{"$ref":"#/$defs/A"},"r":{"$ref":"#/$defs/A"}}}}}"##,
    ])
  func endless(_ schema: String) {
    let format = #""response_format":{"type":"json_schema","json_schema":{"name":"x","schema":\#(schema)}}"#
    let fault = GeminiDialect().refusal(chatBody(format), model: "gemini-1.5-flash")
    #expect(fault?.parameter == "response_format.json_schema.schema" && fault?.code == .unsupported)
    // Newer models read it as it is.
    #expect(GeminiDialect().refusal(chatBody(format), model: "gemini-2.5-flash") == nil)
  }

  @Test(
    "references in a circle end",
    arguments: [
      ##"{"$ref":"#"}"##, ##"{"allOf":[{"$ref":"#"},{"$ref":"#"}]}"##, ##"{"anyOf":[{"$ref":"#"}]}"##,
    ])
  func circles(_ schema: String) throws { #expect(try convert(schema) != nil) }

  @Test("functions of older models have such schemas too")
  func functions() throws {
    let tool =
      #"{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":["string","null"]}},"additionalProperties":false}}}"#
    let body = try GeminiDialect().request(chatBody(#""tools":[\#(tool)]"#), model: "gemini-1.5-flash").body
    #expect(
      body["tools"]?[0]?["functionDeclarations"]?[0]?["parameters"]
        == Tree(
          #"{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true}},"propertyOrdering":["a"]}"#)
    )
  }
}
