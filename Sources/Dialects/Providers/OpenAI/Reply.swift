// A whole JSON answer on its way to the client, piece by piece: usage is noted, `x_remora` goes in at the front,
// nothing is held back and nothing else changes.

package import Wire

/// Passes one JSON answer on.
package struct PassReply: ~Copyable {
  /// Bytes of a usage object that are kept when it comes in several pieces; a longer one isn't read.
  private static let captureCeiling = 16 * 1024

  private enum Insertion: Equatable {
    case beforeBrace, behindBrace
    /// Ours is in. So many bytes of what follows are those of the member that another Remora may have put there.
    case key(Int)
    /// Theirs goes: how deep its value is nested here, and whether in a text, behind a backslash.
    case theirs(depth: Int, inText: Bool, isEscaped: Bool)
    case over
  }

  /// As another Remora writes it.
  private static let ours: StaticString = "\"x_remora\""

  private var skim = JSONSkim(for: "usage")
  private var isReadable = true
  private var insertion: Insertion
  private var capture = ByteQueue()
  private var hasUsage = false
  /// Its usage is counted in Anthropic's way.
  private var isMessage = false
  package private(set) var usage = TokenUsage()
  /// What a span tells of the answer; nil where there is none.
  package var facts: AnswerFacts?

  /// - Parameter insertsMember: whether `piece` is to put a member in.
  package init(insertsMember: Bool) {
    insertion = insertsMember ? .beforeBrace : .over
  }

  /// Begins another answer: a reader is large, so one is kept and used again.
  package mutating func reset(insertsMember: Bool, isMessage: Bool = false) {
    self.isMessage = isMessage
    skim.reset()
    isReadable = true
    insertion = insertsMember ? .beforeBrace : .over
    capture.clear()
    hasUsage = false
    usage = TokenUsage()
  }

  /// Whether `bytes`, an answer's first ones, show that a member can be put in: an object, and what follows its
  /// brace as far as it could be another Remora's member. Asked before a Content-Length is promised.
  package static func takesMember(_ bytes: Span<UInt8>) -> Bool {
    guard let brace = significant(bytes, from: 0), bytes[brace] == UInt8(ascii: "{") else { return false }
    guard let at = significant(bytes, from: brace + 1) else { return false }
    let count = matching(bytes, from: at, behind: 0)
    return count == ours.utf8CodeUnitCount || at + count < bytes.count
  }

  /// How many bytes go on with the key of our member, of which `behind` have come.
  private static func matching(_ bytes: Span<UInt8>, from: Int, behind: Int) -> Int {
    let name = ours.bytes
    var count = 0
    while from + count < bytes.count, behind + count < name.count, bytes[from + count] == name[behind + count]
    {
      count += 1
    }
    return count
  }

  /// Appends the next piece of the answer to `out`, with `member` (`"key":value`) in its place. The text grows by
  /// the member's length and one byte; where it has such a member at its front already, blanks take the place of that.
  package mutating func piece(_ bytes: Span<UInt8>, member: Span<UInt8>, into out: inout ByteQueue) {
    let place = facts?.piece(bytes)
    if let place, skim.isFresh {
      // What a span tells stands before the tokens, and was passed over once.
      skim.enter()
      read(bytes, from: place)
    } else {
      read(bytes, from: 0)
    }
    guard insertion != .over else { return out.append(bytes) }
    var from = 0
    if insertion == .beforeBrace {
      guard let at = Self.significant(bytes, from: 0) else { return out.append(bytes) }
      guard bytes[at] == UInt8(ascii: "{") else {
        insertion = .over
        return out.append(bytes)
      }
      insertion = .behindBrace
      from = at + 1
    }
    var at = 0
    if insertion == .behindBrace {
      guard let found = Self.significant(bytes, from: from) else { return out.append(bytes) }
      out.append(bytes.extracting(0..<found))
      out.append(member)
      insertion = .key(0)
      at = found
    }
    if case .key(let count) = insertion { at = passKey(bytes, at, count, into: &out) }
    if case .theirs = insertion { at = passTheirs(bytes, at, into: &out) }
    out.append(bytes.extracting(at..<bytes.count))
  }

  /// Looks whether the first member is ours by name; where it isn't, it goes on behind ours.
  ///
  /// - Parameter count: bytes of the name that came before, and were held back.
  /// - Returns: up to where `bytes` have been dealt with.
  private mutating func passKey(
    _ bytes: Span<UInt8>, _ at: Int, _ count: Int, into out: inout ByteQueue
  ) -> Int {
    let end = at + Self.matching(bytes, from: at, behind: count)
    let known = count + end - at
    if known == Self.ours.utf8CodeUnitCount {
      insertion = .theirs(depth: 0, inText: false, isEscaped: false)
      for _ in 0...known { out.append(ASCII.space) }
    } else if end == bytes.count {
      insertion = .key(known)
    } else {
      insertion = .over
      // An empty object takes no comma; a space keeps the length that was promised.
      out.append(known == 0 && bytes[end] == UInt8(ascii: "}") ? ASCII.space : ASCII.comma)
      out.append(Self.ours.bytes.extracting(0..<known))
    }
    return end
  }

  /// Passes over the other's value, to the comma behind it or to the object's end.
  private mutating func passTheirs(_ bytes: Span<UInt8>, _ from: Int, into out: inout ByteQueue) -> Int {
    guard case .theirs(var depth, var inText, var isEscaped) = insertion else { return from }
    for at in from..<bytes.count {
      let byte = bytes[at]
      if inText {
        inText = isEscaped || byte != ASCII.quote
        isEscaped = !isEscaped && byte == ASCII.backslash
      } else {
        switch byte {
        case ASCII.quote: inText = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case ASCII.comma, UInt8(ascii: "}"), UInt8(ascii: "]"):
          if depth == 0 {
            insertion = .over
            return at
          }
          if byte != ASCII.comma { depth -= 1 }
        default: break
        }
      }
      out.append(ASCII.space)
    }
    insertion = .theirs(depth: depth, inText: inText, isEscaped: isEscaped)
    return bytes.count
  }

  private mutating func read(_ bytes: Span<UInt8>, from: Int) {
    guard isReadable, !hasUsage else { return }
    var whole = TokenUsage()
    var wholeEnd: Int?
    let part = skim.feed(bytes, from: from) { start in
      wholeEnd = isMessage ? whole.readMessage(bytes, from: start) : whole.read(bytes, from: start)
      return wholeEnd
    }
    guard let part else { return }
    hasUsage = skim.isComplete
    if wholeEnd != nil {
      usage = whole
      return
    }
    if hasUsage, capture.isEmpty {
      return isMessage ? usage.readMessage(bytes, part) : usage.read(bytes, part)
    }
    guard capture.count + part.count <= Self.captureCeiling else {
      isReadable = false
      return
    }
    capture.append(bytes.extracting(part))
    guard hasUsage else { return }
    var total = TokenUsage()
    if isMessage {
      total.readMessage(capture.bytes, 0..<capture.count)
    } else {
      total.read(capture.bytes, 0..<capture.count)
    }
    usage = total
  }

  private static func significant(_ bytes: Span<UInt8>, from: Int) -> Int? {
    var at = from
    while at < bytes.count {
      switch bytes[at] {
      case ASCII.space, ASCII.tab, ASCII.lf, ASCII.cr: at += 1
      default: return at
      }
    }
    return nil
  }
}
