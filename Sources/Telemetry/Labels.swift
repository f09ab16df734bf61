// The closed vocabularies of the metrics: what may stand between the quotes of a label.
//
// Every value here is written in this file, so no client and no upstream can invent one. Names that operators
// choose (providers, models, policies) are interned in NameTable.swift. Next: NameTable.swift, Series.swift.

/// What the client asked for, by path.
package enum Endpoint: UInt8, CaseIterable, Sendable {
  case other, chatCompletions, completions, embeddings, responses, models, messages, countTokens, inputTokens

  package var name: StaticString {
    switch self {
    case .other: "other"
    case .chatCompletions: "chat_completions"
    case .completions: "completions"
    case .embeddings: "embeddings"
    case .responses: "responses"
    case .models: "models"
    case .messages: "messages"
    case .countTokens: "count_tokens"
    case .inputTokens: "input_tokens"
    }
  }
}

/// Whose tokens, of which sort. `cachedInput` is a part of `input`, `reasoning` a part of `output`.
package enum TokenKind: UInt8, CaseIterable, Sendable {
  case input, output, cachedInput, reasoning

  package var name: StaticString {
    switch self {
    case .input: "input"
    case .output: "output"
    case .cachedInput: "cached_input"
    case .reasoning: "reasoning"
    }
  }
}

/// How an exchange came to its end.
package enum ExchangeEnd: UInt8, CaseIterable, Sendable {
  case complete, clientGone, upstreamEOF, error, idleTimeout, shutdown

  /// The name in the access log.
  package var name: StaticString {
    switch self {
    case .complete: "complete"
    case .clientGone: "client_gone"
    case .upstreamEOF: "upstream_eof"
    case .error: "error"
    case .idleTimeout: "idle_timeout"
    case .shutdown: "shutdown"
    }
  }

  /// The name in `remora_streams_ended_total`: a stream that has begun can only fail upstream.
  var streamReason: StaticString { self == .error ? "upstream_error" : name }
}

/// What became of one attempt at one upstream.
package enum AttemptOutcome: UInt8, CaseIterable, Sendable {
  case success, connectFailed, tlsFailed, timeout, protocolError, connectionLost
  case authRejected, rateLimited, clientError, serverError, cancelled

  package var name: StaticString {
    switch self {
    case .success: "success"
    case .connectFailed: "connect_failed"
    case .tlsFailed: "tls_failed"
    case .timeout: "timeout"
    case .protocolError: "protocol_error"
    case .connectionLost: "connection_lost"
    case .authRejected: "auth_rejected"
    case .rateLimited: "rate_limited"
    case .clientError: "client_error"
    case .serverError: "server_error"
    case .cancelled: "cancelled"
    }
  }
}

/// What a failed attempt at an upstream means for the next one: the classes of Policy/Failure.swift.
package enum AttemptFailure: UInt8, CaseIterable, Sendable {
  case notSent, tls, silent, reset, overload, broken, rate, quota, auth, model, context, filter, caller,
    unsaid, partial

  package var name: StaticString {
    switch self {
    case .notSent: "not_sent"
    case .tls: "tls"
    case .silent: "silent"
    case .reset: "reset"
    case .overload: "overload"
    case .broken: "broken"
    case .rate: "rate"
    case .quota: "quota"
    case .auth: "auth"
    case .model: "model"
    case .context: "context"
    case .filter: "filter"
    case .caller: "caller"
    case .unsaid: "unsaid"
    case .partial: "partial"
    }
  }
}

/// How a target is doing; the value is the gauge's.
package enum TargetState: UInt8, CaseIterable, Sendable {
  case closed, halfOpen, open, cooling

  package var name: StaticString {
    switch self {
    case .closed: "closed"
    case .halfOpen: "half_open"
    case .open: "open"
    case .cooling: "cooling"
    }
  }
}

/// What came of looking a refused credential up again.
package enum RefreshResult: UInt8, CaseIterable, Sendable {
  case changed, unchanged, failed

  package var name: StaticString {
    switch self {
    case .changed: "changed"
    case .unchanged: "unchanged"
    case .failed: "failed"
    }
  }
}

/// Where something stood that a dialect doesn't know.
package enum UnknownPlace: UInt8, CaseIterable, Sendable {
  case event, block, finishReason

  package var name: StaticString {
    switch self {
    case .event: "event"
    case .block: "block"
    case .finishReason: "finish_reason"
    }
  }
}

