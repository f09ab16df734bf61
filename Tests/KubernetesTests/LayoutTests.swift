// However a manifest is laid out: text is only inserted, what comes out is as it should be, and goes back to the byte.

import Testing
import Wire

@testable import Kubernetes

@Suite struct LayoutTests {
  private static let json =
    #"{"kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"b"}]}}"#

  /// Each with the sidecar's place in its list, and the list.
  static let layouts: [String] = [
    deployment(app),
    deployment("      containers:\n        - name: app\n          image: web:1\n"),
    String(deployment(app).dropLast()),
    deployment(app).replacing("\n", with: "\r\n"),
    deployment(app).replacing("\n", with: "\r"),
    "\u{FEFF}" + deployment(app),
    deployment(app, metadata: ""),
    deployment(app, metadata: "") + "    # last\n    metadata:\n      labels: {app: web}\n",
    deployment(app + "        env:\n"),
    deployment(app + "        env: # none yet\n        # about ports\n        ports: []\n"),
    deployment("      initContainers: []\n      volumes: [ ]\n" + app + "        env: []\n"),
    deployment("      initContainers: [] # none\n" + app),
    deployment(app + "        env: [{name: A, value: b}, {name: C, value: 'd'}]\n"),
    deployment(app + "        env: [\n          {name: A, value: b},\n          ]\n"),
    deployment(app, metadata: "    metadata:\n      annotations: {}\n"),
    deployment(app, metadata: "    metadata:\n      annotations:\n"),
    deployment(app, metadata: "    metadata: {}\n"),
    deployment(app, metadata: "    metadata:\n"),
    deployment(app, metadata: "    metadata: {labels: {app: web}} # labels\n"),
    deployment("      containers:\n      - env:\n        - name: A\n          value: b\n        name: app\n"),
    deployment("      containers:\n      -\n        name: app\n"),
    deployment("      containers:\n      - # first\n        name: app\n      # end\n"),
    deployment("      containers:\n      - &app\n        name: app\n        image: web:1\n"),
    deployment("      containers: &list\n      - name: app\n"),
    deployment("      containers: !!seq\n      - name: app\n"),
    deployment("      ? containers\n      : - name: app\n"),
    deployment(
      "      initContainers:\n      - {name: istio-proxy, restartPolicy: Always}\n      # mine\n      - name: b\n"
        + app),
    deployment("      initContainers: [{name: linkerd-proxy, restartPolicy: Always}, {name: b}]\n" + app),
    deployment("      volumes:\n\n      # scratch\n\n      - name: tmp\n        emptyDir: {}\n" + app),
    deployment("      \"containers\":\n      - \"name\": app\n        'env':\n        - {\"name\": \"A\"}\n"),
    deployment(
      app
        + "        args:\n        - |\n          env:\n            - name: OPENAI_BASE_URL\n        - >-\n          x\n\n          y\n"
    ),
    deployment(app + "        args: ['a: b', \"c\\\n           d\"]\n        command: [x, &y z, *y]\n"),
    deployment("      containers:\n      - name: &n app\n        env:\n        - {name: N, value: *n}\n"),
    deployment(app) + "---\n# nothing\n---\n" + deployment(app) + "...\n",
    "%YAML 1.2\n---\n" + deployment(app) + "...\n# c\n%YAML 1.2\n--- # second\n" + deployment(app),
    "---\n!!map {\n  ? !!str \"kind\"\n  : !!str \"Pod\",\n  ? \"spec\"\n  : {\n    ? \"containers\"\n    : [ {? \"name\" : \"a\"} ],\n  },\n}\n",
    "--- {kind: Pod, spec: {containers: [{name: a}]}}\n",
    "kind: List\nitems:\n- kind: Pod\n  spec:\n    containers:\n    - name: a\n- kind: Pod\n  spec: {containers: [{name: b}]}\n",
    "items:\n- spec:\n    containers:\n    - name: a\nkind: PodList\n",
    "  kind: Pod\n  spec:\n    containers:\n    - name: a\n",
    json,
    json + "\n" + json,
    json.replacing("[", with: "[\n    ").replacing("{", with: "{\n  ").replacing("}", with: "\n  }") + "\n",
    json.replacing("\"image\":\"b\"", with: "\"image\":\"b\",\n\t\"env\": [\n\t\t{\"name\":\"A\"}\n\t]"),
  ]

  @Test(
    "text is only inserted, the second run changes nothing, and uninject gives the bytes back",
    arguments: layouts)
  func layout(_ text: String) {
    let first = inject(text)
    #expect(first.errors == [])
    #expect(first.lines.contains { $0.hasPrefix("injected") })
    #expect(isKept(text, in: first.text))
    let second = inject(first.text)
    #expect(second.text == first.text)
    #expect(second.lines.contains { $0.hasPrefix("kept") })
    #expect(uninject(first.text).text == text)
    #expect(uninject(text).text == text)
  }

