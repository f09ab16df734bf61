// What the API server asks a webhook about a pod, and what it is told
// (kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers). No I/O: bytes in, bytes out.

internal import Wire

/// What is to become of a pod that can't be injected.
package enum ReviewFailure: String, Sendable, CaseIterable {
  /// It isn't created, and its owner reads why.
  case deny
  /// It is created without Remora, and its owner is warned.
  case allow
}

/// Why a body is no review that can be answered.
package struct ReviewFault: Error, Sendable, Equatable {
  package let message: String
}

/// An answer, and what a log and a metric say about it.
package struct ReviewAnswer: Sendable {
  package enum Result: String, Sendable, CaseIterable {
    case injected
    /// It has Remora.
    case present
    /// It doesn't want it, or isn't of a kind that can have it.
    case skipped
    case denied
    /// It couldn't be injected, and was let through.
    case failed
  }

  package let result: Result
  package let body: [UInt8]
  package let namespace: String
  /// The pod's name; of a controller's pods it is the beginning.
  package let name: String
  /// The kind of what makes the pod; empty where nothing does.
  package let owner: String
  package let isDryRun: Bool
  /// Why it wasn't injected; empty where it was.
  package let reason: String
}

/// Answers reviews. It holds nothing that changes: one serves all connections.
package struct Reviewer: Sendable {
  /// The longest warning that kubectl shows whole.
  private static let warningCeiling = 120
  /// The API server cuts what is more than 4 KiB in all.
  private static let warningsCeiling = 3

  private let settings: InjectionSettings
  private let version: String
  private let onError: ReviewFailure

  package init(_ settings: InjectionSettings, version: String, onError: ReviewFailure) {
    self.settings = settings
    self.version = version
    self.onError = onError
  }

  /// - Throws: what the caller sent can't be answered; the body is never quoted.
  package func answer(_ bytes: [UInt8]) throws(ReviewFault) -> ReviewAnswer {
    let text = ManifestText(bytes)
    let document: ManifestDocument
    do throws(ManifestFault) { document = try ManifestReader.read(bytes, 0..<bytes.count) } catch {
      throw ReviewFault(message: "the body is no JSON: byte \(error.offset)")
    }
    guard document.roots.count == 1, let root = document.roots.first, root.isFlow else {
      throw ReviewFault(message: "the body is no JSON object")
    }
    guard text.text(root["kind"]) == "AdmissionReview", text.text(root["apiVersion"]) == "admission.k8s.io/v1"
    else {
      throw ReviewFault(message: "the body is no AdmissionReview of admission.k8s.io/v1")
    }
    guard let request = root["request"], let uid = text.text(request["uid"]), !uid.isEmpty else {
      throw ReviewFault(message: "the review has no request with a uid")
    }
    return answer(Asked(uid: uid, request: request, document: document, text: text))
  }

  /// A review that was read.
  private struct Asked {
    let uid: String
    let request: ManifestNode
    let document: ManifestDocument
    let text: ManifestText

    var object: ManifestNode? { request["object"] }

    /// Whether this is about a pod that is being made.
    var isNewPod: Bool {
      text.text(request["operation"]) == "CREATE" && text.text(request.at("resource", "resource")) == "pods"
        && (text.text(request["subResource"]) ?? "").isEmpty
    }

    /// What makes the pod.
    var owner: String {
      let owners = object?.at("metadata", "ownerReferences")?.list ?? []
      return owners.first { text.isTrue($0["controller"]) }.flatMap { text.text($0["kind"]) } ?? ""
    }

    var name: String {
      let metadata = object?["metadata"]
      return text.text(metadata?["name"]) ?? text.text(request["name"]) ?? text.text(
        metadata?["generateName"]) ?? ""
    }
  }

  private func answer(_ asked: Asked) -> ReviewAnswer {
    guard asked.isNewPod, let object = asked.object,
      let pod = Pod(Place(root: object, asked.document), asked.document, asked.text)
    else { return allow(asked, .skipped, "not a new pod") }
    let (wish, remarks) = pod.wish(of: object)
    if let remark = remarks.first { return refuse(asked, remark.message) }
    if wish == .no { return allow(asked, .skipped, #"\#(Mark.inject) is "false""#) }
    if pod.record != nil, pod.sidecar != nil { return allow(asked, .present, "injected already") }
    let circumstances = Circumstances(
      kind: asked.owner.isEmpty ? "Pod" : asked.owner, title: "Pod/\(Shown.text(asked.name, ceiling: 253))")
    let (verdict, warnings) = pod.judge(settings, circumstances)
    switch verdict {
    case .present: return allow(asked, .present, "Remora is there, put in by other means")
    case .skip(let reason, _):
      return allow(
        asked, .skipped, reason, warnings: wish == .yes ? ["the pod has no Remora: \(reason)"] : [])
    case .refuse(let remarks): return refuse(asked, remarks.map(\.message).joined(separator: "; "))
    case .inject(let injection):
      let (operations, problem) = injection.patch(for: pod, version: version)
      if let problem { return refuse(asked, problem.message) }
      return allow(asked, .injected, "", patch: operations, warnings: warnings.map(\.message))
    }
  }

  // MARK: Answers

  private func allow(
    _ asked: Asked, _ result: ReviewAnswer.Result, _ reason: String, patch: [PatchOperation] = [],
    warnings: [String] = []
  ) -> ReviewAnswer {
    var members: [Fragment.Member] = [
      .init(key: "uid", value: .text(asked.uid)), .init(key: "allowed", value: .flag(true)),
    ]
    if !patch.isEmpty {
      let json = Array(Fragment.list(patch.map(\.fragment)).compactJSON.utf8)
      var encoded = ByteQueue()
      Base64Encoder.encode(json.span, into: &encoded)
      members.append(.init(key: "patchType", value: .text("JSONPatch")))
      members.append(.init(key: "patch", value: .text(encoded.bytes.text())))
    }
    if !warnings.isEmpty {
      let shown = warnings.prefix(Self.warningsCeiling).map {
        Fragment.text(Shown.text("remora: " + $0, ceiling: Self.warningCeiling - 1))
      }
      members.append(.init(key: "warnings", value: .list(shown)))
    }
    return made(asked, result, reason, members)
  }

  private func refuse(_ asked: Asked, _ message: String) -> ReviewAnswer {
    if onError == .allow {
      return allow(asked, .failed, message, warnings: ["the pod has no Remora: \(message)"])
    }
    let status: Fragment = .map([
      "status": .text("Failure"), "reason": .text("Invalid"), "code": .number(422),
      "message": .text("remora: " + message),
    ])
    return made(
      asked, .denied, message,
      [
        .init(key: "uid", value: .text(asked.uid)), .init(key: "allowed", value: .flag(false)),
        .init(key: "status", value: status),
      ])
  }

  private func made(
    _ asked: Asked, _ result: ReviewAnswer.Result, _ reason: String, _ members: [Fragment.Member]
  ) -> ReviewAnswer {
    let review: Fragment = .map([
      "apiVersion": .text("admission.k8s.io/v1"), "kind": .text("AdmissionReview"), "response": .map(members),
    ])
    return ReviewAnswer(
      result: result, body: Array(review.compactJSON.utf8),
      namespace: asked.text.text(asked.request["namespace"]) ?? "",
      name: asked.name, owner: asked.owner, isDryRun: asked.text.isTrue(asked.request["dryRun"]),
      reason: reason)
  }
}
