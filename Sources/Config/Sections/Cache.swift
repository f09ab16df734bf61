// Answers that are kept for requests that ask the same again.

internal import Wire

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

extension Decoder {
  /// Bytes that the process needs beside what it keeps: what it has at rest, and what a few requests take.
  private static let leastBeside = 20 << 20

  /// What is kept for later requests must leave room in `max_memory` for requests.
  mutating func checkMemory(_ settings: Settings, _ fields: Fields) {
    guard let ceiling = settings.maxMemory, ceiling > 0 else { return }
    let size = fields["cache"]?["size"]
    let memory = fields["responses"]?["memory"]
    guard size != nil || memory != nil else { return }
    let kept = settings.cache.size + settings.responses.memory
    guard kept > 0, kept > ceiling - Self.leastBeside else { return }
    func shown(_ bytes: Int) -> String {
      bytes % (1 << 20) == 0 ? "\(bytes >> 20)MiB" : "\((bytes + 1023) >> 10)KiB"
    }
    problem(
      "cache.size (\(shown(settings.cache.size))) and responses.memory (\(shown(settings.responses.memory))) "
        + "must be 20MiB less together than max_memory (\(shown(ceiling))), of which they are a part",
      at: (size ?? memory)?.position)
  }
}
