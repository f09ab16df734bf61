// Reads one JSON text as it arrives, strictly by RFC 8259, and notes where the members lie that somebody
// wants.
//
// No tree and no copy: the nesting is a row of bits, the places are offsets. What it refuses beyond the RFC:
// nesting deeper than 512 (section 9 allows a limit), a byte order mark (section 8.1), and a watched member
// that occurs twice, because two readers could then see two texts. Whether strings are UTF-8 (section 8.1) it checks where
// it is told to: of answers, bytes inside strings travel on as they are. Next: JSONTokens.swift and JSONStrings.swift, which
// read; JSONSplice.swift, which changes what was found, and JSONView.swift.

/// A resumable validator of one JSON text, fed in pieces cut anywhere.
package struct JSONScanner: ~Copyable, Sendable {
  package static let depthCeiling = 512

  /// Where a watched member lies, in bytes from the start of the text.
  package struct Found: Equatable, Sendable {
    /// From the opening quote to behind the closing one.
    package let key: Range<Int>
    /// The value's bytes, quotes and brackets included; empty, at the value's start, while it is incomplete.
    package let value: Range<Int>
    package let kind: JSONKind
    /// The comma before the member; nil for the object's first one.
    package let precedingComma: Int?
    /// The comma behind the member; nil for the last one, and while it hasn't been seen.
    package let followingComma: Int?
    /// Whether the value's end has been seen.
    package var isComplete: Bool { !value.isEmpty }
  }

  /// What the next byte belongs to. The names that begin with `number` are the parts of RFC 8259 section 6.
  enum State: UInt8 {
    case start, value, elementOrEnd, keyOrEnd, key, colon, afterValue, done
    case string, escape, hexadecimal, literal
    case numberMinus, numberZero, numberInteger, numberPoint, numberFraction
    case numberExponent, numberExponentSign, numberExponentDigits
  }

  struct Slot {
    var keyStart = 0
    var keyEnd = 0
    var valueStart = -1
    var valueEnd = -1
    var precedingComma = -1
    var followingComma = -1
    var kind = JSONKind.null
  }

  private let inPlace = InPlace()

  var state = State.start
  var isKey = false
  var isInObject = false
  var depth = 0
  var nesting = InlineArray<8, UInt64>(repeating: 0)
  /// What is still to come of a literal, its next byte lowest.
  var literalRest: UInt32 = 0
  /// What a `\u` escape says so far, and how many of its digits are to come.
  var hexadecimalValue: UInt32 = 0
  var hexadecimalLeft = 0

  /// Whether strings must be UTF-8, and the character under way in one.
  let checksText: Bool
  var characters = UTF8Check()

  var watched: JSONMembers
  var seen: JSONMembers = []
  /// The watched member whose value or comma is being awaited, or -1.
  var current = -1
  /// That one is long and stays as it is: it may go on before it is whole.
  var currentPasses = false
  /// What is known of it. It joins the others when the comma behind it has come: to look for that place at each step of a
  /// member would be to ask each time whether the array is shared.
  var slot = Slot()
  /// One for each watched member, in their order, but for the current one. An array and not a part of the value, so that to look at one is not
  /// to copy all.
  var slots: [Slot] = []
  var keyStart = 0
  var keyBytes = InlineArray<24, UInt8>(repeating: 0)
  /// Bytes of the key so far, or -1: it can't be a name that is watched.
  var keyCount = -1
  var lastComma = -1

  /// Where the string under way began, of those that are values.
  var stringStart = 0
  /// Whether the places of long strings are noted.
  let notesStrings: Bool
  /// Where the long strings among the values lie, where they are noted.
  package internal(set) var strings = JSONPlaces()

  /// Names that are noticed in objects further in, and how long they are: a bit for each length.
  let noticedNames: JSONNames
  let noticedLengths: UInt64
  /// The same for the text's own members, beside those that are watched.
  let ownNames: JSONNames
  let ownLengths: UInt64
  /// Which of those names a member of an object further in has, a bit for each place in the list.
  package internal(set) var noticed: UInt64 = 0
  package internal(set) var noticedOwn: UInt64 = 0

  private var fault: JSONFault?
  /// Bytes fed so far.
  package private(set) var offset = 0
  /// Known from the first byte of the value on.
  package internal(set) var topLevelKind: JSONKind?
  /// Where the top-level object begins, if the text is one.
  package internal(set) var openBrace: Int?
  /// Where the top-level object ends, once it does.
  package internal(set) var closeBrace: Int?
  /// Whether the text is an object without members; false while that isn't known.
  package internal(set) var isEmptyObject = false

  /// - Parameters:
  ///   - checksText: whether strings must be UTF-8.
  ///   - notesStrings: whether the places of long strings are noted.
  ///   - names: those that are noticed in objects further in (`noticed`).
  ///   - ownNames: the same of the text's own object (`noticedOwn`).
  package init(
    watching members: JSONMembers = [], checksText: Bool = false, notesStrings: Bool = false,
    noticing names: JSONNames = .none, andOwn ownNames: JSONNames = .none
  ) {
    noticedNames = names
    noticedLengths = names.lengths
    self.ownNames = ownNames
    ownLengths = ownNames.lengths
    self.checksText = checksText
    self.notesStrings = notesStrings
    watched = members
    makeSlots()
  }

  private mutating func makeSlots() {
    let count = watched.rawValue.nonzeroBitCount
    if slots.count < count { slots = [Slot](repeating: Slot(), count: count) }
  }

  /// The slot of a watched member.
  func place(of member: JSONMember) -> Int {
    (watched.rawValue & (JSONMembers(member).rawValue - 1)).nonzeroBitCount
  }

  /// Begins a new text.
  package mutating func reset(watching members: JSONMembers) {
    state = .start
    characters = UTF8Check()
    isKey = false
    isInObject = false
    depth = 0
    watched = members
    makeSlots()
    seen = []
    current = -1
    keyCount = -1
    lastComma = -1
    if notesStrings { strings.removeAll() }
    noticed = 0
    noticedOwn = 0
    fault = nil
    offset = 0
    topLevelKind = nil
    openBrace = nil
    closeBrace = nil
    isEmptyObject = false
  }

  /// Whether the text could end here.
  package var isComplete: Bool {
    if fault != nil { return false }
    return state == .done || (depth == 0 && isNumberComplete)
  }

  /// Behind the last byte that belongs to no first-level member that is watched or may yet turn out to be, unless
  /// that member is whole or one of the long ones: what comes before it no longer depends on what comes behind it.
  package var decidedEnd: Int {
    if depth == 0 { return state == .done ? offset : 0 }
    if current >= 0, !currentPasses {
      return slot.precedingComma >= 0 ? slot.precedingComma : slot.keyStart
    }
    guard depth == 1 else { return offset }
    switch state {
    case .key, .keyOrEnd: break
    case .string, .escape, .hexadecimal: if !isKey { return offset }
    default: return offset
    }
    return max(lastComma, openBrace ?? 0)
  }

  /// Whether the key of one of `members` has been seen.
  package func hasSeen(_ members: JSONMembers) -> Bool { seen.rawValue & members.rawValue != 0 }

  /// What is known of `member` so far; nil until its value begins.
  package func found(_ member: JSONMember) -> Found? {
    guard seen.contains(JSONMembers(member)) else { return nil }
    let place = place(of: member)
    return place == current ? Self.found(slot) : Self.found(slots[place])
  }

  @inline(__always) private static func found(_ slot: Slot) -> Found? {
    guard slot.valueStart >= 0 else { return nil }
    return Found(
      key: slot.keyStart..<slot.keyEnd,
      value: slot.valueStart..<max(slot.valueStart, slot.valueEnd),
      kind: slot.kind,
      precedingComma: slot.precedingComma < 0 ? nil : slot.precedingComma,
      followingComma: slot.followingComma < 0 ? nil : slot.followingComma)
  }

  /// Reads the next piece of the text. After a fault every further call throws the same one.
  package mutating func feed(_ bytes: Span<UInt8>) throws(JSONFault) {
    if let fault { throw fault }
    do throws(JSONFault) {
      try scan(bytes)
    } catch {
      fault = error
      throw error
    }
    offset &+= bytes.count
  }

  /// Takes `count` bytes, which are next and one object or list, as read: whoever has written them knows that they are
  /// JSON. Nothing in them is noticed, and no string's place noted.
  package mutating func pass(_ kind: JSONKind, count: Int) throws(JSONFault) {
    if let fault { throw fault }
    guard state == .value, depth > 0, kind == .object || kind == .array, count >= 2 else {
      let fault = JSONFault(offset: offset, reason: .expectedValue)
      self.fault = fault
      throw fault
    }
    if depth == 1, current >= 0 {
      slot.valueStart = offset
      slot.kind = kind
    }
    offset &+= count
    endValue(at: offset)
  }

  /// The text ends here.
  package mutating func finish() throws(JSONFault) {
    if let fault { throw fault }
    if state == .done { return }
    if depth == 0 && isNumberComplete {
      endValue(at: offset)
      return
    }
    let reason: JSONFault.Reason =
      switch state {
      case .start: .emptyText
      case .string, .escape, .hexadecimal: .endsInString
      default: .endsEarly
      }
    let fault = JSONFault(offset: offset, reason: reason)
    self.fault = fault
    throw fault
  }
}
