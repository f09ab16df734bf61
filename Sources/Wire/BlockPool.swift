// Memory for queues, taken and given back without the allocator.

/// A worker's stock of equal blocks of memory, so that a busy stream never calls `malloc`. It keeps as many as were in use
/// at once lately: with fewer, each time that many connections have something to say, most of their blocks would come
/// from the allocator and go back to it.
///
/// Not thread-safe: each worker has its own.
@safe public final class BlockPool {
  /// Bytes in a pooled block: one TLS record (RFC 8446 section 5.1: 2^14) and its head.
  public static let blockSize = 17 * 1024
  // SAFETY: the unused block that came last, or nil. Nobody else refers to one, and each says in its first bytes which one
  // came before it.
  private var last: UnsafeMutableRawPointer?
  private var unused = 0
  private let floor: Int
  private var mark = HighWater()
  /// Bytes that went back to the allocator since somebody last set this to 0.
  package var gaveBack = 0
  /// Bytes that queues of this stock hold now, in its blocks and in larger ones.
  public internal(set) var held = 0

  /// - Parameter floor: so many unused blocks are always kept.
  public init(floor: Int = 64) {
    self.floor = floor
    unsafe last = nil
  }

  deinit {
    while let block = unsafe takeUnused() { unsafe block.deallocate() }
  }

  func take() -> UnsafeMutableRawPointer {
    held += Self.blockSize
    mark.rise()
    if let block = unsafe takeUnused() { return unsafe block }
    return UnsafeMutableRawPointer.allocate(byteCount: Self.blockSize, alignment: 16)
  }

  @inline(__always) private func takeUnused() -> UnsafeMutableRawPointer? {
    guard let block = unsafe last else { return nil }
    // SAFETY: `give` has stored it there.
    unsafe last = block.load(as: UnsafeMutableRawPointer?.self)
    unused &-= 1
    return unsafe block
  }

  func give(_ block: UnsafeMutableRawPointer) {
    mark.fall()
    // SAFETY: the block has `blockSize` bytes, which are nobody's any more.
    unsafe block.storeBytes(of: last, as: UnsafeMutableRawPointer?.self)
    unsafe last = block
    unused &+= 1
  }

  /// More are kept than always are, so that `settle` is to be called soon.
  package var isHigh: Bool { unused > floor }

  /// Bytes that are kept beyond what always is.
  package var surplus: Int { max(unused - floor, 0) * Self.blockSize }

  /// Gives back to the allocator what was not needed since the last time. To be called again for as long as `isHigh`.
  package func settle() { shrink(by: mark.surplus(of: unused, above: floor)) }

  /// Gives back all that isn't always kept: others need the memory.
  package func shrink() { shrink(by: unused - floor) }

  private func shrink(by count: Int) {
    for _ in 0..<max(count, 0) {
      guard let block = unsafe takeUnused() else { return }
      unsafe block.deallocate()
      gaveBack &+= Self.blockSize
    }
  }

  /// Overwrites every unused block: what was in one of them is found to have been a secret. What isn't always kept goes, for
  /// else each of many secrets at once would have all of it overwritten again.
  public func wipe() {
    defer { shrink() }
    let link = MemoryLayout<UInt>.size
    var next = unsafe last
    while let block = unsafe next {
      // SAFETY: nobody else refers to the block, which has `blockSize` bytes; the first of them were overwritten by `give`.
      unsafe next = block.load(as: UnsafeMutableRawPointer?.self)
      unsafe block.advanced(by: link).initializeMemory(
        as: UInt8.self, repeating: 0, count: Self.blockSize - link)
    }
  }
}
