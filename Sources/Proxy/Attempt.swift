// One try: an upstream, what is said to it, the call, the credential that was shown, and what came of it.
//
// An exchange keeps one. What belongs to the try is one value, which goes as a whole when the next one begins; beside it
// stand only buffers, which are kept for their memory.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// One try at one upstream.
final class Attempt {
  /// The state of the try.
  struct Try {
    /// Where the request's body is taken from while it is sent.
    var upload = Upload.sent
    /// The secrets that went out, where they are not the snapshot's own.
    var keys: Keys?
    /// The token that is shown beside them or instead of them, or the keys that the request is signed with.
    var grant: Grant?
    /// The request goes out at the end of the loop's round (Later.swift).
    var sendsLater = false
    /// The result of that sending, where the exchange's task must act on it.
    var late: Result<Pumping, IOFault>?
    /// Why there is no answer.
    var failure: Refusal?
    /// What came of it, as far as that is known; nil where it counts as none. Counted at its end (TryEnd.swift).
    var outcome: AttemptOutcome?
    /// Its place among the exchange's, from 1.
    var number = 0
    /// Nanoseconds that its connection took to make; nil where it was there.
    var connecting: Int?
    /// The request is in the upstream's words: the try counts, whatever comes of it.
    var isSaid = false
    /// When the work on it began.
    var beganAt = Instant.never
    /// Nanoseconds between `beganAt` and `sentAt` that went by in waiting for others.
    var waited = 0
    var sentAt: Instant?
    var firstByteAt: Instant?
    var firstTokenAt: Instant?
    var patience = Patience()
    /// How the answer reaches the client while the deputy may pass it on; nil while the task does so itself.
    var carries: Manner?
    /// Where values are put back in the stream that comes; nil where nothing is.
    var gate: TextGate?
    /// The conversation has the stream go through it by itself.
    var passesGate = false
    /// What the deputy met and leaves to the task.
    var arrived: Arrival?
    /// Reads of the answer, for fairness among connections.
    var reads: UInt8 = 0
    /// The answer was ended by the upstream before its time.
    var wasCut = false
    /// What is known of an answer whose beginning was held (Hold.swift).
    var opened: Opened?
    /// What the answer brings is held.
    var isHeld = false
    /// Until when the client waits for an answer.
    var deadline = Instant.never
    /// When a stream must have brought content, or another target is asked.
    var contentBy = Instant.never
    /// The tries whose other targets are dialed beside this one, if its connection is slow to come; nil: there are none.
    var rivals: Tries?
    /// Who is told how long the answer took.
    var paced: TargetHealth?
    /// The answer's end is to say what it has taken.
    var owesBreakdown = false
    /// What `x-should-retry` says in place of the upstream's own; nil: what that says.
    var shouldRetry: Bool?
  }

  let state: WorkerState
  /// The request that it is made for.
  let ask: Ask
  let answer: Answer
  private(set) var connection: ClientConnection
  private(set) var lineup: Lineup
  private(set) var upstream: Upstream
  private(set) var route: Route
  var tried = Try()
  let conversation: Conversation
  let call: Call
  /// Once an upstream has been asked that isn't spoken to in OpenAI's format.
  var translation: Translation?
  /// Once a client has spoken a format that the upstream doesn't have.
  var recast: Recast?
  /// The beginning of a stream, until it is certain that it goes to the client.
  var held: ByteQueue
  /// The text of a provider's error, as far as it has been read.
  var errorText: ByteQueue
  /// `"x_remora":{…}`, or empty.
  var metadata = ByteQueue()
  /// Path and query of the request, the base URL's prefix included.
  var address = ByteQueue()
  var requestFields = HopByHop.forRequest()
  var replyFields = HopByHop.forResponse()
  /// Nothing is left of the try.
  private var isOver = false

  init(_ exchange: Exchange, _ connection: ClientConnection, _ route: Route, _ upstream: Upstream) {
    state = exchange.state
    ask = exchange.ask
    answer = exchange.answer
    lineup = exchange.lineup
    self.connection = connection
    self.route = route
    self.upstream = upstream
    call = Call(pool: state.loop.blocks)
    held = ByteQueue(pool: state.loop.blocks)
    errorText = ByteQueue(pool: state.loop.blocks)
    conversation = Conversation(Passage(pool: state.loop.blocks))
  }

  /// Begins another try; nothing is left of the one before.
  func begin(_ connection: ClientConnection, _ route: Route, _ upstream: Upstream) {
    if !isOver { end() }
    isOver = false
    // Mostly they are those of the try before, which then need not be counted anew.
    if lineup !== ask.lineup { lineup = ask.lineup }
    if self.connection !== connection { self.connection = connection }
    if self.upstream !== upstream { self.upstream = upstream }
    self.route = route
  }

  /// Lets go of everything but the buffers' memory.
  func end() {
    isOver = true
    call.reset()
    tried = Try()
    passage.end()
    translation?.end()
    recast?.end()
    conversation.pass()
    metadata.clear()
    held.removeAll()
    errorText.removeAll()
  }

  var passage: Passage { conversation.passage }
  var loop: Loop { state.loop }
  var now: Instant { state.loop.now }
  var label: Label { lineup.labels[upstream.index] }

  /// After how long without a byte the client gets a heartbeat; nil where it gets none now.
  func beats(_ manner: Manner?) -> Interval? {
    manner == .events && !conversation.hasEnded && !isInEvent ? state.heartbeat : nil
  }

  /// A part of an event has gone on to the client, so that nothing can be added before its end. Behind a gate only whole
  /// events go on.
  var isInEvent: Bool { conversation.isInEvent && tried.gate == nil }

  /// The model's name as the upstream knows it.
  func withModel<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
    if let model = route.model { return body(model.span) }
    return body(ask.model)
  }

  /// Nanoseconds that the try took in Remora itself; 0 where it came to nothing.
  var overhead: Int {
    guard let sent = tried.sentAt else { return 0 }
    return sent.nanoseconds(since: tried.beganAt) - tried.waited
  }

  /// Whether the upstream's key is Remora's to answer for, and not the client's.
  var hasOwnKey: Bool {
    if case .passthrough = upstream.credential { return false }
    return true
  }
}

/// Where a request's body comes from while it is sent upstream.
enum Upload {
  /// It is here whole, and has gone up to this offset.
  case kept(at: Int)
  /// It is JSON of which a part is here, checked and changed on the way.
  case followed
  /// It comes from the client, and goes as it comes.
  case streamed(isChunked: Bool)
  /// There is none, or all of it has gone.
  case sent
}
