// The state of one try, which goes as a whole when the next one begins: what is being sent, what was shown, when what
// happened, and how its answer goes on.

internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What is known of one try.
struct Try {
  var sending = Sending()
  var shown = ShownSecrets()
  var times = TryTimes()
  var deadlines = TryDeadlines()
  var beginning = Beginning()
  var carriage = Carriage()
  /// Why there is no answer.
  var failure: Refusal?
  /// What came of it, as far as that is known; nil where it counts as none. Counted at its end (TryEnd.swift).
  var outcome: AttemptOutcome?
  /// Its place among the exchange's, from 1.
  var number = 0
  /// The request is in the upstream's words: the try counts, whatever comes of it.
  var isSaid = false
  /// The tries whose other targets are dialed beside this one, if its connection is slow to come; nil: there are none.
  var rivals: Tries?
  /// Who is told how long the answer took.
  var paced: TargetHealth?
  /// What `x-should-retry` says in place of the upstream's own; nil: what that says.
  var shouldRetry: Bool?
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

/// A request on its way out.
struct Sending {
  /// Where its body is taken from.
  var upload = Upload.sent
  /// It goes out at the end of the loop's round (Later.swift).
  var isLater = false
  /// The result of that sending, where the exchange's task must act on it.
  var late: Result<Pumping, IOFault>?
}

/// The secrets that went out.
struct ShownSecrets {
  /// Those that were read again, in place of the snapshot's own.
  var keys: Keys?
  /// The token that is shown beside them or instead of them, or the keys that the request is signed with.
  var grant: Grant?
}

/// When what happened in a try.
struct TryTimes {
  /// When the work on it began.
  var beganAt = Instant.never
  /// Nanoseconds between `beganAt` and `sentAt` that went by in waiting for others.
  var waited = 0
  /// Nanoseconds that its connection took to make; nil where it was there.
  var connecting: Int?
  var sentAt: Instant?
  var firstByteAt: Instant?
  var firstTokenAt: Instant?

  /// Nanoseconds that the try took in Remora itself; 0 where it came to nothing.
  var overhead: Int {
    guard let sentAt else { return 0 }
    return sentAt.nanoseconds(since: beganAt) - waited
  }
}

/// Until when a try may take what time.
struct TryDeadlines {
  /// Until when the client waits for an answer.
  var answer = Instant.never
  /// When a stream must have brought content, or another target is asked.
  var content = Instant.never

  /// The one that comes first.
  var first: Instant { min(answer, content) }
}

/// The beginning of an answer, where it is held until it is certain that it is one (Hold.swift).
struct Beginning {
  /// What is known of it.
  var opened: Opened?
  /// What the answer brings is held.
  var isHeld = false
}

/// How an answer's body goes on to the client (Carry.swift).
struct Carriage {
  var patience = Patience()
  /// How it goes while the deputy may pass it on; nil while the task does so itself.
  var manner: Manner?
  /// What the deputy met and leaves to the task.
  var arrived: Arrival?
  /// Where values are put back in the stream that comes; nil where nothing is.
  var gate: TextGate?
  /// The conversation has the stream go through it by itself.
  var passesGate = false
  /// Its end is to say what it has taken.
  var owesBreakdown = false
  /// It was ended by the upstream before its time.
  var wasCut = false
  /// Reads of it, for fairness among connections.
  private var reads: UInt8 = 0

  /// Counts a read; true where others are to have their turn now.
  mutating func mustYield() -> Bool {
    reads &+= 1
    return reads & 15 == 0
  }
}
