// What is known about one request so far, and the buffers that it passes through.
//
// A worker keeps exchanges that are over for the next requests, so that a request allocates nothing for them.

internal import Config
internal import Dialects
internal import Glibc
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// One request and its answer.
final class Exchange {
  let state: WorkerState
  /// The connection it belongs to; set from `begin` to `reset`.
  private(set) var connection: ClientConnection?
  private(set) var lineup: Lineup

  // What came.
  var headBytes: ByteQueue
  var head = RequestHead()
  /// `head` is this request's: until then it may be that of an earlier one.
  var hasHead = false
  var hopByHop = HopByHop.forRequest()
  var target = Target()
  var requestID: ByteQueue
  var body: ByteQueue
  var scanner = JSONScanner(checksText: true)
  var facts = RequestFacts()
  /// The body is JSON that was read whole.
  var isJSON = false
  var modelAsked: ByteQueue
  /// Where the request's body is taken from while it is sent.
  var upload = Upload.none
  var uploadFlow = BodyFlow(.none)

  // Where it goes.
  var route: Route?
  var upstream: Upstream?
  /// A long conversation may have something to change in every message.
  var splice = JSONSplice(editCeiling: Ceiling.edits)
  /// What the upstream can't be told.
  var dropped = DroppedFields()
  /// The request and its answer in the upstream's own dialect; nil where that is OpenAI's format.
  var translation: Translation?
  var addsUsage = false
  /// The path and query that go upstream, where the request isn't translated.
  var address: ByteQueue
  var socket: Socket?
  /// The secrets that went out, where they are not the snapshot's own.
  var sentKeys: Keys?
  /// What is shown beside them, or instead.
  var sentGrant: Grant?
  var upstreamOut: ByteQueue
  var upstreamIn: ByteQueue
  var replyHeads = HeadScanner(for: .upstream, skipsEmptyLines: false)
  var replyBytes: ByteQueue
  var reply = ResponseHead()
  var replyFlow = BodyFlow(.none)
  var replyHopByHop = HopByHop.forResponse()

  // What goes back.
  var outbound: ByteQueue
  var staging: ByteQueue
  /// `"x_remora":{…}`, or empty.
  var metadata: ByteQueue
  /// The answer's head has been written to `outbound`.
  var hasAnswered = false
  var isChunkedOut = false
  var events = EventDecoder()
  var passing = PassReply(insertsMember: false)
  /// The stream under way; made anew for each, and kept here because it is large for a task's own memory.
  var stream = PassStream(.other, removesUsage: false, insertsMember: false)
  /// The part of an event that has come, or of an error's body.
  var pending: ByteQueue
  /// All of the request is with the upstream.
  var hasSent = false
  /// The request goes out at the end of the loop's round (Later.swift).
  var sendsLater = false
  /// What came of that, where the exchange's task has to see to it.
  var late: Result<Pumping, IOFault>?
  /// The request comes from a web page that may send.
  var isOriginAllowed = false
  /// Interim responses (1xx) that were passed over.
  var interimCount = 0
  /// When the upstream was last heard of, or had a reason to be silent.
  var heardAt = Instant.never
  /// What the deputy does with an answer's bytes while the exchange's task sleeps (Carry.swift).
  var course = Course.look
  /// What it leaves to the task.
  var arrived: Arrival?
  /// Reads of the answer, for fairness among connections.
  var reads: UInt8 = 0
  /// What was wrong with a body that was being streamed.
  var uploadFault: Refusal?
  /// The body is JSON that isn't kept (LongBody.swift): it can't be sent again.
  var isFollowed = false
  /// The offset in the whole body of the first byte that is in `body`.
  var bodyStart = 0

  // What is told of it afterwards.
  var record = Tally()

  init(_ state: WorkerState) {
    self.state = state
    lineup = state.lineup
    let pool = state.loop.blocks
    // Small, and there for the whole exchange: not worth a block each.
    headBytes = ByteQueue()
    requestID = ByteQueue()
    replyBytes = ByteQueue()
    body = ByteQueue(pool: pool)
    modelAsked = ByteQueue()
    address = ByteQueue()
    upstreamOut = ByteQueue(pool: pool)
    upstreamIn = ByteQueue(pool: pool)
    outbound = ByteQueue(pool: pool)
    staging = ByteQueue(pool: pool)
    metadata = ByteQueue()
    pending = ByteQueue(pool: pool)
  }

  func begin(_ connection: ClientConnection) {
    self.connection = connection
    lineup = state.lineup
    record = Tally()
    record.startedAt = state.loop.now
  }

  /// Forgets the request; keeps what memory is worth keeping.
  func reset() {
    connection = nil
    hasHead = false
    requestID.clear()
    headBytes.clear()
    body.removeAll()
    modelAsked.clear()
    address.clear()
    upload = .none
    uploadFlow = BodyFlow(.none)
    isJSON = false
    route = nil
    upstream = nil
    addsUsage = false
    dropped.removeAll()
    translation = nil
    socket = nil
    sentKeys = nil
    sentGrant = nil
    upstreamOut.removeAll()
    upstreamIn.removeAll()
    replyBytes.clear()
    outbound.removeAll()
    staging.removeAll()
    metadata.clear()
    pending.removeAll()
    hasSent = false
    sendsLater = false
    late = nil
    course = .look
    arrived = nil
    isOriginAllowed = false
    interimCount = 0
    uploadFault = nil
    isFollowed = false
    hasAnswered = false
    isChunkedOut = false
  }

  var loop: Loop { state.loop }
  var now: Instant { state.loop.now }
}

/// Where a request's body comes from while it is sent upstream.
enum Upload {
  case none
  /// `Exchange.body`, through the splice, from this offset on.
  case buffered(at: Int)
  /// `Translation.request.body`, from this offset on.
  case translated(at: Int)
  /// `Exchange.body` and what comes behind it, checked and changed on the way.
  case followed
  /// The client, as it comes.
  case streamed(isChunked: Bool)
  case sent
}

/// What the access log and the metrics will say.
struct Tally {
  var startedAt = Instant.never
  /// The request has been read so far as it was needed to route it.
  var receivedAt: Instant?
  var sentAt: Instant?
  var firstByteAt: Instant?
  var firstTokenAt: Instant?
  /// Nanoseconds for which the work was ours, and not the network's or the provider's.
  var overhead = 0
  var endpoint = APIEndpoint.other
  var status = 0
  var end = ExchangeEnd.complete
  /// The client asked for a stream.
  var isStream = false
  /// The answer is an event stream, and its head has been written.
  var isEventStream = false
  /// The answer was ended before its time and must not look whole.
  var isCut = false
  /// The upstream ended it.
  var wasCutUpstream = false
  var usage = TokenUsage()
  var attempts = 0
  var requestBytes = 0
  var responseBytes = 0
  var errorCode: StaticString = ""
  /// The exchange counts as one in flight.
  var isCounted = false
  /// Health checks and the like are answered, but neither logged nor counted: they would drown what matters.
  var isSilent = false
}
