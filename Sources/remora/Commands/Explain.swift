// `remora explain`: where a model's name leads, out of the tables that requests are routed with.

import Config
import Dialects
import Glibc
import Policy
import Proxy
import Wire

enum Explain {
  static func run(_ options: ExplainOptions) -> Int32 {
    let model = options.model
    let request: Request?
    do throws(FileFault) { request = try read(options) } catch {
      Console.error("\(options.body ?? ""): \(error.message)")
      return ExitStatus.bad
    }
    guard let (settings, catalogue) = Configuration.shown(options.config) else { return ExitStatus.bad }
    let router = Router(settings, catalogue)
    let asked = Array(model.utf8)
    var answers: [(routes: [Target], listeners: [String])] = []
    for (listener, entry) in zip(settings.listen, router.entries) {
      let targets = targets(router, asked, entry, listener, settings)
      if let known = answers.firstIndex(where: { $0.routes == targets }) {
        answers[known].listeners.append(listener.address.text)
      } else {
        answers.append((targets, [listener.address.text]))
      }
    }
    let live: LiveState?
    let now: String
    (live, now) = Self.live(options.admin ?? settings.admin)
    var isServed = false
    for answer in answers {
      let place = answers.count > 1 ? " at " + answer.listeners.joined(separator: ", ") : ""
      if answer.routes.isEmpty {
        Console.error("\(model)\(place): \(Self.nobody)")
      } else {
        isServed = true
        if !write(answer.routes, model + place, settings, live, request) { isServed = false }
      }
    }
    if isServed { Console.line("  \(Shown.line(now))") }
    return isServed ? ExitStatus.good : ExitStatus.bad
  }

  /// What a running proxy says, and from where that is.
  private static func live(_ admin: Config.Address) -> (state: LiveState?, line: String) {
    do throws(Failure) {
      let state = try LiveState(at: admin)
      return (state, "running   asked at \(state.address)")
    } catch {
      return (nil, "running   nothing is known, for none was found at \(admin.near.text): \(error.message)")
    }
  }

  private static let nobody =
    "no provider serves it, so a request gets 404 model_not_found; add it under 'models', ask for "
    + "PROVIDER/MODEL, or set default_provider"

  /// One place that serves the model, and why.
  private struct Target: Equatable {
    var provider: Int
    var model: String
    var reason: String
    /// What stands beside it, a line each.
    var notes: [String] = []
    /// What the catalogue knows of the model, as far as a request depends on it.
    var outputCeiling = 0
    var reasons: Bool?
  }

  /// A request that is to be shown.
  private struct Request {
    var body: [UInt8]
    /// Nil: where it looks to go.
    var endpoint: PreviewEndpoint?
  }

  /// The places that are asked, in order; none where the answer is 404.
  private static func targets(
    _ router: Router, _ asked: [UInt8], _ entry: RouterEntry, _ listener: ListenEntry, _ settings: Settings
  ) -> [Target] {
    let today = Today.day
    guard let plan = router.plan(asked.span, entry: entry, today: { today }) else { return [] }
    let forced = listener.model.map { "this listener serves '\($0)' whatever is asked; " } ?? ""
    var reason = forced + router.reason(asked.span, entry: entry, today: today)
    if plan.count > 1 || reason.hasSuffix("'models'") { reason += " (\(plan.pick.rawValue))" }
    return (0..<plan.count).map { place in
      let route = plan[place]
      let model =
        route.model.map { String(decoding: $0, as: UTF8.self) } ?? String(decoding: asked, as: UTF8.self)
      var target = Target(provider: route.providerIndex, model: model, reason: reason)
      let name = Array(model.utf8)
      let facts = route.facts ?? router.catalogue.facts(settings.providers[route.providerIndex], name.span)
      if let facts {
        target.notes = notes(facts)
        target.outputCeiling = facts.maximumOutput
        target.reasons = facts.abilities.contains(.reasoning)
      }
      if facts?.prices == nil, let note = ExplainedLimits.unpriced(settings, target.provider) {
        target.notes.append(note)
      }
      if plan.pick == .weighted { target.notes.append("weight    \(route.weight)") }
      if place == 0, let notice = plan.notice {
        for line in String(decoding: notice.fields, as: UTF8.self).split(whereSeparator: \.isNewline) {
          target.notes.append("says      \(line)")
        }
      }
      return target
    }
  }

  private static func notes(_ facts: ModelFacts) -> [String] {
    var notes: [String] = []
    if let prices = facts.prices {
      func dollars(_ rate: UInt64) -> String { "$" + Decimals.text(rate, places: 6) }
      var line =
        "price     \(dollars(prices.rates.input)) in, \(dollars(prices.rates.output)) out, "
        + "\(dollars(prices.rates.cachedInput)) cached, for a million tokens (\(facts.origin.rawValue)"
      if !prices.isVerified { line += ", of one source" }
      notes.append(line + ")")
      for tier in prices.tiers {
        notes.append(
          "          \(dollars(tier.rates.input)) in, \(dollars(tier.rates.output)) out above \(tier.above) tokens"
        )
      }
    }
    if facts.context > 0 { notes.append("context   \(facts.context) tokens") }
    return notes
  }

