// What is served where no file says anything: every well-known provider whose key is in the environment.

internal import Wire

extension Decoder {
  /// The source of a kind's key in the environment: `NAME_FILE` before `NAME`, since only files rotate.
  mutating func environmentKey(_ kind: ProviderKind) -> SecretSource? {
    for variable in kind.row.keyVariables {
      let fileVariable = variable + "_FILE"
      if let path = environment.nonEmpty(fileVariable) {
        if environment.nonEmpty(variable) != nil {
          warning("both \(fileVariable) and \(variable) are set; the file is used", at: nil)
        }
        return .file(path)
      }
      if environment.nonEmpty(variable) != nil { return .environment(variable) }
    }
    return nil
  }

  /// A provider for each kind that has a public address and whose key is found, in the order of the
  /// kinds.
  mutating func environmentProviders() -> [Provider] {
    var providers: [Provider] = []
    for kind in ProviderKind.allCases {
      guard let (baseURL, dialect) = environmentAddress(kind), let source = environmentKey(kind) else {
        continue
      }
      references.append(
        Reference(target: .secret(source, name: "provider '\(kind.rawValue)' api_key", .key), position: nil))
      providers.append(
        Provider(name: kind.rawValue, kind: kind, baseURL: baseURL, apiKey: source, dialect: dialect))
    }
    return providers
  }

  /// Where a kind lives that takes a key: at its public address, or in the region that the environment names.
  private func environmentAddress(_ kind: ProviderKind) -> (BaseURL, DialectSettings)? {
    if kind == .bedrock {
      var keys = DialectSettings.Bedrock()
      keys.region = environmentRegion
      let dialect = DialectSettings.bedrock(keys)
      return dialect.address.map { ($0, dialect) }
    }
    guard kind.row.needsKey, let url = kind.row.baseURL else { return nil }
    return (url, kind.emptyDialect)
  }
}
