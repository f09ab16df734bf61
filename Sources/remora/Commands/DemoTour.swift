// What `remora demo` sends as an application would, and what it shows of it: one screen.

import Config
import Transport
import Wire

struct DemoTour {
  private static let question = "In one sentence: what does a remora do for a shark?"
  private static let address = "anna.lee@example.com"
  /// Far longer than it takes; the tour must end even on a machine that is busy.
  private static let patience = Duration.seconds(10)
  /// Lines are cut at this many characters: a page is for reading.
  private static let width = 100
  /// How many requests the tour sends: what the metrics will have counted.
  private static let requests = 5

  private let stage: DemoStage

  init(_ stage: DemoStage) { self.stage = stage }

  func run() throws(Failure) {
    Console.line("Remora's demo: no key, no network.")
    for note in stage.notes { Console.line(note) }
    Console.line("application → \(baseURL) → TLS → https://\(stage.provider.text)/v1, an embedded provider")
    Console.line()
    try fallback()
    try stream()
    try privacy()
    try messages()
    try metrics()
    Console.line("Serving. OPENAI_BASE_URL=\(baseURL) is all an application needs; any API key will do. Try:")
    Console.line("  curl -s \(baseURL)/chat/completions -H 'content-type: application/json' \\")
    Console.line("    -d '{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'")
    Console.line(
      "Next: a configuration of your own, 'remora check' on it, 'remora explain MODEL'; from LiteLLM or")
    Console.line(
      "agentgateway 'remora import FILE'; tests without a provider 'remora record'. See 'remora help'.")
    Console.line("Ctrl-C ends.")
  }

  private var baseURL: String { "http://\(stage.proxy.text)/v1" }

  // MARK: The requests

  private func fallback() throws(Failure) {
    Console.line("1. A chat whose first provider is down, in a group with 60 requests a minute")
    Console.line("   POST \(baseURL)/chat/completions   Authorization: Bearer any-string")
    let start = Instant.now
    let exchange = try whole("/v1/chat/completions", Self.chat(Self.question), key: DemoStage.callersKey)
    show(exchange, start, ["x-remora-provider", "x-remora-attempts"])
    let limits = ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-scope"]
    Console.line("     \(fields(exchange, limits))")
    Console.line("   assistant: \(try Self.answer(exchange))")
    Console.line()
  }

  private func stream() throws(Failure) {
    let start = Instant.now
    let body = Self.chat(Self.question, more: ",\"stream\":true,\"stream_options\":{\"include_usage\":true}")
    var exchange = try begin("/v1/chat/completions", body, key: DemoStage.callersKey)
    guard exchange.status == 200 else { throw Failure("the stream got \(exchange.status)") }
    var decoder = EventDecoder()
    var at = 0
    var (count, hasEnded) = (0, false)
    var first: String?
    var words: [String] = []
    repeat {
      do throws(SSEFault) {
        while case .event(let event) = try decoder.next(exchange.body.bytes, from: at) {
          at = event.whole.upperBound
          guard let data = event.data else { continue }
          count += 1
          let bytes = exchange.body.bytes.extracting(data)
          if bytes.equals("[DONE]") { hasEnded = true }
          guard let delta = Self.content(bytes, of: "delta"), !delta.isEmpty else { continue }
          if first == nil { first = Self.elapsed(since: start) }
          words.append(delta)
        }
      } catch { throw Failure("an event of the stream is too large") }
    } while try exchange.readMore()
    guard hasEnded, let first else { throw Failure("the stream ended without [DONE]") }
    Console.line("2. The same as a stream")
    Console.line(
      "   → \(count) events, the first text after \(first), the last after \(Self.elapsed(since: start))")
    let shown = words.prefix(6).map { "\"\($0)\"" }.joined(separator: " ")
    Console.line("   \(Self.cut(shown)) …")
    Console.line()
  }

  /// The same text twice: as it comes back to the application, and as the provider had it.
  private func privacy() throws(Failure) {
    let text = "Write to \(Self.address)."
    let restored = try whole("/v1/chat/completions", Self.chat(text), key: DemoStage.callersKey)
    let blind = try whole("/v1/chat/completions", Self.chat(text), key: DemoStage.blindKey)
    Console.line("3. Personal data: out of the prompt, and back in the answer")
    Console.line("   the application sends: \(text)")
    Console.line("   the provider reads:    \(Self.said(try Self.answer(blind)))")
    Console.line(
      "   the application reads: \(Self.said(try Self.answer(restored)))   \(fields(restored, ["x-remora-policies"]))"
    )
    Console.line()
  }

