// A whole stream: each document split off, read if it can hold a pod, changed, and put back in its place.

package import Wire

/// What `remora inject` is asked to do.
package struct InjectionOrder: Sendable {
  package var settings: InjectionSettings
  package var uninjects = false
  /// Whether only what asks is injected.
  package var isOptIn = false
  /// This program's version, for the record.
  package var version: String

  package init(settings: InjectionSettings, version: String) {
    self.settings = settings
    self.version = version
  }
}

/// Which of the containers that the caller has named there are, and which workloads lack one of them: in a stream of several
/// workloads most do, and only a name that none has is a mistake.
package struct ContainerSearch<Message> {
  package internal(set) var found: Set<String> = []
  package internal(set) var missed: [(name: String, message: Message)] = []

  package init() {}

  /// What is to be said of names that nobody has.
  package var mistakes: [Message] { missed.filter { !found.contains($0.name) }.map(\.message) }

  /// Adds what was found elsewhere.
  package mutating func add<Other>(_ other: ContainerSearch<Other>, _ message: (Other) -> Message) {
    found.formUnion(other.found)
    missed += other.missed.map { ($0.name, message($0.message)) }
  }
}

extension ContainerSearch: Sendable where Message: Sendable {}

/// What became of a stream.
package struct InjectionReport: Sendable {
  package enum Fate: String, Sendable {
    case injected, uninjected, skipped, left
    /// It has what it would get.
    case kept
  }

  /// One object's line.
  package struct Line: Sendable {
    package let fate: Fate
    package let object: String
    package let detail: String
  }

  package struct Message: Sendable {
    package let position: Position
    package let isError: Bool
    package let text: String
  }

  /// The whole of the stream; of no use where a message is an error.
  package var output: [UInt8] = []
  package var lines: [Line] = []
  package var messages: [Message] = []
  package var search = ContainerSearch<Message>()

  package var hasErrors: Bool { messages.contains(where: \.isError) }
}

extension InjectionOrder {
  /// The largest stream that is read: some hundred times the largest that a cluster's objects add up to in one chart.
  package static let sizeCeiling = 256 << 20

  /// Does to every object of `bytes` what is asked.
  package func run(_ bytes: [UInt8]) -> InjectionReport {
    var report = InjectionReport()
    var counter = LineCounter(bytes)
    if let fault = YAMLSource.firstFault(in: bytes.span) {
      let message = ManifestFault(kind: fault.kind, offset: fault.offset).message
      report.messages.append(.init(position: counter.position(fault.offset), isError: true, text: message))
      return report
    }
    report.output.reserveCapacity(bytes.count + bytes.count / 4)
    let text = ManifestText(bytes)
    let portions = Portions()
    for part in ManifestStream.parts(bytes) {
      var pass = DocumentPass(self, text, part, portions)
      report.output += pass.run()
      report.lines += pass.lines
      let remarks = pass.errors.map { ($0, true) } + pass.warnings.map { ($0, false) }
      for (remark, isError) in remarks.sorted(by: { $0.0.offset < $1.0.offset }) {
        report.messages.append(
          .init(position: counter.position(remark.offset), isError: isError, text: remark.message))
      }
      report.search.add(pass.search) {
        .init(position: counter.position($0.offset), isError: true, text: $0.message)
      }
    }
    return report
  }
}
