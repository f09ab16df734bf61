// What a request's target means.

internal import Dialects
internal import Telemetry
internal import Wire

/// What a request's path asks for, as offsets into the head.
struct Target {
  /// The API, which decides how bodies are read.
  var endpoint = APIEndpoint.other
  /// The path behind `/v1`, or the whole of it where that is left out.
  var path = 0..<0
  var query: Range<Int>?

  /// The shape of the endpoint's bodies.
  var shape: BodyShape {
    switch endpoint {
    case .chatCompletions: .chat
    case .completions: .completion
    case .embeddings: .embedding
    case .responses: .response
    case .messages: .message
    case .countTokens, .inputTokens: .tokenCount
    case .models, .other: .other
    }
  }

  /// Whether the endpoint is one of those that Remora serves in full: JSON in, JSON or a stream out.
  var isFullService: Bool {
    switch endpoint {
    case .chatCompletions, .completions, .embeddings, .responses, .messages, .countTokens, .inputTokens: true
    case .models, .other: false
    }
  }

  /// Whether a model makes an answer there, so that there are tokens to count.
  var takesTokens: Bool { isFullService && endpoint != .countTokens && endpoint != .inputTokens }

  /// Whether the body may go on with a response that is remembered.
  var recalls: Bool { endpoint == .responses || endpoint == .inputTokens }

  /// Whether it is one of Anthropic's API, whose clients show their key in `x-api-key` and read errors of their own.
  private(set) var isMessages = false

  /// Whether a path behind `/v1` is of Anthropic's API.
  private static func isMessages(_ path: Span<UInt8>) -> Bool {
    path.count >= 9 && path.extracting(0..<9).equals("/messages") && (path.count == 9 || path[9] == 0x2F)
  }

  /// Whether the beginning of a request that can't be read asks for Anthropic's API.
  static func isMessages(opening bytes: Span<UInt8>) -> Bool {
    guard let blank = (0..<min(bytes.count, 16)).first(where: { bytes[$0] == ASCII.space }) else {
      return false
    }
    var start = blank + 1
    if bytes.extracting(start...).extracting(first: 4).equals("/v1/") { start += 3 }
    let path = bytes.extracting(start...).extracting(first: 9)
    return path.equals("/messages")
  }

  init() {}

  init(_ head: borrowing RequestHead, _ bytes: Span<UInt8>) {
    path = head.path
    query = head.query
    let whole = bytes.extracting(path)
    if whole.equals("/v1") {
      path = path.upperBound..<path.upperBound
    } else if whole.count >= 4, whole.extracting(0..<4).equals("/v1/") {
      path = path.lowerBound + 3..<path.upperBound
    }
    let rest = bytes.extracting(path)
    switch rest.count {
    case 17 where rest.equals("/chat/completions"): endpoint = .chatCompletions
    case 12 where rest.equals("/completions"): endpoint = .completions
    case 11 where rest.equals("/embeddings"): endpoint = .embeddings
    case 10 where rest.equals("/responses"): endpoint = .responses
    case 7 where rest.equals("/models"): endpoint = .models
    case 9 where rest.equals("/messages"): endpoint = .messages
    case 22 where rest.equals("/messages/count_tokens"): endpoint = .countTokens
    case 23 where rest.equals("/responses/input_tokens"): endpoint = .inputTokens
    default:
      if rest.count > 8, rest.extracting(0..<8).equals("/models/") { endpoint = .models }
    }
    isMessages = Self.isMessages(rest)
  }
}
