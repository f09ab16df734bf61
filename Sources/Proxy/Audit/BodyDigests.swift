// What an audit log says of the bodies that it doesn't hold: a keyed code of each, with which anyone who has the body and the key
// can show that it was this one. Taken while the bytes pass, whatever becomes of them afterwards.

internal import Config
internal import HTTP
internal import Transport
internal import Wire

/// The codes of one exchange's bodies, one for each log that wants them.
final class BodyDigests {
  /// The codes of one body.
  final class Side: BodyListener {
    fileprivate var codes: [MessageCode?] = []
    /// Nothing is said of a body that didn't come.
    fileprivate var count = 0

    func take(_ bytes: Span<UInt8>) {
      count += bytes.count
      for code in codes { code?.take(bytes) }
    }

    func restart() {
      count = 0
      for code in codes { code?.restart() }
    }

    /// Empty where there is nothing to say.
    fileprivate func finish(_ at: Int) -> String {
      count > 0 && codes.indices.contains(at) ? codes[at]?.finish() ?? "" : ""
    }
  }

  /// What the client sent.
  let request = Side()
  /// What it was sent.
  let answer = Side()

  /// - Returns: nil where no log wants them.
  init?(_ entries: [AuditBook.Entry]) {
    if !entries.contains(where: { $0.digestKey != nil }) { return nil }
    for entry in entries {
      request.codes.append(entry.digestKey.flatMap { MessageCode(key: $0.bytes) })
      answer.codes.append(entry.digestKey.flatMap { MessageCode(key: $0.bytes) })
    }
  }

  /// What the line of the log at `at` says of them, as members that follow others.
  func members(_ at: Int) -> [UInt8] {
    var out = ByteQueue()
    for (name, code) in [("body_in_hmac", request.finish(at)), ("body_out_hmac", answer.finish(at))]
    where !code.isEmpty {
      out.append(",\"\(name)\":\"\(code)\"")
    }
    return out.array()
  }
}
