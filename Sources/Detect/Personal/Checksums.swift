// The checksums of numbers that people carry. Each takes the digits' values.

internal import Wire

/// Up to forty digits, as values.
struct Digits: Sendable {
  static let ceiling = 40
  private var values = InlineArray<40, UInt8>(repeating: 0)
  /// Which of the values are these digits.
  private var first = 0
  private(set) var count = 0

  mutating func append(_ byte: UInt8) {
    guard count < Self.ceiling else { return }
    values[count] = byte & 0x0F
    count &+= 1
  }

  /// The digit at `at`; 0 outside.
  @inline(__always)
  subscript(_ at: Int) -> Int { at >= 0 && at < count ? Int(values.span[first &+ at]) : 0 }

  /// The number that the digits in `range` say, of at most eighteen.
  func number(_ range: Range<Int>) -> Int {
    var value = 0
    for at in range { value = value &* 10 &+ self[at] }
    return value
  }

  /// Those in `range`, alone.
  func part(_ range: Range<Int>) -> Digits {
    var part = self
    part.first = first + min(range.lowerBound, count)
    part.count = min(range.upperBound, count) - min(range.lowerBound, count)
    return part
  }

  var areAllEqual: Bool {
    for at in 1..<max(count, 1) where self[at] != self[0] { return false }
    return true
  }
}

enum Checksum {
  /// ISO/IEC 7812-1, annex B.
  static func luhn(_ digits: Digits) -> Bool {
    var sum = 0
    var isDoubled = false
    var at = digits.count
    while at > 0 {
      at &-= 1
      let value = digits[at]
      // Of a doubled digit the two digits count.
      sum &+= isDoubled ? value &* 2 &- (value > 4 ? 9 : 0) : value
      isDoubled.toggle()
    }
    return sum % 10 == 0
  }

  /// The sum of digits by weights, which are written as digits themselves.
  static func weighted(_ digits: Digits, _ weights: StaticString) -> Int {
    var sum = 0
    let weights = weights.bytes
    for at in 0..<weights.count { sum += digits[at] * Int(weights[at] & 0x0F) }
    return sum
  }

  /// The United Kingdom's health service: ten digits.
  static func nhs(_ digits: Digits) -> Bool {
    var sum = 0
    for at in 0..<9 { sum += digits[at] * (10 - at) }
    let check = (11 - sum % 11) % 11
    return check != 10 && check == digits[9]
  }

  /// Germany's tax number (ISO/IEC 7064, MOD 11,10): eleven digits, one of which comes twice or thrice in the first ten.
  static func germanTax(_ digits: Digits) -> Bool {
    guard digits[0] != 0 else { return false }
    var counts = InlineArray<10, Int>(repeating: 0)
    for at in 0..<10 { counts[digits[at]] += 1 }
    var repeated = 0
    for value in 0..<10 where counts[value] > 1 {
      repeated += 1
      if counts[value] > 3 { return false }
    }
    guard repeated == 1 else { return false }
    var product = 10
    for at in 0..<10 {
      var sum = (digits[at] + product) % 10
      if sum == 0 { sum = 10 }
      product = sum * 2 % 11
    }
    return (11 - product) % 10 == digits[10]
  }

  /// The Netherlands' test of nine digits.
  static func dutch(_ digits: Digits) -> Bool {
    var sum = -digits[8]
    for at in 0..<8 { sum += digits[at] * (9 - at) }
    return sum % 11 == 0 && sum > 0
  }

  /// Poland's number: eleven digits, with a month that says the century.
  static func pesel(_ digits: Digits) -> Bool {
    let month = digits.number(2..<4) % 20
    guard (1...12).contains(month), (1...31).contains(digits.number(4..<6)) else { return false }
    return (10 - weighted(digits, "1379137913") % 10) % 10 == digits[10]
  }

  /// Sweden's number: ten digits, of which the first six are a day.
  static func swedish(_ digits: Digits) -> Bool {
    let day = digits.number(4..<6)
    return isDay(month: digits.number(2..<4), day: day > 60 ? day - 60 : day) && luhn(digits)
  }

  /// Brazil's number of a person: eleven digits.
  static func cpf(_ digits: Digits) -> Bool {
    !digits.areAllEqual && brazilian(digits, 9, from: 10) && brazilian(digits, 10, from: 11)
  }

  private static func brazilian(_ digits: Digits, _ count: Int, from: Int) -> Bool {
    var sum = 0
    for at in 0..<count { sum += digits[at] * (from - at) }
    return sum * 10 % 11 % 10 == digits[count]
  }

  /// Brazil's number of a company: fourteen digits.
  static func cnpj(_ digits: Digits) -> Bool {
    guard !digits.areAllEqual else { return false }
    let first = weighted(digits, "543298765432") % 11
    let second = weighted(digits, "6543298765432") % 11
    return (first < 2 ? 0 : 11 - first) == digits[12] && (second < 2 ? 0 : 11 - second) == digits[13]
  }

  /// India's number (Verhoeff): twelve digits.
  static func verhoeff(_ digits: Digits) -> Bool {
    let table = products.bytes
    let moves = permutations.bytes
    var check = 0
    for at in 0..<digits.count {
      let moved = Int(moves[at % 8 * 10 + digits[digits.count - 1 - at]] & 0x0F)
      check = Int(table[check * 10 + moved] & 0x0F)
    }
    return check == 0
  }

  private static let products: StaticString =
    "0123456789123406789523401789563401289567401239567859876043216598710432765982104387659321049876543210"
  private static let permutations: StaticString =
    "01234567891576283094580379614289160435279453126870428657390127938064157046913258"

  /// Australia's tax number: nine digits.
  static func australianTax(_ digits: Digits) -> Bool {
    var sum = weighted(digits, "14375869")
    sum += digits[8] * 10
    return sum % 11 == 0 && !digits.areAllEqual
  }

  /// Australia's health card: ten or eleven digits.
  static func medicare(_ digits: Digits) -> Bool {
    (2...6).contains(digits[0]) && weighted(digits, "13791379") % 10 == digits[8]
  }

  /// France's number: thirteen digits and a key of two. Corsica's letters are `replaced` numbers.
  static func french(_ digits: Digits, replaced: Int = 0) -> Bool {
    guard (1...4).contains(digits[0]) || (7...8).contains(digits[0]) else { return false }
    let month = digits.number(3..<5)
    guard (1...12).contains(month) || (20...42).contains(month) || (50...99).contains(month) else {
      return false
    }
    return 97 - (digits.number(0..<13) - replaced) % 97 == digits.number(13..<15)
  }

  static func isDay(month: Int, day: Int) -> Bool {
    (1...12).contains(month) && day >= 1
      && day <= (month == 2 ? 29 : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31)
  }
}
