// What goes into one place of a manifest, as text. A stream's workloads mostly get the same in the same layout, so that
// what was written for one is kept for the next.

internal import Wire

/// A value, in each form in which it was written so far.
final class Portion {
  /// How a value is written: as a key's entry or as a list's items, from which column on.
  private struct Form: Equatable {
    let key: String?
    let column: Int
    let indent: Int
  }

  /// People's manifests have two or three layouts; each form beyond is written anew.
  private static let formsCeiling = 16

  let value: Fragment
  private var blocks: [(form: Form, text: [UInt8])] = []
  private(set) lazy var json = value.json
  /// The items of a list, each by itself.
  private(set) lazy var itemsJSON = items.map(\.json)

  init(_ value: Fragment) { self.value = value }

  var items: [Fragment] {
    if case .list(let items) = value { return items }
    return []
  }

  /// The lines of `key: …` in a block mapping at `column`, a line break before each.
  func entry(_ key: String, at column: Int, indent: Int) -> [UInt8] {
    block(Form(key: key, column: column, indent: indent)) {
      value.entryLines(key, at: column, indent: indent)
    }
  }

  /// The lines of a list's items, whose dashes stand at `column`, a line break before each.
  func items(at column: Int) -> [UInt8] {
    block(Form(key: nil, column: column, indent: 0)) { items.flatMap { $0.itemLines(at: column) } }
  }

  private func block(_ form: Form, _ lines: () -> [String]) -> [UInt8] {
    if let written = blocks.first(where: { $0.form == form }) { return written.text }
    var text: [UInt8] = []
    for line in lines() {
      text.append(ASCII.lf)
      text += line.utf8
    }
    if blocks.count < Self.formsCeiling { blocks.append((form, text)) }
    return text
  }
}

/// What a stream's workloads have been given so far.
final class Portions {
  /// Streams differ in their containers' names; those of one chart are a few.
  private static let ceiling = 64

  /// The annotations of one injection: by themselves, and with the keys around them.
  struct Notes {
    let each: [(key: String, value: Portion)]
    let annotations: Portion
    let metadata: Portion

    init(_ notes: [Fragment.Member]) {
      each = notes.map { ($0.key, Portion($0.value)) }
      annotations = Portion(.map(notes))
      metadata = Portion(.map([.init(key: "annotations", value: .map(notes))]))
    }
  }

  private struct NotesKey: Hashable {
    let record: InjectionRecord
    let defaultContainer: String?
  }

  private var settings: InjectionSettings?
  private(set) var container = Portion(.list([]))
  private(set) var volumes = Portion(.list([]))
  private var variables: [(added: [Injection.Variable], portion: Portion)] = []
  private var notes: [NotesKey: Notes] = [:]

  func take(_ wanted: InjectionSettings) {
    if wanted == settings { return }
    settings = wanted
    container = Portion(.list([wanted.container]))
    volumes = Portion(.list(wanted.volumes))
  }

  func variables(_ added: [Injection.Variable]) -> Portion {
    if let known = variables.first(where: { $0.added == added }) { return known.portion }
    let portion = Portion(.list(added.map { .variable($0.name, $0.value) }))
    if variables.count < Self.ceiling { variables.append((added, portion)) }
    return portion
  }

  func notes(_ record: InjectionRecord, _ defaultContainer: String?) -> Notes {
    let key = NotesKey(record: record, defaultContainer: defaultContainer)
    if let known = notes[key] { return known }
    let made = Notes(record.notes(defaultContainer))
    if notes.count < Self.ceiling { notes[key] = made }
    return made
  }
}
