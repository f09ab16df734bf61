// Which OpenSSL is linked.

internal import COpenSSL

package enum TLSLibrary {
  /// To be called first of all, before anything of OpenSSL is used.
  package static func prepare() { TLSMemory.install() }

  /// As the library says it, for example `OpenSSL 3.0.22 1 Jan 2026`.
  package static var version: String {
    unsafe OpenSSL_version(OPENSSL_VERSION).map { unsafe String(cString: $0) } ?? "unknown"
  }
}
