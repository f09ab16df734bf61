// A request as it is recorded and looked for.

internal import Wire

/// What was asked. Of the headers nothing tells requests apart, but for those that turn a provider's features on.
package struct TapeRequest: Sendable {
  package enum Body: Sendable {
    case none
    case json(JSONTree)
    case parts([TapePart])
    case raw([UInt8])
  }

  package let method: String
  /// With `/v1` in front, and with its query.
  package let path: String
  package let body: Body
  /// Those of `kept`, in lower case, with the values of a list in order.
  package let headers: [(name: String, value: String)]

  /// The headers that change what an answer is: the same body is answered otherwise with them.
  package static let telling = ["anthropic-beta", "openai-beta"]
  /// The headers that are kept, for people and for asking again. Others may hold accounts and cookies.
  package static let kept = ["anthropic-version"] + telling

  /// - Parameters:
  ///   - target: as it came, with or without `/v1`.
  ///   - fields: names in lower case.
  package init(method: String, target: String, fields: [(name: String, value: String)], body: [UInt8]) {
    self.method = method
    headers = Self.kept.compactMap { name in
      let values = fields.filter { $0.name == name }.flatMap { $0.value.split(separator: ",") }
      let words = Set(values.map { String($0.filter { $0 != " " && $0 != "\t" }) }.filter { !$0.isEmpty })
      return words.isEmpty ? nil : (name, words.sorted().joined(separator: ","))
    }
    let contentType = fields.first { $0.name == "content-type" }?.value ?? ""
    let isBare = !(target == "/v1" || target.hasPrefix("/v1/") || target.hasPrefix("/v1?"))
    path = isBare && target != "/" ? "/v1" + target : target
    if body.isEmpty {
      self.body = .none
    } else if let boundary = TapePart.boundary(contentType), let parts = TapePart.split(body, boundary) {
      self.body = .parts(parts)
    } else if let tree = JSONTree.parse(body) {
      self.body = .json(tree)
    } else {
      self.body = .raw(body)
    }
  }

  /// What requests with the same answer share: 64 hexadecimal digits.
  package func key(_ rules: TapeRules) -> String {
    let said: String
    switch body {
    case .none: said = ""
    case .json(let tree): said = rules.canonical(tree)
    case .raw(let bytes): said = Fingerprint.of(bytes)
    case .parts(let parts):
      said = parts.map { "\($0.name)\u{0}\($0.fileName)\u{0}\($0.type)\u{0}\($0.hash)" }.joined(
        separator: "\n")
    }
    // What has none of them has the key that it had before they counted.
    let told = headers.filter { rules.counts(header: $0.name) }.map { "\n\($0.name): \($0.value)" }.joined()
    return Fingerprint.of(Array("\(method)\n\(path.dropFirst(3))\n\(said)\(told)".utf8))
  }

  /// The part of a file's name that says what was asked.
  package var endpoint: String {
    let words = path.dropFirst(path.hasPrefix("/v1/") ? 4 : 1).prefix { $0 != "?" }
    let name = String(words.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }.prefix(40))
    return name.isEmpty ? "root" : name
  }

  package var model: String { if case .json(let tree) = body { tree["model"]?.string ?? "" } else { "" } }

  /// As it is written into a file: long data URLs as their hashes.
  var tree: JSONTree {
    var members: [JSONTree.Member] = [.init("method", JSONTree(method)), .init("path", JSONTree(path))]
    if !headers.isEmpty {
      members.append(.init("headers", .object(headers.map { .init($0.name, JSONTree($0.value)) })))
    }
    switch body {
    case .none: break
    case .json(let tree): members.append(.init("body", Self.short(tree)))
    case .raw(let bytes): members.append(.init("raw_sha256", JSONTree(Fingerprint.of(bytes))))
    case .parts(let parts): members.append(.init("parts", .array(parts.map(\.tree))))
    }
    return .object(members)
  }

  private static func short(_ tree: JSONTree) -> JSONTree {
    switch tree {
    case .literal: return tree
    case .text(let token):
      guard token.count > 4096, token.starts(with: Array("\"data:".utf8)) else { return tree }
      let text = Array(JSONTree.decoded(token).utf8)
      return .object([.init("$sha256", JSONTree(Fingerprint.of(text))), .init("bytes", JSONTree(text.count))])
    case .array(let items): return .array(items.map(short))
    case .object(let members):
      return .object(members.map { JSONTree.Member(token: $0.name, short($0.value)) })
    }
  }
}

/// A part of a form with files: RFC 7578.
package struct TapePart: Sendable {
  package let name: String
  package let fileName: String
  package let type: String
  package let hash: String
  package let count: Int

  var tree: JSONTree {
    .object([
      .init("name", JSONTree(name)), .init("filename", JSONTree(fileName)), .init("type", JSONTree(type)),
      .init("sha256", JSONTree(hash)), .init("bytes", JSONTree(count)),
    ])
  }

  /// The boundary of a multipart body; nil for any other.
  static func boundary(_ contentType: String) -> String? {
    guard contentType.lowercased().hasPrefix("multipart/") else { return nil }
    return parameter("boundary", of: contentType)
  }

  private static func parameter(_ name: String, of field: String) -> String? {
    for part in field.split(separator: ";").dropFirst() {
      let pair = part.split(separator: "=", maxSplits: 1)
      guard pair.count == 2, pair[0].drop(while: { $0 == " " }).lowercased() == name else { continue }
      let value = pair[1].drop { $0 == " " || $0 == "\"" }
      return String(value.prefix { $0 != "\"" })
    }
    return nil
  }

  /// The parts between boundaries, which may differ from request to request; nil where they aren't there.
  static func split(_ body: [UInt8], _ boundary: String) -> [TapePart]? {
    let mark = Array("--\(boundary)".utf8)
    var places: [Int] = []
    var at = 0
    while at + mark.count <= body.count {
      if body[at] == mark[0], body[at..<at + mark.count].elementsEqual(mark) {
        places.append(at)
        at += mark.count
      } else {
        at += 1
      }
    }
    guard places.count > 1 else { return nil }
    return zip(places, places.dropFirst()).compactMap { start, end in
      part(Array(body[start + mark.count..<end]))
    }
  }

  private static func part(_ bytes: [UInt8]) -> TapePart? {
    let gap = Array("\r\n\r\n".utf8)
    guard
      let split = bytes.indices.first(where: {
        $0 + 4 <= bytes.count && bytes[$0..<$0 + 4].elementsEqual(gap)
      })
    else { return nil }
    let head = String(decoding: bytes[..<split], as: UTF8.self)
    var content = bytes[(split + 4)...]
    if content.suffix(2).elementsEqual([ASCII.cr, ASCII.lf]) { content = content.dropLast(2) }
    var (name, fileName, type) = ("", "", "")
    for line in head.split(separator: "\r\n") {
      let lower = line.lowercased()
      if lower.hasPrefix("content-disposition:") {
        name = parameter("name", of: String(line)) ?? ""
        fileName = parameter("filename", of: String(line)) ?? ""
      } else if lower.hasPrefix("content-type:") {
        type = String(line.dropFirst(13).drop { $0 == " " })
      }
    }
    return TapePart(
      name: name, fileName: fileName, type: type, hash: Fingerprint.of(Array(content)), count: content.count)
  }
}
