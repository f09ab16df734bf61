// A whole JSON answer on its way to the client, piece by piece: usage is noted, `x_remora` goes in at the front,
// nothing is held back and nothing else changes.

package import Wire

/// Passes one JSON answer on.
package struct PassReply: ~Copyable {
  /// Bytes of a usage object that are kept when it comes in several pieces; a longer one isn't read.
  private static let captureCeiling = 16 * 1024

  private enum Insertion { case beforeBrace, behindBrace, over }

  private var skim = JSONSkim(for: "usage")
  private var isReadable = true
  private var insertion: Insertion
  private var capture = ByteQueue()
  private var hasUsage = false
  package private(set) var usage = TokenUsage()

  /// - Parameter insertsMember: whether `piece` is to put a member in.
  package init(insertsMember: Bool) {
    insertion = insertsMember ? .beforeBrace : .over
  }

  /// Begins another answer: a reader is large, so one is kept and used again.
  package mutating func reset(insertsMember: Bool) {
    skim.reset()
    isReadable = true
    insertion = insertsMember ? .beforeBrace : .over
    capture.clear()
    hasUsage = false
    usage = TokenUsage()
  }

  /// Whether `bytes`, an answer's first ones, show that a member can be put in: an object and what follows its
  /// brace. Asked before a Content-Length is promised.
  package static func takesMember(_ bytes: Span<UInt8>) -> Bool {
    guard let brace = significant(bytes, from: 0), bytes[brace] == UInt8(ascii: "{") else { return false }
    return significant(bytes, from: brace + 1) != nil
  }

  /// Appends the next piece of the answer to `out`, with `member` (`"key":value`) in its place. The text grows by
  /// the member's length and one byte.
  package mutating func piece(_ bytes: Span<UInt8>, member: Span<UInt8>, into out: inout ByteQueue) {
    read(bytes)
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
    guard let at = Self.significant(bytes, from: from) else { return out.append(bytes) }
    insertion = .over
    out.append(bytes.extracting(0..<at))
    out.append(member)
    // An empty object takes no comma; a space keeps the length that was promised.
    out.append(bytes[at] == UInt8(ascii: "}") ? ASCII.space : ASCII.comma)
    out.append(bytes.extracting(at..<bytes.count))
  }

  private mutating func read(_ bytes: Span<UInt8>) {
    guard isReadable, !hasUsage else { return }
    var whole = TokenUsage()
    var wholeEnd: Int?
    let part = skim.feed(bytes) { start in
      wholeEnd = whole.read(bytes, from: start)
      return wholeEnd
    }
    guard let part else { return }
    hasUsage = skim.isComplete
    if wholeEnd != nil {
      usage = whole
      return
    }
    if hasUsage, capture.isEmpty { return usage.read(bytes, part) }
    guard capture.count + part.count <= Self.captureCeiling else {
      isReadable = false
      return
    }
    capture.append(bytes.extracting(part))
    guard hasUsage else { return }
    var total = TokenUsage()
    total.read(capture.bytes, 0..<capture.count)
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
