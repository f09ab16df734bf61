// A whole response where a stream was asked for: the events that say the same, as the provider would have sent them
// (API reference, "Streaming events", 2026-10). What is written goes the way of a provider's stream: StreamMaker.swift.

internal import Wire

/// Makes a stream of a whole response.
struct ResponsesMaker: ~Escapable {
  private static let longestID = 1024

  private let body: Span<UInt8>
  private var number = 0

  @_lifetime(copy body)
  private init(_ body: Span<UInt8>) { self.body = body }

  /// Appends the events that say what `body` says.
  ///
  /// - Parameter body: one JSON text that has been scanned.
  /// - Returns: false, and nothing is appended, where it is no response that is over: one in the background, for one.
  static func write(_ body: Span<UInt8>, into out: inout ByteQueue) -> Bool {
    let whole = 0..<body.count
    guard let output = JSONView.value(body, in: whole, at: "output"), JSONView.kind(body, output) == .array
    else { return false }
    let status = JSONView.content(body, in: whole, at: "status")
    let last: StaticString
    switch true {
    case status.isEmpty, status.equals("completed"): last = "response.completed"
    case status.equals("incomplete"): last = "response.incomplete"
    case status.equals("failed"): last = "response.failed"
    default: return false
    }
    var maker = ResponsesMaker(body)
    for name: StaticString in ["response.created", "response.in_progress"] {
      maker.begin(name, into: &out)
      out.append(",\"response\":")
      StreamMaker.write(body, whole, instead: Self.beginning, into: &out)
      out.append("}\n\n")
    }
    var index = 0
    var items = JSONArrayCursor(body, output)
    while let item = items.next() {
      if item.kind != .object { continue }
      maker.write(item: item.value, index, into: &out)
      index += 1
    }
    maker.begin(last, into: &out)
    out.append(",\"response\":")
    StreamMaker.flat(body, into: &out)
    out.append("}\n\n")
    return true
  }

  /// What a response says of itself before it has said anything.
  private static let beginning: [(name: StaticString, value: StaticString)] = [
    ("status", "\"in_progress\""), ("output", "[]"), ("usage", "null"), ("error", "null"),
    ("incomplete_details", "null"), ("completed_at", "null"),
  ]

  private mutating func begin(_ type: StaticString, into out: inout ByteQueue) {
    TypedEvent.begin(type, "\",\"sequence_number\":", number, into: &out)
    number += 1
  }

  /// Begins an event of an item, or of a part of it, which `list` counts.
  private mutating func begin(
    _ type: StaticString, _ place: Place, into out: inout ByteQueue
  ) {
    begin(type, into: &out)
    // It stands in each event: a long one would make far more of the answer than came.
    if let id = JSONView.value(body, in: place.item, at: "id"), id.count <= Self.longestID {
      out.append(",\"item_id\":")
      StreamMaker.flat(body.extracting(id), into: &out)
    } else {
      out.append(",\"item_id\":\"\"")
    }
    out.append(",\"output_index\":")
    out.append(decimal: place.index)
    guard let list = place.list else { return }
    out.append(",\"")
    out.append(list)
    out.append("\":")
    out.append(decimal: place.part)
  }

  /// Where something stands.
  private struct Place {
    let item: Range<Int>
    let index: Int
    /// What a part of the item is counted by; nil for the item itself.
    var list: StaticString?
    var part = 0
  }

  // MARK: Items

  private mutating func write(item: Range<Int>, _ index: Int, into out: inout ByteQueue) {
    begin("response.output_item.added", into: &out)
    writeIndex(index, into: &out)
    StreamMaker.write(
      body, item,
      instead: [
        ("status", "\"in_progress\""), ("content", "[]"), ("summary", "[]"), ("arguments", "\"\""),
        ("input", "\"\""),
      ], into: &out)
    out.append("}\n\n")
    let place = Place(item: item, index: index)
    var members = JSONObjectCursor(body, item)
    while let member = members.next() {
      if member.kind == .array, member.keyIs("summary", in: body) {
        write(parts: member.value, of: place, "summary_index", isSummary: true, into: &out)
      } else if member.kind == .array, member.keyIs("content", in: body) {
        write(parts: member.value, of: place, "content_index", isSummary: false, into: &out)
      } else if member.kind == .string, member.keyIs("arguments", in: body) {
        write(
          member.value, place, "response.function_call_arguments.delta",
          ("response.function_call_arguments.done", "arguments"), into: &out)
      } else if member.kind == .string, member.keyIs("input", in: body) {
        write(
          member.value, place, "response.custom_tool_call_input.delta",
          ("response.custom_tool_call_input.done", "input"), into: &out)
      }
    }
    begin("response.output_item.done", into: &out)
    writeIndex(index, into: &out)
    StreamMaker.flat(body.extracting(item), into: &out)
    out.append("}\n\n")
  }

