// `remora version`: what this is, and what it was made with.

import Proxy
import Transport

enum VersionCommand {
  static func run() -> Int32 {
    // The library's own number, whose third part stays 0.
    let swift = "\(_SwiftStdlibVersion.current)".split(separator: ".").prefix(2).joined(separator: ".")
    let revision = Version.revision.isEmpty ? "" : "revision \(Version.revision.prefix(12)), "
    Console.line("remora \(Version.remora) (\(revision)Swift \(swift), \(TLSLibrary.version))")
    return ExitStatus.good
  }
}
