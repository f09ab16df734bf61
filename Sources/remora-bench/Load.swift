// The clients, all on one loop, and the window in which they are counted.
//
// What happens before the window opens warms the proxy's pool and caches; then the proxy's processor time is read
// at both ends of the window. Requests at fixed instants are timed from the instant at which they were due, so that
// a proxy which stalls is not excused from the requests that could not be sent meanwhile.

import Glibc
import Transport
import Wire

enum Load {
  enum Mode { case closed, paced, hold }

  static let options: Set<String> = [
    "--port", "--connections", "--warm-up-ms", "--window-ms", "--rate", "--spread-ms", "--method", "--path",
    "--body", "--body-file", "--field", "--kind", "--order", "--pids", "--allocations",
  ]

  static func run(_ mode: Mode, _ options: Options) -> Int32 {
    do throws(SystemFault) {
      let loop = try Loop()
      let crowd = Crowd(on: loop, LoadPlan(mode, options))
      loop.run {
        loop.start { _ in await crowd.start() }
      }
      return 0
    } catch {
      Output.complain(error.description)
      return 1
    }
  }
}

/// What the clients do.
struct LoadPlan: Sendable {
  let mode: Load.Mode
  let port: UInt16
  let connections: Int
  let warmUp: Duration
  let window: Duration
  /// Clients begin one after the other over this time, so that streams don't tick in step.
  let spread: Duration
  /// Requests per second, where they are paced.
  let rate: Int
  let request: [UInt8]
  let isStream: Bool
  let meter: Meter

  init(_ mode: Load.Mode, _ options: Options) {
    self.mode = mode
    port = UInt16(clamping: options.number("--port", default: 0))
    connections = min(max(options.number("--connections", default: 1), 1), 20_000)
    warmUp = .milliseconds(options.number("--warm-up-ms", default: 300))
    window = .milliseconds(options.number("--window-ms", default: 1000))
    spread = .milliseconds(options.number("--spread-ms", default: 0))
    rate = max(options.number("--rate", default: 1000), 1)
    let order = options.text("--order") ?? "json 1024"
    isStream = order.hasPrefix("stream")
    request = Self.request(options, order)
    let pids = (options.text("--pids") ?? "").split(separator: ",").compactMap { Int32($0) }
    meter = Meter(processes: pids, allocationsFile: options.text("--allocations"))
  }

  /// A request as the OpenAI SDK sends it.
  private static func request(_ options: Options, _ order: String) -> [UInt8] {
    let method = options.text("--method") ?? "POST"
    let body =
      options.text("--body-file").flatMap { Input.file($0) }
      ?? body(options.text("--kind") ?? "chat", options.number("--body", default: 1024), order)
    var head = "\(method) \(options.text("--path") ?? "/v1/chat/completions") HTTP/1.1\r\n"
    head += "Host: localhost\r\nAccept: application/json\r\nAccept-Encoding: gzip, deflate\r\n"
    head +=
      "User-Agent: OpenAI/Python 1.99.0\r\nX-Stainless-Lang: python\r\nX-Stainless-Package-Version: 1.99.0\r\n"
    head += "X-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\n"
    head +=
      "X-Stainless-Runtime-Version: 3.12.0\r\nX-Stainless-Async: false\r\nX-Stainless-Retry-Count: 0\r\n"
    head += "Authorization: Bearer sk-any\r\nx-bench: \(order)\r\n"
    if let field = options.text("--field") { head += field + "\r\n" }
    if !body.isEmpty {
      let isChat = (options.text("--kind") ?? "chat") == "chat"
      head += "Content-Type: \(isChat ? "application/json" : "application/octet-stream")\r\n"
      head += "Content-Length: \(body.count)\r\n"
    }
    return Array((head + "\r\n").utf8) + body
  }

  private static func body(_ kind: String, _ size: Int, _ order: String) -> [UInt8] {
    let size = min(size, 256 << 20)
    guard kind == "chat", size > 0 else { return [UInt8](repeating: UInt8(ascii: "x"), count: size) }
    let start = #"{"model":"gpt-4o-mini","messages":[{"role":"user","content":""#
    let end =
      order.hasPrefix("stream") ? #""}],"temperature":0.7,"stream":true}"# : #""}],"temperature":0.7}"#
    return Array((start + Prose.text(max(size - start.utf8.count - end.utf8.count, 1)) + end).utf8)
  }
}

