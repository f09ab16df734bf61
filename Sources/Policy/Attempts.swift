// What is tried next: the one place that decides whether a request goes out again, where to, and on which connection.
//
// No I/O and no clock: the walk makes one try at a time, says here what came of it, and does what it is told.

/// What came of one try.
package enum Outcome: Sendable, Equatable {
  /// No connection could be made.
  case unreachable
  /// The handshake failed, or the peer's certificate.
  case tls
  /// The connection ended before the answer's head.
  ///
  /// - Parameters:
  ///   - wasReused: it had carried another exchange before, so that it may have been dead already.
  ///   - hasHeard: something of an answer came, an interim one or a part of a head: the request was received.
  case lost(wasReused: Bool, hasHeard: Bool)
  /// A kept connection brought the answer 408, which was on its way before the request was.
  case late
  /// No answer began in time.
  case timedOut
  /// What came is no answer.
  case broken
  /// The head of an answer is here.
  case status(Int)
  /// The upstream refused a member that Remora had added, and a request that is written now doesn't have it.
  case askedTooMuch
  /// The upstream refused the credential, and a request that is written now shows another one.
  case keyChanged
  /// The upstream refused the credential, and there is no other one.
  case keyUnchanged
  /// The request can't be said to this upstream.
  case cannotSay
  /// The client left before there was an answer.
  case clientGone
  /// The process ends.
  case draining
}

/// Which connection a try may take.
package enum Reuse: Sendable, Equatable {
  /// Any that lives, as far as can be seen.
  case any
  /// A new one, or one that was used a moment ago: the request can't be sent a second time, so it must not meet a
  /// connection that its peer has given up without a word.
  case recent
  /// A new one: the last one was dead.
  case new
}

/// One try to be made.
package struct Trial: Sendable, Equatable {
  /// The target's place in the plan.
  package var target: Int
  /// Which connection it may take.
  package var reuse: Reuse

  /// Names a try.
  package init(target: Int, reuse: Reuse) {
    self.target = target
    self.reuse = reuse
  }
}

/// What to do next.
package enum Step: Sendable, Equatable {
  case call(Trial)
  /// See whether the refused credential has changed, and say so.
  case checkKey
  /// Bring the answer to the client.
  case relay
  /// Tell the client what went wrong.
  case refuse
}

/// The state of trying one request.
package struct Attempts: Sendable {
  /// Whether the request may go out a second time after it may have been received: nothing of it is gone, and it makes
  /// nothing twice.
  private let isRepeatable: Bool
  /// Whether its bytes are all here, so that what was surely not acted upon can go out again.
  private let isKept: Bool
  private var hasReplayed = false
  private var hasCheckedKey = false
  private var hasAskedLess = false
  private var target = 0

  /// Begins with no try made.
  ///
  /// - Parameters:
  ///   - isKept: whether all of the request is still here.
  ///   - isIdempotent: whether a repetition makes nothing that the first one made already (RFC 9110 section 9.2.2).
  package init(isKept: Bool, isIdempotent: Bool) {
    self.isKept = isKept
    isRepeatable = isKept && isIdempotent
  }

  /// The first try.
  package func first() -> Trial { Trial(target: target, reuse: isRepeatable ? .any : .recent) }

  /// What follows on `last`.
  package mutating func next(_ last: Outcome) -> Step {
    switch last {
    case .lost(wasReused: true, hasHeard: false) where isRepeatable && !hasReplayed,
      .late where isRepeatable && !hasReplayed:
      // A kept connection may die at any time, and only the next request shows it (RFC 9112 section 9.3.1).
      hasReplayed = true
      return .call(Trial(target: target, reuse: .new))
    case .status(401), .status(403):
      // The request was refused before anything was done: it may go out again whatever it is.
      guard isKept, !hasCheckedKey else { return .relay }
      hasCheckedKey = true
      return .checkKey
    case .askedTooMuch:
      guard !hasAskedLess else { return .relay }
      hasAskedLess = true
      hasReplayed = false
      return .call(first())
    case .keyChanged:
      hasReplayed = false
      return .call(first())
    case .status, .late, .keyUnchanged: return .relay
    case .unreachable, .tls, .lost, .timedOut, .broken, .cannotSay, .clientGone, .draining: return .refuse
    }
  }
}
