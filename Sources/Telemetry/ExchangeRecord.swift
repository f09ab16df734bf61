// What is counted of one exchange (MetricShard.swift).

/// Tokens of one exchange; nil where the upstream didn't say.
package struct Usage: Sendable, Equatable {
  package var input: Int?
  package var output: Int?
  /// The part of `input` that came from the provider's cache.
  package var cachedInput: Int?
  /// The part of `input` that the provider put into its cache.
  package var cacheWrite: Int?
  /// The part of `output` that the client never sees.
  package var reasoning: Int?

  package init(
    input: Int? = nil, output: Int? = nil, cachedInput: Int? = nil, cacheWrite: Int? = nil,
    reasoning: Int? = nil
  ) {
    self.cacheWrite = cacheWrite
    self.input = input
    self.output = output
    self.cachedInput = cachedInput
    self.reasoning = reasoning
  }
}

/// What is counted of a finished exchange. Labels are those of the shard it is handed to.
package struct ExchangeRecord: Sendable {
  package var endpoint: Endpoint
  package var provider = Label.none
  package var model = Label.none
  /// The status the client got; 499 where it left before there was one.
  package var status: Int
  package var durationNanoseconds = 0
  /// From the request's last byte to the first token sent to the client; nil where there was none.
  package var firstTokenNanoseconds: Int?
  /// Time spent in Remora itself.
  package var overheadNanoseconds = 0
  package var usage = Usage()
  /// The answer should have told its tokens: a success of an endpoint that is paid by the token.
  package var expectsUsage = false
  /// Pico-dollars; nil where the price is not known.
  package var cost: Int?
  /// There were tokens, and no price for them.
  package var isUnpriced = false
  /// Tokens that were booked by an estimate.
  package var estimatedInput = 0
  package var estimatedOutput = 0
  /// The trace that it belongs to, if that is exported, and the wall clock's time in nanoseconds.
  package var trace: (ids: TraceIDs, unixNanoseconds: Int)?
  /// Billionths of a token a second, from the first token of a stream to its end; nil where it was too short to tell.
  package var tokenSpeed: Int?
  package var requestBytes = 0
  package var responseBytes = 0
  /// How the stream ended; nil where the answer was not one.
  package var streamEnd: ExchangeEnd?

  package init(endpoint: Endpoint, status: Int) {
    self.endpoint = endpoint
    self.status = status
  }
}
