// What is injected, skipped, left and refused, and what is said about it.

import Testing

@testable import Kubernetes

@Suite struct VerdictTests {
  @Test(
    "each object has its line",
    arguments: [
      (deployment(app), "injected Deployment/web: app"),
      (
        deployment("      hostNetwork: yes\n" + app),
        "skipped Deployment/web: host network: ports 4141 and 4142 would be the node's"
      ),
      (
        deployment("      os: {name: windows}\n" + app), "skipped Deployment/web: Windows: the image is Linux"
      ),
      (
        deployment("      nodeSelector: {kubernetes.io/os: windows}\n" + app),
        "skipped Deployment/web: Windows: the image is Linux"
      ),
      (
        deployment(app, metadata: annotated("remora.dev/inject: 'false'")),
        #"skipped Deployment/web: remora.dev/inject is "false""#
      ),
      (deployment(app, metadata: annotated("remora.dev/env: leave")), "injected Deployment/web"),
      (deployment(app, metadata: annotated("remora.dev/containers: app")), "injected Deployment/web: app"),
      (deployment("      initContainers:\n      - name: setup\n"), "left Deployment/web: no containers"),
      (deployment("      containers: []\n"), "left Deployment/web: no containers"),
      (
        deployment("      containers:\n      - name: remora\n        ports: [{name: remora-admin}]\n"),
        "kept Deployment/web: Remora is there, put in by other means"
      ),
      ("kind: Service\nmetadata:\n  labels: {a: b}\n  name: s\n", "left Service/s"),
      ("kind: Service\nmetadata: {name: s}\n", "left Service/s"),
      (
        "kind: Rollout\nmetadata: {name: r}\nspec: {template: {spec: {containers: [{name: a}]}}}\n",
        #"left Rollout/r: an unknown kind: remora.dev/inject: "true" on its pod template would inject it"#
      ),
      (
        "kind: Rollout\nmetadata: {name: r}\nspec: {template: {metadata: {labels: {remora.dev/inject: 'true'}}, spec: {containers: [{name: a}]}}}\n",
        "injected Rollout/r: a"
      ),
      (
        "kind: Pod\nmetadata: {name: p, annotations: {kubernetes.io/config.mirror: x}}\nspec: {containers: [{name: a}]}\n",
        "skipped Pod/p: a mirror pod: kubelet reads it from a file"
      ),
      (
        "kind: Pod\nmetadata: {generateName: p-, ownerReferences: [{kind: Job, name: j, controller: true}]}\nspec: {containers: [{name: a}]}\n",
        "skipped Pod/p-: Job/j makes it: inject that instead"
      ),
      (
        "kind: CronJob\nmetadata: {name: c}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a}]}}}}}\n",
        "injected CronJob/c: a"
      ),
      (
        "kind: PodTemplate\nmetadata: {name: t}\ntemplate: {spec: {containers: [{name: a}]}}\n",
        "injected PodTemplate/t: a"
      ),
      (
        "kind: ResourceList\nfunctionConfig: {kind: Pod, spec: {containers: [{name: x}]}}\nitems: [{kind: Pod, metadata: {name: p}, spec: {containers: [{name: a}]}}]\n",
        "injected Pod/p: a"
      ),
    ])
  func lines(_ text: String, _ line: String) {
    let out = inject(text)
    #expect(out.errors == [])
    #expect(out.lines == [line])
    if !line.hasPrefix("injected") { #expect(out.text == text) }
  }

  @Test(
    "what can't be is said with its place and a remedy",
    arguments: [
      (
        deployment(app, metadata: annotated("remora.dev/imgae: x")),
        "9:21: unknown annotation remora.dev/imgae; did you mean remora.dev/image?"
      ),
      (
        deployment(app, metadata: annotated("remora.dev/xyzzy: x")),
        "9:21: unknown annotation remora.dev/xyzzy"
      ),
      (
        deployment(app, metadata: annotated("remora.dev/mode: fast")),
        "9:38: remora.dev/mode: 'fast' is neither native nor classic"
      ),
      (
        deployment(app, metadata: annotated("remora.dev/inject: true")),
        #"9:40: remora.dev/inject must be "true" or "false", in quotes"#
      ),
      (
        deployment(app, metadata: annotated("remora.dev/run-as: 10")),
        "9:40: remora.dev/run-as must be a text; write it in quotes"
      ),
      (
        deployment(app, metadata: annotated("remora.dev/run-as: '0'")),
        "9:40: remora.dev/run-as: '0' is neither a user's number above 0 nor none"
      ),
      (
        deployment(app, metadata: annotated("remora.dev/cpu-request: 10x")),
        "9:45: remora.dev/cpu-request: '10x' is not a quantity such as 10m"
      ),
      (
        deployment(app, metadata: annotated("remora.dev/config: A_b")),
        "9:40: remora.dev/config: 'A_b' is not the name of a ConfigMap"
      ),
      (
        deployment(app, metadata: annotated("remora.dev/containers: b")),
        "9:44: there is no container b; there are: app"
      ),
      (
        deployment(app, metadata: annotated("remora.dev/sdks: cohere")),
        "9:38: remora.dev/sdks: 'cohere' is no list of openai, anthropic"
      ),
      (
        deployment("      hostNetwork: true\n" + app, metadata: annotated("remora.dev/inject: 'true'")),
        "1:1: Deployment/web asks for Remora: host network: ports 4141 and 4142 would be the node's"
      ),
      (
        deployment("      containers:\n      - name: remora\n        image: fish\n"),
        "12:9: Deployment/web has a container remora that isn't Remora; rename it"
      ),
      (
        deployment(app + "        ports: [{containerPort: 4142}]\n"),
        "14:17: the container app has port 4142, which Remora needs"
      ),
      (
        deployment("      volumes: [{name: remora-config}]\n" + app),
        "11:17: the volume remora-config is there already; rename it"
      ),
      (
        deployment(app).replacing("kind: Deployment", with: "kind: StatefulSet")
          + "  volumeClaimTemplates:\n  - metadata: {name: remora-secrets}\n",
        "15:5: the volume remora-secrets is there already; rename it"
      ),
      (
        deployment(app + "      - name: b\n      - name: app\n"),
        "15:9: two containers are called app; rename one"
      ),
      (
        deployment("      initContainers:\n      - name: app\n" + app),
        "14:9: two containers are called app; rename one"
      ),
      (deployment("      containers:\n      - image: a\n"), "12:9: a container has no name"),
      (
        deployment(app + "        env: null\n"),
        "14:14: Deployment/web: 'env' is null; remove it, or write []"
      ),
      (deployment(app + "        env: {}\n"), "14:14: Deployment/web: 'env' must be a list"),
      (
        deployment(
          "      containers:\n      - name: app\n        env: &e\n        - {name: A}\n      - name: b\n        env: *e\n"
        ),
        "13:14: Deployment/web: 'env' has the anchor &e, used again in line 16; expand anchors first: kubectl create --dry-run=client -o yaml -f FILE"
      ),
      (
        deployment("      containers:\n      - &c\n        name: app\n      - <<: *c\n        name: b\n"),
        "12:9: Deployment/web: 'env' has the anchor &c, used again in line 14; expand anchors first: kubectl create --dry-run=client -o yaml -f FILE"
      ),
      (deployment(app + app), "14:7: key 'containers' is already set at line 11, column 7; keep one of them"),
      (
        deployment("      containers:\n\t- name: app\n"),
        "12:1: a tab is used for indentation; indent with spaces"
      ),
      (
        "kind: Job\nmetadata: {name: j}\nspec: {template: {metadata: {annotations: {remora.dev/mode: classic}}, spec: {containers: [{name: a}]}}}\n",
        "3:18: Job/j would never end with a classic sidecar; use the native mode, or say remora.dev/quit: app where the application calls /quitquitquit"
      ),
      ("kind: Pod\nspec: {containers: [*x]}\n", "2:21: the alias *x has no anchor &x before it"),
      ("kind: Pod\nspec: &s {containers: [*s]}\n", "2:24: the alias *s has no anchor &s before it"),
      (
        "kind: {{ .Values.kind }}\nspec: {containers: []}\nkind: Pod\n",
        "1:8: complex keys (? key) are not supported; write 'key: value' with a plain or quoted key; is this a template? render it first: helm template"
      ),
      (
        "{{- if .Values.enabled }}\nkind: Pod\nspec: {containers: []}\n{{- end }}\n",
        "1:3: a list item '- ' is not allowed here; put it on its own line, under its key; is this a template? render it first: helm template"
      ),
      (
        deployment(app, metadata: annotated("remora.dev/memory-request: 1Gi")),
        "9:48: Remora would request more memory than its limit, 1Gi of 256Mi; say both: remora.dev/memory-request, remora.dev/memory-limit"
      ),
      (
        deployment(app, metadata: annotated("remora.dev/cpu-limit: 0.005")),
        "9:43: remora.dev/cpu-limit must be a text; write it in quotes"
      ),
      (
        deployment(app, metadata: annotated("remora.dev/cpu-limit: '0.005'")),
        "9:43: Remora would request more cpu than its limit, 10m of 0.005; say both: remora.dev/cpu-request, remora.dev/cpu-limit"
      ),
      ("a: \u{1}", "1:4: control character U+0001; remove it, or write it as an escape in double quotes"),
    ])
  func errors(_ text: String, _ error: String) { #expect(inject(text).errors.first == error) }

  @Test("a Job may have a classic sidecar if its application ends it")
  func quit() {
    let job =
      "kind: Job\nmetadata: {name: j}\nspec: {template: {metadata: {annotations: {remora.dev/quit: app}}, spec: {containers: [{name: a}]}}}\n"
    #expect(inject(job) { $0.settings.mode = .classic }.lines == ["injected Job/j: a"])
  }

  @Test("what works otherwise than its owner may think is warned of")
  func warnings() {
    let spec =
      "      shareProcessNamespace: on\n      terminationGracePeriodSeconds: 3\n" + app
      + "        resources: {limits: {cpu: 1, memory: 1Gi}}\n        env:\n        - {name: OPENAI_BASE_URL, value: x}\n"
      + "        - {name: OPENAI_API_KEY, valueFrom: {secretKeyRef: {}}}\n        - {name: ALL_PROXY, value: y}\n"
    #expect(
      inject(deployment(spec)).warnings.map { $0.drop { $0 != "w" }.dropFirst(5) }.map(String.init) == [
        "the pod is Guaranteed and becomes Burstable: Remora has no CPU limit (remora.dev/cpu-limit)",
        "shareProcessNamespace: a container that runs as root can read the keys through /proc",
        "terminationGracePeriodSeconds 3: a stream under way gets no longer than that",
        "app doesn't use Remora: it has an OPENAI_BASE_URL of its own",
        "app still has the provider's key in its OPENAI_API_KEY; Remora has it now",
        "app may send what is for Remora to its HTTP proxy: put localhost into NO_PROXY",
      ])
    let exempt = spec.replacing(
      "{name: ALL_PROXY, value: y}",
      with: "{name: ALL_PROXY, value: y}\n        - {name: no_proxy, value: 'a, localhost'}")
    #expect(!inject(deployment(exempt)).warnings.contains { $0.contains("NO_PROXY") })
    let live = "kind: Job\nmetadata: {name: j, uid: u}\nspec: {template: {spec: {containers: [{name: a}]}}}\n"
    #expect(
      inject(live).warnings == [
        "1:1: Job/j: the template of a Job that exists can't be changed: delete it first"
      ])
    let asLabels = deployment(
      app, metadata: "    metadata:\n      labels: {remora.dev/mode: classic, remora.dev/injekt: 'true'}\n")
    #expect(
      inject(asLabels).warnings == [
        "9:16: Deployment/web: remora.dev/mode has no effect as a label; make it an annotation",
        "9:42: Deployment/web: unknown key remora.dev/injekt; did you mean remora.dev/inject?",
      ])
    #expect(
      inject(asLabels.replacing("mode: classic", with: "mode: x")) { $0.isOptIn = true }.lines == [
        "left Deployment/web: doesn't ask: unknown key remora.dev/injekt; did you mean remora.dev/inject?"
      ])
    let labelled = deployment(app).replacing(
      "  name: web\n", with: "  name: web\n  labels: {remora.dev/mode: native}\n")
    #expect(
      inject(labelled).warnings == [
        "5:12: Deployment/web: remora.dev/mode has no effect here; make it an annotation of the pod template"
      ])
    let misplaced =
      "kind: Deployment\nmetadata: {name: d, annotations: {remora.dev/config: x}}\nspec: {template: {spec: {containers: [{name: a}]}}}\n"
    #expect(
      inject(misplaced).warnings == [
        "2:35: Deployment/d: remora.dev/config has no effect here; put it on the pod template"
      ])
  }

  @Test(
    "whether a Guaranteed pod stays one depends on amounts, not on how they are written",
    arguments: [
      ("{limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 1000m, memory: 1024Mi}}", "", true),
      ("{limits: {cpu: '0.5', memory: 1e9}, requests: {cpu: 500m, memory: 1G}}", "", true),
      ("{limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 999m}}", "", false),
      ("{limits: {cpu: 1}}", "", false),
      ("{limits: {cpu: 1, memory: some}}", "", false),
      (
        "{limits: {cpu: 1, memory: 1Gi}}",
        "remora.dev/cpu-limit: 100m, remora.dev/cpu-request: '0.1', remora.dev/memory-request: 256Mi", false
      ),
      ("{limits: {cpu: 1, memory: 1Gi}}", "remora.dev/cpu-limit: 100m", true),
    ])
  func guaranteed(_ resources: String, _ annotations: String, _ isWarned: Bool) {
    let text = deployment(app + "        resources: \(resources)\n", metadata: annotated(annotations))
    #expect(inject(text).warnings.contains { $0.contains("becomes Burstable") } == isWarned)
    // The pod's own resources decide, where it has some.
    let own = deployment(
      "      resources: {limits: {cpu: 2, memory: 2Gi}}\n" + app + "        resources: \(resources)\n",
      metadata: annotated(annotations))
    #expect(inject(own).warnings == [])
  }

  @Test("who asks for Anthropic's variables is warned of its own ones, and nobody else")
  func anthropicVariables() {
    let env =
      app + "        env:\n        - {name: ANTHROPIC_BASE_URL, value: 'https://api.anthropic.com'}\n"
      + "        - {name: ANTHROPIC_AUTH_TOKEN, valueFrom: {secretKeyRef: {}}}\n"
    #expect(inject(deployment(env)).warnings == [])
    let asking = deployment(env, metadata: annotated("remora.dev/sdks: anthropic"))
    #expect(
      inject(asking).warnings.map { $0.drop { $0 != "a" } } == [
        "app doesn't use Remora: it has an ANTHROPIC_BASE_URL of its own",
        "app still has the provider's key in its ANTHROPIC_AUTH_TOKEN; Remora has it now",
      ])
  }

  @Test("with opt-in, only what asks is injected: by label or annotation, on the workload or its template")
  func optIn() {
    func out(_ text: String) -> [String] { inject(text) { $0.isOptIn = true }.lines }
    #expect(out(deployment(app)) == ["left Deployment/web: doesn't ask"])
    #expect(
      out(deployment(app, metadata: annotated("remora.dev/inject: 'true'"))) == [
        "injected Deployment/web: app"
      ])
    for kind in ["labels", "annotations"] {
      let workload = deployment(app).replacing(
        "  name: web\n", with: "  name: web\n  \(kind): {remora.dev/inject: \"true\"}\n")
      #expect(out(workload) == ["injected Deployment/web: app"])
    }
  }

  @Test("a document that can't hold a pod is copied unread, whatever is in it")
  func unread() {
    let strange = "kind: Thing\nmetadata: {name: t}\na: !x &a [b\n  c: *zzz\nx: 1\nx: 2\n"
    let out = inject(strange + "---\n" + deployment(app))
    #expect(out.errors == [])
    #expect(out.text.hasPrefix(strange + "---\n"))
    #expect(out.lines == ["left Thing/t", "injected Deployment/web: app"])
  }

  @Test("annotations go before flags")
  func precedence() {
    let text = deployment(
      app,
      metadata: annotated(
        "remora.dev/image: 'a:1', remora.dev/secret: '', remora.dev/sdks: 'openai, anthropic', remora.dev/run-as: none, remora.dev/log-level: debug, remora.dev/cpu-limit: '1', remora.dev/poke: '3'"
      ))
    let out = inject(text) { $0.settings.secrets = ["x", "y"] }.text
    #expect(out.contains(#"image: "a:1""#))
    #expect(!out.contains("remora-secrets"))
    #expect(out.contains("ANTHROPIC_BASE_URL"))
    #expect(!out.contains("runAsUser") && out.contains("runAsNonRoot"))
    #expect(out.contains(#""--log-level", "debug"]"#) && out.contains(#""cpu": "1""#))
    let several = inject(deployment(app)) { $0.settings.secrets = ["x", "y"] }.text
    #expect(
      several.contains(
        #"projected: {"defaultMode": 292, "sources": [{"secret": {"name": "x"}}, {"secret": {"name": "y"}}]}"#
      ))
  }
}
