// Step 4 for answers that may need repair: read whole, looked at, sent with a length of their own.
//
// Blank lines that a provider sends while it works are no part of the answer. Because nothing is sent before the
// answer is whole, one that breaks off is a clean 502.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// Whether an answer of this upstream is looked at before it goes on.
  func looksAtWhole(_ upstream: Upstream) -> Bool {
    guard upstream.quirks.repairsAnswers, replyFlow.framing != .none else { return false }
    switch target.shape {
    case .chat, .completion: return true
    case .embedding: return facts.wantsBase64
    case .response, .other: return false
    }
  }

  func relayWhole(
    _ upstream: Upstream, _ socket: Socket, _ connection: ClientConnection
  ) async throws(Refusal) {
    try await readWhole(upstream, socket, connection)
    release(upstream, socket, connection)
    try deliver(upstream, connection)
  }

  /// Sends what `pending` holds. Not a part of `relayWhole`, so that what looks at it is no part of a task's memory.
  private func deliver(_ upstream: Upstream, _ connection: ClientConnection) throws(Refusal) {
    var start = 0
    while start < pending.count, pending.view[start] <= ASCII.space { start += 1 }
    pending.consume(start)
    staging.removeAll()
    var repair = ReplyRepair()
    let finding = repair.read(
      pending.view, target.shape, wantsBase64: facts.wantsBase64, provider: upstream.name, into: &staging)
    switch finding {
    case .fine, .beyondRepair: answerWhole(pending.view, upstream, connection)
    case .repaired:
      pending.clear()
      pending.append(staging.view)
      answerWhole(pending.view, upstream, connection)
    case .error(let status):
      if hasOwnKey(upstream), status == 401 || status == 403 {
        throw .upstreamAuth(upstream.name, status: status, key: upstream.settings.keyPlace)
      }
      writeWholeHead(status, connection, count: staging.count)
      sendStaging()
    case .givenUp(let reason):
      answerFault(Fault.givenUp(pending.view, reason), connection)
    case .invalid(let fault):
      throw .protocolBroken(
        upstream.name, "its answer is not valid JSON: \(fault.reason.message) at byte \(start + fault.offset)"
      )
    }
  }

  /// Reads the answer's body into `pending`.
  func readWhole(
    _ upstream: Upstream, _ socket: Socket, _ connection: ClientConnection
  ) async throws(Refusal) {
    while true {
      do throws(BodyFault) { try takeReply(into: &pending) } catch {
        throw .protocolBroken(upstream.name, "\(error.message)")
      }
      if replyFlow.hasEnded { return }
      if pending.count > Ceiling.wholeReply {
        throw .protocolBroken(upstream.name, "its answer is larger than \(Ceiling.wholeReply) bytes")
      }
      let arrival = await more(upstream, socket, connection, .look)
      if case .bytes = arrival { continue }
      if case .end = arrival, replyFlow.mayEndHere { return }
      try fail(arrival, upstream)
    }
  }

  private func answerWhole(_ body: Span<UInt8>, _ upstream: Upstream, _ connection: ClientConnection) {
    staging.removeAll()
    passing.reset(insertsMember: prepareMetadata() && PassReply.takesMember(body))
    passing.piece(body, member: metadata.view, into: &staging)
    record.usage = passing.usage
    writeWholeHead(reply.status, connection, count: staging.count)
    sendStaging()
  }

  private func writeWholeHead(_ status: Int, _ connection: ClientConnection, count: Int) {
    record.status = status
    isChunkedOut = false
    HeadWriter.statusLine(status, to: &outbound)
    writeReplyFields(replacesBody: false)
    writeCommonFields(connection)
    HeadWriter.field("Content-Length", count, to: &outbound)
    HeadWriter.end(to: &outbound)
    hasAnswered = true
  }
}
