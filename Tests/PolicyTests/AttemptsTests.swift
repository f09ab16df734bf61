import Policy
import Testing

/// What follows on what, one row a path.
@Suite("Attempts")
struct AttemptsTests {
  /// What is known of a request, what came of its tries, and what is to happen after each.
  struct Row: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var isKept = true
    var isIdempotent = true
    let first: Reuse
    let path: [(Outcome, Step)]
  }

  static let dead = Outcome.lost(wasReused: true, hasHeard: false)
  static let anew = Step.call(Trial(target: 0, reuse: .new))

  static let rows = [
    Row("an answer is relayed", first: .any, path: [(.status(200), .relay)]),
    Row("an error is relayed", first: .any, path: [(.status(500), .relay)]),
    Row("a limit is relayed", first: .any, path: [(.status(429), .relay)]),
    Row(
      "a dead connection is replaced by a new one", first: .any,
      path: [(dead, anew), (.status(200), .relay)]),
    Row("so is one with a late word on it", first: .any, path: [(.late, anew), (.late, .relay)]),
    Row(
      "whose word is the answer where nothing can be repeated", isKept: false, first: .recent,
      path: [(.late, .relay)]),
    Row("but once", first: .any, path: [(dead, anew), (dead, .refuse)]),
    Row(
      "a new connection that is lost is no dead one", first: .any,
      path: [(.lost(wasReused: false, hasHeard: false), .refuse)]),
    Row(
      "what was answered in part was received", first: .any,
      path: [(.lost(wasReused: true, hasHeard: true), .refuse)]),
    Row(
      "what makes something twice isn't repeated", isIdempotent: false, first: .recent,
      path: [(dead, .refuse)]),
    Row("what is gone can't be repeated", isKept: false, first: .recent, path: [(dead, .refuse)]),
    Row(
      "a changed key is tried", first: .any,
      path: [(.status(401), .checkKey), (.keyChanged, .call(Trial(target: 0, reuse: .any)))]),
    Row(
      "even where a repetition would make something twice: nothing was made", isIdempotent: false,
      first: .recent,
      path: [(.status(403), .checkKey), (.keyChanged, .call(Trial(target: 0, reuse: .recent)))]),
    Row(
      "an unchanged key is the provider's word", first: .any,
      path: [(.status(401), .checkKey), (.keyUnchanged, .relay)]),
    Row(
      "a second refusal is the provider's word", first: .any,
      path: [
        (.status(401), .checkKey), (.keyChanged, .call(Trial(target: 0, reuse: .any))),
        (.status(401), .relay),
      ]),
    Row(
      "a refused key isn't looked at for what can't go out again", isKept: false, first: .recent,
      path: [(.status(401), .relay)]),
    Row(
      "after a changed key a dead connection is replaced again", first: .any,
      path: [
        (dead, anew), (.status(401), .checkKey), (.keyChanged, .call(Trial(target: 0, reuse: .any))),
        (dead, anew), (.status(200), .relay),
      ]),
    Row(
      "what only Remora asked for is left out once", first: .any,
      path: [
        (.askedTooMuch, .call(Trial(target: 0, reuse: .any))), (dead, anew), (.askedTooMuch, .relay),
      ]),
    Row("no connection", first: .any, path: [(.unreachable, .refuse)]),
    Row("no handshake", first: .any, path: [(.tls, .refuse)]),
    Row("silence", first: .any, path: [(.timedOut, .refuse)]),
    Row("no answer", first: .any, path: [(.broken, .refuse)]),
    Row("no words for it", first: .any, path: [(.cannotSay, .refuse)]),
    Row("nobody to answer", first: .any, path: [(.clientGone, .refuse)]),
    Row("the end of the process", first: .any, path: [(.draining, .refuse)]),
  ]

  @Test("decide what is next", arguments: rows)
  func next(_ row: Row) {
    var attempts = Attempts(isKept: row.isKept, isIdempotent: row.isIdempotent)
    #expect(attempts.first() == Trial(target: 0, reuse: row.first))
    for (outcome, step) in row.path { #expect(attempts.next(outcome) == step) }
  }

  @Test("come to an end, whatever happens")
  func bound() {
    let all: [Outcome] = [Self.dead, .status(401), .keyChanged, .status(200), .unreachable]
    for seed in 0..<5000 {
      var attempts = Attempts(isKept: true, isIdempotent: true)
      var rest = seed
      var calls = 1
      var last = Outcome.unreachable
      for _ in 0..<32 {
        // What can't follow isn't said: a key changes only where it was looked at.
        last = all[rest % all.count]
        rest = rest / all.count &+ seed
        switch attempts.next(last) {
        case .call: calls += 1
        case .checkKey:
          if case .call = attempts.next(.keyChanged) { calls += 1 }
        case .relay, .refuse: break
        }
        if last == .keyChanged { break }
      }
      #expect(calls <= 6)
    }
  }
}

extension AttemptsTests.Row {
  init(
    _ name: String, isKept: Bool = true, isIdempotent: Bool = true, first: Reuse, path: [(Outcome, Step)]
  ) {
    self.init(testDescription: name, isKept: isKept, isIdempotent: isIdempotent, first: first, path: path)
  }
}
