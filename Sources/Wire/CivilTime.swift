// Dates as protocols write them, in UTC: what AWS signs, what tokens and servers say of their time.

/// A day of the proleptic Gregorian calendar.
package struct CivilDate: Equatable, Sendable {
  package var year: Int
  package var month: Int
  package var day: Int

  package init(year: Int, month: Int, day: Int) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// - Parameter daysSinceEpoch: days since 1970-01-01, not negative.
  package init(daysSinceEpoch: Int) {
    // Years are counted from March, so that the leap day is a year's last and months have a regular rhythm:
    // five months are 153 days. 719,468 days lie between 0000-03-01 and 1970-01-01.
    let days = daysSinceEpoch + 719_468
    let (era, inEra) = days.quotientAndRemainder(dividingBy: 146_097)
    // Of an era's 400 years, take off the leap days before `inEra`.
    let yearOfEra = (inEra - inEra / 1460 + inEra / 36524 - inEra / 146_096) / 365
    let dayOfYear = inEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
    month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
  }

  /// Days since 1970-01-01; nil for a date before it, or one that isn't in the calendar.
  package var daysSinceEpoch: Int? {
    guard (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
    // The rhythm of the other way round.
    let marchYear = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = marchYear.quotientAndRemainder(dividingBy: 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    // The 31st of a month with 30 days comes out as the first of the next.
    return CivilDate(daysSinceEpoch: days) == self ? days : nil
  }
}

/// Written forms of an instant, which is counted in seconds since 1970-01-01 UTC.
package enum CivilTime {
  /// `20250601T123045Z`, as AWS signs it. Years 1970 to 9999; what lies outside is written as the nearer end.
  package static func appendCompact(unixSeconds: Int, into out: inout ByteQueue) {
    let seconds = min(max(unixSeconds, 0), 253_402_300_799)
    let (days, inDay) = seconds.quotientAndRemainder(dividingBy: 86400)
    let date = CivilDate(daysSinceEpoch: days)
    append(date.year, digits: 4, into: &out)
    append(date.month, digits: 2, into: &out)
    append(date.day, digits: 2, into: &out)
    out.append(UInt8(ascii: "T"))
    append(inDay / 3600, digits: 2, into: &out)
    append(inDay / 60 % 60, digits: 2, into: &out)
    append(inDay % 60, digits: 2, into: &out)
    out.append(UInt8(ascii: "Z"))
  }

  /// `2025-06-01T12:30:45Z` (RFC 3339), within the same bounds.
  package static func append(rfc3339 unixSeconds: Int, into out: inout ByteQueue) {
    let seconds = min(max(unixSeconds, 0), 253_402_300_799)
    let (days, inDay) = seconds.quotientAndRemainder(dividingBy: 86400)
    let date = CivilDate(daysSinceEpoch: days)
    append(date.year, digits: 4, into: &out)
    out.append("-")
    append(date.month, digits: 2, into: &out)
    out.append("-")
    append(date.day, digits: 2, into: &out)
    out.append("T")
    append(inDay / 3600, digits: 2, into: &out)
    out.append(":")
    append(inDay / 60 % 60, digits: 2, into: &out)
    out.append(":")
    append(inDay % 60, digits: 2, into: &out)
    out.append("Z")
  }

  private static func append(_ value: Int, digits: Int, into out: inout ByteQueue) {
    var scale = digits == 4 ? 1000 : 10
    while scale > 0 {
      out.append(UInt8(truncatingIfNeeded: 0x30 + value / scale % 10))
      scale /= 10
    }
  }

  /// The instant that an RFC 3339 text names, its fraction left out: `2025-06-01T12:30:45Z`, also with an
  /// offset (`+02:00`); nil for anything else, and for what lies before 1970.
  package static func unixSeconds(rfc3339 text: Span<UInt8>) -> Int? {
    guard text.count >= 20, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
      ASCII.lower(text[10]) == UInt8(ascii: "t"), let year = number(text, 0..<4),
      let month = number(text, 5..<7), let day = number(text, 8..<10), let time = clock(text, at: 11)
    else { return nil }
    var at = 19
    if text[at] == UInt8(ascii: ".") {
      at += 1
      let start = at
      while at < text.count, ASCII.isDigit(text[at]) { at += 1 }
      if at == start { return nil }
    }
    guard let offset = offset(text, at: at),
      let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
    else { return nil }
    return days * 86400 + time - offset
  }

  /// Seconds east of Greenwich.
  private static func offset(_ text: Span<UInt8>, at: Int) -> Int? {
    guard at < text.count else { return nil }
    if ASCII.lower(text[at]) == UInt8(ascii: "z") { return text.count == at + 1 ? 0 : nil }
    let isWest = text[at] == UInt8(ascii: "-")
    guard isWest || text[at] == UInt8(ascii: "+"), text.count == at + 6, text[at + 3] == ASCII.colon,
      let hours = number(text, at + 1..<at + 3), let minutes = number(text, at + 4..<at + 6), hours < 24,
      minutes < 60
    else { return nil }
    let seconds = hours * 3600 + minutes * 60
    return isWest ? -seconds : seconds
  }

  /// The instant that a `Date` field names (RFC 9110 section 5.6.7, IMF-fixdate, the one form that may still be
  /// generated): `Sun, 06 Nov 1994 08:49:37 GMT`.
  package static func unixSeconds(httpDate text: Span<UInt8>) -> Int? {
    guard text.count == 29, text[3] == ASCII.comma, text[4] == ASCII.space, text[7] == ASCII.space,
      text[11] == ASCII.space, text[16] == ASCII.space, text.extracting(25..<29).equals(" GMT"),
      let day = number(text, 5..<7), let month = month(text.extracting(8..<11)),
      let year = number(text, 12..<16), let time = clock(text, at: 17),
      let days = CivilDate(year: year, month: month, day: day).daysSinceEpoch
    else { return nil }
    return days * 86400 + time
  }

  private static func month(_ text: Span<UInt8>) -> Int? {
    let names: StaticString = "janfebmaraprmayjunjulaugsepoctnovdec"
    let all = names.bytes
    for index in 0..<12 {
      var isSame = true
      for at in 0..<3 where ASCII.lower(text[at]) != all[index * 3 + at] { isSame = false }
      if isSame { return index + 1 }
    }
    return nil
  }

  /// The seconds of `12:30:45`, of which a leap second is the next minute's first.
  private static func clock(_ text: Span<UInt8>, at: Int) -> Int? {
    guard at + 8 <= text.count, text[at + 2] == ASCII.colon, text[at + 5] == ASCII.colon,
      let hours = number(text, at..<at + 2), let minutes = number(text, at + 3..<at + 5),
      let seconds = number(text, at + 6..<at + 8), hours < 24, minutes < 60, seconds <= 60
    else { return nil }
    return hours * 3600 + minutes * 60 + seconds
  }

  private static func number(_ text: Span<UInt8>, _ range: Range<Int>) -> Int? {
    var value = 0
    for at in range {
      guard ASCII.isDigit(text[at]) else { return nil }
      value = value * 10 + Int(text[at] - 0x30)
    }
    return value
  }
}
