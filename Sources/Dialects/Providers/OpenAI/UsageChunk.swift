// The last chunk of a stream that tells its usage, for providers that tell it elsewhere.

internal import Wire

/// Makes the chunk that OpenAI sends for `include_usage`: no choices, the usage, the stream's own id.
struct UsageChunk: ~Copyable {
  /// A usage object is a few hundred bytes; a longer chunk isn't made.
  private static let ceiling = 16 * 1024

  private var text = ByteQueue()

  /// Keeps what the chunk will say; a later usage takes its place.
  mutating func keep(_ data: Span<UInt8>, _ usage: Range<Int>, _ scanner: borrowing JSONScanner) {
    text.clear()
    text.append("{")
    for (member, name) in Self.copied {
      guard let found = scanner.found(member), found.value.count < 1024 else { continue }
      text.append(name)
      text.append(data.extracting(found.value))
      text.append(ASCII.comma)
    }
    text.append("\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":")
    text.append(data.extracting(usage))
    text.append("}")
    if text.count > Self.ceiling { text.clear() }
  }

  private static let copied: [(JSONMember, StaticString)] = [
    (.id, "\"id\":"), (.created, "\"created\":"), (.model, "\"model\":"),
  ]

  /// The provider has sent it itself.
  mutating func forget() { if !text.isEmpty { text.clear() } }

  /// Appends the event, if there is one to send.
  mutating func write(into out: inout ByteQueue) {
    if text.isEmpty { return }
    EventEncoder.data(text.bytes, into: &out)
    text.clear()
  }
}
