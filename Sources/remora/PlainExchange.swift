// One HTTP request on a connection of its own, and its answer: for the probe and the demonstration.

import Config
import HTTP
import Transport
import Wire

/// Why a command can't go on, in words.
struct Failure: Error {
  let message: String
  init(_ message: String) { self.message = message }
}

struct PlainRequest {
  var path: String
  /// JSON to send with POST; nil: GET.
  var body: String?
  /// Whole lines, without their ends.
  var fields: [String] = []

  fileprivate func bytes(host: String) -> [UInt8] {
    var head = "\(body == nil ? "GET" : "POST") \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n"
    for field in fields { head += field + "\r\n" }
    if let body { head += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
    return Array((head + "\r\n" + (body ?? "")).utf8)
  }
}

/// The answer to one request, as far as it has come.
struct PlainExchange: ~Copyable {
  /// What an answer may have: far more than a probe or the demonstration is ever told.
  private static let ceiling = 4 << 20

  private(set) var status = 0
  private(set) var fields: [(name: String, value: String)] = []
  /// The body, without its transfer coding.
  private(set) var body = ByteQueue()
  private(set) var hasEnded = false

  private let connection: BlockingConnection
  private var waiting = ByteQueue()
  private var flow = BodyFlow(.none)

  /// Sends `request` and reads the answer's head.
  static func begin(
    _ request: PlainRequest, to address: Config.Address, until deadline: Instant
  ) throws(Failure) -> PlainExchange {
    let connection = try connect(to: address, until: deadline)
    do throws(SystemFault) { try connection.send(request.bytes(host: host(address))) } catch {
      throw Failure(error.reason)
    }
    var exchange = PlainExchange(over: connection)
    try exchange.readHead()
    return exchange
  }

  private init(over connection: consuming BlockingConnection) { self.connection = connection }

  private static func connect(
    to address: Config.Address, until deadline: Instant
  ) throws(Failure) -> BlockingConnection {
    let addresses = try addresses(of: address)
    do throws(SystemFault) { return try BlockingConnection(toOneOf: addresses, until: deadline) } catch {
      throw Failure(error.reason)
    }
  }

  /// Takes what comes next off the wire; false where there is nothing more.
  mutating func readMore() throws(Failure) -> Bool {
    if hasEnded { return false }
    try receive()
    try takeBody()
    return true
  }

  mutating func readAll() throws(Failure) {
    while try readMore() {}
  }

  /// The first field of this name, which is written in lower case.
  func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

  private mutating func receive() throws(Failure) {
    let piece: [UInt8]
    do throws(SystemFault) { piece = try connection.receive() } catch { throw Failure(error.reason) }
    if piece.isEmpty {
      guard flow.framing == .untilClose else {
        throw Failure("the connection ended in the middle of the answer")
      }
      hasEnded = true
    }
    waiting.append(piece)
  }

  private mutating func readHead() throws(Failure) {
    var scanner = HeadScanner(for: .upstream)
    while status == 0 {
      let isTaken: Bool
      do throws(HeadFault) { isTaken = try takeHead(&scanner) } catch {
        throw Failure("this is no HTTP: \(error.message)")
      }
      if !isTaken { try receive() }
    }
    try takeBody()
  }

  /// Takes a head out of what waits, if one is whole; of interim ones nothing is kept.
  private mutating func takeHead(_ scanner: inout HeadScanner) throws(HeadFault) -> Bool {
    var head = ResponseHead()
    guard let size = try head.read(waiting.bytes, &scanner) else { return false }
    if !head.isInterim {
      flow = BodyFlow(try head.framing(toMethod: .get))
      keep(head)
    }
    waiting.consume(size)
    return true
  }

  private mutating func keep(_ head: borrowing ResponseHead) {
    status = head.status
    fields = head.fields.map { field in
      let name = waiting.bytes.extracting(field.name).text().lowercased()
      return (name, waiting.bytes.extracting(field.value).text())
    }
  }

  /// Moves what is body out of what waits.
  private mutating func takeBody() throws(Failure) {
    guard body.count + waiting.count <= Self.ceiling else { throw Failure("the answer is too large") }
    do throws(ChunkFault) { try Self.move(&waiting, by: &flow, to: &body) } catch {
      throw Failure("the answer's chunks are broken")
    }
    if flow.hasEnded { hasEnded = true }
  }

  // The parts are arguments, because a span of one part of `self` keeps the others from being changed.

  private static func move(
    _ waiting: inout ByteQueue, by flow: inout BodyFlow, to body: inout ByteQueue
  ) throws(ChunkFault) {
    var at = 0
    scan: while !flow.hasEnded {
      switch try flow.next(waiting.bytes, from: at) {
      case .data(let range):
        body.append(waiting.bytes.extracting(range))
        at = range.upperBound
      case .more(let consumed), .end(let consumed):
        at = consumed
        break scan
      }
    }
    waiting.consume(at)
  }

  // MARK: Where to

  private static func addresses(of address: Config.Address) throws(Failure) -> [Transport.Address] {
    switch address.near {
    case .unix(let path):
      guard let local = Transport.Address(path: path) else { throw Failure("the path is too long") }
      return [local]
    case .tcp(let host, let port):
      do throws(ResolveFault) {
        return try BlockingConnection.addresses(of: host, port: UInt16(clamping: port))
      } catch { throw Failure(error.reason) }
    }
  }

  /// What `Host` says.
  private static func host(_ address: Config.Address) -> String {
    if case .tcp = address { address.near.text } else { "localhost" }
  }
}

extension Config.Address {
  /// Where to find what listens here: at loopback, if it listens everywhere.
  var near: Config.Address {
    switch self {
    case .tcp("0.0.0.0", let port): .tcp(host: "127.0.0.1", port: port)
    case .tcp("::", let port): .tcp(host: "::1", port: port)
    case .tcp, .unix: self
    }
  }
}
