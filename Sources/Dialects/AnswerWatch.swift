// What the model itself says is looked at before values are put back in it: a text that comes in pieces, cut anywhere, is
// held from where something may have begun until it is there, or isn't.
//
// What is looked for decides the policies (Policy/AnswerInspector.swift); how much waits is decided here.

package import Wire

/// Looks at the model's own words.
package protocol AnswerWatch: AnyObject {
  /// What may be begun at a text's end and must be waited for.
  var awaits: AwaitedText { get }
  /// Whether findings are taken out of answers, and with them what else would tell them.
  var redacts: Bool { get }

  /// Whether what is found is counted: not where it is said again.
  var counts: Bool { get set }

  /// Looks at a text.
  ///
  /// - Parameters:
  ///   - from: where what goes on begins; what is before it has gone on and tells what the rest is about.
  ///   - isArguments: the text is JSON, in which a number becomes a string.
  ///   - isInString: of such a text, whether `from` is inside of a string.
  ///   - out: takes what goes on in its place.
  /// - Returns: what came of it.
  func look(
    at text: Span<UInt8>, from: Int, isArguments: Bool, isInString: Bool, into out: inout ByteQueue
  ) -> AnswerVerdict

  /// Notes that something of the answer can't be looked at, or that what was found can't be taken out.
  ///
  /// - Returns: whether nothing of the answer goes on any more.
  func giveUp() -> Bool
}

/// What came of looking at a piece of an answer.
package enum AnswerVerdict: Sendable {
  case clean
  /// What goes on differs.
  case changed
  /// Nothing goes on any more.
  case blocked
}

/// What is waited for at the end of a text that comes in pieces.
package struct AwaitedText: Sendable {
  /// Bytes of a word that may be a value; 0: words aren't.
  package var word = 0
  /// Whether private keys are, which have many lines.
  package var keys = false
  /// Whether Markdown's images are, from `![` to `)`.
  package var images = false

  package init() {}

  /// The longest address (RFC 5321 section 4.5.3.1.3, without its brackets), and the longest key that is one word.
  package static let personal = 254
  package static let secret = 512
  /// Bytes of a number with blanks in it: a card's, an account's.
  private static let numberCeiling = 48
  private static let imageCeiling = 512
  private static let keyCeiling = 8 * 1024

  /// Up to where `text` can go on.
  ///
  /// - Parameter from: where what hasn't gone on begins.
  func end(of text: Span<UInt8>, from: Int) -> Int {
    var end = text.count
    if word > 0 { end = wordStart(text, from) }
    if images { end = min(end, imageStart(text, from)) }
    if keys, let key = key(text, from) {
      // A key's last word is a part of it.
      end = key.end.map { max(end, $0) } ?? min(end, key.start)
    }
    return max(end, from)
  }

  /// Where the last word begins, or the number whose last group it is.
  private func wordStart(_ text: Span<UInt8>, _ from: Int) -> Int {
    var start = text.count
    while start > from, text[start - 1] > ASCII.space { start -= 1 }
    // Of what is longer than any value, JSON without blanks or an address of a page, the last part waits.
    if text.count - start > word { return text.count - word }
    // What stands before a blank is a part of it where that may be a group: digits, or a few capitals.
    var at = start
    var hasDigits = Self.hasDigit(text, start..<text.count)
    while at > from, text[at - 1] == ASCII.space, text.count - at < Self.numberCeiling {
      var before = at - 1
      guard before > from else { break }
      while before > from, text[before - 1] > ASCII.space { before -= 1 }
      let group = before..<at - 1
      guard Self.hasDigit(text, group) || Self.isShortCapitals(text, group), !Self.ends(text[at - 2]) else {
        break
      }
      hasDigits = hasDigits || Self.hasDigit(text, group)
      at = before
      if hasDigits { start = at }
    }
    return start
  }

  private static func hasDigit(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
    for at in range where ASCII.isDigit(text[at]) { return true }
    return false
  }

  /// Whether a value ends with this byte, behind which a blank follows.
  private static func ends(_ byte: UInt8) -> Bool { ",;:!?".utf8.contains(byte) }

  private static func isShortCapitals(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
    if range.isEmpty || range.count > 4 { return false }
    for at in range where !(text[at] >= 0x41 && text[at] <= 0x5A) { return false }
    return true
  }

  /// Where an image begins that hasn't ended.
  private func imageStart(_ text: Span<UInt8>, _ from: Int) -> Int {
    var at = text.count
    while at > from, text.count - at < Self.imageCeiling {
      at -= 1
      // A parenthesis ends what is before it; one behind `](` only is an image's own.
      if text[at] == UInt8(ascii: ")") { return text.count }
      guard text[at] == UInt8(ascii: "!") else { continue }
      if at + 1 == text.count || text[at + 1] == UInt8(ascii: "[") { return at }
    }
    return text.count
  }

  /// Where the last private key begins, and where it ends; nil where there is none.
  private func key(_ text: Span<UInt8>, _ from: Int) -> (start: Int, end: Int?)? {
    let mark: StaticString = "-----BEGIN "
    let count = mark.utf8CodeUnitCount
    var at = text.count - count
    let least = max(from, text.count - Self.keyCeiling)
    while at >= least {
      if text[at] == UInt8(ascii: "-"), text.extracting(at..<at + count).equals(mark) {
        return (at, Self.keyEnd(text, behind: at + count))
      }
      at -= 1
    }
    return nil
  }

  /// Behind the five dashes that follow on `-----END `.
  private static func keyEnd(_ text: Span<UInt8>, behind start: Int) -> Int? {
    let mark: StaticString = "-----END "
    let count = mark.utf8CodeUnitCount
    var at = start
    while at + count <= text.count {
      guard text[at] == UInt8(ascii: "-"), text.extracting(at..<at + count).equals(mark) else {
        at += 1
        continue
      }
      var dashes = 0
      for place in at + count..<text.count where text[place] == UInt8(ascii: "-") {
        dashes += 1
        if dashes == 5 { return place + 1 }
      }
      return nil
    }
    return nil
  }
}

