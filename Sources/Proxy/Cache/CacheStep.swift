// A request's way to an answer that is kept: which requests are alike, and what such an answer looks like.
//
// Only what would be answered the same again is kept: embeddings, and chats that ask for temperature 0 and aren't stored.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// Answers with what is kept; where another request is getting the same answer, waits for that.
  ///
  /// - Returns: false where a provider is to be asked.
  @inline(never)
  func answerCached(_ plan: Plan, _ connection: ClientConnection) async throws(Refusal) -> Bool {
    let settings = lineup.snapshot.settings.cache
    let wish = ask.cacheWish(settings)
    guard wish.keeps, let key = ask.cacheKey(plan, settings) else {
      note(.bypass)
      return false
    }
    let cache = state.books.cache
    let isStream = ask.body.facts.streams
    let deadline = now + lineup.snapshot.upstreams[plan.first.providerIndex].waits.firstByte
    let waiter = ObjectIdentifier(connection.parker)
    defer { cache.leave(key, waiter: waiter) }
    var leads = false
    while wish.reads {
      if let kept = cache.find(key, notOlderThan: wish.age, at: now.nanoseconds) {
        note(.hit)
        send(kept, connection)
        return true
      }
      // A stream's first words would wait for its last ones.
      if isStream || now >= deadline { break }
      let (loop, parker) = (loop, Confined(connection.parker))
      leads = cache.lead(key, waiter: waiter) { loop.post { parker.value.signal() } }
      if leads { break }
      _ = await connection.parker.park(until: deadline)
      if connection.socket.peerHasClosed { throw .clientGone }
    }
    note(.miss)
    ask.cache.write = CacheWrite(key, cache, ceiling: settings.size / 4, leads: leads)
    return false
  }

  private func note(_ result: CacheResult) {
    ask.cache.result = result
    state.shard.cached(result)
  }

  /// Sends an answer that was kept, with what is about this exchange alone.
  private func send(_ kept: CachedAnswer, _ connection: ClientConnection) {
    route = kept.route
    answer.body.append(kept.head.span)
    if kept.hasPlace, let upstream {
      var member = ByteQueue()
      withModel { ask.writeMetadata(upstream, $0, attempts: 0, into: &member) }
      if let region = upstream.region {
        JSONWriter.string(region.span, into: &member)
      } else {
        member.append("null")
      }
      member.append("}")
      answer.body.append(member.bytes)
    }
    answer.body.append(kept.tail.span)
    guard kept.isEvents else { return answer(200, "application/json", connection) }
    if !ask.body.flow.hasEnded || ask.isOld { connection.mustClose = true }
    answer.begin(200, isEvents: true)
    HeadWriter.eventStream(to: &answer.outbound)
    writeCommonFields(connection)
    answer.end(head: ask.isOld ? .untilClose : .chunked)
    answer.send()
    answer.end(trailers: [])
  }

  /// Keeps the answer, if it is a whole and good one.
  func keepAnswer(_ write: CacheWrite) {
    if let attempt, let route, record.end == .complete, answer.status == 200, !answer.isCut,
      !attempt.conversation.hasFailed
    {
      write.keep(
        without: unsafe attempt.metadata.view, isEvents: answer.isEvents, route: route, at: now.nanoseconds)
    }
    // Those who wait for it are told.
    ask.cache.write = nil
  }
}

extension Ask {
  /// What a request wants of the cache.
  struct CacheWish {
    var reads = true
    var keeps = true
    /// Of the answers that it takes.
    var age: Nanoseconds
  }

  /// What the request's head and another gateway's members say of it. Nothing here allows more than the operator does.
  func cacheWish(_ settings: CacheSettings) -> CacheWish {
    var wish = CacheWish(age: settings.ttl.nanoseconds)
    let bytes = headBytes
    // RFC 9111 section 5.2.1.
    for field in head.fields where bytes.extracting(field.name).equalsIgnoringCase("cache-control") {
      let value = bytes.extracting(field.value)
      if Self.holds(value, "no-store") { (wish.keeps, wish.reads) = (false, false) }
      if Self.holds(value, "no-cache") || Self.holds(value, "max-age=0") { wish.reads = false }
    }
    if let wishes = remarks.wishes {
      if wishes.wantsNoCache || wishes.wantsBreakdown { (wish.keeps, wish.reads) = (false, false) }
      if let age = wishes.cacheAge { wish.age = min(wish.age, age) }
    }
    return wish
  }

