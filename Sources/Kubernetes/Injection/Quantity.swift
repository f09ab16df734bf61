// Amounts of a resource, compared: 1 and 1000m, 1Gi and 1024Mi are the same to a scheduler.

internal import Wire

/// An amount, as containers have it in their requests and limits
/// (kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity).
struct Quantity: Comparable {
  /// In thousandths, in which people write processors, rounded to what Kubernetes tells apart: 2.01 is no other amount
  /// than 2010m, whatever a Double makes of it.
  private let thousandths: Double

  /// Nil for what is no amount.
  init?(_ text: String) {
    let digits = text.utf8.prefix { ASCII.isDigit($0) || $0 == UInt8(ascii: ".") }
    guard let number = Double(String(Substring(digits))),
      let unit = Self.unit(String(Substring(text.utf8.dropFirst(digits.count))))
    else { return nil }
    thousandths = (number * unit * 1e6).rounded() / 1e6
  }

  static func < (left: Quantity, right: Quantity) -> Bool { left.thousandths < right.thousandths }

  /// How many thousandths a unit is.
  private static func unit(_ text: String) -> Double? {
    switch text {
    case "n": return 1e-6
    case "u": return 1e-3
    case "m": return 1
    case "": return 1e3
    case "k": return 1e6
    case "M": return 1e9
    case "G": return 1e12
    case "T": return 1e15
    case "P": return 1e18
    case "E": return 1e21
    default: break
    }
    if let power = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].firstIndex(of: text) {
      return (0...power).reduce(1e3) { product, _ in product * 1024 }
    }
    guard text.first == "e" || text.first == "E", let exponent = Int(text.dropFirst()),
      (-30...30).contains(exponent)
    else { return nil }
    return Double("1e\(exponent + 3)")
  }
}
