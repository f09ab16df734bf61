// Cohere's errors (docs: "Errors"): `{"message":…}`, with an `id` or without.

internal import Wire

enum CohereFault {
  static func read(_ body: Span<UInt8>, status: Int) -> ProviderFault {
    var fault = Fault.read(body, status: status)
    fault.code = nil
    // 498 is an invalid token of Cohere's own, and no status that clients know.
    fault.isAuthentication = status == 401 || status == 403 || status == 498
    if status == 498 { fault.status = 401 }
    return fault
  }
}
