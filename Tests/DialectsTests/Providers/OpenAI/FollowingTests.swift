import Dialects
import Support
import Testing
import Wire

/// Bodies that aren't kept, of which the model comes first.
@Suite struct FollowingTests {
  /// The body as the upstream gets it if `size` bytes come at a time once the model is known.
  private func followed(_ body: String, by size: Int) throws -> (text: String, addsUsage: Bool) {
    let bytes = Array(body.utf8)
    var scanner = JSONScanner(watching: RequestFacts.watched)
    var facts = RequestFacts()
    var splice = JSONSplice()
    var at = 0
    while scanner.found(.model)?.isComplete != true || scanner.decidedEnd != scanner.offset {
      try scanner.feed(bytes.span.extracting(at..<at + 1))
      at += 1
    }
    var window = ByteQueue(copying: bytes.span.extracting(0..<at))
    try facts.read(window.bytes, scanner)
    var adds = !facts.asksForUsage && (facts.streams || scanner.found(.streamOptions) != nil)
    try facts.edit(&splice, window.bytes, scanner, model: nil, addsUsage: adds)
    facts.beginFollowing(scanner)
    var start = 0
    var out = ByteQueue()
    while true {
      let decided = min(scanner.decidedEnd - start, window.count)
      if decided > 0 {
        let isChanged = splice.touches(start..<start + decided)
        let before = out.count
        splice.apply(piece: window.bytes.extracting(0..<decided), base: start, into: &out)
        if !isChanged { #expect(out.count - before == decided) }
        splice.forgetApplied()
        window.consume(decided)
        start += decided
      }
      if at == bytes.count { break }
      let end = min(at + size, bytes.count)
      window.append(bytes.span.extracting(at..<end))
      try scanner.feed(bytes.span.extracting(at..<end))
      at = end
      if try facts.editFurther(&splice, window.bytes, from: start, scanner, mayAddUsage: true) { adds = true }
    }
    try scanner.finish()
    let isUsedUp = window.isEmpty
    #expect(isUsedUp)
    return (out.bytes.text(), adds)
  }

  @Test(
    "what is left of a body that passes is what is left of one that is kept",
    arguments: [
      #"{"model":"m","messages":[{"x":"}"}]}"#, #"{"model":"m","messages":[1], "stream" : true }  "#,
      #"{"model":"m","messages":[1],"fallback_models":["a"],"thread_identifier":"t","n":1}"#,
      #"{"model":"m","messages":[1],"n":1,"group_identifier":"g"}"#,
      #"{"model":"m","customer_identifier":"c","messages":[1],"fallback_models":[{"a":"]"}] ,"b":"\u0041"}"#,
      #"{"model":"m","messages":[1],"stream":true,"stream_options":{}}"#,
      #"{"model":"m","messages":[1],"stream":true,"stream_options":{"a":1},"z":[]}"#,
      #"{"model":"m","messages":[1],"stream_options":{"include_usage":true},"stream":true}"#,
      #"{"model":"m","messages":[1],"stream_options":null,"stream":true}"#,
      #"{"model":"m","stream":true,"messages":[1]}"#, #"{"model":"m","messages":[1],"stream":false}"#,
      #"{"model":"m","messages":[1],"metadata":{"stream":true,"thread_identifier":1}}"#,
    ])
  func passes(_ body: String) throws {
    let bytes = Array(body.utf8)
    var scanner = JSONScanner(watching: RequestFacts.watched)
    try scanner.feed(bytes.span)
    try scanner.finish()
    var facts = RequestFacts()
    try facts.read(bytes.span, scanner)
    var splice = JSONSplice()
    let adds = facts.streams && !facts.asksForUsage
    try facts.edit(&splice, bytes.span, scanner, model: nil, addsUsage: adds)
    var whole = ByteQueue()
    splice.apply(to: bytes.span, into: &whole)
    for size in 1...bytes.count {
      let (text, addsUsage) = try followed(body, by: size)
      #expect(text == whole.bytes.text(), "\(size) at a time")
      #expect(addsUsage == adds)
    }
  }

  @Test(
    "what steers is checked when it comes",
    arguments: [
      #"{"model":"m","messages":[1],"stream":"yes"}"#, #"{"model":"m","messages":[1],"stream_options":[]}"#,
    ])
  func types(_ body: String) {
    for size in [1, 3, body.utf8.count] {
      #expect(throws: RequestFacts.Fault.self) { _ = try followed(body, by: size) }
    }
  }

  @Test("a model that is named again is refused")
  func repeated() {
    #expect(throws: JSONFault.self) { _ = try followed(#"{"model":"m","messages":[1],"model":"n"}"#, by: 1) }
  }
}
