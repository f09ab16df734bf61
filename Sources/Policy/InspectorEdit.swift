// Placeholders put in the place of values, in the body as it was written.

internal import Config
internal import Detect
internal import Dialects
internal import Wire

extension Inspector {
  /// Places in one text that are to be replaced.
  private struct Change {
    var range: Range<Int>
    /// The value's place in the vault.
    var value: Int
  }

  /// Writes the body with placeholders.
  ///
  /// - Returns: whether it differs.
  func redact(_ texts: borrowing PromptTexts, _ chain: PolicyChain, into edited: inout ByteQueue) -> Bool {
    let body = texts.bytes
    texts.find { text in
      let isNested = read(text, in: body)
      // SAFETY: both are read anew only with the next text.
      collect(isNested ? unsafe inner.text.view : unsafe outer.text.view, chain)
    }
    if fullPolicy != nil || vault.isEmpty { return false }
    var splice = JSONSplice(editCeiling: 64 * 1024)
    var isGood = true
    texts.find { text in
      let isNested = read(text, in: body)
      if !replace(text, isNested, chain, &splice) { isGood = false }
    }
    if !isGood { fullPolicy = chain.rules.first { $0.action == .redact }?.name }
    guard isGood, !splice.isEmpty else { return false }
    edited.removeAll()
    splice.apply(to: body, into: &edited)
    return true
  }

  /// Takes the values of a text in.
  private func collect(_ said: Span<UInt8>, _ chain: PolicyChain) {
    forEachChange(said, chain) { _, _ in }
  }

  /// Calls `each` with what is to be redacted in a text, in no order.
  private func forEachChange(_ said: Span<UInt8>, _ chain: PolicyChain, _ each: (Range<Int>, Int) -> Void) {
    forEachFound(said, chain) { range, entity, label, rule in
      if rule.action == .redact { take(said, range, entity, label, rule, each) }
    }
  }

  /// Calls `each` with what the policies know in a text by its form, whatever they do about it, in no order.
  func forEachFound(
    _ said: Span<UInt8>, _ chain: PolicyChain,
    _ each: (Range<Int>, Entity, _ label: Span<UInt8>, PolicyRule) -> Void
  ) {
    findings.removeAll(keepingCapacity: true)
    chain.data?.scan(said, into: &findings)
    for rule in chain.rules {
      for finding in findings where rule.takes(finding, said) {
        each(finding.range, finding.entity, finding.entity.label.bytes, rule)
      }
      rule.scanPatterns(said, patternMemory) { range, pattern in
        let label = rule.patternNames[pattern]
        each(range, .custom, label.span, rule)
      }
    }
  }

  private func take(
    _ said: Span<UInt8>, _ range: Range<Int>, _ entity: Entity, _ label: Span<UInt8>, _ rule: PolicyRule,
    _ each: (Range<Int>, Int) -> Void
  ) {
    guard
      let place = vault.place(
        of: said.extracting(range), entity, label: label, rule.hash, restores: rule.restores,
        isOwn: rule.isOwn)
    else {
      if fullPolicy == nil { fullPolicy = rule.name }
      return
    }
    each(range, place)
  }

  /// Replaces what is found in a text, and every value that was found in another one.
  private func replace(
    _ text: PromptText, _ isNested: Bool, _ chain: PolicyChain, _ splice: inout JSONSplice
  ) -> Bool {
    // SAFETY: both are read anew only with the next text.
    let said = isNested ? unsafe inner.text.view : unsafe outer.text.view
    var changes: [Change] = []
    forEachChange(said, chain) { changes.append(Change(range: $0, value: $1)) }
    vault.forEachValue { value, place in
      Self.forEachPlace(of: value, in: said) { changes.append(Change(range: $0, value: place)) }
    }
    if changes.isEmpty { return true }
    // Of what overlaps, the one that begins first and is longest counts.
    changes.sort {
      $0.range.lowerBound != $1.range.lowerBound
        ? $0.range.lowerBound < $1.range.lowerBound : $0.range.upperBound > $1.range.upperBound
    }
    var end = 0
    var quotes = QuoteWatch()
    for change in changes where change.range.lowerBound >= end {
      end = change.range.upperBound
      if !put(change, text, isNested, &quotes, &splice) { return false }
    }
    return true
  }

  private func put(
    _ change: Change, _ text: PromptText, _ isNested: Bool, _ quotes: inout QuoteWatch,
    _ splice: inout JSONSplice
  ) -> Bool {
    var name = ByteQueue()
    let outerRange = isNested ? inner.written(change.range) : change.range
    // A number among arguments becomes a string, or they would no longer be JSON.
    let isBare =
      text.kind == .number
      || text.kind == .arguments && quotes.isOutside(unsafe outer.text.view, at: outerRange.lowerBound)
    if isBare, text.kind == .arguments { name.append("\\") }
    if isBare { name.append("\"") }
    vault.writeName(change.value, into: &name)
    if isBare, text.kind == .arguments { name.append("\\") }
    if isBare { name.append("\"") }
    if text.kind == .number, change.range.count != text.range.count { return true }
    let written = outer.written(outerRange)
    let range = text.range.lowerBound + written.lowerBound..<text.range.lowerBound + written.upperBound
    do throws(JSONSpliceFault) { try splice.replace(range, with: name.bytes) } catch { return false }
    return true
  }

  /// Calls `each` for every place at which `value` stands by itself.
  private static func forEachPlace(of value: Span<UInt8>, in text: Span<UInt8>, _ each: (Range<Int>) -> Void)
  {
    var from = 0
    while let at = text.place(of: value, from: from) {
      from = at + 1
      guard !WordBorders.isInside(text, at), !WordBorders.isInside(text, at + value.count) else { continue }
      each(at..<at + value.count)
      from = at + value.count
    }
  }
}

/// Follows the strings of a JSON text from left to right.
struct QuoteWatch {
  private var at = 0
  private var isInString = false

  init(at: Int = 0, isInString: Bool = false) {
    self.at = at
    self.isInString = isInString
  }

  /// Whether `place`, which isn't before an earlier one, is outside every string.
  mutating func isOutside(_ text: Span<UInt8>, at place: Int) -> Bool {
    while at < min(place, text.count) {
      switch text[at] {
      case ASCII.backslash where isInString: at += 1
      case ASCII.quote: isInString.toggle()
      default: break
      }
      at += 1
    }
    return !isInString
  }
}
