// A key that vouches for messages: HMAC with SHA-256 (RFC 2104, FIPS 198-1).

internal import COpenSSL
internal import Glibc
internal import Wire

/// The bytes of a key, in memory of their own that is wiped at the end.
@safe package final class MessageKey: Sendable {
  /// Bytes of a code, and of a key that is made of one.
  package static let codeSize = 32

  // SAFETY: points to `count` initialised bytes (room for one at least) that only this object refers to and never
  // changes once it is made.
  private nonisolated(unsafe) let base: UnsafeMutablePointer<UInt8>
  private let count: Int

  /// - Parameter prefix: what comes before `bytes` in the key.
  package init(_ prefix: StaticString, _ bytes: Span<UInt8>) {
    let prefix = prefix.bytes
    count = prefix.count + bytes.count
    unsafe base = UnsafeMutablePointer<UInt8>.allocate(capacity: max(count, 1))
    for at in 0..<prefix.count { unsafe base[at] = prefix[at] }
    for at in 0..<bytes.count { unsafe base[prefix.count + at] = bytes[at] }
  }

  /// A key with room for a code, which `fill` writes; nil if it can't.
  private init?(filledBy fill: (UnsafeMutablePointer<UInt8>) -> Bool) {
    count = Self.codeSize
    unsafe base = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
    unsafe base.initialize(repeating: 0, count: count)
    if unsafe !fill(base) { return nil }
  }

  deinit {
    unsafe explicit_bzero(base, count)
    unsafe base.deallocate()
  }

  /// The key that is this key's code of `message`; nil where OpenSSL has no SHA-256.
  package func derived(by message: Span<UInt8>) -> MessageKey? {
    unsafe MessageKey { unsafe self.write(message, to: $0) }
  }

  /// The code of `message` in 64 lower-case hexadecimal digits; nil as above.
  package func code(of message: Span<UInt8>) -> String? {
    guard let code = derived(by: message) else { return nil }
    return unsafe Digest.hexadecimal(UnsafeBufferPointer(start: code.base, count: code.count))
  }

  private func write(_ message: Span<UInt8>, to code: UnsafeMutablePointer<UInt8>) -> Bool {
    var written: UInt32 = 0
    // SAFETY: the code has room for the 32 bytes that SHA-256 gives; the other two are as long as they say. A message
    // of nothing may have no address: it gets one that is not read.
    let done = unsafe message.withUnsafeBufferPointer {
      unsafe HMAC(
        EVP_sha256(), base, Int32(clamping: count), $0.baseAddress ?? UnsafePointer(base), $0.count, code,
        &written)
    }
    return unsafe done != nil && written == Self.codeSize
  }
}
