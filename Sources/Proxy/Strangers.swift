// Which answers are a provider's at all, and which errors are put into OpenAI's shape.

internal import Dialects
internal import HTTP
internal import Policy
internal import Wire

extension Exchange {
  /// Whether an error is put into OpenAI's shape. One without a body, or in a coding that the client may have asked
  /// for, passes as it is, but not the refusal of a key that is none of the client's.
  func takesError(_ upstream: Upstream) -> Bool {
    if reply.status == 401 || reply.status == 403, hasOwnKey(upstream) { return true }
    if head.method == .head { return false }
    return reply.first(.contentEncoding) == nil || readsAnswer
  }

  /// Whether the answer's body is read here, and not only passed on.
  var readsAnswer: Bool { target.isFullService || translation != nil }

  /// The coding that is taken off the answer's body. None was asked for, but there are servers and caches that code all
  /// the same.
  var replyCoding: ContentCoding {
    guard reply.first(.contentEncoding) != nil, readsAnswer else { return .identity }
    return ContentCoding(reply.fields, in: replyBytes.view)
  }

  /// Refuses an answer in a coding that can't be taken off.
  @inline(never)
  func refuseCoding(_ upstream: Upstream) throws(Refusal) {
    guard let field = reply.first(.contentEncoding), replyCoding == .other, replyFlow.framing != .none else {
      return
    }
    let name = Self.shown(replyBytes.view.extracting(field.value).text())
    throw .protocolBroken(
      upstream.name,
      "its answer (\(reply.status)) has the Content-Encoding '\(name)', which was not asked for")
  }

  /// Refuses an answer that no client of this API can use: somebody else stands at the base URL. A redirect would
  /// take the client, with its prompt, to another server behind Remora's back.
  @inline(never)
  func refuseStrangers(_ upstream: Upstream) throws(Refusal) {
    guard target.isFullService || translation != nil else { return }
    if (300..<400).contains(reply.status) {
      throw .notTheAPI(upstream.name, "it answered \(reply.status), a redirect")
    }
    if translation != nil, replyFlow.framing == .none {
      throw .notTheAPI(upstream.name, "it answered \(reply.status) without a body")
    }
    if let field = reply.first(.contentType) {
      if replyBytes.view.extracting(field.value).isMediaType("text/html") {
        throw .notTheAPI(upstream.name, "it answered with a web page")
      }
    }
  }
}
