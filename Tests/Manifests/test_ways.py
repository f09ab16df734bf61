"""Five ways into a pod: inject, the webhook, the admission policy, kustomize's component, the chart. One pod comes of all."""

from __future__ import annotations

import copy
import json
import random
import re
import shutil

import pytest
import yaml

import cel
import schemas
from test_chart import CHART
from test_inject import inject
from test_kustomize import K8S, overlay, workload
from test_webhook import REVIEWS, RECORDED, ask, patched, review_of, webhook  # noqa: F401
from tools import ROOT, documents, helm, pod_template, run

IMAGE = "registry.example.com/remora:0.1.0"
POLICY, BINDING = documents((K8S / "policy/inject.yaml").read_text())
WARNING, _ = documents((K8S / "policy/injected.yaml").read_text())
SETTINGS = (ROOT / "Sources/Kubernetes/Injection/Settings.swift").read_text()
READ = set(re.findall(r'"(K8S_[A-Z_]+)"', (ROOT / "Sources/Config/OTLPSettings.swift").read_text()))
KNOWN = ["remora.dev/" + name for name in re.findall(r'"([a-z-]+)"', re.search(r"static let known = \[(.*?)\]", SETTINGS, re.S)[1])]


def normal(pod: dict) -> dict:
    """A pod without what tells the ways apart: the record, the opt-in label, the order of what has names."""
    pod = copy.deepcopy(pod)
    metadata = pod.get("metadata") or {}
    for kind in ("annotations", "labels"):
        marks = {key: value for key, value in (metadata.get(kind) or {}).items() if not key.startswith("remora.dev/")}
        metadata.pop(kind, None)
        if marks:
            metadata[kind] = marks
    spec = pod["spec"]
    spec["volumes"] = sorted(spec.get("volumes") or [], key=lambda each: each["name"])
    for each in spec["containers"] + spec.get("initContainers", []):
        # An empty list says nothing.
        if not each.get("env"):
            each.pop("env", None)
        else:
            each["env"] = sorted(each["env"], key=lambda variable: variable["name"])
    return {"metadata": metadata, "spec": spec}


def template(**more) -> dict:
    made = workload("Deployment", "web", containers=[{"name": "web", "image": "web:1", **more}])
    made["spec"]["template"]["metadata"]["labels"]["remora.dev/inject"] = "true"
    return made


def by_inject(deployment: dict, _) -> dict:
    done = inject("--image", IMAGE, stdin=yaml.safe_dump(deployment))
    assert done.returncode == 0, done.stderr
    return documents(done.stdout.decode())[0]["spec"]["template"]


def pod_of(deployment: dict) -> dict:
    return {"apiVersion": "v1", "kind": "Pod", **copy.deepcopy(deployment["spec"]["template"])}


def by_policy(deployment: dict, _) -> dict:
    return cel.admit(POLICY, pod_of(deployment), {"data": {"image": IMAGE}})


def by_kustomize(deployment: dict, directory) -> dict:
    images = [{"name": "remora", "newName": IMAGE.split(":")[0], "newTag": IMAGE.split(":")[1]}]
    objects = overlay(directory, deployment, images=images)
    return next(pod_template(each) for each in objects if each["kind"] == "Deployment")


def by_chart(deployment: dict, directory) -> dict:
    chart = directory / "web"
    (chart / "templates").mkdir(parents=True)
    shutil.copytree(CHART, directory / "remora")
    (chart / "Chart.yaml").write_text(
        "apiVersion: v2\nname: web\nversion: 1.0.0\n"
        "dependencies: [{ name: remora, version: 0.1.0, repository: 'file://../remora' }]\n"
    )
    # In an application's chart with a release of this name, the ConfigMap is called as elsewhere.
    (chart / "values.yaml").write_text("remora: { fullnameOverride: remora }\n")
    text = json.loads(json.dumps(deployment))
    spec = text["spec"]["template"]["spec"]
    env = spec["containers"][0].pop("env", [])
    spec["containers"][0]["env"] = ["ENV", *env]
    spec["initContainers"], spec["volumes"] = ["CONTAINER"], ["VOLUMES"]
    source = yaml.safe_dump(text, sort_keys=False)
    for word, name, column in (("ENV", "env", 8), ("CONTAINER", "container", 6), ("VOLUMES", "volumes", 6)):
        include = f'{{{{- include "remora.{name}" .Subcharts.remora | nindent {column} }}}}'
        source = source.replace(f"- {word}\n", include + "\n")
    (chart / "templates/deployment.yaml").write_text(source)
    run("helm", "dependency", "build", chart)
    return next(pod_template(each) for each in helm(chart) if each["kind"] == "Deployment")


