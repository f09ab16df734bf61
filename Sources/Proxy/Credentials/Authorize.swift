// What a request shows the upstream where that is more than a key, and whether a refusal can be answered with
// something better.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Transport
internal import Wire

extension Attempt {
  /// Sees to it that there is something to show, the client watched all the while.
  func obtainGrant(_ source: CredentialSource) async throws(Refusal) {
    let asked = Instant.now
    let deadline = now + Deadline.credential
    defer { source.forget(connection.parker) }
    while true {
      switch source.ask(connection.parker) {
      case .granted(let grant):
        tried.shown.grant = grant
        // What isn't here can't be signed.
        if signsRequest, conversation.ownRequest == nil, ask.head.framing != .none {
          throw .notTranslated(upstream.name, ask.shownPath)
        }
        // What others answer is the network's time.
        tried.times.waited += Instant.now.nanoseconds(since: asked)
        return
      case .refused(let fault): throw .noCredentials(upstream.name, fault.message, isPassing: fault.isPassing)
      case .pending: break
      }
      if connection.socket.peerHasClosed { throw .clientGone }
      if state.drain.isOver { throw .draining }
      if await connection.parker.park(until: deadline) == .deadline, now >= deadline {
        throw .noCredentials(upstream.name, "the token service did not answer in time", isPassing: true)
      }
    }
  }

  /// Whether the request is signed.
  var signsRequest: Bool {
    if case .keys? = tried.shown.grant?.proof { true } else { false }
  }

  /// Whether a field belongs to the signature: the client's own would contradict ours.
  func isSigners(_ name: Span<UInt8>) -> Bool {
    let prefix: StaticString = "x-amz-"
    return name.count > 6 && Self.mayRead(name.extracting(0..<6), as: prefix.bytes)
  }

  /// Appends the header lines that show the grant, if there is one.
  func writeGrant() {
    guard let grant = tried.shown.grant, let source = lineup.sources[upstream.index] else { return }
    guard case .keys = grant.proof else {
      _ = source.append(grant, signing: nil, into: &call.out)
      return
    }
    var fields = [SigV4.Field(Array("host".utf8), upstream.host)]
    var request: SigV4.Request
    if let own = conversation.ownRequest {
      fields.append(SigV4.Field(Array("content-type".utf8), Array("application/json".utf8)))
      request = SigV4.Request(
        method: own.method.bytes.array(),
        path: address.array(), fields: fields,
        payloadHash: Array(Digest.sha256(unsafe own.body.view).utf8))
    } else {
      let bytes = ask.headBytes
      request = SigV4.Request(
        method: bytes.extracting(ask.head.methodText).array(),
        path: upstream.prefix + bytes.extracting(ask.head.path).array(), fields: fields,
        payloadHash: Array(Digest.sha256(Span<UInt8>()).utf8))
      if let query = ask.target.query { request.query = bytes.extracting(query).array() }
    }
    // Without SHA-256 the request goes out unsigned, and the provider says so.
    _ = source.append(grant, signing: request, into: &call.out)
  }

  /// After a refusal: whether a request that is written now would show something better than the grant that was
  /// refused.
  func grantHasChanged() -> Bool {
    guard let grant = tried.shown.grant, let source = lineup.sources[upstream.index] else { return false }
    switch grant.proof {
    case .bearer: return call.reply.status == 401 && source.giveUp(grant)
    case .keys:
      let bytes = call.headBytes
      if let field = call.reply.fields.first(.date),
        let date = CivilTime.unixSeconds(httpDate: bytes.extracting(field.value)),
        source.hasLearned(date: date)
      {
        return true
      }
      // Not where the role may not do it: other keys of the same role wouldn't help.
      return Self.saysInvalidKeys(call.reply.fields, bytes) && source.giveUp(grant)
    }
  }

  private static func saysInvalidKeys(_ fields: [Field], _ bytes: Span<UInt8>) -> Bool {
    for field in fields where bytes.extracting(field.name).equalsIgnoringCase("x-amzn-errortype") {
      var value = bytes.extracting(field.value)
      for at in 0..<value.count where value[at] == ASCII.colon {
        value = value.extracting(0..<at)
        break
      }
      return value.equals("ExpiredTokenException") || value.equals("UnrecognizedClientException")
        || value.equals("InvalidClientTokenId") || value.equals("InvalidSignatureException")
    }
    return false
  }
}
