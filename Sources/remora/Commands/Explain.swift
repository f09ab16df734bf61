// `remora explain`: where a model's name leads, out of the tables that requests are routed with.

import Config
import Policy

enum Explain {
  static func run(_ model: String, config: String?) -> Int32 {
    let loaded = Configuration.load(config, .current())
    guard let settings = loaded.settings else {
      for problem in loaded.problems { Console.error(problem.description) }
      return ExitStatus.bad
    }
    let router = Router(settings)
    let asked = Array(model.utf8)
    var answers: [(routes: [Target], listeners: [String])] = []
    for (listener, entry) in zip(settings.listen, router.entries) {
      let targets = targets(router.resolve(asked.span, entry: entry), model, listener, settings)
      if let known = answers.firstIndex(where: { $0.routes == targets }) {
        answers[known].listeners.append(listener.address.text)
      } else {
        answers.append((targets, [listener.address.text]))
      }
    }
    var isServed = false
    for answer in answers {
      let place = answers.count > 1 ? " at " + answer.listeners.joined(separator: ", ") : ""
      if answer.routes.isEmpty {
        Console.error("\(model)\(place): \(Self.nobody)")
      } else {
        isServed = true
        write(answer.routes, model + place, settings)
      }
    }
    return isServed ? ExitStatus.good : ExitStatus.bad
  }

  private static let nobody =
    "no provider serves it, so a request gets 404 model_not_found; add it under 'models', ask for "
    + "PROVIDER/MODEL, or set default_provider"

  /// One place that serves the model, and why.
  private struct Target: Equatable {
    var provider: Int
    var model: String
    var reason: String
  }

  /// The places that are asked, in order; none where the answer is 404.
  private static func targets(
    _ route: Route?, _ model: String, _ listener: ListenEntry, _ settings: Settings
  ) -> [Target] {
    guard let route else { return [] }
    let name = listener.model ?? model
    let forced = listener.model.map { "this listener serves '\($0)' whatever is asked; " } ?? ""
    if let entry = settings.model(name), !route.isPinned {
      return entry.targets.compactMap { target in
        guard let provider = settings.providers.firstIndex(where: { $0.name == target.provider }) else {
          return nil
        }
        return Target(
          provider: provider, model: target.model,
          reason: forced + "an entry of 'models' (\(entry.pick.rawValue))")
      }
    }
    let upstream = route.model.map { String(decoding: $0, as: UTF8.self) } ?? model
    let reason: String
    if route.isPinned {
      reason = "the name pins the provider"
    } else if listener.defaultProvider != nil {
      reason = "the listener's default_provider"
    } else {
      reason = "default_provider"
    }
    return [Target(provider: route.providerIndex, model: upstream, reason: forced + reason)]
  }

  private static func write(_ targets: [Target], _ title: String, _ settings: Settings) {
    Console.line(Console.oneLine(title))
    if let reason = targets.first?.reason { Console.line("  because   \(Console.oneLine(reason))") }
    for (number, target) in targets.enumerated() {
      let provider = settings.providers[target.provider]
      Console.line("  target \(number + 1)")
      Console.line("    provider  \(provider.name) (\(provider.kind.rawValue))")
      Console.line("    upstream  \(provider.baseURL?.text ?? "none: it answers inside Remora")")
      Console.line("    model     \(Console.oneLine(target.model))")
    }
  }
}
