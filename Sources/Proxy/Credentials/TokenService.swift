// What every service that gives out credentials has in common: something is asked, and an answer is read.
//
// One file for each cloud says what: AWSServices.swift, GoogleServices.swift, EntraServices.swift. None of them
// does any I/O but to read the small files that it is told of, anew each time, because they rotate.

internal import Config
internal import HTTP
internal import Transport
internal import Wire

/// Why there is no credential.
struct CredentialFault: Error, Sendable, Equatable {
  /// What is wrong, where, and what to do about it. Never a secret.
  var message: String
  /// Whether it may come right without anybody changing anything.
  var isPassing = true
}

extension CredentialFault {
  init(_ fault: FetchFault, at place: FetchPlace) {
    message = "\(place.shown) \(fault.message)"
    if case .tooLarge = fault {
      message += "; check that the address is that of a token service"
      isPassing = false
    }
  }
}

extension FetchRequest {
  /// A question for a credential.
  init(_ method: Method, _ place: FetchPlace) {
    self.init(method, place, ceiling: Ceiling.credentialAnswer)
    isAnswerSecret = true
  }
}

/// What is shown to a provider.
enum Proof: Sendable {
  /// In `Authorization: Bearer`.
  case bearer(Secret)
  /// The request is signed with them.
  case keys(AWSKeys)
}

/// What an answer gave.
struct Earned: Sendable {
  let proof: Proof
  /// Seconds for which it holds, from now on.
  let lifetime: Int
}

/// A service that gives out credentials.
protocol TokenService: Sendable {
  /// The request that asks for one.
  ///
  /// - Parameter now: seconds since 1970, as the service's clock says.
  func request(now: Int) throws(CredentialFault) -> FetchRequest

  /// Reads an answer whose status says success.
  func read(_ answer: borrowing FetchAnswer, now: Int) throws(CredentialFault) -> Earned

  /// What to do where the service refuses: the end of a sentence.
  var remedy: String { get }
  var place: String { get }
}

extension TokenService {
  /// What an answer with an error's status says, and what to do about it.
  func fault(_ answer: borrowing FetchAnswer) -> CredentialFault {
    let said = AnswerText.error(answer.body.bytes)
    return CredentialFault(
      message: "\(place) refused (\(answer.status)\(said.isEmpty ? "" : ": " + said)); \(remedy)",
      isPassing: answer.status >= 500 || answer.status == 429 || answer.status == 408)
  }
}

/// Reads answers, of which nothing is copied to memory that isn't wiped.
enum AnswerText {
  /// Bytes of a service's sentence that messages show.
  private static let ceiling = 300

  /// The answer's object, if it is one JSON object.
  static func object(_ body: Span<UInt8>) -> Range<Int>? {
    var scanner = JSONScanner()
    do throws(JSONFault) {
      try scanner.feed(body)
      try scanner.finish()
    } catch { return nil }
    return scanner.topLevelKind == .object ? 0..<body.count : nil
  }

  /// The secret that the member `name` of an object holds.
  static func secret(_ body: Span<UInt8>, _ object: Range<Int>, _ name: StaticString) throws(SecretFault)
    -> Secret
  {
    guard let range = JSONView.value(body, in: object, at: name), JSONView.kind(body, range) == .string
    else { throw .empty }
    var text = ByteQueue.forSecrets()
    text.reserve(range.count)
    JSONString.decode(body, range, into: &text)
    return try Secret(text.bytes)
  }

  /// The text of a member that is no secret.
  static func text(_ body: Span<UInt8>, _ object: Range<Int>, _ name: StaticString) -> String? {
    guard let range = JSONView.value(body, in: object, at: name), JSONView.kind(body, range) == .string
    else { return nil }
    return JSONString.text(body, range)
  }

  /// Whole seconds that a member says, as a number or as a text of one.
  static func seconds(_ body: Span<UInt8>, _ object: Range<Int>, _ name: StaticString) -> Int? {
    guard let range = JSONView.value(body, in: object, at: name) else { return nil }
    if JSONView.kind(body, range) == .string { return Int(JSONString.text(body, range)) }
    guard let value = JSONValue.double(body, range), value >= 0, value < 1e15 else { return nil }
    return Int(value)
  }

  /// What between `<name>` and `</name>` stands, as far as no character is escaped there.
  static func element(_ body: Span<UInt8>, _ name: String) -> Range<Int>? {
    let opening = Array("<\(name)>".utf8)
    guard let start = find(opening, in: body, from: 0) else { return nil }
    var end = start + opening.count
    while end < body.count, body[end] != UInt8(ascii: "<"), body[end] != UInt8(ascii: "&") { end += 1 }
    guard end < body.count, body[end] == UInt8(ascii: "<") else { return nil }
    return start + opening.count..<end
  }

  private static func find(_ text: [UInt8], in body: Span<UInt8>, from: Int) -> Int? {
    var at = from
    while at + text.count <= body.count {
      if body.extracting(at..<at + text.count).equals(text.span) { return at }
      at += 1
    }
    return nil
  }

  /// What an error's body says, in whichever shape: code and sentence, cut, and without anything that could be a token.
  static func error(_ body: Span<UInt8>) -> String {
    var parts: [String] = []
    if let object = object(body) {
      // STS writes {"Error":{"Code","Message"}}, Google and Entra {"error","error_description"}, EKS {"code","message"}.
      let inner =
        JSONView.value(body, in: object, at: "Error") ?? JSONView.value(body, in: object, at: "error")
      let place = inner.flatMap { JSONView.kind(body, $0) == .object ? $0 : nil } ?? object
      for name in ["error", "Code", "code", "error_description", "Message", "message"] as [StaticString] {
        if let text = text(body, place, name) { parts.append(text) }
      }
    } else {
      for name in ["Code", "Message"] {
        if let range = element(body, name) { parts.append(body.extracting(range).text()) }
      }
    }
    return shown(parts.joined(separator: ": "))
  }

  /// `text` on one line, cut, each word of it that is as long as a token left out.
  static func shown(_ text: String) -> String {
    let words = text.split { $0.isWhitespace }.map { $0.utf8.count > 100 ? "…" : $0 }
    let line = words.joined(separator: " ").unicodeScalars.filter {
      $0.properties.generalCategory != .control
    }
    let cut = line.prefix(ceiling)
    var result = String(String.UnicodeScalarView(cut))
    if cut.count < line.count { result += "…" }
    return result
  }

  /// Reads the file at `path`, which holds a token.
  static func token(file path: String, _ what: String) throws(CredentialFault) -> Secret {
    do throws(SecretFault) {
      if let token = try Secret.load(.file(path), from: Environment([:])) { return token }
      throw .empty
    } catch {
      throw CredentialFault(message: "\(what) (\(path)): \(error.message)")
    }
  }
}
