// A place in another gateway's file, with its path from the root.

internal import Wire

struct Item {
  let node: YAMLNode
  /// `model_list[3].litellm_params.api_key`: keys as they may be shown.
  let path: String
  /// The line of the key, where the value has one.
  let line: Int

  init(root node: YAMLNode) { self.init(node, "", node.position.line) }

  private init(_ node: YAMLNode, _ path: String, _ line: Int) {
    self.node = node
    self.path = path
    self.line = line
  }

  /// The value behind a key; nil where there is none, or nothing is written.
  subscript(key: String) -> Item? {
    guard case .mapping(let entries) = node.kind, let entry = entries.first(where: { $0.key == key }),
      !entry.value.isNull
    else { return nil }
    return child(entry)
  }

  /// The first of several spellings that is there.
  func first(_ keys: String...) -> Item? {
    for key in keys { if let item = self[key] { return item } }
    return nil
  }

  private func child(_ entry: YAMLEntry) -> Item {
    let name = Secrecy.shownKey(entry.key)
    return Item(entry.value, path.isEmpty ? name : path + "." + name, entry.keyPosition.line)
  }

  /// A mapping's keys and values, without those behind which nothing is written.
  var entries: [(key: String, item: Item)] {
    guard case .mapping(let entries) = node.kind else { return [] }
    return entries.filter { !$0.value.isNull }.map { ($0.key, child($0)) }
  }

  /// A list's items.
  var items: [Item] {
    guard case .sequence(let nodes) = node.kind else { return [] }
    return nodes.enumerated().map { Item($1, "\(path)[\($0)]", $1.position.line) }
  }

  /// A list's items, or the one value that stands in a list's place.
  var oneOrMany: [Item] {
    if case .sequence = node.kind { return items }
    return node.isNull ? [] : [self]
  }

  /// A scalar's text; nil for collections and where nothing is written.
  var text: String? {
    guard case .scalar(let text, _) = node.kind, !node.isNull else { return nil }
    return text
  }

  var bool: Bool? {
    switch text?.lowercased() {
    case "true", "yes", "on": true
    case "false", "no", "off": false
    default: nil
    }
  }

  /// A number that isn't negative.
  var number: Double? {
    guard let text, case let value? = Double(text), value.isFinite, value >= 0 else { return nil }
    return value
  }

  /// A whole number, not negative, of at most nine digits.
  var integer: Int? {
    guard let number, number < 1e9, number.rounded() == number else { return nil }
    return Int(number)
  }

  var isCollection: Bool {
    if case .scalar = node.kind { return false }
    return node.kind != .null
  }
}

extension YAMLNode {
  /// The values that aren't collections, but for empty ones: what a file says.
  func forEachLeaf(_ body: (YAMLNode) -> Void) {
    switch kind {
    case .null: return
    case .scalar: if !isNull { body(self) }
    case .sequence(let nodes):
      if nodes.isEmpty { body(self) }
      for node in nodes { node.forEachLeaf(body) }
    case .mapping(let entries):
      if entries.isEmpty { body(self) }
      for entry in entries { entry.value.forEachLeaf(body) }
    }
  }
}
