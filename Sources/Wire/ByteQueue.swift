// The one byte buffer of the house: bytes are appended at the tail and taken from the head.
//
// Every connection owns a few of these. An empty queue holds no memory at all: its block goes back to the
// worker's `BlockPool`, so a thousand idle streams cost a thousand empty queues, and a chunk that passes
// through allocates nothing. Next: HTTP/HeadParser.swift, SSE/EventDecoder.swift.

// Public, like the few others that say `@inlinable`, and not `package`: only then does the compiler inline into other
// modules, which this is for.
/// A queue of bytes with a head and a tail in one contiguous stretch of memory.
///
/// Ranges handed out by parsers are offsets from `head`, and stay true until the next `consume`.
@safe public struct ByteQueue: ~Copyable {
  // SAFETY: points to `capacity` bytes that only this queue refers to, or is nil; bytes head..<tail are initialised.
  @usableFromInline var base: UnsafeMutableRawPointer?
  @usableFromInline var capacity = 0
  @usableFromInline var head = 0
  @usableFromInline var tail = 0
  // SAFETY: retained by `init` and released by `deinit`, once each, for a queue can't be copied. Not an ordinary
  // reference, which would be retained for each block that is taken and given back.
  private let pool: Unmanaged<BlockPool>?
  /// So many of the memory's first bytes are overwritten before it is given back: a secret was among them. `Int.max` in a
  /// queue of secrets.
  private var secretEnd = 0

  /// An empty queue, which takes its first block from `pool` when bytes arrive.
  public init(pool: BlockPool? = nil) {
    unsafe base = nil
    unsafe self.pool = pool.map { unsafe Unmanaged.passRetained($0) }
  }

  /// A queue that holds a copy of `bytes`.
  public init(copying bytes: Span<UInt8>) {
    self.init()
    append(bytes)
  }

  /// An empty queue for secrets, in whatever way they come into it: all memory that it ever has is overwritten before it
  /// is given back.
  public static func forSecrets() -> ByteQueue {
    var queue = ByteQueue()
    queue.secretEnd = .max
    return queue
  }

  deinit {
    wipeSecret()
    unsafe Self.release(base, capacity, to: pool)
    unsafe pool?.release()
  }

  /// Bytes that wait to be taken.
  @inlinable public var count: Int { tail - head }
  @inlinable public var isEmpty: Bool { tail == head }

  /// Bytes that can be appended before memory has to be found for more.
  public var room: Int { capacity - tail }

  /// The waiting bytes, in order: for as long as the queue isn't changed, which the compiler sees to. It takes none of
  /// a queue that is a property of an object, for it can't follow that: such a queue is handed on whole, or `view`ed.
  public var bytes: Span<UInt8> {
    @inlinable @_lifetime(borrow self)
    get {
      // SAFETY: head..<tail is initialised, inside the block, and the block lives as long as `self` is borrowed.
      let span = unsafe Span<UInt8>(
        _unsafeStart: (base ?? Self.nowhere).advanced(by: head).assumingMemoryBound(to: UInt8.self),
        count: tail &- head)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The waiting bytes, of a queue that is a property of an object.
  ///
  /// - Safety: what is called with the span neither changes the queue nor keeps the span, and neither does the code
  ///   behind it, while a name stands for the span. No `await` comes before its last use.
  @unsafe
  public var view: Span<UInt8> {
    @inlinable @_lifetime(immortal)
    get {
      let span = unsafe Span<UInt8>(
        _unsafeStart: (base ?? Self.nowhere).advanced(by: head).assumingMemoryBound(to: UInt8.self),
        count: tail &- head)
      return unsafe _overrideLifetime(span, copying: ())
    }
  }

  /// The byte at `offset`, which must be below `count`.
  @inlinable public subscript(offset: Int) -> UInt8 { bytes[offset] }

  /// The waiting bytes as C sees them; valid until the queue is next changed.
  @inlinable public var unsafeBytes: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: (base ?? Self.nowhere).advanced(by: head), count: tail - head)
  }

