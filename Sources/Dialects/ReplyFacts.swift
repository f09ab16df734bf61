// The values that pass between the walk and a conversation: what an answer's head says, how its body reaches the client,
// and how it ended.

package import Wire

/// What the head of an answer says that decides how its body is read.
package struct ReplyFacts: Sendable {
  /// The status code.
  package var status: Int
  /// What its Content-Type says.
  package var media: Media
  /// Whether a body follows, even an empty one.
  package var hasBody: Bool
  /// The body is in a coding that isn't read.
  package var isCoded = false
  /// `media` is what the body shows, and not what the head says.
  package var isMislabelled = false
  /// The answer comes from another Remora.
  package var isBehindRemora = false

  /// Facts of a head that says nothing unusual.
  package init(status: Int, media: Media, hasBody: Bool) {
    self.status = status
    self.media = media
    self.hasBody = hasBody
  }
}

/// What a body is, by its Content-Type.
package enum Media: Sendable {
  /// The head has no Content-Type.
  case none
  case json, events, html, other

  /// Reads a Content-Type, whose parameters don't matter.
  ///
  /// - Parameter value: the field's value: `type/subtype`, and maybe parameters (RFC 9110 section 8.3.1).
  package init(_ value: Span<UInt8>) {
    if Self.names("application/json", value) {
      self = .json
    } else if Self.names("text/event-stream", value) {
      self = .events
    } else if Self.names("text/html", value) {
      self = .html
    } else {
      self = Self.isJSON(value) ? .json : .other
    }
  }

  /// Whether a type is JSON by its suffix (RFC 6839 section 3.1).
  private static func isJSON(_ value: Span<UInt8>) -> Bool {
    var end = 0
    while end < value.count, value[end] > ASCII.space, value[end] != UInt8(ascii: ";") { end += 1 }
    return end > 5 && value.extracting(end - 5..<end).equalsIgnoringCase("+json")
  }

  /// What a body is by its first bytes, where its head doesn't say it; nil where more of it is needed.
  package init?(firstBytes bytes: Span<UInt8>) {
    var at = 0
    if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { at = 3 }
    // The white space of JSON and of lines: other control bytes begin a frame.
    while at < bytes.count, bytes[at].isBlank { at += 1 }
    guard at < bytes.count else { return nil }
    let rest = bytes.extracting(at..<bytes.count)
    if rest[0] == UInt8(ascii: "{") {
      self = .json
      return
    }
    if rest[0] == UInt8(ascii: "<") {
      self = .html
      return
    }
    for field: StaticString in [":", "data:", "event:", "id:", "retry:"] {
      let count = field.utf8CodeUnitCount
      if rest.count >= count, rest.extracting(0..<count).equals(field) {
        self = .events
        return
      }
    }
    if rest.count < 6 { return nil }
    self = .other
  }

  private static func names(_ name: StaticString, _ value: Span<UInt8>) -> Bool {
    let count = name.utf8CodeUnitCount
    guard value.count >= count, value.extracting(0..<count).equalsIgnoringCase(name) else { return false }
    if value.count == count { return true }
    return value[count] == UInt8(ascii: ";") || value[count] <= ASCII.space
  }
}

extension UInt8 {
  fileprivate var isBlank: Bool {
    self == ASCII.space || self == ASCII.lf || self == ASCII.cr || self == ASCII.tab
  }
}

/// How the answer reaches the client.
package enum Manner: Sendable {
  /// As it comes: nothing of it is read.
  case untouched
  /// As it comes, read on its way; it grows by the member.
  case watched
  /// As events, each as soon as it is complete.
  case events
  /// After all of it has been read.
  case whole
}

/// Why a piece of an answer can't go on.
package enum TakeFault: Error, Sendable {
  /// An event of the stream is larger than the decoder's ceiling.
  case eventTooLarge
  /// An event that must be read is no JSON.
  case notJSON
}

/// How an answer that went on as it came has ended.
package enum Ending: Sendable {
  /// It is whole.
  case complete
  /// The provider itself has told the client of a failure.
  case failed
  /// It ended before the answer did.
  case truncated
  /// It went wrong, and the client has been told in the stream.
  case fault(AnswerFault)
}

/// What an answer that was read whole turned out to be.
package enum Verdict: Sendable {
  /// The client gets what was written.
  case answer
  /// What was written is a stream.
  case stream
  /// What was written is an error, which the provider sent under another status.
  case error(status: Int)
  /// It tells of a failure, or can't be read; nothing was written.
  case fault(AnswerFault)
  /// It is no JSON.
  ///
  /// - Parameter at: the offset in the body from which the fault's own counts.
  case invalid(JSONFault, at: Int)

  /// The client gets what the model says.
  package var isAnswer: Bool {
    switch self {
    case .answer, .stream: true
    case .error, .fault, .invalid: false
    }
  }
}

/// What came of sending a stretch.
package enum Stretch: Sendable {
  /// So many bytes of it were taken.
  case sent(Int)
  /// The socket takes nothing now.
  case blocked
}

/// Whose fields describe the answer's body.
package enum Wording: Sendable {
  /// The provider's: the body is its own.
  case providers
  /// Remora's, which has made the body anew.
  case ours
}

/// When an answer was made, and what its ids are made of.
package struct AnswerStamp: Sendable {
  /// Unix time in seconds.
  package var created: Int
  package var seed: AnswerSeed
  /// The model's name, of an answer that never began; in UTF-8.
  package var model: [UInt8] = []

  /// Stamps one answer.
  package init(created: Int, seed: AnswerSeed) {
    self.created = created
    self.seed = seed
  }
}

/// What a provider's error comes to.
package struct ErrorFacts: Sendable {
  /// The status that the client gets.
  package var status: Int
  /// Seconds after which to try again, where the body says so.
  package var retryAfter: Int?
  /// Whether the provider has refused the credential.
  package var isAuthentication: Bool

  init(status: Int, isAuthentication: Bool) {
    self.status = status
    self.isAuthentication = isAuthentication
  }
}

/// Letters and digits that no other exchange has: ids are made of them. It needs no memory of its own, for each exchange has
/// one and hands it on many times.
package struct AnswerSeed: Sendable {
  /// The text, eight bytes each, the first one lowest.
  private var text: (UInt64, UInt64, UInt64) = (0, 0, 0)
  package private(set) var count = 0

  /// No letter.
  package init() {}

  /// 24 hexadecimal digits.
  ///
  /// - Parameters:
  ///   - first, second: random bits, of which the second's upper half counts.
  package init(_ first: UInt64, _ second: UInt64) {
    text = (
      ByteQueue.hexadecimal(first >> 32), ByteQueue.hexadecimal(first & 0xFFFF_FFFF),
      ByteQueue.hexadecimal(second >> 32)
    )
    count = 24
  }

  /// - Parameter text: at most eight letters and digits.
  package init(_ text: StaticString) {
    count = min(text.utf8CodeUnitCount, 8)
    for at in 0..<count { self.text.0 |= UInt64(text.bytes[at]) << UInt64(8 * at) }
  }

  package var isEmpty: Bool { count == 0 }

  fileprivate func append(to out: inout ByteQueue) {
    if isEmpty { return }
    let end = out.count + count
    out.append(littleEndian: text.0)
    out.append(littleEndian: text.1)
    out.append(littleEndian: text.2)
    out.truncate(to: end)
  }
}

extension ByteQueue {
  /// Appends the letters and digits.
  mutating func append(_ seed: AnswerSeed) { seed.append(to: &self) }
}
