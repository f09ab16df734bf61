// Which OpenSSL is linked.

internal import COpenSSL

package enum TLSLibrary {
  /// To be called first of all, before anything of OpenSSL is used.
  package static func prepare() { TLSMemory.install() }

  /// Whether OpenSSL looks well at what its buffers hold before it frees them: CVE-2024-4741 was mended in 3.0.14, 3.1.6,
  /// 3.2.2 and 3.3.1.
  static let freesBuffersSafely: Bool = {
    let patch = OPENSSL_version_patch()
    if OPENSSL_version_major() > 3 { return true }
    return switch OPENSSL_version_minor() {
    case 0: patch >= 14
    case 1: patch >= 6
    case 2: patch >= 2
    case 3: patch >= 1
    default: true
    }
  }()

  /// As the library says it, for example `OpenSSL 3.0.22 1 Jan 2026`.
  package static var version: String {
    unsafe OpenSSL_version(OPENSSL_VERSION).map { unsafe String(cString: $0) } ?? "unknown"
  }
}
