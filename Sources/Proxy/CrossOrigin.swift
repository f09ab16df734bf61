// What a browser needs to let a web page of an allowed origin use the API (Fetch standard, section 3.2: CORS).
//
// Without `allowed_origins` nothing of this happens: a request with an Origin is refused before.

internal import HTTP
internal import Wire

extension Exchange {
  /// Answers a preflight request; false where it is none. `admit` has found the origin allowed.
  func answerPreflight(_ connection: ClientConnection) -> Bool {
    guard case .options = ask.head.method, ask.head.framing == .none, ask.head.first(.origin) != nil else {
      return false
    }
    let bytes = ask.headBytes
    var asksMethod = false
    var wanted: Field?
    for field in ask.head.fields {
      let name = bytes.extracting(field.name)
      if name.equalsIgnoringCase("access-control-request-method") { asksMethod = true }
      if name.equalsIgnoringCase("access-control-request-headers") { wanted = field }
    }
    guard asksMethod else { return false }
    answerEmpty(connection) { out in
      HeadWriter.field("Access-Control-Allow-Methods", Method.allowed, to: &out)
      if let wanted {
        HeadWriter.field("Access-Control-Allow-Headers", bytes.extracting(wanted.value), to: &out)
      }
      HeadWriter.field("Access-Control-Max-Age", 600, to: &out)
    }
    return true
  }

  /// Appends what lets the page read the answer, to a page whose origin was found allowed.
  func writeOrigin() {
    guard ask.isOriginAllowed, let origin = ask.head.first(.origin) else { return }
    HeadWriter.field(
      "Access-Control-Allow-Origin", ask.headBytes.extracting(origin.value), to: &answer.outbound)
    HeadWriter.field("Access-Control-Expose-Headers", "*", to: &answer.outbound)
    HeadWriter.field("Vary", "Origin", to: &answer.outbound)
  }
}
