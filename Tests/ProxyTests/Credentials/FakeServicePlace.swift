// Where a test's service is, in the configuration's words.

import HTTP
import Support
import Transport

@testable import Config
@testable import Proxy

extension FakeService {
  func place(_ target: String = "/token", tls: TLSContext? = nil) -> FetchPlace {
    let base = BaseURL(
      scheme: isTLS ? .https : .http, host: isTLS ? "localhost" : "127.0.0.1", port: Int(port))
    return FetchPlace(base, target: target, tls: tls)
  }
}
