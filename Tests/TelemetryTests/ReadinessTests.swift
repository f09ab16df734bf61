import Testing
import Wire

@testable import Telemetry

private func body(_ readiness: Readiness, isVerbose: Bool) -> (isReady: Bool, text: String) {
  var out = ByteQueue()
  let isReady = readiness.write(isVerbose: isVerbose, into: &out)
  return (isReady, out.bytes.text())
}

@Suite("Readiness") struct ReadinessTests {
  @Test("ready when the last latch is released, and no more once it drains")
  func latches() {
    let readiness = Readiness()
    #expect(!readiness.isReady)
    #expect(body(readiness, isVerbose: false) == (false, "not ready\n"))
    readiness.pass(.listenersBound)
    #expect(!readiness.isReady)
    #expect(
      body(readiness, isVerbose: true)
        == (false, "[-]config failed: not yet\n[+]listeners ok\n[+]shutdown ok\nreadyz check failed\n"))
    readiness.pass(.configLoaded)
    readiness.pass(.configLoaded)
    #expect(readiness.isReady)
    #expect(body(readiness, isVerbose: false) == (true, "ok\n"))
    #expect(
      body(readiness, isVerbose: true)
        == (true, "[+]config ok\n[+]listeners ok\n[+]shutdown ok\nreadyz check passed\n"))
    readiness.drain()
    #expect(!readiness.isReady && readiness.isDraining)
    #expect(body(readiness, isVerbose: false) == (false, "draining\n"))
    #expect(
      body(readiness, isVerbose: true)
        == (false, "[+]config ok\n[+]listeners ok\n[-]shutdown failed: draining\nreadyz check failed\n"))
    readiness.pass(.configLoaded)
    #expect(!readiness.isReady)
  }
}
