// What the client asks for, and as much of its body as must be read to know where it goes.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Ask {
  /// Takes from the head what every answer needs: the request's id, and what the target means.
  func read(_ connection: ClientConnection) throws(Refusal) {
    target = Target(head, headBytes)
    // GET lists stored completions on the path where new ones are made, and a method may mean something else for
    // responses too. On the other served paths only POST means anything.
    switch (target.endpoint, head.method) {
    case (.chatCompletions, .get), (.chatCompletions, .head): target.endpoint = .other
    case (.responses, .post), (.responses, .put): break
    case (.responses, _): target.endpoint = .other
    default: break
    }
    // While draining, what still comes is served. Clients outside the pod are sent away with their answer; the
    // application inside it has nowhere else to go.
    if !head.keepsAlive || state.drain.hasBegun && !entrance.isLoopback || state.drain.isOver {
      connection.mustClose = true
    }
    body.flow.begin(head.framing)
    takeRequestID()
    if state.drain.isOver, entrance.role == .proxy { throw .draining }
  }

  /// Refuses what can't be served, as far as the head shows it.
  func check() throws(Refusal) {
    if target.isFullService {
      guard case .post = head.method else {
        throw .methodNotAllowed("\(head.method.text)", path: shownPath, allow: "POST")
      }
      if case .none = head.framing {
        state.shard.refused(.lengthRequired)
        throw .lengthRequired
      }
    }
    if target.isFullService { try takeCoding() }
    body.isJSON = target.isFullService || holdsJSON()
    guard body.isJSON else { return }
    if case .length(let count) = head.framing, count > lineup.snapshot.maxBody {
      state.shard.refused(.bodyTooLarge)
      throw .bodyTooLarge(limit: lineup.snapshot.maxBody)
    }
    if case .length(let count) = head.framing { try state.admitBody(min(count, Ceiling.kept), beside: 0) }
  }

  /// Reads the body where something in it decides or must change, as far as it is here; any other body stays where it
  /// is.
  ///
  /// - Returns: false where more of it must be awaited.
  func receiveAtOnce(_ connection: ClientConnection) throws(Refusal) -> Bool {
    guard body.isJSON else {
      receivedAt = now
      return true
    }
    body.scanner.reset(
      watching: trace != nil
        ? RequestFacts.traced : lineup.meters != nil ? RequestFacts.weighed : RequestFacts.watched)
    if case .length(let count) = head.framing {
      body.bytes.reserve(min(count, Ceiling.kept + BlockPool.blockSize))
    }
    switch try readPiece(connection, false) {
    case .enough: try endReading(isText: true)
    case .unreadable: try endReading(isText: false)
    case .more, .blocked: return false
    }
    return true
  }

  /// Reads as much of the body as is needed, behind `receiveAtOnce`.
  func receive(_ connection: ClientConnection) async throws(Refusal) {
    try endReading(isText: try await readBody(connection, whole: false))
  }

  /// Reads from the body what decides.
  private func endReading(isText: Bool) throws(Refusal) {
    receivedAt = now
    body.received = body.bytes.count
    let isRead = isText ? try readFacts() : false
    if !isRead { leaveUnread() }
  }

  /// Has the content coding taken off a body that is read here. On other paths codings are between the client and its
  /// provider.
  private func takeCoding() throws(Refusal) {
    guard let field = head.first(.contentEncoding) else { return }
    let coding = ContentCoding(head.fields, in: headBytes)
    if coding == .other {
      throw .unsupportedCoding(Self.shown(headBytes.extracting(field.value).text()))
    }
    body.flow.begin(head.framing, coding: coding)
  }

  /// Whether the body says of itself that it is JSON. SDKs say so of an empty one, too.
  private func holdsJSON() -> Bool {
    guard head.framing != .none, head.framing != .length(0), let field = head.first(.contentType) else {
      return false
    }
    return headBytes.extracting(field.value).isMediaType("application/json")
  }

  /// Gives up reading a body outside the served endpoints. What Remora can't read there is for the provider to judge: it
  /// goes on as it came, to the default provider. The part that was read already is in `body`.
  private func leaveUnread() {
    body.isJSON = false
    setModel { _ in }
  }

  /// Whether the client waits to be told to go on with a body (RFC 9110 section 10.1.1).
  func awaitsGo(_ connection: ClientConnection) -> Bool {
    head.expectsContinue && head.framing != .none && connection.inbound.isEmpty
  }

  /// Reads the rest of a body that can't follow.
  func readRest(_ connection: ClientConnection) async throws(Refusal) {
    _ = try await readBody(connection, whole: true)
    receivedAt = now
    body.received = body.bytes.count
    _ = try readFacts()
  }

  /// Reads the body into `body`.
  ///
  /// - Parameter whole: whether all of it is needed; else a long one may follow (LongBody.swift).
  /// - Returns: false where it is no JSON and need not be.
  private func readBody(_ connection: ClientConnection, whole: Bool) async throws(Refusal) -> Bool {
    var heardAt = now
    while true {
      let before = body.bytes.count
      let reading = try readPiece(connection, whole)
      if body.bytes.count > before { heardAt = now }
      switch reading {
      case .enough: return true
      case .unreadable: return false
      case .more: break
      case .blocked:
        let deadline = heardAt + state.bodyPatience
        if await connection.parker.park(until: deadline) == .deadline, now >= deadline {
          state.shard.refused(.timeout)
          throw .slow("request body")
        }
      }
    }
  }

  private enum Reading {
    case enough
    /// There is more at hand.
    case more
    case blocked
    /// It is no JSON, and goes on all the same.
    case unreadable
  }

  /// Reads what has come of the body. A function of its own, so that its locals take no memory while the body is
  /// awaited.
  @inline(never)
  private func readPiece(_ connection: ClientConnection, _ whole: Bool) throws(Refusal) -> Reading {
    let before = body.bytes.count
    let hasTaken = try takeBody(connection)
    let ceiling = lineup.snapshot.maxBody
    if body.bytes.count > ceiling {
      state.shard.refused(.bodyTooLarge)
      throw .bodyTooLarge(limit: ceiling)
    }
    if body.bytes.count > before {
      do throws(JSONFault) {
        try body.scanner.feed(unsafe body.bytes.view.extracting(before..<body.bytes.count))
      } catch {
        if !target.isFullService { return .unreadable }
        state.shard.refused(.invalidJSON)
        throw .invalidJSON(error)
      }
    }
    if body.flow.hasEnded || (!whole && mayFollow) { return .enough }
    if body.bytes.room < BlockPool.blockSize { try growBody() }
    if body.flow.holdsMore || connection.socket.hasReadable && hasTaken { return .more }
    if connection.socket.peerHasClosed, !connection.socket.hasReadable { throw .clientGone }
    return .blocked
  }

  /// Finds memory for more of the body. A client that has sent its first 256 KiB is believed about the length that it
  /// announced.
  private func growBody() throws(Refusal) {
    let held = body.bytes.count + body.bytes.room
    let more: Int
    if case .length = body.flow.framing, !body.flow.isCoded {
      if body.bytes.room >= body.flow.remaining { return }
      more = body.flow.remaining
    } else {
      more = min(max(body.bytes.count, BlockPool.blockSize), 4 << 20)
    }
    try state.admitBody(body.bytes.count + more, beside: held)
    body.bytes.reserve(more)
  }

  /// Moves what has come of the body into `body`.
  ///
  /// - Returns: whether anything has come, even if only a part of the framing.
  func takeBody(_ connection: ClientConnection) throws(Refusal) -> Bool {
    let before = body.bytes.count
    // SAFETY: while it is in use, nothing changes the queue.
    defer { body.listener?.take(unsafe body.bytes.view.extracting(before..<body.bytes.count)) }
    if body.flow.isCoded { return try takeCodedBody(connection) }
    if case .length = body.flow.framing, connection.inbound.isEmpty, body.flow.remaining > 0 {
      // Straight from the socket to where it stays.
      let step: ReadStep
      do throws(IOFault) {
        step = try connection.socket.read(into: &body.bytes, ceiling: min(body.flow.remaining, Ceiling.kept))
      } catch { throw .clientGone }
      if step == .end { throw .clientGone }
      body.flow.skip(body.bytes.count - before)
      return body.bytes.count > before
    }
    try fillInbound(connection)
    var at = 0
    do throws(ChunkFault) {
      scan: while true {
        switch try body.flow.next(unsafe connection.inbound.view, from: at) {
        case .data(let range):
          body.bytes.append(connection.inbound, range)
          at = range.upperBound
        case .more(let consumed), .end(let consumed):
          at = consumed
          break scan
        }
      }
    } catch {
      state.shard.refused(.malformedBody)
      throw .malformedBody("The request body is not well chunked: \(error.message).")
    }
    connection.inbound.consume(at)
    return at > 0
  }

  private func fillInbound(_ connection: ClientConnection) throws(Refusal) {
    guard connection.inbound.isEmpty else { return }
    guard let step = try? connection.socket.read(into: &connection.inbound, ceiling: BlockPool.blockSize)
    else { throw .clientGone }
    if step == .end { throw .clientGone }
  }

  /// As `takeBody`, for a body in a coding: takes no more than there is room for, because it can grow a thousandfold.
  private func takeCodedBody(_ connection: ClientConnection) throws(Refusal) -> Bool {
    let heldMore = body.flow.holdsMore
    if !heldMore { try fillInbound(connection) }
    if body.bytes.room < BlockPool.blockSize { try growBody() }
    let before = connection.inbound.count
    do throws(BodyFault) {
      try body.flow.take(&connection.inbound, into: &body.bytes, limit: body.bytes.room)
    } catch {
      state.shard.refused(.malformedBody)
      switch error {
      case .framing(let fault):
        throw .malformedBody("The request body is not well chunked: \(fault.message).")
      case .coding(let fault): throw .malformedCoding(fault)
      }
    }
    return heldMore || connection.inbound.count < before
  }

  /// Reads a body that was changed here: it is as good JSON as before.
  func readAgain() throws(Refusal) {
    body.scanner.reset(watching: lineup.meters == nil ? RequestFacts.watched : RequestFacts.weighed)
    do throws(JSONFault) { try body.scanner.feed(unsafe body.bytes.view) } catch { throw .invalidJSON(error) }
    _ = try readFacts()
  }

  /// Reads from the text what decides where the request goes, and how.
  ///
  /// - Returns: false where the text doesn't say, and doesn't have to.
  private func readFacts() throws(Refusal) -> Bool {
    if body.flow.hasEnded {
      do throws(JSONFault) { try body.scanner.finish() } catch {
        if !target.isFullService { return false }
        state.shard.refused(.invalidJSON)
        throw .invalidJSON(error)
      }
    }
    if !target.isFullService {
      guard body.scanner.topLevelKind == .object else { return false }
      if let found = body.scanner.found(.model), found.kind != .string { return false }
    }
    do throws(RequestFacts.Fault) { try body.facts.read(unsafe body.bytes.view, body.scanner) } catch {
      // Only the name counts there; what other members mean is the provider's affair.
      if target.isFullService { throw Refusal(error) }
    }
    guard let found = body.scanner.found(.model) else { return true }
    if found.value.count > Ceiling.modelName {
      if !target.isFullService { return false }
      throw .modelMissing("'model' is longer than a name can be.")
    }
    // A body that is needed whole is read a second time.
    setModel { JSONString.decode(unsafe body.bytes.view, found.value, into: &$0) }
    if !model.isEmpty { return true }
    if !target.isFullService { return false }
    throw .modelMissing("'model' is empty; name a model.")
  }
}

extension Refusal {
  init(_ fault: RequestFacts.Fault) {
    switch fault {
    case .notAnObject: self = .invalidValue("The request body must be a JSON object.", parameter: nil)
    case .wrongType(let parameter, let expected):
      self = .invalidValue("'\(parameter)' must be \(expected).", parameter: "\(parameter)")
    }
  }
}
