// What is remembered of responses whose model has no Responses API of its own.

/// The memory that `previous_response_id` and references to items are read from.
package struct Responses: Sendable, Equatable {
  /// Bytes that are kept; 0: nothing is.
  package var memory = 8 << 20
  /// How long a response is kept behind its last use.
  package var keep = Duration.seconds(30 * 60)

  package init() {}

  static let section = Section<Responses>([
    Row(
      "memory", \.memory, .size(ceiling: Defaults.body),
      "Bytes of this pod's memory for responses of models that are spoken to in another API; 0: none is kept. Default: 8MiB."
    ),
    Row(
      "keep", \.keep, .duration(Duration.seconds(1)...Defaults.timeout),
      "How long a response is kept behind its last use. Default: 30m."),
  ])
}
