// Decimal numbers as exact integers: money is never a floating-point number.

package enum Decimals {
  /// Reads digits with an optional fraction, such as `0.0375`, as a whole number of 10^-`places`.
  ///
  /// - Returns: nil where it is anything else, has more than `places` digits behind the point, or is too large.
  package static func read(_ text: Span<UInt8>, places: Int) -> UInt64? {
    var value: UInt64 = 0
    var digits = 0
    var fraction: Int?
    func add(_ digit: UInt64) -> Bool {
      let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflows) = product.addingReportingOverflow(digit)
      value = sum
      return !isTooLarge && !overflows
    }
    for at in 0..<text.count {
      let byte = text[at]
      if byte == UInt8(ascii: "."), fraction == nil, digits > 0 {
        fraction = 0
        continue
      }
      guard ASCII.isDigit(byte) else { return nil }
      digits += 1
      if let count = fraction {
        if count == places {
          // Zeros at the end say nothing.
          if byte == UInt8(ascii: "0") { continue }
          return nil
        }
        fraction = count + 1
      }
      guard add(UInt64(byte & 15)) else { return nil }
    }
    guard digits > 0, fraction != 0 else { return nil }
    for _ in (fraction ?? 0)..<places {
      guard add(0) else { return nil }
    }
    return value
  }

  /// Writes a whole number of 10^-`places` with no more digits than it needs: 37500 with six places is `0.0375`.
  package static func text(_ value: UInt64, places: Int) -> String {
    var digits = Array(String(value).utf8)
    if digits.count <= places {
      digits.insert(contentsOf: repeatElement(0x30, count: places + 1 - digits.count), at: 0)
    }
    var text = String(decoding: digits.dropLast(places), as: UTF8.self)
    var fraction = digits.suffix(places)
    while fraction.last == 0x30 { fraction.removeLast() }
    if !fraction.isEmpty { text += "." + String(decoding: fraction, as: UTF8.self) }
    return text
  }
}
