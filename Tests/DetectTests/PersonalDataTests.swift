import Detect
import Testing
import Wire

@Suite("Personal data")
struct PersonalDataTests {
  @Test("is found in every vector, with its range", .enabled(if: !PolicyData.vectors.isEmpty))
  func vectors() {
    let bytes = PolicyData.vectors
    var entities = JSONObjectCursor(bytes.span, 0..<bytes.count)
    while let member = entities.next() {
      let name = String(decoding: bytes[member.key], as: UTF8.self)
      for (list, isFound) in [("found" as StaticString, true), ("not_found", false)] {
        guard let place = JSONView.value(bytes.span, in: member.value, at: list) else { continue }
        var texts = JSONArrayCursor(bytes.span, place)
        while let text = texts.next() {
          let text = JSONString.text(bytes.span, text.value)
          for around in ["\(text)", "(\(text))", "日本\(text)日本", "\"\(text)\", “\(text)”", "é \(text) é"] {
            let found = PersonalData.all.found(around).filter { "\($0.entity.name)" == name }
            #expect(found.isEmpty != isFound, "\(name) in \(around)")
          }
        }
      }
    }
  }

  @Test("keeps the floors of precision and recall", .enabled(if: !PolicyData.personal.isEmpty))
  func floors() {
    let bytes = PolicyData.personal
    var (hits, misses, wrong, negatives, negativesHit) = (0, 0, 0, 0, 0)
    var cases = JSONArrayCursor(bytes.span, 0..<bytes.count)
    while let place = cases.next() {
      let text = Array(PolicyData.text(bytes, place.value, "text").unicodeScalars)
      let utf8 = text.map { UTF8.width($0) }.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
      let whole = text.reduce(into: "") { $0.unicodeScalars.append($1) }
      var findings: [Finding] = []
      let scanned = Array(whole.utf8)
      PersonalData.all.scan(scanned.span, into: &findings)
      var spans: [(Range<Int>, String)] = []
      if let list = JSONView.value(bytes.span, in: place.value, at: "spans") {
        var elements = JSONArrayCursor(bytes.span, list)
        while let element = elements.next() {
          var parts = JSONArrayCursor(bytes.span, element.value)
          guard let start = parts.next(), let end = parts.next(), let name = parts.next(),
            let from = JSONValue.integer(bytes.span, start.value),
            let to = JSONValue.integer(bytes.span, end.value)
          else { continue }
          spans.append((utf8[from]..<utf8[to], JSONString.text(bytes.span, name.value)))
        }
      }
      if spans.isEmpty {
        negatives += 1
        if !findings.isEmpty { negativesHit += 1 }
      }
      for (range, name) in spans {
        let same = findings.firstIndex {
          "\($0.entity.name)" == name
            && $0.range.clamped(to: range).count * 5 >= max(range.count, $0.range.count) * 4
        }
        if let same {
          findings.remove(at: same)
          hits += 1
        } else {
          misses += 1
        }
      }
      wrong += findings.count
    }
    print(
      "personal data: \(hits) found, \(misses) missed, \(wrong) wrong, \(negativesHit) of \(negatives) negatives hit"
    )
    #expect(hits * 1000 >= (hits + misses) * 995)
    #expect(hits * 1000 >= (hits + wrong) * 995)
    #expect(negativesHit * 1000 <= negatives)
  }

