// Sending that is left for the end of the loop's round.
//
// Under load many tasks are ready at once. Each does its work and leaves its sending; when all have had their turn, the
// loop sends for them, one after the other. A peer that is woken by the first packet finds the others there too, and
// each wake-up that this saves is worth a microsecond and more. The task need not wait for that: it goes on to
// where it waits for an answer, or for the next request, and hears of its sending only if that did not go well.

internal import HTTP
internal import Telemetry
internal import Transport
internal import Wire

// MARK: The request

extension Attempt: Straggler {
  /// Leaves the request's first bytes to `roundEnds`.
  func sendLater() {
    tried.sending.isLater = true
    loop.atEndOfRound(self)
  }

  /// What came of `sendLater`, once; then what comes of `pump`.
  func takeLate() throws(IOFault) -> Pumping {
    guard let late = tried.sending.late else { return try pump() }
    tried.sending.late = nil
    return try late.get()
  }

  func roundEnds() {
    // The exchange may have ended meanwhile.
    guard tried.sending.isLater else { return }
    tried.sending.isLater = false
    do throws(IOFault) {
      let pumping = try pump()
      if pumping == .sent { return noteSent() }
      tried.sending.late = .success(pumping)
    } catch { tried.sending.late = .failure(error) }
    connection.parker.signal()
  }
}

// MARK: The answer

extension Exchange {
  /// Whether another request may follow once the answer is sent: it is whole, and so is its request.
  func mayGoOn(_ connection: ClientConnection) -> Bool {
    guard case .complete = record.end else { return false }
    return !connection.mustClose && ask.head.keepsAlive && ask.body.flow.hasEnded
      && !connection.socket.hasFailed
  }

  /// Leaves the answer to its connection, where it is whole, another request may follow it, and it can wait for others.
  func leaveAnswer(to connection: ClientConnection) -> Bool {
    guard loop.isBusy, !answer.outbound.isEmpty, mayGoOn(connection) else { return false }
    // It counts as under way until it is sent.
    state.hold()
    connection.sendLater(&answer.outbound)
    return true
  }
}
