import Support
import Testing
import Wire

/// A text on its way through a window, as a request's body goes: whatever an edit takes out or brings in, something
/// comes out at each turn until all of it has.
@Suite struct JSONSpliceWindowTests {
  private static let window = 64

  enum Change: String, CaseIterable {
    case removes, shortens, lengthens, inserts
  }

  private static func edit(_ splice: inout JSONSplice, _ change: Change, _ range: Range<Int>) throws {
    switch change {
    case .removes: try splice.replace(range, with: Span())
    case .shortens: try splice.replace(range, with: Array("ab".utf8).span)
    case .lengthens: try splice.replace(range, with: [UInt8](repeating: 0x4C, count: 3 * window).span)
    case .inserts: try splice.insert(at: range.lowerBound, [UInt8](repeating: 0x49, count: window + 1).span)
    }
  }

  /// Sizes around none, one and several windows.
  private static let sizes = [0, 1, 63, 64, 65, 127, 128, 129, 200]

  @Test(
    "no edit of any size, at any place, leaves nothing to send of a text at hand",
    arguments: Change.allCases)
  func atHand(_ change: Change) throws {
    for before in Self.sizes {
      for changed in Self.sizes where changed > 0 {
        for behind in Self.sizes {
          for head in [0, Self.window - 1, Self.window, Self.window + 9] {
            let text = (0..<before + changed + behind).map { UInt8(truncatingIfNeeded: $0 % 90 + 33) }
            var splice = JSONSplice()
            try Self.edit(&splice, change, before..<before + changed)
            var expected = ByteQueue()
            splice.apply(to: text.span, into: &expected)
            var sent: [UInt8] = []
            var queue = ByteQueue()
            queue.append([UInt8](repeating: 0x48, count: head))
            var at = 0
            var turns = 0
            repeat {
              at = splice.fill(&queue, upTo: Self.window, from: text.span, at: at)
              let isStuck = queue.isEmpty && at < text.count
              #expect(!isStuck)
              sent += queue.array()
              queue.removeAll()
              turns += 1
            } while at < text.count && turns < 1000
            let whole = expected.array()
            #expect(Array(sent.dropFirst(head)) == whole)
            if sent.count - head != whole.count { return }
          }
        }
      }
    }
  }

  /// The text's own members of these names go.
  private static let members: [JSONMember] = [.fallbackModels, .customerIdentifier]

  @Test("of a text that passes, all that is decided goes on at once, however it is cut")
  func passing() throws {
    for size in Self.sizes {
      for rest in [0, 1, 63, 64, 65, 200] {
        let tail = String(repeating: "r", count: rest)
        let large = String(repeating: "x", count: size)
        let text =
          "{\"model\":\"m\",\"fallback_models\":[\"\(large)\"],\"a\":\"\(tail)\",\"customer_identifier\":\"\(large)\"}"
        let bytes = Array(text.utf8)
        for cut in [1, 7, 63, 64, 65, 100, bytes.count] {
          let passed = try Self.pass(bytes, in: cut)
          #expect(passed == "{\"model\":\"m\",\"a\":\"\(tail)\"}", "\(size) \(rest) \(cut)")
        }
      }
    }
  }

  private static func pass(_ bytes: [UInt8], in cut: Int) throws -> String {
    var scanner = JSONScanner(watching: [.model, .fallbackModels, .customerIdentifier])
    var splice = JSONSplice()
    var held = ByteQueue()
    var start = 0
    var sent: [UInt8] = []
    var gone: Set<JSONMember> = []
    for from in stride(from: 0, to: bytes.count, by: cut) {
      let piece = Array(bytes[from..<min(from + cut, bytes.count)])
      held.append(piece)
      try scanner.feed(piece.span)
      for member in members where !gone.contains(member) {
        guard let found = scanner.found(member), scanner.closeBrace != nil || found.followingComma != nil
        else { continue }
        gone.insert(member)
        try splice.remove(found)
      }
      // As a socket that takes everything: what is decided must go in turns that each bring something.
      while start < scanner.decidedEnd, !held.isEmpty {
        let before = start
        var out = ByteQueue()
        splice.pass(&held, from: &start, to: scanner.decidedEnd, into: &out, upTo: window, pool: nil)
        sent += out.array()
        #expect(start > before)
        let isStuck = out.isEmpty && start < scanner.decidedEnd
        #expect(!isStuck)
        if start == before { return "stuck" }
      }
    }
    try scanner.finish()
    let left = held.count
    #expect(left == 0)
    var decoder = ChunkedDecoder()
    sent += Array("0\r\n\r\n".utf8)
    var text: [UInt8] = []
    var at = 0
    while case .data(let range) = try decoder.next(sent.span, from: at) {
      text += sent[range]
      at = range.upperBound
    }
    let hasEnded = decoder.hasEnded
    #expect(hasEnded)
    return String(decoding: text, as: UTF8.self)
  }
}
