// A worker's connection to the Redis that counts the limits of groups: one, on which questions follow each other without
// waiting, so that an answer takes one way there and back. Decided in Policy/SharedBook.swift, counted by
// Policy/SharedScript.swift.

internal import Config
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// A worker's side of it. Confined to the worker's loop.
final class SharedLimits {
  /// How long a request waits for it.
  static let patience = Interval(milliseconds: 50)
  /// For name look-up, TCP, TLS and login.
  private static let connecting = Interval(seconds: 2)
  /// Without an answer for so long, a connection is given up; until then an answer may still come.
  private static let silence = Interval(seconds: 5)
  /// How long what was taken may wait for a question that it goes along with.
  private static let flush = Interval(seconds: 1)
  /// How long a place that counts no more is tried to be told what is left.
  private static let lastFlush = Interval(seconds: 60)
  /// Questions that may wait for an answer: each is a request under way, and more than the circuit lets by.
  private static let ceiling = 4096

  private enum Reply {
    case login(isDatabase: Bool)
    case call(SharedCall)
  }

  let place: SharedPlace
  let book: SharedBook
  private let pod: [UInt8]
  /// The group that is asked about where nothing else shows whether the connection works.
  private let first: (String, SharedQuota)?
  private let loop: Loop
  private let dialer: Dialer
  private let jitter: () -> UInt64
  private var socket: Socket?
  private var parker: Parker?
  private var isRunning = false
  private var hasLoggedIn = false
  private var isRetired = false
  private var retiredAt = Instant.never
  private var out = ByteQueue()
  private var inbound = ByteQueue()
  /// What replies are for that will come, in their order.
  private var expected: [Reply] = []
  /// Questions that wait for a connection.
  private var waiting: [SharedCall] = []
  private var alarm: Alarm?
  private var onQuiet: (() -> Void)?

  /// - Parameter pod: a name of this process that no other one has.
  init(
    _ place: SharedPlace, _ book: SharedBook, pod: [UInt8], first: (String, SharedQuota)?, on loop: Loop,
    dialer: Dialer, jitter: @escaping () -> UInt64
  ) {
    self.place = place
    self.book = book
    self.pod = pod
    self.first = first
    self.loop = loop
    self.dialer = dialer
    self.jitter = jitter
  }

  private var wall: Int64 { Int64(clamping: Instant.unixNanoseconds / 1_000_000) }

  // MARK: Questions

  /// Connects before anybody asks, so that what is wrong shows at once.
  func begin() { connect() }

  /// Asks for `need`; nil: it isn't asked now, because it doesn't answer.
  func ask(_ group: String, _ quota: SharedQuota, _ need: Need, _ parker: Parker) -> SharedCall? {
    guard expected.count + waiting.count < Self.ceiling, let epoch = book.begin(at: loop.now.nanoseconds)
    else { return nil }
    let call = SharedCall(group, quota, need, epoch: epoch, at: .now, parker: parker)
    put(call)
    return call
  }

  /// The request waits no more. An answer that still comes is kept for when the request is over.
  func leave(_ call: SharedCall, isLate: Bool) {
    call.parker = nil
    guard call.isOpen else { return }
    if isLate {
      judge(call, isAnswered: false, .silent)
    } else if !call.isJudged {
      call.isJudged = true
      book.abandon(epoch: call.epoch, at: loop.now.nanoseconds)
    }
  }

  /// Books what a request has taken, once.
  func settle(_ call: SharedCall, _ taken: Taken) {
    switch call.outcome {
    case .open:
      call.taken = taken
      return
    case .answered(let answer) where answer.verdict == .granted:
      book.settle(taken, answer.promise, call.quota, of: call.group, wall: wall)
    case .answered, .uncounted:
      book.book(taken, call.quota, of: call.group, wall: wall)
    case .unknown: break
    }
    arm()
  }

  /// Books what a request has taken that was never asked about.
  func book(_ taken: Taken, _ quota: SharedQuota, of group: String) {
    book.book(taken, quota, of: group, wall: wall)
    arm()
  }

  private func put(_ call: SharedCall) {
    guard let socket, hasLoggedIn, !socket.peerHasClosed else {
      waiting.append(call)
      parker?.signal()
      return connect()
    }
    send(call)
    write()
  }

  private func send(_ call: SharedCall) {
    if !call.isRepeated { call.settlement = book.drain(call.group) }
    let digest = call.isRepeated ? [] : SharedDigest.script
    let (pod, prefix) = (pod, place.prefix)
    SharedScript.write(
      SharedScript.Call(
        group: Array(call.group.utf8), quota: call.quota, need: call.need, settlement: call.settlement),
      digest: digest.span, pod: pod.span, prefix: prefix.span, into: &out)
    expected.append(.call(call))
  }

