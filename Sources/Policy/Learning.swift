// What past answers teach about coming ones: by how much the estimate of a prompt is off at a target, and how long the
// answers of a group are there. One for the process; a moment under a lock when a request begins, and one when it ends.

internal import Wire

/// What is remembered of whom, as a number: names are hashed where they are known.
package struct LessonKey: Sendable, Hashable {
  /// Of the provider, the model and whether there are tools.
  package var target: UInt64
  /// The same and the group's.
  package var group: UInt64

  /// Makes the keys of a target and a group.
  package init(provider: Span<UInt8>, model: Span<UInt8>, hasTools: Bool, group: Span<UInt8>) {
    var hash = Self.mix(0xcbf2_9ce4_8422_2325, provider)
    hash = Self.mix(hash ^ 0xFF, model)
    target = hash &* 2 | (hasTools ? 1 : 0)
    self.group = Self.mix(hash ^ 0xFE, group)
  }

  /// FNV-1a. Who makes two names collide, shares his own estimates.
  private static func mix(_ start: UInt64, _ bytes: Span<UInt8>) -> UInt64 {
    var hash = start
    for at in 0..<bytes.count { hash = (hash ^ UInt64(bytes[at])) &* 0x0000_0100_0000_01b3 }
    return hash
  }
}

/// What answers have taught.
package final class Learning: Sendable {
  /// Targets and groups that are remembered; names are the clients', so that there must be an end.
  private static let ceiling = 1024
  /// Below so many tokens the frame around a prompt weighs more than the prompt.
  private static let leastPrompt = 200

  private struct State: Sendable {
    /// What was counted by what was estimated, in 1024ths.
    var ratios: [UInt64: Int] = [:]
    var answers: [UInt64: AnswerLengths] = [:]
  }

  private let state = Guarded(State())

  package init() {}

  /// The estimate of a prompt, corrected, and the tokens that an answer may have of which nothing is said: more than 95 of
  /// a hundred had.
  package func guess(_ key: LessonKey, prompt: Int) -> (prompt: Int, answer: Int?) {
    state.withLock { state in
      let ratio = state.ratios[key.target] ?? 1024
      let (scaled, overflows) = prompt.multipliedReportingOverflow(by: ratio)
      return (overflows ? prompt : max(scaled / 1024, 1), state.answers[key.group]?.high)
    }
  }

  /// How long an answer of which nothing was seen will have been.
  package func meanAnswer(_ key: LessonKey) -> Int? { state.withLock { $0.answers[key.group]?.mean } }

  /// Takes note of a whole answer.
  ///
  /// - Parameters:
  ///   - estimate: of the prompt, before any correction.
  ///   - prompt: what the provider counted.
  package func learn(_ key: LessonKey, estimate: Int, prompt: Int, answer: Int) {
    state.withLock { state in
      if estimate >= Self.leastPrompt, prompt > 0, prompt < 1 << 40 {
        let seen = min(max(prompt * 1024 / estimate, 256), 4096)
        if let known = state.ratios[key.target] {
          state.ratios[key.target] = known + (seen - known) / 8
        } else if state.ratios.count < Self.ceiling {
          // The first one is worth more than a guess.
          state.ratios[key.target] = seen
        }
      }
      if state.answers[key.group] != nil || state.answers.count < Self.ceiling {
        state.answers[key.group, default: AnswerLengths()].add(answer)
      }
    }
  }
}

/// The lengths of the last answers.
struct AnswerLengths: Sendable {
  private static let count = 64
  /// In the order in which they came.
  private var recent: [UInt32] = []
  private var next = 0
  private var sorted: [UInt32] = []

  mutating func add(_ tokens: Int) {
    let value = UInt32(clamping: tokens)
    if recent.count < Self.count {
      recent.append(value)
    } else {
      let old = recent[next]
      recent[next] = value
      next = (next + 1) % Self.count
      if let place = sorted.firstIndex(of: old) { sorted.remove(at: place) }
    }
    sorted.insert(value, at: sorted.firstIndex { $0 > value } ?? sorted.count)
  }

  /// A quarter more than all but one in twenty have had.
  var high: Int? {
    guard !sorted.isEmpty else { return nil }
    let value = Int(sorted[min(sorted.count * 95 / 100, sorted.count - 1)])
    return value + (value + 3) / 4
  }

  var mean: Int? {
    guard !recent.isEmpty else { return nil }
    return recent.reduce(0) { $0 + Int($1) } / recent.count
  }
}
