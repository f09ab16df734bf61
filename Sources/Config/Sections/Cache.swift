// Answers that are kept for requests that ask the same again.

/// `cache`.
package struct CacheSettings: Sendable, Equatable {
  /// Bytes of answers that are kept; 0: none.
  package var size = 0
  package var ttl = Duration.seconds(600)
  /// Whether groups are given each other's answers.
  package var isShared = false

  package init() {}

  static let section = Section<CacheSettings>([
    Row(
      "size", \.size, .size(ceiling: Defaults.memory), "Bytes of answers that are kept; 0, the default: none."
    ),
    Row("ttl", \.ttl, .duration(.seconds(1)...Defaults.retention), "How long one is kept. Default: 10m."),
    Row("share", \.isShared, .boolean, "Whether groups are given each other's answers."),
  ])
}
