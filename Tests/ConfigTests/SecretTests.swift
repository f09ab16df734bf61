// Secrets: what is trimmed, what is refused, and that nothing prints one.

import Glibc
import Testing
import Wire

@testable import Config

/// The key as text: only a test may do this.
private func reveal(_ secret: Secret?) -> String? { secret?.bytes.text() }

@Suite struct SecretTests {
  @Test(
    "blanks and marks around a key are dropped",
    arguments: [
      "sk-1", "sk-1\n", "sk-1\r\n", " \tsk-1 \n\n", "\u{FEFF}sk-1\n",
    ])
  func trims(_ text: String) throws {
    let folder = try Folder()
    let file = try folder.write("key", Array(text.utf8))
    let secret = try #require(try Secret.load(.file(file), from: Environment([:])))
    #expect(reveal(secret) == "sk-1")
  }

  @Test(
    "what would break a header is refused, with offset and length",
    arguments: [
      ("", SecretFault.empty), (" \r\n", .empty), ("\u{FEFF}\n", .empty),
      ("ab\ncd\n", .badByte(0x0A, offset: 2, count: 6)), (" a b", .badByte(0x20, offset: 2, count: 4)),
      ("a\0b", .badByte(0, offset: 1, count: 3)), ("a\u{7F}", .badByte(0x7F, offset: 1, count: 2)),
      ("aé", .badByte(0xC3, offset: 1, count: 3)),
      (String(repeating: "a", count: 8193), .tooLong(count: 8193)),
    ])
  func refuses(_ text: String, _ fault: SecretFault) {
    let bytes = Array(text.utf8)
    #expect(throws: fault) { try Secret(bytes.span) }
  }

  @Test("a header's value may hold blanks, as a text in the file may")
  func blanks() throws {
    let bytes = Array(" Basic a b\n".utf8)
    #expect(reveal(try Secret(bytes.span, as: .value)) == "Basic a b")
    for bad in ["a\tb", "a\nb", "aé", "a\u{7F}"] {
      let bytes = Array(bad.utf8)
      #expect(throws: SecretFault.self) { try Secret(bytes.span, as: .value) }
    }
    let folder = try Folder()
    let file = try folder.write("key", Array("two words\n".utf8))
    let text =
      "providers: { openai: { api_key: none, headers: { a: { file: \(file) }, b: { env: B }, c: \"${B}\" } } }"
    let environment = Environment(["B": "two words"])
    let loaded = Fixture.decode(text: text, environment.values)
    #expect(Check.problems(loaded, environment: environment).map(\.description) == [])
    let key = Fixture.decode(text: "providers: { openai: { api_key: { env: B } } }", environment.values)
    #expect(Check.problems(key, environment: environment).count == 1)
  }

  @Test("the longest key fits")
  func longest() throws {
    let bytes = [UInt8](repeating: 0x61, count: 8192) + [0x0A]
    let secret = try Secret(bytes.span)
    #expect(reveal(secret)?.utf8.count == 8192)
  }

  @Test("a message names the place and never the content")
  func message() throws {
    let folder = try Folder()
    let file = try folder.write("key", Array("canary\ncanary".utf8))
    let text = "providers: { openai: { api_key: { file: \(file) } } }"
    let loaded = Fixture.decode(text: text)
    #expect(loaded.problems.isEmpty)
    let problems = Check.problems(loaded, environment: Environment([:])).map(\.description)
    #expect(
      problems == [
        "remora.yaml:1:33: error: provider 'openai' api_key (\(file)): control byte 0x0a at offset 6 of 13"
      ])
  }

  @Test("nothing prints a secret")
  func printing() throws {
    let bytes = Array("canary".utf8)
    let secret = try Secret(bytes.span)
    var dumped = ""
    dump(secret, to: &dumped)
    for text in ["\(secret)", String(reflecting: secret), String(describing: [secret]), dumped] {
      #expect(!text.contains("canary") && text.contains("[secret]"))
    }
    #expect(Mirror(reflecting: secret).children.isEmpty)
  }

  @Test("keys are equal when all their bytes are")
  func equality() throws {
    let bytes = Array("key-1".utf8)
    let secret = try Secret(bytes.span)
    for (other, expected) in [
      ("key-1", true), ("key-2", false), ("Key-1", false), ("key-", false), ("key-11", false), ("", false),
    ] {
      let other = Array(other.utf8)
      let isEqual = secret.isEqual(to: other.span)
      #expect(isEqual == expected)
    }
  }

  @Test("variables, passthrough and none")
  func sources() throws {
    let environment = Environment(["KEY": " k\n", "EMPTY": ""])
    #expect(reveal(try Secret.load(.environment("KEY"), from: environment)) == "k")
    #expect(throws: SecretFault.unset(variable: "MISSING")) {
      try Secret.load(.environment("MISSING"), from: environment)
    }
    #expect(throws: SecretFault.empty) { try Secret.load(.environment("EMPTY"), from: environment) }
    #expect(try Secret.load(.passthrough, from: environment) == nil)
    #expect(try Secret.load(.none, from: environment) == nil)
  }

  @Test("what is not a readable file is refused at once, with the reason")
  func files() throws {
    let folder = try Folder()
    unsafe mkfifo(folder.path + "/pipe", 0o600)
    unsafe symlink(folder.path + "/loop", folder.path + "/loop")
    func fault(_ path: String) -> FileFault? {
      do throws(FileFault) {
        _ = try FileContents.read(path, ceiling: 10)
        return nil
      } catch { return error }
    }
    #expect(fault(folder.path + "/none") == .system(ENOENT))
    #expect(fault(folder.path) == .directory)
    #expect(fault(folder.path + "/pipe") == .notRegular)
    #expect(fault("/dev/null") == .notRegular)
    #expect(fault(folder.path + "/loop") == .system(ELOOP))
    #expect(fault(try folder.write("key", Array("12345678901".utf8))) == .tooLarge(ceiling: 10))
    #expect(fault(try folder.write("key", Array("1234567890".utf8))) == nil)
    #expect(FileFault.system(ENOENT).message.contains("ENOENT"))
  }
}

extension SecretFault: CustomTestStringConvertible {
  public var testDescription: String { message }
}
