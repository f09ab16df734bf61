// The published vectors, which lie beside the project and are read where they are.

import Glibc
import Wire

/// A file of cases: `{"cases": [{"name": …, …}, …]}`.
package struct SharedVectors: Sendable {
  package static let jsonTestSuite = SharedVectors("JSONTestSuite.json")
  package static let sse = SharedVectors("sse.json")
  package static let eventStream = SharedVectors("eventstream.json")
  package static let awsSigning = SharedVectors("aws-signing-test-suite.json")
  package static let bedrockSigning = SharedVectors("bedrock-by-botocore.json")

  package let path: String
  /// The file's bytes; empty where it is absent.
  package let bytes: [UInt8]
  /// Where each case lies in `bytes`.
  package let cases: [Range<Int>]

  package var isPresent: Bool { !bytes.isEmpty }

  private init(_ name: String) {
    path = Self.path(ofShared: "vectors/" + name)
    let bytes = Self.contents(ofShared: "vectors/" + name)
    var cases: [Range<Int>] = []
    if let list = JSONView.value(bytes.span, in: 0..<bytes.count, at: "cases") {
      var elements = JSONArrayCursor(bytes.span, list)
      while let element = elements.next() { cases.append(element.value) }
    }
    self.bytes = bytes
    self.cases = cases
  }

  /// The text of the member `name` of a case.
  package func text(_ place: Range<Int>, _ name: StaticString) -> String? {
    guard let value = JSONView.value(bytes.span, in: place, at: name),
      JSONView.kind(bytes.span, value) == .string
    else { return nil }
    return JSONString.text(bytes.span, value)
  }

  /// Where the member `name` of an object lies.
  package func member(_ place: Range<Int>, _ name: StaticString) -> Range<Int>? {
    JSONView.value(bytes.span, in: place, at: name)
  }

  /// Whether the member `name` of an object says `true`.
  package func isTrue(_ place: Range<Int>, _ name: StaticString) -> Bool {
    guard let value = member(place, name) else { return false }
    return JSONView.kind(bytes.span, value) == .true
  }

  /// The bytes that a member of a case says in base64.
  package func payload(_ place: Range<Int>, _ name: StaticString = "bytes_b64") -> [UInt8]? {
    text(place, name).map { Self.base64($0) }
  }

  package static func base64(_ text: String) -> [UInt8] {
    var result: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for byte in text.utf8 {
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = byte - UInt8(ascii: "A")
      case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = byte - UInt8(ascii: "a") + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0") + 52
      case UInt8(ascii: "+"): digit = 62
      case UInt8(ascii: "/"): digit = 63
      default: continue
      }
      bits = bits << 6 | UInt32(digit)
      count += 6
      if count >= 8 {
        count -= 8
        result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return result
  }

  private static func path(ofShared name: String) -> String {
    // …/Tests/Support/SharedVectors.swift, so the project's root is three steps up.
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    return root.joined(separator: "/") + "/../shared/" + name
  }

  /// The bytes of a file beside the project; empty where it is absent.
  package static func contents(ofShared name: String) -> [UInt8] {
    let path = path(ofShared: name)
    let bytes = contents(of: path)
    if bytes.isEmpty { print("ABSENT: \(path): the tests that need it are skipped") }
    return bytes
  }

  private static func contents(of path: String) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var result: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe read(descriptor, &chunk, chunk.count)
      guard count > 0 else { return result }
      result += chunk[..<count]
    }
  }
}
