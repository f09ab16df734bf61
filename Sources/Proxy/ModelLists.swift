// What each provider lists as its models: asked side by side, kept for a minute, and asked for again behind what is
// served. A provider that doesn't answer is left out, and is not waited for again at once.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// One provider's models. Confined to the worker's loop.
final class ProviderModels {
  /// The answer to a question for the list.
  enum Step {
    /// In OpenAI's form, with commas between.
    case known([UInt8])
    /// Wait at the parker that was given, then ask again.
    case pending
    /// There is no list, and none can be had now.
    case nothing
  }

  private let upstream: Upstream
  /// Header lines that show the caller's own key, where that is what the provider is shown.
  private var callersFields: Span<UInt8> {
    // SAFETY: the queue is constant.
    @_lifetime(borrow self)
    get { unsafe callersFieldQueue.view }
  }
  private let callersFieldQueue: ByteQueue
  private var models: [UInt8]?
  private var fetchedAt = Instant(nanoseconds: 0)
  private var failedAt: Instant?
  private var isAsking = false
  private var waiting: [ObjectIdentifier: Parker] = [:]

  init(_ upstream: Upstream, callersFields: consuming ByteQueue = ByteQueue()) {
    self.upstream = upstream
    callersFieldQueue = callersFields
  }

  /// Gives the list that is known. Asks the provider where none is known, or where it is older than a minute.
  ///
  /// - Parameters:
  ///   - needed: a list that is older than this is no answer, as long as another can be had.
  ///   - parker: is signalled when it makes sense to ask again; only after `pending`.
  func ask(
    _ parker: Parker, newerThan needed: Instant = Instant(nanoseconds: 0), in lineup: Lineup,
    _ state: WorkerState
  ) -> Step {
    let now = state.loop.now
    let isKnown = models != nil && now < fetchedAt + Deadline.modelListStale
    let isGood = isKnown && fetchedAt >= needed
    if !isGood || now >= fetchedAt + Deadline.modelListFresh { begin(lineup, state) }
    if !isGood, isAsking, !(hasFailed(at: now) && needed.nanoseconds == 0) {
      waiting[ObjectIdentifier(parker)] = parker
      return .pending
    }
    guard isKnown, let models else { return .nothing }
    return .known(models)
  }

  /// Whether it has failed lately: it is asked again behind what is served, and nobody waits for it.
  private func hasFailed(at now: Instant) -> Bool {
    failedAt.map { now < $0 + Deadline.modelListStale } ?? false
  }

  /// Forgets that something waits at `parker`.
  func forget(_ parker: Parker) { waiting[ObjectIdentifier(parker)] = nil }

  private func begin(_ lineup: Lineup, _ state: WorkerState) {
    if isAsking { return }
    if let failedAt, state.loop.now < failedAt + Deadline.modelListPause { return }
    isAsking = true
    let here = Confined((self, lineup, state))
    state.loop.start { _ in
      let (list, lineup, state) = here.value
      await list.run(lineup, state)
    }
  }

  private func run(_ lineup: Lineup, _ state: WorkerState) async {
    let parker = Parker(on: state.loop)
    defer { parker.retire() }
    do throws(ListFault) {
      let models = try await fetch(lineup, state, parker)
      self.models = models
      fetchedAt = state.loop.now
      failedAt = nil
    } catch {
      failedAt = state.loop.now
      Log.write(
        .debug, "a provider's models are left out", .text("provider", upstream.name),
        .text("reason", error.message))
    }
    isAsking = false
    let waiting = self.waiting
    self.waiting.removeAll()
    for parker in waiting.values { parker.signal() }
  }

  // MARK: Asking

  /// Why a provider's models aren't known.
  private struct ListFault: Error { let message: String }

  private func fetch(
    _ lineup: Lineup, _ state: WorkerState, _ parker: Parker
  ) async throws(ListFault) -> [UInt8] {
    let deadline = state.loop.now + Deadline.modelList
    guard let pool = lineup.pools[upstream.index] else { throw ListFault(message: "it has no address") }
    var fields = ByteQueue()
    var request = FetchRequest(.get, try place(&fields), ceiling: Ceiling.modelList)
    request.fields.append(fields.bytes)
    upstream.writeOwnFields(lineup.keys[upstream.index], into: &request.fields)
    request.fields.append(secret: callersFields)
    if let source = lineup.sources[upstream.index] {
      let grant = try await grant(source, parker, until: deadline)
      guard source.append(grant, signing: nil, into: &request.fields) else {
        throw ListFault(message: "its requests are signed")
      }
    }
    let label = lineup.labels[upstream.index]
    do throws(FetchFault) {
      let answer = try await Fetch.run(request, over: .pooled(pool), parker: parker, until: deadline)
      state.shard.attempted(label, AttemptOutcome(status: answer.status))
      if answer.status == 200 { return read(answer.body.bytes) }
      throw .status(answer.status)
    } catch {
      if case .status = error {} else { state.shard.attempted(label, Self.outcome(error)) }
      throw ListFault(message: error.message)
    }
  }

  private static func outcome(_ fault: FetchFault) -> AttemptOutcome {
    switch fault {
    case .unreachable(.tls): .tlsFailed
    case .unreachable: .connectFailed
    case .slow: .timeout
    case .lost, .cutShort: .connectionLost
    case .malformed, .tooLarge, .coded, .status: .protocolError
    }
  }

  private func grant(
    _ source: CredentialSource, _ parker: Parker, until deadline: Instant
  ) async throws(ListFault) -> Grant {
    defer { source.forget(parker) }
    while true {
      switch source.ask(parker) {
      case .granted(let grant): return grant
      case .refused(let fault): throw ListFault(message: fault.message)
      case .pending: break
      }
      if await parker.park(until: deadline) == .deadline {
        throw ListFault(message: "the token service did not answer in time")
      }
    }
  }

  /// Where the list is, and the fields that the dialect wants.
  private func place(_ fields: inout ByteQueue) throws(ListFault) -> FetchPlace {
    var target = ByteQueue()
    if let dialect = upstream.dialect {
      var request = ProviderRequest(model: [])
      guard dialect.writeModels(to: &request) else { throw ListFault(message: "it has no list") }
      target.append(upstream.prefix)
      target.append(request.path.bytes)
      fields.append(request.headers.bytes)
    } else {
      do throws(RequestFault) {
        try upstream.address.write(
          path: ("/models" as StaticString).bytes, query: Span(), model: Span(), into: &target)
      } catch { throw ListFault(message: error.message) }
    }
    return FetchPlace(
      endpoint: upstream.reach.endpoint, host: upstream.host, target: target.array(), tls: upstream.reach.tls,
      shown: upstream.name)
  }

  /// The models of a provider's answer.
  private func read(_ answer: Span<UInt8>) -> [UInt8] {
    if let dialect = upstream.dialect {
      var models = ModelList(owner: upstream.kind.rawValue)
      dialect.readModels(answer, to: &models)
      return models.out.array()
    }
    return ModelList.joined(answer).array()
  }
}
