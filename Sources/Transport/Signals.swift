// Signals as events of a loop, so that no code ever runs inside a signal handler.

internal import CLinux
internal import Glibc

/// The signals that steer the process.
package enum Signal: Sendable {
  /// SIGTERM or SIGINT: drain and leave.
  case terminate
  /// SIGHUP: read the config again.
  case reload
}

/// Delivers signals on one loop. Make it before any other thread starts, so that all of them inherit the block.
package final class Signals: EventSource {
  private let descriptor: Int32
  private let loop: Loop
  private let onSignal: (Signal) -> Void

  /// Blocks the steering signals for this thread and those that it starts; ignores SIGPIPE.
  package init(on loop: Loop, onSignal: @escaping (Signal) -> Void) throws(SystemFault) {
    self.loop = loop
    self.onSignal = onSignal
    signal(SIGPIPE, SIG_IGN)
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for number in [SIGTERM, SIGINT, SIGHUP] { unsafe sigaddset(&set, number) }
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    // From here on they are read, not handled.
    for number in [SIGTERM, SIGINT, SIGHUP] { signal(number, SIG_DFL) }
    descriptor = unsafe signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC))
    guard descriptor >= 0 else { throw .last("signalfd") }
    super.init()
    try loop.register(self, descriptor, readOnly: true)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  override func ready(_ events: UInt32) {
    var info = signalfd_siginfo()
    while retrying({ unsafe read(descriptor, &info, MemoryLayout<signalfd_siginfo>.size) }) > 0 {
      onSignal(Int32(info.ssi_signo) == SIGHUP ? .reload : .terminate)
    }
  }
}

/// What the process asks of the kernel about itself.
package enum ProcessSettings {
  /// Until signals are listened to, one that asks for the end is an end: the kernel would not tell the first
  /// process of a container of it. One that asks for a reload means what is about to be read anyway.
  package static func leaveOnSignals() {
    for number in [SIGTERM, SIGINT] { signal(number) { _ in _exit(0) } }
    signal(SIGHUP, SIG_IGN)
  }

  /// No core file, no tracing by other processes of this user, no dump of registers: memory holds provider
  /// secrets.
  package static func forbidDumps() {
    // Where Swift's backtracer is installed, the runtime has set it up to print a crashed process's registers
    // and the memory behind them.
    for number in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGTRAP] { signal(number, SIG_DFL) }
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    _ = remora_forbid_dumps()
  }

  /// Raises the soft limit of open descriptors to the hard one, and says what it is now.
  package static func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    if limit.rlim_cur < limit.rlim_max {
      limit.rlim_cur = min(limit.rlim_max, 1 << 20)
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
    return Int(clamping: limit.rlim_cur)
  }

  /// Few arenas, and no memory fetched from the kernel anew for each long body: a page that is touched for the first
  /// time costs more than what is done with it. Behind a burst the loop trims (`Loop.trimSoon`).
  package static func leanAllocator() {
    mallopt(M_ARENA_MAX, 2)
    mallopt(M_MMAP_THRESHOLD, 1 << 20)
    mallopt(M_TRIM_THRESHOLD, 2 << 20)
  }

  /// Random bytes from the kernel, for ids.
  package static func randomWord() -> UInt64 {
    var word: UInt64 = 0
    if unsafe getrandom(&word, 8, 0) != 8 { word = Instant.now.nanoseconds }
    return word
  }

  /// As many as fit, for one call of the kernel.
  package static func fillRandom(_ words: inout InlineArray<64, UInt64>) {
    var span = words.mutableSpan
    let got = unsafe span.withUnsafeMutableBytes { unsafe getrandom($0.baseAddress, $0.count, 0) }
    if got == 64 * 8 { return }
    for place in 0..<64 { words[place] = randomWord() }
  }
}
