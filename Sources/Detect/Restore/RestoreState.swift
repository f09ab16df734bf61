// Puts values back where their placeholders stand in a text that comes in pieces, cut anywhere.
//
// What may be the beginning of a placeholder is held until it is one or isn't, and a whole one until what follows it is
// known: at most thirty-two bytes. The text that comes out is the same however the pieces were cut.

package import Wire

/// How the values go into a text.
package enum RestoreForm: Sendable {
  /// As they are.
  case text
  /// Into strings of JSON, which the text is itself: escaped.
  case arguments
}

/// One text under way.
package struct RestoreState: Sendable {
  private var held = InlineArray<32, UInt8>(repeating: 0)
  private(set) package var heldCount = 0
  /// How much of a name what is held comes to.
  private var matched = 0
  /// The entries, in order, whose names begin so.
  private var low = 0
  private var high = 0
  /// The entry whose whole name is held; -1: none.
  private var whole = -1
  /// A backslash was held for Markdown's `\_`.
  private var hasBackslash = false
  /// A letter, a digit or `_` came before what comes next.
  private var isInWord = false

  package init() {}

  package var isHolding: Bool { heldCount > 0 }

  /// Takes the next piece where it goes on as it is, because nothing of it can belong to a placeholder.
  ///
  /// - Returns: false where it may, and nothing was taken.
  package mutating func lets(_ piece: Span<UInt8>, _ vault: Vault) -> Bool {
    if heldCount > 0 { return false }
    let old = isInWord
    let firsts = vault.firsts
    for at in piece.indices {
      if begins(piece[at], firsts) {
        isInWord = old
        return false
      }
      pass(piece[at])
    }
    return true
  }

  /// Takes the next piece, and appends what is decided to `out`.
  ///
  /// - Returns: whether what came out isn't simply the piece.
  package mutating func feed(
    _ piece: Span<UInt8>, _ vault: Vault, _ form: RestoreForm, into out: inout ByteQueue
  ) -> Bool {
    let restored = vault.restored
    let held = heldCount
    var at = 0
    while at < piece.count {
      if heldCount == 0 {
        let start = at
        while at < piece.count, !begins(piece[at], vault.firsts) {
          pass(piece[at])
          at &+= 1
        }
        if at > start { out.append(piece.extracting(start..<at)) }
        if at == piece.count { break }
      }
      take(piece[at], vault, form, into: &out)
      at &+= 1
    }
    return held > 0 || heldCount > 0 || vault.restored != restored
  }

  /// Ends the text: what is held can't go on.
  package mutating func close(_ vault: Vault, _ form: RestoreForm, into out: inout ByteQueue) {
    if heldCount > 0, whole >= 0 {
      restore(vault, form, into: &out)
    } else {
      for at in 0..<heldCount { out.append(held[at]) }
    }
    self = RestoreState()
  }

  @inline(__always)
  private func begins(_ byte: UInt8, _ firsts: UInt32) -> Bool {
    !isInWord && Letters.isLetter(byte) && firsts &>> UInt32(byte & 0x1F) & 1 == 1
  }

  @inline(__always)
  private mutating func pass(_ byte: UInt8) {
    if byte < 0x80 {
      isInWord = Letters.isAlnum(byte) || byte == 0x5F
    } else if byte >= 0xC0 {
      isInWord = byte >= 0xC3 && byte <= 0xDF
    }
  }

  /// Takes a byte while something is held, or with which something may begin.
  private mutating func take(
    _ byte: UInt8, _ vault: Vault, _ form: RestoreForm, into out: inout ByteQueue
  ) {
    if heldCount == 0 {
      guard begins(byte, vault.firsts) else {
        pass(byte)
        return out.append(byte)
      }
      (low, high, matched, whole, hasBackslash) = (0, vault.order.count, 0, -1, false)
    }
    if advance(byte, vault) { return }
    if whole >= 0, !Letters.isAlnum(byte), byte != 0x5F, !(byte >= 0xC3 && byte <= 0xDF) {
      restore(vault, form, into: &out)
      heldCount = 0
      whole = -1
      // What follows a value follows its placeholder.
      isInWord = true
      return take(byte, vault, form, into: &out)
    }
    refuse(byte, vault, form, into: &out)
  }

  /// Narrows what the held bytes can be by one more.
  private mutating func advance(_ byte: UInt8, _ vault: Vault) -> Bool {
    guard heldCount < 32 else { return false }
    let expectsMark = low < high && vault.letter(low, matched) == 0x5F && isLabelEnd(vault)
    if expectsMark, byte == ASCII.backslash, !hasBackslash {
      hasBackslash = true
    } else {
      var letter = Letters.isLetter(byte) ? byte & 0xDF : byte
      if hasBackslash, byte != 0x5F { return false }
      if expectsMark, byte == UInt8(ascii: "-") || byte == ASCII.space { letter = 0x5F }
      var first = low
      while first < high, vault.letter(first, matched) < letter { first &+= 1 }
      var last = first
      while last < high, vault.letter(last, matched) == letter { last &+= 1 }
      if first == last { return false }
      (low, high) = (first, last)
      matched &+= 1
      hasBackslash = false
      whole = vault.letter(low, matched) == 0 ? vault.order[low] : -1
    }
    held[heldCount] = byte
    heldCount &+= 1
    return true
  }

  /// Whether the next letter of the names is the mark between type and code: the last underscore.
  private func isLabelEnd(_ vault: Vault) -> Bool {
    var at = matched + 1
    while true {
      let letter = vault.letter(low, at)
      if letter == 0 { return true }
      if letter == 0x5F { return false }
      at += 1
    }
  }

  private mutating func restore(_ vault: Vault, _ form: RestoreForm, into out: inout ByteQueue) {
    guard vault.restores(whole) else {
      for at in 0..<heldCount { out.append(held[at]) }
      return
    }
    vault.restored += 1
    switch form {
    case .text: vault.writeValue(whole, into: &out)
    case .arguments:
      var value = ByteQueue()
      vault.writeValue(whole, into: &value)
      JSONWriter.escaped(value.bytes, into: &out)
    }
  }

  /// What is held is no placeholder: its first byte goes, and what follows it may begin one.
  private mutating func refuse(
    _ byte: UInt8, _ vault: Vault, _ form: RestoreForm, into out: inout ByteQueue
  ) {
    let old = held
    let count = heldCount
    if matched > 0, vault.letter(low, matched - 1) == 0x5F || count > 8 { vault.unknown += 1 }
    heldCount = 0
    whole = -1
    out.append(old[0])
    pass(old[0])
    for at in 1..<max(count, 1) { take(old[at], vault, form, into: &out) }
    take(byte, vault, form, into: &out)
  }
}
