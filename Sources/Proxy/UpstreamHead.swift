// The head that goes upstream: the client's fields that may go on, and what Remora says itself.

internal import Config
internal import Dialects
internal import HTTP
internal import Wire

extension Attempt {
  /// Writes the request's head to `call.out`, which holds nothing else then.
  func writeRequestHead() {
    let upstream = upstream
    let conversation = conversation
    let ask = ask
    let call = call
    call.out.removeAll()
    let own = conversation.ownRequest
    var method = ask.headBytes.extracting(ask.head.methodText)
    if let own { method = own.method.bytes }
    HeadWriter.requestLine(method: method, target: unsafe address.view, to: &call.out)
    call.out.append(upstream.words.hostField)
    writeClientFields(upstream)
    if ask.target.isFullService || own != nil { call.out.append(literal: "Accept-Encoding: identity\r\n") }
    if let own {
      if own.hasBody { HeadWriter.field("Content-Type", "application/json", to: &call.out) }
      HeadWriter.field("Accept", own.acceptedTypes, to: &call.out)
      own.writeHeaders(into: &call.out)
    } else {
      conversation.writeFields(into: &call.out)
    }
    if let keys = lineup.keys[upstream.index] {
      tried.shown.keys = keys
      upstream.writeOwnFields(keys, into: &call.out)
    } else {
      upstream.writeOwnFields(nil, into: &call.out)
    }
    if tried.shown.grant != nil { writeGrant() }
    if let trace = ask.trace { trace.write(into: &call.out) }
    call.out.append(literal: "x-request-id: ")
    call.out.append(ask.requestID)
    call.out.append(literal: "\r\n")
    switch tried.sending.upload {
    case .sent: if ask.head.framing == .length(0) { HeadWriter.framing(.length(0), to: &call.out) }
    case .followed: HeadWriter.framing(.chunked, to: &call.out)
    case .kept:
      HeadWriter.framing(.length(conversation.sentCount(of: ask.body.bytes.count)), to: &call.out)
    case .streamed: HeadWriter.framing(ask.head.framing, to: &call.out)
    }
    HeadWriter.end(to: &call.out)
  }

  /// The client's fields that go on, in their order.
  private func writeClientFields(_ upstream: Upstream) {
    let ask = ask
    let call = call
    let bytes = ask.headBytes
    let fields = ask.head.fields
    requestFields.read(fields, named: ask.head.names, in: bytes)
    let held = heldFields(upstream)
    let nominates = requestFields.nominatesAny
    let isWritten =
      !upstream.credentials.headers.isEmpty || signsRequest || lineup.snapshot.callersHeader != nil
    var run = FieldRun()
    for field in fields where !held.contains(field.known) {
      if nominates, requestFields.nominates(field, in: bytes) { continue }
      if isWritten {
        let name = bytes.extracting(field.name)
        if replaces(name) || (signsRequest && isSigners(name)) { continue }
        if let callers = lineup.snapshot.callersHeader, Self.mayRead(name, as: callers.span) { continue }
      }
      run.take(field, of: bytes, to: &call.out)
    }
    run.flush(bytes, to: &call.out)
    if case .passthrough(let name, let prefix) = upstream.credentials.kind {
      ask.writeCallersKey(name, prefix, into: &call.out)
    }
  }

  /// The client's fields that stay here.
  private func heldFields(_ upstream: Upstream) -> FieldNames {
    var held = requestFields.held
    held.insert(.xRequestID)
    held.formUnion(.credentials)
    held.formUnion(upstream.held)
    held.formUnion(conversation.heldFields)
    if let trace = ask.trace {
      held.insert(.traceparent)
      if trace.traceState.isEmpty { held.insert(.tracestate) }
    }
    // An answer that must be read must come as it is, and a body that was read goes as it is.
    if ask.target.isFullService { held.insert(.acceptEncoding) }
    if ask.body.flow.isCoded { held.insert(.contentEncoding) }
    return held
  }

  private func replaces(_ name: Span<UInt8>) -> Bool {
    for header in upstream.credentials.headers where Self.mayRead(name, as: header.name.span) { return true }
    return false
  }

  /// Whether some server reads `name` as `other` (see `FieldName.lookalike`): `X_Team` is not to stand beside the
  /// operator's `x-team`.
  static func mayRead(_ name: Span<UInt8>, as other: Span<UInt8>) -> Bool {
    guard name.count == other.count else { return false }
    for at in 0..<name.count where ASCII.lower(name[at]) != ASCII.lower(other[at]) {
      if ASCII.isNameByte(name[at]), name[at] != 0x2D { return false }
      if ASCII.isNameByte(other[at]), other[at] != 0x2D { return false }
    }
    return true
  }
}

extension Upstream {
  /// Appends the fields that the operator wants in each request, and the key.
  ///
  /// - Parameter keys: secrets that were read again since the snapshot was made.
  func writeOwnFields(_ keys: Keys?, into out: inout ByteQueue) {
    for (place, header) in credentials.headers.enumerated() {
      out.append(header.name)
      out.append(literal: ": ")
      out.append(header.text)
      if let secret = keys?.headers[place] ?? header.secret { out.append(secret: secret.bytes) }
      out.append(literal: "\r\n")
    }
    if let key = credentials.key {
      out.append(credentials.keyOpening)
      if let newer = keys?.credential {
        out.append(secret: newer.bytes)
      } else {
        out.append(secret: key.bytes)
      }
      out.append(literal: "\r\n")
    }
  }
}
