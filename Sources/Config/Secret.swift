// A key that can't be printed, logged or encoded by accident, and that leaves no copy behind.

import Glibc
internal import Wire

/// Where a secret comes from. It names the place; `Secret` holds the bytes.
package enum SecretSource: Sendable, Hashable {
  case file(String)
  /// The name of an environment variable.
  case environment(String)
  /// The client's own key goes upstream.
  case passthrough
  /// No key is sent.
  case none
}

/// Why a secret is refused. Offsets and lengths are safe to print; content never is.
package enum SecretFault: Error, Sendable, Equatable {
  case unset(variable: String)
  case file(FileFault)
  case empty
  case tooLong(count: Int)
  /// A byte that would break, or break out of, a header.
  case badByte(UInt8, offset: Int, count: Int)

  /// What is wrong, and what would be right.
  package var message: String {
    switch self {
    case .unset(let variable):
      "environment variable \(Shown.text(variable)) is not set; set it, or name a file"
    case .file(let fault): fault.message
    case .empty: "is empty; write what is to be sent into it"
    case .tooLong(let count): "has \(count) bytes; at most \(Defaults.secret) are sent"
    case .badByte(let byte, let offset, let count):
      "\(Self.kind(byte)) byte 0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        + " at offset \(offset) of \(count)"
    }
  }

  private static func kind(_ byte: UInt8) -> String {
    switch byte {
    case ASCII.space: "space"
    case 0x80...: "non-ASCII"
    default: "control"
    }
  }
}

/// The bytes of a key, in memory of their own that is wiped at the end.
@safe package final class Secret: Sendable {
  /// What the bytes are for, which decides what they may be.
  package enum Use: Sendable {
    /// A key or a token, in which nothing is blank.
    case key
    /// The same, which a caller shows and which says whose it is.
    case caller
    /// A header's value, in which blanks are as good as in one that stands in the file itself.
    case value
  }

  // SAFETY: points to `count` initialised bytes (at least one) that only this object refers to and never
  // changes.
  private nonisolated(unsafe) let base: UnsafeMutablePointer<UInt8>
  private let count: Int

  /// Takes a secret out of the text of a file or a variable: without a byte order mark, and without the spaces,
  /// tabs and line breaks around it, which `echo` and `kubectl create secret` leave there.
  ///
  /// - Throws: `empty`, `tooLong`, `badByte` with the offset in `text` itself.
  package init(_ text: Span<UInt8>, as use: Use = .key) throws(SecretFault) {
    var start = 0
    var end = text.count
    if end >= 3, text[0] == 0xEF, text[1] == 0xBB, text[2] == 0xBF { start = 3 }
    while start < end, Self.isAround(text[start]) { start += 1 }
    while end > start, Self.isAround(text[end - 1]) { end -= 1 }
    if start == end { throw .empty }
    if end - start > Defaults.secret { throw .tooLong(count: end - start) }
    // RFC 9110 section 5.5: what could end a header or begin another one stays out, and so does what isn't
    // ASCII.
    let least = use == .value ? ASCII.space : ASCII.space + 1
    for at in start..<end where text[at] < least || text[at] >= 0x7F {
      throw .badByte(text[at], offset: at, count: text.count)
    }
    count = end - start
    unsafe base = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
    for at in 0..<count { unsafe base[at] = text[start + at] }
  }

  deinit {
    unsafe explicit_bzero(base, count)
    unsafe base.deallocate()
  }

  private static func isAround(_ byte: UInt8) -> Bool {
    byte == ASCII.space || byte == ASCII.tab || byte == ASCII.cr || byte == ASCII.lf
  }

  /// The key itself: to be copied into a request's head, and nowhere else.
  package var bytes: Span<UInt8> {
    @_lifetime(borrow self)
    get {
      // SAFETY: all bytes are initialised and never change, and `self` owns them.
      let span = unsafe Span<UInt8>(_unsafeStart: base, count: count)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Compares in a time that depends on the lengths alone.
  package func isEqual(to other: Span<UInt8>) -> Bool {
    guard other.count == count else { return false }
    var difference: UInt8 = 0
    for at in 0..<count { unsafe difference |= base[at] ^ other[at] }
    return difference == 0
  }

  package func isEqual(to other: Secret) -> Bool { isEqual(to: other.bytes) }

  /// Loads the secret that `source` names; nil for `passthrough` and `none`.
  package static func load(
    _ source: SecretSource, as use: Use = .key, from environment: Environment
  ) throws(SecretFault) -> Secret? {
    switch source {
    case .passthrough, .none:
      return nil
    case .environment(let name):
      guard let value = environment[name] else { throw .unset(variable: name) }
      let bytes = Array(value.utf8)
      return try Secret(bytes.span, as: use)
    case .file(let path):
      let contents: FileContents
      do { contents = try FileContents.read(path, ceiling: Defaults.secretFile) } catch { throw .file(error) }
      return try Secret(contents.bytes, as: use)
    }
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "[secret]" }
  package var debugDescription: String { "[secret]" }
  package var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

extension SecretSource {
  /// The place as messages name it.
  package var place: String {
    switch self {
    case .file(let path): path
    case .environment(let name): "$" + name
    case .passthrough: "passthrough"
    case .none: "none"
    }
  }
}
