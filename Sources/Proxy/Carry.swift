// The body of an answer on its way to the client, as it comes, under backpressure.
//
// One loop serves every kind of answer: it passes on what has come, sends it, reads from the upstream while the window
// has room, and parks when neither goes on. What becomes of the bytes is the conversation's.
//
// A chunk that comes while the task sleeps needs no task: the try, as the parker's deputy, passes it on (`act`), and the
// task sleeps on. The task is woken for more than a chunk: an end, a fault, a client that doesn't keep up. In a stream
// that is rare, and waking it for each chunk would cost as much as reading the chunk.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What waiting for more of an answer came to.
enum Arrival {
  case bytes
  /// The upstream has closed in good order.
  case end
  case broken(IOFault)
  /// What came can't go on.
  case refused(Refusal)
  /// Nothing was sent to the client for the heartbeat's time.
  case beat
  case timeout
  case clientGone
  /// The process ends.
  case shutdown
  /// What must be held of the answer is more than the process may hold.
  case noMemory
}

extension Attempt {
  /// Brings what has come of a body to the client.
  ///
  /// - Returns: whether that was all of it.
  func carryAtOnce(_ manner: Manner) throws(Refusal) -> Bool {
    do throws(Refusal) { try passOn() } catch {
      if manner != .events || answer.count == 0 { answer.takeBack() }
      throw error
    }
    return isCarried
  }

  /// Whether nothing more is to be brought: the body has ended, or has gone wrong.
  private var isCarried: Bool { call.flow.hasEnded || conversation.hasFailed }

  /// Brings the rest of a body to the client, behind `carryAtOnce`, until it has ended, or has said all that it can.
  ///
  /// - Returns: false where a stream has said its last word but the end of its framing did not come.
  func carry(_ manner: Manner) async throws(Refusal) -> Bool {
    while true {
      let arrival = await more(manner)
      switch arrival {
      case .bytes:
        try passOn()
        if isCarried { return true }
        continue
      case .beat:
        answer.piece { EventEncoder.comment(into: &$0) }
        continue
      case .end: if call.flow.mayEndHere { return true }
      default: break
      }
      // What the provider had to say was said: only its framing is missing. A client that leaves then has had it all: SDKs
      // do as soon as they see the last event.
      if conversation.hasEnded {
        guard case .clientGone = arrival, !answer.outbound.isEmpty else { return false }
      }
      try fail(arrival)
    }
  }

  /// Moves what has come of the body to the client.
  ///
  /// - Throws: what is wrong with it; what came before that is the provider's word, and has been moved.
  @inline(never)
  func passOn() throws(Refusal) {
    if call.incoming.isEmpty, !call.flow.holdsMore { return }
    let conversation = conversation
    do throws(Refusal) {
      if tried.beginning.isHeld {
        try take(from: conversation, into: &held)
      } else {
        try answer.piece { (out) throws(Refusal) in try take(from: conversation, into: &out) }
      }
      if let gate = tried.carriage.gate, gate.isBlocked, let refusal = ask.watch?.refusal { throw refusal }
    } catch {
      // The client has been told already, in the stream, of what went wrong first.
      if !conversation.hasFailed { throw error }
    }
    if tried.times.firstTokenAt == nil, conversation.hasContent { tried.times.firstTokenAt = now }
    if ask.turn != nil { remember() }
  }

  @inline(__always)
  private func take(from conversation: Conversation, into out: inout ByteQueue) throws(Refusal) {
    let before = out.count
    defer {
      if conversation.tellsFailure { mask(&out, from: before) }
      if let write = ask.cache.write { write.take(out.bytes.extracting(before..<out.count)) }
    }
    try call.takeBody(limit: state.window) {
      .protocolBroken(upstream.name, "\($0.message)")
    } _: { (bytes) throws(Refusal) in
      do throws(TakeFault) {
        if let gate = tried.carriage.gate {
          try take(bytes, gate, into: &out)
        } else {
          try conversation.take(bytes, member: unsafe metadata.view, into: &out)
        }
      } catch { throw Refusal(error, provider: upstream.name) }
    }
    if tried.carriage.owesBreakdown { tellBreakdown(into: &out, from: before) }
  }

  /// Turns an arrival that ends the answer into what the client is told.
  @inline(never)
  func fail(_ arrival: Arrival) throws(Refusal) {
    let name = upstream.name
    switch arrival {
    case .bytes, .beat: return
    case .refused(let refusal): throw refusal
    case .clientGone: throw .clientGone
    case .shutdown: throw .draining
    case .noMemory:
      state.shard.refused(.overloaded)
      throw .noMemory
    case .timeout:
      throw .timeout(name, "sent nothing for \(upstream.waits.timeouts.idle.shown) (timeouts.idle)")
    case .end, .broken(.truncated):
      tried.carriage.wasCut = true
      throw .protocolBroken(name, "the connection ended before the answer did")
    case .broken(.tls(let fault)):
      tried.carriage.wasCut = true
      throw .protocolBroken(name, "the connection broke before the answer ended: \(fault.message)")
    case .broken(.system(let fault)):
      tried.carriage.wasCut = true
      throw .protocolBroken(name, "the connection broke before the answer ended: \(fault.reason)")
    }
  }

