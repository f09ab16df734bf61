// Whether a provider is asked for usage in its streams.

import Config
import Dialects
import Testing
import Wire

@Suite struct StreamOptionsTests {
  @Test(
    "an endpoint that never takes stream_options isn't sent the client's own either",
    arguments: [
      ("never", BodyShape.chat, false), ("never", .completion, false), ("auto", .chat, true),
      ("auto", .completion, true),
    ])
  func streamOptions(_ word: String, _ shape: BodyShape, _ expected: Bool) throws {
    var provider = Provider(
      name: "a", kind: .vllm, baseURL: BaseURL(scheme: .https, host: "a.example", prefix: ""), apiKey: .none)
    provider.streamOptions = try #require(StreamOptions(rawValue: word))
    let quirks = Quirks.of(provider)
    #expect(quirks.takesStreamOptions == expected)
    let body = Array(#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#.utf8)
    var splice = JSONSplice()
    var dropped = DroppedFields()
    if let edit = RequestEdit.of(quirks, shape, count: body.count) {
      try edit.write(body.span, &splice, dropped: &dropped)
    }
    #expect(splice.isEmpty == expected && dropped.isEmpty == expected)
  }
}
