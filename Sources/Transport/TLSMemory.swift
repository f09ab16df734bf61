// Where OpenSSL gets its memory from.
//
// For each record OpenSSL asks for a buffer of a record's size and for a few bytes, and gives both back at once: that
// is what keeps a thousand silent streams small. An allocator takes the long way for the large ones, so each thread
// keeps a few blocks of both sizes for the next record. Everything else is the allocator's, as before.

internal import CLinux
internal import COpenSSL
internal import Glibc

/// Blocks that OpenSSL gave back on this thread. A list is threaded through the blocks themselves.
@unsafe private struct SpareBlocks {
  // SAFETY: points to blocks of `TLSMemory`'s sizes that nobody else refers to.
  var small: UnsafeMutableRawPointer?
  var smallCount = 0
  var large: UnsafeMutableRawPointer?
  var largeCount = 0
}

enum TLSMemory {
  /// What ciphers ask for at each record, and much else.
  private static let smallSize = 64
  /// A record with all that can be around it: 16,384 bytes of content, and what TLS 1.2 allows beside it.
  private static let largeSize = 16_896
  private static let largeFrom = 16_384
  /// How many of each are kept.
  private static let smallCeiling = 256
  private static let largeCeiling = 16

  private struct Sizes {
    let key: pthread_key_t
    /// What the allocator says of blocks of the two sizes: by this they are known again.
    let small: Int
    let large: Int
  }

  // SAFETY: written once, before the functions that read it are handed over.
  nonisolated(unsafe) private static var sizes = Sizes(key: 0, small: 0, large: 0)

  /// Whether OpenSSL asks here; found out once, by trying.
  private static let isInstalled: Bool = {
    var key = pthread_key_t()
    guard unsafe pthread_key_create(&key, { unsafe TLSMemory.discard($0) }) == 0 else { return false }
    let small = unsafe malloc(smallSize)
    let large = unsafe malloc(largeSize)
    defer {
      unsafe Glibc.free(small)
      unsafe Glibc.free(large)
    }
    unsafe sizes = Sizes(key: key, small: malloc_usable_size(small), large: malloc_usable_size(large))
    return unsafe CRYPTO_set_mem_functions(
      { size, _, _ in unsafe TLSMemory.take(size) },
      { block, size, _, _ in unsafe realloc(block, size) },
      { block, _, _ in unsafe TLSMemory.give(block) }) == 1
  }()

  /// Has OpenSSL ask here. To be called before anything else of OpenSSL is; later it does nothing.
  static func install() { _ = isInstalled }

  private static func take(_ size: Int) -> UnsafeMutableRawPointer? {
    let isSmall = size <= smallSize
    guard isSmall || (size > largeFrom && size <= largeSize) else { return unsafe malloc(size) }
    if let spare = unsafe spare() {
      if isSmall, let block = unsafe spare.pointee.small {
        unsafe spare.pointee.small = unsafe block.load(as: UnsafeMutableRawPointer?.self)
        unsafe spare.pointee.smallCount -= 1
        return unsafe block
      }
      if !isSmall, let block = unsafe spare.pointee.large {
        unsafe spare.pointee.large = unsafe block.load(as: UnsafeMutableRawPointer?.self)
        unsafe spare.pointee.largeCount -= 1
        return unsafe block
      }
    }
    return unsafe malloc(isSmall ? smallSize : largeSize)
  }

  /// Overwrites this thread's large blocks that nobody uses: there was a secret in a record.
  static func wipe() {
    guard let spare = unsafe spare() else { return }
    var next = unsafe spare.pointee.large
    while let block = unsafe next {
      unsafe next = unsafe block.load(as: UnsafeMutableRawPointer?.self)
      // SAFETY: a block of this list has `largeSize` bytes, of which the first are the list's own.
      let link = unsafe MemoryLayout<UnsafeMutableRawPointer?>.size
      unsafe explicit_bzero(block.advanced(by: link), largeSize - link)
    }
  }

  private static func give(_ block: UnsafeMutableRawPointer?) {
    guard let block = unsafe block else { return }
    guard let spare = unsafe spare() else { return unsafe Glibc.free(block) }
    // SAFETY: the block came from the allocator, and has room for a pointer.
    let size = unsafe malloc_usable_size(block)
    if unsafe size == sizes.small, unsafe spare.pointee.smallCount < smallCeiling {
      unsafe block.storeBytes(of: spare.pointee.small, as: UnsafeMutableRawPointer?.self)
      unsafe spare.pointee.small = unsafe block
      unsafe spare.pointee.smallCount += 1
    } else if unsafe size == sizes.large, unsafe spare.pointee.largeCount < largeCeiling {
      unsafe block.storeBytes(of: spare.pointee.large, as: UnsafeMutableRawPointer?.self)
      unsafe spare.pointee.large = unsafe block
      unsafe spare.pointee.largeCount += 1
    } else {
      unsafe Glibc.free(block)
    }
  }

  /// This thread's blocks; nil if there is no memory to note them.
  private static func spare() -> UnsafeMutablePointer<SpareBlocks>? {
    if let known = unsafe pthread_getspecific(sizes.key) {
      return unsafe known.assumingMemoryBound(to: SpareBlocks.self)
    }
    guard let new = unsafe malloc(MemoryLayout<SpareBlocks>.size) else { return nil }
    let spare = unsafe new.bindMemory(to: SpareBlocks.self, capacity: 1)
    unsafe spare.initialize(to: SpareBlocks())
    unsafe pthread_setspecific(sizes.key, new)
    return unsafe spare
  }

  /// The thread ends.
  private static func discard(_ known: UnsafeMutableRawPointer?) {
    guard let known = unsafe known else { return }
    let spare = unsafe known.assumingMemoryBound(to: SpareBlocks.self)
    unsafe free(list: spare.pointee.small)
    unsafe free(list: spare.pointee.large)
    unsafe Glibc.free(known)
  }

  private static func free(list: UnsafeMutableRawPointer?) {
    var next = unsafe list
    while let block = unsafe next {
      unsafe next = unsafe block.load(as: UnsafeMutableRawPointer?.self)
      unsafe Glibc.free(block)
    }
  }
}
