// Who is asking: the groups of `consumers`, told apart by the SHA-256 of the key that they show, and the models that each
// may use.
//
// No I/O: the digests come from whoever can compute them (Proxy/Identify.swift).

package import Config
internal import Wire

/// The SHA-256 of a key. Of a key that is kept nothing else is left here.
package struct KeyDigest: Sendable {
  private let words: InlineArray<4, UInt64>

  /// Takes the 32 bytes as four words, in any order of bytes that is always the same.
  package init(_ words: InlineArray<4, UInt64>) { self.words = words }

  /// Compares all of it, wherever the first difference lies.
  package func isEqual(to other: KeyDigest) -> Bool { difference(from: other) == 0 }

  fileprivate func difference(from other: KeyDigest) -> UInt64 {
    (words[0] ^ other.words[0]) | (words[1] ^ other.words[1]) | (words[2] ^ other.words[2])
      | (words[3] ^ other.words[3])
  }

  /// What a log may say of a key: enough to tell two apart, too little to look for one.
  package var hint: UInt32 { UInt32(truncatingIfNeeded: words[0]).byteSwapped }
}

/// One entry of `consumers.groups`.
package final class Group: Sendable {
  /// Its place in the configuration.
  package let index: Int
  package let name: String
  /// `name`, as logs take it.
  package let label: [UInt8]
  /// Names with `*` for any text; empty: every model.
  private let models: [Glob]
  /// Whether there is a model that it may not use.
  package let isRestricted: Bool

  /// Compiles what the operator said of it.
  package init(_ group: ConsumerGroup, index: Int) {
    self.index = index
    name = group.name
    label = Array(group.name.utf8)
    models = group.models.map { Glob($0) }
    isRestricted = !group.models.isEmpty && !group.models.contains("*")
  }

  /// Whether the list of its models has `name`.
  package func lists(_ name: Span<UInt8>) -> Bool {
    if !isRestricted { return true }
    for glob in models where glob.matches(name) { return true }
    return false
  }

  /// Whether it may use a target under the name that was asked for. An alias must not lead to what the list doesn't have,
  /// so the target's own name counts too; but the operator's own entries of `models` say themselves where they lead.
  ///
  /// - Parameters:
  ///   - isEntry: whether `asked` is the name of such an entry.
  ///   - provider: the name of the target's provider.
  ///   - model: the model's name there.
  package func allows(
    _ asked: Span<UInt8>, isEntry: Bool, provider: String, model: Span<UInt8>
  ) -> Bool {
    if !isRestricted { return true }
    guard lists(asked) else { return false }
    if isEntry || lists(model) { return true }
    var whole = Array(provider.utf8)
    whole.append(UInt8(ascii: "/"))
    for at in 0..<model.count { whole.append(model[at]) }
    return lists(whole.span)
  }
}

/// A text in which a star stands for any text, the empty one too.
package struct Glob: Sendable {
  private let pattern: [UInt8]

  /// Reads `pattern`; everything in it but `*` stands for itself.
  package init(_ pattern: String) { self.pattern = Array(pattern.utf8) }

  /// Whether it stands for `text`. Takes at most as many steps as both have bytes, multiplied.
  package func matches(_ text: Span<UInt8>) -> Bool {
    var at = 0
    var place = 0
    // The last star, and the text from which on it is tried to end there.
    var star: (pattern: Int, text: Int)?
    while at < text.count {
      if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
        star = (place, at)
        place += 1
      } else if place < pattern.count, pattern[place] == text[at] {
        place += 1
        at += 1
      } else if let last = star {
        star = (last.pattern, last.text + 1)
        place = last.pattern + 1
        at = last.text + 1
      } else {
        return false
      }
    }
    while place < pattern.count, pattern[place] == UInt8(ascii: "*") { place += 1 }
    return place == pattern.count
  }
}

/// All groups, as the walk asks for them.
package struct Callers: Sendable {
  /// The name of the header, in lower case.
  package let header: [UInt8]
  /// Whether a request without a key is refused.
  package let isRequired: Bool
  package let groups: [Group]
  /// The digest of each group's key, in the same order.
  private let digests: [KeyDigest]

  /// Puts them together.
  ///
  /// - Parameter digests: of the keys of `consumers.groups`, in their order.
  package init(_ consumers: Consumers, digests: [KeyDigest]) {
    header = Array(consumers.header.utf8)
    isRequired = consumers.isRequired
    groups = consumers.groups.enumerated().map { Group($0.element, index: $0.offset) }
    self.digests = digests
  }

  /// The group whose key has this digest. Every digest is compared in full, so that the time says nothing of how near a
  /// wrong key comes, nor of whose a right one is.
  package func group(of digest: KeyDigest) -> Group? {
    var found = -1
    for place in digests.indices {
      let difference = digests[place].difference(from: digest)
      // All ones where they are equal.
      let mask = Int(truncatingIfNeeded: (difference | (0 &- difference)) >> 63) &- 1
      found = (found & ~mask) | (place & mask)
    }
    return groups.indices.contains(found) ? groups[found] : nil
  }
}
