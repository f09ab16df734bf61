// Recorded streams of every provider, as messages and as responses, cut in every way: what comes out is always the same.

import Config
import Testing
import Wire

@testable import Dialects

/// A recorded stream of a provider that a format is made of.
private struct Source: Sendable, CustomTestStringConvertible {
  let name: String
  /// Nil: OpenAI's format.
  let kind: ProviderKind?
  let repairs: Bool
  let bytes: [UInt8]

  var testDescription: String { name }

  /// Those of dialects, and of OpenAI's format, which passes on the way in, every third chat.
  static let all: [Source] = {
    let kinds: [(String, ProviderKind)] = [
      ("anthropic", .anthropic), ("gemini", .gemini), ("vertex", .vertex), ("vertex-anthropic", .anthropic),
      ("bedrock", .bedrock), ("cohere", .cohere), ("ollama", .ollama),
    ]
    var found: [Source] = []
    for (directory, kind) in kinds {
      for file in Recording.names(Recording.directory + "/" + directory) {
        if let source = Source("\(directory)/\(file)", kind) { found.append(source) }
      }
    }
    let chats = Recording.streams.filter { $0.shape == .chat }
    return found + stride(from: 0, to: chats.count, by: 3).map { Source(chats[$0]) }
  }()

  private init(_ recording: Recording) {
    (name, kind, repairs) = (recording.name, nil, recording.repairs)
    bytes = Array(recording.body.utf8)
  }

  private init?(_ name: String, _ kind: ProviderKind) {
    guard let tree = Tree(Recording.contents(Recording.directory + "/" + name)), let reply = tree["response"],
      let operation = tree["operation"]?.text?.lowercased(), operation.contains("stream"),
      (reply["status"]?.integer ?? 200) < 300
    else { return nil }
    if let body = reply["body"]?.text {
      bytes = Array(body.utf8)
    } else if let body = reply["body_base64"]?.text {
      var decoded = ByteQueue()
      Base64.decode(Array(body.utf8).span, into: &decoded)
      bytes = decoded.array()
    } else if kind != .bedrock, let events = reply["events"]?.elements {
      bytes = Array(events.compactMap(\.text).map { "data: \($0)\n\n" }.joined().utf8)
    } else {
      return nil
    }
    (self.name, self.kind, repairs) = (name, kind, false)
  }
}

/// What a client gets for a stream that comes in pieces.
private struct Recasted: Equatable {
  var text = ""
  var ending = ""
  var usage = TokenUsage()

  init(_ source: Source, _ format: Recast.Format, _ pieces: [ArraySlice<UInt8>]) throws {
    let asked =
      switch format {
      case .responses: #"{"model":"m","stream":true,"input":"Hi"}"#
      default: #"{"model":"m","stream":true,"max_tokens":64,"messages":[{"role":"user","content":"Hi"}]}"#
      }
    let body = Array(asked.utf8)
    let model = [UInt8(ascii: "m")]
    let dialect = try source.kind?.dialect()
    let passage = Passage(pool: nil)
    let target = try ChatTarget(
      source.kind ?? .openaiCompatible, dialect, model: model, outputCeiling: 0, reasons: nil)
    let recast = try Recast(format, body.span, for: target, model: model, passage: passage)
    if let dialect {
      try recast.translate(
        Translation(dialect, pool: nil), dialect, body.span, model: model, ChatRequest())
    } else {
      try recast.pass(body.span, addsUsage: true, repairs: source.repairs, nil)
    }
    var out = ByteQueue()
    _ = recast.begin(
      ReplyFacts(status: 200, media: .events, hasBody: true), member: Span(),
      stamp: AnswerStamp(created: 1, seed: AnswerSeed("seed")))
    do throws(TakeFault) {
      for piece in pieces {
        let bytes = Array(piece)
        try recast.take(bytes.span, into: &out)
      }
      ending = "\(recast.end(isWhole: true, into: &out))"
    } catch { ending = "\(error)" }
    text = out.bytes.text()
    usage = recast.inner.usage
  }
}

@Suite("Recorded streams in other formats")
struct RecordedCutTests {
  /// Bytes of a stream that is cut at each of its places; of a longer one some are.
  private static let ceiling = 1 << 10

  @Test("each recorded stream is the same in every cut", arguments: Source.all)
  fileprivate func cuts(_ source: Source) throws {
    for format in [Recast.Format.messages, .responses] {
      let bytes = source.bytes
      let whole = try Recasted(source, format, [bytes[...]])
      #expect(!whole.text.isEmpty)
      func expectSame(_ pieces: [ArraySlice<UInt8>], _ what: @autoclosure () -> String) throws {
        let cut = try Recasted(source, format, pieces)
        if cut != whole { Issue.record("\(format), \(what()): \(cut.ending) \(cut.text)") }
      }
      if bytes.count <= Self.ceiling {
        // Pieces of this length, begun at each of as many offsets, are cut at each place once, and whole on its other side.
        let length = 5
        for offset in 1...length {
          let cuts = [0] + stride(from: offset, to: bytes.count, by: length) + [bytes.count]
          try expectSame(zip(cuts, cuts.dropFirst()).map { bytes[$0..<$1] }, "from \(offset)")
        }
        try expectSame(bytes.indices.map { bytes[$0...$0] }, "byte by byte")
      }
      for cut in stride(from: bytes.count / 3, to: bytes.count, by: max(bytes.count / 3, 1)) {
        try expectSame([bytes[..<cut], bytes[cut...]], "at \(cut)")
      }
    }
  }
}
