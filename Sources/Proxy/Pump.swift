// The request on its way upstream: as much as the socket takes, a window at a time.

internal import Dialects
internal import HTTP
internal import Policy
internal import Transport
internal import Wire

/// How far the request has got.
enum Pumping {
  case sent
  /// The upstream takes no more now, or the client has brought no more.
  case blocked
  /// There is more to move at once, after others had their turn.
  case interrupted
}

extension Attempt {
  /// Moves what can be moved of the request towards the upstream.
  func pump() throws(IOFault) -> Pumping {
    guard let socket = call.socket else { return .blocked }
    // A bound, so that a fast upload leaves turns to other connections.
    for _ in 0..<16 {
      if call.out.isEmpty, case .kept(let at) = tried.sending.upload, at > 0,
        try sendKept(socket, from: at) == .blocked
      {
        return .blocked
      }
      let isComplete = fill()
      // A body that is broken ends here: not a byte more of it goes out.
      if ask.body.fault != nil { return .blocked }
      if call.out.isEmpty { return isComplete ? .sent : .blocked }
      if try !socket.write(from: &call.out, hasMore: hasMoreAtHand) { return .blocked }
      if isComplete { return .sent }
    }
    return .interrupted
  }

  /// Whether more of the body lies here and goes out at once, behind what is in `call.out`.
  private var hasMoreAtHand: Bool {
    if case .kept(let at) = tried.sending.upload { return at < conversation.end(of: ask.body.bytes.count) }
    return false
  }

  /// Sends what can be sent of a body that isn't changed from `start` on without copying it, a record at a time; the
  /// last piece is left to `fill`.
  private func sendKept(_ socket: Socket, from start: Int) throws(IOFault) -> Pumping {
    var at = start
    defer { tried.sending.upload = .kept(at: at) }
    for _ in 0..<4 {
      let stretch = try conversation.sendStretch(of: Ceiling.record, from: at, in: ask.body.bytes) {
        (queue, range) throws(IOFault) in try socket.write(queue, range)
      }
      switch stretch {
      case .sent(let count): at += count
      case .blocked: return .blocked
      case nil: return .interrupted
      }
    }
    return .interrupted
  }

  /// Goes on with a request whose answer has begun. Where the upstream takes no more of it, the rest is given up: the
  /// answer counts.
  func pumpOn() {
    guard let pumping = try? pump(), ask.body.fault == nil else {
      call.hasSent = true
      connection.mustClose = true
      return
    }
    call.hasSent = pumping == .sent
    if pumping == .interrupted { connection.parker.signal() }
  }

  /// Fills `call.out` up to the window.
  ///
  /// - Returns: whether the request's last byte is in it.
  private func fill() -> Bool {
    switch tried.sending.upload {
    case .sent: return true
    case .followed: return follow()
    case .kept(let at):
      // As much as one record of TLS takes: that fits into a block, and what follows is sent from where it lies.
      let end = conversation.fill(&call.out, upTo: Ceiling.record, from: unsafe ask.body.bytes.view, at: at)
      tried.sending.upload = .kept(at: end)
      return end == conversation.end(of: ask.body.bytes.count)
    case .streamed(let isChunked):
      while call.out.count < state.window {
        if !ask.body.bytes.isEmpty {
          fillFromHeld(isChunked)
          continue
        }
        if ask.body.flow.hasEnded { break }
        guard fillFromClient(isChunked) else { return false }
      }
      guard ask.body.bytes.isEmpty, ask.body.flow.hasEnded else { return false }
      if isChunked { HeadWriter.lastChunk(to: &call.out) }
      tried.sending.upload = .sent
      return true
    }
  }

  /// Moves a piece of what was read before the body turned out to be none that is read here.
  private func fillFromHeld(_ isChunked: Bool) {
    let count = min(ask.body.bytes.count, Ceiling.piece)
    // SAFETY: while it is in use, nothing changes the queue.
    let data = unsafe ask.body.bytes.view.extracting(0..<count)
    if isChunked { HeadWriter.chunk(data, to: &call.out) } else { call.out.append(data) }
    ask.body.bytes.consume(count)
  }

  /// Moves a piece of the client's body over; false if none is there.
  private func fillFromClient(_ isChunked: Bool) -> Bool {
    if connection.inbound.isEmpty {
      // A fault or an end shows as `peerHasClosed`, which ends the exchange.
      _ = try? connection.socket.read(into: &connection.inbound, ceiling: Ceiling.window)
      if connection.inbound.isEmpty { return false }
    }
    var at = 0
    do throws(ChunkFault) {
      scan: while true {
        switch try ask.body.flow.next(unsafe connection.inbound.view, from: at) {
        case .data(let range):
          // SAFETY: while it is in use, nothing changes the queue.
          let data = unsafe connection.inbound.view.extracting(range)
          ask.body.received += data.count
          ask.body.listener?.take(data)
          if isChunked { HeadWriter.chunk(data, to: &call.out) } else { call.out.append(data) }
          at = range.upperBound
        case .more(let consumed), .end(let consumed):
          at = consumed
          break scan
        }
      }
    } catch {
      ask.body.fault = .malformedBody("The request body is not well chunked: \(error.message).")
      return false
    }
    connection.inbound.consume(at)
    return true
  }
}
