// Policies at work on what the model itself says: data and credentials of its own, and images whose address carries
// something out. What the client has sent, and gets back, isn't there yet.

internal import Config
internal import Detect
package import Dialects
package import Wire

/// Looks at the answers of one request.
package final class AnswerInspector: AnswerWatch {
  private let inspector: Inspector
  private var chain: PolicyChain?
  private var findings: [Finding] = []
  private var changes: [Change] = []
  /// The policy that has said no.
  package private(set) var blocking: String?
  package private(set) var awaits = AwaitedText()
  package private(set) var redacts = false
  package var counts = true
  /// The texts' bytes that were looked at.
  package private(set) var scanned = 0
  /// Something couldn't be looked at.
  package private(set) var isIncomplete = false

  /// What comes in the place of something.
  private struct Change {
    var range: Range<Int>
    var rule: Int
    var kind: Kind

    enum Kind {
      case value(Entity)
      case pattern(Int)
      case image
    }
  }

  package init(_ inspector: Inspector) { self.inspector = inspector }

  /// Begins an answer.
  ///
  /// - Returns: false where nothing looks at it.
  package func begin(_ chain: PolicyChain) -> Bool {
    forget()
    guard chain.answers != nil else { return false }
    self.chain = chain
    for rule in chain.rules where rule.answers != .pass {
      if rule.kind == .promptInjection {
        awaits.images = true
        continue
      }
      let hasSecrets = rule.entities.contains(.secret)
      awaits.word = max(awaits.word, hasSecrets ? AwaitedText.secret : AwaitedText.personal)
      awaits.keys = awaits.keys || hasSecrets
      redacts = redacts || rule.answers == .redact
    }
    return true
  }

  package func forget() {
    chain = nil
    blocking = nil
    awaits = AwaitedText()
    redacts = false
    counts = true
    scanned = 0
    isIncomplete = false
  }

  /// A policy that changes or refuses answers must have seen all of them; one that reports needs not, unless it says so.
  package func giveUp() -> Bool {
    isIncomplete = true
    guard blocking == nil else { return true }
    blocking =
      chain?.rules.first { rule in
        switch rule.answers {
        case .pass: false
        case .report: rule.refusesUnscanned
        case .redact, .strip, .block: true
        }
      }?.name
    return blocking != nil
  }

  package func look(
    at text: Span<UInt8>, from: Int, isArguments: Bool, isInString: Bool, into out: inout ByteQueue
  ) -> AnswerVerdict {
    guard let chain else {
      out.append(text.extracting(from..<text.count))
      return .clean
    }
    scanned += text.count - from
    changes.removeAll(keepingCapacity: true)
    find(text, from, chain, isArguments)
    if blocking != nil { return .blocked }
    if changes.isEmpty {
      out.append(text.extracting(from..<text.count))
      return .clean
    }
    changes.sort {
      $0.range.lowerBound != $1.range.lowerBound
        ? $0.range.lowerBound < $1.range.lowerBound : $0.range.upperBound > $1.range.upperBound
    }
    write(text, from, chain, isArguments, isInString, into: &out)
    return .changed
  }

  /// Notes what is found, and what is to be changed.
  private func find(_ text: Span<UInt8>, _ from: Int, _ chain: PolicyChain, _ isArguments: Bool) {
    findings.removeAll(keepingCapacity: true)
    chain.answers?.scan(text, into: &findings)
    for at in chain.rules.indices {
      let rule = chain.rules[at]
      if rule.answers == .pass { continue }
      // Of what is longer than what waits, the rest is taken.
      for finding in findings
      where finding.range.upperBound > from && rule.takes(finding, text, side: .answer) {
        note(
          at, rule, Inspector.name(of: finding),
          max(finding.range.lowerBound, from)..<finding.range.upperBound,
          .value(finding.entity))
      }
      rule.scanPatterns(text, inspector.patternMemory) { range, pattern in
        if range.lowerBound >= from { note(at, rule, rule.patternName(pattern), range, .pattern(pattern)) }
      }
      if rule.kind == .promptInjection, !isArguments {
        MarkdownImage.find(text, from: from, rule.imageHosts) { note(at, rule, "answer.image", $0, .image) }
      }
    }
  }

  private func note(
    _ at: Int, _ rule: PolicyRule, _ name: String, _ range: Range<Int>, _ kind: Change.Kind
  ) {
    if counts { inspector.noteAnswer(at, name) }
    switch rule.answers {
    case .pass, .report: break
    case .redact, .strip: changes.append(Change(range: range, rule: at, kind: kind))
    case .block: if blocking == nil { blocking = rule.name }
    }
  }

  private func write(
    _ text: Span<UInt8>, _ from: Int, _ chain: PolicyChain, _ isArguments: Bool, _ isInString: Bool,
    into out: inout ByteQueue
  ) {
    var done = from
    var quotes = QuoteWatch(at: from, isInString: isInString)
    for change in changes where change.range.lowerBound >= done {
      out.append(text.extracting(done..<change.range.lowerBound))
      done = change.range.upperBound
      // A number among arguments becomes a string, or they would no longer be JSON.
      let isBare = isArguments && quotes.isOutside(text, at: change.range.lowerBound)
      if isBare { out.append("\"") }
      let rule = chain.rules[change.rule]
      let value = text.extracting(change.range)
      switch change.kind {
      case .value(let entity):
        inspector.vault.writeName(
          of: value, entity, label: entity.label.bytes, rule.hash, isOwn: rule.isOwn, into: &out)
      case .pattern(let pattern):
        let label = rule.patternNames[pattern]
        inspector.vault.writeName(
          of: value, .custom, label: label.span, rule.hash, isOwn: rule.isOwn, into: &out)
      // A link instead: it is there to be looked at, and loads nothing by itself.
      case .image: out.append(value.extracting(1..<value.count))
      }
      if isBare { out.append("\"") }
    }
    out.append(text.extracting(done..<text.count))
  }
}