  private static func begins(_ name: Span<UInt8>, _ prefix: StaticString) -> Bool {
    name.count >= prefix.utf8CodeUnitCount
      && name.extracting(0..<prefix.utf8CodeUnitCount).equalsIgnoringCase(prefix)
  }

  private static func holds(_ value: Span<UInt8>, _ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard value.count >= count else { return false }
    for at in 0...(value.count - count)
    where value.extracting(at..<at + count).equalsIgnoringCase(word) {
      return true
    }
    return false
  }

  /// What the request has in common with others that get the same answer; nil: nothing that is kept.
  func cacheKey(_ plan: Plan, _ settings: CacheSettings) -> CacheKey? {
    guard head.method == .post, body.isJSON, isKept, body.flow.hasEnded, gate == nil, isDeterministic else {
      return nil
    }
    let snapshot = lineup.snapshot
    var text = ByteQueue()
    // What another configuration gave is not this one's.
    text.append(decimal: Int(truncatingIfNeeded: snapshot.generation))
    text.append("\n")
    if !settings.isShared, let group { text.append(group.label) }
    text.append("\n")
    if remarks.wishes?.cachesByCustomer == true, let customer = remarks.attribution?.customer {
      text.append(customer)
    }
    text.append("\n")
    text.append(headBytes.extracting(target.path))
    if let query = target.query {
      text.append("?")
      text.append(headBytes.extracting(query))
    }
    // What providers' APIs read beside the body: versions, and what is tried out (`openai-beta`).
    for field in head.fields {
      let name = headBytes.extracting(field.name)
      guard Self.begins(name, "openai-") || Self.begins(name, "anthropic-") else { continue }
      text.append("\n")
      text.append(name)
      text.append("=")
      text.append(headBytes.extracting(field.value))
    }
    for place in 0..<plan.count {
      let route = plan[place]
      // Whose key a provider is asked with is the client's own affair.
      if case .passthrough = snapshot.upstreams[route.providerIndex].credentials.kind { return nil }
      text.append("\n")
      text.append(decimal: route.providerIndex)
      text.append("/")
      if let model = route.model { text.append(model) } else { text.append(self.model) }
    }
    // SAFETY: while it is in use, nothing changes the queue.
    let bytes = unsafe body.bytes.view
    var members = JSONObjectCursor(bytes, 0..<bytes.count)
    while let member = members.next() {
      if Self.isAside(member, in: bytes) { continue }
      text.append("\n")
      text.append(bytes.extracting(member.key))
      text.append(":")
      text.append(bytes.extracting(member.value))
    }
    return state.loop.digester.sha256(text.bytes).map { CacheKey($0) }
  }

  /// Whether the member says nothing of the answer: whose request it is, and how it is made.
  private static func isAside(_ member: JSONObjectCursor.Member, in bytes: Span<UInt8>) -> Bool {
    member.keyIs("fallback_models", in: bytes) || member.keyIs("customer_identifier", in: bytes)
      || member.keyIs("thread_identifier", in: bytes) || member.keyIs("group_identifier", in: bytes)
      || member.keyIs("metadata", in: bytes) || GatewayMember(bytes, member.key) != nil
  }

  /// Whether the provider would answer the same again, as far as the request can say so.
  private var isDeterministic: Bool {
    switch target.endpoint {
    case .embeddings: return true
    case .chatCompletions: break
    default: return false
    }
    // SAFETY: while it is in use, nothing changes the queue.
    let bytes = unsafe body.bytes.view
    let whole = 0..<bytes.count
    if body.scanner.found(.store)?.kind == .true { return false }
    guard let temperature = JSONView.value(bytes, in: whole, at: "temperature"),
      JSONView.kind(bytes, temperature) == .number
    else { return false }
    // 0, 0.0, -0e5: no digit before an exponent is another one.
    for at in temperature {
      let byte = bytes[at]
      if ASCII.lower(byte) == UInt8(ascii: "e") { break }
      if ASCII.isDigit(byte), byte != UInt8(ascii: "0") { return false }
    }
    return true
  }
}
