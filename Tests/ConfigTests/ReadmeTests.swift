// Whether Sources/Config/README.md and README.md say of the configuration what the program says.

import Testing
import Wire

@testable import Config

private enum Readme {
  private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
  /// The pages, by their places in the project.
  private static let pages = ["/Sources/Config/README.md", "/README.md"]

  /// The lines between `heading` and the next heading, on the page that has it.
  static func section(_ heading: String) throws -> [Substring] {
    for page in pages {
      let contents = try FileContents.read(root + page, ceiling: 1 << 20)
      let lines = contents.bytes.text().split(separator: "\n", omittingEmptySubsequences: false)
      guard let start = lines.firstIndex(where: { $0 == heading }) else { continue }
      return Array(lines[start...].dropFirst().prefix { !$0.hasPrefix("## ") && !$0.hasPrefix("### ") })
    }
    Issue.record("none of the pages has the heading '\(heading)'")
    return []
  }

  /// The rows of a section's table, without the two lines of its head.
  static func rows(of heading: String) throws -> [String] {
    try section(heading).filter { $0.hasPrefix("|") }.dropFirst(2).map(String.init)
  }

  /// The text of a section's first YAML block.
  static func yaml(of heading: String) throws -> String {
    let block = try section(heading).drop { $0 != "```yaml" }.dropFirst().prefix { $0 != "```" }
    return block.joined(separator: "\n") + "\n"
  }

  /// What a failed comparison asks for.
  static func wanted(_ rows: [String], of heading: String) -> Comment {
    Comment(rawValue: "the table of '\(heading)' should be:\n" + rows.joined(separator: "\n"))
  }
}

@Suite("README") struct ReadmeTests {
  @Test func namesEveryKey() throws {
    let heading = "## Every key"
    let rows = Schema.reference().split(separator: "\n").map { line in
      let parts = line.split(separator: "`", maxSplits: 2, omittingEmptySubsequences: false)
      return parts.count == 3 ? "| `\(parts[1])` | \(parts[2].dropFirst(2)) |" : String(line)
    }
    #expect(try Readme.rows(of: heading) == rows, Readme.wanted(rows, of: heading))
  }

  @Test func namesEveryKind() throws {
    let heading = "## Kinds of provider"
    let rows = ProviderKind.allCases.map { kind in
      let url = kind.row.baseURL.map { "`\($0.text)`" } ?? (kind.row.needsBaseURL ? "must be said" : "")
      let variables = kind.row.keyVariables.map { "`\($0)`" }.joined(separator: " or ")
      return "| `\(kind.rawValue)` | \(url) | \(variables) |"
    }
    #expect(try Readme.rows(of: heading) == rows, Readme.wanted(rows, of: heading))
  }

  @Test(arguments: ["## An example", "## By example", "## From a base URL to metrics in five minutes"])
  func showsConfigurationsThatHold(heading: String) throws {
    let text = try Readme.yaml(of: heading)
    try #require(text.contains("providers:"))
    let loaded = Fixture.decode(text: text)
    #expect(loaded.problems.map(\.description) == [])
    #expect(loaded.warnings.map(\.description) == [])
  }
}
