// The one hook through which a model's text reaches the client: it puts values back where the model wrote their
// placeholders, in whole answers and in streams, whichever provider they come from.
//
// It works on the client's own formats, behind every conversation, so there is nothing to go around. What has no
// placeholder in it goes on as it was, byte for byte; a text that ends in what may become one is held by that much
// (RestoreState.swift). What can't be looked at is told to the watch, which stops the answer where a policy must have
// seen it. Next: ChunkPattern.swift, TextGateFormats.swift, TextGateWhole.swift, TextGateEvent.swift.

package import Detect
package import Wire

/// One answer's gate. It is kept and used again.
package final class TextGate {
  /// Texts that one stream can have under way: choices, tool calls, parts. No model has as many; each is looked for among
  /// them all.
  private static let channelCeiling = 1024

  let vault: Vault
  /// Looks at what the model says, before values are put back; nil where nothing does.
  package var watch: (any AnswerWatch)?
  /// A policy has said no to the answer: nothing of it goes on any more.
  package internal(set) var isBlocked = false
  /// The provider signs what its model thinks, and wants it back as it was: values aren't put back there.
  package var keepsThoughts = true
  var channels: [TextChannel] = []
  private var pattern = ChunkPattern()
  private var events = EventDecoder()
  /// The part of an incomplete event that has come.
  private var held = ByteQueue()
  var splice = JSONSplice(editCeiling: 64 * 1024)
  private var decoded = ByteQueue()
  private var looked = ByteQueue()
  private var made = ByteQueue()
  private var joined = ByteQueue()
  var escaped = ByteQueue()
  /// Events of a response that were put between the provider's own, whose numbers move up by as many.
  var added = 0

  package init(_ vault: Vault) { self.vault = vault }

  /// Forgets the answer before.
  package func begin() {
    channels.removeAll(keepingCapacity: true)
    pattern.forget()
    events = EventDecoder()
    held.removeAll()
    isBlocked = false
    added = 0
  }

  // MARK: Streams

  /// Takes the next bytes of the client's stream, and appends what goes on of them.
  package func take(_ bytes: Span<UInt8>, into out: inout ByteQueue) {
    // Whole events are passed from where they lie.
    if held.isEmpty {
      let used = passEvents(bytes, into: &out)
      return used < bytes.count ? held.append(bytes.extracting(used...)) : ()
    }
    held.append(bytes)
    var queue = ByteQueue()
    swap(&held, &queue)
    queue.consume(passEvents(queue.bytes, into: &out))
    swap(&held, &queue)
  }

  /// Passes the events on that are complete.
  ///
  /// - Returns: how many bytes they had.
  private func passEvents(_ bytes: Span<UInt8>, into out: inout ByteQueue) -> Int {
    var from = 0
    do throws(SSEFault) {
      while case .event(let event) = try events.next(bytes, from: from) {
        if !isBlocked { pass(event, in: bytes, into: &out) }
        from = event.whole.upperBound
      }
      return from
    } catch {
      // What is longer than any event goes on unread, or not at all.
      giveUp()
      if !isBlocked { out.append(bytes.extracting(from...)) }
      events = EventDecoder()
      return bytes.count
    }
  }

  /// Whether a chat's piece goes on as it is, because nothing of it can belong to a placeholder.
  ///
  /// The chunk goes on beside the gate, which has no part of an event. Otherwise nothing was done, and the chunk must come
  /// through the gate.
  ///
  /// - Parameter value: the piece, with its quotes and without an escape.
  func lets(_ data: Span<UInt8>, _ value: Range<Int>, choice: Int) -> Bool {
    guard watch == nil, added == 0, held.isEmpty else { return false }
    if value.count <= 2 { return true }
    guard let at = channel(TextChannel.Place(kind: .content, choice: choice)) else { return false }
    return channels[at].state.lets(data.extracting(value.lowerBound + 1..<value.upperBound - 1), vault)
  }

  /// Ends the stream: what is held goes on as it is.
  package func end(into out: inout ByteQueue) {
    if !held.isEmpty, !isBlocked {
      // Some clients read an event that the stream's end has cut off.
      let end: StaticString = "\n\n"
      take(end.bytes, into: &out)
    }
    flush(into: &out) { _ in true }
    let isBlocked = isBlocked
    begin()
    self.isBlocked = isBlocked
  }

  private func pass(_ event: Event, in bytes: Span<UInt8>, into out: inout ByteQueue) {
    if event.dataLines == 0 { return out.append(bytes.extracting(event.whole)) }
    if let place = event.data {
      guard change(bytes.extracting(place), into: &out) else {
        return isBlocked ? () : out.append(bytes.extracting(event.whole))
      }
      out.append(bytes.extracting(event.whole.lowerBound..<place.lowerBound))
      splice.apply(to: bytes.extracting(place), into: &out)
      return out.append(bytes.extracting(place.upperBound..<event.whole.upperBound))
    }
    // What stands in several lines is one text, and goes on in one line where it changes.
    joined.clear()
    EventDecoder.data(of: event, in: bytes, into: &joined)
    guard change(unsafe joined.view, into: &out) else {
      return isBlocked ? () : out.append(bytes.extracting(event.whole))
    }
    for (field, value) in [("event: " as StaticString, event.name), ("id: ", event.id)] {
      guard let value else { continue }
      out.append(field)
      out.append(bytes.extracting(value))
      out.append(ASCII.lf)
    }
    made.clear()
    splice.apply(to: unsafe joined.view, into: &made)
    EventEncoder.data(unsafe made.view, into: &out)
  }

  /// Reads an event's data, and works out what changes in it.
  ///
  /// - Returns: whether anything does.
  private func change(_ data: Span<UInt8>, into out: inout ByteQueue) -> Bool {
    splice.removeAll()
    if added == 0, let text = pattern.match(data) {
      feed(data, text.value, TextChannel.Place(kind: .content, choice: text.choice))
      return !isBlocked && !splice.isEmpty
    }
    if data.equals("[DONE]") {
      flush(into: &out) { _ in true }
      channels.removeAll(keepingCapacity: true)
      return false
    }
    if watch != nil, JSONValue.kind(of: data) == nil {
      giveUp()
    } else if added == 0 {
      // What looks at answers looks at everything in them but names.
      pattern.learn(data, isStrict: watch != nil)
    }
    if !isBlocked { read(data, into: &out) }
    if added > 0, !isBlocked { renumber(data) }
    return !isBlocked && !splice.isEmpty
  }

  /// Something can't be looked at, or not be changed.
  package func giveUp() {
    if watch?.giveUp() == true { isBlocked = true }
  }

  // MARK: Pieces

  /// Tokens tell what was taken out of the text, and come before it is known.
  func removeLogprobs(_ member: JSONObjectCursor.Member) {
    guard watch?.redacts == true else { return }
    let (null, none): (StaticString, StaticString) = ("null", "[]")
    switch member.kind {
    case .object: put(null.bytes, in: member.value)
    case .array where member.value.count > 2: put(none.bytes, in: member.value)
    default: break
    }
  }

  /// Passes a piece of a text on, and changes it in the event where what goes on is another.
  ///
  /// - Parameter isLast: nothing of this text follows.
  func feed(
    _ data: Span<UInt8>, _ value: Range<Int>, _ place: TextChannel.Place, isLast: Bool = false
  ) {
    guard JSONView.kind(data, value) == .string, watch != nil || restores(place.kind) else { return }
    let known = known(place)
    if value.count <= 2, !isLast || known == nil { return }
    guard let at = known ?? channel(place) else { return giveUp() }
    decoded.clear()
    JSONString.decode(data, value, into: &decoded)
    made.clear()
    var isChanged = false
    if let watch {
      looked.clear()
      var verdict = channels[at].answer.feed(
        unsafe decoded.view, watch, isArguments: place.kind.isArguments, into: &looked)
      if isLast, verdict != .blocked {
        let last = channels[at].close(watch, into: &looked)
        verdict = last == .blocked || looked.equals(decoded) ? last : .changed
      }
      if verdict == .blocked {
        isBlocked = true
        return
      }
      isChanged = verdict == .changed
    } else {
      swap(&looked, &decoded)
    }
    if restores(place.kind) {
      if channels[at].state.feed(unsafe looked.view, vault, place.kind.form, into: &made) { isChanged = true }
      if isLast { channels[at].state.close(vault, place.kind.form, into: &made) }
    } else {
      swap(&looked, &made)
    }
    if isChanged { replace(value, with: unsafe made.view) }
  }

  func restores(_ kind: TextChannel.Kind) -> Bool {
    switch kind {
    case .thought, .detail: false
    case .blockThinking: !keepsThoughts
    default: true
    }
  }

  private func known(_ place: TextChannel.Place) -> Int? {
    // Not `firstIndex`, which copies each of them.
    for at in channels.indices where channels[at].place == place { return at }
    return nil
  }

  private func channel(_ place: TextChannel.Place) -> Int? {
    if let at = known(place) { return at }
    guard channels.count < Self.channelCeiling else { return nil }
    channels.append(TextChannel(place: place))
    return channels.count - 1
  }

  /// Puts `text` between the quotes of `value`.
  func replace(_ value: Range<Int>, with text: Span<UInt8>) {
    escaped.clear()
    JSONWriter.escaped(text, into: &escaped)
    put(unsafe escaped.view, in: value.lowerBound + 1..<value.upperBound - 1)
  }

  /// Puts `text` in the place of `range`.
  func put(_ text: Span<UInt8>, in range: Range<Int>) {
    // The strings don't overlap; where there are too many, what is to be taken out must not go on.
    do throws(JSONSpliceFault) { try splice.replace(range, with: text) } catch { giveUp() }
  }

  // MARK: What is held

  /// Writes what the channels hold for which `isOver` says so, each as an event of its own.
  ///
  /// - Parameter model: the event before which they come; its ids are theirs.
  func flush(
    like model: Span<UInt8> = Span(), into out: inout ByteQueue, _ isOver: (TextChannel.Place) -> Bool
  ) {
    for at in channels.indices where channels[at].isHolding && !isBlocked && isOver(channels[at].place) {
      write(at, like: model, into: &out)
    }
  }

  private func write(_ at: Int, like model: Span<UInt8>, into out: inout ByteQueue) {
    var text = ByteQueue()
    let kind = channels[at].place.kind
    if let watch {
      var last = ByteQueue()
      if channels[at].close(watch, into: &last) == .blocked {
        isBlocked = true
        return
      }
      if restores(kind) {
        _ = channels[at].state.feed(last.bytes, vault, kind.form, into: &text)
      } else {
        swap(&text, &last)
      }
    }
    if restores(kind) { channels[at].state.close(vault, kind.form, into: &text) }
    if text.isEmpty { return }
    TextGateEvent.write(channels[at], text.bytes, like: model, added: added, into: &out)
    if kind.isResponse { added += 1 }
  }
}

