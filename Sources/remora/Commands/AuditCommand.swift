// `remora audit verify`: whether an audit log still says what was written into it.

import Config
import Detect
import Glibc
import Policy
import Wire

enum AuditCommand {
  /// Bytes that are read at a time, and the most that a line may have.
  private static let piece = 64 * 1024

  /// Looks at the lines of `files`, one file behind the other.
  ///
  /// - Parameter key: the file that the log's key is in; nil: it has none.
  static func run(_ files: [String], key: String?) -> Int32 {
    var hash: KeyedHash?
    if let key {
      do throws(SecretFault) {
        hash = try Secret.load(.file(key), from: .current()).map { KeyedHash(key: $0.bytes) }
      } catch {
        Console.error("\(key): \(error.message)")
        return ExitStatus.bad
      }
    }
    var chain = AuditChain(key: hash)
    var lines = 0
    for file in files {
      do throws(Fault) { lines += try verify(file, &chain) } catch {
        Console.error("\(file)\(error.line > 0 ? ":\(error.line)" : ""): \(error.message)")
        return ExitStatus.bad
      }
    }
    guard lines > 0 else {
      Console.error("there is no line, so nothing can be said")
      return ExitStatus.bad
    }
    Console.line("\(lines) lines are whole, and the last one's seq is \(chain.sequence)")
    Console.line("whether more lines followed, only remora_audit_last_seq tells: it must not be higher")
    return ExitStatus.good
  }

  private struct Fault: Error {
    /// 0: it is the file's.
    var line = 0
    let message: String
  }

  private static func verify(_ file: String, _ chain: inout AuditChain) throws(Fault) -> Int {
    let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Fault(message: reason) }
    defer { close(descriptor) }
    var held = ByteQueue()
    var number = 0
    while true {
      var bytes = [UInt8](repeating: 0, count: piece)
      // SAFETY: the pointer and the count are those of `bytes`.
      let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Fault(message: reason) }
      if count == 0 { break }
      held.append(bytes.span.extracting(0..<count))
      try takeLines(&held, &number, file, &chain)
      guard held.count < piece else {
        throw Fault(line: number + 1, message: "it is no line of an audit log")
      }
    }
    guard held.isEmpty else { throw Fault(line: number + 1, message: "it is torn: its end is missing") }
    return number
  }

  private static func takeLines(
    _ held: inout ByteQueue, _ number: inout Int, _ file: String, _ chain: inout AuditChain
  ) throws(Fault) {
    while let end = lineEnd(held.bytes) {
      number += 1
      if let problem = chain.verify(held.bytes.extracting(0..<end)) {
        throw Fault(line: number, message: problem)
      }
      if let missing = AuditChain.gap(of: held.bytes.extracting(0..<end)) {
        Console.line("\(file):\(number): \(missing) lines were dropped before it")
      }
      held.consume(end + 1)
    }
  }

  private static func lineEnd(_ bytes: Span<UInt8>) -> Int? {
    for at in 0..<bytes.count where bytes[at] == ASCII.lf { return at }
    return nil
  }

  private static var reason: String { unsafe String(cString: strerror(errno)) }
}
