// What was typed, read strictly: an option that isn't known is refused, not ignored.

import Config
import Dialects
import Import
import Kubernetes
import Wire

/// What the program is asked to do.
enum Command: Equatable {
  case serve(ServeOptions)
  case check(CheckOptions)
  case explain(ExplainOptions)
  /// `admin` is nil for the default place.
  case record(RecordOptions)
  case replay(ReplayOptions)
  case probe(admin: Config.Address?, path: String)
  case schema
  case models(config: String?, asJSON: Bool)
  case demo
  case `import`(ImportOptions)
  case inject(InjectOptions)
  case webhook(WebhookOptions)
  /// Tries policies on standard input; `name` nil: all.
  case policyTest(name: String?, config: String?)
  /// Checks an audit log's chain; `key` is the file that its key is in.
  case auditVerify(files: [String], key: String?)
  case version
  /// Nil: all commands.
  case help(Topic?)
  case page(Page)
}

struct ServeOptions: Equatable {
  var config: String?
  /// Empty: what the configuration says.
  var listen: [Config.Address] = []
  var admin: Config.Address?
  var level: Telemetry.Level?
}

struct ExplainOptions: Equatable {
  var model: String
  var config: String?
  /// A request's body: a file, or `-`.
  var body: String?
  /// Nil: what the body looks like.
  var endpoint: PreviewEndpoint?
  /// Nil: what the configuration says.
  var admin: Config.Address?
}

struct CheckOptions: Equatable {
  enum Format: String, CaseIterable { case text, json }
  var config: String?
  var format = Format.text
  var prints = false
}

struct InjectOptions: Equatable {
  /// `-` is standard input; empty for it alone.
  var files: [String] = []
  var uninjects = false
  var isOptIn = false
  var printsReportOnly = false
  /// Nil for the placeholder.
  var image: String?
  var mode: InjectionSettings.Mode?
  var config: String?
  var secrets: [String]?
  var containers: [String]?
  var setsVariables = true
}

struct WebhookOptions: Equatable {
  var certificate: String
  var key: String
  /// Nil for the usual place.
  var listen: Config.Address?
  var admin: Config.Address?
  var onError = ReviewFailure.deny
  /// What pods get that don't say otherwise.
  var injection = InjectOptions()
}

/// Wrong usage, in a line that says where to read on.
struct UsageFault: Error {
  let message: String

  init(_ what: String, _ topic: Topic? = nil) {
    message = what + "; see 'remora help\(topic.map { " " + $0.rawValue } ?? "")'"
  }
}

/// One command's options and words.
struct Arguments {
  private let topic: Topic
  private var values: [String: [String]] = [:]
  private var operands: [String] = []
  /// Words behind `--`, which are another command.
  private var rest: [String] = []

  static func parse(_ arguments: [String]) throws(UsageFault) -> Command {
    guard let first = arguments.first else { return .serve(ServeOptions()) }
    switch first {
    case "--help", "-h": return .help(nil)
    case "--version", "-v", "-V": return .version
    case _ where first.hasPrefix("-"): return try command(.serve, arguments[...])
    default:
      guard let topic = Topic(rawValue: first) else {
        throw UsageFault("unknown command '\(Shown.text(first))'")
      }
      return try command(topic, arguments.dropFirst())
    }
  }

  private static func command(_ topic: Topic, _ words: ArraySlice<String>) throws(UsageFault) -> Command {
    if words.contains("--help") || words.contains("-h") { return .help(topic) }
    let arguments = try Arguments(topic, words)
    switch topic {
    case .serve: return .serve(try arguments.serveOptions())
    case .check: return .check(try arguments.checkOptions())
    case .explain:
      guard let model = arguments.operands.first, !model.isEmpty else {
        throw UsageFault("explain needs the name of a model", .explain)
      }
      return .explain(try arguments.explainOptions(model))
    case .import: return .import(try arguments.importOptions())
    case .inject: return .inject(try arguments.injectOptions())
    case .webhook: return .webhook(try arguments.webhookOptions())
    case .policy:
      guard arguments.operands.first == "test" else {
        throw UsageFault("policy needs the word 'test'", .policy)
      }
      return .policyTest(name: try arguments.single("--policy"), config: try arguments.single("--config"))
    case .audit:
      guard arguments.operands.first == "verify", arguments.operands.count > 1 else {
        throw UsageFault("audit needs the word 'verify' and a file", .audit)
      }
      return .auditVerify(
        files: Array(arguments.operands.dropFirst()), key: try arguments.single("--key"))
    case .record: return .record(try arguments.recordOptions())
    case .replay: return .replay(try arguments.replayOptions())
    case .probe:
      let path = arguments.values["--ready"] == nil ? "/healthz" : "/readyz"
      return .probe(admin: try arguments.address("--admin"), path: path)
    case .schema: return .schema
    case .models:
      return .models(config: try arguments.single("--config"), asJSON: arguments.values["--json"] != nil)
    case .demo: return .demo
    case .version: return .version
    case .help:
      guard let name = arguments.operands.first else { return .help(nil) }
      if let page = Page(rawValue: name) { return .page(page) }
      guard let topic = Topic(rawValue: name) else {
        throw UsageFault("unknown topic '\(Shown.text(name))'")
      }
      return .help(topic)
    }
  }