@pytest.mark.usefixtures("needs_kubectl", "needs_helm")
@pytest.mark.parametrize("env", [[], [{"name": "MODEL", "value": "m"}]], ids=["bare", "env"])
def test_one_pod(env, webhook, tmp_path):  # noqa: F811
    deployment = template(**({"env": env} if env else {}))
    review = review_of(pod_of(deployment))
    pods = {"webhook": normal(patched(review, ask(webhook.connect(), review)))}
    for name, way in {"inject": by_inject, "policy": by_policy, "kustomize": by_kustomize, "chart": by_chart}.items():
        (tmp_path / name).mkdir()
        pods[name] = normal(way(deployment, tmp_path / name))
    for name, pod in pods.items():
        assert pod == pods["inject"], name
    told = {each["name"] for each in pods["inject"]["spec"]["initContainers"][0]["env"]}
    assert told == READ - {"K8S_DEPLOYMENT_NAME"}, "what the exporter reads, but for the one that no field holds"


@pytest.mark.skipif(not RECORDED, reason=f"ABSENT {REVIEWS}")
@pytest.mark.parametrize("path", RECORDED, ids=lambda each: each.name)
def test_webhook_and_policy_agree(path, webhook):  # noqa: F811
    review = json.loads(path.read_bytes())
    pod = review["request"]["object"]
    if review["request"]["operation"] != "CREATE" or (pod["metadata"].get("labels") or {}).get("remora.dev/inject") != "true":
        return
    response = ask(webhook.connect(), review)
    if not response["allowed"]:
        # A volume of that name: the API server itself refuses what the policy makes of it.
        assert "remora-config is there already" in response["status"]["message"]
        return
    by = {
        "webhook": patched(review, response),
        "policy": cel.admit(POLICY, pod, {"data": {"image": IMAGE}}),
    }
    assert normal(by["webhook"]) == normal(by["policy"])


@pytest.mark.parametrize(
    "annotations",
    [
        {"remora.dev/image": "a:1", "remora.dev/config": "c", "remora.dev/secret": "s"},
        {"remora.dev/containers": "web"},
        {"remora.dev/env": "leave"},
        {"remora.dev/cpu-limit": "1", "remora.dev/cpu-request": "20m", "remora.dev/memory-request": "32Mi"},
        {"remora.dev/memory-limit": "1Gi"},
        {"remora.dev/secret": ""},
        {"remora.dev/secret": "a, b"},
        {"remora.dev/sdks": "anthropic"},
        {"remora.dev/sdks": "openai, anthropic", "remora.dev/containers": "other"},
        {"remora.dev/run-as": "none"},
        {"remora.dev/run-as": "1000"},
        {"remora.dev/log-level": "debug"},
    ],
    ids=lambda each: ",".join(f"{key[11:]}={value}" for key, value in each.items()),
)
def test_annotations_mean_the_same_to_all(annotations, webhook):  # noqa: F811
    deployment = template()
    deployment["spec"]["template"]["spec"]["containers"].append({"name": "other", "image": "other:1"})
    deployment["spec"]["template"]["metadata"]["annotations"] = annotations
    review = review_of(pod_of(deployment))
    made = normal(patched(review, ask(webhook.connect(), review)))
    assert made == normal(by_inject(deployment, None)) == normal(by_policy(deployment, None))


ANNOTATIONS = {
    "image": ["a:1"],
    "config": ["c"],
    "secret": ["s", "", "a, b"],
    "containers": ["web", "init", "web, init", "vault"],
    "env": ["leave", "add"],
    "sdks": ["anthropic", "openai,anthropic"],
    "run-as": ["none", "5"],
    "log-level": ["debug"],
    "cpu-limit": ["1"],
    "memory-limit": ["1Gi"],
}
SURROUNDINGS = [
    {"hostNetwork": True},
    {"os": {"name": "windows"}},
    {"nodeSelector": {"kubernetes.io/os": "windows"}},
    {"nodeSelector": {"kubernetes.io/os": "linux"}},
    {"shareProcessNamespace": True},
]


