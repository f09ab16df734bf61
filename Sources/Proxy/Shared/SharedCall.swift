// One question to the Redis that counts the limits of groups. Next: SharedLimits.swift, which asks it.

internal import Policy
internal import Transport
internal import Wire

/// One question, and what became of it. Confined to its worker's loop.
final class SharedCall {
  enum Outcome {
    /// Not sent, or sent and not answered.
    case open
    case answered(SharedAnswer)
    /// It is known that nothing was counted.
    case uncounted
    /// It was sent, and whether it was counted will never be known.
    case unknown
  }

  let group: String
  let quota: SharedQuota
  let need: Need?
  let epoch: UInt32
  let began: Instant
  var outcome = Outcome.open
  /// Where the request waits that asked; nil once it doesn't.
  var parker: Parker?
  /// What went along with it, while it may have to be told again.
  var settlement = SharedSettlement()
  var isJudged = false
  var isRepeated = false
  /// What the request has taken, where it was over before there was an answer.
  var taken: Taken?

  init(
    _ group: String, _ quota: SharedQuota, _ need: Need?, epoch: UInt32, at now: Instant, parker: Parker?
  ) {
    self.group = group
    self.quota = quota
    self.need = need
    self.epoch = epoch
    self.parker = parker
    began = now
  }

  var isOpen: Bool { if case .open = outcome { true } else { false } }
}

/// The script's SHA-1, by which Redis knows it again.
enum SharedDigest {
  static let script: [UInt8] = {
    var text = ByteQueue()
    text.append(SharedScript.text)
    return Array(Digest.sha1(text.bytes).utf8)
  }()
}
