// The file of an audit log: opened so that no other can be meant, continued where it ends, and put aside when it is full or
// its day is over. Next: AuditAsides.swift, for the files that were put aside.

internal import Glibc
internal import Policy
internal import Wire

/// Why a log can't be opened.
struct AuditFault: Error, Sendable {
  let message: String
}

/// The file that is written now. Confined to its writer's thread.
struct AuditFile: ~Copyable {
  let path: String
  private let mode: mode_t
  private let isStandard: Bool
  private var descriptor: Int32 = -1
  /// Bytes of it, up to where what waits begins.
  private(set) var size = 0
  /// The day of its lines, in days since 1970; nil where there is none.
  private(set) var day: Int?
  /// It ends in the middle of a line, whose rest comes next.
  private var isTorn = false
  /// What was found strange when it was opened, once.
  private(set) var doubt: StaticString?
  let asides: AuditAsides

  /// Bytes of a line; what is longer is none.
  static let lineCeiling = 16 * 1024
  /// How long another process may hold the file while it ends: a container's successor starts right behind it.
  private static let patience = (tries: 20, pause: UInt32(50_000))

  init(_ path: String, mode: mode_t) {
    self.path = path
    self.mode = mode
    isStandard = path == "stdout"
    asides = AuditAsides(path)
  }

  deinit { if descriptor >= 0, !isStandard { close(descriptor) } }

  var isOpen: Bool { descriptor >= 0 }

  // MARK: Opening

  /// Opens it, and has a chain that has not begun go on behind its last line. A line that was torn is cut off.
  mutating func open(_ chain: inout AuditChain) throws(AuditFault) {
    if isStandard {
      descriptor = STDOUT_FILENO
      return
    }
    let new = try openFile()
    do throws(AuditFault) {
      try lock(new)
      let end = try settle(new, &chain)
      if descriptor >= 0 { close(descriptor) }
      descriptor = new
      size = end
      isTorn = false
    } catch {
      close(new)
      throw error
    }
  }

  private func openFile() throws(AuditFault) -> Int32 {
    if unsafe mkdir(asides.folder, 0o700) != 0, errno != EEXIST {
      throw fault("the directory can't be made: \(Self.reason)")
    }
    // A FIFO would be opened for both sides and block later, a link would lead elsewhere.
    let flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
    var descriptor = unsafe Glibc.open(path, flags | O_CREAT | O_EXCL, mode)
    if descriptor >= 0 {
      // The process's mask may have taken bits away that the configuration asks for.
      fchmod(descriptor, mode)
      syncFolder()
    } else if errno == EEXIST {
      descriptor = unsafe Glibc.open(path, flags)
    }
    guard descriptor >= 0 else {
      if errno == ELOOP { throw fault("it is a symbolic link; name the file itself") }
      throw fault("it can't be opened: \(Self.reason)")
    }
    return descriptor
  }

