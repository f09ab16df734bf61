// Secrets in a provider's answers. Some providers repeat what they were shown, in an error's body or in any answer's head:
// the client, which never had the secret, must not get it this way either.

internal import Config
internal import Dialects
internal import HTTP
internal import Transport
internal import Wire

extension Attempt {
  /// Takes a secret's place.
  private static let mask: StaticString = "[redacted]"
  /// A shorter text is found in any other.
  private static let shortest = 8

  /// Replaces each secret in `text` that went out with this try.
  func mask(_ text: inout ByteQueue) {
    guard showsSecret(text.bytes) else { return }
    noteEcho()
    text.holdsSecret()
    var masked = ByteQueue(pool: loop.blocks)
    writeMasked(text.bytes, into: &masked)
    swap(&text, &masked)
  }

  /// Replaces each secret in what stands behind the first `start` bytes of `text`, which tells of a failure.
  @inline(never)
  func mask(_ text: inout ByteQueue, from start: Int) {
    guard start < text.count, showsSecret(text.bytes.extracting(start..<text.count)) else { return }
    noteEcho()
    text.holdsSecret()
    var masked = ByteQueue(pool: loop.blocks)
    writeMasked(text.bytes.extracting(start..<text.count), into: &masked)
    text.truncate(to: start)
    text.append(masked.bytes)
  }

  /// Appends `field` without the secrets in its value.
  func writeMasked(_ field: Field, _ bytes: Span<UInt8>) {
    noteEcho()
    answer.outbound.append(bytes.extracting(field.name))
    answer.outbound.append(": ")
    writeMasked(bytes.extracting(field.value), into: &answer.outbound)
    answer.outbound.append("\r\n")
  }

  /// Has what comes of an error overwritten behind it, whatever it is: when it is known, some of it has gone.
  func holdsError() {
    call.holdsSecret()
    errorText.holdsSecret()
  }

  /// Sees to it that nothing is left of an error that repeats a secret, whether the client gets it or another target is
  /// asked.
  func wipeEcho() {
    guard showsSecret(errorText.bytes) else { return }
    errorText.holdsSecret()
    noteEcho()
  }

  /// What the answer came through is overwritten when the exchange is over, and its memory isn't used again before.
  private func noteEcho() {
    ask.hasEcho = true
    call.holdsSecret()
    passage.held.holdsSecret()
  }

  /// Whether `text` holds a secret that went out.
  func showsSecret(_ text: Span<UInt8>) -> Bool {
    for place in 0..<secretCount where secret(place).map({ Self.find($0, in: text, from: 0) != nil }) == true
    {
      return true
    }
    return false
  }

  /// Whether a head holds a secret that went out.
  func showsSecret(head: Span<UInt8>) -> Bool {
    if upstream.credentials.hidesOnlyKey, tried.shown.keys == nil, tried.shown.grant == nil {
      guard let key = upstream.credentials.key, key.bytes.count >= Self.shortest else { return false }
      return head.place(of: key.bytes) != nil
    }
    for place in 0..<secretCount {
      guard let secret = secret(place), secret.bytes.count >= Self.shortest else { continue }
      if head.place(of: secret.bytes) != nil { return true }
    }
    return false
  }

  private func writeMasked(_ text: Span<UInt8>, into out: inout ByteQueue) {
    // Where each is found next, so that the text is searched once for each, however often one of them stands in it.
    var next: [Range<Int>?] = []
    for place in 0..<secretCount {
      if let secret = secret(place) {
        next.append(Self.find(secret, in: text, from: 0))
      } else {
        next.append(nil)
      }
    }
    var from = 0
    while true {
      var nearest: Range<Int>?
      for place in 0..<next.count {
        if let found = next[place], found.lowerBound < from, let secret = secret(place) {
          next[place] = Self.find(secret, in: text, from: from)
        }
        guard let found = next[place] else { continue }
        if nearest.map({ found.lowerBound < $0.lowerBound }) != false { nearest = found }
      }
      guard let nearest else { break }
      out.append(text.extracting(from..<nearest.lowerBound))
      out.append(Self.mask)
      from = nearest.upperBound
    }
    out.append(text.extracting(from..<text.count))
  }

  // MARK: The secrets

  private var secretCount: Int { upstream.credentials.headers.count + 2 }

  /// A secret that went out; nil where there is none at this place.
  private func secret(_ place: Int) -> Secret? {
    switch place {
    case 0:
      return upstream.credentials.key.map { tried.shown.keys?.credential ?? $0 }
    case 1:
      switch tried.shown.grant?.proof {
      case .bearer(let token): return token
      case .keys(let keys): return keys.sessionToken
      case nil: return nil
      }
    default: return tried.shown.keys?.headers[place - 2] ?? upstream.credentials.headers[place - 2].secret
    }
  }

  /// Where `secret` stands in `text`: as it is, or with some of its bytes escaped as writers of JSON and of addresses do.
  private static func find(_ secret: Secret, in text: Span<UInt8>, from: Int) -> Range<Int>? {
    let wanted = secret.bytes
    guard wanted.count >= shortest, text.count >= wanted.count else { return nil }
    for start in from..<text.count {
      switch text[start] {
      case wanted[0], UInt8(ascii: "\\"), UInt8(ascii: "%"): break
      default: continue
      }
      var at = start
      var matched = 0
      while matched < wanted.count, let next = text.behind(wanted[matched], at: at) {
        matched += 1
        at = next
      }
      if matched == wanted.count { return start..<at }
    }
    return nil
  }
}

extension Span<UInt8> {
  /// Backslashes before one escape: JSON in a text of JSON has two, and once more of that four.
  private static var mostBackslashes: Int { 8 }

  /// Where what follows `byte` begins, if that stands at `at`: as it is, or as `\u002B`, `\/` or `%2B`.
  fileprivate func behind(_ byte: UInt8, at: Int) -> Int? {
    guard at < count else { return nil }
    if self[at] == byte { return at + 1 }
    if self[at] == UInt8(ascii: "%") { return isHexadecimal(byte, at: at + 1) ? at + 3 : nil }
    var end = at
    while end < count, end - at < Self.mostBackslashes, self[end] == UInt8(ascii: "\\") { end += 1 }
    guard end > at, end < count else { return nil }
    if self[end] == byte { return end + 1 }
    guard self[end] == UInt8(ascii: "u"), isHexadecimal(0, at: end + 1), isHexadecimal(byte, at: end + 3)
    else {
      return nil
    }
    return end + 5
  }

  /// Whether two digits at `at` say `byte`.
  private func isHexadecimal(_ byte: UInt8, at: Int) -> Bool {
    guard at + 2 <= count, let high = ASCII.hexadecimal(self[at]), let low = ASCII.hexadecimal(self[at + 1])
    else { return false }
    return high << 4 | low == byte
  }
}
