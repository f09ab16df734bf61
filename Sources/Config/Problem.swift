// What is wrong with a configuration, and where.

package import Wire

/// One thing that is wrong, in a form that people and editors read.
package struct Problem: Sendable, Equatable, CustomStringConvertible {
  package enum Severity: String, Sendable { case error, warning }

  package var severity: Severity
  /// Nil where the environment is at fault, not a file.
  package var file: String?
  package var position: Position?
  /// What is wrong, and what would be right, in one line. It never holds a secret or a value out of the environment.
  package private(set) var message: String

  package init(_ severity: Severity = .error, file: String?, position: Position?, message: String) {
    self.severity = severity
    self.file = file
    self.position = position
    // What it quotes is cut and escaped where it is quoted; a line it is whatever was forgotten there.
    self.message = Shown.line(message)
  }

  /// `FILE:LINE:COL: error: what is wrong, and what would be right`.
  package var description: String {
    var place = file.map { Shown.path($0) } ?? "environment"
    if let position { place += ":\(position.line):\(position.column)" }
    return "\(place): \(severity.rawValue): \(message)"
  }
}

/// A file or variable that a configuration names; `Check` looks whether it is there and good.
package struct Reference: Sendable, Equatable {
  package enum Target: Sendable, Equatable {
    /// A secret, the name that messages call it by, and what it is for.
    case secret(SecretSource, name: String, Secret.Use)
    /// A certificate, key or authority file, and the key that names it.
    case file(String, key: String)
  }

  package var target: Target
  package var position: Position?
}
