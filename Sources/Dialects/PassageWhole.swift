// Answers in OpenAI's format that are read whole before they go on.

package import Wire

extension Passage {
  /// Writes the client's answer from what was read whole.
  ///
  /// - Parameters:
  ///   - provider: its name in the configuration, for messages.
  ///   - member: `"key":value` for the answer; empty for none.
  package func conclude(provider: String, member: Span<UInt8>, into out: inout ByteQueue) -> Verdict {
    if held.isEmpty { return .fault(.empty) }
    switch course {
    // Whatever its head called it.
    case .whole where Media(firstBytes: unsafe held.view) == .events: course = .collected
    case .made where Media(firstBytes: unsafe held.view) == .events: return passHeld(member, into: &out)
    default: break
    }
    if course == .collected, let verdict = collect(into: &out) { return verdict }
    // Where both have one, ours stands.
    if !member.isEmpty, isBehindRemora || course != .whole { removeTheirMember() }
    if repairs || reader == nil, let verdict = mend(provider, into: &out) { return verdict }
    if asked.shape == .response, isFailedResponse { hasToldFailure = true }
    if let reader { return tell(reader, provider, into: &out) }
    if course == .made { return make(member, into: &out) ? .stream : .fault(.malformed) }
    reply.reset(
      insertsMember: !member.isEmpty && PassReply.takesMember(unsafe held.view),
      isMessage: asked.shape == .message)
    reply.piece(unsafe held.view, member: member, into: &out)
    held.removeAll()
    return .answer
  }

  private var isFailedResponse: Bool {
    let text = unsafe held.view  // SAFETY: nothing here changes the queue.
    return JSONView.content(text, in: 0..<text.count, at: "status").equals("failed")
  }

  /// Takes the member that another Remora has put in out of the held answer, wherever it stands.
  private func removeTheirMember() {
    let text = unsafe held.view  // SAFETY: nothing changes the queue before it is swapped.
    var others = ByteQueue()
    var hasTheirs = false
    var from = 0
    var members = JSONObjectCursor(text, 0..<text.count)
    while let member = members.next() {
      if member.keyIs("x_remora", in: text) {
        hasTheirs = true
      } else {
        others.append(others.isEmpty ? "{" : ",")
        others.append(text.extracting(member.key.lowerBound - 1..<member.value.upperBound))
      }
      from = member.value.upperBound
    }
    guard hasTheirs else { return }
    if others.isEmpty { others.append("{") }
    others.append(text.extracting(from..<text.count))
    swap(&held, &others)
  }

  /// Brings the held answer into form.
  ///
  /// - Returns: nil; where it is no answer, what it is instead.
  private func mend(_ provider: String, into out: inout ByteQueue) -> Verdict? {
    // Blank lines that a provider sends while it works are no part of the answer.
    let start = held.consumeBlanks()
    var repair = ReplyRepair()
    var repaired = ByteQueue()
    let finding = repair.read(
      unsafe held.view, asked.shape, wantsBase64: asked.wantsBase64, provider: provider, into: &repaired)
    switch finding {
    case .fine: break
    case .repaired: swap(&held, &repaired)
    case .error(let status):
      out.append(repaired.bytes)
      return .error(status: status)
    case .givenUp(let reason): return .fault(Fault.givenUp(unsafe held.view, reason))
    case .malformed: return .fault(.malformed)
    case .invalid(let fault): return .invalid(fault, at: start)
    }
    return nil
  }

  /// Tells the held answer, which is a chat's.
  private func tell(_ reader: ChatAnswerReader, _ provider: String, into out: inout ByteQueue) -> Verdict {
    let text = unsafe held.view  // SAFETY: nothing here changes the queue before it is read.
    facts?.piece(text)
    switch reader.read(whole: text, into: &out) {
    case .choices: break
    case .other, nil: return .fault(.malformed)
    case .error where asked.streams:
      reader.fail(text, into: &out)
      hasToldFailure = true
      return .stream
    case .error:
      Fault.translate(text, status: 502, provider: provider, into: &out)
      return .error(status: Fault.status(in: text) ?? 502)
    }
    reader.finish(reader.usage, into: &out)
    held.removeAll()
    // A stream was asked for: what was made of the whole is one.
    return asked.streams ? .stream : .answer
  }

  /// Collects the held stream into the answer that was asked for, which is held then.
  ///
  /// - Returns: nil; where there is no such answer, what the stream came to instead.
  private func collect(into out: inout ByteQueue) -> Verdict? {
    guard asked.shape.hasStreams else { return .fault(.unexpectedStream) }
    var collector = StreamCollector(asked.shape)
    var queue = ByteQueue()
    swap(&held, &queue)
    collector.take(&queue)
    var text = ByteQueue()
    switch collector.end(&queue, into: &text) {
    case .whole:
      swap(&held, &text)
      return nil
    case .error(let status):
      out.append(text.bytes)
      return .error(status: status)
    case .truncated: return .fault(.truncated)
    case .malformed: return .fault(.malformed)
    case .tooLarge: return .fault(.tooLarge)
    }
  }

  /// Passes on the held answer, which is the stream that was asked for.
  private func passHeld(_ member: Span<UInt8>, into out: inout ByteQueue) -> Verdict {
    var queue = ByteQueue()
    swap(&held, &queue)
    defer {
      queue.removeAll()
      swap(&held, &queue)
    }
    // The blank line behind the last event may be missing.
    queue.append("\n\n")
    guard pass(queue.bytes, member, into: &out) else { return .fault(.malformed) }
    guard stream.mayEnd else { return .fault(.truncated) }
    stream.end(into: &out)
    return .stream
  }

  /// Appends what the client gets for a stream that is here whole.
  ///
  /// - Returns: false where it is none.
  private func pass(_ text: Span<UInt8>, _ member: Span<UInt8>, into out: inout ByteQueue) -> Bool {
    beginStream(insertsMember: !member.isEmpty)
    // What has been held is no less so by its events.
    events = EventDecoder(ceiling: .max)
    course = .events
    defer {
      course = .made
      hasToldFailure = stream.hasFailed
    }
    return (try? passEvents(text, member, into: &out)) != nil
  }

  /// Appends the stream that was asked for, made of the held answer.
  ///
  /// - Returns: false where what is held is no answer.
  private func make(_ member: Span<UInt8>, into out: inout ByteQueue) -> Bool {
    var text = ByteQueue()
    let isMade = StreamMaker.write(unsafe held.view, asked.shape, into: &text)
    guard isMade else { return false }
    addsUsage = !asked.asksForUsage
    return pass(text.bytes, member, into: &out)
  }
}
