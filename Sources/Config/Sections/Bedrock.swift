// What only Bedrock has, and where it is.

internal import Wire

extension DialectSettings {
  package struct Bedrock: Sendable, Equatable {
    package var region: String?
    package var accessKeyID: SecretSource?
    package var secretAccessKey: SecretSource?
    package var sessionToken: SecretSource?
    package init() {}

    static let section = Section<Bedrock>([
      Row(optional: "region", \.region, .region, "The AWS region."),
      Row(
        "credentials", .object(keys.table), "AWS keys.",
        read: { decoder, node, what, bedrock in
          keys.read(node, Place(key: what), into: &bedrock, &decoder)
        },
        write: { bedrock, writer in
          if bedrock.accessKeyID != nil, bedrock.secretAccessKey != nil {
            keys.write(bedrock, "credentials", to: &writer)
          }
        }),
    ])

    private static let keys = Section<Bedrock>([
      Row(
        optional: "access_key_id", \.accessKeyID, .secret, "The AWS access key's id.", isRequired: true),
      Row(
        optional: "secret_access_key", \.secretAccessKey, .secret, "The AWS secret access key.",
        isRequired: true),
      Row(optional: "session_token", \.sessionToken, .secret, "The AWS session token."),
    ])

    /// The region's host; nil where no region is known.
    var host: String? {
      region.map {
        let domain = $0.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        return "bedrock-runtime.\($0).\(domain)"
      }
    }

    /// Takes what the file doesn't say from the environment, as AWS's own SDKs do.
    mutating func complete(_ fields: Fields, _ what: String, _ decoder: inout Decoder) {
      if fields["region"] == nil { region = decoder.environmentRegion }
      // A key of Bedrock's own replaces the signature, and with an address there is nothing to look up.
      let hasKey = decoder.hasKey(fields, .bedrock)
      if region == nil, fields["region"] == nil, !hasKey || fields["base_url"] == nil {
        decoder.problem(
          "\(what) needs the region of its models; write region, or set AWS_REGION", at: fields.position)
      }
      if !hasKey, fields["credentials"] == nil, !decoder.hasAWSCredentials {
        decoder.problem(
          "\(what) has no credentials; write credentials: {access_key_id, secret_access_key}, or api_key, or set "
            + "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, or "
            + "AWS_CONTAINER_CREDENTIALS_FULL_URI",
          at: fields.position)
      }
    }
  }
}

extension Form where Value == String {
  fileprivate static var region: Form {
    Form(
      .text,
      read: { decoder, node, what in
        guard let region = decoder.text(node, of: what, ceiling: Defaults.name) else { return nil }
        if Decoder.isRegion(region) { return region }
        decoder.problem("\(what) must be a region such as eu-west-1", at: node.position)
        return nil
      },
      write: { $2.member($1, $0) })
  }
}

extension Decoder {
  /// Whether a text can be a region's name, which becomes a part of an address.
  fileprivate static func isRegion(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= Defaults.name
      && text.utf8.allSatisfy {
        ASCII.isDigit($0) || $0 &- UInt8(ascii: "a") < 26 || $0 == UInt8(ascii: "-")
      }
  }

  /// The region that the environment names, as AWS's SDKs read it; nil for what can't be one.
  var environmentRegion: String? {
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
      if let region = environment.nonEmpty(name) { return Self.isRegion(region) ? region : nil }
    }
    return nil
  }

  /// Whether the environment names any of the places where AWS's SDKs find keys in a pod.
  fileprivate var hasAWSCredentials: Bool {
    func areSet(_ names: String...) -> Bool { names.allSatisfy { environment.nonEmpty($0) != nil } }
    return areSet("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
      || areSet("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE") || areSet("AWS_CONTAINER_CREDENTIALS_FULL_URI")
      || areSet("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
  }

  /// Whether the file or the environment names a key for a provider.
  func hasKey(_ fields: Fields, _ kind: ProviderKind) -> Bool {
    if let node = fields["api_key"] {
      if case .scalar("none", _) = node.kind { return false }
      return true
    }
    return kind.row.keyVariables.contains {
      environment.nonEmpty($0) != nil || environment.nonEmpty($0 + "_FILE") != nil
    }
  }
}
