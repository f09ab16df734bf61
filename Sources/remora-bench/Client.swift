// One client's connection: sends the request, reads the answer, counts what came.

import Transport
import Wire

/// What came of one request.
enum Outcome {
  case answered(status: Int)
  /// The connection broke, or what came is no HTTP.
  case broken
}

/// Confined to its loop.
final class Client {
  private let port: UInt16
  private let request: [UInt8]
  private let loop: Loop
  private let dialer: Dialer
  private let parker: Parker
  private(set) var socket: Socket?
  private var inbound: ByteQueue
  private var outbound: ByteQueue
  private var heads = HeadScanner(for: .upstream)
  private var head = ResponseHead()
  private var chunks = ChunkedDecoder()
  private var framing = Framing.none
  private var rest = 0
  private var lastByte: UInt8 = 0

  /// Events of event streams so far: each ends with an empty line.
  private(set) var events = 0
  /// How long each event was on its way, in nanoseconds, while `timesEvents`.
  private(set) var delays: [Int] = []
  var timesEvents = false
  /// Bytes of bodies so far.
  private(set) var bytes = 0

  init(_ port: UInt16, _ request: [UInt8], on loop: Loop, _ dialer: Dialer) {
    self.port = port
    self.request = request
    self.loop = loop
    self.dialer = dialer
    parker = Parker(on: loop)
    inbound = ByteQueue(pool: loop.blocks)
    outbound = ByteQueue(pool: loop.blocks)
  }

  var isOpen: Bool { socket?.peerHasClosed == false }

  /// Where the client's task may wait for work.
  var place: Parker { parker }

  /// One request and its whole answer, on the connection that is open or on a new one.
  func exchange() async -> Outcome {
    guard await send(), await readHead() else { return drop() }
    while !hasEnded {
      guard await readPiece() else { return drop() }
    }
    let status = head.status
    if !head.keepsAlive { _ = drop() }
    return .answered(status: status)
  }

  /// Sends the request and reads until the first event of the answer is here.
  func begin() async -> Bool {
    guard await send(), await readHead() else { return false }
    while events == 0 {
      guard !hasEnded, await readPiece() else { return false }
    }
    return true
  }

  /// Reads on until the answer ends.
  func drain() async {
    while !hasEnded, await readPiece() {}
  }

  func close() {
    _ = drop()
    parker.retire()
  }

  private func drop() -> Outcome {
    socket?.close()
    socket = nil
    inbound.removeAll()
    outbound.removeAll()
    heads.reset()
    return .broken
  }

  private func send() async -> Bool {
    if socket?.peerHasClosed == true { _ = drop() }
    if socket == nil {
      let endpoint = Endpoint(host: "127.0.0.1", port: port)
      let until = loop.now + .seconds(10)
      socket = try? await dialer.dial(
        endpoint, tls: nil, sessions: nil, parker: parker, client: nil, until: until)
    }
    guard let socket else { return false }
    outbound.append(request)
    while true {
      guard let isEmpty = try? socket.write(from: &outbound) else { return false }
      if isEmpty { return true }
      if socket.hasFailed { return false }
      _ = await parker.park(until: .never)
    }
  }

  private func readHead() async -> Bool {
    while true {
      do throws(HeadFault) {
        if let size = try heads.scan(unsafe inbound.view) {
          try takeHead(size)
          if !head.isInterim {
            countBody()
            return true
          }
          continue
        }
      } catch { return false }
      guard await more() else { return false }
    }
  }

  private func takeHead(_ size: Int) throws(HeadFault) {
    try head.parse(unsafe inbound.view.extracting(0..<size))
    framing = try head.framing(toMethod: .post)
    if case .length(let length) = framing { rest = length } else { rest = 0 }
    chunks = ChunkedDecoder()
    lastByte = 0
    inbound.consume(size)
  }

  private var hasEnded: Bool {
    switch framing {
    case .none: true
    case .length: rest == 0
    case .chunked: chunks.hasEnded
    case .untilClose: false
    }
  }

  private func readPiece() async -> Bool {
    guard await more() else { return false }
    countBody()
    return true
  }

  /// Takes what has come of the body.
  private func countBody() {
    switch framing {
    case .none, .untilClose: break
    case .length:
      let piece = min(rest, inbound.count)
      rest -= piece
      bytes += piece
      inbound.consume(piece)
    case .chunked: countChunks()
    }
  }

  private func countChunks() {
    var at = 0
    while true {
      guard let step = try? chunks.next(unsafe inbound.view, from: at) else {
        // Not well chunked: the connection is of no more use, which the next read says.
        socket?.close()
        return
      }
      switch step {
      case .data(let range):
        countEvents(unsafe inbound.view.extracting(range))
        bytes += range.count
        at = range.upperBound
      case .needMore(let consumed), .end(let consumed):
        inbound.consume(consumed)
        return
      }
    }
  }

  private func countEvents(_ data: Span<UInt8>) {
    var last = lastByte
    for index in 0..<data.count {
      let byte = data[index]
      if byte == ASCII.lf, last == ASCII.lf { events += 1 }
      if timesEvents, byte == UInt8(ascii: "_"), last == UInt8(ascii: "p") { noteDelay(data, index + 1) }
      last = byte
    }
    lastByte = last
  }

  /// Reads when the event was sent, where the sixteen digits that say so are there in one piece.
  private func noteDelay(_ data: Span<UInt8>, _ start: Int) {
    guard start >= 3, data[start - 3] == UInt8(ascii: "f"), start + 16 <= data.count else { return }
    var sent: UInt64 = 0
    for at in start..<start + 16 {
      guard let digit = ASCII.hexadecimal(data[at]) else { return }
      sent = sent << 4 | UInt64(digit)
    }
    delays.append(Instant.now.nanoseconds(since: Instant(nanoseconds: sent)))
  }

  private func more() async -> Bool {
    while let socket, socket.descriptor >= 0 {
      switch try? socket.read(into: &inbound, ceiling: 64 * 1024) {
      case .bytes: return true
      case .wouldBlock: _ = await parker.park(until: .never)
      case .end, nil: return false
      }
    }
    return false
  }
}
