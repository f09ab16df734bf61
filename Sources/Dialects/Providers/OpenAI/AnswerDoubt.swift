// Whether a whole answer must be looked at more closely, of a provider whose answers mostly need nothing: one walk over
// it, which leaves it where it lies. What is brought into form then, ReplyRepair.swift says.

internal import Wire

/// Tells answers that are in OpenAI's form from those that may not be.
package enum AnswerDoubt {
  /// - Parameters:
  ///   - body: a whole answer with status 2xx, any bytes at all.
  ///   - isChat: its choices hold messages, and not texts.
  /// - Returns: whether something is missing in it that every SDK's type has, or is in another form.
  package static func isDue(_ body: Span<UInt8>, isChat: Bool) -> Bool {
    var walk = JSONWalk(body, strings: Span())
    guard walk.enterObject() else { return true }
    var hasChoices = false
    var hasObject = false
    while let key = walk.nextKey() {
      if key.says("choices", in: body), walk.enterArray() {
        while walk.nextElement() {
          hasChoices = true
          guard walk.enterObject(), isGood(choice: &walk, body, isChat) else { return true }
        }
        // What follows is usage, mostly; beside none it may be an error.
        if hasChoices, hasObject { return false }
      } else if let value = walk.pass() {
        if value.kind == .string, key.says("object", in: body) { hasObject = true }
      }
      if hasChoices, hasObject { return false }
    }
    return true
  }

  /// Whether the choice that the walk is in can go as it is.
  private static func isGood(choice walk: inout JSONWalk, _ body: Span<UInt8>, _ isChat: Bool) -> Bool {
    var hasIndex = false
    var hasReason = false
    var hasMessage = !isChat
    while let key = walk.nextKey() {
      if key.says("message", in: body), walk.enterObject() {
        hasMessage = true
        guard isGood(message: &walk, body) else { return false }
        continue
      }
      guard let value = walk.pass() else { return false }
      if key.says("index", in: body) {
        hasIndex = value.kind == .number
      } else if key.says("finish_reason", in: body) {
        hasReason =
          value.kind == .string ? Reason.isKnown(body, value.range) : value.kind == .null && !isChat
      } else if key.says("usage", in: body) {
        return false
      }
    }
    return hasIndex && hasReason && hasMessage
  }

  private static func isGood(message walk: inout JSONWalk, _ body: Span<UInt8>) -> Bool {
    while let key = walk.nextKey() {
      if key.says("tool_calls", in: body), walk.enterArray() {
        while walk.nextElement() {
          guard walk.enterObject(), isGood(call: &walk, body) else { return false }
        }
      } else if let value = walk.pass() {
        if value.kind == .array, key.says("content", in: body) { return false }
      }
    }
    return true
  }

  private static func isGood(call walk: inout JSONWalk, _ body: Span<UInt8>) -> Bool {
    var hasID = false
    var hasType = false
    // Calls of tools that take any text have none.
    var hasArguments = false
    while let key = walk.nextKey() {
      if key.says("function", in: body), walk.enterObject() {
        while let inner = walk.nextKey() {
          guard let value = walk.pass() else { return false }
          if inner.says("arguments", in: body) { hasArguments = value.kind == .string }
        }
      } else if let value = walk.pass() {
        let isText = value.kind == .string && value.range.count > 2
        if key.says("id", in: body) {
          hasID = isText
        } else if key.says("type", in: body) {
          hasType = isText
          if JSONString.equals(body, value.range, "custom") { hasArguments = true }
        }
      }
    }
    return hasID && hasType && hasArguments
  }
}

extension AnswerDoubt {
  /// What answers begin with on the endpoints that Remora serves: OpenAI's, Anthropic's, those of other makers.
  private static let firsts: [StaticString] = [
    "id", "model", "choices", "created", "created_at", "data", "usage", "content", "role", "output",
    "input_tokens", "system_fingerprint", "service_tier", "provider", "x_remora", "embeddings",
    "results", "meta",
  ]
  /// Bytes of an answer within which its first name ends.
  private static let opening = 64

  /// Whether an answer under status 2xx begins with what no answer begins with: it may be an error, under a status that
  /// says that all is well.
  ///
  /// - Parameter body: the first bytes of it.
  /// - Returns: nil where there are too few to tell.
  static func isOdd(_ body: Span<UInt8>) -> Bool? {
    if body.begins("{\"id\":") { return false }
    var walk = JSONWalk(body, strings: Span())
    walk.skipSpace()
    // Blank lines come while a provider works.
    let isShort = body.count - walk.at < opening
    if isShort, walk.kind == nil { return nil }
    guard walk.enterObject() else { return true }
    guard let key = walk.nextKey() else { return walk.isCut ? (isShort ? nil : true) : false }
    for first in firsts where key.says(first, in: body) { return false }
    guard key.says("object", in: body) || key.says("type", in: body) else { return true }
    guard walk.kind == .string, let value = walk.pass() else { return isShort ? nil : true }
    return JSONString.equals(body, value.range, "error")
  }
}

extension AnswerDoubt {
  /// As above, of a response: one that failed says so among its first members.
  static func isOdd(response body: Span<UInt8>) -> Bool? {
    let most = 512
    if body.extracting(first: 2 * most).place(of: ("\"failed\"" as StaticString).bytes) != nil { return true }
    let isOdd = isOdd(body)
    return isOdd == false && body.count < most ? nil : isOdd
  }
}

extension Passage {
  /// Whether an answer that is to pass on its way may be one that needs repair.
  var mayBeDoubtful: Bool {
    if case .json = course { asked.isDoubted && isChoices } else { false }
  }
}
