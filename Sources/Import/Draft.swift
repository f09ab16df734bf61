// The configuration that is being made, before its providers have names.

internal import Config
internal import Wire

/// A text, or the variable that holds it.
enum Setting: Hashable {
  case text(String)
  /// With what stands for it where it isn't set, so that the rest can be looked at all the same.
  case variable(String, default: String)

  var out: Out {
    switch self {
    case .text(let text): .text(text)
    case .variable(let name, let fallback): .variable(name, default: fallback)
    }
  }
}

/// Where a provider's key comes from.
enum KeySource: Hashable {
  case none, passthrough
  case variable(String)
  case file(String)
  /// It stands in the file itself: the place in the list of secrets.
  case literal(Int)

  /// Where AWS's own clients look first.
  static let awsVariables: [String: KeySource] = [
    "access_key_id": .variable("AWS_ACCESS_KEY_ID"), "secret_access_key": .variable("AWS_SECRET_ACCESS_KEY"),
  ]
}

/// A provider, told apart by all that decides where requests go and as whom.
struct ProviderDraft: Hashable {
  var kind: ProviderKind
  var baseURL: Setting?
  var key: KeySource?
  var token: KeySource?
  /// AWS: `access_key_id`, `secret_access_key`, `session_token`.
  var credentials: [String: KeySource] = [:]
  /// Google: a service account's file.
  var accountFile: Setting?
  var region: Setting?
  var project: Setting?
  var apiVersion: Setting?
  var organization: Setting?
  var headers: [String: HeaderDraft] = [:]
  var tls: [String: String] = [:]
  var hasResponses = false
  var publisher: String?

  enum HeaderDraft: Hashable {
    case text(String)
    case key(KeySource)
  }

  init(_ kind: ProviderKind) { self.kind = kind }

  /// Whether a key of its comes from a variable.
  var namesVariable: Bool {
    if case .variable? = key { return true }
    if case .variable? = token { return true }
    return false
  }
}

/// What is said of a provider beside.
struct ProviderFacts {
  /// What it would best be called.
  var hint: String
  var line: Int
  var firstByte: Double?
  var idle: Double?
  /// The name that it has in the file, which goes before all others.
  var givenName: String?
}

struct TargetDraft: Equatable {
  /// Which model of which provider.
  struct Place: Hashable {
    let provider: Int
    let model: String
  }

  var provider: Int
  var model: String
  var weight: Int?

  var place: Place { Place(provider: provider, model: model) }
}

struct ModelDraft {
  var name: String
  var targets: [TargetDraft]
  var pick: ModelEntry.Pick = .ordered
  var comments: [String] = []
}

struct ListenDraft {
  var address: String
  var tls: [String: String] = [:]
  var provider: Int?
  /// A model of `provider`, or the name of an entry of `models`.
  var model: String?
}

struct PolicyDraft {
  var name: String
  var kind: Policy.Kind
  var action: Policy.Action?
  var answers: Policy.Answers?
  var members: [Out.Member] = []
  var isInChain = true
  var comments: [String] = []
}

/// Where traces go.
struct TracesDraft {
  var endpoint: Setting
  var sample: String?
  var headers: [String: ProviderDraft.HeaderDraft] = [:]
}

/// What counts limits for several processes.
struct SharedDraft {
  var redis: Setting
  var user: String?
  var password: KeySource?
}

struct LimitsDraft {
  var shared: SharedDraft?
  var requests: Int?
  var tokens: Int?
  var concurrent: Int?
  var budget: (amount: String, per: String)?
}

struct Draft {
  var listen: [ListenDraft] = []
  var admin: String?
  private(set) var providers: [ProviderDraft] = []
  private var places: [ProviderDraft: Int] = [:]
  var facts: [ProviderFacts] = []
  var defaultProvider: Int?
  var models: [ModelDraft] = []
  var attempts: Int?
  var fallsBackOnFilter = false
  var limits = LimitsDraft()
  var policies: [PolicyDraft] = []
  /// What has a price.
  var priced: Set<TargetDraft.Place> = []
  var prices: [(target: TargetDraft, members: [Out.Member])] = []
  var maxBody: String?
  var allowedOrigins: [String] = []
  var level: String?
  var traces: TracesDraft?
  var consumersHeader: String?
  /// Parts that are written where this build knows their key, and as a comment elsewhere.
  var optional: [Optional] = []

