// Files of other gateways with something broken in them: each ends in a configuration that is taken or in a sentence.

import Config
import Glibc
import Import
import Support
import Testing

@Suite("A file of another gateway that is broken")
struct MutationTests {
  /// Files of each kind: those beside the project, read where they are, and one that is always there.
  private static let files: [(product: Product, text: [UInt8])] = {
    let names: [(Product, [String])] = [
      (
        .litellm,
        [
          "agw-environment-references", "agw-load-balancing-fallbacks", "agw-wildcard-model",
          "aws-guidance-base",
          "aws-guidance-eu-west-1", "ll-load_balancer", "ll-oai_misc_config", "ll-pass_through_config",
          "ll-test_pipeline_config", "lynkr-benchmark",
        ]
      ),
      (
        .agentgateway,
        [
          "agw-llm-basic", "agw-llm-prompt-guard", "agw-llm_config", "agw-llm_simple_config",
          "agw-ratelimit-local",
          "agw-tracing-langfuse", "seed004",
        ]
      ), (.keeptrusts, ["seed001"]),
    ]
    var files: [(Product, [UInt8])] = [(.litellm, Array(own.utf8))]
    for (product, names) in names {
      for name in names {
        let bytes = SharedVectors.contents(ofShared: "import/\(product.rawValue)/\(name).yaml")
        if !bytes.isEmpty { files.append((product, bytes)) }
      }
    }
    return files
  }()

  private static let own = """
    model_list:
      - model_name: fast
        litellm_params: { model: openai/gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY, rpm: 60 }
      - model_name: fast
        litellm_params:
          model: azure/mini
          api_base: https://eu.openai.azure.com
          api_version: "2024-10-21"
          api_key: \(canary)
        model_info: { input_cost_per_token: 0.00000015 }
    router_settings:
      num_retries: 2
      fallbacks: [{ fast: [claude] }]
    litellm_settings: { cache: true, callbacks: [prometheus, otel] }
    general_settings: { master_key: \(canary), max_budget: 100, budget_duration: 30d }

    """

  /// A secret that is told by its look, wherever a mutation puts it.
  private static let canary = "sk-proj-Zx9Canary0Qw7Lp2Vb8Nm4"

  /// How often each is broken; more often where `REMORA_MUTATIONS` says so.
  private static let rounds = environment("REMORA_MUTATIONS") ?? 12
  private static let seed = UInt64(environment("REMORA_SEED") ?? 1)

  private static func environment(_ name: String) -> Int? {
    unsafe getenv(name).flatMap { unsafe Int(String(cString: $0)) }
  }

  @Test(
    "ends in a configuration that is taken or in a sentence, without its secrets", arguments: files.indices)
  func ends(_ index: Int) {
    let file = Self.files[index]
    for round in 0..<Self.rounds {
      var mutation = Mutation(seed: Self.seed &* 1_000_003 &+ UInt64(index) << 32 &+ UInt64(round))
      let text = mutation.apply(to: file.text, secret: Array(Self.canary.utf8))
      let problem = Self.problem(text, round.isMultiple(of: 8) ? nil : file.product)
      #expect(problem == nil, "file \(index), round \(round)")
    }
  }

  /// What is wrong with what is made of `text`; nil: nothing.
  private static func problem(_ text: [UInt8], _ product: Product?) -> String? {
    let imported: Imported
    do throws(ImportFault) {
      imported = try Imported.read(text, name: "file.yaml", from: product)
    } catch {
      if error.message.isEmpty { return "no sentence" }
      return error.message.contains(canary) ? "a secret in the sentence: \(error.message)" : nil
    }
    if Report.json(imported).contains(canary) { return "a secret in the output" }
    let loaded = ConfigFile.decode(
      Array(imported.text.utf8), path: "made.yaml", environment: Environment([:]))
    let problem = loaded.problems.first { !$0.message.contains("is not set; set it") }
    return problem.map { "\($0.description)\n\(imported.text)" }
  }
}

/// One way to break a text, told by its seed.
private struct Mutation {
  private var random: UInt64

  init(seed: UInt64) { random = seed }

