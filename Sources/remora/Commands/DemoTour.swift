// What `remora demo` sends as an application would, and what it shows of it.

import Config
import Transport
import Wire

struct DemoTour {
  private static let question = "In one sentence: what does a remora do for a shark?"
  /// Far longer than it takes; the tour must end even on a machine that is busy.
  private static let patience = Duration.seconds(10)
  /// Event lines are cut at this many characters: a page is for reading.
  private static let width = 100

  private let stage: DemoStage

  init(_ stage: DemoStage) { self.stage = stage }

  func run() throws(Failure) {
    Console.line("Remora's demo: no key, no network.")
    for note in stage.notes { Console.line(note) }
    Console.line()
    Console.line("  application → \(baseURL) → TLS → https://\(stage.provider.text)/v1, an embedded provider")
    Console.line()
    try chat()
    try stream()
    try metrics()
    Console.line("Serving. OPENAI_BASE_URL=\(baseURL) is all an application needs; any API key will do. Try:")
    Console.line()
    Console.line("  curl -s \(baseURL)/chat/completions -H 'content-type: application/json' \\")
    Console.line("    -d '{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}'")
    Console.line()
    Console.line("Ctrl-C ends.")
  }

  private var baseURL: String { "http://\(stage.proxy.text)/v1" }

  // MARK: The two requests

  private func chat() throws(Failure) {
    Console.line("1. A chat, as an application sends it")
    let start = Instant.now
    var exchange = try ask(stream: false)
    try exchange.readAll()
    show(exchange, start)
    guard exchange.status == 200 else {
      throw Failure("the chat got \(exchange.status): \(exchange.body.bytes.text())")
    }
    guard let answer = Self.content(exchange.body.bytes, of: "message") else {
      throw Failure("the chat's answer holds no message")
    }
    Console.line("   assistant: \(Shown.line(answer))")
    Console.line()
  }

  private func stream() throws(Failure) {
    Console.line("2. The same as a stream: each event as it arrives")
    let start = Instant.now
    var exchange = try ask(stream: true)
    show(exchange, start)
    guard exchange.status == 200 else { throw Failure("the stream got \(exchange.status)") }
    var decoder = EventDecoder()
    var at = 0
    var answer = ""
    var hasEnded = false
    repeat {
      do throws(SSEFault) {
        while case .event(let event) = try decoder.next(exchange.body.bytes, from: at) {
          at = event.whole.upperBound
          guard let data = event.data else { continue }
          let bytes = exchange.body.bytes.extracting(data)
          if bytes.equals("[DONE]") { hasEnded = true }
          let delta = Self.content(bytes, of: "delta") ?? ""
          answer += delta
          show(delta.isEmpty ? bytes.text() : "… \"content\": \"\(delta)\" …", start)
        }
      } catch { throw Failure("an event of the stream is too large") }
    } while try exchange.readMore()
    guard hasEnded else { throw Failure("the stream ended without [DONE]") }
    Console.line("   assistant: \(Shown.line(answer))")
    Console.line()
  }

  private func ask(stream: Bool) throws(Failure) -> PlainExchange {
    var body = "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":"
    YAMLValue.writeJSON(Self.question, to: &body)
    body += stream ? "}],\"stream\":true,\"stream_options\":{\"include_usage\":true}}" : "}]}"
    Console.line("   POST \(baseURL)/chat/completions")
    Console.line("   Authorization: Bearer any-string   (the provider is shown its own key instead)")
    Console.line("   \(body)")
    let request = PlainRequest(
      path: "/v1/chat/completions", body: body, fields: ["Authorization: Bearer any-string"])
    return try PlainExchange.begin(request, to: stage.proxy, until: .now + Self.patience)
  }

  // MARK: What came back

  private func show(_ exchange: borrowing PlainExchange, _ start: Instant) {
    Console.line("   → \(exchange.status) after \(Self.elapsed(since: start))")
    for (name, value) in exchange.fields where name.hasPrefix("x-remora-") || name == "x-request-id" {
      Console.line("     \(name): \(Shown.line(value))")
    }
  }

  private func show(_ event: String, _ start: Instant) {
    let line = Shown.line(event)
    let shown = line.count > Self.width ? line.prefix(Self.width) + "…" : line[...]
    Console.line("   +\(Self.elapsed(since: start))  data: \(shown)")
  }

  /// Milliseconds with one decimal, right-aligned for the first ten seconds.
  private static func elapsed(since start: Instant) -> String {
    let tenths = Instant.now.nanoseconds(since: start) / 100_000
    let text = "\(tenths / 10).\(tenths % 10) ms"
    return String(repeating: " ", count: max(0, 9 - text.utf8.count)) + text
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
    "remora_time_to_first_token_seconds_sum", "remora_overhead_seconds_sum",
  ]

  private func metrics() throws(Failure) {
    Console.line("3. What the proxy counted: http://\(stage.admin.text)/metrics")
    // An answer is counted once its last byte is out, which may be a moment after it has arrived here.
    var lines: [Substring] = []
    for _ in 0..<100
    where !lines.contains(where: { $0.hasPrefix("remora_requests_total") && $0.hasSuffix(" 2") }) {
      lines = try counters()
    }
    for line in lines { Console.line("   " + line) }
    Console.line()
  }

  /// The samples that tell something about the two requests.
  private func counters() throws(Failure) -> [Substring] {
    var exchange = try PlainExchange.begin(
      PlainRequest(path: "/metrics"), to: stage.admin, until: .now + Self.patience)
    try exchange.readAll()
    guard exchange.status == 200 else { throw Failure("the metrics got \(exchange.status)") }
    return exchange.body.bytes.text().split(separator: "\n").filter { line in
      // The embedded provider is served by this process too, and counted as `mock`.
      Self.counted.contains(where: line.hasPrefix) && !line.contains("provider=\"mock\"")
        && !line.hasSuffix(" 0")
    }
  }
}
