// A long JSON body. Once its target is chosen, the rest of it isn't kept: it is checked, changed and sent on through one
// bounded window, and where it turns out to be no JSON, the request to the upstream ends in the middle.
//
// A body up to `Ceiling.kept` is read whole before anything is sent, so that the request can be repeated; so is one
// that doesn't name its model early, and one that its provider needs in another form.

internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Ask {
  /// Whether enough of the body is here to choose by, and too much to keep all of it.
  var mayFollow: Bool {
    body.bytes.count >= Ceiling.kept && target.isFullService && body.scanner.found(.model)?.isComplete == true
      && body.scanner.decidedEnd == body.scanner.offset
  }

  /// Whether JSON is still on its way.
  var awaitsMore: Bool { body.isJSON && !body.flow.hasEnded }

  /// After the choice, where JSON is still on its way: reads the rest of a body that is needed whole, or arranges that
  /// it follows.
  func meet(_ demand: BodyDemand, _ connection: ClientConnection) async throws(Refusal) {
    if demand == .keep { return try await readRest(connection) }
    body.isFollowed = true
    body.start = 0
  }
}

extension Attempt {
  /// Moves what can be moved of a body that follows to `call.out`.
  ///
  /// - Returns: whether its last byte is in it.
  func follow() -> Bool {
    let body = ask.body
    while true {
      passage.pass(
        &body.bytes, from: &body.start, to: body.scanner.decidedEnd, into: &call.out, upTo: Ceiling.piece,
        pool: loop.blocks)
      if call.out.count >= Ceiling.piece { return false }
      if body.flow.hasEnded {
        do throws(JSONFault) { try body.scanner.finish() } catch { return breakOff(error) }
        HeadWriter.lastChunk(to: &call.out)
        tried.sending.upload = .sent
        return true
      }
      let before = body.bytes.count
      let hasTaken: Bool
      do throws(Refusal) { hasTaken = try ask.takeBody(connection) } catch {
        body.fault = error
        return false
      }
      if !hasTaken, !body.flow.hasEnded { return false }
      body.received += body.bytes.count - before
      if body.received > lineup.snapshot.maxBody {
        state.shard.refused(.bodyTooLarge)
        body.fault = .bodyTooLarge(limit: lineup.snapshot.maxBody)
        return false
      }
      do throws(JSONFault) {
        try body.scanner.feed(unsafe body.bytes.view.extracting(before..<body.bytes.count))
      } catch {
        return breakOff(error)
      }
      readMore()
      if body.fault != nil { return false }
    }
  }

  /// Reads what has come, and notes what must change in it.
  private func readMore() {
    let body = ask.body
    do throws(RequestFacts.Fault) {
      try passage.follow(
        &body.facts, unsafe body.bytes.view, from: body.start, body.scanner, mayAddUsage: mayAddUsage)
    } catch { body.fault = Refusal(error) }
  }

  /// Notes that the body is no JSON, which ends it here.
  private func breakOff(_ fault: JSONFault) -> Bool {
    state.shard.refused(.invalidJSON)
    ask.body.fault = .invalidJSON(fault)
    return false
  }
}
