// What is injected already: another run, another flag, what a cluster gives back.

import Testing

@testable import Kubernetes

@Suite struct AgainTests {
  /// As `kubectl get -o yaml` shows it: keys in order, defaults added, a made `env` on its item's dash.
  private static let live = """
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
    spec:
      template:
        metadata:
          annotations:
            remora.dev/injected: '{"version":"1","mode":"native","made":["initContainers","volumes","env.app","annotations","metadata"],"env":{"app":["OPENAI_BASE_URL","OPENAI_API_KEY"]}}'
          creationTimestamp: null
        spec:
          containers:
          - env:
            - name: OPENAI_BASE_URL
              value: http://localhost:4141/v1
            - name: OPENAI_API_KEY
              value: remora
            image: web:1
            name: app
          initContainers:
          - args: [serve, --config, /etc/remora/remora.yaml]
            env:
            - name: K8S_NAMESPACE_NAME
              valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}
            - name: K8S_POD_NAME
              valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.name}}
            - name: K8S_POD_UID
              valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.uid}}
            - name: K8S_NODE_NAME
              valueFrom: {fieldRef: {apiVersion: v1, fieldPath: spec.nodeName}}
            - name: K8S_CONTAINER_NAME
              value: remora
            - name: K8S_APP_NAME
              valueFrom:
                fieldRef: {apiVersion: v1, fieldPath: "metadata.labels['app.kubernetes.io/name']"}
            image: remora:1
            imagePullPolicy: IfNotPresent
            livenessProbe: {failureThreshold: 3, httpGet: {path: /healthz, port: remora-admin, scheme: HTTP}, periodSeconds: 10, successThreshold: 1, timeoutSeconds: 3}
            name: remora
            ports:
            - containerPort: 4142
              name: remora-admin
              protocol: TCP
            readinessProbe: {failureThreshold: 3, httpGet: {path: /readyz, port: remora-admin}, periodSeconds: 5, timeoutSeconds: 3}
            resources:
              limits: {memory: 256Mi}
              requests: {cpu: 10m, memory: 24Mi}
            restartPolicy: Always
            securityContext:
              allowPrivilegeEscalation: false
              capabilities: {drop: [ALL]}
              readOnlyRootFilesystem: true
              runAsGroup: 64642
              runAsNonRoot: true
              runAsUser: 64642
              seccompProfile: {type: RuntimeDefault}
            startupProbe: {failureThreshold: 120, httpGet: {path: /readyz, port: remora-admin}, periodSeconds: 1, timeoutSeconds: 2}
            terminationMessagePolicy: FallbackToLogsOnError
            volumeMounts:
            - {mountPath: /etc/remora, name: remora-config, readOnly: true}
            - {mountPath: /var/run/secrets/remora, name: remora-secrets, readOnly: true}
          volumes:
          - configMap: {defaultMode: 292, name: remora}
            name: remora-config
          - name: remora-secrets
            secret: {defaultMode: 292, secretName: remora}

    """

  @Test("what a cluster gives back is known again, and stays as it is")
  func known() {
    let out = inject(Self.live)
    #expect(out.lines == ["kept Deployment/web"])
    #expect(out.text == Self.live)
  }

  @Test("what a cluster gives back can be taken back")
  func takenBack() {
    let out = uninject(Self.live)
    #expect(
      out.text == """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
        spec:
          template:
            metadata:
              creationTimestamp: null
            spec:
              containers:
              - image: web:1
                name: app

        """)
    #expect(out.lines == ["uninjected Deployment/web"])
  }

  @Test("what others have put into what inject made stays")
  func others() {
    var text = Self.live.replacing(
      "      volumes:\n", with: "      volumes:\n      - {name: theirs, emptyDir: {}}\n")
    text = text.replacing(
      "      creationTimestamp",
      with: "        kubectl.kubernetes.io/restartedAt: now\n      creationTimestamp")
    let out = uninject(text).text
    #expect(out.contains("      volumes:\n      - {name: theirs, emptyDir: {}}\n"))
    #expect(out.contains("      annotations:\n        kubectl.kubernetes.io/restartedAt: now\n"))
    #expect(!out.contains("remora"))
  }

  @Test("another image, mode or Secret: as if it had been injected so at first")
  func changed() {
    let text =
      deployment(app + "        env:\n        - {name: A, value: b}\n") + "---\n"
      + "kind: Service\nmetadata: {name: s}\n"
    let changes: [@Sendable (inout InjectionOrder) -> Void] = [
      { $0.settings.image = "remora:2" }, { $0.settings.mode = .classic }, { $0.settings.secrets = [] },
      { $0.settings.secrets = ["a", "b"] }, { $0.settings.setsVariables = false },
      { $0.settings.config = "other" },
    ]
    let before = inject(text).text
    for change in changes {
      let fresh = inject(text, change)
      let again = inject(before, change)
      #expect(again.text == fresh.text)
      #expect(again.lines == fresh.lines)
      #expect(uninject(again.text).text == text)
    }
  }

  @Test("a newer version with the same fragment restarts nothing")
  func version() {
    let before = inject(deployment(app)).text
    #expect(inject(before) { $0.version = "2" }.text == before)
  }

  @Test("of a list, only what differs is written anew")
  func list() {
    let list =
      "kind: List\nitems:\n- kind: Pod\n  metadata: {name: a, annotations: {remora.dev/image: 'x:1'}}\n  spec:\n    containers:\n    - name: a\n- kind: Pod\n  metadata: {name: b}\n  spec:\n    containers:\n    - name: b\n"
    let before = inject(list).text
    let again = inject(before) { $0.settings.image = "remora:2" }
    #expect(again.lines.sorted() == ["injected Pod/b: b", "kept Pod/a"])
    #expect(uninject(again.text).text == list)
  }

  @Test("what was injected and then says no is skipped, with the way out")
  func saysNo() {
    let text = inject(deployment(app)).text.replacing(
      "      labels: {app: web}\n", with: "      labels: {app: web, remora.dev/inject: \"false\"}\n")
    let out = inject(text)
    #expect(out.text == text)
    #expect(
      out.lines == [
        #"skipped Deployment/web: remora.dev/inject is "false"; --uninject takes Remora out of it"#
      ])
  }

  @Test("a mark that inject hasn't written is no record")
  func policy() {
    let text = deployment(
      "      containers:\n      - name: remora\n        ports: [{name: remora-admin}]\n",
      metadata: annotated("remora.dev/injected: policy"))
    #expect(uninject(text).text == text)
    #expect(uninject(text).lines == ["left Deployment/web: what put Remora in has left no record"])
    #expect(inject(text).text == text)
  }
}
