// One small call of Remora's own: a head and a body out, a whole answer back. It has a deadline and a ceiling, and leaves
// no secret readable in memory. Tokens, keys and lists of models are asked for this way.

package import Transport
package import Wire

/// A place that is asked.
package struct FetchPlace: Sendable {
  package let endpoint: Endpoint
  /// What `Host` says.
  package let host: [UInt8]
  /// Path and query, as they are sent.
  package let target: [UInt8]
  package let tls: TLSContext?
  /// The address as messages show it: without the query.
  package let shown: String

  package init(endpoint: Endpoint, host: [UInt8], target: [UInt8], tls: TLSContext?, shown: String) {
    self.endpoint = endpoint
    self.host = host
    self.target = target
    self.tls = tls
    self.shown = shown
  }
}

/// What is asked.
package struct FetchRequest: ~Copyable {
  package let place: FetchPlace
  package let method: Method
  /// Header lines, each with its CR LF; `Host`, `Accept`, `User-Agent` and the framing are written beside them.
  package var fields = ByteQueue()
  package var body = ByteQueue()
  /// What the body is.
  package var contentType: StaticString = "application/x-www-form-urlencoded"
  /// Bytes that the answer may have, head and all.
  package var ceiling: Int
  /// Who asks, and what the answer may be.
  package var userAgent: [UInt8] = Array("remora".utf8)
  package var accepts: StaticString = "application/json"
  /// Asking twice does no harm, whatever the method.
  package var isRepeatable = false
  /// The answer is, or holds, a secret: whatever memory it lay in is overwritten.
  package var isAnswerSecret = false

  package init(_ method: Method, _ place: FetchPlace, ceiling: Int) {
    self.method = method
    self.place = place
    self.ceiling = ceiling
  }

  /// Makes the body a form of one more pair. The value may be a secret.
  package mutating func appendForm(_ name: StaticString, _ value: Span<UInt8>) {
    if !body.isEmpty { body.append("&") }
    body.append(name)
    body.append("=")
    var from = 0
    for at in 0..<value.count {
      let byte = value[at]
      if ASCII.isNameByte(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") { continue }
      body.append(secret: value.extracting(from..<at))
      body.append("%")
      for digit in [byte >> 4, byte & 15] { body.append(digit < 10 ? 0x30 + digit : 0x37 + digit) }
      from = at + 1
    }
    body.append(secret: value.extracting(from..<value.count))
  }

  /// Appends a field whose value is a secret.
  package mutating func appendField(_ name: StaticString, secret: Span<UInt8>) {
    fields.append(name)
    fields.append(": ")
    fields.append(secret: secret)
    fields.append("\r\n")
  }
}

/// What was answered.
package struct FetchAnswer: ~Copyable {
  package let status: Int
  /// What the server's clock said, in seconds since 1970; nil where it didn't.
  package let date: Int?
  /// Seconds after which to ask again; nil where it said none.
  package var retryAfter: Int?
  /// Scanned by nobody yet.
  package var body: ByteQueue
}

/// Why there is no answer.
package enum FetchFault: Error, Equatable, Sendable {
  case unreachable(DialFault)
  case lost(IOFault)
  case slow
  case malformed(HeadFault)
  /// The connection ended before the answer did.
  case cutShort
  case tooLarge(ceiling: Int)
  /// The body has a content coding that can't be taken off.
  case coded
  /// There is an answer, of another status than was hoped for; never thrown by `Fetch` itself.
  case status(Int)

  /// What is wrong, as the end of a sentence about the place.
  package var message: String {
    switch self {
    case .unreachable(let fault): "could not be reached: \(Self.reason(fault))"
    case .lost(let fault): "broke the connection: \(Self.reason(fault))"
    case .slow: "did not answer in time"
    case .malformed(let fault): "broke the protocol: \(fault.message)"
    case .cutShort: "closed the connection before its answer was whole"
    case .tooLarge(let ceiling): "answered with more than \(ceiling) bytes"
    case .coded: "answered in a content coding that was not asked for"
    case .status(let status): "answered \(status)"
    }
  }

  private static func reason(_ fault: DialFault) -> String {
    switch fault {
    case .resolve(let fault): "the name '\(fault.host)' has no address: \(fault.reason)"
    case .connect(let reason): reason
    case .tls(let fault): fault.message
    case .timedOut: "no connection in time"
    case .exhausted: "all connections that there may be are in use"
    case .abandoned: "the connection was given up"
    case .system(let fault): fault.description
    }
  }

  private static func reason(_ fault: IOFault) -> String {
    switch fault {
    case .system(let fault): fault.reason
    case .truncated: "it ended without TLS's own end"
    case .tls(let fault): fault.message
    }
  }
}

/// Where a call's connection comes from.
package enum FetchLine {
  /// A connection of its own, which is closed behind it.
  ///
  /// - Parameter within: how long it may take to make.
  case own(Dialer, within: Interval)
  /// One of a pool's, which is given back. The place's endpoint is the pool's.
  case pooled(Pool)
}

package enum Fetch {
  /// Asks, and reads the whole answer.
  ///
  /// - Parameter parker: where this task waits.
  package static func run(
    _ request: consuming FetchRequest, over line: FetchLine, parker: Parker, until deadline: Instant
  ) async throws(FetchFault) -> FetchAnswer {
    switch line {
    case .own(let dialer, let time):
      let socket: Socket
      do throws(DialFault) {
        socket = try await dialer.dial(
          request.place.endpoint, tls: request.place.tls, sessions: nil, parker: parker, client: nil,
          until: min(deadline, parker.loop.now + time))
      } catch { throw .unreachable(error) }
      defer { socket.close() }
      var fate = Fate()
      return try await call(request, on: socket, closes: true, parker, until: deadline, &fate)
    case .pooled(let pool):
      return try await run(request, over: pool, parker, until: deadline)
    }
  }

  /// What may become of a connection behind an answer.
  private struct Fate {
    var mayReuse = false
    var promise: Int?
  }

  private static func run(
    _ request: borrowing FetchRequest, over pool: Pool, _ parker: Parker, until deadline: Instant
  ) async throws(FetchFault) -> FetchAnswer {
    var freshness = Freshness.any
    while true {
      let lease: Pool.Lease
      do throws(DialFault) { lease = try await pool.lease(freshness, parker: parker, client: nil) } catch {
        throw .unreachable(error)
      }
      do throws(FetchFault) {
        var fate = Fate()
        let answer = try await call(request, on: lease.socket, closes: false, parker, until: deadline, &fate)
        // A 408 was on its way before the request was (RFC 9110 section 15.5.9).
        if answer.status == 408, lease.isReused, isSafe(request) {
          pool.discard(lease.socket)
          freshness = .new
          continue
        }
        if fate.mayReuse {
          pool.giveBack(lease.socket, promise: fate.promise)
        } else {
          pool.discard(lease.socket)
        }
        return answer
      } catch {
        pool.discard(lease.socket)
        // A kept connection may have died since it was used.
        guard lease.isReused, isSafe(request), mayBeDead(error) else { throw error }
        freshness = .new
      }
    }
  }

  private static func isSafe(_ request: borrowing FetchRequest) -> Bool {
    request.isRepeatable || request.method == .get || request.method == .head
  }

  private static func mayBeDead(_ fault: FetchFault) -> Bool {
    switch fault {
    case .lost, .cutShort: true
    case .unreachable, .slow, .malformed, .tooLarge, .coded, .status: false
    }
  }

  // MARK: One call

  private static func call(
    _ request: borrowing FetchRequest, on socket: Socket, closes: Bool, _ parker: Parker,
    until deadline: Instant, _ fate: inout Fate
  ) async throws(FetchFault) -> FetchAnswer {
    // What OpenSSL has decrypted would stay in its buffer until something else came.
    if request.isAnswerSecret { socket.leavesNoPlaintext() }
    var out = ByteQueue()
    write(request, closes: closes, into: &out)
    while true {
      do throws(IOFault) { if try socket.write(from: &out) { break } } catch { throw .lost(error) }
      try await wait(parker, until: deadline)
    }
    return try await receive(request, socket, parker, until: deadline, &fate)
  }

  private static func write(_ request: borrowing FetchRequest, closes: Bool, into out: inout ByteQueue) {
    out.reserve(request.fields.count + request.body.count + request.place.target.count + 512)
    HeadWriter.requestLine(method: request.method, target: request.place.target.span, to: &out)
    HeadWriter.field("host", request.place.host.span, to: &out)
    HeadWriter.field("user-agent", request.userAgent.span, to: &out)
    HeadWriter.field("accept", request.accepts, to: &out)
    HeadWriter.field("accept-encoding", "identity", to: &out)
    if closes { HeadWriter.field("connection", "close", to: &out) }
    out.append(secret: request.fields.bytes)
    if case .post = request.method {
      HeadWriter.field("content-type", request.contentType, to: &out)
      HeadWriter.framing(.length(request.body.count), to: &out)
    }
    HeadWriter.end(to: &out)
    out.append(secret: request.body.bytes)
  }

  private static func wait(_ parker: Parker, until deadline: Instant) async throws(FetchFault) {
    if await parker.park(until: deadline) == .deadline, parker.loop.now >= deadline { throw .slow }
  }

  // MARK: The answer

  private static func receive(
    _ request: borrowing FetchRequest, _ socket: Socket, _ parker: Parker, until deadline: Instant,
    _ fate: inout Fate
  ) async throws(FetchFault) -> FetchAnswer {
    var raw = request.isAnswerSecret ? ByteQueue.forSecrets() : ByteQueue()
    var reader = AnswerParts(request.method)
    while true {
      do throws(HeadFault) { try reader.read(raw.bytes) } catch { throw .malformed(error) }
      if reader.hasEnded { break }
      guard raw.count < request.ceiling else { throw .tooLarge(ceiling: request.ceiling) }
      let step: ReadStep
      do throws(IOFault) {
        step = try socket.read(into: &raw, ceiling: min(request.ceiling - raw.count, 256 << 10))
      } catch { throw .lost(error) }
      switch step {
      case .bytes: continue
      case .wouldBlock: try await wait(parker, until: deadline)
      case .end:
        guard reader.endsWithConnection else { throw .cutShort }
        return try reader.answer(raw.bytes, to: request)
      }
    }
    // What has come behind the answer belongs to nothing that was asked.
    fate = Fate(mayReuse: reader.mayReuse(raw.bytes), promise: reader.promise)
    return try reader.answer(raw.bytes, to: request)
  }

  /// The head and the pieces of the body of one answer, as places in what has come.
  private struct AnswerParts: ~Copyable {
    private let method: Method
    private var heads = HeadScanner(for: .upstream, skipsEmptyLines: false)
    private var head = ResponseHead()
    private var date: Int?
    private var retryAfter: Int?
    /// `head` is whole, and `flow` that of its body.
    private var hasHead = false
    private var flow = BodyFlow(.none)
    private var coding = ContentCoding.identity
    private var pieces: [Range<Int>] = []
    private var at = 0
    private(set) var hasEnded = false

    init(_ method: Method) { self.method = method }

    /// Whether the connection's end is that of the body.
    var endsWithConnection: Bool { hasHead && flow.framing == .untilClose }

    /// Reads on; `bytes` are all that has come so far.
    mutating func read(_ bytes: Span<UInt8>) throws(HeadFault) {
      while !hasHead {
        let rest = bytes.extracting(at..<bytes.count)
        guard let count = try head.read(rest, &heads) else { return }
        if !head.isInterim {
          if let field = head.fields.first(.date) {
            date = CivilTime.unixSeconds(httpDate: rest.extracting(field.value))
          }
          if let field = head.fields.first(.retryAfter) {
            retryAfter = Int(rest.extracting(field.value).text())
          }
          coding = ContentCoding(head.fields, in: rest)
          flow = BodyFlow(try head.framing(toMethod: method))
          hasHead = true
        }
        at += count
      }
      while !hasEnded {
        guard let step = try? flow.next(bytes, from: at) else { throw .transferEncoding }
        switch step {
        case .data(let range):
          pieces.append(range)
          at = range.upperBound
        case .more(let consumed):
          at = consumed
          hasEnded = flow.hasEnded
          return
        case .end(let consumed):
          at = consumed
          hasEnded = true
        }
        if flow.hasEnded { hasEnded = true }
      }
    }

    /// Whether the connection is as good as new behind the answer; `bytes` are all that has come.
    func mayReuse(_ bytes: Span<UInt8>) -> Bool {
      head.keepsAlive && !head.mustNotReuse && flow.framing != .untilClose && at == bytes.count
    }

    /// Seconds for which the server says that it keeps the connection.
    var promise: Int? { head.keepAliveTimeout }

    /// The answer in `bytes`, which are all that has come.
    func answer(
      _ bytes: Span<UInt8>, to request: borrowing FetchRequest
    ) throws(FetchFault) -> FetchAnswer {
      var body = request.isAnswerSecret ? ByteQueue.forSecrets() : ByteQueue()
      body.reserve(max(bytes.count, 1))
      for piece in pieces { body.append(bytes.extracting(piece)) }
      // A secret that came in a coding would lie about in more places than are wiped: it is no answer.
      if coding == .identity || body.isEmpty || request.isAnswerSecret {
        return FetchAnswer(status: head.status, date: date, retryAfter: retryAfter, body: body)
      }
      guard coding != .other else { throw .coded }
      var plain = ByteQueue()
      var decoder = ContentDecoder(coding)
      var isFull = false
      do throws(ContentFault) {
        var at = 0
        isFull = try decoder.next(body.bytes, from: &at, into: &plain, limit: request.ceiling)
        if !isFull { try decoder.finish() }
      } catch { throw .coded }
      if isFull { throw .tooLarge(ceiling: request.ceiling) }
      return FetchAnswer(status: head.status, date: date, retryAfter: retryAfter, body: plain)
    }
  }
}