  /// SplitMix64.
  private mutating func next() -> UInt64 {
    random &+= 0x9E37_79B9_7F4A_7C15
    var mixed = random
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  private mutating func below(_ count: Int) -> Int { Int(next() % UInt64(max(count, 1))) }

  private static let odd = [
    "~", "-1", "1e999", "{}", "[]", "true", "''", "os.environ/", "$", "2024-01-01", "a b", "'*'", "http://",
    "${X}", "näh",
    "https://h:99999/v1", "a/b/c", "0x10", "|", ">", "'a\\tb'", "http://[::1", "-", "? a", "&a x", "*a",
    "{<<: *a}", "!!binary a",
    "\"\\u0000\"", "\"\\ud800\"", "9223372036854775808", "-9223372036854775809", "1e-400", ".inf", ".nan",
    "0o777", "1_000",
    "\u{FEFF}", "\u{202E}", "\u{85}", "\u{2028}", "# ", "%YAML 9", "---", "...", "a: b: c", "[a, b", "{a: b",
    "'a", "\"a",
    "\"a\\", "@", "`", "A=B", "-----BEGIN PRIVATE KEY-----",
  ]

  /// `text` with one to four of its places broken, and a secret in it.
  mutating func apply(to text: [UInt8], secret: [UInt8]) -> [UInt8] {
    var lines = text.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
    for at in lines.indices where hasValue(lines[at]) && below(12) == 0 {
      lines[at] = field(lines[at]).front + secret
    }
    var broken = Array(lines.joined(separator: [0x0A]))
    for _ in 0...below(3) {
      switch below(5) {
      case 0: breakBytes(&broken)
      case 1: breakLines(&broken)
      default: breakValue(&broken)
      }
    }
    return broken
  }

  private mutating func breakBytes(_ text: inout [UInt8]) {
    if text.isEmpty { return }
    let at = below(text.count)
    switch below(7) {
    case 0: text[at] ^= 1 << UInt8(below(8))
    case 1: text[at] = UInt8(below(256))
    case 2: text.removeSubrange(at..<min(text.count, at + 1 + below(60)))
    case 3: text.insert(0, at: at)
    case 4:
      text.insert(
        contentsOf: [[0xC0, 0x80], [0xFF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80]][below(4)], at: at)
    case 5: text.insert(UInt8(ascii: Array(":-#'\"{}[],&*!|>%@`? \t\r".unicodeScalars)[below(22)]), at: at)
    default: text.removeSubrange(at...)
    }
  }

  private mutating func breakLines(_ text: inout [UInt8]) {
    var lines = text.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
    let at = below(lines.count)
    let (front, indent) = field(lines[at])
    switch below(10) {
    case 0: lines.insert(lines[at], at: below(lines.count))
    case 1: lines.swapAt(at, below(lines.count))
    case 2: lines[at].insert(contentsOf: [UInt8](repeating: 0x20, count: 1 + below(4)), at: 0)
    case 3: lines[at].removeFirst(min(indent, 1 + below(4)))
    case 4: lines[at].insert(0x09, at: 0)
    case 5: lines[at] = front + Self.odd[below(Self.odd.count)].utf8
    case 6:
      lines[at] = front + [UInt8](repeating: UInt8(below(95) + 32), count: [200, 5_000, 100_000][below(3)])
    case 7: lines[at] = front + Self.nested([10, 60, 1_000, 20_000][below(4)], "[{"[below(2)])
    case 8: lines[at] = front + "&a ".utf8 + lines[at].dropFirst(front.count)
    default: lines[at] = front + field(lines[below(lines.count)]).front
    }
    text = Array(lines.joined(separator: [0x0A]))
  }

  /// Gives a key another value, or a value another key, so that the text mostly stays YAML.
  private mutating func breakValue(_ text: inout [UInt8]) {
    var lines = text.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
    let places = lines.indices.filter { hasValue(lines[$0]) }
    guard !places.isEmpty else { return }
    let at = places[below(places.count)]
    let other = lines[places[below(places.count)]]
    let (front, _) = field(lines[at])
    switch below(6) {
    case 0: lines[at] = front + other.dropFirst(field(other).front.count)
    case 1: lines[at] = front + [UInt8](repeating: UInt8(ascii: "a"), count: [300, 5_000, 100_000][below(3)])
    case 2: lines[at] = front + "[".utf8 + lines[at].dropFirst(front.count) + "]".utf8
    case 3: lines[at] = front + "{ ".utf8 + other.drop { $0 == 0x20 || $0 == UInt8(ascii: "-") } + " }".utf8
    default: lines[at] = front + Self.odd[below(Self.odd.count)].utf8
    }
    text = Array(lines.joined(separator: [0x0A]))
  }

  private static func nested(_ depth: Int, _ open: Character) -> [UInt8] {
    Array(String(repeating: open == "[" ? "[" : "{a: ", count: depth).utf8)
  }

  private func hasValue(_ line: [UInt8]) -> Bool {
    line.contains(UInt8(ascii: ":")) && line.count > field(line).front.count
  }

  /// A line up to its value, and how far it is indented.
  private func field(_ line: [UInt8]) -> (front: [UInt8], indent: Int) {
    let indent = line.firstIndex { $0 != 0x20 } ?? line.count
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
      return (Array(line.prefix(indent)), indent)
    }
    return (line[...colon] + [0x20], indent)
  }
}

extension String {
  fileprivate subscript(_ at: Int) -> Character { self[index(startIndex, offsetBy: at)] }
}
