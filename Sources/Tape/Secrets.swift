// What must not be written into a recording: the configuration's own secrets, and what looks like anybody's.

internal import Detect
internal import Wire

package struct TapeSecrets: Sendable {
  /// Secrets that are loaded, in hashes would be safer and can't be searched for: they live as long as the process.
  private let known: [[UInt8]]

  package init(known: [[UInt8]]) { self.known = known.filter { $0.count >= 8 } }

  /// The member that holds a secret, and the rule that knows it; nil where nothing is found.
  package func find(_ recording: TapeRecording) -> (member: String, rule: String)? {
    if let found = find(recording.request, "request") { return found }
    switch recording.answer.body {
    case .none: return nil
    case .json(let tree): return find(tree, "response.body")
    case .raw(let bytes): return find(text: bytes).map { ("response", $0) }
    case .events(let events):
      for (index, event) in events.enumerated() {
        if case .json(let tree) = event.data, let found = find(tree, "response.events[\(index)]") {
          return found
        }
        if case .text(let text) = event.data, let rule = find(text: Array(text.utf8)) {
          return ("response.events[\(index)]", rule)
        }
      }
      // A secret that is cut over events is whole in what they say together.
      var said: [String: [UInt8]] = [:]
      for event in events { if case .json(let tree) = event.data { Self.gather(tree, "", into: &said) } }
      for (member, bytes) in said.sorted(by: { $0.key < $1.key }) {
        if let rule = find(text: bytes) { return ("response.events[]\(member)", rule) }
      }
      return nil
    }
  }

  private static func gather(_ tree: JSONTree, _ path: String, into said: inout [String: [UInt8]]) {
    switch tree {
    case .literal: return
    case .text(let token): said[path, default: []] += Array(JSONTree.decoded(token).utf8)
    case .array(let items):
      for (index, item) in items.enumerated() { gather(item, "\(path)[\(index)]", into: &said) }
    case .object(let members):
      for member in members { gather(member.value, path + "." + member.key, into: &said) }
    }
  }

  private func find(_ tree: JSONTree, _ path: String) -> (member: String, rule: String)? {
    switch tree {
    case .literal: return nil
    case .text(let token): return find(text: Array(JSONTree.decoded(token).utf8)).map { (path, $0) }
    case .array(let items):
      for (index, item) in items.enumerated() {
        if let found = find(item, "\(path)[\(index)]") { return found }
      }
    case .object(let members):
      for member in members {
        if let rule = find(text: Array(member.key.utf8)) { return (path, rule) }
        if let found = find(member.value, path + "." + Shown.text(member.key)) { return found }
      }
    }
    return nil
  }

  private func find(text: [UInt8]) -> String? {
    if text.count < 8 { return nil }
    for secret in known where Self.holds(text, secret) { return "a secret of the configuration" }
    var findings: [Finding] = []
    PersonalData(Entities(.secret)).scan(text.span, into: &findings)
    return findings.first.map { secretRuleName($0.rule) }
  }

  private static func holds(_ text: [UInt8], _ part: [UInt8]) -> Bool {
    guard text.count >= part.count else { return false }
    for at in 0...(text.count - part.count)
    where text[at] == part[0] && text[at..<at + part.count].elementsEqual(part) {
      return true
    }
    return false
  }
}
