// What is known of a key without knowing what it is read into: its name, what may stand behind it, a line about it.
//
// `remora schema`, the page's table and the search for mistyped keys ask these. They are made of the rows of a
// section (Section.swift), where reading and printing are too, so that nothing can differ.

/// What a value may look like.
indirect enum Shape: Sendable, Equatable {
  case text, boolean, number, percent, duration, size, address, url, path, secret, header
  /// `${NAME}`, where any other text would be the secret itself.
  case variable
  case integer(ClosedRange<Int>)
  case choice([String])
  /// Words that stand as they are, in a place where a text may be a secret.
  case words([String])
  case list(Shape)
  case map(Shape)
  case object(Table)
  /// One of several forms.
  case either([Shape])
}

struct Key: Sendable, Equatable {
  let name: String
  let shape: Shape
  /// A sentence, its default included.
  let about: String
  /// The kinds (of provider, of policy) that have this key, in their own order; nil: all.
  let kinds: [String]?
  let isRequired: Bool
  /// Whether it can be used: a key that is refused because nothing is there for it yet stands in no schema.
  var isOffered = true
}

/// The keys of one mapping.
struct Table: Sendable, Equatable {
  let keys: [Key]

  var names: [String] { keys.map(\.name) }
  /// Those that can be used.
  var offered: [Key] { keys.filter(\.isOffered) }

  /// Keys of the same name become one: kinds that call different things by one name each have a row of their own.
  init(_ keys: [Key]) {
    var merged: [Key] = []
    for key in keys {
      if let index = merged.firstIndex(where: { $0.name == key.name }) {
        merged[index] = merged[index].or(key)
      } else {
        merged.append(key)
      }
    }
    self.keys = merged
  }
}

extension Key {
  fileprivate func or(_ other: Key) -> Key {
    let isSaid = about == other.about
    return Key(
      name: name, shape: shape == other.shape ? shape : .either([shape, other.shape]),
      about: isSaid ? about : about.dropLast() + ", or " + other.about,
      kinds: kinds.flatMap { kinds in other.kinds.map { kinds + $0 } },
      isRequired: isRequired && other.isRequired, isOffered: isOffered || other.isOffered)
  }
}
