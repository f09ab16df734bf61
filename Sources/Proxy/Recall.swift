// What is remembered of responses (Dialects/Formats/Responses/ResponsesMemory.swift): a request that goes on with one gets
// it in full, a response that is whole is kept, and clients look one up or have it forgotten.

internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Ask {
  /// Puts what the request refers to into its place.
  ///
  /// - Parameter age: for how long what is kept is kept, in nanoseconds.
  @inline(never)
  func recall(_ age: UInt64) throws(Refusal) {
    guard body.isJSON, case .object? = body.scanner.topLevelKind else { return }
    var composed = ByteQueue()
    turn = state.books.responses.recall(
      unsafe body.bytes.view, strings: body.scanner.strings, scope: group?.label ?? [], age: age,
      now: now.nanoseconds, into: &composed)
    if composed.isEmpty { return }
    if composed.count > lineup.snapshot.maxBody {
      state.shard.refused(.bodyTooLarge)
      throw .bodyTooLarge(limit: lineup.snapshot.maxBody)
    }
    swap(&body.bytes, &composed)
    try readAgain()
  }

  /// The id of the response that the path names, between `/responses/` and what follows.
  private var responseID: Range<Int>? {
    let path = headBytes.extracting(target.path)
    guard path.count > 11, path.extracting(0..<11).equals("/responses/") else { return nil }
    var end = 11
    while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
    return 11..<end
  }

  /// Whether the path is one below `/responses`.
  var asksForResponses: Bool { responseID != nil }

  /// The response that the path names, and what it wants of it.
  fileprivate var wantedResponse: (id: [UInt8], rest: [UInt8])? {
    guard let range = responseID else { return nil }
    let path = headBytes.extracting(target.path)
    return (path.extracting(range).array(), path.extracting(range.upperBound...).array())
  }

  /// Whether the query wants the response as its events.
  fileprivate var wantsEvents: Bool {
    guard let query = target.query else { return false }
    return headBytes.extracting(query).text().split(separator: "&").contains("stream=true")
  }

  /// Which page of a list the query wants.
  fileprivate func page() throws(Refusal) -> ResponsesPage {
    var page = ResponsesPage()
    guard let query = target.query else { return page }
    for pair in headBytes.extracting(query).text().split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1)
      let value = parts.count == 2 ? parts[1] : ""
      switch parts.first {
      case "limit":
        guard let limit = Int(value), 1...100 ~= limit else {
          throw .invalidValue("'limit' must be an integer from 1 to 100.", parameter: "limit")
        }
        page.limit = limit
      case "order":
        guard value == "asc" || value == "desc" else {
          throw .invalidValue("'order' must be asc or desc.", parameter: "order")
        }
        page.isAscending = value == "asc"
      case "after": page.after = Array(value.utf8)
      default: break
      }
    }
    return page
  }
}

extension Attempt {
  /// Keeps a response that is whole, once all policies have let it pass and before the client knows of it.
  @inline(never)
  func remember() {
    guard let turn = ask.turn, var finished = turn.finished else { return }
    turn.finished = nil
    guard let age = ask.lineup.snapshot.responsesAge else { return }
    if let gate = ask.gate {
      var text = ByteQueue()
      text.append(finished.text)
      guard gate.repeatWhole(&text), let repeated = FinishedResponse(text.array()) else { return }
      finished = repeated
    }
    state.books.responses.keep(
      finished, turn, scope: ask.group?.label ?? [], age: age, now: now.nanoseconds)
  }
}

extension Exchange {
  /// Whether `answerResponse` is to look at the request.
  var asksForResponse: Bool {
    guard case .other = ask.target.endpoint else { return false }
    return ask.asksForResponses
  }

  /// Answers what concerns a response that is kept here; false where a provider is to be asked.
  @inline(never)
  func answerResponse(_ connection: ClientConnection) throws(Refusal) -> Bool {
    guard let (id, rest) = ask.wantedResponse else { return false }
    let age = lineup.snapshot.responsesAge ?? 0
    let memory = state.books.responses
    let (scope, now) = (ask.group?.label ?? [], now.nanoseconds)
    let isKnown: Bool
    switch (ask.head.method, String(decoding: rest, as: UTF8.self)) {
    case (.get, ""), (.head, ""):
      let response = memory.response(id, scope: scope, age: age, now: now)
      isKnown = response != nil
      // The SDKs would take the object for a stream without events.
      if isKnown, ask.wantsEvents {
        throw .invalidValue(
          "Only a response that was made in the background can be streamed again; leave 'stream' out.",
          parameter: "stream")
      }
      if let response { answer.body.append(response.span) }
    case (.get, "/input_items"), (.head, "/input_items"):
      // Which page a provider's own list is asked for is for the provider to judge.
      isKnown = memory.response(id, scope: scope, age: age, now: now) != nil
      if isKnown {
        _ = memory.list(id, try ask.page(), scope: scope, age: age, now: now, into: &answer.body)
      }
    case (.delete, ""):
      isKnown = memory.forget(id, scope: scope, now: now)
      if isKnown {
        answer.body.append("{\"id\":\"")
        answer.body.append(id.span)
        answer.body.append("\",\"object\":\"response\",\"deleted\":true}")
      }
    case (.post, "/cancel"):
      if memory.response(id, scope: scope, age: age, now: now) != nil { throw .responseIsOver }
      isKnown = false
    // Below this path there are also names that are no ids.
    default: return false
    }
    if isKnown {
      answer(200, "application/json", connection)
      return true
    }
    // It may be one of a provider's own.
    if let route = try? ask.choose(ask.entrance).first,
      !lineup.snapshot.upstreams[route.providerIndex].recastsResponses
    {
      return false
    }
    throw .responseNotFound(Ask.shown(String(decoding: id, as: UTF8.self)))
  }
}
