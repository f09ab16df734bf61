// `remora inject`: the sidecar put into manifests, from files or a pipe to stdout.

import Config
import Glibc
import Kubernetes
import Proxy
import Wire

enum Inject {
  static func run(_ options: InjectOptions) -> Int32 {
    var order = InjectionOrder(settings: options.settings, version: Version.remora)
    order.uninjects = options.uninjects
    order.isOptIn = options.isOptIn

    var output: [UInt8] = []
    var lines: [InjectionReport.Line] = []
    var search = ContainerSearch<String>()
    var hasErrors = false
    for file in options.files.isEmpty ? ["-"] : options.files {
      let name = file == "-" ? "stdin" : file
      do throws(FileFault) {
        let bytes = try Input.read(file, ceiling: InjectionOrder.sizeCeiling)
        let report = order.run(bytes)
        for message in report.messages { Console.error(message.line(in: name)) }
        search.add(report.search) { $0.line(in: name) }
        hasErrors = hasErrors || report.hasErrors
        lines += report.lines
        join(report.output, to: &output)
      } catch {
        Console.error("\(name): error: \(error.message)")
        hasErrors = true
      }
    }
    let mistakes = search.mistakes
    Console.errors(mistakes)
    if hasErrors || !mistakes.isEmpty { return ExitStatus.bad }
    if lines.isEmpty { Console.error("there is no Kubernetes object in the input") }
    let table = lines.map(\.text)
    if options.printsReportOnly {
      Console.write(table.map { Shown.line($0) + "\n" }.joined())
      return ExitStatus.good
    }
    Console.errors(table)
    if options.image == nil, lines.contains(where: { $0.fate == .injected }) {
      Console.error("no --image: pods without the annotation remora.dev/image get \(order.settings.image)")
    }
    return Console.write(output) ? ExitStatus.good : ExitStatus.bad
  }

  /// Puts streams one behind the other, as documents of one.
  private static func join(_ next: [UInt8], to output: inout [UInt8]) {
    if next.isEmpty { return }
    if output.isEmpty {
      output = next
      return
    }
    if output.last != UInt8(ascii: "\n") { output.append(UInt8(ascii: "\n")) }
    // A byte order mark may stand at a stream's beginning only.
    let next = next.starts(with: [0xEF, 0xBB, 0xBF]) ? next.dropFirst(3) : next[...]
    if next.first == UInt8(ascii: "%") {
      output += Array("...\n".utf8)
    } else if !next.starts(with: "---".utf8) {
      output += Array("---\n".utf8)
    }
    output += next
  }
}

extension InjectOptions {
  /// What pods get that don't say otherwise.
  var settings: InjectionSettings {
    var settings = InjectionSettings(image: image ?? InjectionSettings.placeholderImage(Version.remora))
    if let mode { settings.mode = mode }
    if let config { settings.config = config }
    if let secrets { settings.secrets = secrets }
    settings.containers = containers
    settings.setsVariables = setsVariables
    return settings
  }
}

extension InjectionReport.Message {
  /// The line as people and editors read it.
  func line(in file: String) -> String {
    "\(file):\(position.line):\(position.column): \(isError ? "error" : "warning"): \(text)"
  }
}

extension InjectionReport.Line {
  /// The line as people read it.
  var text: String {
    switch fate {
    case .injected: "injected \(object)" + (detail.isEmpty ? " (no variables)" : " (\(detail))")
    case .uninjected: "uninjected \(object)"
    case .kept: "unchanged \(object)" + (detail.isEmpty ? "" : ": \(detail)")
    case .skipped, .left: "\(fate.rawValue) \(object)" + (detail.isEmpty ? "" : ": \(detail)")
    }
  }
}