  // MARK: Reading whole

  /// Feeds what has come of a body to the conversation, which keeps it.
  ///
  /// - Returns: whether that was all of it.
  func readAtOnce(upTo ceiling: Int) throws(Refusal) -> Bool {
    try passOn()
    if call.flow.hasEnded { return true }
    if conversation.heldCount > ceiling {
      throw .protocolBroken(upstream.name, "its answer is larger than \(ceiling) bytes")
    }
    return false
  }

  /// Feeds the rest of a body to the conversation, behind `readAtOnce`.
  func readWhole(upTo ceiling: Int) async throws(Refusal) {
    while true {
      let arrival = await more(nil)
      if case .bytes = arrival {
        if try readAtOnce(upTo: ceiling) { return }
        continue
      }
      if case .end = arrival, call.flow.mayEndHere { return }
      try fail(arrival)
    }
  }

  /// Reads an error's body into `errorText`, up to `Fault.ceiling`. Where it breaks off, what has come of it will do: the
  /// status says most.
  func readError() async throws(Refusal) {
    if let coding = foreignCoding {
      errorText.append("The provider's message has the Content-Encoding '\(coding)', which can't be read.")
      return
    }
    // On paths whose answers aren't read, a body in a coding is opaque.
    let isOpaque = !readsAnswer && call.reply.first(.contentEncoding) != nil
    reading: while !isOpaque, errorText.count < Fault.ceiling {
      holdsError()
      do throws(BodyFault) {
        try call.takeBody(
          limit: Fault.ceiling, { $0 }, { (bytes) throws(BodyFault) in errorText.append(bytes) })
      } catch {
        if case .coding = error { break }
        throw .protocolBroken(upstream.name, "\(error.message)")
      }
      if call.flow.hasEnded { break }
      switch await more(nil) {
      case .bytes, .beat: continue
      case .clientGone: throw .clientGone
      case .end, .broken, .timeout, .shutdown, .noMemory, .refused: break reading
      }
    }
    errorText.truncate(to: min(errorText.count, Fault.ceiling))
    wipeEcho()
  }

  /// Whether only the body can show what the answer is: on an endpoint that Remora serves it is JSON or a stream, which
  /// some servers call something else, or nothing.
  func isUnlabelled(_ facts: ReplyFacts) -> Bool {
    switch facts.media {
    case .none, .other: break
    // What was asked for comes under the name of what wasn't, too.
    case .json where ask.body.facts.streams: break
    default: return false
    }
    return ask.target.isFullService && facts.status < 300 && facts.hasBody && conversation.mayBeMislabelled
  }

  /// Waits for the first bytes of the body, and says in `facts` what it shows.
  func lookAtOpening(_ facts: inout ReplyFacts) async throws(Refusal) {
    if call.flow.isCoded { return }
    var isOver = false
    while !isOver, opening == nil, !showsItsStart {
      switch await more(nil) {
      case .bytes, .beat: continue
      // What there is shows it.
      case .end: isOver = true
      case let arrival: try fail(arrival)
      }
    }
    switch opening {
    case .other?, nil:
      if facts.media == .json || conversation.takesAnyOpening { return }
      let isEmpty = lookAtStart { $0.isEmpty }
      // Nothing but blanks so far: what follows tells.
      if opening == nil, !isOver, !isHere { return }
      throw .notTheAPI(
        upstream.name,
        "it answered \(facts.status) with " + (isEmpty ? "an empty body" : "neither JSON nor a stream"))
    case facts.media?: break
    case let media?:
      facts.media = media
      facts.isMislabelled = true
    }
  }

  /// What the body shows itself to be, so far as it is here; nil where that can't be told.
  private var opening: Media? { lookAtStart { Media(firstBytes: $0) } }

  /// Waits for the first bytes of a JSON body: its length is promised ahead of it, so they must show whether a member
  /// can go in.
  func awaitOpening() async throws(Refusal) {
    while !PassReply.takesMember(unsafe call.incoming.view),
      call.incoming.count < min(call.flow.remaining, 4096)
    {
      switch await more(nil) {
      case .bytes, .beat: continue
      case let arrival: try fail(arrival)
      }
    }
    if !PassReply.takesMember(unsafe call.incoming.view) {
      metadata.clear()
      conversation.withoutMember()
    }
  }

