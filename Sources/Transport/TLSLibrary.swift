// Which OpenSSL is linked.

internal import COpenSSL

package enum TLSLibrary {
  /// As the library says it, for example `OpenSSL 3.0.22 1 Jan 2026`.
  package static var version: String {
    unsafe OpenSSL_version(OPENSSL_VERSION).map { unsafe String(cString: $0) } ?? "unknown"
  }
}
