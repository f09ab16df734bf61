// What policies found in one request, counted: for the header, the metrics, the log and the client's error. Names of
// kinds and rules, and numbers; never a value.

internal import Config

/// Whose words a finding is in.
package enum PolicySide: Sendable, CaseIterable {
  case request, answer

  package var name: StaticString {
    switch self {
    case .request: "request"
    case .answer: "answer"
    }
  }
}

/// One policy's findings of one kind.
package struct PolicyFinding: Sendable, Equatable {
  /// The policy's place in the chain.
  package var rule: Int
  /// `email`, or a pattern's name, a credential's, or an injection's.
  package var name: String
  package var count: Int
  package var side = PolicySide.request
  /// The highest score, where there is one.
  package var score: Int?
}

/// All findings of a request.
package struct PolicyTally: Sendable {
  /// Kinds that are told apart; what more there is counts as the last one.
  private static let ceiling = 64

  package private(set) var findings: [PolicyFinding] = []
  /// The texts' bytes that were looked at.
  package var scanned = 0

  package init() {}

  package mutating func add(
    _ rule: Int, _ name: @autoclosure () -> String, _ side: PolicySide = .request, score: Int? = nil
  ) {
    let name = name()
    if let at = findings.firstIndex(where: { $0.rule == rule && $0.side == side && $0.name == name }) {
      findings[at].count += 1
      if let score { findings[at].score = max(score, findings[at].score ?? score) }
    } else if findings.count < Self.ceiling {
      findings.append(PolicyFinding(rule: rule, name: name, count: 1, side: side, score: score))
    }
  }

  package mutating func removeAll() {
    findings.removeAll(keepingCapacity: true)
    scanned = 0
  }

  /// How much the policy at `rule` found.
  package func count(_ rule: Int) -> Int { findings.reduce(0) { $1.rule == rule ? $0 + $1.count : $0 } }

  /// How much it found on one side.
  package func count(_ rule: Int, _ side: PolicySide) -> Int {
    findings.reduce(0) { $1.rule == rule && $1.side == side ? $0 + $1.count : $0 }
  }

  /// `1 credit_card and 2 email`
  func list(_ rule: Int) -> String {
    let parts = findings.filter { $0.rule == rule }.map { "\($0.count) \($0.name)" }
    guard let last = parts.last, parts.count > 1 else { return parts.first ?? "" }
    return parts.dropLast().joined(separator: ", ") + " and " + last
  }

  /// What `x-remora-policies` says: `pii;redact=3, injection;report=1`, and `pii;answer-redact=1` of what the model says.
  package func header(_ chain: PolicyChain) -> String {
    if findings.isEmpty { return chain.header }
    return chain.rules.indices.map { at in
      let rule = chain.rules[at]
      let (asked, said) = (count(at, .request), count(at, .answer))
      return rule.name + (asked > 0 ? ";\(rule.action.rawValue)=\(asked)" : "")
        + (said > 0 ? ";answer-\(rule.answers.rawValue)=\(said)" : "")
    }.joined(separator: ", ")
  }

  /// What the access log says: `pii:redact:email=2,phone=1`, and `pii:answer-redact:email=1` of what the model says.
  package func lines(_ chain: PolicyChain) -> [String] {
    if findings.isEmpty { return [] }
    return chain.rules.indices.flatMap { at in
      PolicySide.allCases.compactMap { line(chain.rules[at], at, $0) }
    }
  }

  private func line(_ rule: PolicyRule, _ at: Int, _ side: PolicySide) -> String? {
    let found = findings.filter { $0.rule == at && $0.side == side }
    if found.isEmpty { return nil }
    let list = found.map { rule.kind == .promptInjection ? $0.name : "\($0.name)=\($0.count)" }
    let mark = side == .answer ? "answer-" : ""
    return "\(rule.name):\(mark)\(rule.action(on: side)):\(list.joined(separator: ","))"
  }
}
