// The beginning of an answer, held back until it is one: up to there, another target can still give it.
//
// A provider may answer 200 and then fail, before it has said anything that the model made. What such a stream has
// brought is thrown away and the next target asked; nothing of two answers ever meets in one.

internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What reading the beginning of a stream has come to.
private enum Opening {
  /// It has brought something that the model made, or must be taken for good.
  case begun
  case failed(Failure)
  /// The client has been sent nothing for the heartbeat's time.
  case quiet
}

/// An answer whose beginning is held.
struct Opened {
  var facts: ReplyFacts
  /// Nil until the conversation has begun.
  var manner: Manner?
}

extension Exchange {
  /// The most that is held: a stream that has brought so much has begun, whatever it says.
  private static let mostHeld = 16 << 10

  /// Reads a good answer until it is certain that it is one.
  ///
  /// - Returns: why it is none; nil where it can go to the client.
  @inline(never)
  func hold(_ attempt: Attempt, _ connection: ClientConnection) async throws(Refusal) -> Failure? {
    attempt.tried.carriage.patience = Patience(at: now, stalled: state.patience.stalled)
    if attempt.call.reply.first(.contentEncoding) != nil { try attempt.refuseCoding() }
    var facts = attempt.replyFacts
    if attempt.isUnlabelled(facts) { try await attempt.lookAtOpening(&facts) }
    attempt.tried.beginning.opened = Opened(facts: facts)
    if let strange = attempt.conversation.strangeness(of: facts, isFullService: ask.target.isFullService) {
      throw .notTheAPI(attempt.upstream.name, strange)
    }
    let manner = begin(facts, attempt)
    attempt.tried.beginning.opened = Opened(facts: facts, manner: manner)
    guardText(manner, attempt)
    if manner == .whole, try !attempt.readAtOnce(upTo: Ceiling.wholeReply) {
      try await attempt.readWhole(upTo: Ceiling.wholeReply)
    }
    guard manner == .events else { return nil }
    attempt.tried.beginning.isHeld = true
    defer { attempt.tried.beginning.isHeld = false }
    while true {
      switch try await attempt.readOpening(most: Self.mostHeld) {
      case .begun: return nil
      case .failed(let failure): return failure
      case .quiet: reassure(attempt, connection)
      }
    }
  }
}

extension Exchange {
  /// Shows a client that has waited for long that its request is being worked on. The head goes out with that, and only
  /// the head: another target can still give the answer, as long as it gives a stream.
  @inline(never)
  private func reassure(_ attempt: Attempt, _ connection: ClientConnection) {
    if !answer.hasBegun { begin(.events, attempt, connection) }
    answer.piece { EventEncoder.comment(into: &$0) }
  }
}

extension Attempt {
  /// Lets go of a try whose answer nobody gets.
  func giveUp(_ failure: Failure) {
    held.removeAll()
    // An error that has been read leaves the connection as good as it was.
    if call.flow.hasEnded, tried.failure == nil { release() } else { call.drop() }
  }

  /// Reads a stream into `held` until it has brought something that the model made.
  fileprivate func readOpening(most: Int) async throws(Refusal) -> Opening {
    while true {
      try passOn()
      // Of other APIs than the chat's every event counts as content.
      if ask.target.endpoint == .chatCompletions, conversation.hasContent { return .begun }
      // SAFETY: while it is in use, nothing changes the queue.
      if conversation.hasFailed || conversation.tellsError(inEvents: unsafe held.view) {
        return .failed(Failure(FailureClass(status: 200, text: unsafe held.view)))
      }
      if conversation.hasContent || held.count > most { return .begun }
      if call.flow.hasEnded || conversation.hasEnded {
        // An answer may be empty, as long as it says why it ends.
        return endsWithoutWord ? .failed(Failure(.overload)) : .begun
      }
      switch await more(.events) {
      case .bytes: continue
      case .beat: return .quiet
      case .end where call.flow.mayEndHere: return endsWithoutWord ? .failed(Failure(.overload)) : .begun
      case .timeout where now >= tried.deadlines.content: return .failed(Failure(.silent))
      case let arrival: try fail(arrival)
      }
      if now >= tried.deadlines.content { return .failed(Failure(.silent)) }
    }
  }

  private var endsWithoutWord: Bool {
    // SAFETY: while it is in use, nothing changes the queue.
    let text = unsafe held.view
    var rest = text
    while let at = rest.first(of: "\"finish_reason\":") {
      rest = rest.extracting((at + 16)...)
      var start = 0
      while start < rest.count, rest[start] <= ASCII.space { start += 1 }
      if start < rest.count, rest[start] == ASCII.quote { return false }
    }
    // Only a chat's stream says why it ends in this way.
    return ask.target.endpoint == .chatCompletions
  }
}
