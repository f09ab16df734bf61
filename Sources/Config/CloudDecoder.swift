// What providers in clouds take from the environment, as the clouds' own SDKs do, and what they can't do without.

internal import Wire

extension Decoder {
  /// The keys of a Bedrock provider.
  mutating func bedrock(_ fields: Fields, _ what: String, at position: Position) -> DialectSettings.Bedrock {
    var keys = DialectSettings.Bedrock()
    keys.region = region(fields["region"], what)
    if let node = fields["credentials"],
      let inner = self.fields(node, .awsCredentials, of: "\(what) credentials")
    {
      keys.accessKeyID = secret(inner["access_key_id"], of: "\(what) access_key_id")
      keys.secretAccessKey = secret(inner["secret_access_key"], of: "\(what) secret_access_key")
      keys.sessionToken = secret(inner["session_token"], of: "\(what) session_token")
    }
    // A key of Bedrock's own replaces the signature, and with an address there is nothing to look up.
    let hasKey = hasKey(fields, .bedrock)
    if keys.region == nil, fields["region"] == nil, !hasKey || fields["base_url"] == nil {
      problem("\(what) needs the region of its models; write region, or set AWS_REGION", at: position)
    }
    if !hasKey, fields["credentials"] == nil, !hasAWSCredentials {
      problem(
        "\(what) has no credentials; write credentials: {access_key_id, secret_access_key}, or api_key, or set "
          + "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, or "
          + "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        at: position)
    }
    return keys
  }

  /// Whether the file or the environment names a key for a provider.
  private func hasKey(_ fields: Fields, _ kind: ProviderKind) -> Bool {
    if let node = fields["api_key"] {
      if case .scalar("none", _) = node.kind { return false }
      return true
    }
    return kind.row.keyVariables.contains {
      environment.nonEmpty($0) != nil || environment.nonEmpty($0 + "_FILE") != nil
    }
  }

  /// The region that the environment names, as AWS's SDKs read it; nil for what can't be one.
  var environmentRegion: String? {
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
      if let region = environment.nonEmpty(name) { return Self.isRegion(region) ? region : nil }
    }
    return nil
  }

  private mutating func region(_ node: YAMLNode?, _ what: String) -> String? {
    guard let node else { return environmentRegion }
    guard let said = text(node, of: "\(what) region", ceiling: Defaults.name) else { return nil }
    if Self.isRegion(said) { return said }
    problem("\(what) region must be a region such as eu-west-1", at: node.position)
    return nil
  }

  /// Whether a text can be a region's name, which becomes a part of an address.
  private static func isRegion(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= Defaults.name
      && text.utf8.allSatisfy {
        ASCII.isDigit($0) || $0 &- UInt8(ascii: "a") < 26 || $0 == UInt8(ascii: "-")
      }
  }

  /// Whether the environment names any of the places where AWS's SDKs find keys in a pod.
  private var hasAWSCredentials: Bool {
    func areSet(_ names: String...) -> Bool { names.allSatisfy { environment.nonEmpty($0) != nil } }
    return areSet("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
      || areSet("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE") || areSet("AWS_CONTAINER_CREDENTIALS_FULL_URI")
      || areSet("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
  }

  /// The keys of a Vertex AI provider.
  mutating func vertex(_ fields: Fields, _ what: String, at position: Position) -> DialectSettings.Vertex {
    var keys = DialectSettings.Vertex()
    keys.project = googleName(fields, "project", "GOOGLE_CLOUD_PROJECT", what, at: position)
    keys.location = googleName(fields, "location", "GOOGLE_CLOUD_LOCATION", what, at: position)
    keys.credentials = serviceAccount(fields["credentials"], of: "\(what) credentials")
    keys.token = secret(fields["token"], of: "\(what) token")
    keys.publisher = text(fields["publisher"], of: "\(what) publisher", ceiling: Defaults.name)
    // A key tells the project too (Vertex AI docs, "Express mode").
    if keys.project == nil, fields["project"] == nil, !hasKey(fields, .vertex) {
      problem(
        "\(what) needs the project that its models belong to; write project, or set GOOGLE_CLOUD_PROJECT",
        at: position)
    }
    return keys
  }

  /// The name of a project or a location, which becomes a part of an address: the file's, else the environment's.
  private mutating func googleName(
    _ fields: Fields, _ key: String, _ variable: String, _ what: String, at position: Position
  ) -> String? {
    let node = fields[key]
    let said =
      node == nil
      ? environment.nonEmpty(variable) : text(node, of: "\(what) \(key)", ceiling: Defaults.name)
    guard let said else { return nil }
    // Projects of a domain's own are `example.com:name`.
    let isName = said.utf8.allSatisfy {
      ASCII.isDigit($0) || ASCII.lower($0) &- UInt8(ascii: "a") < 26 || $0 == UInt8(ascii: "-")
        || key == "project" && ($0 == UInt8(ascii: ".") || $0 == ASCII.colon)
    }
    if isName, !said.isEmpty { return said }
    problem(
      "\(node == nil ? variable : "\(what) \(key)") has letters, digits and '-', such as "
        + (key == "project" ? "my-project" : "europe-west4"),
      at: node?.position ?? position)
    return nil
  }

  /// Whether the environment says who an Azure workload is (Entra workload identity).
  var hasAzureIdentity: Bool {
    ["AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID", "AZURE_TENANT_ID"].allSatisfy {
      environment.nonEmpty($0) != nil
    }
  }

  /// The file, or variable, that holds a service account's JSON: no secret of one line, so it is looked at as a file.
  mutating func serviceAccount(_ node: YAMLNode?, of what: String) -> SecretSource? {
    let count = references.count
    let source = secret(node, of: what)
    if case .file(let path)? = source, references.count > count {
      references[references.count - 1].target = .file(path, key: what)
    }
    if case .environment(let name)? = source, references.count > count {
      references.removeLast()
      if environment.nonEmpty(name) == nil, let node {
        problem(
          "\(what): environment variable \(Shown.text(name)) is not set; set it, or name a file",
          at: node.position)
      }
    }
    return source
  }
}

extension DialectSettings {
  /// The address that follows from where the models are; nil for kinds with a fixed one, and where none is known.
  var address: BaseURL? {
    switch self {
    case .vertex(let keys): BaseURL(scheme: .https, host: keys.host)
    case .bedrock(let keys): keys.host.map { BaseURL(scheme: .https, host: $0) }
    case .openAI, .azure, .anthropic, .plain: nil
    }
  }
}

extension DialectSettings.Bedrock {
  /// The region's host; nil where no region is known.
  fileprivate var host: String? {
    region.map {
      let domain = $0.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
      return "bedrock-runtime.\($0).\(domain)"
    }
  }
}

extension DialectSettings.Vertex {
  /// Where models are asked for when nothing is said: wherever there is room.
  package static let defaultLocation = "global"

  /// The location's host (Vertex AI docs, "Locations"): regions have one each, the two multi-regions others.
  fileprivate var host: String {
    switch location ?? Self.defaultLocation {
    case "global": "aiplatform.googleapis.com"
    case "us": "aiplatform.us.rep.googleapis.com"
    case "eu": "aiplatform.eu.rep.googleapis.com"
    case let region: "\(region)-aiplatform.googleapis.com"
    }
  }
}
