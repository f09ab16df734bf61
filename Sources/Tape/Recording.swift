// One exchange on the disk: what was asked, and what the application got, an event a line.

internal import Wire

/// An answer as the application got it, without what is made anew each time.
package struct TapeAnswer: Sendable, Equatable {
  package enum Body: Sendable, Equatable {
    case none
    case json(JSONTree)
    /// Events with the milliseconds since the one before.
    case events([TapeEvent])
    case raw([UInt8])
  }

  package var status: Int
  /// In lower case; those of `kept`.
  package var headers: [(name: String, value: String)]
  package var provider: String
  package var model: String
  /// Whether it carried `x_remora`.
  package var hasMetadata: Bool
  package var body: Body

  /// The headers that are kept: an allow-list, for others may hold accounts and cookies.
  package static let kept = ["content-type", "retry-after", "x-should-retry"]

  package init(
    status: Int, headers: [(name: String, value: String)], provider: String, model: String, hasMetadata: Bool,
    body: Body
  ) {
    self.status = status
    self.headers = headers
    self.provider = provider
    self.model = model
    self.hasMetadata = hasMetadata
    self.body = body
  }

  /// Whether it says the same, whenever its parts came.
  package static func == (left: TapeAnswer, right: TapeAnswer) -> Bool {
    left.status == right.status && left.headers.elementsEqual(right.headers, by: ==)
      && left.body == right.body
      && left.provider == right.provider && left.model == right.model
  }

  /// Takes a JSON answer apart; anything else stays as it is.
  package static func body(of bytes: [UInt8], isJSON: Bool) -> (body: Body, hasMetadata: Bool) {
    if bytes.isEmpty { return (.none, false) }
    guard isJSON, let tree = JSONTree.parse(bytes) else { return (.raw(bytes), false) }
    return (.json(tree.without("x_remora")), tree["x_remora"] != nil)
  }
}

package struct TapeEvent: Sendable, Equatable {
  package var gap: Int
  package var data: Data
  /// `message_start`; empty where it has none.
  package var name: String

  package enum Data: Sendable, Equatable {
    case json(JSONTree)
    case text(String)
  }

  package init(gap: Int, data: [UInt8], name: String) {
    self.gap = gap
    self.name = name
    if let tree = JSONTree.parse(data), tree.members.isEmpty == false {
      self.data = .json(tree.without("x_remora"))
    } else {
      self.data = .text(String(decoding: data, as: UTF8.self))
    }
  }

  fileprivate init?(_ tree: JSONTree) {
    let items = tree.items
    guard items.count >= 2, let gap = items[0].integer else { return nil }
    self.gap = gap
    name = items.count > 2 ? items[2].string ?? "" : ""
    data = items[1].string.map { .text($0) } ?? .json(items[1])
  }

  package static func == (left: TapeEvent, right: TapeEvent) -> Bool {
    left.data == right.data && left.name == right.name
  }

  fileprivate var tree: JSONTree {
    let said: JSONTree =
      switch data {
      case .json(let tree): tree
      case .text(let text): JSONTree(text)
      }
    return .array([JSONTree(gap), said] + (name.isEmpty ? [] : [JSONTree(name)]))
  }

  package var bytes: [UInt8] {
    switch data {
    case .json(let tree): tree.compact
    case .text(let text): Array(text.utf8)
    }
  }
}

