// Paths that some server would take for one that is served here.

import Testing
import Wire

@testable import Proxy

@Suite("Spellings of served paths") struct SpellingTests {
  private func meant(_ path: String) -> String? {
    Spelling.served(meantBy: Array(path.utf8).span).map { "\($0)" }
  }

  static let served = [
    "/chat/completions", "/completions", "/embeddings", "/responses", "/messages", "/messages/count_tokens",
    "/responses/input_tokens",
    "/models",
  ]

  @Test("a served path's own spelling is none of its others", arguments: served)
  func own(_ path: String) {
    #expect(meant(path) == nil)
    #expect(meant("/v1" + path) == nil)
  }

  @Test("every path is found in every other spelling", arguments: served)
  func others(_ path: String) {
    let escapedFirst =
      "/%" + String(path.utf8.dropFirst().first.map { $0 } ?? 0, radix: 16) + path.dropFirst(2)
    for prefix in ["", "/v1"] {
      for other in [
        path + "/", path + "//", "/" + path, path + "%2F", path + "%2f/", path + "\\", path + "%5C",
        path + ";",
        path + ";a=b", path + "/;a", path + "%3B", path + "%20", path + "%09", path + ".", path + "%2E",
        path + "%3Fa",
        path + "%23a", path + "%253F", path.uppercased(), escapedFirst, path + "/x/%252e%252e",
        path + "/%252e",
        path.replacing("/", with: "//"), path.replacing("/", with: "/;x/"), "/v1" + "/v1" + path,
        "/%76%31" + path, "/V1" + path, "/v1/" + path.replacing("/", with: "%2F"),
        path.replacing("/", with: "/%252F"), path.replacing("o", with: "%6F") + "/",
        path.replacing("e", with: "%45"),
      ] where !Self.served.contains(other) && !Self.served.contains(String(other.dropFirst(3))) {
        #expect(meant(prefix + other) == path, "\(prefix + other)")
      }
    }
  }

  @Test(
    "other paths are others'",
    arguments: [
      "/", "", "*", "/v1", "/v1/", "//", "/v1/files", "/v1/files/", "/v1//files", "/v1/files/a%2Fb/content",
      "/v1/models/a%2Fb", "/v1/models/org/name", "/v1/models/gpt-4o/", "/v1/chat/completions/chatcmpl-1",
      "/v1/chat/completions/chatcmpl-1/messages", "/v1/responses/resp_1", "/v1/responses/resp_1/cancel",
      "/v1/chat", "/v1/chatcompletions", "/v1/messages/batches", "/v1/messages/batches/", "/v1/completions2",
      "/v1/threads/t/messages", "/v1/files/completions", "/v1/vector_stores/v/files/%20",
      "/v1/x;/completions",
      "/v1/deployments/gpt-4o/chat/completions", "/v2/chat/completions", "/v1/%", "/v1/%2",
      "/%zz/completions/",
    ])
  func strangers(_ path: String) { #expect(meant(path) == nil) }

  @Test("escapes of escapes come to an end")
  func deep() {
    #expect(meant("/v1/chat%25252Fcompletions") == "/chat/completions")
    #expect(meant("/v1/" + String(repeating: "%25", count: 2000) + "2F") == nil)
  }
}
