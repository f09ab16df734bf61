// What a chat's body wants of a gateway beside an answer, in the words of other gateways' clients (Dialects/
// GatewayMembers.swift): which targets not, how many tries, how long; and whose request it is.

internal import Dialects
internal import Policy
internal import Telemetry
internal import Transport
internal import Wire

/// What a request wants of a gateway. The operator's own word goes before it: nothing here allows more.
struct Wishes {
  var wantsNoFallback = false
  var excludedProviders: [[UInt8]] = []
  var excludedModels: [[UInt8]] = []
  /// Models that may serve in the place of the one that is asked for.
  var models: [[UInt8]] = []
  /// Tries at most.
  var attempts: Int?
  /// No answer that is kept, and none to be kept.
  var wantsNoCache = false
  /// Answers that are kept may be so old, in nanoseconds.
  var cacheAge: UInt64?
  /// Customers aren't given each other's answers.
  var cachesByCustomer = false
  /// The answer shall say what it has taken (Breakdown.swift).
  var wantsBreakdown = false
  /// Milliseconds until the client gives up.
  var timeout: UInt64?
}

extension Ask {
  /// Names of a list that are read, and bytes of each.
  private static let mostNames = 32
  private static let longestName = 256

  /// Reads them.
  ///
  /// - Throws: where the body holds credentials of providers, which nobody but the operator gives.
  func readWishes() throws(Refusal) {
    guard body.isJSON, !body.isFollowed, Noticed(body.scanner).contains(.gateway) else { return }
    guard target.isFullService else { return }
    let isChat = target.endpoint == .chatCompletions
    var wishes = Wishes()
    // SAFETY: while it is in use, nothing changes the queue.
    let bytes = unsafe body.bytes.view
    var members = JSONObjectCursor(bytes, 0..<bytes.count)
    while let member = members.next() {
      guard member.kind != .null, let known = GatewayMember(bytes, member.key) else { continue }
      // The others are of chats alone.
      if !isChat, known != .requestBreakdown { continue }
      try read(known, member.value, member.kind, &wishes)
    }
    remarks.wishes = wishes
  }

  private func read(
    _ member: GatewayMember, _ value: Range<Int>, _ kind: JSONKind, _ wishes: inout Wishes
  ) throws(Refusal) {
    // SAFETY: while it is in use, nothing changes the queue.
    let bytes = unsafe body.bytes.view
    switch member {
    case .disableFallback: wishes.wantsNoFallback = kind == .true
    case .cacheEnabled: wishes.wantsNoCache = kind == .false
    case .cacheTTL: wishes.cacheAge = Decimals.read(bytes.extracting(value), places: 9)
    case .cacheOptions:
      guard kind == .object else { return }
      wishes.cachesByCustomer =
        JSONView.value(bytes, in: value, at: "cache_by_customer").flatMap { JSONValue.bool(bytes, $0) }
        ?? false
    case .requestBreakdown: wishes.wantsBreakdown = kind == .true
    case .excludeProviders: wishes.excludedProviders = names(value, kind)
    case .excludeModels: wishes.excludedModels = names(value, kind)
    case .models: wishes.models = Array(names(value, kind).prefix(5))
    case .timeout: wishes.timeout = Decimals.read(bytes.extracting(value), places: 3)
    case .retryParams:
      guard kind == .object else { return }
      if let count = JSONView.value(bytes, in: value, at: "num_retries").flatMap({
        JSONValue.integer(bytes, $0)
      }) {
        wishes.attempts = min(max(count, 0), 100) + 1
      }
      if let isOn = JSONView.value(bytes, in: value, at: "retry_enabled"),
        JSONValue.bool(bytes, isOn) == false
      {
        wishes.attempts = 1
      }
    case .credentialOverride, .customerCredentials: throw Self.credentials("\(member.name)")
    case .loadBalanceModels:
      guard kind == .array else { return }
      var elements = JSONArrayCursor(bytes, value)
      while let element = elements.next() {
        if JSONView.value(bytes, in: element.value, at: "credentials") != nil {
          throw Self.credentials("load_balance_models")
        }
      }
    case .sessionIdentifier: attribute(value, kind, to: \.thread)
    case .traceGroupIdentifier: attribute(value, kind, to: \.group)
    case .customerParams:
      guard kind == .object, let id = JSONView.value(bytes, in: value, at: "customer_identifier") else {
        return
      }
      attribute(id, JSONView.kind(bytes, id) ?? .null, to: \.customer)
    case .customIdentifier: attributeCustom(value, kind)
    default: break
    }
  }

  private static func credentials(_ parameter: String) -> Refusal {
    .invalidValue(
      "'\(parameter)' holds credentials; providers' keys are in Remora's configuration, and never in a request.",
      parameter: parameter)
  }

  /// The names of a list, or of one text.
  private func names(_ value: Range<Int>, _ kind: JSONKind) -> [[UInt8]] {
    // SAFETY: while it is in use, nothing changes the queue.
    let bytes = unsafe body.bytes.view
    var names: [[UInt8]] = []
    func add(_ text: Range<Int>) {
      guard text.count <= Self.longestName, JSONView.kind(bytes, text) == .string else { return }
      var name = ByteQueue()
      JSONString.decode(bytes, text, into: &name)
      if !name.isEmpty { names.append(name.bytes.array()) }
    }
    if kind == .string { add(value) }
    guard kind == .array else { return names }
    var elements = JSONArrayCursor(bytes, value)
    while let element = elements.next(), names.count < Self.mostNames { add(element.value) }
    return names
  }

  /// Leaves out of `plan` what the client doesn't want.
  func wished(_ plan: Plan) throws(Refusal) -> Plan {
    guard let wishes = remarks.wishes, !wishes.excludedProviders.isEmpty || !wishes.excludedModels.isEmpty
    else { return plan }
    let left = plan.without { route in
      let provider = Array(lineup.snapshot.upstreams[route.providerIndex].name.utf8)
      return wishes.excludedProviders.contains(provider)
        || wishes.excludedModels.contains(route.model ?? model.array())
    }
    guard let left else {
      throw .invalidValue(
        "'exclude_providers' and 'exclude_models' leave no target for the model '\(Self.shown(model.text()))'.",
        parameter: "exclude_providers")
    }
    return left
  }
}