  /// Room behind the tail, at least `minimum` bytes of it, for a system call to fill; follow it by `commit`.
  @inlinable
  public mutating func spare(_ minimum: Int) -> UnsafeMutableRawBufferPointer {
    reserve(minimum)
    return unsafe UnsafeMutableRawBufferPointer(
      start: (base ?? Self.nowhere).advanced(by: tail), count: capacity - tail)
  }

  /// The first `count` bytes of the spare room now hold bytes.
  @inlinable
  public mutating func commit(_ count: Int) {
    precondition(count >= 0 && count <= capacity - tail)
    tail += count
  }

  /// Takes `count` bytes off the head. An empty queue gives its block back.
  @inlinable
  public mutating func consume(_ count: Int) {
    precondition(count >= 0 && count <= tail - head)
    head += count
    if head == tail { removeAll() }
  }

  /// Takes blanks and line ends off the head.
  ///
  /// - Returns: how many there were.
  package mutating func consumeBlanks() -> Int {
    var end = 0
    while end < count, self[end] <= ASCII.space { end += 1 }
    consume(end)
    return end
  }

  /// Overwrites two of the waiting bytes, from `offset` on.
  package mutating func overwrite(_ first: UInt8, _ second: UInt8, at offset: Int) {
    precondition(offset >= 0 && offset &+ 2 <= count)
    // SAFETY: both bytes are among the waiting ones.
    unsafe base?.storeBytes(of: first, toByteOffset: head &+ offset, as: UInt8.self)
    unsafe base?.storeBytes(of: second, toByteOffset: head &+ offset &+ 1, as: UInt8.self)
  }

  /// Drops the bytes behind the first `count`.
  public mutating func truncate(to count: Int) {
    precondition(count >= 0 && count <= tail - head)
    tail = head + count
    if head == tail { removeAll() }
  }

  /// Forgets everything and gives the block back.
  @inlinable
  public mutating func removeAll() {
    // Most queues hold nothing when they are told to forget it.
    if unsafe base != nil { giveBack() }
  }

  @usableFromInline @inline(never)
  mutating func giveBack() {
    wipeSecret()
    unsafe Self.release(base, capacity, to: pool)
    if secretEnd != .max { secretEnd = 0 }
    unsafe base = nil
    capacity = 0
    head = 0
    tail = 0
  }

  /// Forgets everything but keeps the block: for a queue that will be filled again at once.
  @inlinable
  public mutating func clear() {
    head = 0
    tail = 0
  }

  /// Makes sure that `minimum` more bytes fit, by moving the waiting ones to the front or to a larger block.
  @inlinable
  public mutating func reserve(_ minimum: Int) {
    if capacity &- tail < minimum { makeRoom(minimum) }
  }

  @usableFromInline @inline(never)
  mutating func makeRoom(_ minimum: Int) {
    let waiting = tail - head
    if unsafe base == nil, let pool = unsafe pool, minimum <= BlockPool.blockSize {
      unsafe base = pool._withUnsafeGuaranteedRef { unsafe $0.take() }
      capacity = BlockPool.blockSize
      return
    }
    if let base = unsafe base, capacity >= waiting + minimum, head >= waiting {
      // The two stretches can't overlap, and each byte is moved at most once per time it is overtaken.
      unsafe base.copyMemory(from: base.advanced(by: head), byteCount: waiting)
      head = 0
      tail = waiting
      return
    }
    let wanted = max(
      waiting + minimum, min(capacity * 2, capacity + (4 << 20)), unsafe pool == nil ? 256 : 4096)
    let grown = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
    unsafe pool?._withUnsafeGuaranteedRef { $0.held += wanted }
    if let base = unsafe base { unsafe grown.copyMemory(from: base.advanced(by: head), byteCount: waiting) }
    wipeSecret()
    if secretEnd != .max { secretEnd = max(secretEnd - head, 0) }
    unsafe Self.release(base, capacity, to: pool)
    unsafe base = grown
    capacity = wanted
    head = 0
    tail = waiting
  }

  @inlinable
  public mutating func append(_ bytes: Span<UInt8>) {
    if capacity &- tail >= bytes.count { store(bytes) } else { appendBehindRoom(bytes) }
  }

