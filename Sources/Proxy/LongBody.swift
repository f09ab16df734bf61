// A long JSON body. Once it is known where it goes, what is still to come of it isn't kept: it is checked, changed and
// sent on through one bounded window, and if it turns out to be no JSON, the upstream is left in the middle of it.
//
// A body up to `Ceiling.kept` is read whole before anything is sent, so that the request can be repeated; so is one
// that doesn't name its model early, and one that its provider needs in another form.

internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// Whether enough of the body is here to choose by, and too much to keep all of it.
  var mayFollow: Bool {
    body.count >= Ceiling.kept && target.isFullService && scanner.found(.model)?.isComplete == true
      && scanner.decidedEnd == scanner.offset
  }

  /// After the choice, where JSON is still on its way: reads the rest of a body that is needed whole, or arranges that it follows.
  func settleBody(_ upstream: Upstream, _ connection: ClientConnection) async throws(Refusal) {
    if upstream.isMock || upstream.dialect != nil
      || !upstream.quirks.leaves(target.shape)
    {
      try await readRest(connection)
      if let route { take(route) }
      return
    }
    isFollowed = true
    upload = .followed
    bodyStart = 0
    // The client that says how its stream is to be will ask for one.
    addsUsage =
      mayAddUsage(upstream) && !facts.asksForUsage && (facts.streams || scanner.found(.streamOptions) != nil)
    facts.beginFollowing(scanner)
  }

  /// Moves what can be moved of a body that follows to `upstreamOut`; whether its last byte is there.
  func follow(_ connection: ClientConnection) -> Bool {
    while true {
      splice.pass(
        &body, from: &bodyStart, to: scanner.decidedEnd, into: &upstreamOut, upTo: Ceiling.piece,
        pool: loop.blocks)
      if upstreamOut.count >= Ceiling.piece { return false }
      if uploadFlow.hasEnded {
        do throws(JSONFault) { try scanner.finish() } catch { return breakOff(error) }
        HeadWriter.lastChunk(to: &upstreamOut)
        upload = .sent
        return true
      }
      let before = body.count
      let hasTaken: Bool
      do throws(Refusal) { hasTaken = try takeBody(connection) } catch {
        uploadFault = error
        return false
      }
      if !hasTaken, !uploadFlow.hasEnded { return false }
      record.requestBytes += body.count - before
      if record.requestBytes > lineup.snapshot.maxBody {
        state.shard.refused(.bodyTooLarge)
        uploadFault = .bodyTooLarge(limit: lineup.snapshot.maxBody)
        return false
      }
      do throws(JSONFault) { try scanner.feed(body.view.extracting(before..<body.count)) } catch {
        return breakOff(error)
      }
      readMore()
      if uploadFault != nil { return false }
    }
  }

  /// Takes note of what has come, and of what must change in it.
  private func readMore() {
    guard let upstream else { return }
    do throws(RequestFacts.Fault) {
      let mayAdd = mayAddUsage(upstream)
      if try facts.editFurther(&splice, body.view, from: bodyStart, scanner, mayAddUsage: mayAdd) {
        addsUsage = true
      }
    } catch { uploadFault = Self.refusal(error) }
    record.isStream = facts.streams
  }

  private func breakOff(_ fault: JSONFault) -> Bool {
    state.shard.refused(.invalidJSON)
    uploadFault = .invalidJSON(fault)
    return false
  }
}
