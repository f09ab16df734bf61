// What the demonstration makes for itself: a directory, a CA, a certificate, a connection.

import Glibc
import Testing
import Transport

@Suite("Throwaway") struct ThrowawayTests {
  @Test("the certificates are good for a server and for the client that trusts their CA")
  func authority() throws {
    let directory = try ThrowawayDirectory(in: "/tmp")
    let authority = try ThrowawayAuthority(in: directory)
    _ = try TLSContext(
      server: TLSProfile(certificateFile: authority.certificateFile, keyFile: authority.keyFile))
    _ = try TLSContext(client: TLSProfile(caFile: authority.authorityFile))
    // Each authority is another one: the key of one does not fit the certificate of the next.
    let other = try ThrowawayDirectory(in: "/tmp")
    let next = try ThrowawayAuthority(in: other)
    #expect(throws: TLSFileFault.self) {
      try TLSContext(server: TLSProfile(certificateFile: authority.certificateFile, keyFile: next.keyFile))
    }
  }

  @Test("files are their owner's alone, and go with the directory")
  func directory() throws {
    let directory = try ThrowawayDirectory(in: "/tmp")
    let path = directory.path
    let file = try directory.write("key", [1, 2, 3])
    var status = stat()
    let isThere = unsafe stat(file, &status) == 0
    #expect(isThere)
    #expect(status.st_mode & 0o7777 == 0o600)
    #expect(status.st_size == 3)
    #expect(throws: SystemFault.self) { try directory.write("key", []) }
    directory.remove()
    directory.remove()
    let isGone = unsafe stat(path, &status) != 0
    #expect(isGone)
  }

  @Test("a directory that can't be made is a fault")
  func nowhere() {
    #expect(throws: SystemFault.self) { try ThrowawayDirectory(in: "/tmp/no/such/place") }
  }
}

@Suite("BlockingConnection") struct BlockingConnectionTests {
  /// A loopback listener that never accepts: the kernel's queue takes connections for it.
  private final class Deaf {
    let descriptor: Int32
    let address: Address

    init() throws {
      let loopback = try #require(Address(ip: "127.0.0.1", port: 0))
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      let port = try LocalPort.free(at: loopback)
      address = loopback.with(port: port)
      var raw = sockaddr_in()
      raw.sin_family = sa_family_t(AF_INET)
      raw.sin_port = port.bigEndian
      raw.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let isBound = unsafe withUnsafePointer(to: &raw) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
      }
      try #require(isBound && listen(descriptor, 1) == 0)
    }

    deinit { close(descriptor) }
  }

  @Test("a port in use is told from a free one")
  func ports() throws {
    let deaf = try Deaf()
    #expect(!LocalPort.isFree(deaf.address))
    let port = try LocalPort.free(at: deaf.address)
    #expect(port != 0 && port != deaf.address.port)
    #expect(LocalPort.isFree(deaf.address.with(port: port)))
  }

  @Test("waiting ends at the deadline")
  func deadline() throws {
    let deaf = try Deaf()
    let connection = try BlockingConnection(toOneOf: [deaf.address], until: .now + .milliseconds(20))
    try connection.send([1])
    do throws(SystemFault) {
      _ = try connection.receive()
      Issue.record("something was received")
    } catch { #expect(error.code == ETIMEDOUT) }
  }

  @Test("the first address that answers is taken, and without one the fault is told")
  func addresses() throws {
    let deaf = try Deaf()
    let nobody = deaf.address.with(port: try LocalPort.free(at: deaf.address))
    _ = try BlockingConnection(toOneOf: [nobody, deaf.address], until: .now + .seconds(5))
    do throws(SystemFault) {
      _ = try BlockingConnection(toOneOf: [nobody], until: .now + .seconds(5))
      Issue.record("somebody answered")
    } catch { #expect(error.code == ECONNREFUSED) }
  }
}
