// Names to addresses: who is asked, how often, and what is given meanwhile. The source is a test's own.

import Glibc
import Support
import Synchronization
import Testing
import Wire

@testable import Transport

@Suite("Names", .timeLimit(.minutes(1))) struct ResolverCacheTests {
  /// Says what a test tells it, on the threads that ask.
  private final class Names: Sendable {
    private let state = Guarded<(answers: [String: [String]], asked: [String])>(([:], []))
    private let isHeld = Atomic<Bool>(false)

    subscript(host: String) -> [String]? {
      get { state.withLock { $0.answers[host] } }
      set { state.withLock { $0.answers[host] = newValue } }
    }

    var asked: [String] { state.withLock { $0.asked } }

    /// Answers wait until `release`.
    func hold() { isHeld.store(true, ordering: .releasing) }
    func release() { isHeld.store(false, ordering: .releasing) }

    @Sendable func answer(_ host: String) -> Result<[Address], ResolveFault> {
      state.withLock { $0.asked.append(host) }
      while isHeld.load(ordering: .acquiring) { usleep(500) }
      guard let found = self[host] else {
        return .failure(ResolveFault(host: host, reason: "nobody knows it"))
      }
      return .success(found.compactMap { Address(ip: $0, port: 0) })
    }
  }

  private struct Scene {
    let names: Names
    let resolver: Resolver
    let parker: Parker

    func look(_ host: String, until deadline: Instant) async -> Result<[String], ResolveFault> {
      do throws(ResolveFault) {
        return .success(try await resolver.addresses(of: host, parker: parker, until: deadline).map(\.host))
      } catch { return .failure(error) }
    }

    /// Waits until `isSo`, turn by turn.
    func wait(_ stage: isolated Stage, until isSo: () -> Bool) async throws {
      let patience = stage.patience
      while !isSo() {
        if stage.loop.now >= patience { throw GaveUp() }
        _ = await parker.park(until: stage.loop.now + .milliseconds(2))
      }
    }
  }

  private static func run(
    _ answers: [String: [String]], youth: Duration = .zero,
    _ body: @Sendable (isolated Stage, Scene) async throws -> Void
  ) async throws {
    try await Stage.run { stage in
      let names = Names()
      for (host, addresses) in answers { names[host] = addresses }
      // A thread that still asks must come to an end.
      defer { names.release() }
      let parker = Parker(on: stage.loop)
      defer { parker.retire() }
      let resolver = Resolver(on: stage.loop, source: names.answer, youth: youth)
      try await body(stage, Scene(names: names, resolver: resolver, parker: parker))
    }
  }

  @Test("addresses and localhost need nobody")
  func literals() async throws {
    try await Self.run([:]) { stage, scene in
      #expect(await scene.look("192.0.2.7", until: stage.patience) == .success(["192.0.2.7"]))
      #expect(await scene.look("2001:db8::1", until: stage.patience) == .success(["2001:db8::1"]))
      #expect(await scene.look("localhost", until: stage.patience) == .success(["127.0.0.1", "::1"]))
      #expect(scene.names.asked.isEmpty)
    }
  }

  @Test("an answer is kept, for each name its own")
  func kept() async throws {
    try await Self.run(["a.test": ["192.0.2.1", "2001:db8::1"], "b.test": ["192.0.2.2"]]) { stage, scene in
      for _ in 0..<3 {
        #expect(await scene.look("a.test", until: stage.patience) == .success(["192.0.2.1", "2001:db8::1"]))
        #expect(await scene.look("b.test", until: stage.patience) == .success(["192.0.2.2"]))
      }
      #expect(scene.names.asked == ["a.test", "b.test"])
    }
  }

  @Test("a name that nobody knows is told, and asked for again")
  func unknown() async throws {
    try await Self.run([:]) { stage, scene in
      let fault = ResolveFault(host: "c.test", reason: "nobody knows it")
      #expect(await scene.look("c.test", until: stage.patience) == .failure(fault))
      scene.names["c.test"] = ["192.0.2.3"]
      #expect(await scene.look("c.test", until: stage.patience) == .success(["192.0.2.3"]))
    }
  }

  @Test("who waits in vain is told so, and the answer serves the next")
  func late() async throws {
    try await Self.run(["a.test": ["192.0.2.1"]]) { stage, scene in
      scene.names.hold()
      let fault = ResolveFault(host: "a.test", reason: "the name look-up timed out")
      #expect(await scene.look("a.test", until: stage.loop.now + .milliseconds(20)) == .failure(fault))
      // One question, however many ask meanwhile.
      #expect(await scene.look("a.test", until: stage.loop.now + .milliseconds(5)) == .failure(fault))
      scene.names.release()
      #expect(await scene.look("a.test", until: stage.patience) == .success(["192.0.2.1"]))
      #expect(scene.names.asked == ["a.test"])
    }
  }

  @Test("a doubted answer is asked for before it is used, and used where no other can be had")
  func doubt() async throws {
    try await Self.run(["a.test": ["192.0.2.1"]]) { stage, scene in
      _ = await scene.look("a.test", until: stage.patience)
      scene.resolver.doubt("a.test")
      scene.names["a.test"] = ["192.0.2.9"]
      #expect(await scene.look("a.test", until: stage.patience) == .success(["192.0.2.9"]))
      scene.resolver.doubt("a.test")
      scene.names["a.test"] = nil
      #expect(await scene.look("a.test", until: stage.patience) == .success(["192.0.2.9"]))
      #expect(scene.names.asked.count == 3)
      scene.resolver.doubt("unheard.test")
    }
  }

  @Test("addresses that refuse are looked up anew, but not where they have just been")
  func anew() async throws {
    try await Self.run(["a.test": ["192.0.2.1"]]) { stage, scene in
      #expect(
        await scene.resolver.addressesAnew(of: "a.test", parker: scene.parker, until: stage.patience) == nil)
      _ = await scene.look("a.test", until: stage.patience)
      scene.names["a.test"] = ["192.0.2.9"]
      let found = await scene.resolver.addressesAnew(
        of: "a.test", parker: scene.parker, until: stage.patience)
      #expect(found?.map(\.host) == ["192.0.2.9"])
      #expect(await scene.look("a.test", until: stage.patience) == .success(["192.0.2.9"]))
      scene.names["a.test"] = nil
      #expect(
        await scene.resolver.addressesAnew(of: "a.test", parker: scene.parker, until: stage.patience) == nil)
    }
    try await Self.run(["a.test": ["192.0.2.1"]], youth: .seconds(600)) { stage, scene in
      _ = await scene.look("a.test", until: stage.patience)
      #expect(
        await scene.resolver.addressesAnew(of: "a.test", parker: scene.parker, until: stage.patience) == nil)
      scene.resolver.refresh("a.test")
      #expect(scene.names.asked.count == 1)
    }
  }

  @Test("what is refreshed is served meanwhile")
  func refresh() async throws {
    try await Self.run(["a.test": ["192.0.2.1"]]) { stage, scene in
      _ = await scene.look("a.test", until: stage.patience)
      scene.names["a.test"] = ["192.0.2.9"]
      scene.names.hold()
      scene.resolver.refresh("a.test")
      scene.resolver.refresh("a.test")
      #expect(await scene.look("a.test", until: stage.patience) == .success(["192.0.2.1"]))
      scene.names.release()
      for _ in 0..<1000 where await scene.look("a.test", until: stage.patience) != .success(["192.0.2.9"]) {
        _ = await scene.parker.park(until: stage.loop.now + .milliseconds(2))
      }
      #expect(await scene.look("a.test", until: stage.patience) == .success(["192.0.2.9"]))
      #expect(scene.names.asked.count == 2)
    }
  }

  @Test("names without end don't fill the memory, and each is answered")
  func ceiling() async throws {
    let names = (0..<300).map { "n\($0).test" }
    try await Self.run(Dictionary(uniqueKeysWithValues: names.map { ($0, ["192.0.2.1"]) })) { stage, scene in
      for name in names {
        #expect(await scene.look(name, until: stage.patience) == .success(["192.0.2.1"]))
      }
      #expect(scene.names.asked.count == 300)
    }
  }
}