  /// Takes `--name value`, `--name=value` and plain words; behind `--` everything is a plain word.
  private init(_ topic: Topic, _ words: ArraySlice<String>) throws(UsageFault) {
    self.topic = topic
    var words = words
    var takesOptions = true
    while let word = words.popFirst() {
      if takesOptions, word == "--" {
        takesOptions = false
        if topic == .record || topic == .replay {
          rest = Array(words)
          return
        }
      } else if takesOptions, word.hasPrefix("-"), word != "-" {
        try take(word, &words)
      } else if operands.count == topic.operandCeiling {
        let hint = topic == .inject ? "; a file is named by -f" : ""
        throw UsageFault("unexpected '\(Shown.text(word))' for \(topic.rawValue)\(hint)", topic)
      } else {
        operands.append(word)
      }
    }
  }

  private mutating func take(_ word: String, _ words: inout ArraySlice<String>) throws(UsageFault) {
    let name = String(word.prefix { $0 != "=" })
    guard let takesValue = topic.options[name] else {
      throw UsageFault("unknown option '\(Shown.text(name))' for \(topic.rawValue)", topic)
    }
    let inline = name.count < word.count ? String(word.dropFirst(name.count + 1)) : nil
    guard takesValue else {
      guard inline == nil else { throw UsageFault("\(name) takes no value", topic) }
      values[name, default: []].append("")
      return
    }
    // A value that looks like an option is one that was forgotten; `--name=-x` says that it isn't.
    let next = words.first.flatMap { $0.hasPrefix("-") && $0 != "-" ? nil : $0 }
    let mayBeEmpty = name == "--secret" && inline != nil
    guard let value = inline ?? next, mayBeEmpty || !value.isEmpty else {
      throw UsageFault("\(name) needs a value", topic)
    }
    if inline == nil { words.removeFirst() }
    values[name, default: []].append(value)
  }

  // MARK: Values

  private func single(_ name: String) throws(UsageFault) -> String? {
    guard let given = values[name] else { return nil }
    guard given.count == 1 else { throw UsageFault("\(name) is given more than once", topic) }
    return given.first
  }

  private func address(_ name: String) throws(UsageFault) -> Config.Address? {
    guard let text = try single(name) else { return nil }
    return try readAddress(name, text)
  }

  private func readAddress(_ name: String, _ text: String) throws(UsageFault) -> Config.Address {
    guard let address = Config.Address.parse(text) else {
      throw UsageFault(
        "\(name): '\(Shown.text(text))' is no address; write host:port, [::1]:4141 or unix:/path", topic)
    }
    return address
  }

  private func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type)
    throws(UsageFault) -> Choice? where Choice.RawValue == String
  {
    guard let text = try single(name) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw UsageFault("\(name): '\(Shown.text(text))' is none of \(known)", topic)
    }
    return choice
  }

  private func serveOptions() throws(UsageFault) -> ServeOptions {
    var options = ServeOptions()
    options.config = try single("--config")
    if options.config == "-" {
      throw UsageFault(
        "serve follows its configuration, so it must be a file; 'remora check -' reads standard input", topic)
    }
    for text in values["--listen"] ?? [] { options.listen.append(try readAddress("--listen", text)) }
    options.admin = try address("--admin")
    options.level = try choice("--log-level", Telemetry.Level.self)
    return options
  }

  private func explainOptions(_ model: String) throws(UsageFault) -> ExplainOptions {
    var options = ExplainOptions(model: model)
    options.config = try single("--config")
    options.body = try single("--body")
    options.admin = try address("--admin")
    options.endpoint = try choice("--endpoint", PreviewEndpoint.self)
    if options.endpoint != nil, options.body == nil {
      throw UsageFault("--endpoint says where a body would be sent; give one with --body", topic)
    }
    return options
  }

  private func checkOptions() throws(UsageFault) -> CheckOptions {
    var options = CheckOptions()
    options.config = try single("--config") ?? operands.first
    if operands.first != nil, values["--config"] != nil {
      throw UsageFault("check takes one file", topic)
    }
    options.format = try choice("--format", CheckOptions.Format.self) ?? .text
    options.prints = values["--print"] != nil
    if options.prints, options.format == .json {
      throw UsageFault("--print and --format json both write to stdout; choose one", topic)
    }
    return options
  }
}

