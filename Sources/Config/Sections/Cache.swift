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

  /// What the process may use must fit into its container, and what it keeps for later requests must leave room in that.
  mutating func checkMemory(_ settings: Settings, _ fields: Fields) {
    let quota = environment.memoryQuota
    if let wanted = settings.maxMemory, let quota, wanted > quota {
      warning(
        "max_memory (\(Self.shown(wanted))) is more than the container may use (\(Self.shown(quota))): the kernel would "
          + "end the process before it refuses a request; leave it out, which means four fifths of the container's limit",
        at: fields["max_memory"]?.position)
    }
    // Where nothing is said, a fifth is left to what can't be counted.
    let room = settings.maxMemory ?? quota.map { $0 / 5 * 4 }
    let size = fields["cache"]?["size"]
    let memory = fields["responses"]?["memory"]
    guard let room, room > 0, let position = (size ?? memory)?.position else { return }
    let kept = settings.cache.size + settings.responses.memory
    guard kept > 0, kept > room - Self.leastBeside else { return }
    let both =
      "cache.size (\(Self.shown(settings.cache.size))) and responses.memory (\(Self.shown(settings.responses.memory))) "
    if settings.maxMemory != nil {
      problem(
        both + "must be 20MiB less together than max_memory (\(Self.shown(room))), of which they are a part",
        at: position)
    } else {
      warning(
        both
          + "leave less than 20MiB of the \(Self.shown(room)) that the container's limit allows the process, of "
          + "which they are a part", at: position)
    }
  }

  private static func shown(_ bytes: Int) -> String {
    bytes % (1 << 20) == 0 ? "\(bytes >> 20)MiB" : "\((bytes + 1023) >> 10)KiB"
  }
}
