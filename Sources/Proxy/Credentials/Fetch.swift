// One small request of Remora's own: for a token or a key. It has a connection to itself, a deadline, a ceiling, and
// leaves nothing readable in memory.

internal import Config
internal import Glibc
internal import Transport
internal import Wire

/// Why there is no credential.
struct CredentialFault: Error, Sendable, Equatable {
  /// What is wrong, where, and what to do about it. Never a secret.
  var message: String
  /// Whether it may come right without anybody changing anything.
  var isPassing = true
}

/// A place that is asked.
struct FetchPlace: Sendable {
  let endpoint: Transport.Endpoint
  /// What `Host` says.
  let host: String
  /// Path and query, as they are sent.
  let target: String
  let tls: TLSContext?
  /// The address as messages show it: without the query.
  let shown: String

  /// - Parameters:
  ///   - base: scheme, host and port; its prefix comes before `target`.
  ///   - tls: what an https address is asked with.
  init(_ base: BaseURL, target: String, tls: TLSContext?) {
    let isTLS = base.scheme == .https
    let name = base.host.hasSuffix(".") ? String(base.host.dropLast()) : base.host
    endpoint = Transport.Endpoint(
      host: base.host, port: UInt16(clamping: base.port), serverName: isTLS ? name : nil)
    host = base.authority
    let whole = base.prefix + target
    self.target = whole.isEmpty ? "/" : whole
    self.tls = isTLS ? tls : nil
    shown = "\(base.scheme.rawValue)://\(base.authority)\(whole.prefix { $0 != "?" })"
  }
}

/// What is asked.
struct FetchRequest: ~Copyable {
  let place: FetchPlace
  var method: Method
  /// Header lines, each with its CR LF.
  var fields = ByteQueue()
  var body = ByteQueue()

  init(_ method: Method, _ place: FetchPlace) {
    self.method = method
    self.place = place
  }

  /// Makes the body a form of one more pair.
  mutating func appendForm(_ name: StaticString, _ value: Span<UInt8>) {
    if !body.isEmpty { body.append("&") }
    body.append(name)
    body.append("=")
    for at in 0..<value.count {
      let byte = value[at]
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
        body.append(byte)
      default:
        body.append("%")
        for digit in [byte >> 4, byte & 15] { body.append(digit < 10 ? 0x30 + digit : 0x37 + digit) }
      }
    }
  }
}

/// What was answered.
struct FetchAnswer: ~Copyable {
  let status: Int
  /// What the server's clock said, in seconds since 1970; nil where it didn't.
  let date: Int?
  /// One JSON value, or XML; scanned by nobody yet.
  var body: ByteQueue
}

enum Fetch {
  /// Bytes of room that a read may ask for beyond the ceiling: one TLS record.
  private static let slack = 32 << 10

  /// Asks, and reads the whole answer.
  ///
  /// - Parameter parker: where this task waits.
  static func run(
    _ request: consuming FetchRequest, by dialer: Dialer, parker: Parker, until deadline: Instant
  ) async throws(CredentialFault) -> FetchAnswer {
    let place = request.place
    let socket: Socket
    do throws(DialFault) {
      socket = try await dialer.dial(
        place.endpoint, tls: place.tls, sessions: nil, parker: parker, client: nil,
        until: min(deadline, parker.loop.now + Deadline.credentialConnect))
    } catch { throw CredentialFault(message: "\(place.shown) could not be reached: \(reason(error))") }
    defer { socket.close() }
    var out = ByteQueue()
    defer { out.wipe() }
    write(request, into: &out)
    request.fields.wipe()
    request.body.wipe()
    try await send(&out, socket, place, parker, until: deadline)
    return try await receive(request.method, socket, place, parker, until: deadline)
  }

