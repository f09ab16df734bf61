// What `remora explain` says of limits: those that are configured. How much of them is left only the running process
// knows (LiveState.swift).

import Config
import Wire

enum ExplainedLimits {
  /// The limits that a request has to keep: the pod's, and those of each group.
  static func lines(_ settings: Settings) -> [String] {
    var lines: [String] = []
    if let text = text(settings.limits) { lines.append("limits    of this pod: \(text)") }
    let shared = settings.limits.shared
    for group in settings.consumers?.groups ?? [] {
      guard let text = text(group.limits) else { continue }
      let place = shared.map { group.limits.isShareable ? ", with other pods at \($0.redis.text)" : "" } ?? ""
      lines.append("limits    of group \(group.name): \(text)\(place)")
    }
    return lines
  }

  /// What it means for budgets that a target has no price; nil where there is no budget, or nothing to pay.
  static func unpriced(_ settings: Settings, _ provider: Int) -> String? {
    if settings.providers[provider].kind == .mock { return nil }
    var owners = settings.limits.budget.map { $0.amount > 0 } == true ? ["this pod"] : []
    for group in settings.consumers?.groups ?? [] where (group.limits.budget?.amount ?? 0) > 0 {
      owners.append("group \(group.name)")
    }
    if owners.isEmpty { return nil }
    return
      "price     unknown, so that the budget of \(owners.joined(separator: ", ")) refuses it; add it to prices:"
  }

  private static func text(_ limits: Limits) -> String? {
    var parts: [String] = []
    if limits.requestsPerMinute > 0 { parts.append("\(limits.requestsPerMinute) requests a minute") }
    if limits.tokensPerMinute > 0 { parts.append("\(limits.tokensPerMinute) tokens a minute") }
    if limits.concurrentRequests > 0 { parts.append("\(limits.concurrentRequests) requests at once") }
    if let budget = limits.budget, budget.amount > 0 {
      parts.append("$\(Decimals.text(budget.amount, places: 6)) in \(budget.span)")
    }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }
}
