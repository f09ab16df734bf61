// How JSONScanner reads what stands between strings: brackets, commas, literals, numbers.

extension JSONScanner {
  mutating func scan(_ bytes: Span<UInt8>) throws(JSONFault) {
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

  mutating func beginValue(_ byte: UInt8, at: Int) throws(JSONFault) {
    guard let kind = JSONKind(firstByte: byte) else {
      throw JSONFault(offset: at, reason: .expectedValue)
    }
    if depth == 0 {
      topLevelKind = kind
      if kind == .object { openBrace = at }
    } else if depth == 1 && current >= 0 {
      slot.valueStart = at
      slot.kind = kind
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

  mutating func endValue(at: Int) {
    state = depth == 0 ? .done : .afterValue
    if depth == 1 && current >= 0 { slot.valueEnd = at }
  }

  /// A string, number or word ended before `at`. A comma mostly follows at once, and in an object a key: each saves a
  /// turn of the loop.
  @inline(__always) mutating func endScalar(_ bytes: Span<UInt8>, _ at: inout Int) {
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
      slot.followingComma = at
      slots[current] = slot
      current = -1
    }
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

  var isNumberComplete: Bool {
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
