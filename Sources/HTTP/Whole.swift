// Requests that are read whole and answered by one function: the webhook's reviews, its admin port, tapes.

package import Transport
package import Wire

/// A request that was read whole.
package struct WholeRequest: ~Copyable {
  package let head: RequestHead
  private let headBytes: ByteQueue
  package let body: ByteQueue
  package let isFromLoopback: Bool

  fileprivate init(
    _ head: consuming RequestHead, _ headBytes: consuming ByteQueue, _ body: consuming ByteQueue,
    isFromLoopback: Bool
  ) {
    self.head = head
    self.headBytes = headBytes
    self.body = body
    self.isFromLoopback = isFromLoopback
  }

  /// What stands at a place of the head.
  package func text(_ place: Range<Int>) -> String { headBytes.bytes.extracting(place).text() }

  package var path: String { text(head.path) }

  /// The media type in lower case, without its parameters.
  package var contentType: String? {
    head.first(.contentType).map { String(text($0.value).prefix { $0 != ";" && $0 != " " }).lowercased() }
  }

  /// Whether the body is in a coding.
  package var isEncoded: Bool { head.first(.contentEncoding).map { text($0.value) != "identity" } ?? false }
}

/// An answer that is there whole.
package struct WholeAnswer {
  package var status = 200
  package var contentType: StaticString = "text/plain; charset=utf-8"
  package var body: [UInt8]

  package init(_ text: String, status: Int = 200) {
    self.status = status
    body = Array(text.utf8)
  }

  package init(json: [UInt8]) {
    contentType = "application/json"
    body = json
  }
}

/// The way back to the client of one request.
package final class Reply {
  package let answer: Answer
  package let connection: Connection
  /// The answer has no body, for the client asked for its head.
  package let isHead: Bool
  /// The client reads no chunks.
  package let isOld: Bool
  /// No request follows on the connection.
  package fileprivate(set) var closes: Bool
  /// The client has left, or takes nothing.
  package private(set) var isGone = false
  /// Only the connection's end says where the body ends.
  fileprivate private(set) var hasOpenEnd = false

  fileprivate init(
    on connection: Connection, _ answer: Answer, isHead: Bool = false, isOld: Bool = false, closes: Bool
  ) {
    self.connection = connection
    self.answer = answer
    self.isHead = isHead
    self.isOld = isOld
    self.closes = closes
  }

  /// Answers whole.
  ///
  /// - Parameter fields: appends what the head says beside the type and the length.
  package func send(_ whole: WholeAnswer, fields: (inout ByteQueue) -> Void = { _ in }) {
    answer.begin(whole.status)
    HeadWriter.field("Content-Type", whole.contentType, to: &answer.outbound)
    fields(&answer.outbound)
    end(head: .length(whole.body.count))
    if !isHead { answer.piece { $0.append(whole.body) } }
  }

  /// Ends the head that `answer.begin` has begun.
  package func end(head framing: Framing) {
    if case .untilClose = framing {
      closes = true
      hasOpenEnd = true
    }
    if closes {
      HeadWriter.field("Connection", "close", to: &answer.outbound)
    } else if isOld {
      HeadWriter.field("Connection", "keep-alive", to: &answer.outbound)
    }
    answer.end(head: framing)
  }

  /// Has no request follow.
  package func close() { closes = true }

  /// Ends the connection where the answer stands, so that it can't be taken for whole.
  package func drop() { isGone = true }

  /// Sends what there is of the answer now.
  package func flush() async {
    if isGone || answer.outbound.isEmpty { return }
    isGone = !(await connection.send(&answer.outbound))
  }

  /// Waits; the client's leaving ends it.
  package func pause(until time: Instant) async {
    while !isGone, connection.loop.now < time {
      if connection.socket.peerHasClosed { return drop() }
      _ = await connection.parker.park(until: time)
    }
  }
}

