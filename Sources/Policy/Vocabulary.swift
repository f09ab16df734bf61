// How many tokens a text has, without a tokenizer: each byte counts by its class, in 64ths of a token.
//
// The classes are those that vocabularies treat alike: letters that go on a word, capitals that begin one, digits, blanks,
// and of what isn't ASCII the first byte of a character, which says its script. The weights were fitted to vocabularies
// on prose in a dozen languages, source code and JSON; over all of it they are 1 % too high or low, and 7 to 9 % for one
// text. What is left is learned from what providers count (Learning.swift).

package import Config
internal import Wire

/// The weights of one family of vocabularies.
package struct Vocabulary: Sendable {
  /// A weight for each byte, in 64ths of a token.
  let weights: ByteWeights

  /// - Parameter classes: in the order of `classes(of:)`.
  private init(_ classes: [UInt16]) {
    weights = ByteWeights((0..<256).map { classes[Self.place(UInt8($0))] })
  }

  private static func place(_ byte: UInt8) -> Int {
    switch byte {
    case 0x61...0x7A: 0
    case 0x41...0x5A: 1
    case 0x30...0x39: 2
    case 0x20, 0x09: 3
    case 0x0A, 0x0D: 4
    case 0x00...0x7F: 5
    case 0x80...0xBF: 17
    case 0xC0...0xCB: 6
    case 0xCC...0xCF: 7
    case 0xD0...0xD3: 8
    case 0xD4...0xDF: 9
    case 0xE0: 10
    case 0xE1: 11
    case 0xE2: 12
    case 0xE3: 13
    case 0xE4...0xE9: 14
    case 0xEA...0xEF: 15
    default: 16
    }
  }

  /// OpenAI's o200k, and what nothing better is known for.
  package static let common = Vocabulary(
    [12, 71, 48, 4, 56, 22, 107, 25, 20, 26, 26, 40, 75, 43, 48, 46, 144, 0])
  static let deepseek = Vocabulary(
    [14, 74, 47, 3, 30, 29, 135, 34, 24, 29, 45, 33, 164, 45, 39, 55, 148, 0])
  static let tekken = Vocabulary(
    [15, 70, 80, 0, 75, 22, 112, 29, 23, 27, 32, 40, 119, 43, 68, 47, 223, 0])
  /// Claude 3 to 4.6.
  static let claude = Vocabulary(
    [19, 96, 47, 0, 48, 24, 141, 52, 32, 55, 65, 84, 258, 59, 77, 95, 205, 0])
  /// Claude from 4.8 on, and Sonnet 5.
  static let newClaude = Vocabulary(
    [28, 103, 46, 0, 30, 33, 164, 52, 32, 54, 65, 46, 352, 60, 79, 96, 205, 0])

  /// The weight of a text that is still escaped, in 64ths of a token.
  func weight(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int { weights.sum(bytes, range) }
}

/// How the models of one target count.
package struct Counting: Sendable {
  package let vocabulary: Vocabulary
  /// Tokens that the provider adds to every prompt, and to one with tools: what it says to the model itself. Medians of
  /// what recorded requests were counted as, less this estimate.
  let preamble: Int
  let toolPreamble: Int
  /// What stands around a call, and around its result.
  let callFrame: Int

  /// Of `model` at a kind of provider.
  package init(_ kind: ProviderKind, model: Span<UInt8>) {
    let name = model.text()
    if name.contains("claude") {
      vocabulary = Self.isNewClaude(name) ? .newClaude : .claude
    } else if kind == .deepseek || name.contains("deepseek") {
      vocabulary = .deepseek
    } else if kind == .mistral || name.contains("mistral") {
      vocabulary = .tekken
    } else {
      vocabulary = .common
    }
    // Claude's own page says 346 up to 4.1; of later ones more is counted.
    let isClaude = name.contains("claude")
    let claudeTools = Self.isEarlyClaude(name) ? 346 : 514
    callFrame = isClaude ? 20 : 0
    (preamble, toolPreamble) =
      switch kind {
      case .openai: (1, 4)
      case .gemini, .vertex: (-6, -14)
      case .mistral: (0, 28)
      case .azure: (0, 85)
      case .deepseek: (37, 281)
      case .xai: (165, 343)
      case .anthropic: (0, claudeTools)
      case .bedrock: (0, isClaude ? min(claudeTools, 496) : 0)
      default: (0, 0)
      }
  }

  /// Claude 4.8 and later, and 5 and later.
  private static func isNewClaude(_ name: String) -> Bool { release(name).map { $0 >= (4, 8) } ?? false }

  /// Claude up to 4.1.
  private static func isEarlyClaude(_ name: String) -> Bool { release(name).map { $0 <= (4, 1) } ?? false }

  /// The first two numbers in a name, of which a date is none.
  private static func release(_ name: String) -> (Int, Int)? {
    let numbers = name.split { !$0.isNumber }.filter { $0.count <= 2 }.compactMap { Int($0) }
    return numbers.first.map { ($0, numbers.count > 1 ? numbers[1] : 0) }
  }
}