  private static func write(_ request: borrowing FetchRequest, into out: inout ByteQueue) {
    out.reserve(request.fields.count + request.body.count + request.place.target.utf8.count + 512)
    let (target, host) = (Array(request.place.target.utf8), Array(request.place.host.utf8))
    HeadWriter.requestLine(method: request.method, target: target.span, to: &out)
    HeadWriter.field("host", host.span, to: &out)
    HeadWriter.field("user-agent", "remora", to: &out)
    HeadWriter.field("accept", "application/json", to: &out)
    HeadWriter.field("connection", "close", to: &out)
    out.append(request.fields.bytes)
    if case .post = request.method {
      HeadWriter.field("content-type", "application/x-www-form-urlencoded", to: &out)
      HeadWriter.framing(.length(request.body.count), to: &out)
    }
    HeadWriter.end(to: &out)
    out.append(request.body.bytes)
  }

  private static func send(
    _ out: inout ByteQueue, _ socket: Socket, _ place: FetchPlace, _ parker: Parker, until deadline: Instant
  ) async throws(CredentialFault) {
    while true {
      do throws(IOFault) { if try socket.write(from: &out) { return } } catch {
        throw CredentialFault(message: "\(place.shown) broke the connection: \(reason(error))")
      }
      try await wait(place, parker, until: deadline)
    }
  }

  private static func wait(
    _ place: FetchPlace, _ parker: Parker, until deadline: Instant
  ) async throws(CredentialFault) {
    if await parker.park(until: deadline) == .deadline, parker.loop.now >= deadline {
      throw CredentialFault(message: "\(place.shown) did not answer in time")
    }
  }

  // MARK: The answer

  private static func receive(
    _ method: Method, _ socket: Socket, _ place: FetchPlace, _ parker: Parker, until deadline: Instant
  ) async throws(CredentialFault) -> FetchAnswer {
    // Room for everything at once: what never moves can be wiped.
    var raw = ByteQueue()
    raw.reserve(Ceiling.credentialAnswer + slack)
    defer { raw.wipe() }
    var reader = AnswerParts(method)
    while true {
      do throws(HeadFault) { try reader.read(raw.bytes) } catch {
        throw CredentialFault(message: "\(place.shown) broke the protocol: \(error.message)")
      }
      if reader.hasEnded { break }
      guard raw.count < Ceiling.credentialAnswer else {
        throw CredentialFault(
          message: "\(place.shown) answered with more than \(Ceiling.credentialAnswer) bytes; "
            + "check that the address is that of a token service", isPassing: false)
      }
      let step: ReadStep
      do throws(IOFault) {
        step = try socket.read(into: &raw, ceiling: Ceiling.credentialAnswer - raw.count)
      } catch { throw CredentialFault(message: "\(place.shown) broke the connection: \(reason(error))") }
      switch step {
      case .bytes: continue
      case .wouldBlock: try await wait(place, parker, until: deadline)
      case .end:
        guard reader.endsWithConnection else {
          throw CredentialFault(message: "\(place.shown) closed the connection before its answer was whole")
        }
        return reader.answer(raw.bytes)
      }
    }
    return reader.answer(raw.bytes)
  }

  private static func reason(_ fault: DialFault) -> String {
    switch fault {
    case .resolve(let fault): "the name '\(fault.host)' has no address: \(fault.reason)"
    case .connect(let reason): reason
    case .tls(let fault): fault.message
    case .timedOut: "no connection in time"
    case .exhausted, .abandoned: "the connection was given up"
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

/// The head and the pieces of the body of one answer, as places in what has come.
private struct AnswerParts: ~Copyable {
  private let method: Method
  private var heads = HeadScanner(for: .upstream, skipsEmptyLines: false)
  private var head = ResponseHead()
  private var date: Int?
  /// `head` is whole, and `flow` that of its body.
  private var hasHead = false
  private var flow = BodyFlow(.none)
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
      at += count
      if head.isInterim { continue }
      if let field = head.fields.first(.date) {
        date = CivilTime.unixSeconds(httpDate: rest.extracting(field.value))
      }
      flow = BodyFlow(try head.framing(toMethod: method))
      hasHead = true
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

  func answer(_ bytes: Span<UInt8>) -> FetchAnswer {
    var body = ByteQueue()
    body.reserve(max(bytes.count, 1))
    for piece in pieces { body.append(bytes.extracting(piece)) }
    return FetchAnswer(status: head.status, date: date, body: body)
  }
}
