// What kind of conversation it is, and what follows from that for those who send its request and bring its answer: they
// ask what they need to know, and never which kind it is.

package import Wire

extension Conversation {
  /// What kind it is, told anew whenever `way` changes.
  struct Nature {
    /// The answer is made inside Remora, without a call.
    let isLocal: Bool
    /// The provider speaks a dialect of its own.
    let isTranslated: Bool
    /// The client speaks another format than what is said for it.
    let isRecast: Bool

    init(_ way: Way) {
      switch way {
      case .passed: self.init()
      case .translated: self.init(isTranslated: true)
      case .mock: self.init(isLocal: true)
      case .recast(let recast):
        let inner = recast.inner.nature
        self.init(isLocal: inner.isLocal, isTranslated: inner.isTranslated, isRecast: true)
      }
    }

    private init(isLocal: Bool = false, isTranslated: Bool = false, isRecast: Bool = false) {
      self.isLocal = isLocal
      self.isTranslated = isTranslated
      self.isRecast = isRecast
    }

    /// The client's bytes and the provider's go on, but for what must change.
    var isPassed: Bool { !isLocal && !isTranslated && !isRecast }
  }
}

/// How urgently a provider has served a request.
package enum ServedTier {
  /// As the request asks: the answer isn't heard.
  case asAsked
  /// As always, as far as is known.
  case usual
  /// As the answer says, in OpenAI's word.
  case named(StaticString)
}

extension Conversation {
  // MARK: The request

  /// The provider is asked at the API at which the client asked.
  package var asksSameAPI: Bool { !nature.isRecast }

  /// The client's fields that stay here: the request has its own in their place, or has no use for them.
  package var heldFields: FieldNames {
    var held = passage.heldFields
    // A request in another form has its own, which must not stand there twice.
    if nature.isTranslated || nature.isRecast {
      held.insert(.contentType)
      held.insert(.accept)
      held.insert(.acceptEncoding)
      held.insert(.anthropicVersion)
    }
    if nature.isRecast { held.insert(.anthropicBeta) }
    return held
  }

  /// Appends the header lines that stand in the place of fields that are held, in a request of the client's own form.
  package func writeFields(into out: inout ByteQueue) { out.append(passage.fields) }

  // MARK: The answer

  /// Whether the answer's body is read here, and not only passed on.
  package func readsAnswer(isFullService: Bool) -> Bool { isFullService || nature.isTranslated }

  /// The answer's head may call its body what it isn't, as some servers of OpenAI's format do.
  package var mayBeMislabelled: Bool { !nature.isTranslated }

  /// What the answer is finds out who reads it whole, whatever it begins with.
  package var takesAnyOpening: Bool { nature.isRecast }

  /// The answer is the provider's own, whose head names the request where its API does that.
  package var bringsRequestID: Bool { !nature.isLocal && !nature.isRecast }

  /// What shows that an answer is none of the API's, so that some other server stands at the address.
  ///
  /// - Returns: what is wrong with it, for a message; nil where nothing is.
  package func strangeness(of reply: ReplyFacts, isFullService: Bool) -> String? {
    let mustSpeak = nature.isTranslated
    guard isFullService || mustSpeak else { return nil }
    // A redirect would take the client, with its prompt, to another server behind Remora's back.
    if (300..<400).contains(reply.status) { return "it answered \(reply.status), a redirect" }
    if !reply.hasBody, mustSpeak || reply.status < 300 { return "it answered \(reply.status) without a body" }
    if case .html = reply.media { return "it answered with a web page" }
    return nil
  }

  /// Whether an error with this head is put into OpenAI's shape. On paths that are not read here, an error in a coding
  /// passes as it is: the client may have asked for it.
  package func takesError(_ reply: ReplyFacts, isFullService: Bool) -> Bool {
    nature.isRecast || nature.isTranslated || !reply.isCoded || isFullService
  }

  /// Whether what comes out holds an event that tells of an error in the way of OpenAI's API.
  package func tellsError(inEvents text: Span<UInt8>) -> Bool {
    guard nature.isPassed else { return false }
    for sign: StaticString in ["{\"error\":", "{\"error\" :", "\"type\":\"error\""]
    where text.place(of: sign.bytes) != nil { return true }
    return false
  }

  /// How urgently the provider served the request: what its answer says, where that is translated. In one that passes
  /// nobody reads it, and the request's wish counts.
  package var serviceTier: ServedTier {
    guard nature.isTranslated else { return nature.isLocal ? .usual : .asAsked }
    return switch way {
    case .translated(let translation): translation.answer.serviceTier.map { .named($0) } ?? .usual
    case .recast(let recast): recast.inner.serviceTier
    case .passed, .mock: .usual
    }
  }
}

extension Conversation {
  // MARK: Doubts

  /// Whether an answer that is to pass on its way may be one that needs repair: then `isDoubtful` tells.
  package var mayBeDoubtful: Bool { nature.isPassed && passage.mayBeDoubtful }

  /// Whether a whole answer needs a closer look.
  package func isDoubtful(_ body: Span<UInt8>) -> Bool {
    nature.isPassed && AnswerDoubt.isDue(body, isChat: passage.asked.shape == .chat)
  }

  /// Whether an answer that is to pass on its way begins as none does, or as one that failed; nil: too little of it is here
  /// to tell.
  package func isOdd(_ body: Span<UInt8>) -> Bool? {
    nature.isPassed && passage.asked.shape == .response
      ? AnswerDoubt.isOdd(response: body) : AnswerDoubt.isOdd(body)
  }

  /// Has an answer that was to pass on its way read whole, before any of it has come.
  package func readWhole() {
    if nature.isPassed { passage.course = .whole }
  }

  // MARK: Failures

  /// The provider has told of a failure in its stream.
  package var tellsFailure: Bool {
    switch way {
    case .passed: passage.tellsFailure
    case .translated(let translation): translation.failure != nil
    case .recast(let recast): recast.inner.tellsFailure
    case .mock: false
    }
  }

  /// Ends a stream with what went wrong on the way, where the client's format has words of its own for it.
  ///
  /// - Parameters:
  ///   - error: in OpenAI's shape.
  ///   - stamp: asked for where no answer has begun.
  /// - Returns: false where nothing was written.
  package func fail(_ error: Span<UInt8>, stamp: () -> AnswerStamp, into out: inout ByteQueue) -> Bool {
    switch way {
    case .passed: passage.fail(error, stamp: stamp, into: &out)
    case .recast(let recast): recast.fail(error, stamp: stamp, into: &out)
    case .translated, .mock: false
    }
  }

  // MARK: Who else looks at it

  /// Has every event of the stream that has begun go through `gate`.
  ///
  /// - Returns: false where what comes out must be given to the gate.
  package func guardStream(by gate: TextGate) -> Bool { nature.isPassed && passage.guardStream(by: gate) }

  /// Has noted in `facts` what spans tell of the answer that begins next.
  package func note(in facts: AnswerFacts) {
    switch way {
    case .passed, .mock: passage.facts = facts
    case .recast(let recast): recast.inner.note(in: facts)
    // The dialect's reader notes them anyway.
    case .translated: break
    }
  }

  /// Completes them when the answer is over.
  package func complete(_ facts: AnswerFacts) {
    switch way {
    case .passed, .mock: facts.conclude()
    case .recast(let recast): recast.inner.complete(facts)
    case .translated(let translation): translation.answer.tell(facts)
    }
  }
}
