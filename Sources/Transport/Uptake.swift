// Whether a peer still takes what it is sent. The kernel takes bytes long before the peer does, and no more of them where the
// peer has fallen far behind, so neither says anything: what does is how much lies in between. It is asked for that when
// time is up, and never for a chunk.

/// How far a peer has got with what it was sent.
package struct Progress: Equatable {
  /// Grows by what the peer takes, and by nothing else.
  package let taken: Int
  /// Nothing lies in the kernel.
  package let isAll: Bool

  package init(taken: Int, isAll: Bool) {
    self.taken = taken
    self.isAll = isAll
  }
}

/// When a peer last took something. Instants and what follows from them; no clock of its own.
package struct Uptake {
  /// How long the peer may take nothing.
  private let limit: Interval
  /// When it last took something, as far as is known, or began to have something to take.
  private var tookAt: Instant
  private var lookedAt: Instant
  private var taken = Int.min
  /// Something has been sent since all was taken.
  private var isOwed = false

  package init(limit: Interval, at now: Instant) {
    self.limit = limit
    tookAt = now
    lookedAt = now
  }

  /// The peer was sent something, whether the kernel has taken it or not.
  package mutating func sent(at now: Instant) {
    if isOwed { return }
    isOwed = true
    tookAt = now
    lookedAt = now
  }

  /// When the kernel is to be asked next, which is often enough to know a stalled peer well within a twentieth of its
  /// time: never, where everything was taken.
  package var lookAt: Instant {
    isOwed ? min(tookAt + limit, lookedAt + Interval(nanoseconds: limit.nanoseconds / 40)) : .never
  }

  /// Notes how far the peer has got.
  ///
  /// - Parameter waits: more waits for the kernel to take it.
  package mutating func note(_ progress: Progress, waits: Bool, at now: Instant) {
    lookedAt = now
    if progress.taken > taken { tookAt = now }
    taken = progress.taken
    if progress.isAll, !waits { isOwed = false }
  }

  /// Whether the peer has taken nothing for too long.
  package func isStalled(at now: Instant) -> Bool { isOwed && now >= tookAt + limit }
}
