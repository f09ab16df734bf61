// What the events of a Messages stream have said, put together: see StreamCollector.swift. The other way round:
// MessagesMaker.swift.

internal import Wire

/// A message that came in pieces.
struct CollectedMessage {
  private struct Block {
    /// What it began with.
    var members = CollectedMembers()
    /// By the place in `texts`, still escaped; nil where it has no such member.
    var texts: [[UInt8]?] = [nil, nil, nil]
    /// Of a call: JSON in a string, still escaped; nil where it has none.
    var input: [UInt8]?
  }

  /// Members of a block that come in pieces.
  private static let texts: [StaticString] = ["text", "thinking", "signature"]
  /// Blocks of one message: far more than any model makes.
  private static let ceiling = 4096

  private var members = CollectedMembers()
  private var usage = CollectedMembers()
  private var blocks: [Block] = []
  /// The message has begun.
  private(set) var hasBegun = false

  mutating func read(_ data: Span<UInt8>) {
    let whole = 0..<data.count
    switch MessagesEvents.kind(JSONView.content(data, in: whole, at: "type")) {
    case .start:
      guard let message = JSONView.value(data, in: whole, at: "message") else { return }
      hasBegun = true
      read(message: message, data)
    case .delta: read(delta: whole, data)
    case .end:
      if let delta = JSONView.value(data, in: whole, at: "delta") { read(message: delta, data) }
      if let said = JSONView.value(data, in: whole, at: "usage") { read(usage: said, data) }
    case .other:
      guard let block = JSONView.value(data, in: whole, at: "content_block") else { return }
      begin(block: block, data)
    case .stop, .error: break
    }
  }

  private mutating func read(message: Range<Int>, _ data: Span<UInt8>) {
    var cursor = JSONObjectCursor(data, message)
    while let member = cursor.next() {
      if member.keyIs("usage", in: data) {
        read(usage: member.value, data)
      } else if !member.keyIs("content", in: data) {
        members.keepLast(data, member)
      }
    }
  }

  private mutating func read(usage said: Range<Int>, _ data: Span<UInt8>) {
    var cursor = JSONObjectCursor(data, said)
    while let member = cursor.next() { usage.keepLast(data, member) }
  }

  private mutating func begin(block: Range<Int>, _ data: Span<UInt8>) {
    guard blocks.count < Self.ceiling else { return }
    var new = Block()
    var cursor = JSONObjectCursor(data, block)
    next: while let member = cursor.next() {
      if member.kind == .string {
        for (at, name) in Self.texts.enumerated() where member.keyIs(name, in: data) {
          new.texts[at] = JSONString.content(data, member.value).array()
          continue next
        }
      }
      if member.keyIs("input", in: data) {
        new.input = []
        // What it begins with holds where no piece follows.
        if member.value.count > 2 { new.members.keepLast(data, member) }
      } else {
        new.members.keepLast(data, member)
      }
    }
    blocks.append(new)
  }

  private mutating func read(delta event: Range<Int>, _ data: Span<UInt8>) {
    guard let delta = JSONView.value(data, in: event, at: "delta") else { return }
    let said = JSONView.value(data, in: event, at: "index").flatMap { JSONValue.integer(data, $0) }
    guard let at = said, blocks.indices.contains(at) else { return }
    var cursor = JSONObjectCursor(data, delta)
    while let member = cursor.next() {
      if member.kind == .string, member.keyIs("partial_json", in: data) {
        if blocks[at].input == nil { blocks[at].input = [] }
        blocks[at].input?.append(contentsOf: JSONString.content(data, member.value).array())
      } else if member.kind == .string {
        for (place, name) in Self.texts.enumerated() where member.keyIs(name, in: data) {
          if blocks[at].texts[place] == nil { blocks[at].texts[place] = [] }
          blocks[at].texts[place]?.append(contentsOf: JSONString.content(data, member.value).array())
        }
      } else if member.keyIs("citation", in: data) {
        blocks[at].members.add(data, member.value, to: "citations")
      }
    }
  }

  // MARK: Writing

  /// Appends the whole message.
  mutating func write(into out: inout ByteQueue) {
    out.append("{")
    members.write(["id", "type", "role", "model"], into: &out)
    out.append("\"content\":[")
    for at in blocks.indices {
      if at > 0 { out.append(ASCII.comma) }
      Self.write(block: &blocks[at], into: &out)
    }
    out.append("],")
    if !members.has("stop_sequence") { out.append("\"stop_sequence\":null,") }
    out.append("\"usage\":{")
    var counts = ByteQueue()
    usage.writeRest(into: &counts)
    if counts.count > 0 { out.append(counts.bytes.extracting(1..<counts.count)) }
    out.append("}")
    members.writeRest(into: &out)
    out.append("}")
  }

  private static func write(block: inout Block, into out: inout ByteQueue) {
    var rest = ByteQueue()
    let input = block.input
    if let input, !input.isEmpty || !block.members.has("input") { block.members.forget("input") }
    block.members.writeRest(into: &rest)
    for (at, name) in texts.enumerated() {
      guard let text = block.texts[at] else { continue }
      rest.append(",\"")
      rest.append(name)
      rest.append("\":\"")
      rest.append(text)
      rest.append("\"")
    }
    if let input, !block.members.has("input") {
      rest.append(",\"input\":")
      write(input: input, into: &rest)
    }
    out.append("{")
    if rest.count > 0 { out.append(rest.bytes.extracting(1..<rest.count)) }
    out.append("}")
  }

  /// Appends a call's input, which came as a text. One that was cut is kept as Anthropic does itself (docs, "Fine-grained
  /// tool streaming").
  private static func write(input: [UInt8], into out: inout ByteQueue) {
    if input.isEmpty { return out.append("{}") }
    var string = ByteQueue()
    string.append("\"")
    string.append(input)
    string.append("\"")
    var text = ByteQueue()
    JSONString.decode(string.bytes, 0..<string.count, into: &text)
    if JSONValue.kind(of: text.bytes) == .object { return out.append(text.bytes) }
    out.append("{\"INVALID_JSON\":")
    out.append(string.bytes)
    out.append("}")
  }
}
