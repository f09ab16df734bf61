// Which format a scraper wants (RFC 9110 section 12.5.1), out of the two there are.

import Wire

extension Exposition {
  /// The format that `accept` likes better; the text format where it likes both or neither, since a scraper
  /// can do more with an answer than with a 406.
  ///
  /// - Parameter accept: the field's value, several lines joined by commas; empty where there was none.
  package static func negotiate(accept: Span<UInt8>) -> Format {
    var text = Preference()
    var openMetrics = Preference()
    var order = 0
    var at = 0
    while at < accept.count {
      let end = partEnd(of: accept, from: at, separator: ASCII.comma)
      let range = MediaRange(accept.extracting(at..<end))
      if let specificity = range.specificityForText {
        text.consider(range.quality, specificity, order)
      }
      if let specificity = range.specificityForOpenMetrics {
        openMetrics.consider(range.quality, specificity, order)
      }
      order += 1
      at = end + 1
    }
    guard openMetrics.quality > 0 else { return .prometheusText }
    if openMetrics.quality != text.quality {
      return openMetrics.quality > text.quality ? .openMetrics : .prometheusText
    }
    if openMetrics.specificity != text.specificity {
      return openMetrics.specificity > text.specificity ? .openMetrics : .prometheusText
    }
    return openMetrics.order < text.order ? .openMetrics : .prometheusText
  }

  /// Where the part that begins at `start` ends: at the separator outside quotes, or at the end.
  fileprivate static func partEnd(of bytes: Span<UInt8>, from start: Int, separator: UInt8) -> Int {
    var at = start
    var isQuoted = false
    while at < bytes.count {
      let byte = bytes[at]
      if byte == ASCII.quote { isQuoted.toggle() }
      if isQuoted, byte == ASCII.backslash { at += 1 } else if !isQuoted, byte == separator { break }
      at += 1
    }
    return min(at, bytes.count)
  }
}

/// The most specific range that matched a format, and how good it was.
private struct Preference {
  /// Thousandths; a format that no range matches is not acceptable.
  var quality = 0
  var specificity = 0
  var order = 0

  mutating func consider(_ quality: Int, _ specificity: Int, _ order: Int) {
    guard specificity > self.specificity || (specificity == self.specificity && quality > self.quality)
    else { return }
    self.quality = quality
    self.specificity = specificity
    self.order = order
  }
}

/// One member of an Accept list.
private struct MediaRange {
  private enum Kind { case openMetrics, application, plain, text, any, foreign }
  private var kind: Kind
  private var isOldText = true
  private var isOpenMetrics1 = true
  /// Thousandths.
  private(set) var quality = 1000

  init(_ bytes: Span<UInt8>) {
    let typeEnd = Exposition.partEnd(of: bytes, from: 0, separator: UInt8(ascii: ";"))
    let type = trimmed(bytes.extracting(0..<typeEnd))
    if type.equalsIgnoringCase("application/openmetrics-text") {
      kind = .openMetrics
    } else if type.equalsIgnoringCase("application/*") {
      kind = .application
    } else if type.equalsIgnoringCase("text/plain") {
      kind = .plain
    } else if type.equalsIgnoringCase("text/*") {
      kind = .text
    } else if type.equals("*/*") {
      kind = .any
    } else {
      kind = .foreign
    }
    var at = typeEnd + 1
    while at < bytes.count {
      let end = Exposition.partEnd(of: bytes, from: at, separator: UInt8(ascii: ";"))
      take(parameter: bytes.extracting(at..<end))
      at = end + 1
    }
  }

  /// 3 for the type itself, 2 for its family, 1 for anything; nil where the range doesn't hold the text format.
  var specificityForText: Int? {
    switch kind {
    case .plain: isOldText ? 3 : nil
    case .text: 2
    case .any: 1
    case .openMetrics, .application, .foreign: nil
    }
  }

  /// The same for OpenMetrics 1.0.
  var specificityForOpenMetrics: Int? {
    switch kind {
    case .openMetrics: isOpenMetrics1 ? 3 : nil
    case .application: 2
    case .any: 1
    case .plain, .text, .foreign: nil
    }
  }

  private mutating func take(parameter: Span<UInt8>) {
    let nameEnd = Exposition.partEnd(of: parameter, from: 0, separator: UInt8(ascii: "="))
    guard nameEnd < parameter.count else { return }
    let name = trimmed(parameter.extracting(0..<nameEnd))
    var value = trimmed(parameter.extracting((nameEnd + 1)..<parameter.count))
    if value.count >= 2, value[0] == ASCII.quote, value[value.count - 1] == ASCII.quote {
      value = value.extracting(1..<(value.count - 1))
    }
    if name.equalsIgnoringCase("q") {
      quality = thousandths(value)
    } else if name.equalsIgnoringCase("version") {
      isOldText = value.equals("0.0.4")
      isOpenMetrics1 = value.equals("1.0.0")
    }
  }
}

/// A quality value in thousandths (RFC 9110 section 12.4.2); 0 for what isn't one.
private func thousandths(_ value: Span<UInt8>) -> Int {
  guard value.count >= 1, value.count <= 5, value[0] == 0x30 || value[0] == 0x31 else { return 0 }
  var total = Int(value[0] - 0x30) * 1000
  if value.count > 1 {
    guard value[1] == UInt8(ascii: ".") else { return 0 }
    var scale = 100
    for at in 2..<max(value.count, 2) {
      guard ASCII.isDigit(value[at]) else { return 0 }
      total += Int(value[at] - 0x30) * scale
      scale /= 10
    }
  }
  return total <= 1000 ? total : 0
}

/// Without blanks and tabs at both ends.
@_lifetime(copy bytes)
private func trimmed(_ bytes: Span<UInt8>) -> Span<UInt8> {
  var start = 0
  var end = bytes.count
  while start < end, bytes[start] == ASCII.space || bytes[start] == ASCII.tab { start += 1 }
  while end > start, bytes[end - 1] == ASCII.space || bytes[end - 1] == ASCII.tab { end -= 1 }
  return bytes.extracting(start..<end)
}
