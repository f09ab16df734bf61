// What clients of other gateways send in a chat's body beside OpenAI's own members (the keywordsai SDK's parameters, LiteLLM's
// and their like): some steer Remora too, some would be another request without what they ask for, the rest says nothing
// to a provider, and OpenAI refuses what it doesn't know.

internal import Wire

/// A member of another gateway's API.
package enum GatewayMember: UInt8, CaseIterable, Sendable {
  case disableFallback, excludeProviders, excludeModels, models, retryParams, timeout, requestBreakdown
  case sessionIdentifier, traceGroupIdentifier, customIdentifier, customerParams
  case loadBalanceModels, credentialOverride, customerCredentials
  case promptID, variables
  case cacheEnabled, cacheTTL, cacheOptions, disableLog, isLogOmitted, mockResponse
  case loadBalanceGroup, extraHeaders, fieldName, delimiter
  case evalParams, forEval, positiveFeedback, posthogIntegration, mem0Params, linkupParams, modaParams, isTest
  case environment, note, category

  package var name: StaticString {
    switch self {
    case .disableFallback: "disable_fallback"
    case .excludeProviders: "exclude_providers"
    case .excludeModels: "exclude_models"
    case .models: "models"
    case .retryParams: "retry_params"
    case .timeout: "timeout"
    case .sessionIdentifier: "session_identifier"
    case .traceGroupIdentifier: "trace_group_identifier"
    case .customIdentifier: "custom_identifier"
    case .customerParams: "customer_params"
    case .loadBalanceModels: "load_balance_models"
    case .credentialOverride: "credential_override"
    case .customerCredentials: "customer_credentials"
    case .promptID: "prompt_id"
    case .variables: "variables"
    case .cacheEnabled: "cache_enabled"
    case .cacheTTL: "cache_ttl"
    case .cacheOptions: "cache_options"
    case .requestBreakdown: "request_breakdown"
    case .disableLog: "disable_log"
    case .isLogOmitted: "is_log_omitted"
    case .mockResponse: "mock_response"
    case .loadBalanceGroup: "load_balance_group"
    case .extraHeaders: "extra_headers"
    case .fieldName: "field_name"
    case .delimiter: "delimiter"
    case .evalParams: "eval_params"
    case .forEval: "for_eval"
    case .positiveFeedback: "positive_feedback"
    case .posthogIntegration: "posthog_integration"
    case .mem0Params: "mem0_params"
    case .linkupParams: "linkup_params"
    case .modaParams: "moda_params"
    case .isTest: "is_test"
    case .environment: "environment"
    case .note: "note"
    case .category: "category"
    }
  }

  /// The one that `key`, between its quotes in `body`, names; nil: none.
  package init?(_ body: Span<UInt8>, _ key: Range<Int>) {
    for member in Self.allCases where JSONString.equals(body, key, member.name) {
      self = member
      return
    }
    return nil
  }

  /// Whether Remora does what it asks for, so that no provider is to be told.
  var isHonoured: Bool { rawValue <= Self.customerParams.rawValue }
  /// Whether it asks for a prompt that is kept elsewhere: the answer would be another one without it.
  fileprivate var isPrompt: Bool { self == .promptID || self == .variables }
  /// Whether its loss changes nothing of the answer, and still something of what the client wanted.
  fileprivate var isNamed: Bool { rawValue >= Self.evalParams.rawValue }
}

/// Takes them out of a chat on its way to a provider that is spoken to in OpenAI's format.
package enum GatewayMembers {
  /// Takes them out as far as the request's format has them.
  ///
  /// - Throws: what can't be left out.
  static func remove(
    from body: Span<UInt8>, _ shape: BodyShape, _ facts: RequestFacts, _ splice: inout JSONSplice,
    _ dropped: inout DroppedFields
  ) throws(RequestFault) {
    switch shape {
    case .chat:
      try remove(
        from: body, isStrict: facts.isStrict, keepsModels: facts.keepsModels, &splice, &dropped)
    case .completion, .embedding, .message, .response, .tokenCount: removeBreakdown(from: body, &splice)
    case .other: break
    }
  }

  /// - Parameters:
  ///   - isStrict: whether the provider refuses what it doesn't know. Others may be such a gateway themselves, so they are
  ///     sent all but what is done here.
  ///   - keepsModels: whether `models` is a member of the provider's own API.
  private static func remove(
    from body: Span<UInt8>, isStrict: Bool, keepsModels: Bool, _ splice: inout JSONSplice,
    _ dropped: inout DroppedFields
  ) throws(RequestFault) {
    var members = JSONObjectCursor(body, 0..<body.count)
    while let member = members.next() {
      guard let known = GatewayMember(body, member.key), known.isHonoured || isStrict else { continue }
      if known == .models, keepsModels { continue }
      if known.isPrompt, member.kind != .null {
        throw RequestFault(
          .unsupported, "\(known.name)",
          "'\(known.name)' names a prompt that is kept elsewhere; send the prompt itself in 'messages'.")
      }
      if known.isNamed { dropped.add(known.name) }
      // What overlaps with another edit is taken out by that one.
      try? splice.remove(key: member.key, value: member.value, in: body)
    }
  }

  /// Takes out what is heard in every format: whether the answer is to say what it has taken.
  private static func removeBreakdown(from body: Span<UInt8>, _ splice: inout JSONSplice) {
    var members = JSONObjectCursor(body, 0..<body.count)
    while let member = members.next() {
      guard case .requestBreakdown? = GatewayMember(body, member.key) else { continue }
      try? splice.remove(key: member.key, value: member.value, in: body)
    }
  }
}
