// How JSONScanner reads strings: keys, which may be watched, and values.

extension JSONScanner {
  mutating func beginKey(at: Int) {
    state = .string
    isKey = true
    guard depth == 1 else {
      keyCount = noticedLengths == 0 ? -1 : 0
      return
    }
    keyStart = at
    keyCount = watched.isEmpty && ownLengths == 0 ? -1 : 0
  }

  /// Reads on inside a string, to its end, to an escape that must be looked at, or to the end of the piece.
  ///
  /// It is called in one place, for each key and each string: a part of the loop there, whatever the profile says.
  @inline(__always) mutating func string(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONFault) {
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
      if depth > 1 {
        let count = keyCount == 0 ? at &- 1 &- start : keyCount
        if count >= 0, count < 64, noticedLengths &>> UInt64(truncatingIfNeeded: count) & 1 == 1 {
          if keyCount == 0 { notice(bytes.extracting(start..<at &- 1)) } else { noticeKept() }
        }
        try endKey(at: offset &+ at, nil)
      } else if keyCount == 0 {
        // The usual key, whole in this piece and without escapes, is compared where it lies.
        let key = bytes.extracting(start..<at &- 1)
        let member = watched.member(key)
        if member == nil, mayBeOwn(key.count) { notice(own: key) }
        try endKey(at: offset &+ at, member)
      } else {
        let member = keyCount < 0 ? nil : watched.member(keyBytes.span.extracting(0..<keyCount))
        if member == nil, keyCount > 0, mayBeOwn(keyCount) { noticeKeptOwn() }
        try endKey(at: offset &+ at, member)
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

  mutating func escape(_ byte: UInt8, at: Int) throws(JSONFault) {
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

  mutating func hexadecimal(_ byte: UInt8, at: Int) throws(JSONFault) {
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

  @inline(never)
  private mutating func notice(_ key: Span<UInt8>) { noticed |= noticedNames.places(of: key) }

  @inline(__always)
  private func mayBeOwn(_ count: Int) -> Bool {
    count < 64 && ownLengths &>> UInt64(truncatingIfNeeded: count) & 1 == 1
  }

  @inline(never)
  private mutating func notice(own key: Span<UInt8>) { noticedOwn |= ownNames.places(of: key) }

  @inline(never)
  private mutating func noticeKeptOwn() {
    noticedOwn |= ownNames.places(of: keyBytes.span.extracting(0..<keyCount))
  }

  /// The same for a key that was escaped or came in pieces.
  @inline(never)
  private mutating func noticeKept() {
    noticed |= noticedNames.places(of: keyBytes.span.extracting(0..<keyCount))
  }

  /// Keeps a part of a key that is escaped or comes in pieces.
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

  @inline(__always) private mutating func endKey(at: Int, _ member: JSONMember?) throws(JSONFault) {
    state = .colon
    guard depth == 1 else { return }
    current = -1
    guard let member else { return }
    let mark = JSONMembers(member)
    // Stricter than RFC 8259 section 4, which lets each reader pick one of the two.
    if seen.contains(mark) { throw JSONFault(offset: keyStart, reason: .duplicateMember) }
    seen.insert(mark)
    current = place(of: member)
    currentPasses = JSONMembers.long.contains(mark)
    slot = Slot(keyStart: keyStart, keyEnd: at, precedingComma: lastComma)
  }
}
