// What goes out where it isn't the client's own request.

package import Wire

/// A request in another form than the client's.
package struct OwnRequest {
  private enum Source {
    case translated(Translation)
    /// As a chat, to a provider in OpenAI's format.
    case chat(Recast)
  }

  private let source: Source

  init(_ translation: Translation) { source = .translated(translation) }
  init(chat recast: Recast) { source = .chat(recast) }

  /// The request's method.
  package var method: StaticString {
    switch source {
    case .translated(let translation): translation.request.method
    case .chat: "POST"
    }
  }

  /// Header lines of the dialect's own, each with its CR LF.
  package func writeHeaders(into out: inout ByteQueue) {
    if case .translated(let translation) = source { out.append(translation.request.headers) }
  }

  /// The body, whole; empty where there is none.
  package var body: ByteQueue {
    _read {
      switch source {
      case .translated(let translation): yield translation.request.body
      case .chat(let recast): yield recast.body
      }
    }
  }

  /// What `Accept` says.
  package var acceptedTypes: StaticString {
    switch source {
    case .translated(let translation): translation.acceptedTypes
    case .chat(let recast): recast.acceptedTypes
    }
  }

  /// Whether the request has a body.
  package var hasBody: Bool {
    switch source {
    case .translated(let translation): translation.operation != .models
    case .chat: true
    }
  }
}
