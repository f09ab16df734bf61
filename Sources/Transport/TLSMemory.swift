// Where OpenSSL gets its memory from.
//
// For each record OpenSSL asks for a buffer of a record's size and for a few bytes, and gives both back at once: that
// is what keeps a thousand silent streams small. An allocator takes the long way for the large ones, so each thread
// keeps a few blocks of the sizes that are asked for all the time. Everything else is the allocator's, as before.

internal import CLinux
internal import COpenSSL
internal import Glibc

/// Blocks of one size, or a little more, that OpenSSL gave back on this thread. The list is threaded through the blocks themselves.
@unsafe private struct SpareBlocks {
  // SAFETY: points to blocks of one size of `TLSMemory`'s that nobody else refers to.
  private var first: UnsafeMutableRawPointer?
  private var count = 0

  mutating func take() -> UnsafeMutableRawPointer? {
    guard let block = unsafe first else { return nil }
    unsafe first = unsafe block.load(as: UnsafeMutableRawPointer?.self)
    unsafe count -= 1
    return unsafe block
  }

  /// - Returns: false where there are `ceiling` already.
  mutating func give(_ block: UnsafeMutableRawPointer, ceiling: Int) -> Bool {
    guard unsafe count < ceiling else { return false }
    unsafe block.storeBytes(of: first, as: UnsafeMutableRawPointer?.self)
    unsafe first = unsafe block
    unsafe count += 1
    return true
  }

  /// Overwrites what the blocks hold but for the list.
  func wipe(_ size: Int) {
    let link = unsafe MemoryLayout<UnsafeMutableRawPointer?>.size
    var next = unsafe first
    while let block = unsafe next {
      unsafe next = unsafe block.load(as: UnsafeMutableRawPointer?.self)
      // SAFETY: a block of this list has `size` bytes, of which the first are the list's own.
      unsafe explicit_bzero(block.advanced(by: link), size - link)
    }
  }

  mutating func free() {
    while let block = unsafe take() { unsafe Glibc.free(block) }
  }
}

/// A thread's blocks: by sizes that differ by the allocator's own steps, so that none is larger than it need be, and of a
/// record's size.
@unsafe private struct Spares {
  var small = unsafe InlineArray<4, SpareBlocks>(repeating: SpareBlocks())
  var large = unsafe SpareBlocks()
}

enum TLSMemory {
  /// The sizes that ciphers ask for at each record, and what much else fits into: what the GNU allocator's smallest blocks
  /// hold.
  private static let smallest = 24
  private static let step = 16
  private static let kinds = 4
  /// A record with all that can be around it: 16,384 bytes of content, and what TLS 1.2 allows beside it.
  private static let largeSize = 16_896
  private static let largeFrom = 16_384
  /// How many of each size are kept.
  private static let smallCeiling = 128
  private static let largeCeiling = 16

  private struct Sizes {
    let key: pthread_key_t
    /// What the allocator says of a block of a record's size: by this it is known again.
    let large: Int
  }

  // SAFETY: written once, before the functions that read it are handed over.
  nonisolated(unsafe) private static var sizes = Sizes(key: 0, large: 0)

  /// Whether OpenSSL asks here; found out once, by trying.
  private static let isInstalled: Bool = {
    var key = pthread_key_t()
    guard unsafe pthread_key_create(&key, { unsafe TLSMemory.discard($0) }) == 0 else { return false }
    let large = unsafe malloc(largeSize)
    defer { unsafe Glibc.free(large) }
    unsafe sizes = Sizes(key: key, large: malloc_usable_size(large))
    return unsafe CRYPTO_set_mem_functions(
      { size, _, _ in unsafe TLSMemory.take(size) },
      { block, size, _, _ in unsafe realloc(block, size) },
      { block, _, _ in unsafe TLSMemory.give(block) }) == 1
  }()

  /// Has OpenSSL ask here. To be called before anything else of OpenSSL is; later it does nothing.
  static func install() { _ = isInstalled }

  /// The kind of small blocks that `size` bytes fit into; of no small kind, where they don't.
  @inline(__always) private static func kind(holding size: Int) -> Int {
    size <= smallest ? 0 : (size &- smallest &+ step &- 1) / step
  }

  private static func take(_ size: Int) -> UnsafeMutableRawPointer? {
    let kind = kind(holding: size)
    if kind < kinds {
      if let spare = unsafe spare(), let block = unsafe spare.pointee.small[kind].take() {
        return unsafe block
      }
      return unsafe malloc(smallest &+ kind &* step)
    }
    guard size > largeFrom, size <= largeSize else { return unsafe malloc(size) }
    if let spare = unsafe spare(), let block = unsafe spare.pointee.large.take() { return unsafe block }
    return unsafe malloc(largeSize)
  }

  /// Overwrites this thread's large blocks that nobody uses: there was a secret in a record.
  static func wipe() {
    guard let spare = unsafe spare() else { return }
    unsafe spare.pointee.large.wipe(largeSize)
  }

  private static func give(_ block: UnsafeMutableRawPointer?) {
    guard let block = unsafe block else { return }
    guard let spare = unsafe spare() else { return unsafe Glibc.free(block) }
    // SAFETY: the block came from the allocator, and has room for a pointer.
    let size = unsafe malloc_usable_size(block)
    // One that the allocator made larger than it had to is no smaller than its kind.
    let kind = (size &- smallest) / step
    if size >= smallest, kind < kinds {
      if unsafe spare.pointee.small[kind].give(block, ceiling: smallCeiling) { return }
    } else if unsafe size == sizes.large {
      if unsafe spare.pointee.large.give(block, ceiling: largeCeiling) { return }
    }
    unsafe Glibc.free(block)
  }

  /// This thread's blocks; nil if there is no memory to note them.
  private static func spare() -> UnsafeMutablePointer<Spares>? {
    if let known = unsafe pthread_getspecific(sizes.key) {
      return unsafe known.assumingMemoryBound(to: Spares.self)
    }
    guard let new = unsafe malloc(MemoryLayout<Spares>.size) else { return nil }
    let spare = unsafe new.bindMemory(to: Spares.self, capacity: 1)
    unsafe spare.initialize(to: Spares())
    unsafe pthread_setspecific(sizes.key, new)
    return unsafe spare
  }

  /// The thread ends.
  private static func discard(_ known: UnsafeMutableRawPointer?) {
    guard let known = unsafe known else { return }
    let spare = unsafe known.assumingMemoryBound(to: Spares.self)
    for kind in 0..<kinds { unsafe spare.pointee.small[kind].free() }
    unsafe spare.pointee.large.free()
    unsafe Glibc.free(known)
  }
}
