// `remora policy test`: what the configured policies find in a text, to tune them before they block.

import Config
import Detect
import Policy
import Wire

enum PolicyCommand {
  /// As much as a request may have.
  private static let ceiling = 64 << 20

  static func run(_ name: String?, config: String?) -> Int32 {
    // No provider is asked: neither must there be one, nor need the secrets be here.
    let loaded = Configuration.load(config, .current())
    guard var settings = loaded.settings ?? (loaded.file == nil ? Settings() : nil) else {
      for problem in loaded.problems { Console.error(problem.description) }
      return ExitStatus.bad
    }
    if settings.policies.isEmpty {
      Console.complain("no policy is configured: these are what the usual ones find")
      settings.policies = Config.Policy.usual
    }
    let names = settings.policies.filter { $0.kind != .auditLog }.map(\.name)
    if let name, !names.contains(name) {
      Console.complain(
        "no policy '\(Shown.text(name))' looks at texts; there are: \(names.joined(separator: ", "))")
      return ExitStatus.bad
    }
    let text: [UInt8]
    do throws(FileFault) { text = try Input.read("-", ceiling: ceiling) } catch {
      Console.complain("standard input \(error.message)")
      return ExitStatus.bad
    }
    do throws(PatternFault) {
      guard let chain = try PolicyBook.trial(settings, name, keys: [:]) else { return ExitStatus.good }
      show(text, chain)
    } catch {
      Console.complain(error.message)
      return ExitStatus.bad
    }
    return ExitStatus.good
  }

  private static func show(_ text: [UInt8], _ chain: PolicyChain) {
    var lines: [(start: Int, text: String)] = []
    Inspector().look(at: text.span, chain) { range, rule, name, score in
      let policy = chain.rules[rule]
      let isScore = policy.kind == .promptInjection
      let sureness = isScore ? "score \(score)" : "confidence 0.\(score < 10 ? "0" : "")\(score)"
      lines.append(
        (
          range.lowerBound,
          "\(place(range, text))  \(name)  \(policy.name): \(policy.action.rawValue)  "
            + (score == 100 ? "confidence 1.00" : sureness)
        ))
    }
    for line in lines.sorted(by: { $0.start < $1.start }) { Console.line(line.text) }
    if lines.isEmpty { Console.line("nothing found") }
  }

  /// Line and column of a place, and its bytes.
  private static func place(_ range: Range<Int>, _ text: [UInt8]) -> String {
    var line = 1
    var start = 0
    for at in 0..<range.lowerBound where text[at] == 0x0A {
      line += 1
      start = at + 1
    }
    let column = String(decoding: text[start..<range.lowerBound], as: UTF8.self).count + 1
    return "\(line):\(column)  bytes \(range.lowerBound)-\(range.upperBound)"
  }
}
