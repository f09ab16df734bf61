// What a trace tells of an answer beside its tokens: its id, its model, why it ended. Noted while the answer passes, and only
// where a span is written of it, so that elsewhere it costs a look at nil.

package import Wire

/// One answer's id, model and reasons to end, in memory that is kept for the next one. Never a word of its text.
package final class AnswerFacts {
  /// Bytes of a name or an id: providers' have up to 60. A longer one is left out, for a part of it finds nothing.
  private static let textCeiling = 128
  /// Reasons of one answer: one for each choice.
  private static let reasonCeiling = 16
  /// Bytes of a whole answer that comes in pieces which are kept: some four thousand tokens. Of a longer one the id and
  /// the model are told, which stand in front.
  private static let heldCeiling = 16 * 1024

  /// Empty where none is known, or it is none that can be told.
  package private(set) var id = ByteQueue()
  package private(set) var model = ByteQueue()
  /// Why each choice ended, a blank between two.
  package private(set) var reasons = ByteQueue()
  private var reasonCount = 0
  private var held = ByteQueue()
  private var scratch = ByteQueue()
  private var isRead = false
  /// Behind the choices, where reading ended there and nothing before was named like the tokens.
  private var stop: Int?

  package init() {}

  /// Forgets the answer before.
  package func begin() {
    id.clear()
    model.clear()
    reasons.clear()
    reasonCount = 0
    held.removeAll()
    isRead = false
  }

  // MARK: A stream

  /// Notes who answers, at the places where a chunk says so.
  func identify(_ data: Span<UInt8>, id: JSONScanner.Found?, model: JSONScanner.Found?) {
    if self.id.isEmpty, let id, id.kind == .string { take(data, id.value, into: &self.id) }
    if self.model.isEmpty, let model, model.kind == .string { take(data, model.value, into: &self.model) }
  }

  /// Notes why a choice ended.
  ///
  /// - Parameter reason: a string's place in `data`, with its quotes.
  func finish(_ data: Span<UInt8>, _ reason: Range<Int>) {
    guard reasonCount < Self.reasonCeiling else { return }
    let content = JSONString.content(data, reason)
    if content.count <= Self.textCeiling, content.isVisible { return finish(content) }
    scratch.clear()
    take(data, reason, into: &scratch)
    finish(unsafe scratch.view)
  }

  private func finish(_ reason: Span<UInt8>) {
    guard !reason.isEmpty, reasonCount < Self.reasonCeiling else { return }
    if reasonCount > 0 { reasons.append(ASCII.space) }
    reasons.append(reason)
    reasonCount += 1
  }

  /// Takes a string that is a name: printable ASCII without a blank, which no sentence is.
  private func take(_ data: Span<UInt8>, _ value: Range<Int>, into out: inout ByteQueue) {
    guard value.count <= Self.textCeiling * 2 else { return }
    out.clear()
    // Mostly nothing is escaped.
    let content = JSONString.content(data, value)
    if content.count <= Self.textCeiling, content.isVisible { return out.append(content) }
    JSONString.decode(data, value, into: &out)
    if !Self.isName(out.bytes) { out.clear() }
  }

  private static func isName(_ text: Span<UInt8>) -> Bool {
    if text.count > textCeiling { return false }
    for at in 0..<text.count where text[at] <= ASCII.space || text[at] >= 0x7F { return false }
    return true
  }

  // MARK: A whole answer

  /// Takes the next piece of a whole answer. Mostly it is all of it, and nothing is kept.
  ///
  /// - Returns: how far it was read, if that is to behind a value of the answer's own, before which there are no tokens: who
  ///   looks for these can begin there.
  @discardableResult
  func piece(_ bytes: Span<UInt8>) -> Int? {
    if isRead || bytes.isEmpty { return nil }
    if held.isEmpty {
      stop = nil
      isRead = read(bytes, 0..<bytes.count, isOver: true)
      if isRead { return stop }
    }
    held.append(bytes.extracting(first: min(bytes.count, Self.heldCeiling - held.count)))
    if held.count >= Self.heldCeiling { conclude() }
    return nil
  }

  /// Reads what was kept of a whole answer.
  func conclude() {
    if !isRead, !held.isEmpty { _ = read(unsafe held.view, 0..<held.count, isOver: true) }
    isRead = true
    held.removeAll()
  }

  /// Reads an answer of any of the APIs, or as much of it as is there.
  ///
  /// - Parameter isOver: whether its end is known, and so why it ended.
  /// - Returns: whether all of it was there.
  @discardableResult
  func read(_ data: Span<UInt8>, _ place: Range<Int>, isOver: Bool) -> Bool {
    var walk = JSONWalk(data.extracting(first: place.upperBound), from: place.lowerBound, strings: Span())
    var status: Range<Int>?
    var detail: Range<Int>?
    var hasTokens = false
    reasons.clear()
    reasonCount = 0
    if let behind = readUsual(data.extracting(first: place.upperBound), from: place.lowerBound) {
      stop = behind
      return true
    }
    guard walk.enterObject() else { return false }
    while let key = walk.nextKey() {
      if key.says("choices", in: data), walk.enterArray() {
        readChoices(data, &walk)
        // Behind them mostly stand the tokens, which are counted elsewhere.
        if reasonCount > 0, !walk.isCut, !id.isEmpty, !model.isEmpty {
          if !hasTokens { stop = walk.at }
          return true
        }
        continue
      }
      if key.says("usage", in: data) { hasTokens = true }
      guard let (value, kind) = walk.pass() else { break }
      switch kind {
      case .string:
        if key.says("id", in: data) {
          take(data, value, into: &id)
        } else if key.says("model", in: data) {
          take(data, value, into: &model)
        } else if key.says("stop_reason", in: data) {
          finish(data, value)
        } else if key.says("status", in: data) {
          status = value
        }
      case .object where key.says("incomplete_details", in: data):
        detail = JSONView.value(data, in: value, at: "reason")
      default: break
      }
    }
    // Of a response the word for why it is incomplete says more.
    if isOver, reasonCount == 0, let why = detail ?? status { finish(data, why) }
    return !walk.isCut
  }

  /// Reads a chat's completion with one choice as OpenAI writes it, and most others after it.
  ///
  /// - Returns: a place behind the choices; nil, and nothing is noted, where it is written in another way.
  private func readUsual(_ data: Span<UInt8>, from start: Int) -> Int? {
    var walk = JSONWalk(data, from: start, strings: Span())
    guard walk.takes("{\"id\":"), let id = walk.takesPlainString(),
      walk.takes(",\"object\":\"chat.completion\",\"created\":"), walk.takesDigits(),
      walk.takes(",\"model\":"), let model = walk.takesPlainString(),
      walk.takes(",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"),
      walk.takesString() || walk.takes("null"), walk.takesRest()
    else { return nil }
    _ = walk.takes(",\"logprobs\":null")
    guard walk.takes(",\"finish_reason\":"), let reason = walk.takesPlainString(), walk.takes("}]"),
      isPlainName(data, id), isPlainName(data, model), isPlainName(data, reason)
    else { return nil }
    self.id.clear()
    self.id.append(data.extracting(id))
    self.model.clear()
    self.model.append(data.extracting(model))
    finish(data.extracting(reason))
    return walk.at
  }

  private func isPlainName(_ data: Span<UInt8>, _ place: Range<Int>) -> Bool {
    (1...Self.textCeiling).contains(place.count) && data.extracting(place).isVisible
  }

  private func readChoices(_ data: Span<UInt8>, _ walk: inout JSONWalk) {
    while walk.nextElement() {
      guard walk.enterObject() else {
        _ = walk.pass()
        continue
      }
      var reason: Range<Int>?
      while let key = walk.nextKey() {
        guard let (value, kind) = walk.pass() else { break }
        if kind == .string, key.says("finish_reason", in: data) { reason = value }
      }
      if let reason { finish(data, reason) }
    }
  }
}

extension AnswerWriter {
  /// Tells what a dialect has read of the answer.
  func tell(_ facts: AnswerFacts) { facts.take(id: id.bytes, model: model.bytes, choices) }
}

extension AnswerFacts {
  fileprivate func take(id: Span<UInt8>, model: Span<UInt8>, _ choices: [AnswerChoice]) {
    // They are still escaped, as between quotes.
    var text = ByteQueue()
    text.append(ASCII.quote)
    text.append(id)
    text.append(ASCII.quote)
    let end = text.count
    text.append(ASCII.quote)
    text.append(model)
    text.append(ASCII.quote)
    take(text.bytes, 0..<end, into: &self.id)
    take(text.bytes, end..<text.count, into: &self.model)
    for choice in choices where choice.reason != nil { finish(choice.finishReason.name.bytes) }
  }
}
