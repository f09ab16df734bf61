// A mapping of the configuration, one row a key: its name, its form, where its value goes, a line about it.
//
// Reading, printing, the schema, the page's table and what isn't available yet all come from the rows. A new key is
// a row, and the property that it fills. Next: Form.swift, for what may stand behind a key.

internal import Wire

/// How messages call a mapping, and what they put in front of its keys.
struct Place: Sendable {
  let title: String
  let prefix: String

  init(_ title: String, prefix: String) {
    self.title = title
    self.prefix = prefix
  }

  /// The mapping behind a key: `limits`, whose keys are `limits.budget_usd`.
  init(key title: String) { self.init(title, prefix: title + ".") }

  /// An entry with a name of the operator's: `group 'a'`, whose keys are `group 'a' limits`.
  init(named title: String) { self.init(title, prefix: title + " ") }
}

/// Whether saying something would do anything. Where it wouldn't, saying it is an error, so that nobody relies on it.
///
/// What comes here goes when the thing is there, and nothing else has to.
struct Availability<Value>: Sendable {
  /// What messages say isn't there; nil: the key.
  let what: String?
  /// Asked of what is written, and of the value that it was read into.
  let refuses: @Sendable (YAMLNode, Value) -> Bool
  /// Whether some value is taken.
  var isOffered = true

  static var now: Self { Self(what: nil, refuses: { _, _ in false }) }
  /// Refused unless what is written says nothing: an empty list, an empty mapping.
  static var notYet: Self { Self(what: nil, refuses: { node, _ in !node.isEmpty }, isOffered: false) }

  /// Refused where something else is said than what holds anyway.
  static func notYet(_ what: String? = nil, where refuses: @escaping @Sendable (Value) -> Bool) -> Self {
    Self(what: what, refuses: { _, value in refuses(value) })
  }
}

/// One key of a section.
struct Row<Value>: Sendable {
  typealias Read = @Sendable (inout Decoder, YAMLNode, _ what: String, inout Value) -> Void
  typealias Write = @Sendable (Value, inout JSONText) -> Void

  let key: Key
  let availability: Availability<Value>
  /// Reads what is written behind the key; nil where the section does that itself, because it needs other keys for it.
  let read: Read?
  let write: Write

  init(
    _ name: String, _ shape: Shape, _ about: String, kinds: [String]? = nil, isRequired: Bool = false,
    _ availability: Availability<Value> = .now, read: Read?, write: @escaping Write
  ) {
    key = Key(
      name: name, shape: shape, about: about, kinds: kinds, isRequired: isRequired,
      isOffered: availability.isOffered)
    self.availability = availability
    self.read = read
    self.write = write
  }
}

extension Row {
  /// Where a key's value goes. Made when a key is read or printed: a program that starts with a few of two hundred keys
  /// would spend a ninth of its start on making all of them.
  typealias Path<Part> = @Sendable () -> any WritableKeyPath<Value, Part> & Sendable

  /// A key whose value has a default, which stays where nothing is written or where it can't be read.
  init<Part>(
    _ name: String, _ path: @autoclosure @escaping Path<Part>, _ form: Form<Part>, _ about: String,
    kinds: [String]? = nil, isRequired: Bool = false, _ availability: Availability<Value> = .now
  ) {
    self.init(
      name, form.shape, about, kinds: kinds, isRequired: isRequired, availability,
      read: { decoder, node, what, value in
        if let part = form.read(&decoder, node, what) { value[keyPath: path()] = part }
      },
      write: { value, writer in form.write(value[keyPath: path()], name, &writer) })
  }

  /// A key without a default: what isn't said isn't printed, but for `absent`, the word for that.
  init<Part>(
    optional name: String, _ path: @autoclosure @escaping Path<Part?>, _ form: Form<Part>,
    _ about: String, kinds: [String]? = nil, isRequired: Bool = false, absent: String? = nil,
    _ availability: Availability<Value> = .now
  ) {
    self.init(
      name, form.shape, about, kinds: kinds, isRequired: isRequired, availability,
      read: { decoder, node, what, value in value[keyPath: path()] = form.read(&decoder, node, what) },
      write: { value, writer in
        if let part = value[keyPath: path()] {
          form.write(part, name, &writer)
        } else if let absent {
          writer.member(name, absent)
        }
      })
  }

