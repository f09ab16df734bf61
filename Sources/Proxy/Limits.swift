// Every ceiling and deadline of the walk, each with its reason. What an operator sets is in Config/Defaults.swift.

internal import Transport

enum Ceiling {
  /// Bytes that wait for one side while the other is read: two TLS records and a little, so that a slow reader
  /// costs little memory and a fast one is never starved.
  static let window = 64 * 1024
  /// What one record of TLS holds (RFC 8446 section 5.1).
  static let record = 16 * 1024
  /// What fits into one record with a chunk's frame around it.
  static let piece = record - 16
  /// Bytes of a JSON body that are kept, so that the request can be sent again; of a longer one, no more is kept than
  /// must be known to send it (LongBody.swift).
  static let kept = 256 * 1024
  /// As above, where another target could serve it: a prompt of 200,000 tokens.
  static let keptForOthers = 1 << 20
  /// Connections of clients that one worker serves, where descriptors and memory are plenty; more wait in the
  /// kernel's queue.
  static let clients = 16_384
  /// Connections to the admin port: probes and scrapes, which never wait behind the proxy's clients.
  static let adminClients = 256
  /// Descriptors that this process may have.
  static let descriptors = ProcessSettings.raiseDescriptorLimit()
  /// Descriptors that are neither clients' nor providers': files, timers, listeners, and some to spare.
  static let otherDescriptors = 48
  /// Descriptors that are to be left, as long as silent clients have some.
  static let leastDescriptors = 8
  /// Bytes that the process may use where its container has no limit.
  static let memory = 512 << 20
  /// Bytes of a process that has nothing to do but has done something: measured, and rounded up.
  static let idleMemory = 16 << 20
  /// Bytes without which nothing could be served at all.
  static let leastMemory = 4 << 20
  /// Bytes of a client's connection beside its buffers, its task included.
  static let clientMemory = 12 << 10
  /// Bytes of an exchange beside its buffers.
  static let exchangeMemory = 16 << 10
  /// Bytes of a connection to a provider: TLS, most of them.
  static let upstreamMemory = 40 << 10
  /// And of one in plain text: a socket, and its place in the pool.
  static let plainUpstreamMemory = 2 << 10
  /// Bytes of a caller's request id that are kept.
  static let requestID = 128
  /// Bytes of a model's name as it is written: it goes into headers, logs and labels.
  static let modelName = 1024
  /// Interim responses (1xx) before one answer.
  static let interimReplies = 16
  /// Bytes of an answer that is translated or looked at whole; embeddings of many texts are the largest.
  static let wholeReply = 64 << 20
  /// Bytes of a provider's model list that are read for the merged one.
  static let modelList = 4 << 20
  /// Bytes of a token service's answer, head and all; the usual one has 2 kB.
  static let credentialAnswer = 64 * 1024
}

enum Deadline {
  /// A kept-alive client may be silent for longer than common clients keep their connections: they close first.
  static let keepAlive = Interval(seconds: 180)
  /// From a head's first byte to its last.
  static let head = Interval(seconds: 30)
  /// On the admin port: from a connection to its first byte, and from there to the head's end. What asks there has one
  /// line to send, and places are few.
  static let adminHead = Interval(seconds: 5)
  /// A client of the proxy's that has been silent for less keeps its place: it may be about to ask.
  static let silence = Interval(seconds: 1)
  /// Between two bytes of a request's body.
  static let body = Interval(seconds: 30)
  /// As above, and between two bytes of a head, once the process is to end: what has stopped in the middle of its request
  /// doesn't hold it up.
  static let unfinished = Interval(seconds: 3)
  /// A client's TLS handshake.
  static let handshake = Interval(seconds: 10)
  /// A client that takes nothing of its answer.
  static let stalledClient = Interval(seconds: 600)
  /// Silence in a stream after which a comment shows that it lives (README.md, "Streams").
  static let heartbeat = Interval(seconds: 15)
  /// From a stream's own end to the end of its body.
  static let afterDone = Interval(seconds: 2)
  /// From the listeners' first turn to when the start's own memory goes back.
  static let settled = Interval(milliseconds: 150)
  /// For error events and answers to leave at the end of a drain.
  static let lastWords = Interval(milliseconds: 500)
  /// For the last spans to reach their collector: within a second of the last exchange the process has ended.
  static let lastExport = Interval(milliseconds: 900)
  /// For a secret to be read again after a refusal, from a file system that may hang.
  static let secret = Interval(seconds: 2)
  /// A connection to a token service, and its whole answer; a request waits as long for it.
  static let credentialConnect = Interval(seconds: 5)
  static let credential = Interval(seconds: 10)
  /// For the disk to have an exchange's line, where its answer waits for that (`sync: always`).
  static let audit = Interval(seconds: 10)
  /// A provider's model list, for the merged one.
  static let modelList = Interval(seconds: 5)
  /// How long a list is served without a new question, and how long at all where none is answered.
  static let modelListFresh = Interval(seconds: 60)
  static let modelListStale = Interval(seconds: 600)
  /// Between two questions where the first came to nothing.
  static let modelListPause = Interval(seconds: 10)
}
