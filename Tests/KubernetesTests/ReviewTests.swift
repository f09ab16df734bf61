// Reviews as the API server sends them, and what it is told.

import Support
import Testing
import Wire

@testable import Kubernetes

@Suite struct ReviewTests {
  /// A review of a pod; `object` and what stands before it are JSON.
  private func review(_ object: String, _ more: String = "") -> [UInt8] {
    Array(
      #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"namespace":"shop","operation":"CREATE",\#(more)"object":\#(object)}}"#
        .utf8)
  }

  private func answer(_ object: String, _ more: String = "", onError: ReviewFailure = .deny) throws
    -> ReviewAnswer
  {
    let reviewer = Reviewer(InjectionSettings(image: "remora:1"), version: "1", onError: onError)
    return try reviewer.answer(review(object, more))
  }

  /// The answer as a tree, and its patch's paths.
  private func read(_ answer: ReviewAnswer) throws -> (ManifestNode, ManifestText) {
    let document = try ManifestReader.read(answer.body, 0..<answer.body.count)
    return (try #require(document.roots.first?["response"]), ManifestText(answer.body))
  }

  private func paths(_ answer: ReviewAnswer) throws -> [String] {
    let (response, text) = try read(answer)
    let encoded = try #require(text.text(response["patch"]))
    let patch = SharedVectors.base64(encoded)
    let document = try ManifestReader.read(patch, 0..<patch.count)
    let source = ManifestText(patch)
    return document.roots.first?.list.compactMap { source.text($0["path"]) } ?? []
  }

  @Test(
    "each operation finds its parent, whatever the pod has and hasn't",
    arguments: [
      (
        #"{"metadata":{"name":"p"},"spec":{"containers":[{"name":"a"}]}}"#,
        ["/spec/containers/0/env", "/spec/volumes", "/metadata/annotations", "/spec/initContainers"]
      ),
      (
        #"{"metadata":{"annotations":null},"spec":{"volumes":null,"initContainers":null,"containers":[{"name":"a","env":null}]}}"#,
        ["/spec/containers/0/env", "/spec/volumes", "/metadata/annotations", "/spec/initContainers"]
      ),
      (
        #"{"metadata":{"annotations":{}},"spec":{"volumes":[],"initContainers":[],"containers":[{"name":"a","env":[]}]}}"#,
        [
          "/spec/containers/0/env/0", "/spec/containers/0/env/1", "/spec/volumes/0", "/spec/volumes/1",
          "/metadata/annotations/remora.dev~1injected", "/spec/initContainers/0",
        ]
      ),
      (
        #"{"spec":{"initContainers":[{"name":"istio-proxy","restartPolicy":"Always"}],"containers":[{"name":"a","env":[{"name":"OPENAI_API_KEY"}]}]}}"#,
        ["/spec/containers/0/env/0", "/spec/volumes", "/metadata", "/spec/initContainers/1"]
      ),
      (
        #"{"metadata":{"annotations":{"remora.dev/mode":"classic"}},"spec":{"containers":[{"name":"a"},{"name":"b"}]}}"#,
        [
          "/spec/containers/0/env", "/spec/containers/1/env", "/spec/volumes",
          "/metadata/annotations/remora.dev~1injected",
          "/metadata/annotations/kubectl.kubernetes.io~1default-container", "/spec/containers/0",
        ]
      ),
    ])
  func patches(_ object: String, _ expected: [String]) throws {
    let answer = try answer(object)
    #expect(answer.result == .injected)
    #expect(try paths(answer) == expected)
    let (response, text) = try read(answer)
    #expect(text.text(response["uid"]) == "u-1")
    #expect(text.isTrue(response["allowed"]))
    #expect(text.text(response["patchType"]) == "JSONPatch")
  }

  @Test(
    "what isn't injected is let through unpatched, with a reason, and a warning where it asked",
    arguments: [
      (
        #"{"metadata":{"labels":{"remora.dev/inject":"true"}},"spec":{"hostNetwork":true,"containers":[{"name":"a"}]}}"#,
        "skipped", 1
      ),
      (#"{"metadata":{},"spec":{"hostNetwork":true,"containers":[{"name":"a"}]}}"#, "skipped", 0),
      (
        #"{"metadata":{"labels":{"remora.dev/inject":"false"}},"spec":{"containers":[{"name":"a"}]}}"#,
        "skipped", 0
      ),
      (
        #"{"metadata":{"labels":{"remora.dev/inject":"true"}},"spec":{"os":{"name":"windows"},"containers":[{"name":"a"}]}}"#,
        "skipped", 1
      ),
      (
        #"{"metadata":{"annotations":{"remora.dev/injected":"policy"}},"spec":{"initContainers":[{"name":"remora","ports":[{"name":"remora-admin"}]}],"containers":[{"name":"a"}]}}"#,
        "present", 0
      ),
      (
        #"{"metadata":{"annotations":{"remora.dev/injected":"{\"version\":\"0\",\"mode\":\"native\"}"}},"spec":{"initContainers":[{"name":"remora"}],"containers":[{"name":"a"}]}}"#,
        "present", 0
      ),
      ("null", "skipped", 0),
      (#"{"kind":"Thing"}"#, "skipped", 0),
    ])
  func unpatched(_ object: String, _ result: String, _ warnings: Int) throws {
    let answer = try answer(object)
    #expect(answer.result.rawValue == result)
    #expect(!answer.reason.isEmpty)
    let (response, text) = try read(answer)
    #expect(text.isTrue(response["allowed"]))
    #expect(response["patch"] == nil && response["patchType"] == nil)
    #expect(response["warnings"]?.list.count ?? 0 == warnings)
  }

  private static let refused = [
    #"{"spec":{"containers":[{"name":"a","ports":[{"containerPort":4141}]}]}}"#,
    #"{"metadata":{"annotations":{"remora.dev/imgae":"x"}},"spec":{"containers":[{"name":"a"}]}}"#,
    #"{"metadata":{"labels":{"remora.dev/inject":"maybe"}},"spec":{"containers":[{"name":"a"}]}}"#,
    #"{"spec":{"volumes":[{"name":"remora-config"}],"containers":[{"name":"a"}]}}"#,
    #"{"spec":{"containers":[{"name":"remora"}]}}"#,
    #"{"metadata":{"ownerReferences":[{"kind":"Job","name":"j","controller":true}],"annotations":{"remora.dev/mode":"classic"}},"spec":{"containers":[{"name":"a"}]}}"#,
  ]

  @Test("what can't be injected is denied with the reason, or let through with a warning", arguments: refused)
  func denied(_ object: String) throws {
    let denied = try answer(object)
    #expect(denied.result == .denied)
    let (response, text) = try read(denied)
    #expect(!text.isTrue(response["allowed"]) && response["patch"] == nil)
    #expect(text.integer(response.at("status", "code")) == 422)
    #expect(text.text(response.at("status", "message")) == "remora: " + denied.reason)
    let allowed = try answer(object, onError: .allow)
    #expect(allowed.result == .failed)
    let (second, source) = try read(allowed)
    #expect(source.isTrue(second["allowed"]) && second["patch"] == nil)
    #expect(second["warnings"]?.list.count == 1)
  }

  @Test("warnings are three at most, on one line, and short enough for kubectl")
  func warnings() throws {
    let env =
      #"{"name":"OPENAI_BASE_URL","value":"x"},{"name":"OPENAI_API_KEY","value":"sk-1"},{"name":"HTTP_PROXY"}"#
    let name = String(repeating: "n", count: 63)
    let pod =
      #"{"spec":{"shareProcessNamespace":true,"terminationGracePeriodSeconds":1,"containers":[{"name":"\#(name)","env":[\#(env)]}]}}"#
    let (response, text) = try read(try answer(pod))
    let warnings = response["warnings"]?.list.compactMap { text.text($0) } ?? []
    #expect(warnings.count == 3)
    #expect(
      warnings.allSatisfy { $0.unicodeScalars.count <= 120 && !$0.contains("\n") && !$0.contains("sk-1") })
  }

  @Test("only pods that are being made are looked at")
  func others() throws {
    let pod = #"{"spec":{"containers":[{"name":"a"}]}}"#
    for change in ["UPDATE", "DELETE", "CONNECT"] {
      var bytes = String(decoding: review(pod), as: UTF8.self)
      bytes = bytes.replacing("\"CREATE\"", with: "\"\(change)\"")
      let reviewer = Reviewer(InjectionSettings(image: "remora:1"), version: "1", onError: .deny)
      #expect(try reviewer.answer(Array(bytes.utf8)).result == .skipped)
    }
    #expect(try answer(pod, #""subResource":"ephemeralcontainers","#).result == .skipped)
    let answer = try answer(pod, #""dryRun":true,"#)
    #expect(answer.isDryRun && answer.result == .injected && answer.namespace == "shop")
  }

  @Test(
    "what is no review is refused",
    arguments: [
      "", "{", "[]", "null", "{}", "kind: AdmissionReview",
      #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1"}"#,
      #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}}"#,
      #"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":""}}"#, "{}{}", "\0",
      "\u{FEFF}",
    ])
  func unreadable(_ text: String) {
    let reviewer = Reviewer(InjectionSettings(image: "remora:1"), version: "1", onError: .deny)
    #expect(throws: ReviewFault.self) { try reviewer.answer(Array(text.utf8)) }
  }

  @Test("a review that breaks off anywhere is refused, and none traps")
  func prefixes() {
    let reviewer = Reviewer(InjectionSettings(image: "remora:1"), version: "1", onError: .deny)
    let bytes = review(Self.refused[1])
    for count in bytes.indices {
      #expect(throws: ReviewFault.self) { try reviewer.answer(Array(bytes[..<count])) }
    }
  }
}
