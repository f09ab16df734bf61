// `remora help TOPIC`: what isn't a command, in as few lines as it takes to go on; the pages beside the code say the rest.

/// A subject that has a page.
enum Page: String, CaseIterable {
  case configuration, models, limits, policies, providers, errors, metrics, kubernetes, recordings

  /// Where the page is, from the project's root.
  var place: String {
    switch self {
    case .configuration: "Sources/Config/README.md"
    case .models, .limits, .policies: "Sources/Policy/README.md"
    case .providers: "Sources/Dialects/README.md"
    case .errors: "Sources/Proxy/README.md"
    case .metrics: "Sources/Telemetry/README.md"
    case .kubernetes: "k8s/README.md"
    case .recordings: "Sources/remora/README.md"
    }
  }

  var text: String {
    """
    \(summary)

    'remora schema' has every key with a line about it. The whole page: \(place)

    """
  }

  private var summary: String {
    switch self {
    case .configuration:
      """
      The configuration is YAML 1.2 or JSON. The least:

        providers:
          openai: { api_key: { file: /run/secrets/openai } }    # or { env: NAME }, passthrough, none
        default_provider: openai

      Texts may hold ${NAME} and ${NAME:-default}. Durations are 250ms, 5s, 10m, 1h, 30d; sizes 64KiB, 10MiB. The file and
      every secret that it names are followed while Remora runs. 'remora check' finds what is wrong, all at once.
      """
    case .models:
      """
      A name is looked for under 'models', then in the built-in catalogue, then it goes to default_provider;
      'provider/model' pins a provider.

        models:
          fast: [openai/gpt-5-mini, anthropic/claude-haiku-4-5]     # in order: fallback
          split: { targets: [{ to: a/m, weight: 9 }, { to: b/m, weight: 1 }], pick: weighted }
          "claude-*": vertex/claude-*

      'remora explain MODEL' says where a name leads, and 'remora models' which names there are.
      """
    case .limits:
      """
      Requests and tokens a minute, requests at the same time and money, for the pod or for a group of callers:

        consumers:
          groups:
            payments:
              key: { file: /run/secrets/remora/payments }           # shown in x-remora-key
              limits: { tokens_per_minute: 100000, budget_usd: { amount: 50, per: 30d } }

      What is over a limit gets 429 with Retry-After; each answer says what is left.
      """
    case .policies:
      """
      Policies look at requests, in the order of policy_chain, and some at answers:

        policies:
          pii: { kind: pii_detector, action: redact }               # out of the prompt, and back in the answer
          words: { kind: keywords, action: block, deny: [project titan] }
        policy_chain: [words, pii]

      The kinds are pii_detector, secrets, keywords, prompt_injection and audit_log. 'remora policy test' shows what they
      find in a text.
      """
    case .providers:
      """
      A provider's kind gives its dialect, address and key variable; its name is the kind where none is said. OpenAI's format
      passes as it is (openai, azure, mistral, groq, together, fireworks, deepseek, xai, openrouter, perplexity, vllm,
      openai_compatible); anthropic, gemini, vertex, bedrock, cohere and ollama are translated; mock answers by itself.
      'remora explain MODEL --body FILE' shows the request that a provider would get.
      """
    case .errors:
      """
      Errors have OpenAI's shape, {"error": {"message", "type", "param", "code"}}, and Anthropic's on /v1/messages. What
      Remora itself has said carries x-remora-error-source: remora, network or upstream; where trying again is pointless,
      x-should-retry: false. 502 upstream_auth: the provider refused its key. 503 no_target: no provider is usable now.
      422 policy_violation: a policy stopped it. 429: a limit. 404 model_not_found: nothing serves the name.
      """
    case .metrics:
      """
      http://POD:4142/metrics has Prometheus text, /readyz?verbose what the process is waiting for. One JSON line a request
      goes to stdout, without prompts and secrets; diagnostics go to stderr. The first to look at are
      remora_requests_total{code}, remora_upstream_attempts_total{outcome} and remora_time_to_first_token_seconds.
      """
    case .kubernetes:
      """
      Remora is a native sidecar. 'remora inject -f app.yaml' puts it into manifests, the chart and k8s/ into one's own, and
      'remora webhook' into pods as they are made. The application is told OPENAI_BASE_URL=http://localhost:4141/v1.
      """
    case .recordings:
      """
      'remora record DIR -- COMMAND' runs an application's tests against the provider and keeps what they got;
      'remora replay DIR -- COMMAND' runs them again without network, key or cost. What isn't there gets 501 with the
      nearest recording and where the two differ; --normalize and --ignore take what differs each time for the same.
      """
    }
  }
}
