// What one request asks for: its head, the meaning of its target, and as much of its body as has been read.

internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// One request as it came.
final class Ask {
  let state: WorkerState
  private(set) var lineup: Lineup
  /// Where it came in.
  private(set) var entrance = Entrance(role: .proxy, index: 0, isLoopback: false)
  var head = RequestHead()
  /// The head's bytes.
  var headBytes: Span<UInt8> {
    // SAFETY: only `takeHead`, `receiveHead` and `reset` change it: before anything of the request is read, and when the exchange is
    // over. Until then the exchange holds this object, and no span can be kept in another.
    @_lifetime(immortal)
    get { unsafe headQueue.view }
  }
  private var headQueue = ByteQueue()
  /// Whether `head` is this request's; until then it may be an earlier one's.
  private(set) var hasHead = false
  var target = Target()
  /// What it is called in logs and traces.
  var requestID: Span<UInt8> {
    // SAFETY: as above; when `takeRequestID` and `makeRequestID` write it, nothing uses the id yet.
    @_lifetime(immortal)
    get { unsafe idQueue.view }
  }
  private var idQueue = ByteQueue()
  /// The model in the client's words; empty where it names none.
  var model: Span<UInt8> {
    // SAFETY: as above, and `setModel`, when nothing that uses the name is under way.
    @_lifetime(immortal)
    get { unsafe modelQueue.view }
  }
  private var modelQueue = ByteQueue()
  /// Whose key the request shows; nil where it shows none.
  var group: Group?
  /// What the caller's policies have found; nil where none has looked.
  var watch: PolicyWatch?
  /// There are policies for it, and its body was none that they can look at.
  var isUnscanned = false
  var shownKey = ShownKey()
  var remarks = Remarks()
  /// Its part of a trace; nil where none is exported.
  var trace: ExchangeTrace?
  var cache = AskedCache()
  /// What is to be remembered of it, and what it goes on with; nil: nothing.
  var turn: ResponsesTurn?
  /// The request comes from a web page that may send.
  var isOriginAllowed = false
  /// A secret was found in an answer to it.
  var hasEcho = false
  let body: RequestBody
  /// When enough of it had come to choose a target.
  var receivedAt: Instant?

  init(_ state: WorkerState) {
    self.state = state
    lineup = state.lineup
    body = RequestBody(pool: state.loop.blocks)
  }

  /// Begins with the configuration that is in force now.
  func begin(_ entrance: Entrance) {
    self.entrance = entrance
    if lineup !== state.lineup { lineup = state.lineup }
  }

  var now: Instant { state.loop.now }

  /// Forgets it; keeps the memory that is worth keeping.
  func reset() {
    hasEcho = false
    hasHead = false
    target = Target()
    headQueue.clear()
    idQueue.clear()
    modelQueue.clear()
    group = nil
    if let watch { state.takeBack(watch) }
    watch = nil
    if let trace { state.takeBack(trace) }
    trace = nil
    isUnscanned = false
    shownKey = ShownKey()
    remarks = Remarks()
    turn = nil
    cache = AskedCache()
    isOriginAllowed = false
    receivedAt = nil
    body.reset()
  }

  /// Takes a head over, if all of it is here and nothing is wrong with it.
  func takeHead(from connection: ClientConnection) -> Bool {
    hasHead = connection.takeHead(&head, into: &headQueue)
    return hasHead
  }

  /// Takes a head over.
  ///
  /// - Returns: false if the client left in the middle of it, or speaks another protocol.
  func receiveHead(from connection: ClientConnection) async throws(Refusal) -> Bool {
    do throws(HeadLapse) {
      hasHead = try await connection.receiveHead(&head, into: &headQueue)
      return hasHead
    } catch {
      guard case .fault(let fault) = error else {
        state.shard.refused(.timeout)
        throw .slow("request head")
      }
      state.shard.refused(RefusedReason(fault))
      guard fault == .tlsOnPlaintext else { throw Refusal(fault) }
    }
    // Said first: whoever sees the alert finds the line.
    Log.write(.warn, "client spoke TLS to the plaintext port; use http://")
    await connection.answerTLS()
    return false
  }

  /// Keeps the caller's request id where it is fit for a header and a log, else makes one.
  func takeRequestID() {
    idQueue.clear()
    if let field = head.first(.xRequestID), !field.value.isEmpty, field.value.count <= Ceiling.requestID {
      let value = headBytes.extracting(field.value)
      var isFit = true
      for at in 0..<value.count where value[at] <= ASCII.space || value[at] >= 0x7F { isFit = false }
      if isFit { return idQueue.append(value) }
    }
    makeRequestID()
  }

