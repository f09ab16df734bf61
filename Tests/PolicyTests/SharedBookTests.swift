// Limits that are counted elsewhere: what is still to be told, whether it is asked, what its answers mean.

import Config
import Policy
import Testing
import Wire

@Suite struct SharedBookTests {
  private let quota = SharedQuota(requests: 10, tokens: 1000, budget: 5_000_000, per: 86_400)
  /// A noon of the server's clock, in milliseconds.
  private let noon: Int64 = 20_000 * 86_400_000 + 43_200_000

  private func answer(
    _ verdict: Int64 = 0, slot: Int64? = nil, tokens: Int64 = 100, cost: Int64 = 300, pods: Int64 = 1,
    at time: Int64
  ) throws -> SharedAnswer {
    let seconds = time / 1000
    let numbers: [Int64] = [
      verdict, 7, 4, 50, 400, 60, 2_000_000, slot ?? seconds / 5, tokens, seconds - seconds % 86_400, cost,
      pods, time,
    ]
    return try #require(SharedAnswer(.array(numbers.map { .integer($0) })))
  }

  private func text(_ settlement: SharedSettlement) -> String {
    var out = ByteQueue()
    SharedScript.write(
      SharedScript.Call(group: Array("g".utf8), quota: quota, need: nil, settlement: settlement),
      digest: Array("d".utf8).span, pod: Array("p".utf8).span, prefix: Array("rl".utf8).span, into: &out)
    return String(decoding: out.array(), as: UTF8.self)
  }

  /// What goes along with a question: its last words, behind those that every one has.
  private func told(_ book: SharedBook) -> [String] {
    let lines = text(book.drain("g")).split(separator: "\r\n")
    return stride(from: 2, to: lines.count, by: 2).map { String(lines[$0]) }.dropFirst(18).map { $0 }
  }

  @Test("what was promised is corrected where it was promised")
  func corrections() throws {
    let book = SharedBook()
    let first = try answer(at: noon)
    book.take(first, quota, of: "g", wall: noon)
    book.settle(Taken(tokens: 19, cost: 100_000), first.promise, quota, of: "g", wall: noon + 1000)
    book.settle(Taken(isRequest: false), first.promise, quota, of: "g", wall: noon + 1000)
    let slot = "\(noon / 5000)"
    let day = "\(noon / 1000 - noon / 1000 % 86_400)"
    #expect(told(book) == [slot, "-1", "-181", "86400", day, "-500"])
    #expect(told(book).isEmpty)
    #expect(book.unsettled.isEmpty)
  }

  @Test("what comes late counts where it became known, and what is less is gone")
  func late() throws {
    let book = SharedBook()
    let first = try answer(at: noon)
    book.take(first, quota, of: "g", wall: noon)
    book.settle(Taken(tokens: 19), first.promise, quota, of: "g", wall: noon + 70_000)
    book.settle(Taken(tokens: 500), first.promise, quota, of: "g", wall: noon + 70_000)
    #expect(told(book).prefix(3) == ["\((noon + 70_000) / 5000)", "0", "400"])
  }

  @Test("what was let through without it is told later, by the server's clock, however much there was")
  func away() throws {
    let book = SharedBook()
    // This machine's clock is an hour behind.
    book.take(try answer(at: noon), quota, of: "g", wall: noon - 3_600_000)
    for second in 0..<600 {
      book.book(Taken(tokens: 10, cost: 1500), quota, of: "g", wall: noon - 3_600_000 + Int64(second) * 1000)
    }
    let words = told(book)
    // Of ten minutes thirteen buckets are left, and all of the money.
    #expect(words.count == 13 * 3 + 3)
    #expect(words.first == "\((noon + 599_000) / 5000 - 12)")
    #expect(words.last == "900")
  }

  @Test("money is told in whole millionths, and nothing is lost")
  func remainders() throws {
    let book = SharedBook()
    for _ in 0..<7 { book.book(Taken(cost: 103_750), quota, of: "g", wall: noon) }
    #expect(told(book).last == "726")
    for _ in 0..<1 { book.book(Taken(cost: 103_750), quota, of: "g", wall: noon) }
    #expect(told(book).last == "104")
  }

  @Test("what could not be told is told again, once")
  func putBack() throws {
    let book = SharedBook()
    book.book(Taken(tokens: 10, cost: 2500), quota, of: "g", wall: noon)
    let settlement = book.drain("g")
    book.putBack(settlement, of: "g")
    book.book(Taken(tokens: 5, cost: 500), quota, of: "g", wall: noon)
    #expect(told(book).dropFirst() == ["2", "15", "86400", "\(noon / 1000 - noon / 1000 % 86_400)", "3"])
  }

