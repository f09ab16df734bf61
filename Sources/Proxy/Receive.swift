// Step 1: what the client wants, and as much of its body as must be read to know where it goes.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What a request's path asks for, as offsets into the head.
struct Target {
  /// The API, which decides how bodies are read.
  var endpoint = APIEndpoint.other
  /// The path behind `/v1`, or the whole of it where that is left out.
  var path = 0..<0
  var query: Range<Int>?

  /// The shape of the endpoint's bodies.
  var shape: BodyShape {
    switch endpoint {
    case .chatCompletions: .chat
    case .completions: .completion
    case .embeddings: .embedding
    case .responses: .response
    case .models, .other: .other
    }
  }

  /// Whether the endpoint is one of those that Remora serves in full: JSON in, JSON or a stream out.
  var isFullService: Bool {
    switch endpoint {
    case .chatCompletions, .completions, .embeddings, .responses: true
    case .models, .other: false
    }
  }

  init() {}

  init(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) {
    path = head.path
    query = head.query
    let whole = bytes.extracting(path)
    if whole.equals("/v1") {
      path = path.upperBound..<path.upperBound
    } else if whole.count >= 4, whole.extracting(0..<4).equals("/v1/") {
      path = path.lowerBound + 3..<path.upperBound
    }
    let rest = bytes.extracting(path)
    switch rest.count {
    case 17 where rest.equals("/chat/completions"): endpoint = .chatCompletions
    case 12 where rest.equals("/completions"): endpoint = .completions
    case 11 where rest.equals("/embeddings"): endpoint = .embeddings
    case 10 where rest.equals("/responses"): endpoint = .responses
    case 7 where rest.equals("/models"): endpoint = .models
    default:
      if rest.count > 8, rest.extracting(0..<8).equals("/models/") { endpoint = .models }
    }
  }
}

extension Exchange {
  /// Takes from the head what every answer needs: the request's id, and what the target means.
  func read(_ connection: ClientConnection) throws(Refusal) {
    target = Target(head, headBytes.view)
    // Stored completions are listed where new ones are made; a served path has another method's meaning nowhere else.
    switch (target.endpoint, head.method) {
    case (.chatCompletions, .get), (.chatCompletions, .head): target.endpoint = .other
    case (.responses, .post), (.responses, .put): break
    case (.responses, _): target.endpoint = .other
    default: break
    }
    record.endpoint = target.endpoint
    // While draining, what still comes is served. Clients outside the pod are sent away with their answer; the
    // application inside it has nowhere else to go.
    if !head.keepsAlive || state.isDraining && !connection.entrance.isLoopback || state.isOver {
      connection.mustClose = true
    }
    uploadFlow = BodyFlow(head.framing)
    takeRequestID()
    if state.isOver, connection.entrance.role == .proxy { throw .draining }
  }

  /// Keeps the caller's request id where it is fit for a header and a log, else makes one.
  private func takeRequestID() {
    requestID.clear()
    if let field = head.first(.xRequestID), !field.value.isEmpty, field.value.count <= Ceiling.requestID {
      let value = headBytes.view.extracting(field.value)
      var isFit = true
      for at in 0..<value.count where value[at] <= ASCII.space || value[at] >= 0x7F { isFit = false }
      if isFit { return requestID.append(value) }
    }
    makeRequestID()
  }

  func makeRequestID() {
    requestID.append("req_")
    requestID.append(hexadecimalWord: state.nextRandom())
    requestID.append(hexadecimalWord: state.nextRandom())
  }

  /// Refuses what a web page could send to a loopback port: DNS rebinding shows in Host, another site in Origin.
  func admit(_ connection: ClientConnection) throws(Refusal) {
    try state.admitExchange()
    let bytes = headBytes.view
    // The admin port's paths mean nothing here, and no provider has them.
    let path = bytes.extracting(head.path)
    if path.equals("/metrics") || path.equals("/readyz") || path.equals("/quitquitquit") {
      throw .notFound(shownPath())
    }
    if case .other = target.endpoint, let meant = Spelling.served(meantBy: path) {
      throw .misspelt(shownPath(), meant: meant)
    }
    if connection.entrance.isLoopback {
      if let authority = head.authority ?? head.host {
        try admitHost(bytes, authority, connection)
        // An absolute target and a Host that differ are two hosts: both must be ours.
        if head.authority != nil, let host = head.host { try admitHost(bytes, host, connection) }
      }
      if let origin = head.first(.origin) {
        let text = bytes.extracting(origin.value).text()
        if !lineup.snapshot.settings.allowedOrigins.contains(text) {
          state.shard.refused(.foreignOrigin)
          throw .foreignOrigin(Self.shown(text))
        }
        isOriginAllowed = true
      }
    } else if let authority = head.authority, let host = head.host,
      !bytes.extracting(authority).equals(bytes.extracting(host))
    {
      state.shard.refused(.foreignHost)
      throw .foreignHost(Self.shown(bytes.extracting(authority).text()))
    }
  }

