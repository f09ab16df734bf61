// Warnings of providers that fail: the first at once, then one a minute, so that an outage under load is a few lines and
// not thousands.

internal import Transport
internal import Wire

/// When each provider was complained of last. For the whole process, and touched by failures alone.
final class Complaints: Sendable {
  private static let gap = Interval(seconds: 60)
  /// Providers' names over all reloads; what is beyond them is complained of in one.
  private static let ceiling = 256

  private let providers = Guarded<[String: (last: Instant, times: Int)]>([:])

  /// Notes a failure.
  ///
  /// - Returns: how many there were since the last line, this one included; nil where it is too early for another.
  func take(_ provider: String, at now: Instant) -> Int? {
    providers.withLock { providers in
      let name = providers[provider] == nil && providers.count >= Self.ceiling ? "" : provider
      guard let known = providers[name] else {
        providers[name] = (now, 0)
        return 1
      }
      if now < known.last + Self.gap {
        providers[name] = (known.last, min(known.times, .max - 1) + 1)
        return nil
      }
      providers[name] = (now, 0)
      return min(known.times, .max - 1) + 1
    }
  }
}
