import Config
import Foundation
import Testing
import Transport

@testable import Proxy

/// Who makes a TLS context, and who takes the one that is there.
@Suite("TLS contexts") struct TLSContextsTests {
  /// An authority of nobody, valid for a hundred years.
  private static let authority = """
    -----BEGIN CERTIFICATE-----
    MIIBiTCCAS+gAwIBAgIUU/fOouhMDtmqpYWAXRgx6/qnWiUwCgYIKoZIzj0EAwIw
    GTEXMBUGA1UEAwwOdGVzdCBhdXRob3JpdHkwIBcNMjYxMTMwMTkwODA3WhgPMjEy
    NjExMDYxOTA4MDdaMBkxFzAVBgNVBAMMDnRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI
    zj0CAQYIKoZIzj0DAQcDQgAEKRKlGQENdIiddiVtigUk/dz9dXtkCYQ9rtii3CrU
    n7gCEmsbD+EPhtw7uLwhD/RC5Ph7lHd/xEq6iF8686MnWKNTMFEwHQYDVR0OBBYE
    FAgzfuDcpirfF91NGv7L/8LOSXgQMB8GA1UdIwQYMBaAFAgzfuDcpirfF91NGv7L
    /8LOSXgQMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAOp45E/i
    oeFxIcBcUNl1RG6/FK/Gki0WUCuBqldG1OtDAiAuIgn5TCbaH9CFXvhtEq7ja6yM
    nCSu1EaNm6hXtTt75Q==
    -----END CERTIFICATE-----

    """

  @Test("what is in use goes through a check, and what the check makes serves, until a file is another")
  func reuse() throws {
    let file = NSTemporaryDirectory() + "authority-\(UUID().uuidString).pem"
    defer { try? FileManager.default.removeItem(atPath: file) }
    try Self.authority.write(toFile: file, atomically: true, encoding: .utf8)
    var settings = WalkBench.settings(BaseURL(scheme: .https, host: "127.0.0.1", port: 1))
    settings.providers[0].tls.caFile = file
    let checked = CheckedContexts()

    #expect(checked.faults(settings, skipping: []) == [])
    let running = checked.take()
    let first = try #require(running.values.first)
    #expect(running.count == 1 && checked.take().isEmpty)
    var contexts = TLSContexts(reusing: running)
    #expect(try contexts.client(TLSProfile(caFile: file)) === first)

    checked.begin(running)
    #expect(checked.faults(settings, skipping: []) == [])
    #expect(checked.take().values.first === first)

    checked.begin(running)
    try (Self.authority + "\n").write(toFile: file, atomically: true, encoding: .utf8)
    #expect(checked.faults(settings, skipping: []) == [])
    let next = checked.take()
    #expect(next.count == 1 && next.values.first !== first)

    // What can't be made is said, once for both providers, and nothing of before stands in for it.
    checked.begin(running)
    try "no certificate".write(toFile: file, atomically: true, encoding: .utf8)
    settings.providers.append(settings.providers[0])
    #expect(checked.faults(settings, skipping: []).count == 1)
    #expect(checked.take().isEmpty)
    // What can't be read at all has been said by others.
    #expect(checked.faults(settings, skipping: [file]) == [])
  }
}