  private func admitHost(
    _ bytes: Span<UInt8>, _ authority: Range<Int>, _ connection: ClientConnection
  ) throws(Refusal) {
    if isOwnHost(authority) { return }
    state.shard.refused(.foreignHost)
    let host = (try? Authority.split(bytes, authority).host) ?? authority
    throw .foreignHost(Self.shown(bytes.extracting(host).text()))
  }

  /// Whether `authority`, a place in the head, names this pod's loopback, a listen address, or one of `allowed_hosts`.
  func isOwnHost(_ authority: Range<Int>) -> Bool {
    let text = headBytes.view.extracting(authority)
    // What SDKs send, without a look at any list.
    if text.count >= 9, text.count == 9 || text[9] == ASCII.colon,
      text.extracting(0..<9).equals("localhost") || text.extracting(0..<9).equals("127.0.0.1")
    {
      return true
    }
    // The head's parser has looked at it.
    guard let range = try? Authority.split(headBytes.view, authority).host else { return false }
    let host = headBytes.view.extracting(range).text()
    let plain = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host.lowercased()
    if plain == "localhost" || plain.hasSuffix(".localhost") { return true }
    if let address = Transport.Address(ip: plain, port: 0), address.isLoopback { return true }
    let settings = lineup.snapshot.settings
    if settings.allowedHosts.contains(plain) { return true }
    for entry in settings.listen {
      if case .tcp(let name, _) = entry.address, name.lowercased() == plain { return true }
    }
    return false
  }

  /// A client's text, cut for a message.
  static func shown(_ text: String) -> String { String(text.prefix(128)) }

  /// Reads the body where something in it decides or must change; any other body stays where it is.
  func receive(_ connection: ClientConnection) async throws(Refusal) {
    if target.isFullService {
      guard case .post = head.method else {
        throw .methodNotAllowed("\(head.method.text)", path: shownPath(), allow: "POST")
      }
      if case .none = head.framing {
        state.shard.refused(.lengthRequired)
        throw .lengthRequired
      }
    }
    if target.isFullService { try takeCoding() }
    isJSON = target.isFullService || holdsJSON()
    guard isJSON else {
      upload = head.framing == .none ? .sent : .streamed(isChunked: head.framing == .chunked)
      if head.framing != .none { try await allowBody(connection) }
      record.receivedAt = now
      return
    }
    if case .length(let count) = head.framing, count > lineup.snapshot.maxBody {
      state.shard.refused(.bodyTooLarge)
      throw .bodyTooLarge(limit: lineup.snapshot.maxBody)
    }
    if case .length(let count) = head.framing { try state.admitBody(min(count, Ceiling.kept), beside: 0) }
    try await allowBody(connection)
    scanner.reset(watching: RequestFacts.watched)
    if case .length(let count) = head.framing { body.reserve(min(count, Ceiling.kept + BlockPool.blockSize)) }
    let isText = try await readBody(connection, whole: false)
    record.receivedAt = now
    record.requestBytes = body.count
    upload = .buffered(at: 0)
    let isRead = isText ? try readFacts() : false
    if !isRead { leaveUnread() }
  }

  /// Has a body in a coding read as what it says. Elsewhere codings are between the client and its provider.
  private func takeCoding() throws(Refusal) {
    guard let field = head.first(.contentEncoding) else { return }
    let coding = ContentCoding(head.fields, in: headBytes.view)
    if coding == .other {
      throw .unsupportedCoding(Self.shown(headBytes.view.extracting(field.value).text()))
    }
    uploadFlow = BodyFlow(head.framing, coding: coding)
  }

  /// Whether the body says of itself that it is JSON. SDKs say so of an empty one, too.
  private func holdsJSON() -> Bool {
    guard head.framing != .none, head.framing != .length(0), let field = head.first(.contentType) else {
      return false
    }
    return headBytes.view.extracting(field.value).isMediaType("application/json")
  }

  /// Outside of the served endpoints, whose bodies Remora answers for: what it can't read is the provider's to judge, and
  /// goes on as it came, to the default one. What has come of it is in `body`.
  private func leaveUnread() {
    isJSON = false
    modelAsked.clear()
    upload = .streamed(isChunked: head.framing == .chunked)
  }

  /// The path as a message may show it: without the query, which can hold keys.
  func shownPath() -> String { Self.shown(headBytes.view.extracting(head.path).text()) }

  /// Tells a client that waits for it to go on (RFC 9110 section 10.1.1).
  private func allowBody(_ connection: ClientConnection) async throws(Refusal) {
    guard head.expectsContinue, connection.inbound.isEmpty else { return }
    outbound.append("HTTP/1.1 100 Continue\r\n\r\n")
    // A fault here is found again when the body is read.
    _ = try? connection.socket.write(from: &outbound)
  }

  /// Reads the rest of a body that can't follow.
  func readRest(_ connection: ClientConnection) async throws(Refusal) {
    _ = try await readBody(connection, whole: true)
    record.receivedAt = now
    record.requestBytes = body.count
    _ = try readFacts()
  }

