// What the tests of sockets share.

import Glibc
import Testing
import Transport
import Wire

/// Why a test's wait was given up.
struct GaveUp: Error {}

/// One end of a connection with what a test reads from it.
struct Reader {
  private(set) var text: [UInt8] = []
  /// The last step that brought no bytes.
  private(set) var last = ReadStep.wouldBlock

  /// Reads until the end, or until there are `count` bytes.
  mutating func read(
    _ socket: Socket, count: Int = .max, ceiling: Int = 16 * 1024, until deadline: Instant
  ) async throws {
    let parker = try #require(socket.parker)
    var queue = ByteQueue(pool: socket.loop.blocks)
    while text.count < count {
      switch try socket.read(into: &queue, ceiling: ceiling) {
      case .bytes:
        text += queue.array()
        queue.removeAll()
      case .wouldBlock:
        last = .wouldBlock
        if await parker.park(until: deadline) == .deadline { throw GaveUp() }
      case .end:
        last = .end
        return
      }
    }
  }
}

extension Socket {
  /// Takes over one end of a pair.
  static func over(_ descriptor: Int32, on loop: Loop) throws -> Socket {
    let socket = try Socket(descriptor, on: loop, isConnected: true)
    socket.parker = Parker(on: loop)
    return socket
  }

  /// Writes all of `bytes`.
  func writeAll(_ bytes: [UInt8], until deadline: Instant) async throws {
    let parker = try #require(parker)
    var queue = ByteQueue()
    queue.append(bytes)
    while true {
      if try write(from: &queue) { return }
      if await parker.park(until: deadline) == .deadline { throw GaveUp() }
    }
  }

  func writeAll(_ text: String, until deadline: Instant) async throws {
    try await writeAll(Array(text.utf8), until: deadline)
  }
}

/// Two connected descriptors that don't block.
func socketPair() throws -> (Int32, Int32) {
  var both: [Int32] = [-1, -1]
  let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
  try #require(unsafe socketpair(AF_UNIX, flags, 0, &both) == 0)
  return (both[0], both[1])
}

/// Bytes that show where a part is missing or out of place.
func pattern(_ count: Int) -> [UInt8] {
  // No power of two, so that a record or a block in the wrong place shows.
  let period = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count)
  while bytes.count < count { bytes.append(contentsOf: period.prefix(count - bytes.count)) }
  return bytes
}

/// A directory for one test run, which is removed when the process ends.
struct Scratch: Sendable {
  static let shared = Scratch()
  let path: String

  private init() {
    var template = Array("/tmp/remora-tests-XXXXXX".utf8CString)
    let made = unsafe mkdtemp(&template)
    path = unsafe made.map { unsafe String(cString: $0) } ?? "/tmp"
    atexit {
      let path = Scratch.shared.path
      if path != "/tmp" { _ = unsafe system("rm -rf '\(path)'") }
    }
  }

  /// A path in the directory that no other test uses.
  func file(_ name: String) -> String { path + "/" + name }
}
