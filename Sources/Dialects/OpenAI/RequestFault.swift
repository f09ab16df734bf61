/// Why a request can't be put into a provider's form.
package struct RequestFault: Error, Sendable, Equatable {
  package enum Code: Sendable {
    /// A value that no provider takes.
    case invalid
    /// Something that this dialect has no word for, and whose loss would change the meaning.
    case unsupported
  }

  package var code: Code
  /// The member's path, as OpenAI's own errors write it: `messages[1].content`.
  package var parameter: String
  /// What is wrong, and what would be right. Never text of the request.
  package var message: String

  package init(_ code: Code, _ parameter: String, _ message: String) {
    self.code = code
    self.parameter = parameter
    self.message = message
  }
}
