// One file's way from another gateway to here: what is read off it, and what is said of each part.

internal import Config
package import Wire

/// Whose configuration a file is.
package enum Product: String, Sendable, CaseIterable {
  case litellm, agentgateway, keeptrusts

  package var title: String {
    switch self {
    case .litellm: "LiteLLM"
    case .agentgateway: "agentgateway"
    case .keeptrusts: "Keeptrusts"
    }
  }

  /// Told by the keys at its top.
  fileprivate init?(_ root: YAMLNode) {
    func has(_ keys: String...) -> Bool { keys.contains { root[$0] != nil } }
    if has("model_list", "litellm_settings", "router_settings", "general_settings", "include", "guardrails") {
      self = .litellm
    } else if has("pack") || root["providers"]?["targets"] != nil {
      self = .keeptrusts
    } else if has("binds", "llm", "gateways", "frontendPolicies", "config") {
      self = .agentgateway
    } else {
      return nil
    }
  }
}

/// Why nothing is made of a file.
package enum ImportFault: Error, Equatable {
  case syntax(YAMLFault)
  case unknown
  /// It holds a configuration as a text, or stands for one.
  case manifest
  case empty
  /// What it names as a secret is also what the configuration would have to say.
  case spokenSecret
  /// What would be made of it isn't taken; why.
  case refused(String)

  package var message: String {
    switch self {
    case .syntax(let fault): fault.message
    case .unknown:
      "this is no configuration of LiteLLM, agentgateway or Keeptrusts; say with --from whose it is"
    case .manifest:
      "this is a Kubernetes manifest; import the configuration that it holds, such as the text under 'data'"
    case .empty: "the file is empty"
    case .spokenSecret:
      "a secret in this file is also a part of a name or an address in it; write os.environ/NAME for the secret"
    case .refused(let problem): "it can't be said in one configuration of Remora's: \(problem)"
    }
  }

  package var position: Position? { if case .syntax(let fault) = self { fault.position } else { nil } }
}

/// What is known while a file is read.
struct Conversion {
  let root: Item
  var ledger = Ledger()
  var draft = Draft()
  var secrecy: Secrecy

  init(_ root: YAMLNode) {
    self.root = Item(root: root)
    secrecy = Secrecy(root)
  }

  // MARK: Values

  /// A text that may name a variable, for a place where the configuration takes both; the secret ones never pass.
  ///
  /// - Parameter isName: whether it becomes a part of a host or a path: letters, digits and '-' alone.
  mutating func setting(_ item: Item?, fallback: String, isName: Bool = false) -> Setting? {
    guard let item, let text = item.text else { return nil }
    switch Reference(text) {
    case .variable(let name):
      ledger.note(
        item, .manual, "\(name) must be set where Remora runs; until then '\(fallback)' stands for it")
      return .variable(name, default: fallback)
    case .literal(let text):
      // It may become a header's value.
      guard plain(text), text.utf8.allSatisfy({ $0 < 0x7F && (!isName || ASCII.isNameByte($0)) }) else {
        ledger.note(item, .manual, "looks like a secret, or can't stand here; write it by hand")
        return nil
      }
      ledger.took(item)
      return .text(text)
    }
  }

  /// An address of a provider's, or the variable that holds one; nil where it is neither.
  mutating func address(_ item: Item, _ kind: ProviderKind) -> Setting? {
    guard let text = item.text else { return nil }
    if case .variable = Reference(text) {
      let host = kind.rawValue.replacing("_", with: "-")
      return setting(item, fallback: "https://\(host).invalid" + (kind.row.speaksOpenAI ? "/v1" : ""))
    }
    guard let url = Endpoint.baseURL(text, kind), plain(url) else {
      ledger.note(item, .manual, "is no address that Remora takes: write scheme, host and prefix")
      return nil
    }
    ledger.took(item)
    return .text(url)
  }

  /// Whether a text may be written into the configuration.
  func plain(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 200 && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
      && !Secrecy.looksSecret(text) && !secrecy.holds(text)
  }

  /// Where a key comes from, and what is said of it. A literal one is never written.
  mutating func key(_ item: Item, isPrivate: Bool = false) -> KeySource {
    guard let text = item.text else {
      ledger.note(item, .manual, "must name a file or a variable")
      return .none
    }
    switch Reference(text) {
    case .variable(let name):
      ledger.took(item)
      return .variable(name)
    case .literal where isPrivate && Secrecy.isPlaceholder(text):
      ledger.note(item, .exact, "api_key: none")
      return .none
    case .literal:
      ledger.note(item, .manual, "a secret in the file itself: put it into the file that stands there now")
      return .literal(secrecy.index(of: text))
    }
  }

  /// The same where one must stand: nil where the file says nothing that can be one.
  mutating func written(_ item: Item) -> KeySource? {
    let source = key(item)
    return source == .none ? nil : source
  }

  /// A name of a model as targets have it; nil where there can't be one.
  func modelName(_ text: String) -> String? {
    let isFit = text.utf8.count <= 240 && !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    return isFit && !Secrecy.looksSecret(text) && !secrecy.holds(text) && !text.contains("${")
      ? text : nil
  }
}

/// A configuration that does what another gateway's does, as far as it can.
package struct Imported: Sendable {
  package let product: Product
  /// YAML, with the list of what differs at its end.
  package let text: String
  /// In the order of the file.
  package let notes: [Note]
  /// How many of the file's values are said as they were.
  package let exact: Int

  /// Whether something must be done by hand, or can't be done.
  package var isPartial: Bool { notes.contains { $0.grade == .manual || $0.grade == .unsupported } }

  /// Reads the file of another gateway.
  ///
  /// - Parameters:
  ///   - name: the file's name, for the text.
  ///   - product: whose it is; nil: as its keys say.
  package static func read(_ bytes: [UInt8], name: String, from product: Product?) throws(ImportFault)
    -> Imported
  {
    let root: YAMLNode
    do throws(YAMLFault) { root = try YAMLNode.parse(bytes.span) } catch { throw .syntax(error) }
    guard case .mapping = root.kind else { throw root.isNull ? .empty : .unknown }
    guard let product = product ?? Product(root) else {
      throw root["apiVersion"] != nil && root["kind"] != nil ? .manifest : .unknown
    }
    var conversion = Conversion(root)
    switch product {
    case .litellm: conversion.readLiteLLM()
    case .agentgateway: conversion.readAgentGateway()
    case .keeptrusts: conversion.readKeeptrusts()
    }
    conversion.ledger.listRest(conversion.root)
    return try Imported(product, conversion, name)
  }

  private init(_ product: Product, _ conversion: Conversion, _ name: String) throws(ImportFault) {
    self.product = product
    exact = conversion.ledger.exact
    let cleaner = conversion.secrecy.cleaner
    let names = conversion.draft.names()
    notes = conversion.ledger.inOrder.map {
      Note(
        line: $0.line, path: cleaner.clean($0.path), grade: $0.grade,
        reason: cleaner.clean(Draft.named($0.reason, names)))
    }
    let whole = Report.text(product, conversion, notes, name)
    text = cleaner.clean(whole)
    let made = ConfigFile.decode(Array(text.utf8), path: name, environment: Environment([:]))
    guard let problem = made.problems.first else { return }
    // What was taken out may have been a name that something else leads to.
    if text != whole { throw .spokenSecret }
    throw .refused(problem.message)
  }
}
