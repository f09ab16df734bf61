// Why a text was refused: a place, and what to write instead.

/// The first thing in a text that the reader refuses.
package struct YAMLFault: Error, Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    // Ceilings and bytes.
    case tooLarge(ceiling: Int)
    case tooDeep(ceiling: Int)
    case keyTooLong(ceiling: Int)
    case invalidUTF8
    case controlCharacter(UInt32)
    // Parts of YAML that are left out on purpose.
    case anchor, alias, tag, mergeKey, complexKey, directive, tab
    // Mistakes.
    case duplicateKey(String, first: Position)
    case emptyKey, missingColon, missingSpaceAfterColon, commentNeedsSpace
    case valueNotAllowed, sequenceNotAllowed, badIndentation, trailingContent, severalDocuments
    /// A line that would go on with a text above, but has a key or a list item of its own.
    case indentedTooDeep(under: Int)
    case missingColonAbove, dashTooDeep
    case trailingComma, slashComment, bareIPv6
    case reservedCharacter(UInt8)
    case unexpected(UInt8)
    case unclosed(UInt8)
    case markerInside, badEscape, badBlockHeader, blankLineTooDeep
    case expectedSeparator(closing: UInt8)
    // Mistakes in what only readers of other people's documents take.
    case unknownAlias(String)
    case repeatedProperty
  }

  package let kind: Kind
  package let position: Position

  package init(_ kind: Kind, at position: Position) {
    self.kind = kind
    self.position = position
  }
}

extension YAMLFault {
  /// What is wrong, and what would be right.
  package var message: String {
    switch kind {
    case .tooLarge(let ceiling): "the text is larger than \(ceiling) bytes; split it or shorten it"
    case .tooDeep(let ceiling): "collections are nested more than \(ceiling) deep"
    case .keyTooLong(let ceiling): "a key is longer than \(ceiling) bytes"
    case .invalidUTF8: "not valid UTF-8; save the file as UTF-8"
    case .controlCharacter(let scalar):
      "control character U+\(Self.hexadecimal(scalar)); remove it, or write it as an escape in double quotes"
    case .duplicateKey(let key, let first):
      "key '\(Shown.text(key))' is already set at line \(first.line), column \(first.column); keep one of them"
    case .mergeKey, .anchor, .alias, .tag, .complexKey, .directive, .tab: omission
    default: mistake
    }
  }

  private var omission: String {
    switch kind {
    case .anchor: "anchors (&name) are not supported; write the value where it is needed, or quote the text"
    case .alias: "aliases (*name) are not supported; write the value out, or quote the text: \"*\""
    case .tag: "tags (!name) are not supported; leave the tag out, or quote the text"
    case .mergeKey: "merge keys (<<) are not supported; write the keys out"
    case .complexKey: "complex keys (? key) are not supported; write 'key: value' with a plain or quoted key"
    case .directive: "directives (%NAME) are not supported; remove the line, or quote the text"
    default: "a tab is used for indentation; indent with spaces"
    }
  }

  private var mistake: String {
    switch kind {
    case .emptyKey: "a key is missing before ':'; write 'key: value', or quote a text that begins with ':'"
    case .missingColon:
      "expected 'key: value', found a text without ': '; add the colon or correct the indentation"
    case .missingSpaceAfterColon: "a space is missing after ':'; write 'key: value'"
    case .commentNeedsSpace: "a space is missing before the comment sign '#'; add it, or quote the text"
    case .valueNotAllowed:
      "a second ': ' is not allowed here; quote the text, or put the mapping on its own lines"
    case .sequenceNotAllowed: "a list item '- ' is not allowed here; put it on its own line, under its key"
    case .badIndentation: "the indentation fits no level above; align the line with its siblings"
    case .trailingContent: "unexpected text after the value; quote the value, or put the text on its own line"
    case .indentedTooDeep(let line):
      "this line is indented deeper than line \(line), which has its value already; align the two"
    case .missingColonAbove:
      "a ':' is missing behind this text; write 'key:', or indent the lines under it as this one is"
    case .dashTooDeep:
      "this '- ' is indented deeper than the text above, which it would continue; align it with the other '- '"
    case .trailingComma: "a comma behind the value; remove it: a line ends without one"
    case .slashComment: "'//' and '/*' begin no comment; write '#', or quote the text"
    case .bareIPv6: "'[' begins a list; put an IPv6 address in quotes, as in \"[::1]:4141\""
    case .severalDocuments: "a second document begins here; only one is expected"
    case .reservedCharacter(let byte): "a text can't begin with '\(Self.character(byte))'; quote it"
    case .unexpected(let byte): "unexpected '\(Self.character(byte))'; remove it, or quote the text"
    case .unclosed(let byte): "'\(Self.character(byte))' is opened here and never closed"
    case .markerInside:
      "a document marker (--- or ...) inside a quoted text or a flow collection; close it first"
    case .badEscape: "unknown or incomplete escape; write '\\\\' for a backslash, or use single quotes"
    case .badBlockHeader:
      "after '|' or '>' only a digit 1-9, '+' or '-', and a comment may follow on the line"
    case .blankLineTooDeep:
      "a blank line has more spaces than the first line of the block; remove them, or write |2"
    case .unknownAlias(let name): "the alias *\(name) has no anchor &\(name) before it"
    case .repeatedProperty: "a value has two anchors or two tags; keep one of them"
    case .expectedSeparator(let closing): "expected ',' or '\(Self.character(closing))'"
    default: "not valid YAML"
    }
  }

  private static func character(_ byte: UInt8) -> String { Shown.text(String(UnicodeScalar(byte))) }

  private static func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
  }
}