/// Markdown's images whose address may carry something out: what shows a text as Markdown loads them at once.
enum MarkdownImage {
  /// Bytes of a query that can hardly be anything else than a picture's size.
  private static let harmless = 12
  private static let ceiling = 512

  /// Calls `each` for each image in `text` from `from` on whose address has a long query at a host that isn't known.
  static func find(_ text: Span<UInt8>, from: Int, _ hosts: [Glob], _ each: (Range<Int>) -> Void) {
    var at = from
    while at + 4 < text.count {
      guard text[at] == UInt8(ascii: "!"), text[at + 1] == UInt8(ascii: "["), let end = end(text, at) else {
        at += 1
        continue
      }
      if let address = address(text, at..<end), carriesOut(text.extracting(address), hosts) { each(at..<end) }
      at = end
    }
  }

  /// Behind the parenthesis that ends the image at `start`.
  private static func end(_ text: Span<UInt8>, _ start: Int) -> Int? {
    let limit = min(start + ceiling, text.count)
    for at in start + 2..<limit where text[at] == UInt8(ascii: ")") { return at + 1 }
    // One that long has no harmless address.
    return text.count - start >= ceiling ? limit : nil
  }

  private static func address(_ text: Span<UInt8>, _ image: Range<Int>) -> Range<Int>? {
    var at = image.lowerBound + 2
    while at + 1 < image.upperBound, !(text[at] == UInt8(ascii: "]") && text[at + 1] == UInt8(ascii: "(")) {
      at += 1
    }
    guard at + 2 < image.upperBound else { return nil }
    var start = at + 2
    while start < image.upperBound, text[start] <= ASCII.space || text[start] == UInt8(ascii: "<") {
      start += 1
    }
    var end = start
    while end < image.upperBound, text[end] > ASCII.space, text[end] != UInt8(ascii: ")"),
      text[end] != UInt8(ascii: ">")
    { end += 1 }
    return start < end ? start..<end : nil
  }

  private static func carriesOut(_ address: Span<UInt8>, _ hosts: [Glob]) -> Bool {
    var at = 0
    while at + 1 < address.count, !(address[at] == UInt8(ascii: "/") && address[at + 1] == UInt8(ascii: "/"))
    {
      at += 1
    }
    // Without a host it is the page's own.
    guard at + 2 < address.count, at <= 6 else { return false }
    let start = at + 2
    var end = start
    while end < address.count, !"/?#:".utf8.contains(address[end]) { end += 1 }
    var query = end
    while query < address.count, address[query] != UInt8(ascii: "?") { query += 1 }
    guard address.count - query > harmless else { return false }
    var host: [UInt8] = []
    for place in start..<end { host.append(ASCII.lower(address[place])) }
    return !hosts.contains { $0.matches(host.span) }
  }
}