  struct Optional {
    /// `cache.size`: what must be there.
    let needs: String
    let member: Out.Member
  }

  /// The place of a provider in the list, which it joins if it is new.
  mutating func add(_ provider: ProviderDraft, _ facts: ProviderFacts) -> Int {
    if let index = places[provider] {
      // One wait for all of its models: the longest.
      self.facts[index].firstByte = Self.longest(self.facts[index].firstByte, facts.firstByte)
      self.facts[index].idle = Self.longest(self.facts[index].idle, facts.idle)
      return index
    }
    places[provider] = providers.count
    providers.append(provider)
    self.facts.append(facts)
    return providers.count - 1
  }

  private static func longest(_ left: Double?, _ right: Double?) -> Double? {
    guard let left, let right else { return left ?? right }
    return max(left, right)
  }

  /// A name that no policy has yet.
  func policyName(_ wanted: String) -> String {
    let valid = wanted.lowercased().map {
      $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "-"
    }
    let base = String(String(valid).prefix(48))
    return Self.free(base.isEmpty ? "policy" : base) { name in policies.contains { $0.name == name } }
  }

  static func free(_ base: String, _ isTaken: (String) -> Bool) -> String {
    var name = base
    var number = 2
    while isTaken(name) {
      name = "\(base)-\(number)"
      number += 1
    }
    return name
  }
}

extension Draft {
  /// What stands in a note for a provider's name, which is found only when all models are known.
  static func mark(_ provider: Int) -> String { "\u{1}\(provider)\u{1}" }

  /// A note's reason with the names of providers.
  static func named(_ reason: String, _ names: [String]) -> String {
    guard reason.contains("\u{1}") else { return reason }
    let parts = reason.split(separator: "\u{1}", omittingEmptySubsequences: false).enumerated().map {
      index, part in
      index.isMultiple(of: 2) ? String(part) : Int(part).flatMap { $0 < names.count ? names[$0] : nil } ?? ""
    }
    return parts.joined()
  }

  /// A name for each provider: its kind's, unless a model's name would be read as a model of that provider's.
  func names() -> [String] {
    var names: [String] = []
    var taken: Set<String> = []
    // The number that a name was given last, so that many alike aren't tried anew each.
    var numbers: [String: Int] = [:]
    let prefixed = Dictionary(grouping: models.filter { $0.name.contains("/") }) { model in
      model.name.prefix { $0 != "/" }
    }
    for (index, provider) in providers.enumerated() {
      let base = facts[index].givenName ?? facts[index].hint
      var name = base
      var number = numbers[base] ?? 2
      while taken.contains(name) || Schema.offers(name) || isMisread(name, index, prefixed) {
        name = "\(base)-\(number)"
        number += 1
      }
      if name != base { numbers[base] = number }
      if name.utf8.count > 64 { name = "\(provider.kind.rawValue)-\(index)" }
      taken.insert(name)
      names.append(name)
    }
    return names
  }

  /// Whether a model's name that begins with `name/` means something else than that model of provider `index`.
  ///
  /// - Parameter models: those with a slash in their name, by what stands before it.
  private func isMisread(_ name: String, _ index: Int, _ models: [Substring: [ModelDraft]]) -> Bool {
    (models[name[...]] ?? []).contains { !pins($0, name, index) }
  }

  /// Whether an entry says no more than that provider `index`, called `name`, has the model.
  func pins(_ model: ModelDraft, _ name: String, _ index: Int) -> Bool {
    guard model.targets.count == 1, let target = model.targets.first, target.provider == index else {
      return false
    }
    return model.name == name + "/" + target.model
  }
}
