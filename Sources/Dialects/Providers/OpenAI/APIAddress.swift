// Where requests in OpenAI's format go at one provider: mostly the base URL and OpenAI's own path behind it. Azure has
// further forms, all of which its settings and base URL tell apart (Azure OpenAI REST API reference; Foundry docs).

package import Config
package import Wire

/// A provider's paths, worked out once. An object, which is looked into without a copy.
package final class APIAddress: Sendable {
  /// Of the base URL, and what every path begins with.
  private let root: [UInt8]
  /// Between the root and the path of what a single deployment does; nil where no path names a deployment.
  private let deployments: StaticString?
  /// What every query ends with.
  private let query: [UInt8]
  /// Deployments by model, in the order of the configuration.
  private let names: [(model: [UInt8], deployment: [UInt8])]
  /// Whether a stream may be asked for its usage.
  package let takesStreamOptions: Bool

  private init(
    _ root: String, query: [UInt8] = [], _ names: [(model: [UInt8], deployment: [UInt8])] = [],
    deployments: StaticString? = nil, takesStreamOptions: Bool = true
  ) {
    self.root = Array(root.utf8)
    self.query = query
    self.names = names
    self.deployments = deployments
    self.takesStreamOptions = takesStreamOptions
  }

  package convenience init(_ provider: Config.Provider) {
    let prefix = provider.baseURL?.prefix ?? ""
    guard case .azure(let azure) = provider.dialect else {
      self.init(prefix)
      return
    }
    let names = azure.deployments.map { (model: Array($0.model.utf8), deployment: Array($0.deployment.utf8)) }
    let version = azure.apiVersion
    let query = version.map { Array("api-version=\($0)".utf8) } ?? []
    // Said in full: the v1 form, Foundry's `/models`, or one deployment.
    if prefix.hasSuffix("/openai/v1") || prefix.hasSuffix("/models")
      || prefix.contains("/openai/deployments/")
    {
      self.init(prefix, query: query, names)
      return
    }
    let openAI = prefix.hasSuffix("/openai") ? prefix : prefix + "/openai"
    // Versions without a date are those of the v1 form, which asks for none.
    guard let version, version.utf8.first.map(ASCII.isDigit) == true else {
      let asksForNone = version == "v1" || version == "latest"
      self.init("\(openAI)/v1", query: asksForNone ? [] : query, names)
      return
    }
    // Streams tell their usage from this version on; earlier ones refuse the option.
    self.init(
      openAI, query: query, names, deployments: "/deployments/", takesStreamOptions: version >= "2024-09-01")
  }

  /// The name under which the provider has `model`, where that is another.
  package func deployment(of model: Span<UInt8>) -> [UInt8]? {
    for name in names where model.equals(name.model.span) { return name.deployment }
    return nil
  }

  /// The models that can be asked for, where the configuration says them all.
  package var models: [[UInt8]] { names.map(\.model) }

  /// Appends the target of a request.
  ///
  /// - Parameters:
  ///   - path: behind `/v1`.
  ///   - asked: the client's query with its `?`, which may be all of it; empty where there is none.
  ///   - model: in the client's words; empty where nobody knows it.
  package func write(
    path: Span<UInt8>, query asked: Span<UInt8>, model: Span<UInt8>, into out: inout ByteQueue
  ) throws(RequestFault) {
    out.append(root)
    if let deployments, Self.isOfDeployment(path) {
      guard !model.isEmpty else {
        throw RequestFault(
          .invalid, "model",
          "With api_version a deployment stands in the path, and this request's body isn't read for a model. Ask for "
            + "/v1/deployments/NAME/…, or leave api_version out of the provider.")
      }
      if model.equals(".") || model.equals("..") {
        throw RequestFault(.invalid, "model", "A path can't hold this name; name a deployment.")
      }
      out.append(deployments)
      if let deployment = deployment(of: model) {
        PathSegment.append(deployment.span, into: &out)
      } else {
        PathSegment.append(model, into: &out)
      }
    }
    out.append(path)
    out.append(asked)
    if !query.isEmpty {
      if asked.count != 1 { out.append(asked.isEmpty ? UInt8(ascii: "?") : UInt8(ascii: "&")) }
      out.append(query)
    }
    if out.isEmpty { out.append(UInt8(ascii: "/")) }
  }

  private static let ofDeployments: [StaticString] = [
    "/chat/", "/completions", "/embeddings", "/images/", "/audio/",
  ]

  /// Whether a path is one that stands under a deployment: chats, completions, embeddings, images and audio.
  private static func isOfDeployment(_ path: Span<UInt8>) -> Bool {
    for start in ofDeployments {
      let count = start.utf8CodeUnitCount
      if path.count >= count, path.extracting(0..<count).equals(start) { return true }
    }
    return false
  }
}

/// One segment of a path (RFC 3986 section 3.3).
package enum PathSegment {
  /// Appends `text`, each byte that section 2.3 doesn't leave as it is escaped.
  ///
  /// - Parameter keepsSlashes: whether `/` stays as it is.
  package static func append(
    _ text: Span<UInt8>, keepsSlashes: Bool = false, into out: inout ByteQueue
  ) {
    for at in 0..<text.count {
      let byte = text[at]
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        out.append(byte)
      case UInt8(ascii: "/") where keepsSlashes: out.append(byte)
      default:
        out.append(UInt8(ascii: "%"))
        let high = byte >> 4
        let low = byte & 15
        out.append(high < 10 ? 0x30 + high : 0x37 + high)
        out.append(low < 10 ? 0x30 + low : 0x37 + low)
      }
    }
  }
}