  /// Reads the body into `body`.
  ///
  /// - Parameter whole: whether all of it is needed; else a long one may follow (LongBody.swift).
  /// - Returns: false where it is no JSON and need not be.
  private func readBody(_ connection: ClientConnection, whole: Bool) async throws(Refusal) -> Bool {
    var deadline = now + Deadline.body
    while true {
      let before = body.count
      let reading = try readPiece(connection, whole)
      if body.count > before { deadline = now + Deadline.body }
      switch reading {
      case .enough: return true
      case .unreadable: return false
      case .more: break
      case .blocked:
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

  /// Reads what has come of the body. Apart, so that what it needs is not kept for as long as the body is awaited.
  @inline(never)
  private func readPiece(_ connection: ClientConnection, _ whole: Bool) throws(Refusal) -> Reading {
    let before = body.count
    let hasTaken = try takeBody(connection)
    let ceiling = lineup.snapshot.maxBody
    if body.count > ceiling {
      state.shard.refused(.bodyTooLarge)
      throw .bodyTooLarge(limit: ceiling)
    }
    if body.count > before {
      do throws(JSONFault) { try scanner.feed(body.view.extracting(before..<body.count)) } catch {
        if !target.isFullService { return .unreadable }
        state.shard.refused(.invalidJSON)
        throw .invalidJSON(error)
      }
    }
    if uploadFlow.hasEnded || (!whole && mayFollow) { return .enough }
    if body.room < BlockPool.blockSize { try growBody() }
    if uploadFlow.holdsMore || connection.socket.hasReadable && hasTaken { return .more }
    if connection.socket.peerHasClosed, !connection.socket.hasReadable { throw .clientGone }
    return .blocked
  }

  /// Finds memory for more of the body. Whoever has sent a megabyte of a length that was announced is believed.
  private func growBody() throws(Refusal) {
    let held = body.count + body.room
    let more: Int
    if case .length = uploadFlow.framing, !uploadFlow.isCoded {
      if body.room >= uploadFlow.remaining { return }
      more = uploadFlow.remaining
    } else {
      more = min(max(body.count, BlockPool.blockSize), 4 << 20)
    }
    try state.admitBody(body.count + more, beside: held)
    body.reserve(more)
  }

  /// Moves what has come of the body into `body`.
  ///
  /// - Returns: whether anything has come, be it no more than a part of the framing.
  func takeBody(_ connection: ClientConnection) throws(Refusal) -> Bool {
    if uploadFlow.isCoded { return try takeCodedBody(connection) }
    if case .length = uploadFlow.framing, connection.inbound.isEmpty, uploadFlow.remaining > 0 {
      // Straight from the socket to where it stays.
      let before = body.count
      let step: ReadStep
      do throws(IOFault) {
        step = try connection.socket.read(into: &body, ceiling: min(uploadFlow.remaining, Ceiling.kept))
      } catch { throw .clientGone }
      if step == .end { throw .clientGone }
      uploadFlow.skip(body.count - before)
      return body.count > before
    }
    try fillInbound(connection)
    var at = 0
    do throws(ChunkFault) {
      scan: while true {
        switch try uploadFlow.next(connection.inbound.view, from: at) {
        case .data(let range):
          body.append(connection.inbound.view.extracting(range))
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

  /// As `takeBody`: no more than there is room for, which is asked for as the body's memory is.
  private func takeCodedBody(_ connection: ClientConnection) throws(Refusal) -> Bool {
    let heldMore = uploadFlow.holdsMore
    if !heldMore { try fillInbound(connection) }
    if body.room < BlockPool.blockSize { try growBody() }
    let before = connection.inbound.count
    do throws(BodyFault) {
      try uploadFlow.take(&connection.inbound, into: &body, limit: body.room)
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

  static func refusal(_ fault: RequestFacts.Fault) -> Refusal {
    switch fault {
    case .notAnObject: .invalidValue("The request body must be a JSON object.", parameter: nil)
    case .wrongType(let parameter, let expected):
      .invalidValue("'\(parameter)' must be \(expected).", parameter: "\(parameter)")
    }
  }

  /// Takes from the text what decides where it goes, and how.
  ///
  /// - Returns: false where it doesn't say, and need not.
  private func readFacts() throws(Refusal) -> Bool {
    if uploadFlow.hasEnded {
      do throws(JSONFault) { try scanner.finish() } catch {
        if !target.isFullService { return false }
        state.shard.refused(.invalidJSON)
        throw .invalidJSON(error)
      }
    }
    if !target.isFullService {
      guard scanner.topLevelKind == .object else { return false }
      if let model = scanner.found(.model), model.kind != .string { return false }
    }
    do throws(RequestFacts.Fault) { try facts.read(body.view, scanner) } catch {
      // The name leads on; whatever else there is has a meaning of its own there.
      if target.isFullService { throw Self.refusal(error) }
    }
    record.isStream = facts.streams
    guard let model = scanner.found(.model) else { return true }
    if model.value.count > Ceiling.modelName {
      if !target.isFullService { return false }
      throw .modelMissing("'model' is longer than a name can be.")
    }
    // A body that is needed whole is read a second time.
    modelAsked.clear()
    JSONString.decode(body.view, model.value, into: &modelAsked)
    if !modelAsked.isEmpty { return true }
    if !target.isFullService { return false }
    throw .modelMissing("'model' is empty; name a model.")
  }
}