  /// As above, where there is no room yet: apart from it, so that who has room saves nothing for later.
  @usableFromInline @inline(never)
  mutating func appendBehindRoom(_ bytes: Span<UInt8>) {
    makeRoom(bytes.count)
    store(bytes)
  }

  /// Stores what there is room for.
  @inlinable @inline(__always)
  mutating func store(_ bytes: Span<UInt8>) {
    let end = tail
    tail = end &+ bytes.count
    // SAFETY: there is room behind the tail for all bytes; a span can't overlap a queue it doesn't borrow.
    unsafe bytes.withUnsafeBytes { source in
      guard let from = source.baseAddress, let base = unsafe base else { return }
      unsafe base.advanced(by: end).copyMemory(from: from, byteCount: source.count)
    }
  }

  /// Appends what `other` holds.
  @inlinable
  public mutating func append(_ other: borrowing ByteQueue) {
    append(other.bytes)
  }

  /// Appends what `other` holds between two offsets.
  @inlinable
  public mutating func append(_ other: borrowing ByteQueue, _ range: Range<Int>) {
    append(other.bytes.extracting(range))
  }

  @inlinable
  public mutating func append(_ byte: UInt8) {
    reserve(1)
    unsafe base?.storeBytes(of: byte, toByteOffset: tail, as: UInt8.self)
    tail &+= 1
  }

  @inlinable
  public mutating func append(_ text: StaticString) {
    // SAFETY: a static string's bytes live as long as the program.
    append(unsafe Span(_unsafeStart: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// As above, compiled into the caller, where a short literal is a store or two: for what every head is made of.
  @inlinable @inline(__always)
  public mutating func append(literal text: StaticString) {
    let count = text.utf8CodeUnitCount
    if capacity &- tail < count { makeRoom(count) }
    // SAFETY: a static string's bytes live as long as the program, and there is room for them behind the tail.
    unsafe base?.advanced(by: tail).copyMemory(from: text.utf8Start, byteCount: count)
    tail &+= count
  }

  /// Not what a literal means: that is a `StaticString`.
  @_disfavoredOverload
  public mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { append(unsafe Span(_unsafeElements: $0)) }
  }

  public mutating func append(_ bytes: [UInt8]) {
    append(bytes.span)
  }

  /// Appends what may be read nowhere else: its memory is overwritten before it is given back.
  public mutating func append(secret bytes: Span<UInt8>) {
    append(bytes)
    secretEnd = max(secretEnd, tail)
  }

  /// Has the memory at hand overwritten before it is given back: what was appended is found to hold a secret.
  public mutating func holdsSecret() { secretEnd = max(secretEnd, tail) }

  /// Whether both hold the same bytes.
  package func equals(_ other: borrowing ByteQueue) -> Bool { bytes.equals(other.bytes) }

  /// The waiting bytes as a text, what isn't UTF-8 repaired; off the hot path.
  package func text() -> String { bytes.text() }

  /// A copy of the waiting bytes, for what is off the hot path.
  public func array() -> [UInt8] {
    unsafe Array(unsafeBytes)
  }

  /// Where an empty queue points: never read, and never null.
  @inlinable static var nowhere: UnsafeMutableRawPointer {
    // SAFETY: a pointer that nobody follows, because the counts beside it are zero.
    unsafe UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped
  }

  /// Overwrites the memory at hand as far as a secret was ever written into it. A secret that moved to the front lies
  /// before the place where it was.
  private func wipeSecret() {
    guard secretEnd > 0, let base = unsafe base else { return }
    // SAFETY: the block's `capacity` bytes belong to this queue alone.
    unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: min(secretEnd, capacity))
  }

  private static func release(
    _ base: UnsafeMutableRawPointer?, _ capacity: Int, to pool: Unmanaged<BlockPool>?
  ) {
    guard let base = unsafe base else { return }
    guard let pool = unsafe pool else { return unsafe base.deallocate() }
    unsafe pool._withUnsafeGuaranteedRef { pool in
      pool.held -= capacity
      if capacity == BlockPool.blockSize { return unsafe pool.give(base) }
      unsafe base.deallocate()
      pool.gaveBack &+= capacity
    }
  }
}
