"""k8s/: everything that `kubectl kustomize` builds there, and what a workload becomes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
import yaml

import tools
from rules import hold
from tools import ROOT, code_blocks, config_maps, documents, kustomize, pod_template, sidecar

pytestmark = pytest.mark.usefixtures("needs_kubectl")

K8S = ROOT / "k8s"
EXAMPLE = K8S / "examples/openai-app/with-remora"
BUILT = sorted(
    str(file.parent.relative_to(K8S))
    for file in K8S.rglob("kustomization.yaml")
    if yaml.safe_load(file.read_text())["kind"] == "Kustomization"
)


def workload(kind: str, name: str, *, labelled: bool = True, **pod) -> dict:
    """A workload with nothing in it that needn't be there."""
    api = "batch/v1" if "Job" in kind else "apps/v1"
    labels = {"remora.dev/inject": "true"} if labelled else {"other": "label"}
    spec = {"containers": [{"name": "web", "image": "web:1"}, {"name": "extra", "image": "extra:1"}], **pod}
    if "Job" in kind:
        spec["restartPolicy"] = "Never"
    template = {"metadata": {"labels": {"app": name}}, "spec": spec}
    outer = (
        {"template": template}
        if "Job" in kind
        else {"selector": {"matchLabels": {"app": name}}, "template": template}
    )
    if kind == "StatefulSet":
        outer["serviceName"] = name
    if kind == "CronJob":
        outer = {"schedule": "@hourly", "jobTemplate": {"spec": outer}}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": outer}


def overlay(directory, *workloads: dict, **more) -> list[dict]:
    """What becomes of workloads under base and component."""
    (directory / "workloads.yaml").write_text(yaml.safe_dump_all(workloads))
    whole = {
        "resources": [os.path.relpath(K8S / "base", directory), "workloads.yaml"],
        "components": [os.path.relpath(K8S / "components/sidecar", directory)],
        **more,
    }
    (directory / "kustomization.yaml").write_text(yaml.safe_dump(whole))
    return kustomize(directory)


def environment(container: dict) -> dict[str, dict]:
    return {each["name"]: each for each in container.get("env", [])}


@pytest.mark.parametrize("directory", BUILT)
def test_holds(directory, tmp_path):
    hold(kustomize(K8S / directory), tmp_path)


def test_all_is_tested():
    assert {"base", "examples/openai-app/app", "examples/openai-app/with-remora"} <= set(BUILT)


def test_every_configuration_is_built():
    """No remora.yaml lies about that no build includes, and so no test checks."""
    built = {
        each["data"]["remora.yaml"] for directory in BUILT for each in config_maps(kustomize(K8S / directory))
    }
    files = list(K8S.rglob("remora.yaml"))
    assert len(files) >= 2 and all(file.read_text() in built for file in files)


def test_older_kubectl_builds_the_same():
    """The machine's own kubectl, if it has one: what works must not depend on the newest."""
    own = shutil.which("kubectl")
    if own is None or own == tools.tool("kubectl"):
        pytest.skip("ABSENT a kubectl beside the pinned one")
    built = subprocess.run([own, "kustomize", EXAMPLE], capture_output=True, text=True, timeout=60)
    assert built.returncode == 0, built.stderr
    assert documents(built.stdout) == kustomize(EXAMPLE)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"])
def test_every_kind_of_workload(kind, tmp_path):
    bare = workload(kind, "bare")
    env = [{"name": "OPENAI_BASE_URL", "value": "https://api.openai.com/v1"}, {"name": "MODEL", "value": "m"}]
    full = workload(
        kind,
        "full",
        initContainers=[{"name": "migrate", "image": "web:1"}],
        containers=[{"name": "web", "image": "web:1", "env": env}],
        volumes=[{"name": "data", "emptyDir": {}}],
    )
    left = workload(kind, "left", labelled=False)
    objects = overlay(tmp_path, bare, full, left)
    hold(objects, tmp_path)
    pods = {each["metadata"]["name"]: pod_template(each) for each in objects if pod_template(each)}

    assert pods["left"] == pod_template(left), "it didn't ask for the sidecar"
    for name in ("bare", "full"):
        variables = environment(pods[name]["spec"]["containers"][0])
        assert variables["OPENAI_BASE_URL"] == {
            "name": "OPENAI_BASE_URL",
            "value": "http://localhost:4141/v1",
        }
        assert variables["OPENAI_API_KEY"]["value"]
    assert [each["name"] for each in pods["full"]["spec"]["initContainers"]] == ["remora", "migrate"]
    assert environment(pods["full"]["spec"]["containers"][0])["MODEL"]["value"] == "m"
    assert "data" in {each["name"] for each in pods["full"]["spec"]["volumes"]}
    assert pods["bare"]["spec"]["containers"][1] == {"name": "extra", "image": "extra:1"}


