// What a task will touch when it goes on, brought into the processor's caches all at once.
//
// Between two events of a connection the processor has seen hundreds of others, and what belongs to it is far away. A task
// that goes on reads it piece by piece, and waits for each.

internal import CLinux
internal import Glibc

/// Where objects lie that are needed soon. Only addresses: it keeps nothing alive, and to fetch what is no more is harmless.
package struct Prefetch {
  /// Bytes that a processor fetches at once.
  private static var line: UInt { 64 }
  /// Lines of one object at most.
  private static var longest: UInt { line - 1 }

  /// The address of an object's first line, and in the bits below a line how many there are.
  private var objects = InlineArray<12, UInt>(repeating: 0)
  private var count = 0

  package init() {}

  /// Adds an object, which must lie in the heap, as what lives longer than a function does; past twelve it is left out.
  package mutating func add(_ object: AnyObject) {
    guard count < objects.count else { return }
    // SAFETY: the object is alive, and a block of the allocator's, as the caller sees to.
    let start = unsafe UInt(bitPattern: Unmanaged.passUnretained(object).toOpaque())
    let size = unsafe UInt(malloc_usable_size(UnsafeMutableRawPointer(bitPattern: start)))
    let first = start & ~(Self.line - 1)
    objects[count] = first | min((start + size - first + Self.line - 1) / Self.line, Self.longest)
    count += 1
  }

  /// Forgets all of them.
  package mutating func clear() { count = 0 }

  /// Begins to fetch all of it, and waits for nothing.
  @inline(__always) package func fetch() {
    for index in 0..<count {
      let object = objects[index]
      remora_prefetch(Int(bitPattern: object & ~(Self.line - 1)), Int(bitPattern: object & (Self.line - 1)))
    }
  }

  /// The addresses of the lines, for tests.
  var lines: [UInt] {
    (0..<count).flatMap { index in
      let object = objects[index]
      let first = object & ~(Self.line - 1)
      return (0..<(object & (Self.line - 1))).map { first + $0 * Self.line }
    }
  }
}
