// What a request says of itself on its way to the log, the audit and traces: they don't get what policies find, either.

internal import Config
internal import Detect
internal import Wire

extension Inspector {
  /// `text` as it may be written down: with its placeholder for what is redacted, and with what it is, in brackets, for
  /// what else is found. The request was looked at before.
  ///
  /// - Returns: nil where nothing is found.
  package func cover(_ text: [UInt8], _ chain: PolicyChain) -> [UInt8]? {
    var found: [(range: Range<Int>, shown: [UInt8])] = []
    let bytes = text.span
    forEachFound(bytes, chain) { range, entity, label, rule in
      found.append((range, shown(bytes, range, entity, label, rule)))
    }
    for secret in chain.secrets {
      var from = 0
      while let place = bytes.place(of: secret.bytes, from: from) {
        from = place + secret.bytes.count
        found.append((place..<from, Array("[SECRET]".utf8)))
      }
    }
    if found.isEmpty { return nil }
    found.sort { ($0.range.lowerBound, $1.range.upperBound) < ($1.range.lowerBound, $0.range.upperBound) }
    var covered: [UInt8] = []
    var end = 0
    for each in found where each.range.lowerBound >= end {
      covered += text[end..<each.range.lowerBound] + each.shown
      end = each.range.upperBound
    }
    return covered + text[end...]
  }

  private func shown(
    _ text: Span<UInt8>, _ range: Range<Int>, _ entity: Entity, _ label: Span<UInt8>, _ rule: PolicyRule
  ) -> [UInt8] {
    if rule.action == .redact,
      let place = vault.place(
        of: text.extracting(range), entity, label: label, rule.hash, restores: rule.restores,
        isOwn: rule.isOwn)
    {
      var name = ByteQueue()
      vault.writeName(place, into: &name)
      return name.bytes.array()
    }
    return [UInt8(ascii: "[")] + label.array() + [UInt8(ascii: "]")]
  }
}
