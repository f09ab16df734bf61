// Why a caller is turned away: who it is, and what it may not use.

extension Refusal {
  private static func badKey(_ message: String) -> Refusal {
    Refusal(401, "authentication_error", "invalid_api_key", message, shouldRetry: false)
  }

  /// - Parameter header: the header that says who is calling.
  package static func keyMissing(_ header: String) -> Refusal {
    badKey("The request shows no key; send the key of your group in the header '\(header)'.")
  }

  package static func keyUnknown(_ header: String) -> Refusal {
    badKey(
      "The key in the header '\(header)' is not one of a group; check it, or ask who runs Remora for one.")
  }

  package static func keyTwice(_ header: String) -> Refusal {
    badKey("The header '\(header)' is there more than once; send one key.")
  }

  package static func modelNotAllowed(_ model: String, group: String) -> Refusal {
    Refusal(
      403, "permission_error", "model_not_allowed",
      "The group '\(group)' may not use the model '\(model)'; ask for one that GET /v1/models lists, or have "
        + "it added to consumers.groups.\(group).models in Remora's configuration.", parameter: "model",
      shouldRetry: false)
  }

  /// The group may use some models only, and the request could be for any.
  package static func modelUnseen(_ group: String) -> Refusal {
    Refusal(
      403, "permission_error", "model_not_allowed",
      "The group '\(group)' may use some models only, and this request names none where Remora reads it; name "
        + "it in a JSON body's 'model', or have '*' added to consumers.groups.\(group).models in Remora's configuration.",
      parameter: "model", shouldRetry: false)
  }
}
