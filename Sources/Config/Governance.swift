// Who may ask, how much, under which policies, and what it costs.

/// Who may call, told apart by a header.
package struct Consumers: Sendable, Equatable {
  /// In lower case.
  package var header = "x-remora-key"
  /// Whether a request without a known key is refused.
  package var isRequired = false
  package var groups: [ConsumerGroup] = []

  package init() {}
}

package struct ConsumerGroup: Sendable, Equatable {
  package var name: String
  package var key: SecretSource
  /// Names, with `*` for any text; empty: every model.
  package var models: [String] = []
  package var limits = Limits()
  package var policies: [String] = []

  package init(name: String, key: SecretSource) {
    self.name = name
    self.key = key
  }
}

/// Ceilings of a pod or of a group; 0: none.
package struct Limits: Sendable, Equatable {
  package var requestsPerMinute = 0
  package var tokensPerMinute = 0
  package var concurrentRequests = 0
  package var budget: Budget?

  package init() {}
}

package struct Budget: Sendable, Equatable {
  /// In US dollars.
  package var amount: Double
  package var per: Duration

  package init(amount: Double, per: Duration) {
    self.amount = amount
    self.per = per
  }
}

package struct Policy: Sendable, Equatable {
  package enum Action: String, Sendable, Equatable, CaseIterable { case block, redact, report }
  package enum Entity: String, Sendable, Equatable, CaseIterable {
    case email, phone, ip, ssn, iban
    case creditCard = "credit_card"
  }
  package enum Rule: Sendable, Equatable {
    case personalData(action: Action, entities: [Entity])
    case promptInjection(action: Action)
    case auditLog(file: String, retention: Duration?)
  }

  package var name: String
  package var rule: Rule

  package init(name: String, rule: Rule) {
    self.name = name
    self.rule = rule
  }
}

/// What a model costs, in US dollars for a million tokens.
package struct Price: Sendable, Equatable {
  /// `provider/model`.
  package var target: String
  package var input: Double
  package var output: Double
  package var cachedInput: Double?

  package init(target: String, input: Double, output: Double, cachedInput: Double? = nil) {
    self.target = target
    self.input = input
    self.output = output
    self.cachedInput = cachedInput
  }
}