  private func writeIndex(_ index: Int, into out: inout ByteQueue) {
    out.append(",\"output_index\":")
    out.append(decimal: index)
    out.append(",\"item\":")
  }

  private mutating func write(
    parts: Range<Int>, of item: Place, _ list: StaticString, isSummary: Bool, into out: inout ByteQueue
  ) {
    var place = item
    place.list = list
    var elements = JSONArrayCursor(body, parts)
    while let part = elements.next() {
      if part.kind == .object { write(part: part.value, place, isSummary: isSummary, into: &out) }
      place.part += 1
    }
  }

  private mutating func write(
    part: Range<Int>, _ place: Place, isSummary: Bool, into out: inout ByteQueue
  ) {
    begin(
      isSummary ? "response.reasoning_summary_part.added" : "response.content_part.added", place, into: &out)
    out.append(",\"part\":")
    StreamMaker.write(
      body, part, instead: [("text", "\"\""), ("refusal", "\"\""), ("annotations", "[]")], into: &out)
    out.append("}\n\n")
    let type = JSONView.content(body, in: part, at: "type")
    if let text = JSONView.value(body, in: part, at: "text"), JSONView.kind(body, text) == .string {
      if isSummary {
        write(
          text, place, "response.reasoning_summary_text.delta",
          ("response.reasoning_summary_text.done", "text"), into: &out)
      } else if type.equals("reasoning_text") {
        write(
          text, place, "response.reasoning_text.delta", ("response.reasoning_text.done", "text"), into: &out)
      } else {
        write(output: text, of: part, place, into: &out)
      }
    } else if let refusal = JSONView.value(body, in: part, at: "refusal"),
      JSONView.kind(body, refusal) == .string
    {
      write(refusal, place, "response.refusal.delta", ("response.refusal.done", "refusal"), into: &out)
    }
    begin(
      isSummary ? "response.reasoning_summary_part.done" : "response.content_part.done", place, into: &out)
    out.append(",\"part\":")
    StreamMaker.flat(body.extracting(part), into: &out)
    out.append("}\n\n")
  }

  /// Appends a message's text, with what was found beside it.
  private mutating func write(
    output text: Range<Int>, of part: Range<Int>, _ place: Place, into out: inout ByteQueue
  ) {
    let found = JSONView.value(body, in: part, at: "logprobs")
    var logprobs = ByteQueue()
    logprobs.append(",\"logprobs\":")
    if let found, JSONView.kind(body, found) == .array {
      StreamMaker.flat(body.extracting(found), into: &logprobs)
    } else {
      logprobs.append("[]")
    }
    write(
      text, place, "response.output_text.delta", ("response.output_text.done", "text"),
      beside: logprobs.bytes, into: &out)
    guard let annotations = JSONView.value(body, in: part, at: "annotations") else { return }
    var count = 0
    var elements = JSONArrayCursor(body, annotations)
    while let annotation = elements.next() {
      begin("response.output_text.annotation.added", place, into: &out)
      out.append(",\"annotation_index\":")
      out.append(decimal: count)
      out.append(",\"annotation\":")
      StreamMaker.flat(body.extracting(annotation.value), into: &out)
      out.append("}\n\n")
      count += 1
    }
  }

  /// Appends a text as the one piece that it comes in, and as what it came to.
  ///
  /// - Parameter beside: further members of both events, each with a comma before it.
  private mutating func write(
    _ text: Range<Int>, _ place: Place, _ delta: StaticString,
    _ done: (type: StaticString, name: StaticString),
    beside: Span<UInt8> = Span(), into out: inout ByteQueue
  ) {
    begin(delta, place, into: &out)
    out.append(",\"delta\":")
    out.append(body.extracting(text))
    out.append(beside)
    out.append("}\n\n")
    begin(done.type, place, into: &out)
    out.append(",\"")
    out.append(done.name)
    out.append("\":")
    out.append(body.extracting(text))
    out.append(beside)
    out.append("}\n\n")
  }
}
