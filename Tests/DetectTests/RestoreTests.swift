import Detect
import Testing
import Wire

@Suite("Placeholders")
struct RestoreTests {
  private let vault = Vault()
  private let email: String
  private let card: String
  private let odd: String

  init() {
    vault.begin(scope: [])
    email = Self.name("jane@example.com", .email, "EMAIL", in: vault)
    card = Self.name("4111 1111 1111 1111", .creditCard, "CARD", in: vault)
    odd = Self.name("\"o'b\\r\"@example.com", .custom, "MY_TYPE", in: vault)
  }

  private static func name(
    _ text: String, _ entity: Entity, _ label: StaticString, in vault: Vault, key: [UInt8] = [1, 2, 3]
  ) -> String {
    let hash = KeyedHash(key: key.span)
    let bytes = Array(text.utf8)
    var out = ByteQueue()
    vault.writeName(vault.place(of: bytes.span, entity, label: label.bytes, hash) ?? 0, into: &out)
    return out.bytes.text()
  }

  private func restored(_ pieces: [[UInt8]], _ form: RestoreForm = .text) -> (text: String, held: Int) {
    var state = RestoreState()
    var out = ByteQueue()
    var most = 0
    for piece in pieces {
      _ = state.feed(piece.span, vault, form, into: &out)
      most = max(most, state.heldCount)
    }
    state.close(vault, form, into: &out)
    return (out.bytes.text(), most)
  }

  private func once(_ text: String, _ form: RestoreForm = .text) -> String {
    restored([Array(text.utf8)], form).text
  }

  @Test("are made of a type and six letters, and are the same for the same value")
  func form() {
    #expect(email.wholeMatch(of: /EMAIL_[BCDFGHJKMNPQRSTVWXZ2345679]{6}/) != nil)
    #expect(email.contains { $0.isNumber })
    for (text, expected) in [("jane@EXAMPLE.com", email), ("JANE@example.com", nil)] as [(String, String?)] {
      #expect((Self.name(text, .email, "EMAIL", in: vault) == email) == (expected != nil))
    }
  }

  @Test("are found in every spelling that models give them, and in no other")
  func spellings() {
    let code = email.dropFirst(6)
    for text in [
      "EMAIL_\(code)", "email_\(code.lowercased())", "EMAIL\\_\(code)", "EMAIL-\(code)", "Email \(code)",
    ] {
      #expect(once("To \(text)'s box") == "To jane@example.com's box", "\(text)")
      #expect(once(text) == "jane@example.com")
      #expect(once("**\(text)**, \(text)です") == "**jane@example.com**, jane@example.comです")
    }
    for text in [
      "x\(email)", "\(email)7", "EMAIL__\(code)", "é\(email)", "EMAIL_\(code.dropLast())", "_\(email)",
      "EMAIL_BBBBBB",
    ] {
      #expect(once(text) == text)
    }
    #expect(once("EMAIL EMAIL_\(code)") == "EMAIL jane@example.com")
    #expect(once("EMAIL \(email) \(card)\(email)") == "EMAIL jane@example.com \(card)\(email)")
  }

  @Test("are replaced alike however the text is cut")
  func everySplit() {
    let text =
      "Hi \(email), EMAIL EMA \(card.lowercased())\n\(email.replacing("_", with: "\\_"))x \(odd)|EMAIL_ \(email)"
    let bytes = Array(text.utf8)
    let whole = once(text)
    #expect(whole.contains("jane@example.com, EMAIL EMA 4111 1111 1111 1111\n"))
    for first in 0...bytes.count {
      for second in first...bytes.count {
        let (cut, held) = restored([
          Array(bytes[..<first]), Array(bytes[first..<second]), Array(bytes[second...]),
        ])
        #expect(cut == whole)
        #expect(held <= 32)
      }
    }
    #expect(restored(bytes.map { [$0] }).text == whole)
  }

  @Test("in arguments are put back as JSON")
  func arguments() {
    #expect(once("{\"to\":\"\(odd)\"}", .arguments) == #"{"to":"\"o'b\\r\"@example.com"}"#)
  }

  @Test("of another key or scope are others")
  func scopes() {
    for (key, scope) in [([9], []), ([1, 2, 3], [UInt8(7)])] as [([UInt8], [UInt8])] {
      let other = Vault()
      other.begin(scope: scope)
      #expect(Self.name("jane@example.com", .email, "EMAIL", in: other, key: key) != email)
    }
  }

  @Test("have a ceiling")
  func ceiling() {
    var places = 0
    let hash = KeyedHash(key: [1].span)
    for at in 0..<600 {
      let bytes = Array("user\(at)@example.com".utf8)
      if vault.place(of: bytes.span, .email, label: ("EMAIL" as StaticString).bytes, hash) != nil {
        places += 1
      }
    }
    #expect(vault.count == Vault.valueCeiling)
    #expect(places == Vault.valueCeiling - 3)
  }
}

@Suite("Escaped texts")
struct EscapedTextTests {
  @Test("tell where each part is written, once and twice escaped")
  func places() {
    let text = EscapedText()
    let content = Array(#"mail \u006aane\u0040example\u002ecom\n\ud83d\ude00 \/x"#.utf8)
    text.read(content.span)
    #expect(text.text.bytes.text() == "mail jane@example.com\n😀 /x")
    #expect(
      String(decoding: content[text.written(5..<21)], as: UTF8.self) == #"\u006aane\u0040example\u002ecom"#)
    #expect(String(decoding: content[text.written(22..<26)], as: UTF8.self) == #"\ud83d\ude00"#)
    #expect(text.written(27..<29).count == 3)
    #expect(text.written(0..<4) == 0..<4)
  }

  @Test("that aren't JSON keep their backslashes")
  func loose() {
    let text = EscapedText()
    let content = Array(#"C:\dir \"a\" \uZZ \"#.utf8)
    text.read(content.span)
    #expect(text.text.bytes.text() == #"C:\dir "a" \uZZ \"#)
  }
}
