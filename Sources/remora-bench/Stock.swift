// The answers that the upstream gives, made once and sent often.

import Transport
import Wire

/// What a request wants to be answered with, as its `x-bench` field says.
enum Order: Equatable {
  /// `json SIZE`: a chat completion of so many bytes.
  case json(Int)
  /// `stream CHUNKS MILLISECONDS`: a stream of so many chunks, one each so often.
  case stream(chunks: Int, interval: Int)
  /// `bytes SIZE`: a body that is no JSON.
  case bytes(Int)

  private static let ceiling = 1 << 30

  /// - Returns: an answer of 1 KB for what isn't understood.
  init(_ text: Span<UInt8>) {
    let words = text.text().split(separator: " ")
    let numbers = words.dropFirst().map { min(max(Int($0) ?? 0, 0), Self.ceiling) }
    switch (words.first, numbers.count) {
    case ("json", 1): self = .json(numbers[0])
    case ("stream", 2): self = .stream(chunks: numbers[0], interval: max(numbers[1], 1))
    case ("bytes", 1): self = .bytes(numbers[0])
    default: self = .json(1024)
    }
  }
}

/// Ready-made answers. Confined to its loop.
final class Stock {
  /// What a provider sends beside the answer itself.
  private static let fields =
    "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\nopenai-organization: bench\r\nopenai-processing-ms: 12\r\n"
    + "openai-version: 2020-10-01\r\nx-ratelimit-limit-requests: 10000\r\nx-ratelimit-limit-tokens: 2000000\r\n"
    + "x-ratelimit-remaining-requests: 9999\r\nx-ratelimit-remaining-tokens: 1999900\r\n"
    + "x-ratelimit-reset-requests: 6ms\r\nx-ratelimit-reset-tokens: 0s\r\n"
    + "strict-transport-security: max-age=31536000; includeSubDomains; preload\r\n"
    + "x-content-type-options: nosniff\r\nServer: bench\r\n"

  /// Whose answers they are.
  enum Voice { case chat, messages, responses }

  private var replies: [Voice: [Int: [UInt8]]] = [:]
  let streamHead = Array(
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\(Stock.fields)Transfer-Encoding: chunked\r\n\r\n"
      .utf8)
  /// One event of a stream in a chunk of its own, before and behind the sixteen digits that say when it was sent.
  private let event = Stock.parted(
    Stock.chunk(
      Stock.event(#"{"content":" word"}"#, finish: "null", usage: "null", stamp: "0000000000000000")))
  /// What ends a stream: the reason, the usage, the mark and the last chunk, in one write.
  private let streamEnd =
    Stock.chunk(Stock.event("{}", finish: #""stop""#, usage: "null"))
    + Stock.chunk(Stock.usageEvent) + Stock.chunk("data: [DONE]\n\n") + Array("0\r\n\r\n".utf8)
  private let messageStart = Stock.chunk(Messages.start)
  private let messageDelta = Stock.chunk(Messages.delta)
  private let messageEnd = Stock.chunk(Messages.end) + Array("0\r\n\r\n".utf8)
  private let responseStart = Stock.chunk(Responses.start)
  private let responseDelta = Stock.chunk(Responses.delta)
  private let responseEnd = Stock.chunk(Responses.end) + Array("0\r\n\r\n".utf8)
  /// A stretch of a body that is no JSON.
  let filling = [UInt8](repeating: UInt8(ascii: "x"), count: 64 * 1024)

  /// What stands before a stream's first chunk; empty where nothing does.
  func streamStart(_ voice: Voice) -> [UInt8] {
    switch voice {
    case .chat: []
    case .messages: messageStart
    case .responses: responseStart
    }
  }

  /// Appends an event; a chat's says when it was sent.
  func writeEvent(_ voice: Voice, to queue: inout ByteQueue) {
    switch voice {
    case .chat:
      queue.append(event.before)
      queue.append(hexadecimalWord: Instant.now.nanoseconds)
      queue.append(event.behind)
    case .messages: queue.append(messageDelta)
    case .responses: queue.append(responseDelta)
    }
  }

  func streamEnd(_ voice: Voice) -> [UInt8] {
    switch voice {
    case .chat: streamEnd
    case .messages: messageEnd
    case .responses: responseEnd
    }
  }

  func reply(_ size: Int, _ voice: Voice) -> [UInt8] {
    if let reply = replies[voice]?[size] { return reply }
    let body =
      switch voice {
      case .chat: Self.completion(size)
      case .messages: Messages.message(size)
      case .responses: Responses.response(size)
      }
    let reply = Array(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\(Self.fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        .utf8)
    // The sizes that one run asks for are few.
    if replies[voice, default: [:]].count < 64 { replies[voice, default: [:]][size] = reply }
    return reply
  }

  func bytesHead(_ size: Int) -> String {
    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\(Self.fields)Content-Length: \(size)\r\n\r\n"
  }

  private static func completion(_ size: Int) -> String {
    let start =
      #"{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"gpt-4o-mini","choices":"#
      + #"[{"index":0,"message":{"role":"assistant","content":""#
    let end =
      #"","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":200,"#
      + #""completion_tokens":150,"total_tokens":350,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"#
      + #""completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}},"service_tier":"default","#
      + #""system_fingerprint":"fp_bench"}"#
    return start + Prose.text(max(size - start.utf8.count - end.utf8.count, 1)) + end
  }

  private static func parted(_ event: [UInt8]) -> (before: [UInt8], behind: [UInt8]) {
    let mark = Array("fp_".utf8)
    let at = event.indices.first { event[$0...].starts(with: mark) } ?? 0
    return (Array(event[..<(at + 3)]), Array(event[(at + 19)...]))
  }

  private static func event(
    _ delta: String, finish: String, usage: String, stamp: String = "bench"
  ) -> String {
    #"data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini","#
      + #""service_tier":"default","system_fingerprint":"fp_\#(stamp)","choices":[{"index":0,"delta":"#
      + delta
      + #","logprobs":null,"finish_reason":"# + finish + #"}],"usage":"# + usage + "}\n\n"
  }

  private static let usageEvent =
    #"data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini","#
    + #""choices":[],"usage":{"prompt_tokens":200,"completion_tokens":150,"total_tokens":350}}"# + "\n\n"

  private static func chunk(_ text: String) -> [UInt8] {
    Array("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n".utf8)
  }
}

/// Text as people write it, inside a JSON string: words, and an escape at each line's end.
enum Prose {
  static func text(_ size: Int) -> String {
    let line = "The quick brown fox jumps over the lazy dog while nobody is looking at it closely.\\n"
    var text = ""
    while text.utf8.count + line.utf8.count <= size { text += line }
    return text + String(repeating: "a", count: size - text.utf8.count)
  }
}
