// YAML, configurations, and the binary event streams of AWS.

import Config
import Kubernetes
import Wire

@Sendable func fuzzYAML(_ input: Input) -> String {
  let documents: [YAMLNode]
  do throws(YAMLFault) {
    documents = try exact(input.bytes) { bytes throws(YAMLFault) in try YAMLNode.parseAll(bytes) }
  } catch {
    checkPlace(error.position, input.bytes)
    expect(!error.message.isEmpty && isLine(error.message), "a fault has words, in one line")
    return "refused"
  }
  let texts = documents.map { $0.json() }
  for text in texts {
    let bytes = Array(text.utf8)
    var scanner = JSONScanner()
    do throws(JSONFault) {
      try scanner.feed(bytes.span)
      try scanner.finish()
    } catch {
      expect(false, "a document is JSON: \(error) in \(text)")
    }
    // JSON is YAML, and means the same as such.
    if bytes.count > 1 << 18 { continue }
    do throws(YAMLFault) {
      let again = try YAMLNode.parse(bytes.span)
      expect(again.json() == text, "JSON reads back as YAML: \(text) as \(again.json())")
    } catch {
      if case .keyTooLong = error.kind { continue }
      expect(false, "JSON can be read as YAML: \(error.message) in \(text)")
    }
  }
  return "[" + texts.joined(separator: ",") + "]"
}

private func checkPlace(_ position: Position, _ bytes: [UInt8]) {
  let lines = bytes.count { $0 == 0x0A || $0 == 0x0D }
  expect(
    position.line >= 1 && position.line <= lines + 2, "a fault stands on a line of the text: \(position)")
  expect(position.column >= 1 && position.column <= bytes.count + 2, "and in a column: \(position)")
}

@Sendable func fuzzConfig(_ input: Input) -> String {
  let environment = Environment(["HOME": "/root", "OPENAI_API_KEY": "sk-fuzz", "EMPTY": ""])
  let loaded = ConfigFile.decode(input.bytes, path: "remora.yaml", environment: environment)
  for problem in loaded.problems + loaded.warnings {
    if let position = problem.position { checkPlace(position, input.bytes) }
    expect(isLine(problem.description), "a problem is one line: \(problem.description)")
    expect(
      !problem.message.isEmpty && problem.message.utf8.count < 4096, "a problem is short: \(problem.message)")
    expect(!problem.message.contains("sk-fuzz"), "a problem holds no secret")
  }
  guard let settings = loaded.settings else {
    expect(!loaded.problems.isEmpty, "what is refused has a reason")
    return "refused"
  }
  // What is printed as holding holds: it can be read again, and says the same.
  let printed = settings.json()
  let again = ConfigFile.decode(Array(printed.utf8), path: "printed.json", environment: environment)
  guard let reread = again.settings else {
    expect(false, "what is printed can be read: \(again.problems.map(\.message)) in \(printed)")
    return ""
  }
  expect(reread.json() == printed, "what is printed says the same: \(printed) and \(reread.json())")
  return "accepted"
}

/// Whether nothing in `text` breaks a line, steers a terminal or is out of sight.
private func isLine(_ text: String) -> Bool {
  text.unicodeScalars.allSatisfy { scalar in
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse: false
    default: true
    }
  }
}

/// Mends the checksums of the messages that `bytes` are laid out as, so that more than noise gets past them.
private func mended(_ bytes: [UInt8]) -> [UInt8] {
  var bytes = bytes
  var at = 0
  func number(_ offset: Int) -> Int { (0..<4).reduce(0) { $0 << 8 | Int(bytes[offset + $1]) } }
  func put(_ value: UInt32, _ offset: Int) {
    for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * index)) }
  }
  while at + 16 <= bytes.count {
    // Lengths that can't be are left as they are, now and then; else they are brought into reach.
    if bytes[at] != 0xFF {
      put(UInt32(16 + number(at) % (bytes.count - at - 15)), at)
      put(UInt32(number(at + 4) % (number(at) - 15)), at + 4)
    }
    put(CRC32.of(bytes.span.extracting(at..<at + 8)), at + 8)
    let end = at + number(at)
    guard end <= bytes.count, number(at) >= 16 else { break }
    put(CRC32.of(bytes.span.extracting(at..<end - 4)), end - 4)
    at = end
  }
  return bytes
}

private func messages(_ pieces: [[UInt8]]) -> ([EventStreamMessage], EventStreamFault?) {
  var decoder = EventStreamDecoder()
  var pending: [UInt8] = []
  var messages: [EventStreamMessage] = []
  var from = 0
  do throws(EventStreamFault) {
    for piece in pieces {
      pending += piece
      while case .message(let message) = try exact(
        pending, { bytes throws(EventStreamFault) in try decoder.next(bytes, from: from) })
      {
        expect(
          message.whole.lowerBound == from && message.whole.upperBound <= pending.count, "one after the other"
        )
        for range in [
          message.payload, message.eventType, message.exceptionType, message.errorCode,
          message.errorMessage, message.contentType,
        ].compactMap(\.self) {
          expect(
            range.lowerBound >= from && range.upperBound <= message.whole.upperBound, "and each in its place")
        }
        messages.append(message)
        from = message.whole.upperBound
      }
    }
  } catch {
    return (messages, error)
  }
  return (messages, nil)
}

@Sendable func fuzzEventStream(_ input: Input) -> String {
  var numbers = input.numbers
  let bytes = numbers.next(below: 8) == 0 ? input.bytes : mended(input.bytes)
  let whole = messages([bytes])
  var cut = numbers.next(below: bytes.count + 1)
  let parts = messages([Array(bytes[..<cut]), Array(bytes[cut...])])
  expect(whole.0 == parts.0 && whole.1 == parts.1, "messages are the same in every cut")
  if bytes.count < 200 {
    let single = messages(bytes.map { [$0] })
    expect(single.0 == whole.0 && single.1 == whole.1, "and byte by byte")
  }
  // A bit that falls over is seen.
  if let first = whole.0.first {
    cut = numbers.next(below: first.whole.count)
    var spoilt = Array(bytes[first.whole])
    spoilt[cut] ^= 1 << UInt8(numbers.next(below: 8))
    expect(messages([spoilt]).0.isEmpty, "a message that was changed on its way is refused")
  }
  return "\(whole.0.count)"
}

@Sendable func fuzzInject(_ input: Input) -> String {
  func run(_ bytes: [UInt8], uninjects: Bool = false) -> InjectionReport {
    var order = InjectionOrder(settings: InjectionSettings(image: "remora:1"), version: "1")
    order.uninjects = uninjects
    return order.run(bytes)
  }
  let first = run(input.bytes)
  for message in first.messages {
    checkPlace(message.position, input.bytes)
    expect(!message.text.isEmpty && !message.text.contains("\n"), "a message is one line: \(message.text)")
  }
  if first.hasErrors { return "refused" }
  let second = run(first.output)
  expect(
    !second.hasErrors && second.output == first.output, "a second run changes nothing: \(text(first.output))")
  // What was there before the run, by somebody's own hand, is taken back too.
  if text(input.bytes).contains("remora.dev/injected") { return "injected" }
  expect(
    run(first.output, uninjects: true).output == input.bytes,
    "uninject gives the input back: \(text(first.output))")
  return "injected"
}
