// A request's way to limits that are counted elsewhere: it is asked once, before anything is sent, and waits for at most
// 50 ms; where there is no answer by then, the pod keeps to its part of the limits.

internal import Config
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What becomes of a request there.
enum SharedState {
  /// It isn't counted there.
  case none
  /// It is to be asked about.
  case wanted
  case asked(SharedCall)
  /// It was let through by this pod's part, without a question.
  case away
}

extension Exchange {
  /// Asks whether the group may make the request.
  @inline(never)
  func askShared(_ shared: SharedLimits, _ connection: ClientConnection) async throws(Refusal) {
    guard let meters = lineup.meters, let group = ask.group, let quota = meters.quota(group) else { return }
    let need = record.bill.need
    guard let call = shared.ask(group.name, quota, need, connection.parker) else {
      record.bill.shared = .away
      return try promise(need, meters, part: shared.book.part)
    }
    record.bill.shared = .asked(call)
    let deadline = Instant.now + SharedLimits.patience
    while call.isOpen {
      let wake = await connection.parker.park(until: deadline)
      if connection.socket.hasFailed || (wake == .deadline && now >= deadline) { break }
    }
    shared.leave(call, isLate: now >= deadline)
    guard case .answered(let answer) = call.outcome else {
      return try promise(need, meters, part: shared.book.part)
    }
    var standing = record.bill.standing ?? Standing()
    answer.add(to: &standing, quota)
    record.bill.standing = standing
    guard let shortage = answer.shortage(quota) else { return }
    permit = nil
    record.bill.shared = .none
    state.shard.limited(LimitScope(shortage.scope), by: LimitKind(shortage.limit))
    throw Refusal(shortage, group: group.name)
  }

  /// Books there what the request has taken, once.
  func settleShared(_ taken: Taken) {
    guard let meters = lineup.meters, let shared = meters.shared, let group = ask.group else { return }
    let state = record.bill.shared
    record.bill.shared = .none
    switch state {
    case .none, .wanted: return
    case .asked(let call): shared.settle(call, taken)
    case .away:
      if let quota = meters.quota(group) { shared.book(taken, quota, of: group.name) }
    }
  }
}