  private func messages() throws(Failure) {
    let start = Instant.now
    let body =
      "{\"model\":\"upstream/gpt-4o\",\"max_tokens\":64,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}"
    let exchange = try whole(
      "/v1/messages", body, key: DemoStage.callersKey, more: ["anthropic-version: 2023-06-01"])
    Console.line("4. Claude's format in front of a provider that speaks OpenAI's: POST \(baseURL)/messages")
    Console.line("   → \(exchange.status) after \(Self.elapsed(since: start))")
    let text = Shown.line(exchange.body.bytes.text())
    Console.line("     \(Self.cut(text))")
    guard exchange.status == 200 else { throw Failure("the message got \(exchange.status)") }
    Console.line()
  }

  private static func chat(_ text: String, more: String = "") -> String {
    var body = "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":"
    YAMLValue.writeJSON(text, to: &body)
    return body + "}]\(more)}"
  }

  private func begin(
    _ path: String, _ body: String, key: String, more: [String] = []
  ) throws(Failure) -> PlainExchange {
    let request = PlainRequest(
      path: path, body: body, fields: ["Authorization: Bearer any-string", "x-remora-key: \(key)"] + more)
    return try PlainExchange.begin(request, to: stage.proxy, until: .now + Self.patience)
  }

  private func whole(
    _ path: String, _ body: String, key: String, more: [String] = []
  ) throws(Failure) -> PlainExchange {
    var exchange = try begin(path, body, key: key, more: more)
    try exchange.readAll()
    return exchange
  }

  // MARK: What came back

  private static func answer(_ exchange: borrowing PlainExchange) throws(Failure) -> String {
    guard exchange.status == 200 else {
      throw Failure("the chat got \(exchange.status): \(exchange.body.bytes.text())")
    }
    guard let answer = content(exchange.body.bytes, of: "message") else {
      throw Failure("the chat's answer holds no message")
    }
    return Shown.line(answer)
  }

  /// What the mock repeats of what it was told.
  private static func said(_ answer: String) -> String {
    guard let mark = answer.firstRange(of: "You said: ") else { return answer }
    return String(answer[mark.upperBound...])
  }

  private func show(_ exchange: borrowing PlainExchange, _ start: Instant, _ names: [String]) {
    Console.line("   → \(exchange.status) after \(Self.elapsed(since: start))   \(fields(exchange, names))")
  }

  private func fields(_ exchange: borrowing PlainExchange, _ names: [String]) -> String {
    var shown: [String] = []
    for (name, value) in exchange.fields where names.contains(name.lowercased()) {
      shown.append("\(name): \(Shown.line(value))")
    }
    return shown.joined(separator: "   ")
  }

  private static func cut(_ line: String) -> String { line.count > width ? line.prefix(width) + "…" : line }

  /// Milliseconds with one decimal.
  private static func elapsed(since start: Instant) -> String {
    let tenths = Instant.now.nanoseconds(since: start) / 100_000
    return "\(tenths / 10).\(tenths % 10) ms"
  }

  /// The text of the first choice in a chat's answer or in a chunk of a stream.
  private static func content(_ bytes: Span<UInt8>, of member: StaticString) -> String? {
    guard let choices = JSONView.value(bytes, in: 0..<bytes.count, at: "choices") else { return nil }
    var elements = JSONArrayCursor(bytes, choices)
    guard let choice = elements.next(),
      let content = JSONView.value(bytes, in: choice.value, at: member, "content"),
      JSONView.kind(bytes, content) == .string
    else { return nil }
    return JSONString.text(bytes, content)
  }

  // MARK: What was counted

  private static let counted = [
    "remora_requests_total", "remora_tokens_total", "remora_upstream_attempts_total",
    "remora_policy_actions_total", "remora_time_to_first_token_seconds_sum",
  ]

  private func metrics() throws(Failure) {
    Console.line("5. What the proxy counted: http://\(stage.admin.text)/metrics")
    // An answer is counted once its last byte is out, which may be a moment after it has arrived here.
    var lines: [Substring] = []
    for _ in 0..<100 where Self.total(lines) < Self.requests { lines = try counters() }
    for line in lines { Console.line("   " + line) }
    Console.line()
  }

  private static func total(_ lines: [Substring]) -> Int {
    lines.filter { $0.hasPrefix("remora_requests_total") }.reduce(0) { sum, line in
      sum + (line.split(separator: " ").last.flatMap { Int($0) } ?? 0)
    }
  }

  /// The samples that tell something about the requests.
  private func counters() throws(Failure) -> [Substring] {
    var exchange = try PlainExchange.begin(
      PlainRequest(path: "/metrics"), to: stage.admin, until: .now + Self.patience)
    try exchange.readAll()
    guard exchange.status == 200 else { throw Failure("the metrics got \(exchange.status)") }
    return exchange.body.bytes.text().split(separator: "\n").filter { line in
      // The embedded provider is served by this process too, and counted as `mock`.
      Self.counted.contains(where: line.hasPrefix) && !line.contains("provider=\"mock\"")
        && !line.hasSuffix(" 0") && !line.contains("kind=\"cached")
    }
  }
}
