// The process's ceiling of memory, which it keeps by refusing: what would not fit gets 503 and `Retry-After`
// before it is begun, and the kernel never has to end the process, with every stream that it carries.
//
// What is held is counted, not measured: the buffers to the byte, everything else by the piece at what a piece
// was measured to cost. So the answer is there at once, and doesn't depend on what the allocator keeps back.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// How much one worker may hold.
struct MemoryBudget {
  /// Bytes; `Int.max` for no ceiling.
  let bytes: Int
  private let quota: Int?
  private let workers: Int

  /// - Parameters:
  ///   - wanted: `max_memory`: nil derives it from `quota`, 0 is none.
  ///   - quota: the container's limit, nil where there is none.
  init(_ wanted: Int?, quota: Int?, workers: Int) {
    self.quota = quota
    self.workers = workers
    let ceiling = Self.ceiling(wanted, quota: quota)
    bytes = ceiling == 0 ? .max : max(ceiling - Ceiling.idleMemory, Ceiling.leastMemory) / max(workers, 1)
  }

  /// The budget that another configuration wants in the same place.
  func anew(_ wanted: Int?) -> MemoryBudget { MemoryBudget(wanted, quota: quota, workers: workers) }

  /// Bytes that the process may use; 0 for no ceiling.
  static func ceiling(_ wanted: Int?, quota: Int?) -> Int {
    // A fifth is left to what can't be counted: the allocator's gaps, the kernel's buffers of sockets.
    wanted ?? quota.map { max($0 / 5 * 4, 1) } ?? Ceiling.memory
  }
}

extension WorkerState {
  /// Bytes that this worker holds, or has promised to what it has begun.
  var memoryInUse: Int {
    // An exchange may fill a block each way at any time, whether it does so now or not.
    let buffers = max(blocks.held + blocks.surplus, inFlight * 2 * BlockPool.blockSize)
    // What is kept for later requests is the process's, and each worker bears its part.
    let kept = (books.cache.bytes + responsesMemory) / max(crew.count, 1)
    return kept + scannersMemory + buffers + (rolls.proxy.count + rolls.admin.count) * Ceiling.clientMemory
      + (inFlight + spareExchanges)
      * Ceiling.exchangeMemory
      + dialer.pooled.tls * Ceiling.upstreamMemory + dialer.pooled.plain * Ceiling.plainUpstreamMemory
  }

  /// Whether nothing new can be begun.
  var isShortOfMemory: Bool { memoryInUse > memory.bytes }

  /// Bytes that wait for one side while the other is read: less where memory is short.
  var window: Int { blocks.held > memory.bytes / 2 ? BlockPool.blockSize : Ceiling.window }

  /// Connections of clients at the same time: what descriptors and memory allow.
  var clientCeiling: Int {
    // Most clients are silent at any time, and need no second one; where they aren't, silent ones make room.
    let descriptors = Ceiling.descriptors / 20 * 11 / max(crew.count, 1)
    return max(16, min(Ceiling.clients, descriptors, memory.bytes / 2 / Ceiling.clientMemory))
  }

  /// Descriptors that this worker may still have: each has its part of what the process has.
  private var descriptorsLeft: Int {
    let inUse = rolls.proxy.count + rolls.admin.count + dialer.pooled.tls + dialer.pooled.plain
    return (Ceiling.descriptors - Ceiling.otherDescriptors) / max(crew.count, 1) - inUse
  }

  /// Connections to providers that a call can have.
  private var idleUpstreams: Int { lineup.pools.reduce(0) { $0 + ($1?.idleCount ?? 0) } }

  /// Closes a client that has long been silent. Where there is none, it isn't looked for again at once: it is a look at all.
  private func makeRoomForCall() -> Bool {
    guard loop.now >= room.lookAt else { return false }
    if makeRoom(.proxy) { return true }
    room.lookAt = loop.now + Interval(milliseconds: 100)
    return false
  }

  /// Refuses what can't be begun.
  func admitExchange() throws(Refusal) {
    let left = descriptorsLeft
    // A call may need one: a client that asks for nothing makes room, while there are some. Without any the call could
    // only fail, and its provider would be blamed.
    if left <= Ceiling.leastDescriptors, !makeRoomForCall(), left + idleUpstreams <= 0 {
      shard.refused(.overloaded)
      throw .noDescriptors
    }
    guard isShortOfMemory else { return }
    makeMemory()
    guard isShortOfMemory else { return }
    shard.refused(.overloaded)
    throw .noMemory
  }

  /// Lets go of what could be had again: no request is refused for that.
  private func makeMemory() {
    giveBackSpares()
    books.cache.halve()
  }

  /// Refuses a body that can't be held whole, before memory is taken for it.
  ///
  /// - Parameters:
  ///   - capacity: bytes that its buffer shall have.
  ///   - held: bytes that its buffer has by now, which go only when they have been copied.
  func admitBody(_ capacity: Int, beside held: Int) throws(Refusal) {
    // What fits into a block has been reckoned with as the exchange began.
    guard memory.bytes != .max, capacity > BlockPool.blockSize else { return }
    if capacity > memory.bytes - held {
      shard.refused(.bodyTooLarge)
      throw .bodyTooLargeForMemory(limit: memory.bytes)
    }
    guard memoryInUse > memory.bytes - capacity else { return }
    makeMemory()
    guard memoryInUse > memory.bytes - capacity else { return }
    shard.refused(.overloaded)
    throw .noMemory
  }
}
