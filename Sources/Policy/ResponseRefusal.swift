// What clients of the Responses API are told of responses that are kept in this pod's memory.

extension Refusal {
  /// A response is asked for by an id that is not known, or another caller's.
  package static func responseNotFound(_ id: String) -> Refusal {
    Refusal(
      404, "invalid_request_error", "response_not_found",
      "Response with id '\(id)' not found. Responses of models that are spoken to in another API are kept in this pod's memory for a while (responses.keep).",
      parameter: nil, shouldRetry: false)
  }

  /// A response is to be cancelled that was over when its id was known.
  package static let responseIsOver = Refusal(
    400, "invalid_request_error", "invalid_value",
    "Only a response that was made in the background can be cancelled.", parameter: nil, shouldRetry: false)
}
