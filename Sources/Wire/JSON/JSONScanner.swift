// Reads one JSON text as it arrives, strictly by RFC 8259, and notes where the members lie that somebody
// wants.
//
// No tree and no copy: the nesting is a row of bits, the places are offsets. What it refuses beyond the RFC:
// nesting deeper than 512 (section 9 allows a limit), a byte order mark (section 8.1), and a watched member
// that occurs twice, because two readers could then see two texts. Whether strings are UTF-8 (section 8.1) it checks where
// it is told to: of answers, bytes inside strings travel on as they are. Next: JSONSplice.swift, which changes what was found, and JSONView.swift.

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
  private enum State: UInt8 {
    case start, value, elementOrEnd, keyOrEnd, key, colon, afterValue, done
    case string, escape, hexadecimal, literal
    case numberMinus, numberZero, numberInteger, numberPoint, numberFraction
    case numberExponent, numberExponentSign, numberExponentDigits
  }

  private struct Slot {
    var keyStart = 0
    var keyEnd = 0
    var valueStart = -1
    var valueEnd = -1
    var precedingComma = -1
    var followingComma = -1
    var kind = JSONKind.null
  }

  private var state = State.start
  private var isKey = false
  private var isInObject = false
  private var depth = 0
  private var nesting = InlineArray<8, UInt64>(repeating: 0)
  /// What is still to come of a literal, its next byte lowest.
  private var literalRest: UInt32 = 0
  /// What a `\u` escape says so far, and how many of its digits are to come.
  private var hexadecimalValue: UInt32 = 0
  private var hexadecimalLeft = 0

  /// Whether strings must be UTF-8, and the character under way in one.
  private let checksText: Bool
  private var characters = UTF8Check()

  private var watched: JSONMembers
  private var seen: JSONMembers = []
  /// The watched member whose value or comma is being awaited, or -1.
  private var current = -1
  /// One for each watched member, in their order. An array and not a part of the value, so that to look at one is not
  /// to copy all.
  private var slots: [Slot] = []
  private var keyStart = 0
  private var keyBytes = InlineArray<24, UInt8>(repeating: 0)
  /// Bytes of the key so far, or -1: it can't be a name that is watched.
  private var keyCount = -1
  private var lastComma = -1

  /// Where the string under way began, of those that are values.
  private var stringStart = 0
  /// Whether the places of long strings are noted.
  private let notesStrings: Bool
  /// Where the long strings among the values lie, where they are noted.
  package private(set) var strings = JSONPlaces()

  private var fault: JSONFault?
  /// Bytes fed so far.
  package private(set) var offset = 0
  /// Known from the first byte of the value on.
  package private(set) var topLevelKind: JSONKind?
  /// Where the top-level object begins, if the text is one.
  package private(set) var openBrace: Int?
  /// Where the top-level object ends, once it does.
  package private(set) var closeBrace: Int?
  /// Whether the text is an object without members; false while that isn't known.
  package private(set) var isEmptyObject = false

  /// - Parameters:
  ///   - checksText: whether strings must be UTF-8.
  ///   - notesStrings: whether the places of long strings are noted.
  package init(watching members: JSONMembers = [], checksText: Bool = false, notesStrings: Bool = false) {
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
  private func place(of member: JSONMember) -> Int {
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
  /// that member is whole: what comes before it no longer depends on what comes behind it.
  package var decidedEnd: Int {
    if depth == 0 { return state == .done ? offset : 0 }
    if current >= 0 {
      let slot = slots[current]
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
    let slot = slots[place(of: member)]
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

extension JSONScanner {
  private mutating func scan(_ bytes: Span<UInt8>) throws(JSONFault) {
    var at = 0
    while at < bytes.count {
      switch state {
      case .string:
        try string(bytes, &at)
      case .escape:
        try escape(bytes[at], at: offset &+ at)
        at &+= 1
      case .hexadecimal:
        try hexadecimal(bytes[at], at: offset &+ at)
        at &+= 1
      case .literal:
        try literal(bytes, &at)
      case .numberMinus, .numberZero, .numberInteger, .numberPoint, .numberFraction, .numberExponent,
        .numberExponentSign, .numberExponentDigits:
        try number(bytes, &at)
      case .start, .value, .elementOrEnd, .keyOrEnd, .key, .colon, .afterValue, .done:
        let byte = bytes[at]
        if !JSONBytes.isSpace(byte) { try token(byte, at: offset &+ at) }
        at &+= 1
      }
    }
  }

  /// A byte between tokens that is not white space.
  private mutating func token(_ byte: UInt8, at: Int) throws(JSONFault) {
    switch state {
    case .afterValue:
      if byte == ASCII.comma { return comma(at: at) }
      guard byte == (isInObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
        throw JSONFault(offset: at, reason: isInObject ? .expectedCommaOrBrace : .expectedCommaOrBracket)
      }
      close(at: at)
    case .key:
      guard byte == ASCII.quote else { throw JSONFault(offset: at, reason: .expectedKey) }
      beginKey(at: at)
    case .keyOrEnd:
      if byte == UInt8(ascii: "}") {
        if depth == 1 { isEmptyObject = true }
        return close(at: at)
      }
      guard byte == ASCII.quote else { throw JSONFault(offset: at, reason: .expectedKeyOrEnd) }
      beginKey(at: at)
    case .colon:
      guard byte == ASCII.colon else { throw JSONFault(offset: at, reason: .expectedColon) }
      state = .value
    case .elementOrEnd:
      if byte == UInt8(ascii: "]") { return close(at: at) }
      try beginValue(byte, at: at)
    case .start:
      if byte == 0xEF && at == 0 { throw JSONFault(offset: 0, reason: .byteOrderMark) }
      try beginValue(byte, at: at)
    case .done:
      throw JSONFault(offset: at, reason: .trailingBytes)
    default:
      try beginValue(byte, at: at)
    }
  }

  private mutating func beginValue(_ byte: UInt8, at: Int) throws(JSONFault) {
    guard let kind = JSONKind(firstByte: byte) else {
      throw JSONFault(offset: at, reason: .expectedValue)
    }
    if depth == 0 {
      topLevelKind = kind
      if kind == .object { openBrace = at }
    } else if depth == 1 && current >= 0 {
      slots[current].valueStart = at
      slots[current].kind = kind
    }
    switch kind {
    case .string:
      isKey = false
      stringStart = at
      state = .string
    case .number:
      state =
        switch byte {
        case UInt8(ascii: "-"): .numberMinus
        case UInt8(ascii: "0"): .numberZero
        default: .numberInteger
        }
    case .object: try open(isObject: true, at: at)
    case .array: try open(isObject: false, at: at)
    // The bytes behind the first one, last byte highest.
    case .true: beginLiteral(0x65_7572)
    case .false: beginLiteral(0x6573_6C61)
    case .null: beginLiteral(0x6C_6C75)
    }
  }

  private mutating func open(isObject: Bool, at: Int) throws(JSONFault) {
    guard depth < Self.depthCeiling else { throw JSONFault(offset: at, reason: .tooDeep) }
    let bit: UInt64 = 1 << UInt64(truncatingIfNeeded: depth & 63)
    if isObject { nesting[depth >> 6] |= bit } else { nesting[depth >> 6] &= ~bit }
    depth &+= 1
    isInObject = isObject
    state = isObject ? .keyOrEnd : .elementOrEnd
  }

  private mutating func close(at: Int) {
    depth &-= 1
    if depth == 0 {
      if isInObject { closeBrace = at }
    } else {
      let above = depth &- 1
      isInObject = nesting[above >> 6] >> UInt64(truncatingIfNeeded: above & 63) & 1 == 1
    }
    endValue(at: at &+ 1)
  }

  private mutating func endValue(at: Int) {
    state = depth == 0 ? .done : .afterValue
    if depth == 1 && current >= 0 { slots[current].valueEnd = at }
  }

  /// A string, number or word ended before `at`. A comma mostly follows at once, and in an object a key: each saves a
  /// turn of the loop.
  private mutating func endScalar(_ bytes: Span<UInt8>, _ at: inout Int) {
    endValue(at: offset &+ at)
    guard depth > 0, at < bytes.count, bytes[at] == ASCII.comma else { return }
    comma(at: offset &+ at)
    at &+= 1
    guard isInObject, at < bytes.count, bytes[at] == ASCII.quote else { return }
    beginKey(at: offset &+ at)
    at &+= 1
  }

  private mutating func comma(at: Int) {
    state = isInObject ? .key : .value
    guard depth == 1 else { return }
    lastComma = at
    if current >= 0 {
      slots[current].followingComma = at
      current = -1
    }
  }
}

// MARK: Strings

extension JSONScanner {
  private mutating func beginKey(at: Int) {
    state = .string
    isKey = true
    guard depth == 1 else {
      keyCount = -1
      return
    }
    keyStart = at
    keyCount = watched.isEmpty ? -1 : 0
  }

  /// Reads on inside a string, to its end, to an escape that must be looked at, or to the end of the piece.
  private mutating func string(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONFault) {
    let start = at
    var isWide = false
    at =
      isKey
      ? JSONBytes.plainEnd(bytes, from: start, isWide: &isWide)
      : JSONBytes.textEnd(bytes, from: start, isWide: &isWide)
    if isWide || !characters.isWhole { try checkText(bytes, start..<at) }
    guard at < bytes.count else {
      if isKey { keep(bytes.extracting(start..<at)) }
      return
    }
    if isKey && (keyCount > 0 || bytes[at] != ASCII.quote) { keep(bytes.extracting(start..<at)) }
    switch bytes[at] {
    case ASCII.quote:
      at &+= 1
      if !isKey {
        if notesStrings { strings.add(stringStart, offset &+ at) }
        return endScalar(bytes, &at)
      }
      if keyCount == 0 {
        // The usual key, whole in this piece and without escapes, is compared where it lies.
        try endKey(at: offset &+ at, watched.member(bytes.extracting(start..<at &- 1)))
      } else {
        try endKey(
          at: offset &+ at,
          keyCount < 0 ? nil : watched.member(keyBytes.span.extracting(0..<keyCount)))
      }
      // A colon mostly follows at once, and a value: each saves a turn of the outer loop.
      guard at < bytes.count, bytes[at] == ASCII.colon else { return }
      state = .value
      at &+= 1
      guard at < bytes.count, !JSONBytes.isSpace(bytes[at]) else { return }
      try beginValue(bytes[at], at: offset &+ at)
      at &+= 1
    case ASCII.backslash:
      at &+= 1
      state = .escape
      return
    default:
      throw JSONFault(offset: offset &+ at, reason: .controlCharacter)
    }
  }

  /// Checks a part of a string, which ends with the piece, or before what is no plain text.
  @inline(never)
  private mutating func checkText(_ bytes: Span<UInt8>, _ part: Range<Int>) throws(JSONFault) {
    guard checksText else { return }
    if let place = characters.firstFault(bytes, part) {
      throw JSONFault(offset: offset &+ place, reason: .notUTF8)
    }
    // An escape, like the string's end, comes behind a whole character.
    if part.upperBound < bytes.count, !characters.isWhole {
      throw JSONFault(offset: offset &+ part.upperBound, reason: .notUTF8)
    }
  }

  private mutating func escape(_ byte: UInt8, at: Int) throws(JSONFault) {
    if byte == UInt8(ascii: "u") {
      hexadecimalValue = 0
      hexadecimalLeft = 4
      state = .hexadecimal
      return
    }
    guard let plain = JSONBytes.unescaped(byte) else { throw JSONFault(offset: at, reason: .wrongEscape) }
    if isKey { keep(plain) }
    state = .string
  }

  private mutating func hexadecimal(_ byte: UInt8, at: Int) throws(JSONFault) {
    guard let digit = ASCII.hexadecimal(byte) else {
      throw JSONFault(offset: at, reason: .wrongHexadecimal)
    }
    hexadecimalValue = hexadecimalValue << 4 | UInt32(digit)
    hexadecimalLeft &-= 1
    guard hexadecimalLeft == 0 else { return }
    // All watched names are ASCII: a key with any other character is none of them.
    if isKey {
      if hexadecimalValue < 0x80 {
        keep(UInt8(truncatingIfNeeded: hexadecimalValue))
      } else {
        keyCount = -1
      }
    }
    state = .string
  }

  private mutating func keep(_ bytes: Span<UInt8>) {
    guard keyCount >= 0 else { return }
    guard keyCount &+ bytes.count <= JSONMember.nameCeiling else {
      keyCount = -1
      return
    }
    for at in 0..<bytes.count {
      keyBytes[keyCount] = bytes[at]
      keyCount &+= 1
    }
  }

  private mutating func keep(_ byte: UInt8) {
    guard keyCount >= 0 else { return }
    guard keyCount < JSONMember.nameCeiling else {
      keyCount = -1
      return
    }
    keyBytes[keyCount] = byte
    keyCount &+= 1
  }

  private mutating func endKey(at: Int, _ member: JSONMember?) throws(JSONFault) {
    state = .colon
    guard depth == 1 else { return }
    current = -1
    guard let member else { return }
    let mark = JSONMembers(member)
    // Stricter than RFC 8259 section 4, which lets each reader pick one of the two.
    if seen.contains(mark) { throw JSONFault(offset: keyStart, reason: .duplicateMember) }
    seen.insert(mark)
    current = place(of: member)
    slots[current] = Slot(keyStart: keyStart, keyEnd: at, precedingComma: lastComma)
  }
}

// MARK: Literals and numbers

extension JSONScanner {
  private mutating func beginLiteral(_ rest: UInt32) {
    literalRest = rest
    state = .literal
  }

  private mutating func literal(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONFault) {
    while at < bytes.count {
      guard bytes[at] == UInt8(truncatingIfNeeded: literalRest) else {
        throw JSONFault(offset: offset &+ at, reason: .wrongLiteral)
      }
      at &+= 1
      literalRest >>= 8
      if literalRest == 0 { return endScalar(bytes, &at) }
    }
  }

  private var isNumberComplete: Bool {
    switch state {
    case .numberZero, .numberInteger, .numberFraction, .numberExponentDigits: true
    default: false
    }
  }

  private mutating func number(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONFault) {
    while at < bytes.count {
      guard let next = try numberStep(bytes[at], at: offset &+ at) else {
        return endScalar(bytes, &at)
      }
      state = next
      at &+= 1
    }
  }

  /// What a number is in after `byte`, or nil if it ended before.
  private func numberStep(_ byte: UInt8, at: Int) throws(JSONFault) -> State? {
    let isDigit = ASCII.isDigit(byte)
    switch state {
    case .numberMinus:
      if byte == UInt8(ascii: "0") { return .numberZero }
      if isDigit { return .numberInteger }
    case .numberZero, .numberInteger:
      if isDigit {
        if state == .numberInteger { return .numberInteger }
        throw JSONFault(offset: at, reason: .leadingZero)
      }
      if byte == UInt8(ascii: ".") { return .numberPoint }
      return ASCII.lower(byte) == UInt8(ascii: "e") ? .numberExponent : nil
    case .numberPoint:
      if isDigit { return .numberFraction }
    case .numberFraction:
      if isDigit { return .numberFraction }
      return ASCII.lower(byte) == UInt8(ascii: "e") ? .numberExponent : nil
    case .numberExponent:
      if isDigit { return .numberExponentDigits }
      if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { return .numberExponentSign }
    case .numberExponentSign:
      if isDigit { return .numberExponentDigits }
    default:
      return isDigit ? .numberExponentDigits : nil
    }
    throw JSONFault(offset: at, reason: .expectedDigit)
  }
}
