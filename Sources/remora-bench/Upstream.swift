// A provider on one loop: it answers each request at once with what the request orders.

import Glibc
import Transport
import Wire

enum Upstream {
  static let options: Set<String> = ["--directory"]

  /// Serves until stdin ends.
  static func run(_ options: Options) -> Int32 {
    guard let parent = options.text("--directory") else {
      Output.complain("upstream needs --directory")
      return 2
    }
    do throws(SystemFault) {
      let directory = try ThrowawayDirectory(in: parent)
      return serve(directory, on: try Loop())
    } catch {
      Output.complain(error.description)
      return 1
    }
  }

  private static func serve(_ directory: ThrowawayDirectory, on loop: Loop) -> Int32 {
    defer { directory.remove() }
    let authority: ThrowawayAuthority
    let context: TLSContext
    do throws(TLSFileFault) {
      authority = try ThrowawayAuthority(in: directory)
      context = try TLSContext(
        server: TLSProfile(certificateFile: authority.certificateFile, keyFile: authority.keyFile))
    } catch {
      Output.complain(error.message)
      return 1
    }
    let provider = Provider(on: loop, context)
    let stop = Thread.detached {
      Input.waitForEnd()
      loop.post { loop.stop() }
    }
    guard stop else { return 1 }
    let caFile = authority.authorityFile
    loop.run {
      loop.start { _ in
        guard let ports = await provider.start() else {
          Output.complain("no port to listen at")
          return loop.stop()
        }
        Output.line(#"{"port": \#(ports.tls), "plain_port": \#(ports.plain), "ca_file": "\#(caFile)"}"#)
      }
    }
    return 0
  }
}

/// The provider's listeners.
private actor Provider {
  nonisolated let loop: Loop
  nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }
  private let context: TLSContext
  private var listeners: [Listener] = []
  private let stock = Stock()

  init(on loop: Loop, _ context: TLSContext) {
    self.loop = loop
    self.context = context
  }

  /// - Returns: the ports, nil if there is none to be had.
  func start() -> (tls: UInt16, plain: UInt16)? {
    guard let address = Address(ip: "127.0.0.1", port: 0) else { return nil }
    do throws(SystemFault) {
      for isSecure in [true, false] {
        listeners.append(
          try Listener(address, on: loop, sharesPort: false) { socket in self.begin(socket, isSecure) })
      }
    } catch { return nil }
    return (listeners[0].address.port, listeners[1].address.port)
  }

  private func begin(_ socket: Socket, _ isSecure: Bool) {
    let connection = Confined(ProviderConnection(socket, isSecure ? context : nil, stock))
    loop.start { _ in await self.serve(connection) }
  }

  private func serve(_ connection: Confined<ProviderConnection>) async { await connection.value.serve() }
}

/// One connection to the provider. Confined to its loop.
private final class ProviderConnection {
  private let socket: Socket
  private let context: TLSContext?
  private let stock: Stock
  private let parker: Parker
  private var inbound: ByteQueue
  private var outbound: ByteQueue
  private var heads = HeadScanner(for: .client)
  private var head = RequestHead()
  private var voice = Stock.Voice.chat

  init(_ socket: Socket, _ context: TLSContext?, _ stock: Stock) {
    self.socket = socket
    self.context = context
    self.stock = stock
    parker = Parker(on: socket.loop)
    inbound = ByteQueue(pool: socket.loop.blocks)
    outbound = ByteQueue(pool: socket.loop.blocks)
    socket.parker = parker
  }

  func serve() async {
    defer {
      socket.close()
      parker.retire()
    }
    if let context {
      do throws(TLSFault) {
        let session = try TLSSession(context, on: socket, host: nil, sessions: nil)
        try await session.handshake(until: socket.loop.now + .seconds(10))
      } catch { return }
    }
    while let order = await receive(), await answer(order) {}
  }

  private func receive() async -> Order? {
    while true {
      do throws(HeadFault) {
        if let size = try heads.scan(unsafe inbound.view) {
          let order = try takeHead(size)
          return await skipBody() ? order : nil
        }
      } catch { return nil }
      guard await more() else { return nil }
    }
  }

  private func takeHead(_ size: Int) throws(HeadFault) -> Order {
    // SAFETY: while it is in use, nothing changes the queue.
    let bytes = unsafe inbound.view.extracting(0..<size)
    try head.parse(bytes)
    var order = Order.json(1024)
    let path = bytes.extracting(head.path)
    voice = path.equals("/v1/messages") ? .messages : path.equals("/v1/responses") ? .responses : .chat
    for field in head.fields where bytes.extracting(field.name).equalsIgnoringCase("x-bench") {
      order = Order(bytes.extracting(field.value))
    }
    inbound.consume(size)
    return order
  }

  private func skipBody() async -> Bool {
    switch head.framing {
    case .none, .untilClose: return true
    case .length(let length):
      var rest = length
      while true {
        let piece = min(rest, inbound.count)
        inbound.consume(piece)
        rest -= piece
        if rest == 0 { return true }
        guard await more() else { return false }
      }
    case .chunked:
      var chunks = ChunkedDecoder()
      while !chunks.hasEnded {
        guard skipChunks(&chunks) else { return false }
        if !chunks.hasEnded { guard await more() else { return false } }
      }
      return true
    }
  }

  private func skipChunks(_ chunks: inout ChunkedDecoder) -> Bool {
    var at = 0
    while true {
      guard let step = try? chunks.next(unsafe inbound.view, from: at) else { return false }
      switch step {
      case .data(let range): at = range.upperBound
      case .needMore(let consumed), .end(let consumed):
        inbound.consume(consumed)
        return true
      }
    }
  }

  private func more() async -> Bool {
    while true {
      switch try? socket.read(into: &inbound, ceiling: 64 * 1024) {
      case .bytes: return true
      case .wouldBlock: _ = await parker.park(until: .never)
      case .end, nil: return false
      }
    }
  }

  private func answer(_ order: Order) async -> Bool {
    switch order {
    case .json(let size):
      outbound.append(stock.reply(size, voice))
      return await flush()
    case .bytes(let size):
      outbound.append(stock.bytesHead(size))
      var rest = size
      while rest > 0 {
        if rest >= stock.filling.count {
          outbound.append(stock.filling)
        } else {
          outbound.append(Array(stock.filling.prefix(rest)))
        }
        rest -= min(rest, stock.filling.count)
        guard await flush() else { return false }
      }
      return await flush()
    case .stream(let chunks, let interval): return await stream(chunks, .milliseconds(interval))
    }
  }

  private func stream(_ chunks: Int, _ interval: Duration) async -> Bool {
    outbound.append(stock.streamHead)
    outbound.append(stock.streamStart(voice))
    var due = socket.loop.now
    for index in 0..<chunks {
      if index > 0 {
        due = due + interval
        while socket.loop.now < due {
          _ = await parker.park(until: due)
          if socket.peerHasClosed { return false }
        }
      }
      stock.writeEvent(voice, to: &outbound)
      guard await flush() else { return false }
    }
    outbound.append(stock.streamEnd(voice))
    return await flush()
  }

  private func flush() async -> Bool {
    while true {
      guard let isEmpty = try? socket.write(from: &outbound) else { return false }
      if isEmpty { return true }
      if socket.hasFailed { return false }
      _ = await parker.park(until: .never)
    }
  }
}
