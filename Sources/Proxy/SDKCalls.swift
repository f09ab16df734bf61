// What the clients' SDKs say of a call: how long they wait, and how often they have tried already.

internal import Config
internal import Dialects
internal import HTTP
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

extension Ask {
  /// When there must be an answer, by what the client says of itself; never, where it says nothing.
  ///
  /// An answer that comes after the client has given up is paid for and lost, and its SDK asks again.
  func deadline(from start: Instant) -> Instant {
    let names = head.names
    guard target.isFullService,
      names.contains(.xStainlessTimeout) || names.contains(.xRemora) || remarks.wishes?.timeout != nil
    else { return .never }
    var least = remarks.wishes?.timeout.flatMap { $0 > 0 ? $0 : nil }
    let bytes = headBytes
    for field in head.fields {
      let places: Int
      switch field.known {
      case .xStainlessTimeout: places = 3
      case .xRemora where bytes.extracting(field.name).equalsIgnoringCase("x-remora-timeout-ms"): places = 0
      default: continue
      }
      guard let value = Decimals.read(bytes.extracting(field.value), places: places), value > 0 else {
        continue
      }
      least = min(least ?? .max, value)
    }
    guard let least, least <= 86_400_000 else { return .never }
    // Before the client's own clock: 2 %, at least a quarter of a second.
    let margin = max(250, least / 50)
    return start + Duration.milliseconds(Int64(least > margin ? least - margin : least / 2))
  }

  /// Tries that were made for the same call of an SDK already.
  func priorTries(at now: Instant) -> Int {
    guard let count = retryCount, count > 0 else { return 0 }
    if isKept, let tries = lineup.snapshot.retry.failed.tries(callKey, at: now.nanoseconds) { return tries }
    // Nobody knows of tries: what was repeated may have been turned away here, before any. One is left to it.
    return min(count, lineup.snapshot.retry.rules.attempts - 1)
  }

  /// How often the client's SDK has repeated this call, as it says.
  var retryCount: Int? {
    guard let field = head.first(.xStainlessRetryCount) else { return nil }
    let count = Decimals.read(headBytes.extracting(field.value), places: 0)
    return count.flatMap { Int(exactly: $0) }.map { min($0, 100) }
  }

  /// What the same call of an SDK has in common with its repetitions.
  var callKey: UInt64 {
    FailedCalls.key(
      group: group?.index, path: headBytes.extracting(head.path), body: unsafe body.bytes.view)
  }
}
