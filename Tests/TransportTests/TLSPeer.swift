import Glibc
import Support
import Testing
import Transport
import Wire

/// A TLS server at the far end of a socket pair, on a loop of its own.
enum TLSPeer {
  /// What a peer that isn't well-behaved does.
  enum Manner: Sendable {
    case speak([UInt8])
    /// Says it and goes without a close_notify.
    case breakOff([UInt8])
    /// Answers each piece that comes by the same piece, until the end.
    case echo
  }

  /// Goes through the handshake and then does as `manner` says.
  ///
  /// - Returns: the handshake's fault, if it failed.
  static func serve(
    _ descriptor: Int32, _ context: TLSContext, _ manner: Manner = .echo
  ) async throws -> TLSFault? {
    try await Stage.run { stage in
      let socket = try Socket.over(descriptor, on: stage.loop)
      defer { socket.close() }
      let session = try TLSSession(context, on: socket, host: nil, sessions: nil)
      do throws(TLSFault) { try await session.handshake(until: stage.patience) } catch { return error }
      do {
        switch manner {
        case .speak(let bytes):
          try await socket.writeAll(bytes, until: stage.patience)
          socket.finishSending()
        case .breakOff(let bytes):
          try await socket.writeAll(bytes, until: stage.patience)
          shutdown(socket.descriptor, Int32(SHUT_WR))
        case .echo: break
        }
        try await echo(socket, until: stage.patience)
      } catch is IOFault {}
      return nil
    }
  }

  private static func echo(_ socket: Socket, until deadline: Instant) async throws {
    let parker = try #require(socket.parker)
    var queue = ByteQueue(pool: socket.loop.blocks)
    while true {
      switch try socket.read(into: &queue, ceiling: 16 * 1024) {
      case .bytes:
        while try !socket.write(from: &queue) {
          if await parker.park(until: deadline) == .deadline { throw GaveUp() }
        }
      case .wouldBlock: if await parker.park(until: deadline) == .deadline { throw GaveUp() }
      case .end: return
      }
    }
  }
}