  /// Sends what the kernel takes now; the connection's task sends the rest, and finds out what is wrong.
  private func write() {
    guard let socket else { return }
    if (try? socket.write(from: &out)) == nil { parker?.signal() }
    if out.isEmpty { out.removeAll() }
  }

  // MARK: What has still to be told

  private func arm() {
    if alarm != nil { return }
    // It holds on to what there is to tell, also where no configuration does any more.
    let alarm = Alarm { self.fire() }
    self.alarm = alarm
    loop.arm(alarm, at: loop.now + Self.flush)
  }

  private func fire() {
    alarm = nil
    tellAll()
    if !book.unsettled.isEmpty, loop.now < retiredAt + Self.lastFlush { return arm() }
    if isRetired, expected.isEmpty { parker?.signal() }
  }

  private func tellAll() {
    for (group, quota) in book.unsettled {
      guard expected.count + waiting.count < Self.ceiling, let epoch = book.begin(at: loop.now.nanoseconds)
      else { return }
      put(SharedCall(group, quota, nil, epoch: epoch, at: .now, parker: nil))
    }
  }

  /// Another place counts from now on, or none: what is left is told here, and the connection closed.
  func retire() {
    isRetired = true
    retiredAt = loop.now
    fire()
  }

  /// Tells what there is to tell before the process ends.
  ///
  /// - Parameter done: called when it has been heard, soon in any case.
  func finish(_ done: @escaping () -> Void) {
    if socket != nil { tellAll() }
    if expected.isEmpty || socket == nil { return done() }
    onQuiet = done
    if let alarm { loop.disarm(alarm) }
    let alarm = Alarm { self.quiet() }
    self.alarm = alarm
    loop.arm(alarm, at: loop.now + Self.patience)
  }

  private func quiet() {
    let done = onQuiet
    onQuiet = nil
    done?()
  }

  // MARK: The connection

  private func connect() {
    if isRunning { return }
    isRunning = true
    let here = Confined(self)
    loop.start { _ in await here.value.run() }
  }

  private func run() async {
    let parker = Parker(on: loop)
    self.parker = parker
    var fault = SharedFault.closed
    do throws(SharedFault) { try await serve(parker) } catch { fault = error }
    self.parker = nil
    parker.retire()
    isRunning = false
    close(fault)
    // What was asked meanwhile goes out on another connection.
    if !waiting.isEmpty { connect() }
  }

  private func serve(_ parker: Parker) async throws(SharedFault) {
    let began = loop.now
    let socket: Socket
    do throws(DialFault) {
      socket = try await dialer.dial(
        place.endpoint, tls: place.tls, sessions: nil, parker: parker, client: nil,
        until: began + Self.connecting)
    } catch { throw .unreachable(error) }
    self.socket = socket
    var greeting = ByteQueue.forSecrets()
    login(into: &greeting)
    while true {
      if !greeting.isEmpty {
        do throws(IOFault) { _ = try socket.write(from: &greeting) } catch { throw .lost(error) }
      } else if !hasLoggedIn, !expected.contains(where: { if case .login = $0 { true } else { false } }) {
        welcome()
      }
      if greeting.isEmpty, hasLoggedIn, !out.isEmpty {
        do throws(IOFault) { _ = try socket.write(from: &out) } catch { throw .lost(error) }
      }
      let isOver = try read(socket)
      if isOver { throw .closed }
      if isRetired, expected.isEmpty, waiting.isEmpty, book.unsettled.isEmpty { throw .retired }
      if expected.isEmpty { quiet() }
      if !hasLoggedIn, expected.isEmpty, greeting.isEmpty { continue }
      let deadline = self.deadline(began)
      if await parker.park(until: deadline) == .deadline, loop.now >= deadline { throw .silent }
    }
  }

  /// When the connection is given up.
  private func deadline(_ began: Instant) -> Instant {
    if !hasLoggedIn { return began + Self.connecting }
    for case .call(let call) in expected { return call.began + Self.silence }
    return .never
  }

  private func login(into out: inout ByteQueue) {
    hasLoggedIn = false
    if let password = place.password {
      RESP.command(words: place.user == nil ? 2 : 3, into: &out)
      RESP.word("AUTH", into: &out)
      if let user = place.user { RESP.word(user.span, into: &out) }
      RESP.word(secret: password.bytes, into: &out)
      expected.append(.login(isDatabase: false))
    }
    if place.database > 0 {
      RESP.command(words: 2, into: &out)
      RESP.word("SELECT", into: &out)
      RESP.word(place.database, into: &out)
      expected.append(.login(isDatabase: true))
    }
  }

