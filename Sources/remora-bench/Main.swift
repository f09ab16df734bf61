// The benchmark's own program: the provider behind the proxies, the clients in front of them, and the table.
//
//   remora-bench upstream --directory DIR            a provider behind TLS, and the same without
//   remora-bench closed --port P --connections N …   each client sends its next request when it has its answer
//   remora-bench paced --port P --rate R …           requests at fixed instants, whatever the answers do
//   remora-bench hold --port P --connections N …     opens connections or streams and keeps them open
//   remora-bench ballast                             keeps a processor busy
//   remora-bench report FILE [PROXY]                 measurements to Markdown, with ratios to that proxy (nginx)
//
// Each load prints one line of JSON. Tests/Bench/bench.py starts the processes and decides what is measured.

import Glibc
import Transport

@main
struct Main {
  static func main() {
    ProcessSettings.leanAllocator()
    _ = ProcessSettings.raiseDescriptorLimit()
    let words = Array(CommandLine.arguments.dropFirst())
    do throws(UsageFault) { exit(try run(words)) } catch {
      Output.complain(error.message)
      exit(2)
    }
  }

  private static func run(_ words: [String]) throws(UsageFault) -> Int32 {
    guard let mode = words.first else { throw UsageFault("upstream, closed, paced, hold or report?") }
    let rest = Array(words.dropFirst())
    switch mode {
    case "upstream": return Upstream.run(try Options(rest, knowing: Upstream.options))
    case "closed": return Load.run(.closed, try Options(rest, knowing: Load.options))
    case "paced": return Load.run(.paced, try Options(rest, knowing: Load.options))
    case "hold": return Load.run(.hold, try Options(rest, knowing: Load.options))
    case "ballast": return ballast()
    case "report":
      guard let path = rest.first, rest.count <= 2 else { throw UsageFault("report FILE [PROXY]") }
      return Report.run(path, against: rest.count == 2 ? rest[1] : "nginx")
    default: throw UsageFault("unknown mode '\(mode)'")
    }
  }

  /// Takes what a processor has to give, until stdin ends: whoever shares it is never without work.
  private static func ballast() -> Int32 {
    let isRunning = Thread.detached {
      Input.waitForEnd()
      exit(0)
    }
    var turns: UInt64 = 0
    while isRunning { turns &+= 1 }
    return 1
  }
}