  @Test(
    "is found however it stands in a text",
    arguments: [
      ("vlan 5 3c:52:82:4f:a1:9e", "3c:52:82:4f:a1:9e"), ("port 8 00-1A-2B-3C-4D-5E", "00-1A-2B-3C-4D-5E"),
      ("peer 1.5 12 2001:db8::8a2e:370:7334 up", "2001:db8::8a2e:370:7334"),
      ("no. 5 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
      ("My mail is o'brien@example.org.", "o'brien@example.org"), ("<jane@example.com>", "jane@example.com"),
      ("mailto:jane@example.com?subject=x", "jane@example.com"), ("`jane@example.com`", "jane@example.com"),
      ("to=jane@example.com;", "jane@example.com"), ("'jane@example.com'", "jane@example.com"),
      ("メールはjane@example.comです", "jane@example.com"), ("JANE@EXAMPLE.COM", "JANE@EXAMPLE.COM"),
      ("write to jane@mail.example.co.uk, please", "jane@mail.example.co.uk"),
      ("4111 1111 1111 1111,5555 5555 5555 4444", "4111 1111 1111 1111"),
      ("card:4111111111111111;", "4111111111111111"),
      ("+49 (0)30 1234567", "+49 (0)30 1234567"), ("+1-303-967-7450", "+1-303-967-7450"),
      ("+33\u{A0}1\u{A0}23\u{A0}45\u{A0}67\u{A0}89", "+33\u{A0}1\u{A0}23\u{A0}45\u{A0}67\u{A0}89"),
      ("555\u{2011}123\u{2011}4567", "555\u{2011}123\u{2011}4567"), ("phoneNumber: 2125550187", "2125550187"),
      ("call 212 555 0187 x123", "212 555 0187 x123"),
      ("wire to gb82 west 1234 5698 7654 32 today", "gb82 west 1234 5698 7654 32"),
      ("[2001:db8::8a2e:370:7334]:443", "2001:db8::8a2e:370:7334"),
      ("http://10.1.2.3:8080/x", "10.1.2.3:8080"),
    ])
  func places(_ text: String, _ expected: String) {
    #expect(PersonalData.all.found(text).first?.text == expected)
  }

  @Test(
    "is not seen in what only looks like it",
    arguments: [
      "550e8400-e29b-41d4-a716-446655440000", "order number 4532015112830366", "1990-2000",
      "between 1990-1999",
      "git@github.com:org/repo.git", "https://user@example.com/", "postgres://app:word@db.example.com/x",
      "created: 1700000000", "call foo(2221571288)", "v1.2.3.4", "3.14159265358979", "std::vector<int>",
      "a::b", "12:30:45",
      "kernel 5.15.0-56-generic", "2024-04-18T12:12:00.177209Z", "Ticket 357526879 is open", "17031 2202",
      "\"tool_calls\":[{\"id\":\"call_35af46cca5e0206c7ba7c5c8\"}],\"created\":1762855743",
      "1Z3875962901366903",
    ])
  func nothing(_ text: String) { #expect(PersonalData.all.found(text).map(\.text) == []) }

  @Test("costs in proportion to the text, whatever it holds")
  func bounded() {
    for unit in [
      "@", "1", ":", "a@", "1 ", "a1:", "(", "+1", "12-", "1.", "ab:", "call 1", "DE89 3704 ", "sk-", "::",
      "é",
    ] {
      let text = Array(String(repeating: unit, count: 50_000 / unit.utf8.count).utf8)
      var findings: [Finding] = []
      let clock = ContinuousClock()
      let time = clock.measure { PersonalData.all.scan(text.span, into: &findings) }
      // A debug build is some thirty times as slow as the shipped one.
      #expect(time < .seconds(20), "\(unit): \(time)")
    }
  }

  @Test("that is a credential is named by its rule")
  func secrets() {
    let keys = [
      ("sk-ant-api03-" + String(repeating: "aB3_x", count: 19), "anthropic-api-key"),
      ("ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789", "github-pat"),
      ("AKIA" + "Z7RQX5JNWT3KLMUV", "aws-access-token"),
      ("xoxb-123456789012-1234567890123-AbCdEfGhIjKl", "slack-bot-token"),
      (
        "-----BEGIN RSA PRIVATE KEY-----\n" + String(repeating: "MIIEow", count: 20)
          + "\n-----END RSA PRIVATE KEY-----",
        "private-key"
      ),
      (
        "sk-proj-" + String(repeating: "Ab3dE_", count: 12) + "xyT3BlbkFJ"
          + String(repeating: "Ab3dE_", count: 12) + "xy", "openai-api-key"
      ),
      ("abc8Q~" + "aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV", "azure-ad-client-secret"),
    ]
    for (key, name) in keys {
      for around in [key, "key=\(key)", "\"\(key)\"", "it is \(key)."] {
        let bytes = Array(around.utf8)
        var findings: [Finding] = []
        PersonalData.all.scan(bytes.span, into: &findings)
        #expect(findings.map(\.entity) == [.secret], "\(name)")
        #expect(findings.first.map { secretRuleName($0.rule) } == name)
        #expect(findings.first.map { String(decoding: bytes[$0.range], as: UTF8.self) } == key)
      }
    }
    for none in [
      "ghp_short", "sk-ant-api03-", "AKIAAAAAAAAAAAAAAAAA", "eyes", "BEGIN PRIVATE KEY", "sk-test",
    ] {
      #expect(PersonalData.all.found(none).isEmpty, "\(none)")
    }
  }
}
