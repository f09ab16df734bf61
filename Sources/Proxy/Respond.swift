// The answers that Remora makes itself, and what every answer carries.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Exchange {
  /// Appends what every answer carries.
  func writeCommonFields(_ connection: ClientConnection) {
    answer.outbound.append(literal: "x-request-id: ")
    answer.outbound.append(ask.requestID)
    answer.outbound.append(literal: "\r\n")
    if let route {
      answer.outbound.append(lineup.snapshot.upstreams[route.providerIndex].words.providerField)
      if let model = route.model {
        if !model.isEmpty { HeadWriter.field("x-remora-model", model.span, to: &answer.outbound) }
      } else if !ask.model.isEmpty {
        HeadWriter.field("x-remora-model", ask.model, to: &answer.outbound)
      }
      HeadWriter.field("x-remora-attempts", record.attempts, to: &answer.outbound)
    }
    if let attempt, attempt.conversation.droppedCount > 0 {
      answer.outbound.append(literal: "x-remora-dropped: ")
      attempt.conversation.dropped.write(into: &answer.outbound)
      answer.outbound.append(literal: "\r\n")
    }
    if let watch = ask.watch {
      let header = watch.header
      HeadWriter.field("x-remora-policies", header.utf8.span, to: &answer.outbound)
    }
    if let result = ask.cache.result { HeadWriter.field("x-remora-cache", result.name, to: &answer.outbound) }
    if let fields = notice?.fields { answer.outbound.append(fields.span) }
    // By it an error can be found, also by those whose application isn't traced.
    if answer.status >= 400, let ids = ask.traceIDs {
      answer.outbound.append("x-remora-trace-id: ")
      ids.writeTrace(into: &answer.outbound)
      answer.outbound.append(literal: "\r\n")
    }
    if ask.isOriginAllowed { writeOrigin() }
    if let meters = lineup.meters, !record.isSilent { writeStanding(meters, connection) }
    // What becomes of the connection, where that is not the version's default.
    if connection.mustClose {
      answer.outbound.append(literal: "Connection: close\r\n")
    } else if ask.hasHead, ask.isOld {
      answer.outbound.append("Connection: keep-alive\r\n")
    }
  }

  /// Answers with `refusal`: as a whole answer, or as the last event of a stream that has begun.
  func refuse(_ refusal: Refusal, _ connection: ClientConnection) {
    attempt?.call.drop()
    switch refusal.cause {
    case .clientGone:
      record.end = .clientGone
      return
    case .timedOut: record.end = .idleTimeout
    default:
      record.end =
        attempt?.tried.carriage.wasCut == true ? .upstreamEOF : state.drain.isOver ? .shutdown : .error
    }
    record.errorCode = refusal.code
    record.errorName = refusal.name
    record.errorMessage = refusal.message
    if answer.hasBegun { return cut(refusal, connection) }
    // What is left of the body can't be told from a next request unless it is read: the connection ends instead.
    if refusal.closes || !ask.body.flow.hasEnded { connection.mustClose = true }
    // A head that can't be read says no id; with one of its own the answer can be found in the log.
    if ask.requestID.isEmpty { ask.makeRequestID() }
    answer.body.removeAll()
    let form = ask.hasHead ? ask.errorForm : errorForm(ofUnread: connection)
    let status = form.status(refusal.status)
    refusal.write(into: &answer.body)
    form.put(&answer.body, status: status, requestID: ask.requestID)
    answer.begin(status)
    HeadWriter.field("Content-Type", "application/json", to: &answer.outbound)
    if let allow = refusal.allow { HeadWriter.field("Allow", allow, to: &answer.outbound) }
    if let codings = refusal.acceptEncoding {
      HeadWriter.field("Accept-Encoding", codings, to: &answer.outbound)
    }
    // RFC 9110 sections 15.5.22 and 7.8: what would be spoken instead, and that this concerns the connection alone.
    if refusal.status == 426 { answer.outbound.append("Upgrade: HTTP/1.1\r\nConnection: Upgrade\r\n") }
    if let seconds = refusal.retryAfter { HeadWriter.field("Retry-After", seconds, to: &answer.outbound) }
    if let shouldRetry = refusal.shouldRetry {
      HeadWriter.field("x-should-retry", shouldRetry ? "true" : "false", to: &answer.outbound)
    }
    HeadWriter.field("x-remora-error-source", refusal.source.name, to: &answer.outbound)
    if case .anthropic = form {
      HeadWriter.field("request-id", ask.requestID, to: &answer.outbound)
      HeadWriter.field("x-remora-error-code", refusal.code, to: &answer.outbound)
    }
    writeCommonFields(connection)
    answer.end(head: .length(answer.body.count))
    answer.send(isShown: !ask.hasHead || ask.head.method != .head)
  }

  /// The form of errors for a request whose head can't be read.
  private func errorForm(ofUnread connection: ClientConnection) -> ErrorForm {
    Target.isMessages(opening: unsafe connection.inbound.view) ? .anthropic : .openAI
  }

  /// Ends an answer that has begun so that no client takes it for whole: with an error event where it is a stream that
  /// can take one, and without the end of its transfer coding.
  private func cut(_ refusal: Refusal, _ connection: ClientConnection) {
    connection.mustClose = true
    if answer.isEvents, attempt?.isInEvent != true {
      var text = ByteQueue()
      let form = ask.errorForm
      refusal.write(into: &text)
      form.put(&text, status: form.status(refusal.status), requestID: ask.requestID)
      if let gate = attempt?.tried.carriage.gate { answer.piece { gate.end(into: &$0) } }
      tell(text, form)
    }
    answer.cut()
  }

  /// Ends a stream of which only the head went out with the error that is in `answer.body`.
  func tellInStream(_ form: ErrorForm, _ connection: ClientConnection) {
    record.end = .error
    connection.mustClose = true
    var text = ByteQueue()
    swap(&text, &answer.body)
    tell(text, form)
    answer.cut()
  }

  /// Appends an error to a stream as its last word.
  private func tell(_ error: borrowing ByteQueue, _ form: ErrorForm) {
    guard let attempt else { return answer.piece { form.event(error.bytes, into: &$0) } }
    answer.piece { out in
      let isTold = attempt.conversation.fail(
        error.bytes,
        stamp: {
          var stamp = AnswerStamp(created: attempt.unixSeconds, seed: attempt.seed())
          stamp.model = attempt.withModel { $0.array() }
          return stamp
        }, into: &out)
      if !isTold { form.event(error.bytes, into: &out) }
    }
  }

  /// Answers with the body that was made.
  func answer(_ status: Int, _ contentType: StaticString, _ connection: ClientConnection) {
    if !ask.body.flow.hasEnded { connection.mustClose = true }
    answer.begin(status)
    HeadWriter.field("Content-Type", contentType, to: &answer.outbound)
    writeCommonFields(connection)
    answer.end(head: .length(answer.body.count))
    answer.send(isShown: ask.head.method != .head)
  }

  /// Answers without a body.
  ///
  /// - Parameter fields: appends what the answer says beside what every answer says.
  func answerEmpty(_ connection: ClientConnection, _ fields: (inout ByteQueue) -> Void) {
    if !ask.body.flow.hasEnded { connection.mustClose = true }
    answer.begin(204)
    fields(&answer.outbound)
    writeCommonFields(connection)
    answer.end(head: .none)
  }

  /// Tells a client that waits for it to go on.
  func tellToGoOn(_ connection: ClientConnection) {
    answer.beginInterim(100)
    answer.endInterim()
    // A fault here is found again when the body is read.
    _ = try? connection.socket.write(from: &answer.outbound)
  }
}
