// The webhook's process: two listeners on one loop, certificates that are followed, and an orderly end.

import Glibc
import HTTP
import Kubernetes
import Proxy
import Telemetry
import Transport
import Wire

/// What the webhook is started with.
struct WebhookPlan: Sendable {
  let listen: [Transport.Address]
  let admin: [Transport.Address]
  let certificate: TLSProfile
  let reviewer: Reviewer
}

/// Serves reviews. Everything happens on its loop.
actor WebhookServer {
  /// etcd's ceiling of 1.5 MiB for an object, twice because an update carries both, and what belongs to it.
  private static let bodyCeiling = 8 << 20
  /// An API server uses a few connections; each replica of it has its own.
  private static let connectionCeiling = 512
  /// Silence after which nobody is expected to ask any more, once the process is to end: nodes take a second or two to
  /// send new connections elsewhere, and one that is refused costs a pod.
  private static let quiet = Interval(seconds: 3)
  /// The longest that an end takes.
  private static let patience = Interval(seconds: 20)
  /// Between two bytes of a body, or of an answer that the client takes.
  private static let stall = Interval(seconds: 30)
  /// For all of a body: no API server waits longer for an answer (timeoutSeconds of a webhook, 30 at most).
  private static let bodyTime = Interval(seconds: 30)
  /// The API server keeps a connection it doesn't use for 90 seconds: it closes first.
  private static let times = ConnectionTimes(
    handshake: Interval(seconds: 10), opening: Interval(seconds: 180), idle: Interval(seconds: 180),
    head: Interval(seconds: 10), stalled: stall, body: bodyTime)

  nonisolated let loop: Loop
  nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

  private let plan: WebhookPlan
  private var context: TLSContext
  private var listeners: [Listener] = []
  private let roll = Roll()
  private var ports: [WholePort] = []
  private var metrics = WebhookMetrics()
  private var signals: Signals?
  private var watch: FileWatch?
  private var lastAsked = Instant.now
  private var endsBy: Instant?
  private var ending: Alarm?

  init(on loop: Loop, _ plan: WebhookPlan, _ context: TLSContext) {
    self.loop = loop
    self.plan = plan
    self.context = context
  }

  /// Binds and begins to serve; what can't be bound is said in the answer.
  func start() -> String? {
    do throws(SystemFault) {
      signals = try Signals(on: loop) { self.take($0) }
    } catch { return "can't listen to signals: \(error.description)" }
    let reviews = port(bodyCeiling: Self.bodyCeiling) { self.answerReview($0) }
    let admin = port(bodyCeiling: 0) { self.answerAdmin($0) }
    ports = [reviews, admin]
    if let problem = bind(plan.listen, reviews, isAdmin: false) { return problem }
    if let problem = bind(plan.admin, admin, isAdmin: true) { return problem }
    let watch = FileWatch(on: loop) { self.readCertificate() }
    self.watch = watch
    look(watch.roll)
    let places = listeners.map(\.address.description).joined(separator: ", ")
    Log.write(.info, "serving", .text("listen", places))
    return nil
  }

  /// Listens at the first of `addresses` that this machine has.
  private func bind(_ addresses: [Transport.Address], _ port: WholePort, isAdmin: Bool) -> String? {
    var problem: String?
    for address in addresses {
      do throws(SystemFault) {
        let listener = try Listener(address, on: loop, sharesPort: false, takesIPv4: true) { socket in
          self.begin(socket, port, isAdmin: isAdmin)
        }
        listeners.append(listener)
        return nil
      } catch {
        if problem == nil || !error.isAddressMissing {
          problem = "can't listen at \(address): \(error.reason)"
        }
        if !error.isAddressMissing { return problem }
      }
    }
    return problem
  }

  // MARK: Connections

  /// A port whose requests `answer` answers at once.
  private func port(bodyCeiling: Int, _ answer: @escaping (borrowing WholeRequest) -> WholeAnswer)
    -> WholePort
  {
    let port = WholePort(roll, Self.times, bodyCeiling: bodyCeiling, stall: Self.stall) { request, reply in
      reply.send(answer(request))
    }
    port.onFailure = {
      Log.write(.warn, "a client's TLS handshake failed", .text("problem", "\($0)"))
    }
    return port
  }

  private func begin(_ socket: Socket, _ port: WholePort, isAdmin: Bool) {
    // Idle clients keep no API server out.
    if roll.staying >= Self.connectionCeiling { _ = roll.makeRoom(silentSince: loop.now) }
    // Those that were told to leave may still be there.
    guard roll.count < 2 * Self.connectionCeiling else { return socket.close() }
    let confined = Confined((connection: port.accept(socket), tls: isAdmin ? nil : context))
    loop.start { _ in await self.serve(confined) }
  }

  private func serve(_ accepted: Confined<(connection: Connection, tls: TLSContext?)>) async {
    await accepted.value.connection.serve(accepted.value.tls)
    considerEnd()
  }

  // MARK: Answers

  private func answerReview(_ request: borrowing WholeRequest) -> WholeAnswer {
    lastAsked = loop.now
    guard request.head.method == .post else {
      return WholeAnswer("send an AdmissionReview with POST\n", status: 405)
    }
    guard request.contentType == "application/json", !request.isEncoded else {
      return WholeAnswer("send application/json without a content coding\n", status: 415)
    }
    let began = Instant.now
    do throws(ReviewFault) {
      let answer = try plan.reviewer.answer(request.body.array())
      metrics.count(answer.result.rawValue)
      Log.write(
        answer.result == .denied || answer.result == .failed ? .warn : .info, "review",
        .text("result", answer.result.rawValue), .text("namespace", answer.namespace),
        .text("pod", answer.name), .text("owner", answer.owner), .truth("dry_run", answer.isDryRun),
        .text("reason", answer.reason), .number("microseconds", Instant.now.nanoseconds(since: began) / 1000))
      return WholeAnswer(json: answer.body)
    } catch {
      metrics.count("unreadable")
      Log.write(.warn, "a review that can't be read", .text("problem", error.message))
      return WholeAnswer(error.message + "\n", status: 400)
    }
  }

  private func answerAdmin(_ request: borrowing WholeRequest) -> WholeAnswer {
    guard request.head.method == .get || request.head.method == .head else {
      return WholeAnswer("send GET\n", status: 405)
    }
    switch request.path {
    case "/healthz": return WholeAnswer("ok\n")
    case "/readyz":
      if endsBy != nil { return WholeAnswer("draining\n", status: 503) }
      return context.secondsLeft.map { $0 > 0 } ?? true
        ? WholeAnswer("ok\n") : WholeAnswer("the certificate has expired\n", status: 503)
    case "/metrics":
      var answer = WholeAnswer(metrics.text(certificateSecondsLeft: context.secondsLeft))
      answer.contentType = "text/plain; version=0.0.4; charset=utf-8"
      return answer
    default: return WholeAnswer("the admin port has /healthz, /readyz, /metrics\n", status: 404)
    }
  }

  // MARK: Certificates

  /// Watches the files, on a thread of its own: a file system may hang.
  private func look(_ roll: WatchRoll) {
    let files = [plan.certificate.certificateFile, plan.certificate.keyFile].compactMap { $0 }
    _ = Thread.detached { _ = roll.look(at: files) }
  }

  private func readCertificate() {
    guard let watch else { return }
    let (profile, roll, loop) = (plan.certificate, watch.roll, loop)
    _ = Thread.detached {
      let made: Result<TLSContext, TLSFileFault>
      do throws(TLSFileFault) { made = .success(try TLSContext(server: profile)) } catch {
        made = .failure(error)
      }
      _ = roll.look(at: [profile.certificateFile, profile.keyFile].compactMap { $0 })
      loop.post { self.assumeIsolated { $0.take(made) } }
    }
  }

  private func take(_ made: Result<TLSContext, TLSFileFault>) {
    switch made {
    case .success(let context):
      // Connections that are open keep the old one; new ones get this.
      self.context = context
      metrics.reloads += 1
      Log.write(.info, "certificate read again")
    case .failure(let fault):
      metrics.failedReloads += 1
      Log.write(
        .error, "the certificate can't be used, the earlier one stays", .text("problem", fault.message))
    }
  }

  // MARK: The end

  private func take(_ signal: Signal) {
    guard signal == .terminate else { return readCertificate() }
    guard endsBy == nil else { return leave() }
    Log.write(.info, "draining")
    endsBy = loop.now + Self.patience
    lastAsked = loop.now
    // Whoever asks now is told that it is the last answer. Listening goes on: others have yet to hear of the end.
    for port in ports { port.isEnding = true }
    considerEnd()
  }

  /// Leaves when nobody has asked for a while; until then connections that are kept go on waiting for a last request.
  private func considerEnd() {
    guard let endsBy else { return }
    let isQuiet = loop.now >= lastAsked + Self.quiet && !roll.members.values.contains(where: \.isBusy)
    if isQuiet || loop.now >= endsBy { return leave() }
    let alarm = ending ?? Alarm { self.considerEnd() }
    ending = alarm
    loop.arm(alarm, at: min(endsBy, loop.now + .milliseconds(100)))
  }

  private func leave() {
    for listener in listeners { listener.close() }
    listeners = []
    for connection in roll.members.values { connection.leave() }
    watch?.close()
    loop.stop()
  }
}

