// What libFuzzer calls. One program holds every target; REMORA_FUZZ names the one that runs.
//
// A target doesn't only have to survive: it says the same of its input whole and in pieces, and what it writes
// must be read back as what was meant. With REMORA_FUZZ_JUDGE=1 it also prints what it makes of each input, a line
// each, for compare.py to hold against other people's parsers.

import Glibc
import Wire

/// An input: four bytes that say how it is cut, then what is read.
struct Input {
  let bytes: [UInt8]
  private let seed: UInt64

  init(_ data: UnsafeBufferPointer<UInt8>) {
    var seed: UInt64 = 0
    for index in 0..<4 where index < data.count { seed = seed << 8 | UInt64(data[index]) }
    self.seed = seed
    bytes = Array(data.dropFirst(4))
  }

  /// Numbers that the input chose; the same ones at each call.
  var numbers: Numbers { Numbers(state: seed | 1 << 40) }

  /// The bytes in pieces: byte by byte where the input says nothing, else in up to five.
  var pieces: [[UInt8]] {
    if seed == 0 { return bytes.map { [$0] } }
    var numbers = self.numbers
    let cuts = (0..<numbers.next(below: 4) + 1).map { _ in numbers.next(below: bytes.count + 1) }.sorted()
    var pieces: [[UInt8]] = []
    var from = 0
    for cut in cuts + [bytes.count] {
      pieces.append(Array(bytes[from..<cut]))
      from = cut
    }
    return pieces
  }
}

/// xorshift64*.
struct Numbers {
  fileprivate var state: UInt64

  mutating func next(below limit: Int) -> Int {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return Int((state &* 0x2545_F491_4F6C_DD1D) >> 33) % max(limit, 1)
  }
}

/// Ends the process with a word, which libFuzzer takes for a crash and keeps the input.
func expect(_ holds: Bool, _ promise: @autoclosure () -> String) {
  if holds { return }
  complain("broken promise: \(promise())\n")
  abort()
}

private func complain(_ message: String) { message.withCString { _ = write(2, $0, strlen($0)) } }

/// Hands `bytes` over in memory that ends where they end, so that the sanitizer sees a read behind them.
func exact<Result, Fault: Error>(
  _ bytes: [UInt8], _ body: (Span<UInt8>) throws(Fault) -> Result
) throws(Fault) -> Result {
  let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
  defer { copy.deallocate() }
  _ = copy.initialize(from: bytes)
  return try body(Span(_unsafeElements: UnsafeBufferPointer(copy)))
}

func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  var result = ""
  for byte in bytes {
    result += String(byte >> 4, radix: 16)
    result += String(byte & 15, radix: 16)
  }
  return result
}

let targets: [String: @Sendable (Input) -> String] = [
  "request": fuzzRequest, "response": fuzzResponse, "chunked": fuzzChunked, "sse": fuzzEvents,
  "json": fuzzScanner, "splice": fuzzSplice, "eventstream": fuzzEventStream, "yaml": fuzzYAML,
  "config": fuzzConfig, "coding": fuzzCoding, "inject": fuzzInject, "resp": fuzzReplies,
]

private let target: @Sendable (Input) -> String = {
  let name = getenv("REMORA_FUZZ").map { String(cString: $0) } ?? ""
  guard let target = targets[name] else {
    complain("REMORA_FUZZ names none of \(targets.keys.sorted().joined(separator: ", "))\n")
    exit(2)
  }
  return target
}()
private let judges = getenv("REMORA_FUZZ_JUDGE") != nil

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let verdict = target(Input(UnsafeBufferPointer(start: data, count: count)))
  if judges {
    print(verdict)
    fflush(nil)
  }
  return 0
}
