// What the model says, before policies: the same comes out however it is cut.

import Config
import Detect
import Dialects
import Policy
import Testing
import Wire

struct AnswerInspectorTests {
  private func chain(_ policies: [Config.Policy]) throws -> PolicyChain {
    var settings = Settings()
    settings.policies = policies
    settings.policyChain = policies.map(\.name)
    return try #require(try PolicyBook(settings, keys: [:], secrets: []).common)
  }

  private func all(_ answers: Config.Policy.Answers) throws -> PolicyChain {
    var data = Config.Policy(name: "pii", kind: .personalData)
    data.answers = answers
    var secrets = Config.Policy(name: "secrets", kind: .secrets)
    secrets.answers = answers
    var images = Config.Policy(name: "images", kind: .promptInjection)
    images.answers = answers == .redact ? .strip : .report
    return try chain([data, secrets, images])
  }

  private func event(_ text: Span<UInt8>, _ finish: Bool, into out: inout ByteQueue) {
    out.append("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":")
    JSONWriter.string(text, into: &out)
    out.append("},\"finish_reason\":")
    out.append(finish ? "\"stop\"" : "null")
    out.append("}]}\n\n")
  }

  /// What the client reads of a text that is cut at `cuts`; nil where the gate says no.
  private func read(_ text: String, _ cuts: [Int], _ chain: PolicyChain) -> String? {
    let inspector = Inspector()
    var edited = ByteQueue()
    _ = inspector.inspect(Array("{}".utf8).span, chain, scope: [], into: &edited)
    let answers = AnswerInspector(inspector)
    _ = answers.begin(chain)
    let gate = TextGate(inspector.vault)
    gate.watch = answers
    gate.begin()
    var stream = ByteQueue()
    let bytes = Array(text.utf8)
    let places = [0] + cuts + [bytes.count]
    for at in 1..<places.count {
      event(bytes.span.extracting(places[at - 1]..<places[at]), false, into: &stream)
    }
    event(Span(), true, into: &stream)
    stream.append("data: [DONE]\n\n")
    var out = ByteQueue()
    gate.take(stream.bytes, into: &out)
    gate.end(into: &out)
    if gate.isBlocked { return nil }
    var said = ByteQueue()
    for line in out.array().split(separator: ASCII.lf) where line.count > 20 {
      let data = Array(line.dropFirst(6))
      guard let choices = JSONView.value(data.span, in: 0..<data.count, at: "choices") else { continue }
      var elements = JSONArrayCursor(data.span, choices)
      while let choice = elements.next() {
        guard let content = JSONView.value(data.span, in: choice.value, at: "delta", "content") else {
          continue
        }
        JSONString.decode(data.span, content, into: &said)
      }
    }
    return said.bytes.text()
  }

  private static let texts = [
    "mail jane.doe@corp.example.com now, or bob@corp.example.com.",
    "card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00 and GB82 WEST 1234 5698 7654 32 there",
    "call +44 20 7946 0958 or (212) 555-0175! In 1990 it was 12.5 % of 100 000 things",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789 is one, and AKIAIOSFODNN7EXAMPLE another",
    "see ![a](https://evil.example/x.png?d=0123456789abcdef) and ![b](https://evil.example/x.png) (end)",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7abcd\n0123456789abcdef+/==\n-----END RSA PRIVATE KEY----- after",
    "caf\u{E9} \u{1F600} na\u{EF}ve, nothing here 42 at all !",
  ]

  @Test(arguments: texts) func everyCutGivesTheSame(_ text: String) throws {
    for answers in [Config.Policy.Answers.redact, .report, .block] {
      let chain = try all(answers)
      let whole = read(text, [], chain)
      if answers == .report { #expect(whole == text) }
      let count = text.utf8.count
      // A character that is cut is no provider's: events hold whole ones.
      let borders = text.unicodeScalars.indices.map { text.utf8.distance(from: text.startIndex, to: $0) }
      for cut in borders where cut > 0 && answers == .redact {
        #expect(read(text, [cut], chain) == whole, "cut at \(cut)")
      }
      #expect(read(text, borders.filter { $0 > 0 }, chain) == whole)
      for step in [2, 3, 5, 11] {
        #expect(read(text, borders.filter { $0 > 0 && $0 % step == 0 && $0 < count }, chain) == whole)
      }
    }
  }

  @Test func valuesAreTakenOut() throws {
    let chain = try all(.redact)
    for text in Self.texts.dropLast() {
      let said = try #require(read(text, [], chain))
      #expect(said != text)
      for value in ["doe@", "4111", "3704", "7946", "ghp_", "![a]", "MIIEv"] {
        #expect(!said.contains(value))
      }
    }
  }
}
