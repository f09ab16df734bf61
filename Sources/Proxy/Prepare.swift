// Step 3, before anything is sent: the target of a request in OpenAI's format, and what must change in its body for
// the upstream that gets it.

internal import Config
internal import Dialects
internal import Policy
internal import Telemetry
internal import Wire

extension Exchange {
  /// Works out what must change in the body.
  func prepare(_ upstream: Upstream) throws(Refusal) {
    splice.removeAll()
    dropped.removeAll()
    if translation == nil { try takeAddress(upstream) }
    guard translation == nil, isJSON, case .object? = scanner.topLevelKind else { return }
    // The edits are few and lie inside the scanned text, so they can't fail; without them the body is the client's.
    let deployment = withModel { upstream.address.deployment(of: $0) }
    var isSame = false
    if deployment == nil, let model = route?.model { isSame = model.span.equals(modelAsked.view) }
    if !isSame || scanner.found(.model) == nil, let model = deployment ?? route?.model {
      try? facts.edit(&splice, body.view, scanner, model: model.span, addsUsage: addsUsage)
    } else {
      try? facts.edit(&splice, body.view, scanner, model: nil, addsUsage: addsUsage)
    }
    guard upstream.editsRequests, let edit = RequestEdit(upstream.quirks, target.shape, count: body.count)
    else { return }
    do throws(RequestFault) { try edit.write(body.view, &splice, dropped: &dropped) } catch {
      dropped.removeAll()
      throw Refusal(error)
    }
  }

  /// Works out the request's target.
  private func takeAddress(_ upstream: Upstream) throws(Refusal) {
    let bytes = headBytes.view
    address.clear()
    // A dialect's own API is reached under the path that the client wrote: `/v1` is a part of it.
    let path = bytes.extracting(upstream.dialect == nil ? target.path : head.path)
    // With its question mark, so that an empty one goes on too.
    let query = bytes.extracting(target.query.map { $0.lowerBound - 1..<$0.upperBound } ?? 0..<0)
    do throws(RequestFault) {
      if case .models = target.endpoint, path.count > 8, let model = route?.model {
        return try takeModelAddress(model, path, query: query, upstream)
      }
      if let model = route?.model {
        try upstream.address.write(path: path, query: query, model: model.span, into: &address)
      } else {
        try upstream.address.write(path: path, query: query, model: modelAsked.view, into: &address)
      }
    } catch { throw Refusal(error) }
  }

  /// The target that asks about one model, which the provider has under another name than the client.
  private func takeModelAddress(
    _ model: [UInt8], _ path: Span<UInt8>, query: Span<UInt8>, _ upstream: Upstream
  ) throws(RequestFault) {
    // Servers with slashes in their models' names differ in whether these are to be escaped: as the client does it.
    var keepsSlashes = false
    for at in 8..<path.count where path[at] == UInt8(ascii: "/") { keepsSlashes = true }
    var named = ByteQueue()
    named.append(path.extracting(0..<8))
    PathSegment.append(model.span, keepsSlashes: keepsSlashes, into: &named)
    try upstream.address.write(path: named.bytes, query: query, model: model.span, into: &address)
  }
}
