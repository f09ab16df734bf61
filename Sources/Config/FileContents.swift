// The bytes of a file that the operator named: read whole, with a ceiling, without ever waiting.

import Glibc
internal import Wire

/// Why a file can't be read.
package enum FileFault: Error, Sendable, Equatable {
  /// The system refused; the number is `errno`.
  case system(Int32)
  case directory, notRegular, empty
  case tooLarge(ceiling: Int)

  /// What is wrong, as the end of a sentence about the file.
  package var message: String {
    switch self {
    case .directory: "is a directory; name a file"
    case .notRegular: "is not a regular file"
    case .empty: "is empty"
    case .tooLarge(let ceiling): "is larger than \(ceiling) bytes"
    case .system(let number): "can't be read: " + Self.meaning(number)
    }
  }

  private static func meaning(_ number: Int32) -> String {
    switch number {
    case ENOENT: "no such file or directory (ENOENT)"
    case EACCES: "permission denied (EACCES)"
    case EPERM: "operation not permitted (EPERM)"
    case ENOTDIR: "a part of the path is not a directory (ENOTDIR)"
    case ELOOP: "too many symbolic links (ELOOP)"
    case ENAMETOOLONG: "the path is too long (ENAMETOOLONG)"
    case EMFILE, ENFILE: "too many open files (EMFILE)"
    case EIO: "the device failed (EIO)"
    default: "error number \(number)"
    }
  }
}

/// A file's bytes in memory of their own, which is wiped when they are no longer needed.
@safe package struct FileContents: ~Copyable {
  // SAFETY: points to `capacity` bytes that only this value refers to; the first `count` are initialised.
  private let base: UnsafeMutableRawPointer
  private let capacity: Int
  private var count = 0

  private init(capacity: Int) {
    self.capacity = capacity
    unsafe base = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
  }

  /// Reads the file at `path`.
  ///
  /// A named pipe or a device is refused at once, so that a wrong path can't stop the start.
  /// - Throws: `FileFault`, also where the file is larger than `ceiling` bytes.
  package static func read(_ path: String, ceiling: Int) throws(FileFault) -> FileContents {
    let (descriptor, _) = try Self.open(path)
    defer { close(descriptor) }
    // One byte more than is allowed, to see that there is more.
    var contents = FileContents(capacity: ceiling + 1)
    while contents.count < contents.capacity {
      let room = contents.capacity - contents.count
      // SAFETY: `room` bytes behind the first `count` belong to `contents`.
      let taken = unsafe Glibc.read(descriptor, contents.base.advanced(by: contents.count), room)
      if taken == 0 { break }
      if taken < 0 {
        if errno == EINTR { continue }
        throw .system(errno)
      }
      contents.count += taken
    }
    guard contents.count <= ceiling else { throw .tooLarge(ceiling: ceiling) }
    return contents
  }

  /// Whether the file at `path` could be read, without reading it.
  package static func check(_ path: String) throws(FileFault) {
    let (descriptor, size) = try Self.open(path)
    close(descriptor)
    if size == 0 { throw .empty }
  }

  private static func open(_ path: String) throws(FileFault) -> (descriptor: Int32, size: Int) {
    if path.utf8.contains(0) { throw .system(ENOENT) }
    let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(errno) }
    var status = stat()
    var fault: FileFault?
    if unsafe fstat(descriptor, &status) != 0 {
      fault = .system(errno)
    } else if status.st_mode & S_IFMT == S_IFDIR {
      fault = .directory
    } else if status.st_mode & S_IFMT != S_IFREG {
      fault = .notRegular
    }
    if let fault {
      close(descriptor)
      throw fault
    }
    return (descriptor, status.st_size)
  }

  deinit {
    unsafe explicit_bzero(base, count)
    unsafe base.deallocate()
  }

  package var bytes: Span<UInt8> {
    @_lifetime(borrow self)
    get {
      // SAFETY: the first `count` bytes are initialised, and live as long as `self` is borrowed.
      let span = unsafe Span<UInt8>(_unsafeStart: base.assumingMemoryBound(to: UInt8.self), count: count)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }
}
