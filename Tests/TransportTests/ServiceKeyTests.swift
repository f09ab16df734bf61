// Signatures against those of the openssl command; RSASSA-PKCS1-v1_5 has one for each key and message.

import Glibc
import Testing
import Transport
import Wire

/// Keys, made once for the run.
enum ServiceKeys {
  static let directory = Scratch.shared.file("rs256")

  /// False, with a note in the output, where they can't be made.
  static let areMade: Bool = {
    let script = """
      set -e; umask 077; mkdir '\(directory)'; cd '\(directory)'
      printf 'header.claims' > message
      openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out pkcs8.pem
      openssl rsa -in pkcs8.pem -traditional -out pkcs1.pem
      openssl rsa -in pkcs8.pem -aes128 -passout pass:x -out locked.pem
      openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out short.pem
      openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem
      openssl dgst -sha256 -sign pkcs8.pem -out signature message
      """
    let status = unsafe system("(\(script)) > '\(directory).log' 2>&1")
    if status != 0 { print("ABSENT: the openssl command could not make keys; see \(directory).log") }
    return status == 0
  }()

  static func contents(_ name: String) -> [UInt8] {
    let descriptor = unsafe open(directory + "/" + name, O_RDONLY)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 8192)
    let count = unsafe read(descriptor, &bytes, bytes.count)
    return Array(bytes[..<max(count, 0)])
  }
}

@Suite("Service key", .enabled(if: ServiceKeys.areMade)) struct ServiceKeyTests {
  private func sign(_ key: String) throws(SigningFault) -> [UInt8] {
    let message = Array("header.claims".utf8)
    let pem = ServiceKeys.contents(key)
    return try RS256.sign(message.span, pem: pem.span).array()
  }

  @Test("both forms of a key sign as openssl does", arguments: ["pkcs8.pem", "pkcs1.pem"])
  func signs(_ key: String) throws {
    let signature = try sign(key)
    #expect(signature.count == 256)
    #expect(signature == ServiceKeys.contents("signature"))
  }

  @Test(
    "what can't sign says why, and asks nobody for a passphrase",
    arguments: [
      ("ec.pem", .notRSA), ("short.pem", .shortKey(bits: 1024)), ("locked.pem", .unreadableKey),
      ("signature", .unreadableKey), ("absent", .unreadableKey),
    ] as [(String, SigningFault)])
  func refuses(_ key: String, _ fault: SigningFault) {
    #expect(throws: fault) { try sign(key) }
  }
}
