// Addresses that follow from where a provider's models are, where the configuration names none.

extension DialectSettings {
  /// The address that the settings imply; nil for kinds that have a fixed one or none.
  var impliedAddress: BaseURL? {
    switch self {
    case .vertex(let keys): BaseURL(scheme: .https, host: keys.host)
    case .openAI, .azure, .anthropic, .bedrock, .plain: nil
    }
  }
}

extension DialectSettings.Vertex {
  /// Where models are asked for when nothing is said: wherever there is room.
  package static let defaultLocation = "global"

  /// The location's host (Vertex AI docs, "Locations"): regions have one each, the two multi-regions others.
  var host: String {
    switch location ?? Self.defaultLocation {
    case "global": "aiplatform.googleapis.com"
    case "us": "aiplatform.us.rep.googleapis.com"
    case "eu": "aiplatform.eu.rep.googleapis.com"
    case let region: "\(region)-aiplatform.googleapis.com"
    }
  }
}