  /// Whether the answer's length was given, a member is to be added to it, and what has come doesn't show that it can.
  var awaitsMember: Bool {
    guard case .length = call.flow.framing, !metadata.isEmpty, !call.flow.isCoded else { return false }
    return !PassReply.takesMember(unsafe call.incoming.view)
  }

  // MARK: Waiting

  /// Sends what waits for the client and waits until the upstream has brought more.
  ///
  /// - Parameter manner: how what comes meanwhile is passed on; `bytes` then says that the task has to see to it. Nil
  ///   where the caller looks at it first.
  func more(_ manner: Manner?) async -> Arrival {
    while true {
      guard send() else { return .clientGone }
      if connection.socket.peerHasClosed { return .clientGone }
      if state.drain.isOver { return .shutdown }
      if held(manner) > Ceiling.window, state.isShortOfMemory { return .noMemory }
      // An answer may begin before the request has ended; what is left of it goes on beside.
      if !call.hasSent { pumpOn() }
      let isFull = answer.outbound.count >= state.window
      if isFull {
        // The client decides the pace now: the upstream is not to blame for silence.
        tried.carriage.patience.heard(at: now)
      } else {
        if call.flow.holdsMore { return await takeTurn() }
        switch receive() {
        case .bytes: return await takeTurn()
        case nil: break
        case let arrival?: return arrival
        }
      }
      let isOver = conversation.hasEnded
      let idle = isOver ? Deadline.afterDone : upstream.waits.idle
      let isBacklogged = !answer.outbound.isEmpty
      let hasDeputy = manner != nil && !tried.beginning.isHeld && !isOver && call.hasSent && !isBacklogged
      tried.carriage.manner = hasDeputy ? manner : nil
      var until = tried.carriage.patience.until(
        idle: idle, beats: beats(manner), isBacklogged: isBacklogged, isFull: isFull)
      if tried.beginning.isHeld { until = min(until, tried.deadlines.content) }
      let wake = await connection.parker.park(until: until, deputy: hasDeputy ? self : nil)
      if let arrival = tried.carriage.arrived.take() { return arrival }
      guard wake == .deadline else { continue }
      if tried.beginning.isHeld, now >= tried.deadlines.content { return .timeout }
      tried.carriage.patience.note(connection.socket.progress, isBacklogged: isBacklogged, at: now)
      // While the task slept, its deputy may have begun an event.
      switch tried.carriage.patience.verdict(
        at: now, idle: idle, beats: beats(manner), isBacklogged: isBacklogged, isFull: isFull)
      {
      case .silence: return .timeout
      case .stalledClient: return .clientGone
      case .beat: return .beat
      case nil: continue
      }
    }
  }

  /// Yields now and then: a fast upstream and a fast client would keep this task running until the body ends.
  private func takeTurn() async -> Arrival {
    if tried.carriage.mustYield() { await connection.parker.yield() }
    return .bytes
  }

  /// Sends what waits for the client; false where the client is gone.
  private func send() -> Bool {
    let before = answer.outbound.count
    if before == 0 { return true }
    guard (try? connection.socket.write(from: &answer.outbound)) != nil else { return false }
    tried.carriage.patience.sent(isTaken: answer.outbound.count < before, at: now)
    return true
  }

  /// Reads what has come; nil if nothing has.
  private func receive() -> Arrival? {
    guard let socket = call.socket else { return .end }
    do throws(IOFault) {
      switch try socket.read(into: &call.incoming, ceiling: state.window) {
      case .bytes:
        tried.carriage.patience.heard(at: now)
        return .bytes
      case .end: return .end
      case .wouldBlock: return nil
      }
    } catch { return .broken(error) }
  }
}

// MARK: While the task sleeps

extension Attempt: Deputy {
  func act() -> Bool {
    guard !connection.socket.peerHasClosed, !state.drain.isOver, conversation.heldCount <= Ceiling.window
    else {
      return false
    }
    switch receive() {
    case .bytes: break
    case nil: return true
    case let arrival:
      tried.carriage.arrived = arrival
      return false
    }
    do throws(Refusal) { try passOn() } catch {
      tried.carriage.arrived = .refused(error)
      return false
    }
    // The end of an answer that waits for the disk is the task's.
    if call.flow.hasEnded, ask.lineup.snapshot.audits != nil {
      tried.carriage.arrived = .bytes
      return false
    }
    guard send() else {
      tried.carriage.arrived = .clientGone
      return false
    }
    // More than a chunk is left to the task, whose turns are counted.
    if !answer.outbound.isEmpty || call.flow.hasEnded || call.flow.holdsMore || conversation.hasEnded
      || conversation.hasFailed
      || call.socket?.hasReadable == true
    {
      tried.carriage.arrived = .bytes
      return false
    }
    connection.parker.putOff(
      to: tried.carriage.patience.until(
        idle: upstream.waits.idle, beats: beats(tried.carriage.manner), isBacklogged: false, isFull: false))
    return true
  }
}
