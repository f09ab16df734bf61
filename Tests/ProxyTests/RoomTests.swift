// Who goes where the house is full.

import HTTP
import Testing
import Transport

@testable import Proxy

@Suite("Room for new clients") struct RoomTests {
  private final class Peer {}

  private static func at(_ seconds: UInt64) -> Instant {
    Instant(nanoseconds: (1000 + seconds) * 1_000_000_000)
  }

  private static func clients(_ peers: [Peer], hasBegun: Set<Int> = []) -> [SilentClients.Client] {
    peers.enumerated().map { index, peer in
      SilentClients.Client(
        id: ObjectIdentifier(peer), since: at(UInt64(index / 2)), order: UInt64(index),
        hasBegun: hasBegun.contains(index))
    }
  }

  @Test("the longest silent goes first, and no two times")
  func order() {
    let peers = (0..<100).map { _ in Peer() }
    let all = Self.clients(peers).shuffled()
    var silent = SilentClients()
    var gone: [ObjectIdentifier] = []
    for _ in 0..<100 {
      let next = silent.next(silentSince: Self.at(1000)) {
        all.filter { !gone.contains($0.id) }
      } isStill: {
        !gone.contains($0.id)
      }
      guard let next else { break }
      gone.append(next.id)
    }
    #expect(gone == peers.map { ObjectIdentifier($0) })
    #expect(silent.next(silentSince: Self.at(1000), all: { [] }, isStill: { _ in true }) == nil)
  }

  @Test("one that has spoken since stays")
  func spoken() {
    let peers = (0..<3).map { _ in Peer() }
    var silent = SilentClients()
    let first = silent.next(silentSince: Self.at(9), all: { Self.clients(peers) }, isStill: { _ in true })
    #expect(first?.id == ObjectIdentifier(peers[0]))
    let next = silent.next(
      silentSince: Self.at(9), all: { [] }, isStill: { $0.id != ObjectIdentifier(peers[1]) })
    #expect(next?.id == ObjectIdentifier(peers[2]))
  }

  @Test("one that has just come stays")
  func young() {
    let peers = (0..<3).map { _ in Peer() }
    var silent = SilentClients()
    for expected in [0, 1] {
      let next = silent.next(silentSince: Self.at(0), all: { Self.clients(peers) }, isStill: { _ in true })
      #expect(next?.id == ObjectIdentifier(peers[expected]))
    }
    let none = silent.next(
      silentSince: Self.at(0), all: { [Self.clients(peers)[2]] }, isStill: { _ in true })
    #expect(none == nil)
  }

  @Test("one whose request has begun goes after those that are silent")
  func begun() {
    let peers = (0..<3).map { _ in Peer() }
    var silent = SilentClients()
    var gone: [ObjectIdentifier] = []
    for _ in 0..<3 {
      let next = silent.next(
        silentSince: Self.at(9), all: { Self.clients(peers, hasBegun: [0]) }, isStill: { _ in true })
      if let next { gone.append(next.id) }
    }
    #expect(gone == [1, 2, 0].map { ObjectIdentifier(peers[$0]) })
  }

  @Test("one whose request has begun goes where those that are silent have just come")
  func begunAmongYoung() {
    let peers = (0..<6).map { _ in Peer() }
    var silent = SilentClients()
    let all = Self.clients(peers, hasBegun: [0, 1])
    let first = silent.next(silentSince: Self.at(0), all: { all }, isStill: { _ in true })
    let second = silent.next(silentSince: Self.at(0), all: { all }, isStill: { _ in true })
    #expect([first?.id, second?.id] == [ObjectIdentifier(peers[0]), ObjectIdentifier(peers[1])])
  }

  @Test("a full house is said at once, and then once a minute with how many have gone")
  func crowd() {
    var crowd = Crowd()
    #expect(crowd.count(isClosed: true, at: Self.at(0)) == 1)
    for second in 1..<60 { #expect(crowd.count(isClosed: true, at: Self.at(UInt64(second))) == nil) }
    #expect(crowd.count(isClosed: true, at: Self.at(60)) == 60)
    #expect(crowd.count(isClosed: true, at: Self.at(119)) == nil)
  }

  @Test("that others wait doesn't hide that some have gone, nor the other way round")
  func crowds() {
    var crowd = Crowd()
    #expect(crowd.count(isClosed: false, at: Self.at(0)) == 1)
    #expect(crowd.count(isClosed: true, at: Self.at(1)) == 1)
    #expect(crowd.count(isClosed: false, at: Self.at(2)) == nil)
    #expect(crowd.count(isClosed: true, at: Self.at(3)) == nil)
    #expect(crowd.count(isClosed: false, at: Self.at(60)) == 2)
    #expect(crowd.count(isClosed: true, at: Self.at(61)) == 2)
  }
}