extension Arguments {
  private func directory() throws(UsageFault) -> String {
    guard operands.count == 1, let directory = operands.first, !directory.isEmpty else {
      throw UsageFault("\(topic.rawValue) needs one directory, and '--' before a command", topic)
    }
    return directory
  }

  private func recordOptions() throws(UsageFault) -> RecordOptions {
    var options = RecordOptions(directory: try directory())
    options.config = try single("--config")
    options.keepsOld = values["--missing"] != nil
    options.keepsErrors = values["--errors"] != nil
    options.ignore = values["--ignore"] ?? []
    options.normalize = (values["--normalize"] ?? []).flatMap { text in
      text.contains("=") ? [text] : text.split(separator: ",").map(String.init)
    }
    options.command = rest
    return options
  }

  private func replayOptions() throws(UsageFault) -> ReplayOptions {
    var options = ReplayOptions(directory: try directory())
    options.verifies = values["--verify"] != nil
    options.config = try single("--config")
    if options.verifies {
      guard values.keys.allSatisfy({ $0 == "--verify" || $0 == "--config" }), rest.isEmpty else {
        throw UsageFault("--verify asks the providers and answers nobody: it takes --config alone", topic)
      }
      return options
    }
    if options.config != nil {
      throw UsageFault("replay reads no configuration but with --verify", topic)
    }
    switch try single("--timing") ?? "none" {
    case "none": options.pace = 0
    case "recorded": options.pace = 1
    case let text:
      guard let pace = Double(text), pace >= 0, pace <= 1000 else {
        throw UsageFault(
          "--timing: '\(Shown.text(text))' is neither none, recorded nor a factor such as 0.5", topic)
      }
      options.pace = pace
    }
    options.exhausted = try choice("--exhausted", ReplayOptions.Exhausted.self) ?? .repeat
    options.unused = try choice("--unused", ReplayOptions.Unused.self) ?? .ignore
    for text in values["--listen"] ?? [] { options.listen.append(try readAddress("--listen", text)) }
    options.admin = try address("--admin")
    options.command = rest
    return options
  }

  private func importOptions() throws(UsageFault) -> ImportOptions {
    guard let file = operands.first, !file.isEmpty else {
      throw UsageFault("import needs a file, or '-' for standard input", topic)
    }
    var options = ImportOptions(file: file)
    options.product = try choice("--from", Product.self)
    options.report = try choice("--report", ImportOptions.Report.self) ?? .text
    options.isStrict = values["--strict"] != nil
    return options
  }

  private func injectOptions() throws(UsageFault) -> InjectOptions {
    var options = InjectOptions()
    options.files = (values["-f"] ?? []) + (values["--filename"] ?? [])
    if options.files.count(where: { $0 == "-" }) > 1 {
      throw UsageFault("standard input can be read only once", topic)
    }
    options.uninjects = values["--uninject"] != nil
    options.isOptIn = values["--opt-in"] != nil
    options.printsReportOnly = values["--dry-run"] != nil
    try readDefaults(&options)
    return options
  }

  private func webhookOptions() throws(UsageFault) -> WebhookOptions {
    guard let certificate = try single("--tls-cert"), let key = try single("--tls-key") else {
      throw UsageFault("webhook needs --tls-cert and --tls-key", topic)
    }
    var options = WebhookOptions(certificate: certificate, key: key)
    options.listen = try address("--listen")
    options.admin = try address("--admin")
    options.onError = try choice("--on-error", ReviewFailure.self) ?? .deny
    try readDefaults(&options.injection)
    return options
  }

  /// What pods get that don't say otherwise.
  private func readDefaults(_ options: inout InjectOptions) throws(UsageFault) {
    options.mode = try choice("--mode", InjectionSettings.Mode.self)
    options.image = try checked("--image", Names.isImage, "an image's name")
    options.config = try checked("--config", Names.isObject, "the name of a ConfigMap")
    options.secrets = try names("--secret", Names.isObject, "names of Secrets")
    options.containers = try names("--containers", Names.isContainer, "names of containers")
    options.setsVariables = try choice("--env", InjectOptions.Variables.self) != .leave
  }

  private func checked(
    _ name: String, _ isValid: (String) -> Bool, _ wanted: String
  ) throws(UsageFault) -> String? {
    guard let text = try single(name) else { return nil }
    guard isValid(text) else { throw UsageFault("\(name): '\(Shown.text(text))' is not \(wanted)", topic) }
    return text
  }

  private func names(
    _ name: String, _ isValid: (String) -> Bool, _ wanted: String
  ) throws(UsageFault) -> [String]? {
    guard let text = try single(name) else { return nil }
    let names = Names.list(text)
    guard names.allSatisfy(isValid) else {
      throw UsageFault("\(name): '\(Shown.text(text))' is no list of \(wanted)", topic)
    }
    return names
  }
}

extension InjectOptions {
  fileprivate enum Variables: String, CaseIterable { case add, leave }
}
