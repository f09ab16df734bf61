import Testing

@testable import Kubernetes

@Suite("Amounts of a resource") struct QuantityTests {
  @Test("each thousandth is the same amount, however it is written")
  func thousandths() throws {
    for count in 1..<20_000 {
      let rest = String(1000 + count % 1000).dropFirst()
      #expect(Quantity("\(count)m") == Quantity("\(count / 1000).\(rest)"), "\(count)")
    }
  }

  @Test(
    "units are as Kubernetes has them",
    arguments: [
      ("1", "1000m"), ("1Gi", "1024Mi"), ("1M", "1e6"), ("1500u", "1.5m"), ("2n", "0.002u"), ("1E", "1000P"),
    ])
  func units(_ pair: (String, String)) throws {
    #expect(try #require(Quantity(pair.0)) == #require(Quantity(pair.1)))
  }

  @Test("the smaller one is less, and what is no amount is none")
  func order() throws {
    #expect(try #require(Quantity("2009m")) < #require(Quantity("2.01")))
    #expect(try #require(Quantity("1n")) < #require(Quantity("2n")))
    for text in ["", "m", "1.2.3", "1 Gi", "1KiB", "e3", "1e99"] { #expect(Quantity(text) == nil, "\(text)") }
  }
}
