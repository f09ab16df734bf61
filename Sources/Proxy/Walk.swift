// THE PAGE: the way of every request, top to bottom. A step takes what is known and adds to it; no step knows the
// next one. Whatever happens, the walk comes to `account`, once.
//
//   accept → receive → admit → route → attempt → relay → account
//   (ClientConnection)  (one file a step, named after it)

internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// Goes the whole way.
  ///
  /// - Returns: whether the connection takes another request.
  func run() async -> Bool {
    guard let connection else { return false }
    do throws(Refusal) {
      guard try await connection.receiveHead(self) else { return abandon() }
      try read(connection)
      if connection.entrance.role == .admin {
        await answerAdmin(connection)
      } else if !answerHealth() {
        count()
        try admit(connection)
        var isAnswered = answerPreflight(connection)
        if !isAnswered, asksForModels { isAnswered = try await answerModels(connection) }
        if !isAnswered {
          try await receive(connection)
          try choose(connection)
          if try await attempt(connection) { try await relay(connection) }
        }
      }
    } catch {
      refuse(error, connection)
    }
    let goesOn = leaveAnswer(to: connection) ? true : await finish(connection)
    account(connection)
    return goesOn
  }

  /// The client left before it had said what it wants.
  private func abandon() -> Bool {
    record.end = .clientGone
    record.status = 499
    record.isSilent = true
    return false
  }

  /// Sends what still waits for the client, and says whether the connection can go on.
  private func finish(_ connection: ClientConnection) async -> Bool {
    let deadline = now + Deadline.stalledClient
    while record.end != .clientGone, !outbound.isEmpty {
      do throws(IOFault) {
        if try connection.socket.write(from: &outbound) { break }
      } catch {
        record.end = .clientGone
        break
      }
      let wake = await connection.parker.park(until: deadline)
      if connection.socket.hasFailed || (wake == .deadline && now >= deadline) { record.end = .clientGone }
    }
    switch record.end {
    case .clientGone: return false
    case .complete: break
    case .upstreamEOF, .error, .idleTimeout, .shutdown:
      // A body that is cut must not look whole: no last chunk, no close_notify.
      if hasAnswered, isCutShort {
        connection.socket.close(isCut: true, abruptly: head.minor == 0)
        return false
      }
    }
    // What is left of a body would pass for the next request.
    if connection.mustClose || !head.keepsAlive || !uploadFlow.hasEnded {
      if !uploadFlow.hasEnded || !hasHead || connection.socket.hasReadable { await connection.linger() }
      return false
    }
    return true
  }
}