def any_pod(chance: random.Random) -> dict:
    """A Deployment with whatever a pod may have that makes a difference to one of the ways."""

    def container(name: str) -> dict:
        own = [{"name": chance.choice(["A", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY"]), "value": "x"}]
        return {"name": name, "image": "i", **chance.choice([{}, {"env": []}, {"env": own}])}

    deployment = template()
    pod = deployment["spec"]["template"]
    pod["spec"]["containers"] = [container(name) for name in ["web", "other"][: chance.choice([1, 2])]]
    names = [each for each in ["istio-init", "istio-proxy", "linkerd-proxy", "init", "vault"] if chance.random() < 0.3]
    inits = [container(each) for each in chance.sample(names, len(names))]
    for each in inits:
        if each["name"].endswith("proxy") and chance.random() < 0.7:
            each["restartPolicy"] = "Always"
    if inits or chance.random() < 0.3:
        pod["spec"]["initContainers"] = inits
    if chance.random() < 0.3:
        pod["spec"]["volumes"] = chance.choice([[], [{"name": "v", "emptyDir": {}}]])
    if chance.random() < 0.2:
        pod["spec"].update(chance.choice(SURROUNDINGS))
    if chance.random() < 0.1:
        pod["metadata"]["labels"]["linkerd.io/control-plane-component"] = "identity"
    said = {f"remora.dev/{key}": chance.choice(values) for key, values in ANNOTATIONS.items() if chance.random() < 0.2}
    if said or chance.random() < 0.3:
        pod["metadata"]["annotations"] = said
    return deployment


@pytest.mark.parametrize("seed", range(4))
def test_every_pod_is_the_same_to_all(seed, webhook):  # noqa: F811
    """Meshes that come first, init containers that are named, nodes of other systems: what one way knows, each does."""
    chance, connection, injected = random.Random(seed), webhook.connect(), 0
    for _ in range(40):
        deployment = any_pod(chance)
        pod = pod_of(deployment)
        review = review_of(pod)
        response = ask(connection, review)
        done = inject("--image", IMAGE, stdin=yaml.safe_dump(deployment))
        if not response["allowed"]:
            assert done.returncode == 1, response
            continue
        made = normal(patched(review, response))
        assert normal(by_policy(deployment, None)) == made, deployment
        if made == normal(pod):
            assert done.returncode == 1, "it asked, and can't be"
            continue
        injected += 1
        assert normal(documents(done.stdout.decode())[0]["spec"]["template"]) == made, deployment
        assert schemas.problems({**pod, **made, "metadata": {"name": "p", **made["metadata"]}}) == [], deployment
    assert injected > 10


def test_policy_leaves_alone_what_it_must():
    pod = pod_of(template())
    params = {"data": {}}
    assert cel.admit(POLICY, pod, params) != pod
    bare = copy.deepcopy(pod)
    del bare["metadata"]["labels"]["remora.dev/inject"]
    others = [{**pod, "spec": {**pod["spec"], **each}} for each in SURROUNDINGS[:3]]
    there = {**pod, "spec": {"containers": [*pod["spec"]["containers"], {"name": "remora", "image": "x"}]}}
    for each in [bare, *others, there]:
        assert cel.admit(POLICY, each, params) == each
    assert cel.admit(POLICY, pod, None) == pod, "without the namespace's ConfigMap there is nothing to go by"


def test_warning_says_why():
    rule, ports, known = WARNING["spec"]["validations"]
    request = {"namespace": "shop"}
    for pod, words in [
        (pod_of(template()), "is there a ConfigMap remora-injection in the namespace shop?"),
        ({"spec": {"hostNetwork": True, "containers": [{"name": "a"}]}}, "it uses the host network"),
        ({"spec": {"os": {"name": "windows"}, "containers": [{"name": "a"}]}}, "it is for Windows"),
        ({"spec": {"nodeSelector": {"kubernetes.io/os": "windows"}, "containers": [{"name": "a"}]}}, "it is for Windows"),
        ({"spec": {"containers": [{"name": "remora", "ports": [{"containerPort": 1}]}]}}, "something else; rename it"),
    ]:
        names = {"object": pod, "request": request}
        assert cel.evaluate(rule["expression"], names) is False
        assert cel.evaluate(rule["messageExpression"], names).endswith(words)
    injected = cel.admit(POLICY, pod_of(template()), {"data": {}})
    assert cel.evaluate(rule["expression"], {"object": injected, "request": request}) is True
    # Remora's own container has one of them.
    assert cel.evaluate(ports["expression"], {"object": injected}) is True
    for name in ("initContainers", "containers"):
        taken = {"spec": {"containers": [], **{name: [{"name": "a", "ports": [{"containerPort": 4141}]}]}}}
        assert cel.evaluate(ports["expression"], {"object": taken}) is False
    # Inject's list of annotations is the policy's.
    for name in KNOWN:
        assert cel.evaluate(known["expression"], {"object": {"metadata": {"annotations": {name: "x"}}}}) is True, name
    for annotations, wanted in [({"remora.dev/imge": "x"}, False), ({"other/imge": "x"}, True), ({}, True)]:
        assert cel.evaluate(known["expression"], {"object": {"metadata": {"annotations": annotations}}}) is wanted


def test_policies_are_what_an_api_server_takes():
    for each in [POLICY, BINDING, *documents((K8S / "policy/injected.yaml").read_text())]:
        assert schemas.problems(each) == []


def test_chart_has_the_same_policies():
    for name in ("inject.yaml", "injected.yaml"):
        assert (CHART / "policy" / name).read_text() == (K8S / "policy" / name).read_text()
