// `remora webhook`: what `remora inject` does to manifests, done to pods as the API server makes them.

import Config
import Glibc
import Kubernetes
import Proxy
import Telemetry
import Transport

enum Webhook {
  static func run(_ options: WebhookOptions) -> Int32 {
    ProcessSettings.leaveOnSignals()
    Serve.prepareProcess()
    ProcessSettings.forbidDumps()
    let profile = TLSProfile(certificateFile: options.certificate, keyFile: options.key)
    let context: TLSContext
    do throws(TLSFileFault) { context = try TLSContext(server: profile) } catch {
      return fail(error.message)
    }
    guard let listen = addresses(options.listen, port: 8443), let admin = addresses(options.admin, port: 4142)
    else { return fail("an address must be an IP address and a port, or unix:/path") }
    let reviewer = Reviewer(options.injection.settings, version: Version.remora, onError: options.onError)
    let plan = WebhookPlan(listen: listen, admin: admin, certificate: profile, reviewer: reviewer)
    let loop: Loop
    do throws(SystemFault) { loop = try Loop() } catch {
      return fail("can't start an event loop: \(error.description)")
    }
    let server = WebhookServer(on: loop, plan, context)
    var problem: String?
    loop.run {
      problem = server.assumeIsolated { $0.start() }
      if problem != nil { loop.stop() }
    }
    if let problem { return fail(problem) }
    Log.write(.info, "stopped")
    Log.flush()
    return ExitStatus.good
  }

  private static func fail(_ problem: String) -> Int32 {
    Console.complain(problem)
    return ExitStatus.bad
  }

  /// Where to listen, the first choice first: without a word for it, on both families, or on IPv4 where the machine has
  /// no other.
  private static func addresses(_ address: Config.Address?, port: UInt16) -> [Transport.Address]? {
    switch address {
    case nil:
      let both = [Transport.Address(ip: "::", port: port), Transport.Address(ip: "0.0.0.0", port: port)]
      return both.compactMap { $0 }
    case .unix(let path): return Transport.Address(path: path).map { [$0] }
    case .tcp(let host, let port):
      return Transport.Address(ip: host == "localhost" ? "127.0.0.1" : host, port: UInt16(clamping: port)).map
      { [$0] }
    }
  }
}
