// `remora version`: what this is, and what it was made with.

import Proxy
import Transport

enum VersionCommand {
  static func run() -> Int32 {
    // The library's own number, whose third part stays 0.
    let swift = "\(_SwiftStdlibVersion.current)".split(separator: ".").prefix(2).joined(separator: ".")
    Console.line("remora \(Version.remora) (Swift \(swift), \(TLSLibrary.version))")
    return ExitStatus.good
  }
}
