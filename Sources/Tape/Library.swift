// The recordings of a directory, by key, and which of them is next.

internal import Config
internal import Glibc
internal import Wire

/// What came of a request.
package enum TapeFound: Sendable {
  case recording(TapeRecording)
  /// The sentence, and the key.
  case missed(String, key: String)
}

/// The recordings of one name: of the directory itself, or of one below it.
package struct TapeLibrary: Sendable {
  package private(set) var recordings: [TapeRecording] = []
  /// Places in the list, by key, in the order of their numbers.
  private var places: [String: [Int]] = [:]
  /// How many of a key have been taken.
  private var taken: [String: Int] = [:]
  private(set) var used: Set<String> = []
  package private(set) var rules = TapeRules.none

  package init() {}

  package static let fileCeiling = 16 << 20

  /// Reads every recording in `directory`; none where there is no such directory.
  package init(reading directory: String) throws(TapeFault) {
    if let bytes = Self.read(directory + "/" + TapeRules.fileName) { rules = try TapeRules(file: bytes) }
    for name in Self.names(directory) where name.hasSuffix(".json") && name != TapeRules.fileName {
      guard let bytes = Self.read(directory + "/" + name) else {
        throw TapeFault("\(Shown.path(directory + "/" + name)) can't be read")
      }
      add(try TapeRecording(file: name, bytes: bytes) { Self.read(directory + "/" + $0) })
    }
    for (key, list) in places {
      places[key] = list.sorted { Self.number(recordings[$0].file) < Self.number(recordings[$1].file) }
    }
  }

  package var count: Int { recordings.count }
  package var unused: [String] { recordings.map(\.file).filter { !used.contains($0) }.sorted() }

  package mutating func add(_ recording: TapeRecording) {
    places[recording.key, default: []].append(recordings.count)
    recordings.append(recording)
  }

  /// How many recordings a request has.
  package func count(of key: String) -> Int { places[key]?.count ?? 0 }

  /// Begins anew with the first of each.
  package mutating func rewind() { taken = [:] }

  /// The next answer to a request.
  ///
  /// - Parameter repeats: whether the last of a key is given again once all of them were.
  package mutating func next(_ request: TapeRequest, repeats: Bool) -> TapeFound {
    let key = request.key(rules)
    guard let list = places[key], !list.isEmpty else { return .missed(miss(request, key), key: key) }
    let number = taken[key, default: 0]
    guard number < list.count || repeats else {
      return .missed(
        "all \(list.count) recordings of this request were given; record again, or take --exhausted repeat (key \(key.prefix(12)))",
        key: key)
    }
    taken[key] = number + 1
    let recording = recordings[list[min(number, list.count - 1)]]
    used.insert(recording.file)
    return .recording(recording)
  }

  private func miss(_ request: TapeRequest, _ key: String) -> String {
    TapeMiss(request, key, recordings.filter { $0.path == request.path }, rules).sentence
  }

  // MARK: The disk

  /// The file's name for the `number`th recording of a key, from 1 on.
  package static func name(_ request: TapeRequest, _ key: String, number: Int) -> String {
    let name = "\(request.endpoint)-\(key.prefix(12))"
    return number > 1 ? "\(name)-\(number).json" : "\(name).json"
  }

  private static func number(_ file: String) -> Int {
    let parts = file.dropLast(5).split(separator: "-")
    return parts.count > 2 ? Int(parts.last ?? "") ?? 1 : 1
  }

  package static func read(_ path: String) -> [UInt8]? {
    guard let contents = try? FileContents.read(path, ceiling: fileCeiling) else { return nil }
    return contents.bytes.array()
  }

  package static func names(_ directory: String) -> [String] {
    guard let handle = unsafe opendir(directory) else { return [] }
    defer { unsafe closedir(handle) }
    var names: [String] = []
    while let entry = unsafe readdir(handle) {
      // SAFETY: readdir(3) ends the name with a zero, inside of its array.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      names.append(name)
    }
    return names.sorted()
  }

  /// Whether `name` may name a set of recordings: a directory below the one that was given.
  package static func isName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count) && name != "." && name != ".."
      && name.utf8.allSatisfy { ASCII.isNameByte($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
  }
}

extension TapeRules {
  package static let none = TapeRules(nothing: ())
}
