// What the kernel said no to, as a value with the call's name.

internal import Glibc

/// A system call that failed: which one, and `errno`.
package struct SystemFault: Error, Equatable, Sendable, CustomStringConvertible {
  package let call: StaticString
  package let code: Int32
  /// What is wrong and what to do, where the code alone would lead astray.
  private let advice: StaticString?

  package init(_ call: StaticString, _ code: Int32, advice: StaticString? = nil) {
    self.call = call
    self.code = code
    self.advice = advice
  }

  /// The fault of the call that has just returned -1.
  package static func last(_ call: StaticString) -> SystemFault { SystemFault(call, errno) }

  /// The kernel's own words for the code, or better ones.
  package var reason: String {
    if let advice { return "\(advice)" }
    return unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
  }

  package var description: String { "\(call): \(reason)" }

  package static func == (left: SystemFault, right: SystemFault) -> Bool {
    left.code == right.code && left.call.description == right.call.description
  }

  package var isAddressInUse: Bool { code == EADDRINUSE }
  package var isAddressMissing: Bool { code == EADDRNOTAVAIL || code == EAFNOSUPPORT }
}

/// Repeats a call for as long as a signal interrupts it.
@inline(__always)
func retrying(_ call: () -> Int) -> Int {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}