/// One text of a stream.
struct TextChannel {
  enum Kind: UInt8 {
    // A chat's or a completion's.
    case content, refusal, reasoning, otherReasoning, legacy, function, tool, custom
    /// What is thought, in the blocks in which Claude signs it, and in OpenRouter's.
    case thought, detail
    // A message's.
    case blockText, blockInput, blockThinking
    // A response's.
    case piece, pieceArguments

    var isArguments: Bool {
      switch self {
      case .function, .tool, .blockInput, .pieceArguments: true
      default: false
      }
    }
    var form: RestoreForm { isArguments ? .arguments : .text }
    var isBlock: Bool { self == .blockText || self == .blockInput || self == .blockThinking }
    var isResponse: Bool { self == .piece || self == .pieceArguments }
  }

  /// Which text of a stream a piece belongs to.
  struct Place: Equatable {
    var kind: Kind
    /// The choice, the block, or the item.
    var choice: Int
    var part = 0
  }

  let place: Place
  var state = RestoreState()
  var answer = AnswerState()
  /// Something was taken out of it: what its provider has signed is something else.
  private(set) var isSpoilt = false
  /// Of a response's text: the type of its events, and the item that they name.
  var type: [UInt8] = []
  var item: [UInt8] = []

  init(place: Place) { self.place = place }

  var isHolding: Bool { state.isHolding || answer.isHolding }
  var hasChanged: Bool { isSpoilt || answer.hasChanged }

  /// Ends what is looked at: what is held goes on as it is found to be.
  mutating func close(_ watch: any AnswerWatch, into out: inout ByteQueue) -> AnswerVerdict {
    isSpoilt = hasChanged
    let verdict = answer.close(watch, isArguments: place.kind.isArguments, into: &out)
    if verdict == .changed { isSpoilt = true }
    return verdict
  }
}
