// Numbers of payment cards: an issuer's prefix, its lengths (ISO/IEC 7812-1), and the checksum.

internal import Wire

enum Cards {
  /// How sure the prefix is.
  enum Scheme { case major, other, unknown }

  /// Whether a card's first group may have so many digits.
  @inline(__always)
  static func mayBegin(_ length: Int) -> Bool { length == 4 || length >= 12 }

  /// The card that begins with group `at`.
  ///
  /// - Returns: how many groups it has, and its scheme.
  static func find(_ run: borrowing NumberRun, _ text: Span<UInt8>, at: Int) -> (groups: Int, scheme: Scheme)?
  {
    guard let groups = shape(run, at) else { return nil }
    let digits = run.digits(at..<at + groups, text)
    guard (12...19).contains(digits.count), !digits.areAllEqual, run.isFree(text, behind: at + groups - 1),
      Checksum.luhn(digits)
    else { return nil }
    let first = digits.number(0..<1)
    if first == 0 { return nil }
    return (groups, scheme(digits))
  }

  private static func shape(_ run: borrowing NumberRun, _ at: Int) -> Int? {
    let first = run.length(at)
    if first >= 12, first <= 19 { return 1 }
    guard first == 4 else { return nil }
    let sign = run.sign(at + 1)
    guard sign == ASCII.space || sign == UInt8(ascii: "-") else { return nil }
    if run.has(0x44443, from: at) { return 5 }
    if run.has(0x4444, from: at) || run.has(0x4443, from: at) || run.has(0x4442, from: at) { return 4 }
    return run.has(0x465, from: at) || run.has(0x464, from: at) ? 3 : nil
  }

  private static func scheme(_ digits: Digits) -> Scheme {
    let count = digits.count
    let two = digits.number(0..<2)
    let three = digits.number(0..<3)
    let four = digits.number(0..<4)
    if digits[0] == 4, count == 13 || count == 16 || count == 19 { return .major }
    if (51...55).contains(two) || (2221...2720).contains(four), count == 16 { return .major }
    if two == 34 || two == 37, count == 15 { return .major }
    if four == 6011 || (644...649).contains(three) || two == 65, count == 16 || count == 19 { return .major }
    if (3528...3589).contains(four), count == 16 { return .major }
    if (300...305).contains(three) || four == 3095 || two == 36 || two == 38 || two == 39, count == 14 {
      return .major
    }
    if two == 62 || two == 81, count >= 16 { return .other }
    if two == 50 || (56...58).contains(two) || four == 6304 || (6759...6763).contains(four) { return .other }
    if (2200...2204).contains(four) || two == 60 || three == 508 || four == 9792 || two == 63, count == 16 {
      return .other
    }
    return .unknown
  }
}