  private func lock(_ descriptor: Int32) throws(AuditFault) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw fault("it can't be looked at: \(Self.reason)") }
    guard status.st_mode & S_IFMT == S_IFREG else { throw fault("it is no regular file") }
    guard status.st_uid == geteuid() else { throw fault("it belongs to another user") }
    for attempt in 0..<Self.patience.tries {
      // On the thread that reads configurations: a process that ends, as one does while its container is replaced, is
      // given a moment to let go.
      if attempt > 0 { usleep(Self.patience.pause) }
      // A file system without locks has nothing to say of other processes.
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK { return }
    }
    throw fault("another process writes it; two would break each other's chain")
  }

  /// Cuts off a torn line and goes on behind the last whole one.
  ///
  /// - Returns: where the lines end.
  private mutating func settle(_ descriptor: Int32, _ chain: inout AuditChain) throws(AuditFault) -> Int {
    let all = max(Int(lseek(descriptor, 0, SEEK_END)), 0)
    let last = AuditAsides.lastLine(descriptor, all)
    day = nil
    if last.end < all {
      guard all - last.end < Self.lineCeiling, AuditChain.begins(last.torn.span) else {
        throw fault("it isn't an audit log; name another file")
      }
      guard ftruncate(descriptor, off_t(last.end)) == 0 else {
        throw fault("a torn line can't be cut off: \(Self.reason)")
      }
    }
    let isNew = chain.sequence == 0
    if !last.line.isEmpty {
      guard AuditChain.sequence(of: last.line.span) != nil else {
        throw fault("its last line isn't one of an audit log; name another file, or move this one away")
      }
      day = AuditChain.time(of: last.line.span).map { $0 / 86_400 }
      if isNew {
        if !chain.fits(last.line.span) { doubt = "the audit log's last line doesn't fit its hash" }
        _ = chain.resume(behind: last.line.span)
      }
    } else if isNew, let newest = asides.list().max(by: { $0.sequence < $1.sequence }) {
      _ = chain.resume(behind: asides.lastLine(of: newest.name).span)
    }
    return last.end
  }

  private func fault(_ what: String) -> AuditFault {
    AuditFault(message: "audit log \(Shown.path(path)): \(what)")
  }

  private static var reason: String {
    let text = unsafe String(cString: strerror(errno))
    return text.prefix(1).lowercased() + text.dropFirst()
  }

  // MARK: Writing

  /// Writes what waits, as far as it goes; what is left begins where the file ends.
  ///
  /// - Returns: nil, or why not all of it was taken.
  mutating func write(_ waiting: inout ByteQueue, at seconds: Int) -> String? {
    var done = 0
    var problem: String?
    while done < waiting.count {
      let rest = waiting.bytes.extracting(done..<waiting.count)
      let piece = isStandard ? Self.pieceLength(rest) : rest.count
      // SAFETY: the bytes stay where they are during the call.
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, piece) }
      if count > 0 {
        done += count
      } else if count == 0 || errno != EINTR && !(isStandard && errno == EAGAIN && waitForReader()) {
        problem = count == 0 ? "it takes nothing" : Self.reason
        break
      }
    }
    if done > 0, day == nil { day = seconds / 86_400 }
    keep(done, &waiting)
    return problem
  }

  /// Takes `done` bytes that were written off what waits. Of a line that was cut, the beginning is taken back, or where
  /// that can't be done, its rest will come first.
  private mutating func keep(_ done: Int, _ waiting: inout ByteQueue) {
    var whole = done
    if done < waiting.count, !isStandard {
      let bytes = waiting.bytes
      while whole > 0, bytes[whole - 1] != ASCII.lf { whole -= 1 }
      let goesBack = whole < done && !(isTorn && whole == 0)
      isTorn = done > 0 ? whole < done : isTorn
      if goesBack, ftruncate(descriptor, off_t(size + whole)) == 0 { isTorn = false } else { whole = done }
    } else if done > 0 {
      isTorn = false
    }
    waiting.consume(whole)
    size += whole
  }

  /// As many whole lines as a pipe takes in one piece: others may write into it too.
  private static func pieceLength(_ bytes: Span<UInt8>) -> Int {
    if bytes.count <= Int(PIPE_BUF) { return bytes.count }
    var end = Int(PIPE_BUF)
    while end > 0, bytes[end - 1] != ASCII.lf { end -= 1 }
    return end > 0 ? end : Int(PIPE_BUF)
  }

  /// Waits for somebody to read standard output, which others may have made non-blocking.
  private func waitForReader() -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    // SAFETY: one entry, which the kernel fills in and doesn't keep.
    return unsafe poll(&entry, 1, 1000) > 0
  }

  /// Has the disk keep what was written.
  ///
  /// - Returns: nil, or why it doesn't.
  func sync() -> String? {
    isStandard || descriptor < 0 || fdatasync(descriptor) == 0 ? nil : Self.reason
  }

  // MARK: The next one

  /// Whether another file must begin before `count` more bytes, behind `waiting` that are to be written into this one.
  func ends(behind waiting: Int, adding count: Int, at seconds: Int, _ keeping: AuditKeeping) -> Bool {
    !isStandard && !isTorn && keeping.endsFile(size + waiting, day: day, adding: count, at: seconds)
  }

  /// Whether the path leads to another file now, as after logrotate, or to none.
  var isMoved: Bool {
    if isStandard || isTorn || descriptor < 0 { return false }
    var here = stat()
    var there = stat()
    guard unsafe fstat(descriptor, &here) == 0, unsafe lstat(path, &there) == 0 else { return true }
    return here.st_ino != there.st_ino || here.st_dev != there.st_dev
  }

  /// Puts the file aside, under a name with the time and its last line's number, and begins another.
  mutating func putAside(at seconds: Int, _ chain: inout AuditChain) throws(AuditFault) {
    _ = sync()
    var place: String
    var seconds = seconds
    repeat {
      place = asides.path(at: seconds, sequence: chain.sequence)
      seconds += 1
    } while unsafe access(place, F_OK) == 0
    guard unsafe rename(path, place) == 0 else { throw fault("it can't be put aside: \(Self.reason)") }
    try open(&chain)
    syncFolder()
  }

  private func syncFolder() {
    let folder = unsafe Glibc.open(asides.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }
}
