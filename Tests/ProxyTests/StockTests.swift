import Testing

@testable import Proxy

@Suite struct StockTests {
  private final class Item {}

  @Test("a burst finds what the burst before has made; what nobody needs any more goes, down to the floor")
  func bursts() {
    var stock = Stock<Item>(floor: 2)
    func burst(_ count: Int) -> Int {
      let taken = (0..<count).map { _ in stock.take() }
      for item in taken { stock.keep(item ?? Item()) }
      return taken.count { $0 == nil }
    }
    #expect(burst(10) == 10)
    #expect(burst(10) == 0)
    #expect(stock.isHigh)
    #expect(stock.settle() == 0)
    #expect(burst(6) == 0)
    #expect(stock.settle() == 4)
    #expect(stock.settle() == 4)
    #expect(!stock.isHigh && stock.settle() == 0)
    #expect(burst(3) == 1)
  }

  @Test("one that is lost isn't waited for")
  func lost() {
    var stock = Stock<Item>(floor: 0)
    for _ in 0..<5 { _ = stock.take() }
    for _ in 0..<5 { stock.keep(Item()) }
    #expect(stock.settle() == 0)
    // Three are in use, of which one comes back: with the two that weren't taken there are three, as were needed.
    for _ in 0..<3 { #expect(stock.take() != nil) }
    stock.lose()
    stock.lose()
    stock.keep(Item())
    #expect(stock.settle() == 0)
    #expect(stock.settle() == 3)
  }

  @Test("the one that comes next is the one that came last")
  func order() {
    var stock = Stock<Item>(floor: 4)
    let (first, second) = (Item(), Item())
    for _ in 0..<2 { _ = stock.take() }
    for item in [first, second] { stock.keep(item) }
    #expect(stock.next === second && stock.take() === second)
    #expect(stock.next === first)
    stock.removeAll()
    #expect(stock.next == nil && stock.take() == nil)
  }

  @Test("all that aren't always kept go at once where others need the memory")
  func shrinks() {
    var stock = Stock<Item>(floor: 2)
    for _ in 0..<9 { _ = stock.take() }
    for _ in 0..<9 { stock.keep(Item()) }
    #expect(stock.surplus == 7 && stock.shrink() == 7)
    #expect(stock.surplus == 0 && stock.shrink() == 0 && !stock.isHigh)
  }
}
