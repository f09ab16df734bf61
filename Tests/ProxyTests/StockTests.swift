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
    for _ in 0..<3 { #expect(stock.take() == nil) }
    stock.lose()
    stock.lose()
    stock.keep(Item())
    // Three were in use at once, so one more than there is would do.
    #expect(stock.settle() == 0)
    #expect(stock.settle() == 1)
  }

  @Test("the one that comes next is the one that came last")
  func order() {
    var stock = Stock<Item>(floor: 4)
    let (first, second) = (Item(), Item())
    for item in [first, second] {
      _ = stock.take()
      stock.keep(item)
    }
    #expect(stock.next != nil)
    let next = stock.next
    #expect(stock.take() === next)
    stock.removeAll()
    #expect(stock.next == nil && stock.take() == nil)
  }
}
