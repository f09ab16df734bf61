// `remora import`: another gateway's configuration as one of Remora's.

import Config
import Import
import Wire

struct ImportOptions: Equatable {
  enum Report: String, CaseIterable { case text, json }
  var file: String
  /// Nil: as the file's keys say.
  var product: Product?
  var report = Report.text
  /// Whether it fails where something is lost.
  var isStrict = false
}

enum ImportCommand {
  static func run(_ options: ImportOptions) -> Int32 {
    let name = options.file == "-" ? "<stdin>" : options.file
    let bytes: [UInt8]
    do throws(FileFault) { bytes = try Input.read(options.file, ceiling: YAMLNode.sizeCeiling) } catch {
      Console.error("\(Shown.path(name)):1:1: error: the file \(error.message)")
      return ExitStatus.bad
    }
    let imported: Imported
    do throws(ImportFault) {
      let last = name.split(separator: "/").last.map(String.init) ?? name
      imported = try Imported.read(bytes, name: last, from: options.product)
    } catch {
      let place = error.position ?? Position(line: 1, column: 1)
      Console.error("\(Shown.path(name)):\(place.line):\(place.column): error: \(error.message)")
      return ExitStatus.bad
    }
    Console.write(options.report == .json ? Report.json(imported) : imported.text)
    guard options.isStrict, imported.isPartial else { return ExitStatus.good }
    for note in imported.notes where note.grade == .manual || note.grade == .unsupported {
      Console.error("\(Shown.path(name)):\(note.line): \(note.grade.rawValue): \(note.path): \(note.reason)")
    }
    return ExitStatus.bad
  }
}