  @Test("the sidecar, its volumes and the variables are where they belong", arguments: layouts)
  func tree(_ text: String) throws {
    let out = inject(text).report.output
    for part in ManifestStream.parts(out) {
      let document = try ManifestReader.read(out, part.content)
      let source = ManifestText(out)
      for object in ManifestObject.all(document, source) {
        let path = Workload.path(object.kind) ?? []
        let pod = try #require(Pod(object.place.child(path, document), document, source))
        let sidecar = try #require(pod.sidecar)
        let behindMesh = pod.initContainers.contains { $0.name.hasSuffix("-proxy") }
        #expect(sidecar.index == (behindMesh ? 1 : 0))
        #expect(sidecar.list == "initContainers")
        #expect(InjectionSettings(image: "remora:1").container.isWithin(sidecar.place.node, source))
        let volumes = pod.spec.node["volumes"]?.list.compactMap { source.text($0["name"]) }
        #expect(volumes?.prefix(2) == ["remora-config", "remora-secrets"])
        for container in pod.containers {
          let names = container.place.node["env"]?.list.compactMap { source.text($0["name"]) }
          #expect(names?.prefix(2) == ["OPENAI_BASE_URL", "OPENAI_API_KEY"])
        }
        #expect(pod.record != nil)
      }
    }
  }

  @Test("a plain Deployment gets exactly these lines")
  func golden() {
    let out = inject(
      deployment(app + "        env:\n        # about A\n        - name: A\n          value: b\n")
    ).text
    let lines = out.split(separator: "\n").map(String.init)
    let inserted = lines.filter {
      !deployment(app).contains($0) && !$0.contains("Probe") && !$0.contains(" A")
        && $0 != "          value: b"
    }
    #expect(
      inserted == [
        "      annotations:",
        #"        remora.dev/injected: '{"version":"1","mode":"native","made":["initContainers","volumes","annotations"],"env":{"app":["OPENAI_BASE_URL","OPENAI_API_KEY"]}}'"#,
        "      initContainers:",
        #"      - name: "remora""#,
        #"        image: "remora:1""#,
        #"        restartPolicy: "Always""#,
        #"        args: ["serve", "--config", "/etc/remora/remora.yaml"]"#,
        #"        env: [{"name": "K8S_NAMESPACE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}, {"name": "K8S_POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, {"name": "K8S_POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}, {"name": "K8S_NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}, {"name": "K8S_CONTAINER_NAME", "value": "remora"}, {"name": "K8S_APP_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app.kubernetes.io/name']"}}}]"#,
        #"        ports: [{"name": "remora-admin", "containerPort": 4142}]"#,
        #"        resources: {"requests": {"cpu": "10m", "memory": "24Mi"}, "limits": {"memory": "256Mi"}}"#,
        #"        securityContext: {"runAsNonRoot": true, "runAsUser": 64642, "runAsGroup": 64642, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}"#,
        #"        terminationMessagePolicy: "FallbackToLogsOnError""#,
        #"        volumeMounts: [{"name": "remora-config", "mountPath": "/etc/remora", "readOnly": true}, {"name": "remora-secrets", "mountPath": "/var/run/secrets/remora", "readOnly": true}]"#,
        "      volumes:",
        #"      - name: "remora-config""#,
        #"        configMap: {"name": "remora", "defaultMode": 292}"#,
        #"      - name: "remora-secrets""#,
        #"        secret: {"secretName": "remora", "defaultMode": 292}"#,
        "        env:",
        #"        - name: "OPENAI_BASE_URL""#,
        #"          value: "http://localhost:4141/v1""#,
        #"        - name: "OPENAI_API_KEY""#,
        #"          value: "remora""#,
      ])
    #expect(out.contains("env:\n        - name: \"OPENAI_BASE_URL\""))
    #expect(out.contains("value: \"remora\"\n        # about A\n        - name: A\n"))
  }

  @Test("JSON keeps its layout: a line each where it has lines, else one line")
  func jsonLayout() {
    let laidOut =
      "{\n  \"kind\": \"Pod\",\n  \"spec\": {\n    \"containers\": [\n      {\"name\": \"a\"}\n    ]\n  }\n}\n"
    let lines = inject(laidOut).text.split(separator: "\n")
    #expect(lines[1].hasPrefix("  \"metadata\": {\"annotations\": {"))
    #expect(lines[4].hasPrefix("    \"initContainers\": [{\"name\": \"remora\""))
    #expect(lines[5].hasPrefix("    \"volumes\": ["))
    #expect(
      laidOut.split(separator: "\n").allSatisfy { line in
        lines.contains { $0.hasSuffix(line.drop { $0 == " " || $0 == "{" }) }
      })
    #expect(!inject(Self.json).text.contains("\n"))
  }

  /// Bytes that steer a reader, to be put anywhere.
  private static let noise = Array("-: #{}[],&*!|>'\"%@\n\r\t?a<~".utf8)

  @Test(
    "whatever a byte here or there is changed to, nothing traps, and what is injected goes back",
    arguments: 0..<layouts.count)
  func mutations(_ index: Int) {
    let bytes = Array(Self.layouts[index].utf8)
    var state = UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
    func next(_ limit: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state >> 33) % max(limit, 1)
    }
    for _ in 0..<150 {
      var changed = bytes
      for _ in 0...next(3) where !changed.isEmpty {
        let at = next(changed.count)
        switch next(4) {
        case 0: changed.remove(at: at)
        case 1: changed.insert(Self.noise[next(Self.noise.count)], at: at)
        case 2: changed.removeSubrange(at..<min(changed.count, at + next(40)))
        default: changed[at] = Self.noise[next(Self.noise.count)]
        }
      }
      let out = inject(changed)
      guard out.errors.isEmpty else { continue }
      let back = inject(out.report.output) { $0.uninjects = true }
      #expect(back.report.output == changed, "\(String(decoding: changed, as: UTF8.self))")
      #expect(inject(out.report.output).report.output == out.report.output)
    }
  }
}
