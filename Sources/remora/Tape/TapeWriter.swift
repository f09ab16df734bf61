// The thread that keeps what was recorded: taking trees apart, looking for secrets and waiting for a disk would stop every
// connection of the loop that passes exchanges on.

import Tape
import Transport
import Wire

/// An exchange that is over, as it came.
struct TakenExchange: Sendable {
  /// Milliseconds since the one before, and what it says.
  typealias Event = (gap: Int, data: [UInt8], name: String)

  enum Content: Sendable {
    /// Too large to keep.
    case tooLarge
    case events([Event])
    case bytes([UInt8], isJSON: Bool)

    /// The body taken apart, and whether it carried `x_remora`; nil where it is too large to keep.
    var parted: (body: TapeAnswer.Body, hasMetadata: Bool)? {
      switch self {
      case .tooLarge: return nil
      case .events(let events):
        let first = events.first.flatMap { JSONTree.parse($0.data) }
        let body = events.map { TapeEvent(gap: $0.gap, data: $0.data, name: $0.name) }
        return (.events(body), first?["x_remora"] != nil)
      case .bytes(let bytes, let isJSON): return TapeAnswer.body(of: bytes, isJSON: isJSON)
      }
    }
  }

  let request: TapeIncoming
  let status: Int
  /// Names in lower case.
  let fields: [(name: String, value: String)]
  let isWhole: Bool
  let content: Content

  func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }

  /// About the bytes that it holds.
  fileprivate var size: Int {
    let answer =
      switch content {
      case .tooLarge: 0
      case .events(let events): events.reduce(0) { $0 + $1.data.count + 64 }
      case .bytes(let bytes, _): bytes.count
      }
    return 1024 + request.body.count + answer
  }
}

/// Keeps exchanges in the order in which they came. Its thread ends with the process.
final class TapeWriter: Sendable {
  /// Bytes of exchanges that may wait: some of the largest that are kept, thousands of the usual ones. With more, who
  /// brings one waits.
  private static let ceiling = 64 << 20

  private struct Queue: Sendable {
    /// The first is being kept.
    var waiting: [TakenExchange] = []
    var size = 0
  }

  private let queue = Guarded(Queue())
  private let bell: Bell

  init() throws(TapeFault) {
    do throws(SystemFault) { bell = try Bell() } catch { throw TapeFault(error.description) }
  }

  /// Starts the thread, which calls `keep` for each exchange.
  func start(_ keep: @escaping @Sendable (TakenExchange) -> Void) throws(TapeFault) {
    let isRunning = Thread.detached { [self] in
      // Nobody waits for it, and everybody for the loops.
      Thread.giveWay()
      while true {
        guard let taken = queue.withLock({ $0.waiting.first }) else {
          bell.wait(milliseconds: 60_000)
          continue
        }
        keep(taken)
        queue.withLock {
          $0.waiting.removeFirst()
          $0.size -= taken.size
        }
      }
    }
    if !isRunning { throw TapeFault("the system has no thread to give") }
  }

  /// Takes an exchange over, and never waits.
  ///
  /// - Returns: false where there is no room for it now. One alone may have any size.
  func take(_ taken: TakenExchange) -> Bool {
    let isTaken = queue.withLock { queue in
      guard queue.waiting.isEmpty || queue.size + taken.size <= Self.ceiling else { return false }
      queue.waiting.append(taken)
      queue.size += taken.size
      return true
    }
    if isTaken { bell.ring() }
    return isTaken
  }

  /// How many were taken over and aren't kept yet.
  var count: Int { queue.withLock { $0.waiting.count } }
}
