// Other spellings of the paths that Remora serves itself. A lenient server reads `/v1//chat/completions` as the path
// without the second slash; passed through, such a request would reach the model past metering, limits and policies.

internal import Wire

/// Knows other spellings of served paths.
enum Spelling {
  /// What is served here, behind `/v1`.
  private static let served: [StaticString] = [
    "/chat/completions", "/completions", "/embeddings", "/responses", "/messages", "/messages/count_tokens",
    "/responses/input_tokens", "/models",
  ]

  /// The served path that some server may take `path` for; nil where that is its own spelling, and for all others.
  ///
  /// - Parameter path: as it came, without its query. The head's parser has refused dot segments and malformed escapes.
  static func served(meantBy path: Span<UInt8>) -> StaticString? {
    let plain = plain(path)
    for own in served where plain.span.equals(own) {
      return path.equals(own) || isBehindV1(path, own) ? nil : own
    }
    return nil
  }

  private static func isBehindV1(_ path: Span<UInt8>, _ own: StaticString) -> Bool {
    path.count == own.utf8CodeUnitCount + 3 && path.extracting(0..<3).equals("/v1")
      && path.extracting(3..<path.count).equals(own)
  }

  /// `path` as the most lenient of servers reads it, without any `/v1` before it: escapes undone, also those of escapes;
  /// slashes of both kinds as one; parameters (`;a=b`), blanks, a dot at a segment's end, and what an escaped `?` or `#`
  /// begins left out; `.` and `..` followed; all in lower case.
  private static func plain(_ path: Span<UInt8>) -> [UInt8] {
    var text = path.array()
    // Each pass that finds an escape makes the text shorter; a proxy before a server makes for two.
    for _ in 0..<4 where text.contains(UInt8(ascii: "%")) { text = unescaped(text) }
    var result: [UInt8] = []
    for segment in text.prefix(while: { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
      .split(whereSeparator: { $0 == UInt8(ascii: "/") || $0 == ASCII.backslash })
    {
      var kept: [UInt8] = []
      for byte in segment.prefix(while: { $0 != UInt8(ascii: ";") }) where byte > ASCII.space && byte != 0x7F
      {
        kept.append(ASCII.lower(byte))
      }
      if kept.elementsEqual("..".utf8) {
        while let last = result.popLast(), last != UInt8(ascii: "/") {}
        continue
      }
      while kept.last == UInt8(ascii: ".") { kept.removeLast() }
      if kept.isEmpty || (result.isEmpty && kept.elementsEqual("v1".utf8)) { continue }
      result.append(UInt8(ascii: "/"))
      result += kept
    }
    return result
  }

  private static func unescaped(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var at = 0
    while at < text.count {
      if text[at] == UInt8(ascii: "%"), at + 2 < text.count, let high = ASCII.hexadecimal(text[at + 1]),
        let low = ASCII.hexadecimal(text[at + 2])
      {
        result.append(high << 4 | low)
        at += 3
      } else {
        result.append(text[at])
        at += 1
      }
    }
    return result
  }
}
