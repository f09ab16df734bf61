import Glibc
import Support
import Testing
import Transport
import Wire

@Suite(.timeLimit(.minutes(1))) struct ListenerTests {
  private static func address(_ ip: String, _ port: UInt16 = 0) throws -> Address {
    try #require(Address(ip: ip, port: port))
  }

  @Test("a port of 0 becomes a number, and an address in use is told as that")
  func addressInUse() async throws {
    try await Stage.run { stage in
      let address = try Self.address("127.0.0.1")
      let first = try Listener(address, on: stage.loop, sharesPort: false) { $0.close() }
      #expect(first.address.port != 0)
      let fault = #expect(throws: SystemFault.self) {
        _ = try Listener(first.address, on: stage.loop, sharesPort: false) { $0.close() }
      }
      #expect(fault?.isAddressInUse == true)
      first.close()
      let again = try Listener(first.address, on: stage.loop, sharesPort: false) { $0.close() }
      again.close()
      again.close()
    }
  }

  @Test("a listener that its owner has suspended stays so, whatever else it waits for")
  func staysSuspended() async throws {
    try await Stage.run { stage in
      var accepted: [Socket] = []
      var listener: Listener?
      // As many as are taken in one go: the listener rests behind the last of them, and its owner has had enough.
      listener = try Listener(try Self.address("127.0.0.1"), on: stage.loop, sharesPort: false) { socket in
        accepted.append(socket)
        if accepted.count == 256 { listener?.suspend() }
      }
      let address = try #require(listener).address
      let dialer = Dialer(on: stage.loop, resolver: Resolver(on: stage.loop))
      let endpoint = Endpoint(host: address.host, port: address.port)
      let parker = Parker(on: stage.loop)
      defer { parker.retire() }
      var clients: [Socket] = []
      // The listener has no turn until all are connected: they wait in the kernel's queue.
      listener?.suspend()
      for _ in 0..<300 {
        clients.append(
          try await dialer.dial(
            endpoint, tls: nil, sessions: nil, parker: parker, client: nil, until: stage.patience))
      }
      #expect(accepted.isEmpty)
      listener?.resume()
      for _ in 0..<5 { _ = await parker.park(until: stage.loop.now + .milliseconds(2)) }
      #expect(accepted.count == 256)
      listener?.resume()
      while accepted.count < 300, stage.loop.now < stage.patience {
        _ = await parker.park(until: stage.loop.now + .milliseconds(2))
      }
      #expect(accepted.count == 300)
      for socket in clients + accepted { socket.close() }
      listener?.close()
    }
  }

  @Test("loops that share a port don't get in each other's way")
  func sharedPort() async throws {
    try await Stage.run { stage in
      let first = try Listener(try Self.address("127.0.0.1"), on: stage.loop, sharesPort: true) { $0.close() }
      let second = try Listener(first.address, on: stage.loop, sharesPort: true) { $0.close() }
      first.close()
      second.close()
    }
  }

  @Test("an address that this machine lacks is told as that")
  func missingAddress() async throws {
    try await Stage.run { stage in
      // TEST-NET-1 (RFC 5737): nobody's.
      let fault = #expect(throws: SystemFault.self) {
        _ = try Listener(try Self.address("192.0.2.1"), on: stage.loop, sharesPort: false) { $0.close() }
      }
      #expect(fault?.isAddressMissing == true)
    }
  }

  @Test("both families listen on one port")
  func families() async throws {
    try await Stage.run { stage in
      let first: Listener
      do {
        first = try Listener(try Self.address("::"), on: stage.loop, sharesPort: false) { $0.close() }
      } catch let fault as SystemFault where fault.isAddressMissing {
        return withKnownIssue("this machine has no IPv6") { Issue.record("not checked") }
      }
      let second = try Listener(
        try Self.address("0.0.0.0", first.address.port), on: stage.loop, sharesPort: false
      ) { $0.close() }
      first.close()
      second.close()
    }
  }

  @Test("connections are taken, each once, with the peer's address")
  func accepts() async throws {
    try await Stage.run { stage in
      let parker = Parker(on: stage.loop)
      var peers: [Address?] = []
      let listener = try Listener(try Self.address("127.0.0.1"), on: stage.loop, sharesPort: false) {
        peers.append($0.peerAddress)
        $0.close()
        parker.signal()
      }
      let dialer = Dialer(on: stage.loop, resolver: Resolver(on: stage.loop))
      for _ in 0..<5 {
        let socket = try await dialer.dial(
          Endpoint(host: "127.0.0.1", port: listener.address.port), tls: nil, sessions: nil,
          parker: Parker(on: stage.loop), client: nil, until: stage.patience)
        socket.close()
      }
      while peers.count < 5 { try #require(await parker.park(until: stage.patience) == .event) }
      #expect(peers.allSatisfy { $0?.isLoopback == true })
      listener.close()
    }
  }

  @Test("neither end of a loopback connection waits to fill a packet or paces what it sends")
  func options() async throws {
    try await Stage.run { stage in
      let parker = Parker(on: stage.loop)
      var options: [String] = []
      let listener = try Listener(try Self.address("127.0.0.1"), on: stage.loop, sharesPort: false) {
        options.append(Self.options($0))
        $0.close()
        parker.signal()
      }
      let dialer = Dialer(on: stage.loop, resolver: Resolver(on: stage.loop))
      let socket = try await dialer.dial(
        Endpoint(host: "127.0.0.1", port: listener.address.port), tls: nil, sessions: nil,
        parker: Parker(on: stage.loop), client: nil, until: stage.patience)
      options.append(Self.options(socket))
      socket.close()
      while options.count < 2 { try #require(await parker.park(until: stage.patience) == .event) }
      #expect(options == ["1 reno", "1 reno"])
      listener.close()
    }
  }

  /// TCP_NODELAY and the name of the congestion control.
  private static func options(_ socket: Socket) -> String {
    var noDelay: Int32 = 0
    var count = socklen_t(4)
    unsafe getsockopt(socket.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, &count)
    var name = [UInt8](repeating: 0, count: 16)
    count = 16
    unsafe getsockopt(socket.descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, &name, &count)
    return "\(noDelay) \(String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))"
  }

  @Test("what came while a listener was suspended is taken when it resumes")
  func suspended() async throws {
    try await Stage.run { stage in
      let parker = Parker(on: stage.loop)
      var accepted = 0
      let listener = try Listener(try Self.address("127.0.0.1"), on: stage.loop, sharesPort: false) {
        accepted += 1
        $0.close()
        parker.signal()
      }
      listener.suspend()
      let dialer = Dialer(on: stage.loop, resolver: Resolver(on: stage.loop))
      let socket = try await dialer.dial(
        Endpoint(host: "127.0.0.1", port: listener.address.port), tls: nil, sessions: nil,
        parker: Parker(on: stage.loop), client: nil, until: stage.patience)
      _ = await parker.park(until: stage.loop.now + .milliseconds(3))
      #expect(accepted == 0)
      listener.resume()
      while accepted == 0 { try #require(await parker.park(until: stage.patience) == .event) }
      #expect(accepted == 1)
      socket.close()
      listener.close()
    }
  }

  @Test(
    "a Unix socket that a dead process left is replaced, a living one is not, and the path goes at the end")
  func localPath() async throws {
    let path = Scratch.shared.file("listener.sock")
    try await Stage.run { stage in
      let address = try #require(Address(path: path))
      let left = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      #expect(try Self.bind(left, path) == 0)
      close(left)
      #expect(unsafe access(path, F_OK) == 0)
      let parker = Parker(on: stage.loop)
      var accepted = 0
      let listener = try Listener(address, on: stage.loop, sharesPort: false) {
        accepted += 1
        #expect($0.peerAddress == nil)
        $0.close()
        parker.signal()
      }
      let fault = #expect(throws: SystemFault.self) {
        _ = try Listener(address, on: stage.loop, sharesPort: false) { $0.close() }
      }
      #expect(fault?.isAddressInUse == true)
      let dialer = Dialer(on: stage.loop, resolver: Resolver(on: stage.loop))
      let socket = try await dialer.dial(
        Endpoint(host: path, port: 0, isLocal: true), tls: nil, sessions: nil, parker: Parker(on: stage.loop),
        client: nil, until: stage.patience)
      while accepted < 2 { try #require(await parker.park(until: stage.patience) == .event) }
      socket.close()
      listener.close()
      #expect(unsafe access(path, F_OK) != 0)
    }
  }

  @Test(
    "a socket of another kind is left alone while a process has it, and replaced once it is gone",
    arguments: [SOCK_DGRAM, SOCK_SEQPACKET])
  func otherKind(_ kind: __socket_type) async throws {
    let path = Scratch.shared.file("kind\(kind.rawValue).sock")
    try await Stage.run { stage in
      let address = try #require(Address(path: path))
      let others = socket(AF_UNIX, Int32(kind.rawValue), 0)
      #expect(try Self.bind(others, path) == 0)
      let fault = #expect(throws: SystemFault.self) {
        _ = try Listener(address, on: stage.loop, sharesPort: false) { $0.close() }
      }
      #expect(fault?.isAddressInUse == true)
      #expect(unsafe access(path, F_OK) == 0)
      close(others)
      let listener = try Listener(address, on: stage.loop, sharesPort: false) { $0.close() }
      listener.close()
    }
  }

  @Test("a file that is no socket is left alone")
  func otherFile() async throws {
    let path = Scratch.shared.file("precious")
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT, 0o600)
    try #require(descriptor >= 0)
    close(descriptor)
    try await Stage.run { stage in
      let address = try #require(Address(path: path))
      let fault = #expect(throws: SystemFault.self) {
        _ = try Listener(address, on: stage.loop, sharesPort: false) { $0.close() }
      }
      #expect(fault?.isAddressInUse == false)
      #expect(fault?.reason == "the path is a file that is no socket; remove it, or name another path")
    }
    #expect(unsafe access(path, F_OK) == 0)
  }

  @Test("a path where no socket can be is said to be so")
  func otherPaths() async throws {
    let link = Scratch.shared.file("link")
    _ = unsafe symlink("/nowhere", link)
    let folder = link.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
    try await Stage.run { stage in
      for (path, word) in [
        (link, "symbolic link"), (folder, "directory"), ("/nowhere/at/all.sock", "directory does not"),
      ] {
        let address = try #require(Address(path: path))
        let fault = #expect(throws: SystemFault.self) {
          _ = try Listener(address, on: stage.loop, sharesPort: false) { $0.close() }
        }
        #expect(fault?.reason.contains(word) == true && fault?.isAddressInUse == false)
      }
    }
  }

  private static func bind(_ descriptor: Int32, _ path: String) throws -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    return unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}

