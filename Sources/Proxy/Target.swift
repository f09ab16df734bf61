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
    case .models, .other: .other
    }
  }

  /// Whether the endpoint is one of those that Remora serves in full: JSON in, JSON or a stream out.
  var isFullService: Bool {
    switch endpoint {
    case .chatCompletions, .completions, .embeddings, .responses: true
    case .models, .other: false
    }
  }

  /// Whether it is one of Anthropic's API, whose clients show their key in `x-api-key`.
  private(set) var isMessages = false

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
    case 9 where rest.equals("/messages"): isMessages = true
    case 22 where rest.equals("/messages/count_tokens"): isMessages = true
    default:
      if rest.count > 8, rest.extracting(0..<8).equals("/models/") { endpoint = .models }
    }
  }
}
