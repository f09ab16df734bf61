// The file that `catalogue.file` names, read.

package import Config
package import Policy
internal import Wire

/// Why the catalogue can't be made.
package struct CatalogueFileFault: Error, Sendable, Equatable {
  package let path: String
  /// What is wrong, as the end of a sentence about the file, its line included.
  package let reason: String

  /// The whole of it.
  package var message: String { "catalogue.file (\(Shown.path(path))) \(reason)" }
}

extension Catalogue {
  /// The most bytes of a file: a thousand times what one team adds.
  private static let fileCeiling = 1 << 20

  /// Makes the catalogue that `settings` ask for. It may block, where they name a file.
  package static func load(_ settings: Settings) throws(CatalogueFileFault) -> Catalogue {
    let text = try settings.catalogue.file.map { path throws(CatalogueFileFault) in try read(path) }
    do throws(CatalogueFault) { return try Catalogue(settings, file: text) } catch {
      throw CatalogueFileFault(
        path: settings.catalogue.file ?? "", reason: "line \(error.line): \(error.reason)")
    }
  }

  private static func read(_ path: String) throws(CatalogueFileFault) -> [UInt8] {
    do throws(FileFault) {
      let contents = try FileContents.read(path, ceiling: fileCeiling)
      return contents.bytes.array()
    } catch { throw CatalogueFileFault(path: path, reason: error.message) }
  }
}