/// What has been counted. Confined to its loop.
final class Tally {
  private(set) var isCounting = false
  private(set) var isOver = false
  private var requests = 0
  private var failures = 0
  private var refusals = 0
  private var latencies: [Int] = []
  private var before = Meter.Reading()
  private var eventsBefore = 0
  private var bytesBefore = 0

  func open(_ meter: Meter, events: Int, bytes: Int) {
    eventsBefore = events
    bytesBefore = bytes
    isCounting = true
    before = meter.read()
  }

  func count(_ outcome: Outcome, since start: Instant) {
    switch outcome {
    case .broken: failures += 1
    case .answered(let status) where status != 200: refusals += 1
    case .answered:
      guard isCounting, !isOver else { return }
      requests += 1
      latencies.append(Instant.now.nanoseconds(since: start))
    }
  }

  /// Whether so much goes wrong that counting makes no sense.
  var isHopeless: Bool { failures + refusals > 1000 }

  func close() { isOver = true }

  /// What was counted, as JSON; read the meter before anything else happens.
  func summary(_ meter: Meter, events: Int, bytes: Int, delays: [Int]) -> String {
    let after = meter.read()
    let times = Distribution(latencies)
    let ways = Distribution(delays)
    return #"{"requests": \#(requests), "failures": \#(failures), "refusals": \#(refusals), "#
      + #""events": \#(events - eventsBefore), "bytes": \#(bytes - bytesBefore), "#
      + #""processor_ns": \#(after.processor &- before.processor), "#
      + #""allocations": \#(after.allocations &- before.allocations), "#
      + #""elapsed_ns": \#(after.taken &- before.taken), "p50_ns": \#(times.quantile(0.5)), "#
      + #""p99_ns": \#(times.quantile(0.99)), "max_ns": \#(times.quantile(1)), "#
      + #""delay_p50_ns": \#(ways.quantile(0.5)), "delay_p99_ns": \#(ways.quantile(0.99))}"#
  }
}