/// What an upstream connection is doing.
package enum ConnectionState: UInt8, CaseIterable, Sendable {
  case idle, active

  package var name: StaticString { self == .idle ? "idle" : "active" }
}

/// Whose limit was reached.
package enum LimitScope: UInt8, CaseIterable, Sendable {
  case pod, group

  package var name: StaticString { self == .pod ? "pod" : "group" }
}

/// Which limit was reached; the names are the configuration's own keys.
package enum LimitKind: UInt8, CaseIterable, Sendable {
  case requestsPerMinute, tokensPerMinute, concurrentRequests, budgetUSD

  package var name: StaticString {
    switch self {
    case .requestsPerMinute: "requests_per_minute"
    case .tokensPerMinute: "tokens_per_minute"
    case .concurrentRequests: "concurrent_requests"
    case .budgetUSD: "budget_usd"
    }
  }
}

/// Whose words a policy looked at.
package enum PolicySideName: UInt8, CaseIterable, Sendable {
  case request, answer

  package var name: StaticString {
    switch self {
    case .request: "request"
    case .answer: "answer"
    }
  }
}

/// What a policy of the configuration can count: its series are there from the start.
package struct PolicySeries: Sendable {
  package let name: String
  package var actions: [PolicyAction] = []
  package var sides: [PolicySideName] = []

  package init(_ name: String) { self.name = name }
}

/// What a policy did to an exchange.
package enum PolicyAction: UInt8, CaseIterable, Sendable {
  case block, redact, report, restore, record, failed

  package var name: StaticString {
    switch self {
    case .block: "block"
    case .redact: "redact"
    case .report: "report"
    case .restore: "restore"
    case .record: "record"
    case .failed: "failed"
    }
  }
}

/// Why a request was refused before anyone looked at what it asks for.
package enum RefusedReason: UInt8, CaseIterable, Sendable {
  case malformedHead, ambiguousFraming, malformedBody, headTooLarge, targetTooLong, bodyTooLarge
  case lengthRequired, invalidJSON, timeout, foreignHost, foreignOrigin, method, version
  case expectation, upgrade, tlsOnPlaintext, tooManyConnections, overloaded

  package var name: StaticString {
    switch self {
    case .malformedHead: "malformed_head"
    case .ambiguousFraming: "ambiguous_framing"
    case .malformedBody: "malformed_body"
    case .headTooLarge: "head_too_large"
    case .targetTooLong: "target_too_long"
    case .bodyTooLarge: "body_too_large"
    case .lengthRequired: "length_required"
    case .invalidJSON: "invalid_json"
    case .timeout: "timeout"
    case .foreignHost: "foreign_host"
    case .foreignOrigin: "foreign_origin"
    case .method: "method"
    case .version: "version"
    case .expectation: "expectation"
    case .upgrade: "upgrade"
    case .tlsOnPlaintext: "tls_on_plaintext"
    case .tooManyConnections: "too_many_connections"
    case .overloaded: "overloaded"
    }
  }
}

/// What became of a request at the cache of answers.
package enum CacheResult: UInt8, CaseIterable, Sendable {
  case hit, miss, bypass

  package var name: StaticString {
    switch self {
    case .hit: "hit"
    case .miss: "miss"
    case .bypass: "bypass"
    }
  }
}

/// Why a caller was turned away.
package enum ConsumerRejection: UInt8, CaseIterable, Sendable {
  case missing, unknown, model

  package var name: StaticString {
    switch self {
    case .missing: "missing"
    case .unknown: "unknown"
    case .model: "model"
    }
  }
}

/// Where a client came in.
package enum Port: UInt8, CaseIterable, Sendable {
  case proxy, admin

  package var name: StaticString {
    switch self {
    case .proxy: "proxy"
    case .admin: "admin"
    }
  }
}

/// How a change of the configuration's files is noticed.
package enum WatchMode: UInt8, CaseIterable, Sendable {
  /// The kernel tells.
  case inotify
  /// Files are looked at every ten seconds.
  case poll
  /// The file is mounted by itself: nothing that is published reaches it.
  case fixed

  package var name: StaticString {
    switch self {
    case .inotify: "inotify"
    case .poll: "poll"
    case .fixed: "static"
    }
  }
}

/// How a reload of the configuration went.
package enum ReloadResult: UInt8, CaseIterable, Sendable {
  case applied, unchanged, invalid, unreadable

  package var name: StaticString {
    switch self {
    case .applied: "applied"
    case .unchanged: "unchanged"
    case .invalid: "invalid"
    case .unreadable: "unreadable"
    }
  }
}
