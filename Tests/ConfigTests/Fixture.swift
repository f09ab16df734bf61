// Where fixtures are, and how a test reads one.

import Glibc
import Testing
import Wire

@testable import Config

enum Fixture {
  /// The folder of configurations, from this file's own place.
  static let folder =
    #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Fixtures/config/"

  static func bytes(_ name: String) throws -> [UInt8] {
    let contents = try FileContents.read(folder + name, ceiling: 1 << 20)
    return contents.bytes.array()
  }

  /// Decodes a fixture under its short name.
  static func decode(_ name: String, _ environment: [String: String] = [:]) throws -> Loaded {
    ConfigFile.decode(try bytes(name), path: name, environment: Environment(environment))
  }

  static func decode(text: String, _ environment: [String: String] = [:]) -> Loaded {
    ConfigFile.decode(Array(text.utf8), path: "remora.yaml", environment: Environment(environment))
  }
}

/// A folder that is gone after the test.
final class Folder {
  let path: String

  init() throws {
    var template = Array("/tmp/remora-config-XXXXXX".utf8CString)
    // SAFETY: the template ends with a zero, and mkdtemp writes inside it.
    let made = unsafe mkdtemp(&template) != nil
    try #require(made)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Writes a file and returns its path.
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = path + "/" + name
    try ConfigTests.write(bytes, toFile: file)
    return file
  }

  deinit {
    for name in ["key", "pipe", "config.yaml", "loop", "empty", "cert"] { unsafe unlink(path + "/" + name) }
    unsafe rmdir(path)
  }
}

/// Replaces a file's content.
func write(_ bytes: [UInt8], toFile path: String) throws {
  let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
  try #require(descriptor >= 0)
  defer { close(descriptor) }
  let written = unsafe Glibc.write(descriptor, bytes, bytes.count)
  try #require(written == bytes.count)
}
