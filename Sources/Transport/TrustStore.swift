// Which CAs are trusted when the config names none: where Debian, Alpine, Red Hat and SUSE keep them.

internal import COpenSSL
internal import Glibc

/// The system's CA certificates.
package enum TrustStore {
  /// Directories in which OpenSSL looks a CA up by its hash: no time at start and almost no memory.
  private static let directories = [
    "/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted/pem/directory-hash",
  ]
  /// Files that hold all CAs, read whole where there is no hashed directory.
  private static let bundles = [
    "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem", "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/ca-bundle.pem",
  ]

  /// The file that `load` reads whole; nil where it has OpenSSL look into a directory, and where there is nothing.
  package static var file: String? {
    if let file = environment("SSL_CERT_FILE") { return file }
    if environment("SSL_CERT_DIR") != nil || directories.contains(where: isHashed) { return nil }
    return bundles.first { unsafe access($0, R_OK) == 0 }
  }

  /// Has `context` trust what the environment (`SSL_CERT_FILE`, `SSL_CERT_DIR`) or the system names.
  static func load(into context: OpaquePointer) throws(TLSFileFault) {
    let file = environment("SSL_CERT_FILE")
    let directory = environment("SSL_CERT_DIR")
    if file != nil || directory != nil {
      if let file, unsafe SSL_CTX_load_verify_file(context, file) != 1 {
        ERR_clear_error()
        throw TLSFileFault(
          path: file, reason: "SSL_CERT_FILE names it, but no CA certificate could be read from it")
      }
      if let directory { unsafe SSL_CTX_load_verify_dir(context, directory) }
      return
    }
    for directory in directories where isHashed(directory) {
      unsafe SSL_CTX_load_verify_dir(context, directory)
      return
    }
    for bundle in bundles where unsafe access(bundle, R_OK) == 0 {
      if unsafe SSL_CTX_load_verify_file(context, bundle) == 1 { return }
      ERR_clear_error()
    }
    // No store at all: every handshake will fail with a message that asks for tls.ca_file.
  }

  private static func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    let text = unsafe String(cString: value)
    return text.isEmpty ? nil : text
  }

  /// Whether `directory` holds links named like `5ed36f99.0`, as `openssl rehash` makes them.
  private static func isHashed(_ directory: String) -> Bool {
    guard let listing = unsafe opendir(directory) else { return false }
    defer { unsafe closedir(listing) }
    while let entry = unsafe readdir(listing) {
      let looksHashed = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { name in
        unsafe name[8] == UInt8(ascii: ".") && name[9] == UInt8(ascii: "0") && name[10] == 0
          && name[..<8].allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
      }
      if looksHashed { return true }
    }
    return false
  }
}
