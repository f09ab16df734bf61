// What every TCP socket is told, whichever side began.

internal import Glibc

enum TCPOptions {
  /// Has small pieces sent at once, and nothing paced on loopback.
  ///
  /// Failures are no fault: the connection works without either.
  static func set(on descriptor: Int32, for address: Address) {
    var on: Int32 = 1
    unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
    // On loopback nothing is lost and nothing is far, be it the application or a model server in the same pod:
    // algorithms that pace what they send only cost timers there. Reno is in every kernel (tcp(7)).
    guard address.isLoopback else { return }
    let reno: StaticString = "reno"
    unsafe setsockopt(
      descriptor, Int32(IPPROTO_TCP), TCP_CONGESTION, reno.utf8Start, socklen_t(reno.utf8CodeUnitCount))
  }
}
