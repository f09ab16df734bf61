// One try: an upstream, what is said to it, the call, the credential that was shown, and what came of it.
//
// An exchange keeps one. What belongs to the try is one value (Try.swift), which goes as a whole when the next one begins;
// beside it stand only buffers, which are kept for their memory.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// One try at one upstream.
final class Attempt {
  let state: WorkerState
  let loop: Loop
  /// The request that it is made for.
  let ask: Ask
  let answer: Answer
  private(set) var connection: ClientConnection
  private(set) var lineup: Lineup
  private(set) var upstream: Upstream
  private(set) var route: Route
  /// What is known of the try that is under way.
  var tried = Try()
  let conversation: Conversation
  let passage: Passage
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
    loop = exchange.loop
    ask = exchange.ask
    answer = exchange.answer
    lineup = exchange.lineup
    self.connection = connection
    self.route = route
    self.upstream = upstream
    call = Call(pool: state.blocks)
    held = ByteQueue(pool: state.blocks)
    errorText = ByteQueue(pool: state.blocks)
    passage = Passage(pool: state.blocks)
    conversation = Conversation(passage)
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

  var now: Instant { loop.now }
  var label: Label { lineup.labels[upstream.index] }

  /// After how long without a byte the client gets a heartbeat; nil where it gets none now.
  func beats(_ manner: Manner?) -> Interval? {
    manner == .events && !conversation.hasEnded && !isInEvent ? state.patience.heartbeat : nil
  }

  /// A part of an event has gone on to the client, so that nothing can be added before its end. Behind a gate only whole
  /// events go on.
  var isInEvent: Bool { conversation.isInEvent && tried.carriage.gate == nil }

  /// The model's name as the upstream knows it.
  func withModel<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
    if let model = route.model { return body(model.span) }
    return body(ask.model)
  }

  /// Whether the upstream's key is Remora's to answer for, and not the client's.
  var hasOwnKey: Bool {
    if case .passthrough = upstream.credentials.kind { return false }
    return true
  }
}
