// Step 3, before anything is sent: the target of a request in OpenAI's format, and what must change in its body for
// the upstream that gets it.

internal import Config
internal import Dialects
internal import Policy
internal import Wire

extension Exchange {
  /// Works out what must change in the body.
  func prepare(_ upstream: Upstream) throws(Refusal) {
    splice.removeAll()
    dropped.removeAll()
    if translation == nil { try takeAddress(upstream) }
    guard translation == nil, isJSON, scanner.topLevelKind == .object else { return }
    // The edits are few and lie inside the scanned text, so they can't fail; without them the body is the client's.
    let deployment = withModel { upstream.address.deployment(of: $0) }
    if let model = deployment ?? route?.model {
      try? facts.edit(&splice, body.view, scanner, model: model.span, addsUsage: addsUsage)
    } else {
      try? facts.edit(&splice, body.view, scanner, model: nil, addsUsage: addsUsage)
    }
    guard let edit = RequestEdit(upstream.quirks, target.shape, count: body.count) else { return }
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
    let query = bytes.extracting(target.query ?? 0..<0)
    do throws(RequestFault) {
      if let model = route?.model {
        try upstream.address.write(path: path, query: query, model: model.span, into: &address)
      } else {
        try upstream.address.write(path: path, query: query, model: modelAsked.view, into: &address)
      }
    } catch { throw Refusal(error) }
  }
}
