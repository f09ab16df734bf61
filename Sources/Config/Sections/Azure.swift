// What only Azure OpenAI has.

internal import Wire

extension DialectSettings {
  package struct Azure: Sendable, Equatable {
    /// Nil: the `/openai/v1` form.
    package var apiVersion: String?
    package var deployments: [Deployment] = []
    /// An Entra bearer token, instead of a key.
    package var token: SecretSource?
    package init() {}

    static let section = Section<Azure>([
      Row(
        optional: "api_version", \.apiVersion, .apiVersion,
        "The API's version; without it the /openai/v1 form."),
      Row("deployments", \.deployments, .deployments, "Deployments by model; default: the model's name."),
      Row(optional: "token", \.token, .secret, "A bearer token instead of a key."),
    ])
  }

  package struct Deployment: Sendable, Equatable {
    package var model: String
    package var deployment: String
    package init(model: String, deployment: String) {
      self.model = model
      self.deployment = deployment
    }
  }
}

extension Form where Value == String {
  /// A version as Azure writes it; it goes into every URL.
  fileprivate static var apiVersion: Form {
    Form(
      .text,
      read: { decoder, node, what in
        guard let version = decoder.text(node, of: what, ceiling: Defaults.name) else { return nil }
        let isOne = version.utf8.allSatisfy {
          ASCII.isDigit($0) || ASCII.lower($0) &- UInt8(ascii: "a") < 26 || $0 == UInt8(ascii: "-")
        }
        if isOne { return version }
        decoder.problem(
          "\(what) must be a version, such as 2024-10-21 or 2025-04-01-preview", at: node.position)
        return nil
      },
      write: { $2.member($1, $0) })
  }
}

extension Form where Value == [DialectSettings.Deployment] {
  fileprivate static var deployments: Form {
    Form<DialectSettings.Deployment>.entries(
      .text,
      read: { decoder, entry, what in
        let place = "\(what).\(Shown.text(entry.key))"
        return decoder.text(entry.value, of: place, ceiling: Defaults.modelName).map {
          DialectSettings.Deployment(model: entry.key, deployment: $0)
        }
      },
      write: { $1.member($0.model, $0.deployment) })
  }
}

extension Decoder {
  /// Whether the environment says who an Azure workload is (Entra workload identity).
  var hasAzureIdentity: Bool {
    ["AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID", "AZURE_TENANT_ID"].allSatisfy {
      environment.nonEmpty($0) != nil
    }
  }
}