@Suite struct AddressTests {
  @Test(
    "addresses are read and written in their usual notation",
    arguments: [
      ("127.0.0.1", "127.0.0.1:80", true), ("127.255.0.1", "127.255.0.1:80", true),
      ("10.0.0.1", "10.0.0.1:80", false),
      ("0.0.0.0", "0.0.0.0:80", false), ("::1", "[::1]:80", true), ("::", "[::]:80", false),
      ("0:0:0:0:0:0:0:1", "[::1]:80", true), ("::ffff:127.0.0.1", "[::ffff:127.0.0.1]:80", true),
      ("::ffff:10.0.0.1", "[::ffff:10.0.0.1]:80", false), ("FE80::1", "[fe80::1]:80", false),
    ])
  func literals(_ ip: String, _ text: String, _ isLoopback: Bool) throws {
    let address = try #require(Address(ip: ip, port: 80))
    #expect(address.description == text)
    #expect(address.isLoopback == isLoopback)
    #expect(address.with(port: 81).port == 81)
    #expect(address.with(port: 80) == address)
  }

  @Test(
    "what is no address isn't read as one",
    arguments: [
      "", "localhost", "127.0.0.1:80", "[::1]", "127.1", "256.0.0.1", "1.2.3.4.5", ":::1", "127.0.0.1 ",
    ])
  func refused(_ text: String) {
    #expect(Address(ip: text, port: 0) == nil)
  }

  @Test("a path must fit what the kernel takes, and hold no zero")
  func paths() {
    #expect(Address(path: "/run/x.sock")?.description == "unix:/run/x.sock")
    #expect(Address(path: "/run/x.sock")?.isLoopback == true)
    #expect(Address(path: "") == nil)
    #expect(Address(path: "/a\u{0}b") == nil)
    #expect(Address(path: String(repeating: "a", count: 107)) != nil)
    #expect(Address(path: String(repeating: "a", count: 108)) == nil)
  }
}
