// `remora probe`: asks the admin listener, for exec probes in images that have nothing else to ask with.

import Config
import Transport
import Wire

enum Probe {
  /// Under kubelet's own default of one second, it would not matter what was found.
  private static let patience = Duration.seconds(1)

  static func run(_ admin: Config.Address?, path: String) -> Int32 {
    let admin = (admin ?? Defaults.admin).near
    do throws(Failure) {
      var exchange = try PlainExchange.begin(PlainRequest(path: path), to: admin, until: .now + patience)
      try exchange.readAll()
      let answer = exchange.body.bytes.text().split(separator: "\n").first ?? ""
      if exchange.status == 200 {
        Console.line(Shown.line(String(answer)))
        return ExitStatus.good
      }
      Console.complain("\(admin.text)\(path): \(exchange.status) \(answer)")
    } catch { Console.complain("\(admin.text)\(path): \(error.message)") }
    return ExitStatus.bad
  }
}
