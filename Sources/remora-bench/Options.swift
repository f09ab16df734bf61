// What was typed, and what is said back.

import Glibc
import Wire

/// Wrong usage, in words.
struct UsageFault: Error {
  let message: String
  init(_ message: String) { self.message = message }
}

/// `--name value` pairs.
struct Options {
  private var values: [String: String] = [:]

  init(_ words: [String], knowing names: Set<String>) throws(UsageFault) {
    var rest = words[...]
    while let name = rest.popFirst() {
      guard names.contains(name) else { throw UsageFault("unknown option '\(name)'") }
      guard let value = rest.popFirst() else { throw UsageFault("\(name) needs a value") }
      values[name] = value
    }
  }

  func text(_ name: String) -> String? { values[name] }

  /// A whole number that isn't negative, at most a billion so that no sum of a few can overflow.
  func number(_ name: String, default usual: Int) -> Int {
    guard let text = values[name], let number = Int(text), number >= 0 else { return usual }
    return min(number, 1_000_000_000)
  }
}

enum Output {
  static func line(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

  static func complain(_ text: String) { write("remora-bench: " + text + "\n", to: STDERR_FILENO) }

  private static func write(_ text: String, to descriptor: Int32) {
    var queue = ByteQueue()
    queue.append(text)
    while !queue.isEmpty {
      // SAFETY: the pointer and the count are those of the queue, which isn't changed meanwhile.
      let count = unsafe Glibc.write(descriptor, queue.unsafeBytes.baseAddress, queue.count)
      if count > 0 { queue.consume(count) } else if errno != EINTR { return }
    }
  }
}

enum Input {
  /// Waits until stdin ends: whoever started this process wants it to go.
  static func waitForEnd() {
    var byte: UInt8 = 0
    // SAFETY: one byte is read into one byte.
    while unsafe read(STDIN_FILENO, &byte, 1) != 0 {}
  }

  /// A whole file, at most 16 MiB of it; nil if it can't be read.
  static func file(_ path: String) -> [UInt8]? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var queue = ByteQueue()
    while queue.count < 16 << 20 {
      let room = unsafe queue.spare(65536)
      // SAFETY: the pointer and the count are those of the room.
      let count = unsafe read(descriptor, room.baseAddress, room.count)
      if count < 0 { return nil }
      if count == 0 { break }
      queue.commit(count)
    }
    return queue.array()
  }
}