  /// What was asked while there was no connection goes out.
  private func welcome() {
    hasLoggedIn = true
    let calls = waiting
    waiting = []
    for call in calls {
      // Whose request waits no more was let through otherwise.
      if call.need != nil, call.parker == nil { end(call, .uncounted) } else { send(call) }
    }
    // Nothing shows that it works but an answer.
    if expected.isEmpty, let (group, quota) = first, let epoch = book.begin(at: loop.now.nanoseconds) {
      send(SharedCall(group, quota, nil, epoch: epoch, at: .now, parker: nil))
    }
  }

  /// Reads what has come.
  ///
  /// - Returns: whether nothing more will.
  private func read(_ socket: Socket) throws(SharedFault) -> Bool {
    while true {
      let step: ReadStep
      do throws(IOFault) { step = try socket.read(into: &inbound, ceiling: 64 << 10) } catch {
        throw .lost(error)
      }
      while true {
        let found: (reply: RESPReply, count: Int)?
        do throws(RESPFault) { found = try RESP.read(unsafe inbound.view) } catch { throw .malformed }
        guard let found else { break }
        inbound.consume(found.count)
        try take(found.reply)
      }
      if inbound.isEmpty { inbound.removeAll() }
      switch step {
      case .bytes: continue
      case .wouldBlock: return false
      case .end: return true
      }
    }
  }

  private func take(_ reply: RESPReply) throws(SharedFault) {
    if expected.isEmpty {
      // It may say why it won't have anybody before it is asked.
      if case .error(let text) = reply { throw .refused(SharedRefusal(text)) }
      throw .malformed
    }
    switch (expected.removeFirst(), reply) {
    case (.login, .status): break
    case (.login, .error(let text)): throw .login(SharedRefusal(text))
    case (.login, _): throw .malformed
    case (.call(let call), .error(let text)): try refuse(call, SharedRefusal(text))
    case (.call(let call), let reply):
      guard let answer = SharedAnswer(reply) else {
        end(call, .unknown)
        judge(call, isAnswered: false, .malformed)
        throw .malformed
      }
      book.take(answer, call.quota, of: call.group, wall: wall)
      end(call, .answered(answer))
      judge(call, isAnswered: true, nil)
    }
  }

  private func refuse(_ call: SharedCall, _ refusal: SharedRefusal) throws(SharedFault) {
    if refusal == .unknownScript, !call.isRepeated {
      // It has lost the script, and done nothing.
      call.isRepeated = true
      send(call)
      return write()
    }
    if refusal.isBeforeScript { book.putBack(call.settlement, of: call.group) }
    end(call, refusal.isBeforeScript ? .uncounted : .unknown)
    judge(call, isAnswered: false, .refused(refusal))
    if refusal.endsConnection { throw .refused(refusal) }
  }

  private func close(_ fault: SharedFault) {
    let didWork = hasLoggedIn
    socket?.close()
    socket = nil
    hasLoggedIn = false
    out.removeAll()
    inbound.removeAll()
    var lost = expected.compactMap { reply in if case .call(let call) = reply { call } else { nil } }
    expected = []
    for call in lost { end(call, .unknown) }
    // What waits was told nobody. Behind a connection that worked it gets another one.
    if !didWork {
      for call in waiting { end(call, .uncounted) }
      lost += waiting
      waiting = []
    }
    if fault != .retired {
      for call in lost { judge(call, isAnswered: false, fault) }
      // That it doesn't work is known although nobody has asked yet.
      if lost.isEmpty, !didWork, let epoch = book.begin(at: loop.now.nanoseconds) {
        tell(isAnswered: false, epoch: epoch, fault)
      }
    }
    quiet()
  }

  // MARK: Ends

  private func end(_ call: SharedCall, _ outcome: SharedCall.Outcome) {
    call.outcome = outcome
    if let taken = call.taken { settle(call, taken) }
    call.parker?.signal()
  }

  private func judge(_ call: SharedCall, isAnswered: Bool, _ fault: SharedFault?) {
    if call.isJudged { return }
    call.isJudged = true
    tell(isAnswered: isAnswered, epoch: call.epoch, fault)
  }

  private func tell(isAnswered: Bool, epoch: UInt32, _ fault: SharedFault?) {
    let isNews = book.end(
      isAnswered, epoch: epoch, jitter: UInt8(truncatingIfNeeded: jitter()), at: loop.now.nanoseconds)
    guard isNews else { return }
    if isAnswered {
      return Log.write(.info, "limits are counted together", .text("redis", place.shown))
    }
    Log.write(
      .warn, "limits can't be counted together; until then this pod keeps to its part of them",
      .text("redis", place.shown), .text("reason", (fault ?? .silent).message(place)),
      .number("pods", book.part))
  }
}