/// All clients.
actor Crowd {
  nonisolated let loop: Loop
  nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }
  private let plan: LoadPlan
  private let tally = Tally()
  private var clients: [Client] = []
  private var running = 0
  private var alarms: [Alarm] = []
  private var due: [Instant] = []
  private var nextDue = 0
  private var resting: [Parker] = []

  init(on loop: Loop, _ plan: LoadPlan) {
    self.loop = loop
    self.plan = plan
  }

  func start() {
    let dialer = Dialer(on: loop, resolver: Resolver(on: loop))
    clients = (0..<plan.connections).map { _ in Client(plan.port, plan.request, on: loop, dialer) }
    switch plan.mode {
    case .closed:
      for index in clients.indices { launch { await $0.runClosed(index) } }
      schedule()
    case .paced:
      for index in clients.indices { launch { await $0.runPaced(index) } }
      schedule()
      startPacing()
    case .hold: startHolding()
    }
  }

  private func launch(_ body: @escaping @Sendable (isolated Crowd) async -> Void) {
    running += 1
    loop.start { _ in await self.run(body) }
  }

  private func run(_ body: (isolated Crowd) async -> Void) async {
    await body(self)
    running -= 1
    // Posted, because a job that stops the loop is followed by one more sleep.
    let loop = self.loop
    if running == 0, tally.isOver { loop.post { loop.stop() } }
  }

  // MARK: The window

  private func schedule() {
    let opens = loop.now + plan.warmUp
    let closes = opens + plan.window
    // Answers under way are waited for, so that the proxy's pool stays as warm as it is; long streams are cut.
    let leaves = closes + (plan.isStream ? .milliseconds(50) : .seconds(2))
    let opening = Alarm { [weak self] in self?.assumeIsolated { $0.openWindow() } }
    let closing = Alarm { [weak self] in self?.assumeIsolated { $0.closeWindow() } }
    let leaving = Alarm { [weak self] in self?.assumeIsolated { $0.loop.stop() } }
    alarms = [opening, closing, leaving]
    loop.arm(opening, at: opens)
    loop.arm(closing, at: closes)
    loop.arm(leaving, at: leaves)
  }

  private func openWindow() {
    for client in clients { client.timesEvents = plan.isStream }
    tally.open(plan.meter, events: events, bytes: bytes)
  }

  private func closeWindow() {
    let delays = clients.flatMap(\.delays)
    Output.line(tally.summary(plan.meter, events: events, bytes: bytes, delays: delays))
    tally.close()
    for parker in resting { parker.signal() }
  }

  private var events: Int { clients.reduce(0) { $0 + $1.events } }
  private var bytes: Int { clients.reduce(0) { $0 + $1.bytes } }

  // MARK: Closed loop

  private func runClosed(_ index: Int) async {
    let client = clients[index]
    defer { client.close() }
    let start = loop.now + .nanoseconds(Int(plan.spread.nanoseconds) / plan.connections * index)
    while loop.now < start { _ = await client.place.park(until: start) }
    while !tally.isOver, !tally.isHopeless {
      let began = Instant.now
      let outcome = await client.exchange()
      tally.count(outcome, since: began)
    }
  }

  // MARK: Fixed rate

  private func runPaced(_ index: Int) async {
    let client = clients[index]
    defer { client.close() }
    // Connected ahead of time: what is measured is requests, not connections.
    _ = await client.exchange()
    while !tally.isOver, !tally.isHopeless {
      guard nextDue < due.count else {
        resting.append(client.place)
        _ = await client.place.park(until: .never)
        continue
      }
      let instant = due[nextDue]
      nextDue += 1
      tally.count(await client.exchange(), since: instant)
    }
  }

  /// Says when each request is due, from a thread of its own: epoll counts in milliseconds only.
  private func startPacing() {
    let loop = self.loop
    let interval = 1_000_000_000 / plan.rate
    let count = Int((plan.warmUp + plan.window).nanoseconds) / interval
    let isRunning = Thread.detached { [self] in
      let first = Instant.now + .milliseconds(20)
      for index in 0..<count {
        let instant = first + .nanoseconds(index * interval)
        Self.sleep(until: instant)
        loop.post { self.assumeIsolated { $0.release(instant) } }
      }
    }
    if !isRunning { loop.stop() }
  }

  private func release(_ instant: Instant) {
    due.append(instant)
    // The one that rested last: its connection is the warmest.
    resting.popLast()?.signal()
  }

  private static func sleep(until instant: Instant) {
    var time = timespec(
      tv_sec: Int(instant.nanoseconds / 1_000_000_000), tv_nsec: Int(instant.nanoseconds % 1_000_000_000))
    // SAFETY: the pointer is to a local that outlives the call.
    while unsafe clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
  }

  // MARK: Holding

  /// Opens all connections, a few at a time; says `ready`, and goes when stdin ends.
  private func startHolding() {
    let lanes = min(16, clients.count)
    running = 1
    for lane in 0..<lanes { launch { await $0.open(lane, lanes) } }
    running -= 1
    let loop = self.loop
    let isRunning = Thread.detached { [self] in
      Input.waitForEnd()
      loop.post {
        self.assumeIsolated { Output.line(#"{"open": \#($0.clients.count { $0.isOpen })}"#) }
        loop.stop()
      }
    }
    if !isRunning { loop.stop() }
  }

  private func open(_ lane: Int, _ lanes: Int) async {
    for index in stride(from: lane, to: clients.count, by: lanes) {
      let client = clients[index]
      if plan.isStream {
        guard await client.begin() else { continue }
        loop.start { _ in await self.drain(index) }
      } else {
        _ = await client.exchange()
      }
    }
    opened += 1
    if opened == lanes { Output.line(#"{"ready": \#(clients.count { $0.isOpen })}"#) }
  }

  private var opened = 0

  private func drain(_ index: Int) async { await clients[index].drain() }
}
