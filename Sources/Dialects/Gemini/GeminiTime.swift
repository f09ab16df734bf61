// Times as Google writes them.

internal import Wire

enum GeminiTime {
  /// Unix time of `2026-01-02T03:04:05.678Z` (RFC 3339 section 5.6) in whole seconds; nil where it is another form.
  static func seconds(_ text: Span<UInt8>) -> Int? {
    guard text.count >= 20, text[text.count - 1] == UInt8(ascii: "Z"), text[4] == UInt8(ascii: "-"),
      text[7] == UInt8(ascii: "-"), text[10] == UInt8(ascii: "T")
    else { return nil }
    var numbers: [Int] = []
    for range in [0..<4, 5..<7, 8..<10, 11..<13, 14..<16, 17..<19] {
      var number = 0
      for at in range {
        guard ASCII.isDigit(text[at]) else { return nil }
        number = number * 10 + Int(text[at] - 0x30)
      }
      numbers.append(number)
    }
    let (month, day) = (numbers[1], numbers[2])
    guard (1...12).contains(month), (1...31).contains(day) else { return nil }
    // Days of the Gregorian calendar, counted in years that begin in March.
    let year = month > 2 ? numbers[0] : numbers[0] - 1
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * ((month + 9) % 12) + 2) / 5 + day
    return (days - 719_469) * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
  }
}