/// What is counted. Labels are words of this program.
struct WebhookMetrics {
  private var results: [String: Int] = [:]
  var reloads = 0
  var failedReloads = 0

  mutating func count(_ result: String) { results[result, default: 0] += 1 }

  /// Prometheus text 0.0.4.
  func text(certificateSecondsLeft: Int?) -> String {
    var text = """
      # HELP remora_build_info This build.
      # TYPE remora_build_info gauge
      remora_build_info{version="\(Version.remora)",revision="\(Version.revision)",openssl="\(TLSLibrary.version)"} 1
      # HELP remora_injections_total Admission reviews by what became of the pod.
      # TYPE remora_injections_total counter

      """
    for result in ReviewAnswer.Result.allCases.map(\.rawValue) + ["unreadable"] {
      text += "remora_injections_total{result=\"\(result)\"} \(results[result] ?? 0)\n"
    }
    text += """
      # HELP remora_certificate_reloads_total Times that the certificate was read again.
      # TYPE remora_certificate_reloads_total counter
      remora_certificate_reloads_total{result="success"} \(reloads)
      remora_certificate_reloads_total{result="failure"} \(failedReloads)

      """
    if let certificateSecondsLeft {
      let end = Int(clamping: Instant.unixNanoseconds / 1_000_000_000) + certificateSecondsLeft
      text += """
        # HELP remora_certificate_expiry_timestamp_seconds When the certificate ends.
        # TYPE remora_certificate_expiry_timestamp_seconds gauge
        remora_certificate_expiry_timestamp_seconds \(end)

        """
    }
    return text
  }
}
