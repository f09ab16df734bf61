import Testing
import Transport

@Suite(.enabled(if: Certificates.shared != nil, "the openssl command is needed")) struct TLSContextTests {
  private let certificates: Certificates

  init() throws { certificates = try #require(Certificates.shared) }

  @Test("a file that is missing or isn't what it should be is told by its path")
  func files() throws {
    let missing = certificates.path("nothing.pem")
    let text = certificates.path("ca.cnf")
    let cases: [(TLSProfile, String)] = [
      (TLSProfile(caFile: missing), missing), (TLSProfile(caFile: text), text),
      (TLSProfile(certificateFile: missing), missing), (TLSProfile(certificateFile: text), text),
      (TLSProfile(certificateFile: certificates.path("good.pem"), keyFile: missing), missing),
      (TLSProfile(certificateFile: certificates.path("good.pem"), keyFile: text), text),
      (
        TLSProfile(certificateFile: certificates.path("good.pem"), keyFile: certificates.path("other.key")),
        certificates.path("other.key")
      ),
    ]
    for (profile, path) in cases {
      #expect(throws: TLSFileFault.self) { _ = try TLSContext(server: profile) }
      let fault = #expect(throws: TLSFileFault.self) { _ = try TLSContext(client: profile) }
      #expect(fault?.path == path)
      #expect(fault?.reason.contains("No such file") == (path == missing))
    }
  }

  @Test("a key that doesn't belong to its certificate is told as that")
  func foreignKey() {
    let profile = TLSProfile(
      certificateFile: certificates.path("good.pem"), keyFile: certificates.path("ip.key"))
    let fault = #expect(throws: TLSFileFault.self) { _ = try TLSContext(server: profile) }
    #expect(fault?.reason.contains("does not belong") == true)
  }

  @Test("a directory is no file")
  func directory() {
    let fault = #expect(throws: TLSFileFault.self) {
      _ = try TLSContext(client: TLSProfile(caFile: Scratch.shared.path))
    }
    #expect(fault?.path == Scratch.shared.path)
  }
}
