// What may stand behind a key: how it is read, how it is printed, and what the schema says of it.

internal import Wire

/// How one type of value is written in a file.
struct Form<Value>: Sendable {
  let shape: Shape
  /// Nil, and a problem, where it can't be read. `what` is what messages call it.
  let read: @Sendable (inout Decoder, YAMLNode, _ what: String) -> Value?
  let write: @Sendable (Value, _ name: String, inout JSONText) -> Void

  init(
    _ shape: Shape, read: @escaping @Sendable (inout Decoder, YAMLNode, _ what: String) -> Value?,
    write: @escaping @Sendable (Value, _ name: String, inout JSONText) -> Void
  ) {
    self.shape = shape
    self.read = read
    self.write = write
  }
}

extension Form where Value == String {
  static var text: Form { text(ceiling: Defaults.text) }

  static func text(ceiling: Int) -> Form {
    Form(
      .text, read: { $0.text($1, of: $2, ceiling: ceiling) }, write: { $2.member($1, $0) })
  }

  /// A file that must be there and readable: `Check` looks at it.
  static var path: Form {
    Form(.path, read: { $0.path($1, of: $2) }, write: { $2.member($1, $0) })
  }

  /// A file that is made where there is none.
  static var target: Form {
    Form(.path, read: { $0.filePath($1, of: $2) }, write: { $2.member($1, $0) })
  }

  /// A text that may be a header's value.
  static var headerText: Form {
    Form(.text, read: { $0.headerText($1, of: $2) }, write: { $2.member($1, $0) })
  }
}

extension Form where Value == [String] {
  static func texts(ceiling: Int) -> Form {
    Form(
      .list(.text), read: { $0.texts($1, of: $2, ceiling: ceiling) }, write: { $2.member($1, $0) })
  }

  /// The same, not printed where there is none.
  var orNothing: Form {
    let (read, write) = (read, write)
    return Form(
      shape, read: read,
      write: { values, name, writer in if !values.isEmpty { write(values, name, &writer) } })
  }
}

extension Form where Value == Bool {
  static var boolean: Form {
    Form(.boolean, read: { $0.boolean($1, of: $2) }, write: { $2.member($1, $0) })
  }
}

extension Form where Value == Int {
  static func integer(_ range: ClosedRange<Int>) -> Form {
    Form(.integer(range), read: { $0.integer($1, of: $2, in: range) }, write: { $2.member($1, $0) })
  }

  static func size(ceiling: Int) -> Form {
    Form(
      .size, read: { $0.size($1, of: $2, ceiling: ceiling) },
      write: { $2.member($1, Quantity.text(size: $0)) })
  }

  static var percent: Form {
    Form(.percent, read: { $0.percent($1, of: $2) }, write: { $2.member($1, "\($0)%") })
  }
}

extension Form where Value == Double {
  /// A number that isn't negative.
  static var number: Form {
    Form(.number, read: { $0.number($1, of: $2) }, write: { $2.member($1, $0) })
  }
}

extension Form where Value == Duration {
  static func duration(_ range: ClosedRange<Duration>) -> Form {
    Form(
      .duration, read: { $0.duration($1, of: $2, in: range) },
      write: { $2.member($1, Quantity.text($0)) })
  }
}

extension Form where Value == Address {
  static var address: Form {
    Form(.address, read: { $0.address($1, of: $2) }, write: { $2.member($1, $0.text) })
  }
}

extension Form where Value == BaseURL {
  static var url: Form { Form(.url, read: { $0.url($1, of: $2) }, write: { $2.member($1, $0.text) }) }
}

extension Form where Value == SecretSource {
  static var secret: Form {
    Form(.secret, read: { $0.secret($1, of: $2) }, write: { $0.write($1, to: &$2) })
  }

  /// The key of a caller.
  static var callersKey: Form {
    Form(.secret, read: { $0.secret($1, of: $2, as: .caller) }, write: { $0.write($1, to: &$2) })
  }
}

extension Form where Value: CaseIterable & RawRepresentable<String> & Sendable {
  /// One of an enumeration's names.
  static var choice: Form {
    Form(
      .choice(Value.allCases.map(\.rawValue)), read: { $0.choice($1, of: $2, Value.self) },
      write: { $2.member($1, $0.rawValue) })
  }

  /// A list of them.
  static func choices(ceiling: Int) -> Form<[Value]> {
    Form<[Value]>(
      .list(.choice(Value.allCases.map(\.rawValue))),
      read: { decoder, node, what in
        decoder.items(node, of: what, ceiling: ceiling).compactMap {
          decoder.choice($0, of: what, Value.self)
        }
      },
      write: { values, name, writer in writer.member(name, values.map(\.rawValue)) })
  }
}

extension Form {
  /// A mapping with a section of its own, read into a new `initial`.
  static func object(_ section: Section<Value>, _ initial: Value) -> Form where Value: Sendable {
    Form(
      .object(section.table),
      read: { decoder, node, what in
        var value = initial
        return section.read(node, Place(key: what), into: &value, &decoder) == nil ? nil : value
      },
      write: { section.write($0, $1, to: &$2) })
  }

  /// Entries under names that the operator chooses, each a `Value`.
  ///
  /// - Parameters:
  ///   - ceiling: the most of them, and what messages call them.
  static func entries(
    _ shape: Shape, ceiling: (count: Int, noun: String)? = nil,
    read: @escaping @Sendable (inout Decoder, YAMLEntry, _ what: String) -> Value?,
    write: @escaping @Sendable (Value, inout JSONText) -> Void
  ) -> Form<[Value]> {
    Form<[Value]>(
      .map(shape),
      read: { decoder, node, what in
        guard let entries = decoder.entries(node, of: what) else { return nil }
        if let (count, noun) = ceiling, entries.count > count {
          decoder.problem(
            "\(what) has \(entries.count) \(noun); at most \(count) are allowed", at: node.position)
        }
        return entries.prefix(ceiling?.count ?? .max).compactMap { read(&decoder, $0, what) }
      },
      write: { values, name, writer in
        writer.open("{", name)
        for value in values { write(value, &writer) }
        writer.close("}")
      })
  }
}

extension SecretSource {
  /// Prints the place that it comes from.
  func write(_ name: String, to writer: inout JSONText) {
    switch self {
    case .passthrough, .none: writer.member(name, place)
    case .file(let path):
      writer.open("{", name)
      writer.member("file", path)
      writer.close("}")
    case .environment(let variable):
      writer.open("{", name)
      writer.member("env", variable)
      writer.close("}")
    }
  }
}
