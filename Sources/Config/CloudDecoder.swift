// What providers in clouds take from the environment, as the clouds' own SDKs do, and what they can't do without.

internal import Wire

extension Decoder {
  /// The keys of a Bedrock provider.
  mutating func bedrock(_ fields: Fields, _ what: String, at position: Position) -> DialectSettings.Bedrock {
    var keys = DialectSettings.Bedrock()
    keys.region = region(fields["region"], what, at: position)
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

  /// The region's name becomes a part of an address.
  private mutating func region(_ node: YAMLNode?, _ what: String, at position: Position) -> String? {
    let variable = ["AWS_REGION", "AWS_DEFAULT_REGION"].first { environment.nonEmpty($0) != nil }
    let said =
      node == nil
      ? variable.flatMap { environment.nonEmpty($0) }
      : text(node, of: "\(what) region", ceiling: Defaults.name)
    guard let said else { return nil }
    let isName = said.utf8.allSatisfy {
      ASCII.isDigit($0) || $0 &- UInt8(ascii: "a") < 26 || $0 == UInt8(ascii: "-")
    }
    if isName, !said.isEmpty { return said }
    problem(
      "\(node == nil ? variable ?? "AWS_REGION" : "\(what) region") must be a region such as eu-west-1",
      at: node?.position ?? position)
    return nil
  }

  /// Whether the environment names any of the places where AWS's SDKs find keys in a pod.
  private var hasAWSCredentials: Bool {
    func areSet(_ names: String...) -> Bool { names.allSatisfy { environment.nonEmpty($0) != nil } }
    return areSet("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
      || areSet("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE") || areSet("AWS_CONTAINER_CREDENTIALS_FULL_URI")
      || areSet("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
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
        problem("\(what): environment variable \(name) is not set; set it, or name a file", at: node.position)
      }
    }
    return source
  }
}

extension DialectSettings.Bedrock {
  /// The region's address; nil where no region is known.
  var address: BaseURL? {
    region.map {
      let domain = $0.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
      return BaseURL(scheme: .https, host: "bedrock-runtime.\($0).\(domain)")
    }
  }
}