/// A file of a recording.
package struct TapeRecording: Sendable {
  package let key: String
  /// For comparison with what is asked and not there.
  package let request: JSONTree
  package var answer: TapeAnswer
  /// `chat_completions-3f9a1c2b4d5e.json`.
  package var file = ""

  package init(_ request: TapeRequest, key: String, _ answer: TapeAnswer) {
    self.key = key
    self.request = request.tree
    self.answer = answer
  }

  package var path: String { request["path"]?.string ?? "" }
  /// Those of the request that are kept.
  package var headers: [(String, String)] {
    (request["headers"]?.members ?? []).compactMap { member in
      guard TapeRequest.kept.contains(member.key), let text = member.value.string, Self.isFit(text) else {
        return nil
      }
      return (member.key, text)
    }
  }

  // MARK: Writing

  /// The file's bytes, and those of the file beside it where the answer is no text.
  ///
  /// - Parameter date: `2026-11-28`.
  package func bytes(date: String, binaryName: String) -> (file: [UInt8], binary: [UInt8]?) {
    var binary: [UInt8]?
    var members: [JSONTree.Member] = [.init("status", JSONTree(answer.status))]
    members.append(.init("headers", .object(answer.headers.map { .init($0.name, JSONTree($0.value)) })))
    if !answer.provider.isEmpty { members.append(.init("provider", JSONTree(answer.provider))) }
    if !answer.model.isEmpty { members.append(.init("model", JSONTree(answer.model))) }
    if answer.hasMetadata { members.append(.init("x_remora", .literal(Array("true".utf8)))) }
    switch answer.body {
    case .none: break
    case .json(let tree): members.append(.init("body", tree))
    case .events(let events): members.append(.init("events", .array(events.map(\.tree))))
    case .raw(let bytes):
      if let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) {
        members.append(.init("raw", JSONTree(text)))
      } else if bytes.count <= 4096 {
        var queue = ByteQueue()
        Base64Encoder.encode(bytes.span, into: &queue)
        members.append(.init("base64", JSONTree(queue.bytes.text())))
      } else {
        binary = bytes
        members.append(.init("file", JSONTree(binaryName)))
      }
    }
    var out: [UInt8] = []
    JSONTree.object([
      .init("remora", JSONTree(1)), .init("recorded", JSONTree(date)), .init("key", JSONTree(key)),
      .init("request", request), .init("response", .object(members)),
    ]).pretty(into: &out)
    return (out + [ASCII.lf], binary)
  }

  // MARK: Reading

  /// - Parameter beside: gives the bytes of a file beside it.
  package init(file name: String, bytes: [UInt8], beside: (String) -> [UInt8]?) throws(TapeFault) {
    guard let tree = JSONTree.parse(bytes), let key = tree["key"]?.string, let request = tree["request"],
      let response = tree["response"], let status = response["status"]?.integer, (200...599).contains(status)
    else { throw TapeFault("\(Shown.path(name)) is no recording, or it was damaged") }
    guard tree["remora"]?.integer == 1 else {
      throw TapeFault("\(Shown.path(name)) is of a later version of Remora's")
    }
    self.key = key
    self.request = request
    file = name
    let body: TapeAnswer.Body
    if let tree = response["body"] {
      body = .json(tree)
    } else if case .array(let events)? = response["events"] {
      body = .events(events.compactMap { TapeEvent($0) })
    } else if let text = response["raw"]?.string {
      body = .raw(Array(text.utf8))
    } else if let text = response["base64"]?.string {
      body = .raw(Self.decode(base64: text))
    } else if let other = response["file"]?.string {
      guard !other.contains("/"), let bytes = beside(other) else {
        throw TapeFault("\(Shown.path(name)) names a file that isn't there")
      }
      body = .raw(bytes)
    } else {
      body = .none
    }
    answer = TapeAnswer(
      status: status,
      headers: response["headers"]?.members.compactMap { member in
        member.value.string.flatMap {
          TapeAnswer.kept.contains(member.key) && Self.isFit($0) ? (member.key, $0) : nil
        }
      } ?? [],
      provider: response["provider"]?.string ?? "", model: response["model"]?.string ?? "",
      hasMetadata: response["x_remora"] != nil, body: body)
  }

  /// Whether a text may be a header's value: a file may have been edited.
  private static func isFit(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } }

  private static func decode(base64 text: String) -> [UInt8] {
    var out: [UInt8] = []
    var (bits, count): (UInt32, Int) = (0, 0)
    for byte in text.utf8 {
      let value: UInt32
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = UInt32(byte - 65)
      case UInt8(ascii: "a")...UInt8(ascii: "z"): value = UInt32(byte - 71)
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = UInt32(byte + 4)
      case UInt8(ascii: "+"): value = 62
      case UInt8(ascii: "/"): value = 63
      default: continue
      }
      bits = bits << 6 | value
      count += 6
      if count >= 8 {
        count -= 8
        out.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return out
  }
}
