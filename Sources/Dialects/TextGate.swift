// The one hook through which a model's text reaches the client: it puts values back where the model wrote their
// placeholders, in whole answers and in streams, whichever provider they come from.
//
// It works on the client's own formats, behind every conversation, so there is nothing to go around. What has no
// placeholder in it goes on as it was, byte for byte; a text that ends in what may become one is held by that much
// (RestoreState.swift). Next: TextGateWhole.swift.

package import Detect
package import Wire

/// One answer's gate. It is kept and used again.
package final class TextGate {
  /// Texts that one stream can have under way: choices, tool calls, parts.
  private static let channelCeiling = 256

  /// Which text of a stream a piece belongs to.
  struct Channel {
    enum Kind: UInt8 {
      case content, refusal, reasoning, otherReasoning, legacy, function, tool, delta, thinking
    }
    var kind: Kind
    var choice: Int
    var part: Int
    var state = RestoreState()
    var answer = AnswerState()

    var form: RestoreForm { isArguments ? .arguments : .text }
    var isArguments: Bool { kind == .function || kind == .tool }
    var isHolding: Bool { state.isHolding || answer.isHolding }
  }

  let vault: Vault
  /// Looks at what the model says, before values are put back; nil where nothing does.
  package var watch: (any AnswerWatch)?
  /// A policy has said no to the answer: nothing of it goes on any more.
  package internal(set) var isBlocked = false
  private var channels: [Channel] = []
  private var events = EventDecoder()
  /// The part of an incomplete event that has come.
  private var held = ByteQueue()
  private var splice = JSONSplice(editCeiling: 4096)
  private var decoded = ByteQueue()
  private var looked = ByteQueue()
  private var made = ByteQueue()
  var escaped = ByteQueue()

  package init(_ vault: Vault) { self.vault = vault }

  /// Forgets the answer before.
  package func begin() {
    channels.removeAll(keepingCapacity: true)
    events = EventDecoder()
    held.removeAll()
    isBlocked = false
  }

  // MARK: Streams

  /// Takes the next bytes of the client's stream, and appends what goes on of them.
  package func take(_ bytes: Span<UInt8>, into out: inout ByteQueue) {
    held.append(bytes)
    var queue = ByteQueue()
    swap(&held, &queue)
    var from = 0
    while let step = try? events.next(queue.bytes, from: from), case .event(let event) = step {
      if !isBlocked { pass(event, in: queue.bytes, into: &out) }
      from = event.whole.upperBound
    }
    queue.consume(from)
    swap(&held, &queue)
  }

  /// Ends the stream: what is held goes on as it is.
  package func end(into out: inout ByteQueue) {
    for at in channels.indices where channels[at].isHolding && !isBlocked {
      write(at, like: nil, in: Span(), into: &out)
    }
    if !held.isEmpty, !isBlocked { out.append(held.view) }
    let isBlocked = isBlocked
    begin()
    self.isBlocked = isBlocked
  }

  private func pass(_ event: Event, in bytes: Span<UInt8>, into out: inout ByteQueue) {
    guard let place = event.data else { return out.append(bytes.extracting(event.whole)) }
    let data = bytes.extracting(place)
    if data.equals("[DONE]") {
      for at in channels.indices where channels[at].isHolding {
        write(at, like: nil, in: data, into: &out)
      }
      channels.removeAll(keepingCapacity: true)
      return isBlocked ? () : out.append(bytes.extracting(event.whole))
    }
    splice.removeAll()
    read(data, into: &out)
    if isBlocked { return }
    if splice.isEmpty { return out.append(bytes.extracting(event.whole)) }
    out.append(bytes.extracting(event.whole.lowerBound..<place.lowerBound))
    splice.apply(to: data, into: &out)
    out.append(bytes.extracting(place.upperBound..<event.whole.upperBound))
  }

  /// Finds the pieces of texts that an event brings.
  private func read(_ data: Span<UInt8>, into out: inout ByteQueue) {
    let whole = 0..<data.count
    if let choices = JSONView.value(data, in: whole, at: "choices") {
      var elements = JSONArrayCursor(data, choices)
      while let choice = elements.next() { readChoice(data, choice.value, into: &out) }
      return
    }
    let type = JSONView.content(data, in: whole, at: "type")
    if type.isEmpty { return restoreAll(data, whole, &splice) }
    if type.equals("content_block_delta") { return readBlock(data, whole) }
    if type.equals("content_block_stop") {
      let index = number(data, whole, "index")
      for at in channels.indices where channels[at].choice == index && channels[at].isHolding {
        write(at, like: data, in: data, into: &out)
      }
      return
    }
    if ends(type, with: ".delta") { return readResponse(data, whole, type) }
    // What comes next of this text is its whole: nothing of it stays behind.
    if ends(type, with: ".done") {
      let item = number(data, whole, "output_index")
      for at in channels.indices where channels[at].choice == item && channels[at].isHolding {
        write(at, like: data, in: data, into: &out)
      }
    }
    // It has been counted in its pieces.
    watch?.counts = false
    restoreAll(data, whole, &splice)
    watch?.counts = true
  }

  private func ends(_ text: Span<UInt8>, with suffix: StaticString) -> Bool {
    let count = suffix.utf8CodeUnitCount
    return text.count >= count && text.extracting(text.count - count..<text.count).equals(suffix)
  }

  private func number(_ data: Span<UInt8>, _ range: Range<Int>, _ name: StaticString) -> Int {
    JSONView.value(data, in: range, at: name).flatMap { JSONValue.integer(data, $0) } ?? 0
  }

  // MARK: Formats

  /// A choice of a chat's or a completion's chunk.
  private func readChoice(_ data: Span<UInt8>, _ choice: Range<Int>, into out: inout ByteQueue) {
    let index = number(data, choice, "index")
    var isFinished = false
    var members = JSONObjectCursor(data, choice)
    while let member = members.next() {
      if member.keyIs("delta", in: data) || member.keyIs("message", in: data) {
        readDelta(data, member.value, index)
      } else if member.keyIs("text", in: data) {
        feed(data, member.value, .legacy, index, 0)
      } else if member.keyIs("logprobs", in: data) {
        removeLogprobs(member)
      } else if member.keyIs("finish_reason", in: data), member.kind == .string {
        isFinished = true
      }
    }
    guard isFinished else { return }
    for at in channels.indices where channels[at].choice == index && channels[at].isHolding {
      write(at, like: data, in: data, into: &out)
    }
  }

  private func readDelta(_ data: Span<UInt8>, _ delta: Range<Int>, _ choice: Int) {
    var members = JSONObjectCursor(data, delta)
    while let member = members.next() {
      let value = member.value
      if member.keyIs("content", in: data) {
        feed(data, value, .content, choice, 0)
      } else if member.keyIs("refusal", in: data) {
        feed(data, value, .refusal, choice, 0)
      } else if member.keyIs("reasoning_content", in: data) {
        feed(data, value, .reasoning, choice, 0)
      } else if member.keyIs("reasoning", in: data) {
        feed(data, value, .otherReasoning, choice, 0)
      } else if member.keyIs("function_call", in: data) {
        if let arguments = JSONView.value(data, in: value, at: "arguments") {
          feed(data, arguments, .function, choice, 0)
        }
      } else if member.keyIs("tool_calls", in: data) {
        var calls = JSONArrayCursor(data, value)
        while let call = calls.next() {
          if let arguments = JSONView.value(data, in: call.value, at: "function", "arguments") {
            feed(data, arguments, .tool, choice, number(data, call.value, "index"))
          }
        }
      }
    }
  }

  /// A block of a message. Signed thinking goes on as it is.
  private func readBlock(_ data: Span<UInt8>, _ whole: Range<Int>) {
    guard let delta = JSONView.value(data, in: whole, at: "delta") else { return }
    let index = number(data, whole, "index")
    if let text = JSONView.value(data, in: delta, at: "text") { feed(data, text, .delta, index, 0) }
    if let json = JSONView.value(data, in: delta, at: "partial_json") { feed(data, json, .tool, index, 0) }
  }

  /// A piece of a response's text.
  private func readResponse(_ data: Span<UInt8>, _ whole: Range<Int>, _ type: Span<UInt8>) {
    guard let delta = JSONView.value(data, in: whole, at: "delta") else { return }
    let item = number(data, whole, "output_index")
    let isArguments = ends(type, with: "arguments.delta") || ends(type, with: "input.delta")
    let part = number(data, whole, ends(type, with: "summary_text.delta") ? "summary_index" : "content_index")
    feed(data, delta, isArguments ? .tool : .delta, item, part)
  }

  // MARK: Pieces

  /// Tokens tell what was taken out of the text, and come before it is known.
  func removeLogprobs(_ member: JSONObjectCursor.Member) {
    guard watch?.redacts == true, member.kind == .object else { return }
    let null: StaticString = "null"
    try? splice.replace(member.value, with: null.bytes)
  }

  /// Passes a piece of a text on, and changes it in the event where what goes on is another.
  private func feed(
    _ data: Span<UInt8>, _ value: Range<Int>, _ kind: Channel.Kind, _ choice: Int, _ part: Int
  ) {
    guard JSONView.kind(data, value) == .string, value.count > 2, let at = channel(kind, choice, part) else {
      return
    }
    decoded.clear()
    JSONString.decode(data, value, into: &decoded)
    made.clear()
    var isChanged = false
    if let watch {
      looked.clear()
      switch channels[at].answer.feed(
        decoded.view, watch, isArguments: channels[at].isArguments, into: &looked)
      {
      case .clean: break
      case .changed: isChanged = true
      case .blocked:
        isBlocked = true
        return
      }
      if channels[at].state.feed(looked.view, vault, channels[at].form, into: &made) { isChanged = true }
    } else {
      isChanged = channels[at].state.feed(decoded.view, vault, channels[at].form, into: &made)
    }
    if isChanged { replace(value, with: made.view, &splice) }
  }

  private func channel(_ kind: Channel.Kind, _ choice: Int, _ part: Int) -> Int? {
    for at in channels.indices
    where channels[at].kind == kind && channels[at].choice == choice && channels[at].part == part {
      return at
    }
    guard channels.count < Self.channelCeiling else { return nil }
    channels.append(Channel(kind: kind, choice: choice, part: part))
    return channels.count - 1
  }

  /// Puts `text` between the quotes of `value`.
  func replace(_ value: Range<Int>, with text: Span<UInt8>, _ splice: inout JSONSplice) {
    escaped.clear()
    JSONWriter.escaped(text, into: &escaped)
    // The edits are few, and the strings don't overlap.
    try? splice.replace(value.lowerBound + 1..<value.upperBound - 1, with: escaped.view)
  }

  /// Writes what a channel holds as an event of its own.
  ///
  /// - Parameter model: the event whose ids it takes over; nil where there is none.
  private func write(_ at: Int, like model: Span<UInt8>?, in data: Span<UInt8>, into out: inout ByteQueue) {
    var text = ByteQueue()
    if let watch {
      var last = ByteQueue()
      if channels[at].answer.close(watch, isArguments: channels[at].isArguments, into: &last) == .blocked {
        isBlocked = true
        return
      }
      _ = channels[at].state.feed(last.bytes, vault, channels[at].form, into: &text)
    }
    channels[at].state.close(vault, channels[at].form, into: &text)
    var event = ByteQueue()
    TextGateEvent.write(channels[at], text.bytes, like: model == nil ? Span() : data, into: &event)
    if channels[at].kind == .delta || isBlock(data) {
      let type = JSONView.content(event.bytes, in: 0..<event.count, at: "type")
      out.append("event: ")
      out.append(type)
      out.append("\n")
    }
    EventEncoder.data(event.bytes, into: &out)
  }

  private func isBlock(_ data: Span<UInt8>) -> Bool {
    !JSONView.content(data, in: 0..<data.count, at: "type").isEmpty
  }
}