/// One text of an answer under way before an `AnswerWatch`.
struct AnswerState: Sendable {
  /// What has gone on and tells what the rest is about, and what hasn't.
  private var text: [UInt8] = []
  /// Bytes of it that have gone on.
  private var said = 0
  /// Of arguments: what has gone on ends inside of a string, or behind a backslash in one.
  private var isInString = false
  private var isEscaped = false
  /// Something was taken out of it.
  private(set) var hasChanged = false

  /// Bytes of what has gone on that are kept: words around a number are looked for as far away.
  private static let context = 64

  var isHolding: Bool { text.count > said }

  /// Takes the next piece, and appends what goes on to `out`.
  ///
  /// - Returns: whether what goes on isn't simply the piece.
  mutating func feed(
    _ piece: Span<UInt8>, _ watch: any AnswerWatch, isArguments: Bool, into out: inout ByteQueue
  ) -> AnswerVerdict {
    let held = isHolding
    text.reserveCapacity(text.count + piece.count)
    for at in 0..<piece.count { text.append(piece[at]) }
    let end = watch.awaits.end(of: text.span, from: said)
    let verdict = pass(to: end, watch, isArguments, into: &out)
    if verdict == .clean, held || isHolding { return .changed }
    return verdict
  }

  /// Ends the text: what is held goes on as it is found to be.
  mutating func close(
    _ watch: any AnswerWatch, isArguments: Bool, into out: inout ByteQueue
  ) -> AnswerVerdict {
    let verdict = pass(to: text.count, watch, isArguments, into: &out)
    self = AnswerState()
    return verdict
  }

  private mutating func pass(
    to end: Int, _ watch: any AnswerWatch, _ isArguments: Bool, into out: inout ByteQueue
  ) -> AnswerVerdict {
    guard end > said else { return .clean }
    let verdict = watch.look(
      at: text.span.extracting(0..<end), from: said, isArguments: isArguments, isInString: isInString,
      into: &out)
    if verdict == .changed { hasChanged = true }
    if isArguments { follow(said..<end) }
    said = end
    if said > 4 * Self.context {
      text.removeFirst(said - Self.context)
      said = Self.context
    }
    return verdict
  }

  /// Follows the strings of arguments.
  private mutating func follow(_ range: Range<Int>) {
    for at in range {
      if isEscaped {
        isEscaped = false
      } else if text[at] == ASCII.backslash {
        isEscaped = isInString
      } else if text[at] == ASCII.quote {
        isInString.toggle()
      }
    }
  }
}
