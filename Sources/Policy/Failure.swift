// What a failed try means for the next one: fifteen classes, and what each allows.

/// Why a try brought no answer that is wanted.
package enum FailureClass: UInt8, Sendable, CaseIterable {
  /// The request did not reach the upstream: no address, no connection, all connections in use.
  case notSent
  /// The certificate, its name or the handshake.
  case tls
  /// No byte of an answer within `timeouts.first_byte`.
  case silent
  /// The connection ended behind the request, before a byte of the answer.
  case reset
  /// The upstream can't serve now: 500, 502, 503, 504, 529 and their like, and errors inside of a good answer.
  case overload
  /// What came is no answer of the API: another server, or one that is broken. It will be so the next time too.
  case broken
  /// Too many requests or tokens a minute.
  case rate
  /// Money or a day's allowance is used up: soon trying again is pointless.
  case quota
  /// Remora's own key was refused.
  case auth
  /// The upstream doesn't have the model.
  case model
  /// The prompt is longer than the model takes.
  case context
  /// The provider's filter.
  case filter
  /// The request is wrong, whoever answers it.
  case caller
  /// The upstream's API has no word for a part of the request: nothing was sent.
  case unsaid
  /// Something had reached the client already.
  case partial

  /// Whether the same target may be asked again.
  package var allowsSame: Bool {
    switch self {
    case .notSent, .reset, .overload, .rate: true
    case .tls, .silent, .broken, .quota, .auth, .model, .context, .filter, .caller, .unsaid, .partial: false
    }
  }

  /// Whether another target may be asked. Of `context` only one that takes more, of `filter` only where it is wanted.
  package var allowsOther: Bool {
    switch self {
    case .caller, .partial: false
    default: true
    }
  }

  /// Whether it counts against the target. What the caller did doesn't, nor what a filter or a limit did.
  package var isTargetsFault: Bool {
    switch self {
    case .notSent, .tls, .silent, .reset, .overload, .broken: true
    case .rate, .quota, .auth, .model, .context, .filter, .caller, .unsaid, .partial: false
    }
  }

  /// How the target is to be left alone; nil: not at all.
  package var cooling: Cooling? {
    switch self {
    case .rate: .rate
    case .quota: .quota
    case .auth: .auth
    case .model: .model
    default: nil
    }
  }

  /// Whether an SDK that tries again by itself would only repeat it.
  package var isPointlessToRepeat: Bool {
    switch self {
    case .quota, .context, .filter, .caller, .tls, .auth, .model, .unsaid: true
    case .notSent, .silent, .reset, .overload, .broken, .rate, .partial: false
    }
  }
}

/// Why a target is left alone for a while.
package enum Cooling: UInt8, Sendable {
  case rate, quota, auth, model
}

/// A failed try: its class, and the upstream's word on when to come back.
package struct Failure: Sendable, Equatable {
  package var cls: FailureClass
  /// Nanoseconds; nil: it said nothing.
  package var wait: UInt64?
  /// What the upstream's `x-should-retry` said; nil: nothing.
  package var shouldRetry: Bool?
  /// Whether the request was written, so that a repetition may be one too many.
  package var wasSent: Bool

  package init(_ cls: FailureClass, wait: UInt64? = nil, shouldRetry: Bool? = nil, wasSent: Bool = true) {
    self.cls = cls
    self.wait = wait
    self.shouldRetry = shouldRetry
    self.wasSent = wasSent
  }
}