  private static let bodyCeiling = 64 << 20

  private static func read(_ options: ExplainOptions) throws(FileFault) -> Request? {
    guard let body = options.body else { return nil }
    return Request(body: try Input.read(body, ceiling: bodyCeiling), endpoint: options.endpoint)
  }

  /// - Returns: whether every target can be sent the request.
  private static func write(
    _ targets: [Target], _ title: String, _ settings: Settings, _ live: LiveState?, _ request: Request?
  ) -> Bool {
    var isGood = true
    Console.line(Shown.line(title))
    if let reason = targets.first?.reason { Console.line("  because   \(Shown.line(reason))") }
    for line in policies(settings) + ExplainedLimits.lines(settings) { Console.line("  \(Shown.line(line))") }
    for line in live?.limits ?? [] { Console.line("  left      \(Shown.line(line))") }
    for (number, target) in targets.enumerated() {
      let provider = settings.providers[target.provider]
      Console.line("  target \(number + 1)")
      Console.line("    provider  \(provider.name) (\(provider.kind.rawValue))")
      Console.line("    upstream  \(provider.baseURL?.text ?? "none: it answers inside Remora")")
      Console.line("    model     \(Shown.line(target.model))")
      for note in target.notes { Console.line("    \(Shown.line(note))") }
      if let live {
        let line = live.line(provider.name, target.model) ?? "in use"
        Console.line("    state     \(Shown.line(line))")
      }
      if let request, !preview(provider, target, request) { isGood = false }
    }
    return isGood
  }

  /// The policies that look at a request, in order: those of all, and of each group that has its own.
  private static func policies(_ settings: Settings) -> [String] {
    func list(_ names: [String]) -> String {
      var seen: Set<String> = []
      return names.filter { seen.insert($0).inserted }.map { name in
        guard let policy = settings.policies.first(where: { $0.name == name }) else { return name }
        if policy.kind == .auditLog { return "\(name) (writes \(policy.audit.file ?? ""))" }
        let answers = policy.answers == .pass ? "" : ", answers: \(policy.answers.rawValue)"
        return "\(name) (\(policy.kind.rawValue): \(policy.action.rawValue)\(answers))"
      }.joined(separator: ", ")
    }
    var lines: [String] = []
    if !settings.policyChain.isEmpty { lines.append("policies  \(list(settings.policyChain))") }
    for group in settings.consumers?.groups ?? [] where !group.policies.isEmpty {
      lines.append("policies  of group \(group.name): \(list(settings.policyChain + group.policies))")
    }
    return lines
  }

  /// Shows the request that `provider` would get for `request`; false where it can't be sent.
  private static func preview(_ provider: Config.Provider, _ target: Target, _ request: Request) -> Bool {
    if provider.kind == .mock {
      Console.line("    request   none: it is answered inside Remora")
      return true
    }
    do throws(PreviewFault) {
      var asked = PreviewTarget(provider, model: Array(target.model.utf8))
      asked.outputCeiling = target.outputCeiling
      asked.reasons = target.reasons
      let preview = try RequestPreview(asked, body: request.body, to: request.endpoint)
      Console.line("    request   \(preview.method) \(Shown.line(preview.target))")
      if provider.isShownAnything, let shown = provider.shownAs, !shown.name.isEmpty {
        Console.line("    header    \(shown.name): \(shown.prefix)***")
      }
      for header in provider.headers { Console.line("    header    \(shown(header))") }
      for line in preview.headers { Console.line("    header    \(Shown.line(line))") }
      if !preview.dropped.isEmpty { Console.line("    dropped   \(preview.dropped)") }
      Console.line("    body      \(shown(preview.body))")
      return true
    } catch {
      switch error {
      case .json(let fault):
        Console.error("the body is not valid JSON: \(fault.reason.message) at byte \(fault.offset)")
      case .request(let fault):
        Console.error("\(provider.name): 400 \(fault.parameter): \(fault.message)")
      case .noTokenCount:
        Console.error("\(provider.name): 404: the provider counts no tokens ahead of an answer")
      }
      return false
    }
  }

  /// The body in one line that steers no terminal, and is the same JSON: between tokens a line end is a blank, and in a
  /// text, where only those above ASCII can stand bare, what ends lines, steers or isn't seen is its escape.
  private static func shown(_ body: [UInt8]) -> String {
    var count = body.count
    while count > 0, body[count - 1] <= ASCII.space { count -= 1 }
    var result = String.UnicodeScalarView()
    for scalar in String(decoding: body[..<count], as: UTF8.self).unicodeScalars {
      if scalar.value < 0x20 {
        result.append(" ")
        continue
      }
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
          let digits = String(unit, radix: 16)
          result.append(
            contentsOf: "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".unicodeScalars)
        }
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  private static func shown(_ header: ProviderHeader) -> String {
    switch header.value {
    case .text(let text): Shown.line("\(header.name): \(text)")
    case .secret: "\(header.name): ***"
    }
  }
}