  func makeRequestID() {
    idQueue.append(literal: "req_")
    idQueue.append(hexadecimalWord: state.nextRandom())
    idQueue.append(hexadecimalWord: state.nextRandom())
  }

  /// Takes the model's name, which `write` appends to nothing.
  func setModel(_ write: (inout ByteQueue) -> Void) {
    modelQueue.clear()
    write(&modelQueue)
  }

  /// The client speaks HTTP/1.0: it knows no chunks (RFC 9112 section 6.3, item 8), no interim answers, and no kept
  /// connections unless both sides say so.
  var isOld: Bool { head.minor == 0 }

  /// A client's text, cut for a message.
  static func shown(_ text: String) -> String { String(text.prefix(128)) }

  /// The path as a message may show it: without the query, which can hold keys.
  var shownPath: String { Self.shown(headBytes.extracting(head.path).text()) }

  /// How the client reads errors: on paths of Anthropic's API in its form, and on those that are no format's own where
  /// the client says that it speaks it.
  var errorForm: ErrorForm {
    guard hasHead else { return .openAI }
    if target.isMessages { return .anthropic }
    switch target.endpoint {
    case .models, .other: return head.first(.anthropicVersion) == nil ? .openAI : .anthropic
    default: return .openAI
    }
  }

  /// What the request says that decides how its answer is read.
  var askedAnswer: AskedAnswer {
    var asked = AskedAnswer()
    asked.shape = target.shape
    asked.isFullService = target.isFullService
    asked.errors = errorForm
    if body.isJSON {
      asked.streams = body.facts.streams
      asked.wantsBase64 = body.facts.wantsBase64
      asked.asksForUsage = body.facts.asksForUsage
    }
    return asked
  }
}

/// The key that a request shows to say whose it is.
struct ShownKey {
  /// The field that shows it; nil where none does.
  var field: Field?
  /// What the log says of a key that is nobody's.
  var hint: UInt32?
}

/// What a request says and wants beside what it asks the model.
struct Remarks {
  /// What it says of itself; nil: nothing.
  var attribution: Attribution?
  /// The same as it may be written down, once it was (`Exchange.written`).
  var written: Attribution?
  /// What it wants of a gateway, in the words of others; nil: nothing.
  var wishes: Wishes?
  /// How urgently it wants to be served, where that has a price of its own.
  var wantedTier: PriceTier?
}

/// A request's part in the cache.
struct AskedCache {
  /// What became of it there; nil: there is none, or it wasn't asked.
  var result: CacheResult?
  /// What will be kept of its answer; nil: nothing.
  var write: CacheWrite?
}

/// A request's body, as far as it has been read.
final class RequestBody {
  /// The part of it that is held.
  var bytes: ByteQueue
  /// Where it ends in what the client sends.
  var flow = BodyFlow(.none)
  var scanner = JSONScanner(
    checksText: true, notesStrings: true, noticing: Noticed.names, andOwn: Noticed.ownNames)
  var facts = RequestFacts()
  /// It is JSON, and is read here.
  var isJSON = false
  /// It is JSON that isn't kept (LongBody.swift): it can't be sent again.
  var isFollowed = false
  /// The offset in the whole body of the first byte of `bytes`.
  var start = 0
  /// What is wrong with it, where that was found while it was being sent on.
  var fault: Refusal?
  /// Bytes of it that have come.
  var received = 0
  /// What is told of it as it comes; nil: nothing.
  var listener: (any BodyListener)?

  init(pool: BlockPool) { bytes = ByteQueue(pool: pool) }

  func reset() {
    bytes.removeAll()
    flow.begin(.none)
    isJSON = false
    isFollowed = false
    start = 0
    fault = nil
    received = 0
    listener = nil
    facts = RequestFacts()
  }

  /// Where the value of `member` stands, as far as it is here: of a long body the end may not be.
  func here(_ member: JSONMember) -> (value: Range<Int>, kind: JSONKind)? {
    guard let found = scanner.found(member) else { return nil }
    let start = min(found.value.lowerBound, bytes.count)
    let end = found.isComplete ? min(found.value.upperBound, bytes.count) : bytes.count
    return (start..<max(start, end), found.kind)
  }
}