  /// A key with a mapping behind it that has a section of its own, read into what is there.
  init<Part>(
    _ name: String, _ path: @autoclosure @escaping Path<Part>, _ section: Section<Part>,
    _ about: String, _ availability: Availability<Value> = .now
  ) {
    self.init(
      name, .object(section.table), about, availability,
      read: { decoder, node, what, value in
        section.read(node, Place(key: what), into: &value[keyPath: path()], &decoder)
      },
      write: { value, writer in section.write(value[keyPath: path()], name, to: &writer) })
  }

  /// The same key, printed only where `condition` holds.
  func printed(where condition: @escaping @Sendable (Value) -> Bool) -> Self {
    let write = write
    return Row(
      key.name, key.shape, key.about, kinds: key.kinds, isRequired: key.isRequired, availability, read: read,
      write: { if condition($0) { write($0, &$1) } })
  }

  /// The same key of what this one's value is a part of; `extract` gives nil where it isn't.
  func lifted<Whole>(
    kinds: [String], _ extract: @escaping @Sendable (Whole) -> Value?,
    _ embed: @escaping @Sendable (Value, inout Whole) -> Void
  ) -> Row<Whole> {
    var lifted: Row<Whole>.Read?
    if let read {
      lifted = { decoder, node, what, whole in
        guard var part = extract(whole) else { return }
        read(&decoder, node, what, &part)
        embed(part, &whole)
      }
    }
    let (write, availability) = (write, availability)
    return Row<Whole>(
      key.name, key.shape, key.about, kinds: kinds, isRequired: key.isRequired,
      Availability(
        what: availability.what,
        refuses: { node, whole in extract(whole).map { availability.refuses(node, $0) } ?? false },
        isOffered: availability.isOffered),
      read: lifted,
      write: { whole, writer in
        if let part = extract(whole) { write(part, &writer) }
      })
  }
}

/// The keys of a mapping that is read into a `Value`.
struct Section<Value: Sendable>: Sendable {
  typealias Check = @Sendable (Value, Fields, Place, inout Decoder) -> Void

  let rows: [Row<Value>]
  /// The keys, for those who don't read: made once.
  let table: Table
  /// What holds of several keys together.
  private let check: Check

  init(_ rows: [Row<Value>], check: @escaping Check = { _, _, _, _ in }) {
    self.rows = rows
    self.check = check
    table = Table(rows.map(\.key))
  }

  /// Reads a mapping into `value`, and returns its keys; nil if it isn't one.
  @discardableResult
  func read(
    _ node: YAMLNode, _ place: Place, into value: inout Value, _ decoder: inout Decoder
  ) -> Fields? {
    guard let fields = decoder.fields(node, table, of: place.title) else { return nil }
    read(fields, place, into: &value, &decoder)
    return fields
  }

  func read(_ fields: Fields, _ place: Place, into value: inout Value, _ decoder: inout Decoder) {
    for row in rows {
      guard let node = fields[row.key.name] else { continue }
      row.read?(&decoder, node, place.prefix + row.key.name, &value)
      if row.availability.refuses(node, value) {
        decoder.problem(
          (row.availability.what.map { "\(place.title): \($0)" } ?? "'\(place.prefix)\(row.key.name)'")
            + " is not available yet; remove it",
          at: fields.keyPosition(row.key.name))
      }
    }
    check(value, fields, place, &decoder)
  }

  /// Reports keys that only other kinds have.
  func checkKinds(_ kind: String, _ fields: Fields, _ place: Place, _ decoder: inout Decoder) {
    for key in table.keys {
      guard let kinds = key.kinds, !kinds.contains(kind), fields[key.name] != nil else { continue }
      decoder.problem(
        "\(place.title) is of kind \(kind), which has no '\(key.name)'; it belongs to: "
          + kinds.joined(separator: ", "),
        at: fields.keyPosition(key.name))
    }
  }

  /// Prints the mapping, under `name` where it has one.
  func write(_ value: Value, _ name: String? = nil, to writer: inout JSONText) {
    writer.open("{", name)
    for row in rows { row.write(value, &writer) }
    writer.close("}")
  }
}

extension YAMLNode {
  /// Whether no value, no item and no entry is written.
  var isEmpty: Bool {
    switch kind {
    case .null: true
    case .sequence(let items): items.isEmpty
    case .mapping(let entries): entries.isEmpty
    case .scalar: isNull
    }
  }
}
