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

extension Exchange {
  /// Moves what can be moved of the request towards the upstream.
  func pump(_ socket: Socket, _ connection: ClientConnection) throws(IOFault) -> Pumping {
    // A bound, so that a fast upload leaves turns to other connections.
    for _ in 0..<16 {
      if upstreamOut.isEmpty, case .buffered(let at) = upload, at > 0,
        try sendBody(socket, from: at) == .blocked
      {
        return .blocked
      }
      let isComplete = fill(connection)
      // A body that is broken ends here: not a byte more of it goes out.
      if uploadFault != nil { return .blocked }
      if upstreamOut.isEmpty { return isComplete ? .sent : .blocked }
      if try !socket.write(from: &upstreamOut, hasMore: hasMoreAtHand) { return .blocked }
      if isComplete { return .sent }
    }
    return .interrupted
  }

  /// Whether more of the body lies here and goes out at once, behind what is in `upstreamOut`.
  private var hasMoreAtHand: Bool {
    if case .buffered(let at) = upload { return at < body.count }
    return false
  }

  /// Sends what can be sent of a body that isn't changed from `start` on without copying it, a record at a time; the
  /// last piece is left to `fill`.
  private func sendBody(_ socket: Socket, from start: Int) throws(IOFault) -> Pumping {
    var at = start
    defer { upload = .buffered(at: at) }
    for _ in 0..<4 {
      guard body.count - at > Ceiling.record, !splice.touches(at..<at + Ceiling.record) else { break }
      guard let sent = try socket.write(body, at..<at + Ceiling.record) else { return .blocked }
      at += sent
    }
    return .interrupted
  }

  /// Goes on with a request whose answer has begun. An upstream that takes no more of it has its reasons.
  func pumpOn(_ socket: Socket, _ connection: ClientConnection) {
    guard let pumping = try? pump(socket, connection), uploadFault == nil else {
      hasSent = true
      connection.mustClose = true
      return
    }
    hasSent = pumping == .sent
    if pumping == .interrupted { connection.parker.signal() }
  }

  /// Fills `upstreamOut` up to the window.
  ///
  /// - Returns: whether the request's last byte is in it.
  private func fill(_ connection: ClientConnection) -> Bool {
    switch upload {
    case .none, .sent: return true
    case .followed: return follow(connection)
    case .buffered(var at):
      // As much as one record of TLS takes: that fits into a block, and what follows is sent from where it lies.
      at = splice.fill(&upstreamOut, upTo: Ceiling.record, from: body.view, at: at)
      upload = .buffered(at: at)
      return at == body.count
    case .translated(let at):
      guard let bytes = translation?.request.body.view else { return true }
      let end = min(at + Ceiling.record, bytes.count)
      upstreamOut.append(bytes.extracting(at..<end))
      upload = .translated(at: end)
      return end == bytes.count
    case .streamed(let isChunked):
      while upstreamOut.count < state.window {
        if !body.isEmpty {
          fillFromHeld(isChunked)
          continue
        }
        if uploadFlow.hasEnded { break }
        guard fillFromClient(connection, isChunked) else { return false }
      }
      guard body.isEmpty, uploadFlow.hasEnded else { return false }
      if isChunked { HeadWriter.lastChunk(to: &upstreamOut) }
      upload = .sent
      return true
    }
  }

  /// Moves a piece over of what was read before the body turned out not to be read.
  private func fillFromHeld(_ isChunked: Bool) {
    let count = min(body.count, Ceiling.piece)
    let data = body.view.extracting(0..<count)
    if isChunked { HeadWriter.chunk(data, to: &upstreamOut) } else { upstreamOut.append(data) }
    body.consume(count)
  }

  /// Moves a piece of the client's body over; false if none is there.
  private func fillFromClient(_ connection: ClientConnection, _ isChunked: Bool) -> Bool {
    if connection.inbound.isEmpty {
      // A fault or an end shows as `peerHasClosed`, which ends the exchange.
      _ = try? connection.socket.read(into: &connection.inbound, ceiling: Ceiling.window)
      if connection.inbound.isEmpty { return false }
    }
    var at = 0
    do throws(ChunkFault) {
      scan: while true {
        switch try uploadFlow.next(connection.inbound.view, from: at) {
        case .data(let range):
          let data = connection.inbound.view.extracting(range)
          record.requestBytes += data.count
          if isChunked { HeadWriter.chunk(data, to: &upstreamOut) } else { upstreamOut.append(data) }
          at = range.upperBound
        case .more(let consumed), .end(let consumed):
          at = consumed
          break scan
        }
      }
    } catch {
      uploadFault = .malformedBody("The request body is not well chunked: \(error.message).")
      return false
    }
    connection.inbound.consume(at)
    return true
  }
}
