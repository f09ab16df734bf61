// Where a model is at Vertex AI: whose project, which location, whose model.

internal import Config
internal import Wire

/// A project at a location.
struct VertexPlace: Sendable {
  let project: [UInt8]
  let location: [UInt8]

  init(_ settings: DialectSettings.Vertex) {
    project = Array((settings.project ?? "").utf8)
    location = Array((settings.location ?? DialectSettings.Vertex.defaultLocation).utf8)
  }

  /// Appends `/v1/projects/…/locations/…/publishers/…/models/NAME`; a model that is an endpoint of the project's own
  /// (`endpoints/ID`) has another path.
  func appendModel(publisher: StaticString, to request: inout ProviderRequest) {
    request.path.append("/v1")
    // A key of the express mode stands for both.
    if !project.isEmpty {
      request.path.append("/projects/")
      PathSegment.append(project.span, into: &request.path)
      request.path.append("/locations/")
      PathSegment.append(location.span, into: &request.path)
    }
    let model = request.model
    let name = VertexDialect.name(of: model)
    if VertexDialect.isEndpoint(model) {
      request.path.append("/endpoints/")
    } else {
      request.path.append("/publishers/")
      request.path.append(publisher)
      request.path.append("/models/")
    }
    PathSegment.append(name.span, into: &request.path)
  }

  /// Appends the path of Google's models; the list belongs to no project, but somebody pays for asking.
  func appendModelList(to request: inout ProviderRequest) {
    request.path.append("/v1beta1/publishers/google/models?pageSize=200")
    if project.isEmpty { return }
    request.headers.append("x-goog-user-project: ")
    request.headers.append(project)
    request.headers.append("\r\n")
  }
}
