// How long an audit log's lines are kept: when a file is followed by another, and which ones go. No I/O and no clock.

package import Config

/// A log's rules for its files.
package struct AuditKeeping: Sendable, Equatable {
  /// A file that was put aside.
  package struct Aside: Sendable, Equatable {
    package let name: String
    /// The number in its name, of its last line.
    package let sequence: Int
    /// When its last line was written, in Unix seconds; nil where that can't be read.
    package let lastTime: Int?
    package let size: Int

    package init(name: String, sequence: Int, lastTime: Int?, size: Int) {
      self.name = name
      self.sequence = sequence
      self.lastTime = lastTime
      self.size = size
    }
  }

  /// Seconds that lines are kept; nil: for good.
  package var retention: Int?
  /// Bytes of a file; 0: only the day ends one.
  package var maxSize: Int
  /// Bytes of all files together; 0: no bound.
  package var maxTotal: Int

  package init(retention: Int?, maxSize: Int, maxTotal: Int) {
    self.retention = retention
    self.maxSize = maxSize
    self.maxTotal = maxTotal
  }

  package init(_ log: AuditLog) {
    self.init(
      retention: log.retention.map { Int(clamping: $0.components.seconds) }, maxSize: log.maxSize,
      maxTotal: log.maxTotal)
  }

  /// Whether another file begins before `count` more bytes.
  ///
  /// - Parameters:
  ///   - size: of the file now.
  ///   - day: of its lines, in days since 1970. A clock that steps back doesn't end a file: its next step forward would
  ///     end another one.
  package func endsFile(_ size: Int, day: Int?, adding count: Int, at seconds: Int) -> Bool {
    if size == 0 { return false }
    if let day, seconds / 86_400 > day { return true }
    let (sum, isFar) = size.addingReportingOverflow(count)
    return maxSize > 0 && (isFar || sum > maxSize)
  }

  /// Which of `files` go: those whose last line is too old, and then the oldest ones while all are too large together.
  ///
  /// - Parameter size: of the file that is being written, which stays.
  package func doomed(_ files: [Aside], size: Int, at seconds: Int) -> [Aside] {
    let files = files.sorted { $0.sequence < $1.sequence }
    var doomed: [Aside] = []
    var kept: [Aside] = []
    for file in files {
      // A file whose time can't be read is kept: its age would be a guess.
      if let retention, let time = file.lastTime, time < seconds - retention {
        doomed.append(file)
      } else {
        kept.append(file)
      }
    }
    if maxTotal > 0 {
      var total = kept.reduce(size) { $0 &+ $1.size }
      for file in kept where total > maxTotal {
        total -= file.size
        doomed.append(file)
      }
    }
    return doomed
  }
}
