import Detect
import Support
import Wire

/// The data for policies, which lie beside the project and are read where they are.
enum PolicyData {
  static let vectors = SharedVectors.contents(ofShared: "policy-data/pii_vectors.json")
  static let personal = SharedVectors.contents(ofShared: "policy-data/pii_dev.json")
  static let injections = SharedVectors.contents(ofShared: "policy-data/injection_dev.jsonl")

  static func text(_ bytes: [UInt8], _ range: Range<Int>, _ name: StaticString) -> String {
    JSONView.value(bytes.span, in: range, at: name).map { JSONString.text(bytes.span, $0) } ?? ""
  }
}

extension PersonalData {
  static let all = PersonalData(
    Entities(Entity.allCases.filter { $0 != .custom }.map { Entities($0) }))

  /// What is found in `text`, as entities and the parts of the text.
  func found(_ text: String) -> [(entity: Entity, text: String)] {
    let bytes = Array(text.utf8)
    var findings: [Finding] = []
    scan(bytes.span, into: &findings)
    return findings.map { ($0.entity, String(decoding: bytes[$0.range], as: UTF8.self)) }
  }
}