  @Test("the day's money isn't carried into the next one")
  func nextSpan() throws {
    let book = SharedBook()
    let evening = noon + 43_199_000
    let first = try answer(at: evening)
    book.take(first, quota, of: "g", wall: evening)
    book.settle(Taken(tokens: 100, cost: 9_000_000), first.promise, quota, of: "g", wall: evening + 5000)
    #expect(told(book).isEmpty)
    #expect(book.last("g", quota, wall: evening + 5000)?.spent == 0)
  }

  @Test("absurd counts stay counts")
  func absurd() throws {
    let book = SharedBook()
    for _ in 0..<5000 { book.book(Taken(tokens: .max, cost: .max), quota, of: "g", wall: noon) }
    let words = told(book)
    #expect(words.count == 6)
    #expect(words.allSatisfy { (Int64($0) ?? -1) > 0 })
  }

  @Test("after five failures in a row it is left alone, and asked again one at a time")
  func circuit() {
    let book = SharedBook()
    var now: Nanoseconds = .second
    for number in 0..<5 {
      let epoch = book.begin(at: now)
      #expect(epoch != nil)
      #expect(book.end(false, epoch: epoch ?? 0, jitter: 0, at: now) == (number == 0))
    }
    #expect(book.begin(at: now) == nil)
    now += 2 * .second
    let probe = book.begin(at: now)
    #expect(probe != nil && book.begin(at: now) == nil)
    #expect(book.end(true, epoch: probe ?? 0, jitter: 0, at: now))
    #expect(book.isUp)
  }

  @Test("answers say what is left, and what stands in the way")
  func answers() throws {
    let got = try answer(at: noon)
    let standing = got.standing(quota)
    #expect(standing.requests?.limit == 10 && standing.requests?.left == 6 && standing.tokens?.left == 600)
    #expect(standing.reset == 60 && standing.scope == .group && standing.budget == nil)
    #expect(got.shortage(quota) == nil)
    let refused = try answer(3, at: noon).shortage(quota)
    #expect(refused?.limit == .budget && refused?.amount == 5_000_000_000 && refused?.wait == 7)
    #expect(try answer(1, at: noon).shortage(quota)?.limit == .requests)
    #expect(try answer(2, at: noon).shortage(quota)?.limit == .tokens)
  }

  @Test(
    "what the script never says is no answer",
    arguments: [
      RESPReply.nothing, .integer(0), .array([]), .array([RESPReply](repeating: .integer(-1), count: 13)),
      .array([RESPReply](repeating: .integer(9), count: 13)),
      .array([RESPReply](repeating: .text([0x31]), count: 13)),
      .array([RESPReply](repeating: .integer(0), count: 12)),
    ])
  func noAnswer(_ reply: RESPReply) { #expect(SharedAnswer(reply) == nil) }

  @Test("what is left when it is asked about later is as old as it is")
  func last() throws {
    let book = SharedBook()
    book.take(try answer(at: noon), quota, of: "g", wall: noon)
    #expect(book.last("g", quota, wall: noon + 20_000)?.requests.reset == 30)
    #expect(book.last("g", quota, wall: noon + 55_000)?.requests.sum == 0)
    #expect(book.last("g", quota, wall: noon + 55_000)?.tokens.sum == 400)
    var other = quota
    other.requests = 3
    #expect(book.last("g", other, wall: noon) == nil)
    #expect(book.last("h", quota, wall: noon) == nil)
  }

  @Test("a group's part: counted and no more, whole, or one of several")
  func parts() {
    var config = Settings()
    var group = ConsumerGroup(name: "g", key: .none)
    group.limits.requestsPerMinute = 10
    group.limits.concurrentRequests = 20
    config.consumers = Consumers()
    config.consumers?.groups = [group]
    let ledger = Ledger()
    let accounts = ledger.adopt(config)
    let now = Moment(ticks: 100_000_000_000, wall: 1000)
    func take(_ part: Int) -> Permit.Ticket? {
      var payers = Payers(pod: nil, group: accounts.groups[0]?.seat)
      payers.part = part
      return try? ledger.reserve(payers, Need(), at: now).result.get()
    }
    var permits = 0
    for _ in 0..<15 where take(0) != nil { permits += 1 }
    #expect(permits == 15)
    #expect(take(1) == nil && take(4) == nil)
    // Places are never shared.
    for _ in 0..<10 where take(0) != nil { permits += 1 }
    #expect(permits == 20)
  }
}