/// A port whose requests are read whole. Confined to its loop.
package final class WholePort: Handler {
  package typealias Respond = (borrowing WholeRequest, Reply) async -> Void

  private let roll: Roll
  private let times: ConnectionTimes
  private let bodyCeiling: Int
  private let stall: Interval
  private let respond: Respond
  /// Each answer is its connection's last.
  package var isEnding = false
  /// Told of handshakes that came to nothing.
  package var onFailure: (TLSFault) -> Void = { _ in }

  /// - Parameters:
  ///   - bodyCeiling: bytes of a body, decoded; a longer one is refused.
  ///   - stall: how long a client may be silent in the middle of a body.
  package init(
    _ roll: Roll, _ times: ConnectionTimes, bodyCeiling: Int, stall: Interval, _ respond: @escaping Respond
  ) {
    self.roll = roll
    self.times = times
    self.bodyCeiling = bodyCeiling
    self.stall = stall
    self.respond = respond
  }

  /// Takes over a client's connection, which is to be served.
  package func accept(_ socket: Socket) -> Connection { Connection(socket, times, self, on: roll) }

  package func failed(_ fault: TLSFault) { onFailure(fault) }

  package func serve(_ connection: Connection) async -> Bool {
    let answer = Answer(pool: connection.loop.blocks)
    let goesOn = await exchange(connection, answer)
    connection.rest()
    return goesOn
  }

  private func exchange(_ connection: Connection, _ answer: Answer) async -> Bool {
    var head = RequestHead()
    var bytes = ByteQueue()
    do throws(HeadLapse) {
      if !connection.takeHead(&head, into: &bytes) {
        guard try await connection.receiveHead(&head, into: &bytes) else { return false }
      }
    } catch {
      switch error {
      case .fault(.tlsOnPlaintext): await connection.answerTLS()
      case .fault(let fault):
        await refuse(WholeAnswer("\(fault.message)\n", status: fault.status), connection, answer)
      case .slow: break
      }
      return false
    }
    var body = ByteQueue()
    if let refusal = await receiveBody(head, into: &body, connection, answer) {
      if let refusal { await refuse(refusal, connection, answer) }
      return false
    }
    let reply = Reply(
      on: connection, answer, isHead: head.method == .head, isOld: head.minor == 0,
      closes: isEnding || !head.keepsAlive)
    await respond(
      WholeRequest(head, bytes, body, isFromLoopback: connection.socket.isFromThisMachine), reply)
    return await finish(reply, connection)
  }

  /// Sends what is left of an answer, and says whether another request may follow.
  private func finish(_ reply: Reply, _ connection: Connection) async -> Bool {
    await reply.flush()
    if reply.isGone {
      // A body that is cut must not look whole: no last chunk, no close_notify, and no end where that is all there is.
      if reply.answer.hasBegun {
        connection.socket.close(isCut: true, abruptly: reply.isOld || reply.hasOpenEnd)
      }
      return false
    }
    guard reply.closes || isEnding else { return true }
    if connection.socket.hasReadable { await connection.linger() }
    return false
  }

  private func refuse(_ refusal: WholeAnswer, _ connection: Connection, _ answer: Answer) async {
    let reply = Reply(on: connection, answer, closes: true)
    reply.send(refusal)
    await reply.flush()
    if !reply.isGone { await connection.linger() }
  }

  /// - Returns: nil where the body is read; what is said of one that isn't, nil where there is nobody to tell.
  private func receiveBody(
    _ head: borrowing RequestHead, into body: inout ByteQueue, _ connection: Connection, _ answer: Answer
  ) async -> WholeAnswer?? {
    let tooLarge = WholeAnswer("the body is larger than \(bodyCeiling) bytes\n", status: 413)
    if case .length(let count) = head.framing, count > bodyCeiling { return tooLarge }
    if head.expectsContinue {
      answer.beginInterim(100)
      answer.endInterim()
      guard await connection.send(&answer.outbound) else { return .some(nil) }
    }
    var flow = BodyFlow(head.framing)
    let end = connection.loop.now + times.body
    while true {
      do throws(BodyFault) { try flow.take(&connection.inbound, into: &body, limit: bodyCeiling) } catch {
        return WholeAnswer("\(error.message)\n", status: 400)
      }
      if body.count > bodyCeiling { return tooLarge }
      if flow.hasEnded { return nil }
      let deadline = min(connection.loop.now + stall, end)
      guard connection.loop.now < end, await connection.receive(until: deadline) == .bytes else {
        return .some(nil)
      }
    }
  }
}
