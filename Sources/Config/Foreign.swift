// Files that are somebody else's: told by their first keys, so that one sentence stands for a page of unknown keys.

internal import Wire

enum Foreign {
  /// What the file is, and what to do with it; nil where it may be a configuration.
  static func sentence(_ root: YAMLNode) -> String? {
    guard case .mapping = root.kind, root["providers"]?["targets"] != nil || root["providers"] == nil else {
      return nil
    }
    func has(_ keys: String...) -> Bool { keys.contains { root[$0] != nil } }
    if has("model_list", "litellm_settings", "router_settings") { return imported("LiteLLM", "litellm") }
    if has("binds", "gateways") || root["llm"]?["models"] != nil {
      return imported("agentgateway", "agentgateway")
    }
    if has("pack"), root["providers"] != nil { return imported("Keeptrusts", "keeptrusts") }
    if has("apiVersion"), let kind = root["kind"], case .scalar(let name, _) = kind.kind {
      return manifest(root, Shown.text(name))
    }
    if has("services"), root["services"].map({ !$0.isNull }) == true { return other("Docker Compose") }
    if has("static_resources") { return other("Envoy") }
    return nil
  }

  private static func imported(_ whose: String, _ from: String) -> String {
    "this is a configuration of \(whose)\(whose.hasSuffix("s") ? "'" : "'s"); 'remora import --from \(from) FILE' writes one of Remora's that does the same"
  }

  private static func other(_ whose: String) -> String {
    "this is a file of \(whose)'s; a configuration begins with 'providers:'"
  }

  private static func manifest(_ root: YAMLNode, _ kind: String) -> String {
    var sentence = "this is a Kubernetes manifest (\(kind)), not a configuration; "
    if kind == "ConfigMap", case .mapping(let entries)? = root["data"]?.kind,
      let entry = entries.first(where: { $0.key.hasSuffix(".yaml") || $0.key.hasSuffix(".yml") })
    {
      sentence += "check what stands in it under '\(Shown.text(entry.key))', without the indentation"
    } else {
      sentence += "'remora inject -f FILE' puts the sidecar into one"
    }
    return sentence
  }
}
