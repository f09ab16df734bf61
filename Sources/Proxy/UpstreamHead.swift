// The head that goes upstream: the client's fields that may go on, and what Remora says itself.

internal import Config
internal import Dialects
internal import HTTP
internal import Wire

extension Exchange {
  func writeRequestHead(_ upstream: Upstream) {
    upstreamOut.removeAll()
    if let translation {
      writeTranslatedTarget(translation, upstream)
    } else {
      writeTarget(upstream)
    }
    upstreamOut.append(upstream.hostField)
    writeClientFields(upstream)
    if readsAnswer { upstreamOut.append("Accept-Encoding: identity\r\n") }
    if let translation { writeTranslatedFields(translation) }
    let keys = lineup.keys[upstream.index]
    sentKeys = keys
    upstream.writeOwnFields(keys, into: &upstreamOut)
    writeGrant(upstream)
    upstreamOut.append("x-request-id: ")
    upstreamOut.append(requestID.view)
    upstreamOut.append("\r\n")
    switch upload {
    case .none, .sent:
      if head.framing == .length(0) { HeadWriter.framing(.length(0), to: &upstreamOut) }
    case .followed: HeadWriter.framing(.chunked, to: &upstreamOut)
    case .buffered: HeadWriter.framing(.length(splice.resultCount(for: body.count)), to: &upstreamOut)
    case .translated: HeadWriter.framing(.length(translation?.request.body.count ?? 0), to: &upstreamOut)
    case .streamed: HeadWriter.framing(head.framing, to: &upstreamOut)
    }
    HeadWriter.end(to: &upstreamOut)
  }

  /// The request's line, for the path that was asked for.
  private func writeTarget(_ upstream: Upstream) {
    HeadWriter.requestLine(
      method: headBytes.view.extracting(head.methodText), target: address.view, to: &upstreamOut)
  }

  /// The client's fields that go on, in their order.
  private func writeClientFields(_ upstream: Upstream) {
    let bytes = headBytes.view
    hopByHop.read(head.fields, named: head.names, in: bytes)
    let held = heldFields(upstream)
    let nominates = hopByHop.nominatesAny
    let isWritten = !upstream.headers.isEmpty || signsRequest
    var run = FieldRun()
    for field in head.fields where !held.contains(field.known) {
      if nominates, hopByHop.nominates(field, in: bytes) { continue }
      if isWritten {
        let name = bytes.extracting(field.name)
        if replaces(name, upstream) || (signsRequest && isSigners(name)) { continue }
      }
      run.take(field, of: bytes, to: &upstreamOut)
    }
    run.flush(bytes, to: &upstreamOut)
    if case .passthrough(let name, let prefix) = upstream.credential { writeCallersKey(name, prefix) }
  }

  /// What of the client's stays here.
  private func heldFields(_ upstream: Upstream) -> FieldNames {
    var held = hopByHop.held
    held.insert(.xRequestID)
    held.formUnion(.credentials)
    if !upstream.knowsAccounts {
      held.insert(.openAIOrganization)
      held.insert(.openAIProject)
    }
    // What a dialect says itself, it says once.
    if translation != nil {
      held.insert(.contentType)
      held.insert(.accept)
      held.insert(.anthropicVersion)
    }
    // An answer that must be read must come as it is, and a body that was read goes as it is.
    if readsAnswer { held.insert(.acceptEncoding) }
    if uploadFlow.isCoded { held.insert(.contentEncoding) }
    return held
  }

  private func replaces(_ name: Span<UInt8>, _ upstream: Upstream) -> Bool {
    for header in upstream.headers where Self.mayRead(name, as: header.name.span) { return true }
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
    for (place, header) in headers.enumerated() {
      out.append(header.name)
      out.append(": ")
      out.append(header.text)
      if let secret = keys?.headers[place] ?? header.secret { out.append(secret: secret.bytes) }
      out.append("\r\n")
    }
    if case .field(let opening, let secret) = credential {
      out.append(opening)
      let shown = keys?.credential ?? secret
      out.append(secret: shown.bytes)
      out.append("\r\n")
    }
  }
}
