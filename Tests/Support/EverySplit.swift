// The ways a byte stream can be cut, so that every byte-level fixture is fed in all of them.

/// The cuts of `bytes`: whole, byte by byte, and in two at every position.
package struct EverySplit: Sequence {
  package let bytes: [UInt8]
  package init(_ bytes: [UInt8]) { self.bytes = bytes }
  package init(_ text: String) { self.bytes = Array(text.utf8) }

  package func makeIterator() -> AnyIterator<[[UInt8]]> {
    let bytes = self.bytes
    var step = 0
    return AnyIterator {
      defer { step += 1 }
      switch step {
      case 0: return [bytes]
      case 1: return bytes.map { [$0] }
      default:
        let cut = step - 1
        guard cut < bytes.count else { return nil }
        return [Array(bytes[..<cut]), Array(bytes[cut...])]
      }
    }
  }
}
