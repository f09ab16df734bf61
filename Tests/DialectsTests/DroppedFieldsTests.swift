import Dialects
import Testing
import Wire

@Suite struct DroppedFieldsTests {
  private func text(_ fields: DroppedFields) -> String {
    var out = ByteQueue()
    fields.write(into: &out)
    return out.bytes.text()
  }

  private func list(_ names: [String]) -> String {
    var fields = DroppedFields()
    for name in names { fields.add(Array(name.utf8).span) }
    return text(fields)
  }

  @Test("names come in the order in which they were found, each once")
  func order() {
    var fields = DroppedFields()
    #expect(fields.isEmpty)
    fields.add("seed")
    fields.add("logit_bias")
    fields.add("seed")
    fields.add("see")
    fields.add("eed")
    #expect(text(fields) == "seed,logit_bias,see,eed")
    fields.removeAll()
    #expect(fields.isEmpty)
    fields.add("user")
    #expect(text(fields) == "user")
  }

  @Test("a client's own name can't break the header or the list")
  func hostile() {
    #expect(list(["a\r\nx: y", "b,c", "d e", "é", "", "b_c"]) == "a__x:_y,b_c,d_e,__")
    #expect(list([String(repeating: "a", count: 500)]) == String(repeating: "a", count: 64))
  }

  @Test("what stands inside of a member is named by its place")
  func places() {
    var fields = DroppedFields()
    fields.add("tools", 0, "strict")
    fields.add("messages", 3, "name")
    fields.add("messages", 4, "")
    fields.add("messages", 5, "content", 1, "cache_control")
    fields.add("tools", 0, "strict")
    fields.add("messages", 6, Array("a,b\n".utf8).span)
    fields.add("messages", 7, "tool_calls", 0, Array(repeating: UInt8(ascii: "x"), count: 500).span)
    let long = "messages[7].tool_calls[0]." + String(repeating: "x", count: 38)
    #expect(
      text(fields)
        == "tools[0].strict,messages[3].name,messages[4],messages[5].content[1].cache_control,messages[6].a_b_,"
        + long)
    #expect(fields.count == 6)
  }

  @Test("the list is bounded, and says that there was more")
  func bounds() {
    let names = (0..<1000).map { "field\($0)" }
    #expect(list(names) == names.prefix(31).joined(separator: ",") + ",...")
    #expect(list(Array(names.prefix(32))) == names.prefix(32).joined(separator: ","))
  }
}