def test_somebody_elses_manifest(tmp_path):
    """It is labelled in a kustomization of its own, as the README says."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "all.yaml").write_text(yaml.safe_dump(workload("Deployment", "theirs", labelled=False)))
    label = re.search(r"`(labels: \[.*\])`", (ROOT / "k8s/pods.md").read_text())[1]
    (theirs / "kustomization.yaml").write_text(f"resources: [all.yaml]\n{label}\n")
    objects = overlay(tmp_path, workload("Deployment", "ours", labelled=False), resources=[
        os.path.relpath(K8S / "base", tmp_path), "workloads.yaml", "theirs"
    ])
    assert {each["metadata"]["name"]: bool(sidecar(pod)) for each in objects if (pod := pod_template(each))} == {
        "ours": False,
        "theirs": True,
    }


def test_both_patches_are_alike():
    """A CronJob's pod is two levels deeper, which kustomize needs another patch for."""
    component = K8S / "components/sidecar"
    pods = [
        pod_template(yaml.safe_load((component / name).read_text()))["spec"]
        for name in ("workload.yaml", "cronjob.yaml")
    ]
    assert pods[0] == pods[1]


def test_edit_changes_only_the_config_map(tmp_path):
    """The name stays, the pods stay: nothing restarts."""
    copy = tmp_path / "k8s"
    shutil.copytree(K8S, copy)
    file = copy / EXAMPLE.relative_to(K8S) / "remora.yaml"
    before = kustomize(file.parent)
    file.write_text(file.read_text().replace("mock/small", "openai/gpt-4o-mini"))
    after = kustomize(file.parent)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [(old["kind"], new["metadata"]) for old, new in changed] == [
        ("ConfigMap", {"name": "remora", "labels": changed[0][0]["metadata"]["labels"]})
    ]


def test_without_pod_monitor(tmp_path):
    kinds = {each["kind"] for each in kustomize(K8S / "base")}
    assert kinds == {"ConfigMap", "PodMonitor"}
    assert "PodMonitor" not in {each["kind"] for each in kustomize(EXAMPLE)}


def test_pod_monitor_finds_the_port():
    monitor = next(each for each in kustomize(K8S / "base") if each["kind"] == "PodMonitor")
    example = next(pod for each in kustomize(EXAMPLE) if (pod := pod_template(each)))
    ports = {each["name"] for each in sidecar(example)["ports"]}
    assert {each["port"] for each in monitor["spec"]["podMetricsEndpoints"]} == ports


def test_example_runs_the_sdk():
    """The application's program is Python, and names no provider."""
    objects = kustomize(EXAMPLE)
    program = next(each["data"]["app.py"] for each in objects if "app.py" in each.get("data", {}))
    compile(program, "app.py", "exec")
    assert "openai.OpenAI()" in program and "http" not in program


def test_agent_has_what_inject_would_give():
    """The example's variables of Anthropic's SDK are those of the annotation `remora.dev/sdks`."""
    job = yaml.safe_load((K8S / "examples/agent/job.yaml").read_text())
    written = environment(pod_template(job)["spec"]["containers"][0])
    pod_template(job)["spec"]["containers"][0]["env"] = []
    pod_template(job)["metadata"]["annotations"] = {"remora.dev/sdks": "anthropic"}
    done = subprocess.run([str(tools.BINARY), "inject"], input=yaml.safe_dump(job), capture_output=True, text=True, timeout=20)
    given = environment(pod_template(yaml.safe_load(done.stdout))["spec"]["containers"][0])
    assert len(given) == 2 and given == {name: written[name] for name in given}


def test_readme(tmp_path):
    """The overlay that the README shows is whole: it builds beside an application and holds."""
    blocks = code_blocks(ROOT / "k8s/pods.md", "# In a pod", "yaml")
    shown = next(yaml.safe_load(block) for block in blocks if "kind: Kustomization" in block)
    directory = tmp_path / "overlay"
    directory.mkdir()
    shutil.copytree(K8S, tmp_path / "remora/k8s")
    shown["resources"] = [re.sub(r"^.*/k8s/", "../remora/k8s/", each) for each in shown["resources"]]
    shown["components"] = [re.sub(r"^.*/k8s/", "../remora/k8s/", each) for each in shown["components"]]
    (directory / "kustomization.yaml").write_text(yaml.safe_dump(shown))
    (directory / "deployment.yaml").write_text(yaml.safe_dump(workload("Deployment", "app")))
    (directory / "remora.yaml").write_text((EXAMPLE / "remora.yaml").read_text().replace("50s", "20s"))
    objects = kustomize(directory)
    hold(objects, tmp_path)
    assert any(sidecar(pod) for each in objects if (pod := pod_template(each)))
