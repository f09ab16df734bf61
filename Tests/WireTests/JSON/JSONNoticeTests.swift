// Names further in that the scanner notices, wherever the text is cut and however they are written.

import Testing

@testable import Wire

@Suite struct JSONNoticeTests {
  private static let names = JSONNames(["file_id", "encrypted_content", "image_url"])

  private func noticed(_ text: String, cut: Int) throws -> UInt64 {
    var scanner = JSONScanner(watching: [.model], noticing: Self.names)
    let bytes = Array(text.utf8)
    try scanner.feed(bytes.span.extracting(0..<cut))
    try scanner.feed(bytes.span.extracting(cut..<bytes.count))
    try scanner.finish()
    return scanner.noticed
  }

  @Test(
    "each is noticed at any cut, and nothing that only looks like one",
    arguments: [
      (#"{"a":{"file_id":1}}"#, 1), (#"{"a":[{"encrypted_content":""}]}"#, 2),
      (#"{"a":{"f\u0069le_id":1}}"#, 1),
      (#"{"a":{"image_url":{"file_id":2}}}"#, 5), (#"{"file_id":1}"#, 0), (#"{"a":{"b":"file_id"}}"#, 0),
      (#"{"a":{"xfile_id":1,"file_idx":2,"image_ur":3}}"#, 0), (#"{"a":{"b":"\"file_id\":1"}}"#, 0),
      (#"{"a":{"f\u00efle_id":1,"":2}}"#, 0), (#"{"a":{"encrypted_content_that_goes_on_and_on":1}}"#, 0),
    ])
  func cuts(_ text: String, _ wanted: UInt64) throws {
    for cut in 0...text.utf8.count { #expect(try noticed(text, cut: cut) == wanted, "\(cut)") }
  }

  @Test("the next text begins with nothing noticed")
  func reset() throws {
    var scanner = JSONScanner(watching: [.model], noticing: Self.names)
    try scanner.feed(Array(#"{"a":{"file_id":1}}"#.utf8).span)
    scanner.reset(watching: [.model])
    try scanner.feed(Array(#"{"a":1}"#.utf8).span)
    #expect(scanner.noticed == 0)
  }
}
