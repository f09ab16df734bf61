// `remora demo`: the main job with no key and no network.
//
// One process plays both sides: a plain listener as a sidecar has it, whose provider is reached over TLS, and
// a TLS listener behind which the embedded provider answers. Next: DemoTour.swift, which sends the requests.

import Config
import Glibc
import Proxy
import Transport

enum Demo {
  static func run() -> Int32 {
    Serve.prepareProcess()
    let environment = Environment.current()
    ProcessSettings.forbidDumps()
    let directory: ThrowawayDirectory
    do throws(SystemFault) {
      directory = try ThrowawayDirectory(in: environment.nonEmpty("TMPDIR") ?? "/tmp")
    } catch {
      Console.complain("demo: no directory for its certificates: \(error.reason)")
      return ExitStatus.bad
    }
    defer { directory.remove() }
    let stage: DemoStage
    do throws(Failure) { stage = try DemoStage(in: directory) } catch {
      Console.complain("demo: \(error.message)")
      return ExitStatus.bad
    }
    let settings = stage.settings
    return Server.run(
      settings, environment: environment, configDigest: Digest.sha256(Array(settings.json().utf8)),
      warnings: []
    ) { _ in
      // The loop must go on turning while the tour waits for its answers.
      let isRunning = Thread.detached {
        do throws(Failure) { try DemoTour(stage).run() } catch { fail(error.message, directory) }
      }
      if !isRunning { fail("the system has no thread to give", directory) }
    }
  }

  /// Ends the process from a thread that can't end the server.
  private static func fail(_ message: String, _ directory: ThrowawayDirectory) {
    Console.complain("demo: \(message)")
    directory.remove()
    _exit(ExitStatus.bad)
  }
}

/// Where everything of the demonstration is.
struct DemoStage: Sendable {
  /// Where an application sends to.
  let proxy: Config.Address
  let admin: Config.Address
  /// Where the embedded provider answers, behind TLS.
  let provider: Config.Address
  let settings: Settings
  /// What isn't as usual, in a line each.
  let notes: [String]

  init(in directory: ThrowawayDirectory) throws(Failure) {
    var notes: [String] = []
    let port = try Self.port(4141, on: ["127.0.0.1", "::1"], &notes)
    let adminPort = try Self.port(4142, on: ["127.0.0.1"], &notes)
    let providerPort = try Self.freePort()
    let downPort = try Self.freePort()
    let authority: ThrowawayAuthority
    do throws(TLSFileFault) { authority = try ThrowawayAuthority(in: directory) } catch {
      throw Failure("no certificate: \(error.message)")
    }
    func secret(_ name: String, _ text: String) throws(Failure) -> SecretSource {
      do throws(SystemFault) { return .file(try directory.write(name, Array(text.utf8))) } catch {
        throw Failure("no file for a key: \(error.reason)")
      }
    }
    let key = try secret("provider.key", "the-provider's-secret")
    proxy = .tcp(host: "127.0.0.1", port: port)
    admin = .tcp(host: "127.0.0.1", port: adminPort)
    provider = .tcp(host: "127.0.0.1", port: providerPort)

    func remote(_ name: String, port: Int) -> Provider {
      var provider = Provider(
        name: name, kind: .openai,
        baseURL: BaseURL(scheme: .https, host: "127.0.0.1", port: port, prefix: "/v1"), apiKey: key)
      provider.tls.caFile = authority.authorityFile
      return provider
    }
    var settings = Settings()
    settings.providers = [
      // Nothing listens there.
      remote("down", port: downPort), remote("upstream", port: providerPort),
      Provider(name: "mock", kind: .mock, baseURL: nil, apiKey: .none),
    ]
    settings.defaultProvider = "upstream"
    settings.models = [
      ModelEntry(
        name: "gpt-4o",
        targets: [
          ModelTarget(provider: "down", model: "gpt-4o"), ModelTarget(provider: "upstream", model: "gpt-4o"),
        ])
    ]
    settings.consumers = Self.consumers(
      try secret("demo.key", Self.callersKey), try secret("blind.key", Self.blindKey))
    settings.policies = ["restored", "redacted"].map { name in
      var policy = Policy(name: name, kind: .personalData)
      policy.action = .redact
      policy.restores = name == "restored"
      return policy
    }
    settings.listen = [
      ListenEntry(address: proxy), ListenEntry(address: .tcp(host: "::1", port: port)),
      ListenEntry(
        address: provider, tls: ListenTLS(certFile: authority.certificateFile, keyFile: authority.keyFile),
        defaultProvider: "mock", model: "mock/gpt-4o"),
    ]
    settings.admin = admin
    Self.hush(&settings)
    self.settings = settings
    self.notes = notes
  }

  /// The tour says what people want to know, and in their words.
  private static func hush(_ settings: inout Settings) {
    settings.telemetry.accessLog = .off
    settings.telemetry.level = .error
    settings.shutdown.drain = .seconds(1)
  }

  /// The keys that the tour shows: of the group with a limit and a policy, and of one whose answers stay as the provider
  /// made them.
  static let callersKey = "demo-caller"
  static let blindKey = "demo-blind"

  private static func consumers(_ key: SecretSource, _ blind: SecretSource) -> Consumers {
    var consumers = Consumers()
    var group = ConsumerGroup(name: "demo", key: key)
    group.limits.requestsPerMinute = 60
    group.policies = ["restored"]
    var other = ConsumerGroup(name: "blind", key: blind)
    other.policies = ["redacted"]
    consumers.groups = [group, other]
    return consumers
  }

  /// `usual`, or another port where that is taken.
  private static func port(_ usual: UInt16, on hosts: [String], _ notes: inout [String]) throws(Failure)
    -> Int
  {
    let addresses = hosts.compactMap { Transport.Address(ip: $0, port: usual) }
    if addresses.allSatisfy(LocalPort.isFree) { return Int(usual) }
    let port = try freePort()
    notes.append("Port \(usual) is taken; this uses \(port) instead.")
    return port
  }

  private static func freePort() throws(Failure) -> Int {
    guard let address = Transport.Address(ip: "127.0.0.1", port: 0) else {
      throw Failure("no loopback address")
    }
    do throws(SystemFault) { return Int(try LocalPort.free(at: address)) } catch {
      throw Failure("no free port at 127.0.0.1: \(error.reason)")
    }
  }
}
