// A loop on a thread of its own, and an actor on it in which a test's body runs.

package import Transport

/// Where code that is confined to a loop runs in tests.
package actor Stage {
  package nonisolated let loop: Loop
  package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

  private init(on loop: Loop) { self.loop = loop }

  /// Runs `body` on a new loop, which ends with it.
  @discardableResult
  package static func run<Result: Sendable>(
    _ body: @Sendable (isolated Stage) async throws -> Result
  ) async throws -> Result {
    let loop = try Loop()
    await withCheckedContinuation { (started: CheckedContinuation<Void, Never>) in
      let hasThread = Thread.detached { loop.run { started.resume() } }
      if !hasThread { started.resume() }
    }
    defer { loop.post { loop.stop() } }
    return try await body(Stage(on: loop))
  }

  /// A deadline that only a test which hangs comes to.
  package nonisolated var patience: Instant { .now + .seconds(20) }
}
