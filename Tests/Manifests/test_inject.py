"""`remora inject`: the checker beside the project over other people's manifests, and what the command line promises."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest
import yaml

import schemas
from rules import hold
from tools import BINARY, ROOT, documents, pod_template, sidecar, tool

SHARED = ROOT / "../shared"
CHECKER = SHARED / "tools/check_inject.py"
MANIFESTS = SHARED / "kubernetes/manifests"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: { name: %s }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
      - name: app
        image: web:1
"""


def inject(*arguments: object, stdin: str | bytes = b"") -> subprocess.CompletedProcess:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    return subprocess.run(
        [str(BINARY), "inject", *map(str, arguments)], input=data, capture_output=True, timeout=60
    )


@pytest.mark.skipif(not CHECKER.exists(), reason=f"ABSENT {CHECKER}")
def test_other_peoples_manifests():
    done = subprocess.run(
        [sys.executable, str(CHECKER), str(BINARY), str(MANIFESTS)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not MANIFESTS.exists(), reason=f"ABSENT {MANIFESTS}")
@pytest.mark.parametrize("path", sorted(MANIFESTS.rglob("*.yaml")), ids=lambda each: each.name)
def test_no_new_complaint(path):
    """What an API server would say of other people's manifests is the same afterwards."""
    done = inject("-f", path, "--image", "registry.example.com/remora:0.1.0")
    if done.returncode:
        assert ".bad." in path.name, done.stderr
        return
    before, after = documents(path.read_text()), documents(done.stdout.decode())
    for old, new in zip(before, after, strict=True):
        if pod_template(old) and old["apiVersion"] in ("apps/v1", "batch/v1", "v1"):
            assert schemas.problems(new) == schemas.problems(old)


@pytest.mark.parametrize("mode", ["native", "classic"])
@pytest.mark.parametrize("secret", ["remora", "a,b", ""])
def test_schemas(mode, secret):
    done = inject("--mode", mode, f"--secret={secret}", stdin=DEPLOYMENT % "web")
    assert done.returncode == 0, done.stderr
    (each,) = documents(done.stdout.decode())
    assert schemas.problems(each) == []


def test_holds_what_every_sidecar_must(tmp_path):
    """The rules for the manifests of this project, over what inject makes."""
    config = {"providers": {"mock": {}}, "default_provider": "mock", "shutdown": {"drain": "20s"}}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "remora"}}
    config_map["data"] = {"remora.yaml": yaml.safe_dump(config)}
    done = inject(stdin=yaml.safe_dump(config_map) + "---\n" + DEPLOYMENT % "web")
    objects = documents(done.stdout.decode())
    assert sidecar(objects[1]["spec"]["template"])
    hold(objects, tmp_path)


def test_files_follow_each_other(tmp_path):
    """As documents of one stream, whatever each begins and ends with."""
    one, two, three = (tmp_path / f"{n}.yaml" for n in range(3))
    one.write_text((DEPLOYMENT % "one").rstrip("\n"))
    two.write_text("%YAML 1.2\n---\n" + DEPLOYMENT % "two")
    three.write_bytes(b"\xef\xbb\xbf" + (DEPLOYMENT % "three").encode())
    done = inject("-f", one, "-f", two, "-f", three, "-f", "-", stdin="---\n" + DEPLOYMENT % "four")
    assert done.returncode == 0, done.stderr
    names = [each["metadata"]["name"] for each in documents(done.stdout.decode())]
    assert names == ["one", "two", "three", "four"]


def test_one_mistake_stops_all(tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(DEPLOYMENT % "web")
    bad.write_text((DEPLOYMENT % "web").replace("name: app", "name: remora") + "---\nkind: Pod\nspec: [\n")
    done = inject("-f", good, "-f", bad, "-f", tmp_path / "none.yaml", "-f", tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    errors = done.stderr.decode().splitlines()
    assert [line.split(": error: ")[0] for line in errors] == [
        f"{bad}:10:9",
        f"{bad}:14:7",
        f"{tmp_path}/none.yaml",
        str(tmp_path),
    ]


def test_a_named_container_is_somewhere(tmp_path):
    """Of a stream's workloads most lack a container that a flag names; that none has it is a mistake."""
    other = (DEPLOYMENT % "other").replace("- name: app", "- name: worker")
    (tmp_path / "other.yaml").write_text(other)
    done = inject("--containers", "app", "-f", tmp_path / "other.yaml", "-f", "-", stdin=DEPLOYMENT % "web")
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().splitlines()[:2] == ["injected Deployment/other (no variables)", "injected Deployment/web (app)"]
    again = inject("--containers", "app", stdin=done.stdout)
    assert (again.returncode, again.stdout) == (0, done.stdout)
    done = inject("--containers", "app,web", "-f", tmp_path / "other.yaml", "-f", "-", stdin=DEPLOYMENT % "web")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().splitlines() == [
        f"{tmp_path}/other.yaml:9:7: error: Deployment/other: there is no container web; there are: worker",
        "stdin:9:7: error: Deployment/web: there is no container web; there are: app",
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n---\n", "replicas: 2\nimage: web\n", json.dumps([DEPLOYMENT % "web"])])
def test_nothing_to_inject_is_said(text):
    """`inject -f x.yaml > x.yaml`, a file of values, a list that kubectl wouldn't take either."""
    done = inject(stdin=text)
    assert (done.returncode, done.stdout.decode()) == (0, text)
    assert done.stderr == b"there is no Kubernetes object in the input\n"


def test_a_person_at_a_terminal_is_told():
    master, slave = pty.openpty()
    process = subprocess.Popen([str(BINARY), "inject"], stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.write(master, b"kind: Service\n\x04")
    output, errors = process.communicate(timeout=20)
    assert output == b"kind: Service\n" and errors.startswith(b"reading from the terminal; Ctrl-D ends\n")


def test_dry_run_prints_the_table_only():
    service = "---\napiVersion: v1\nkind: Service\nmetadata: { name: s }\n"
    done = inject("--dry-run", stdin=DEPLOYMENT % "web" + service)
    assert done.stdout.decode().splitlines() == ["injected Deployment/web (app)", "left Service/s"]


@pytest.mark.usefixtures("needs_helm")
def test_helms_post_renderer(tmp_path):
    """Helm 4 takes a plugin's name, and hands over hooks as well."""
    chart = tmp_path / "web"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    asking = DEPLOYMENT.replace("metadata: { name: %s }", 'metadata: { name: %s, labels: { remora.dev/inject: "true" } }')
    hook = (asking % "hook").replace("labels: { remora", "annotations: { helm.sh/hook: pre-upgrade }, labels: { remora")
    (chart / "templates/all.yaml").write_text("---\n".join([asking % "web", hook, DEPLOYMENT % "left"]))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/remora").symlink_to(BINARY)
    homes = {f"HELM_{each}_HOME": str(tmp_path / each) for each in ("CACHE", "CONFIG", "DATA")}
    env = {**os.environ, **homes, "HELM_PLUGINS": str(tmp_path / "DATA/plugins"), "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    (tmp_path / "DATA/plugins").mkdir(parents=True)
    for arguments in (["plugin", "install", ROOT / "charts/helm-plugin"], ["template", "web", chart, "--post-renderer", "remora"]):
        done = subprocess.run([tool("helm"), *map(str, arguments)], env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
    objects = {each["metadata"]["name"]: pod_template(each) for each in documents(done.stdout)}
    assert sidecar(objects["web"]) and sidecar(objects["hook"]) and not sidecar(objects["left"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--mode", "fast"],
        ["--image", "a b"],
        ["--config", "A"],
        ["--env", "drop"],
        ["x.yaml"],
        ["-f", "-", "-f", "-"],
        ["--containers", "a b"],
    ],
)
def test_wrong_usage(arguments):
    done = inject(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"see 'remora help inject'" in done.stderr
    assert (b"a file is named by -f" in done.stderr) == (arguments == ["x.yaml"])


@pytest.mark.skipif("release" not in str(BINARY), reason="a debug build takes a minute")
@pytest.mark.parametrize("variables", [0, 16], ids=["small", "large"])
def test_five_megabytes(variables):
    """Of small workloads there are 22,000 in it. How long it takes, the benchmark says."""
    env = "".join(f"        - name: VARIABLE_{n}\n          value: something of some length\n" for n in range(variables))
    whole = DEPLOYMENT + ("        env:\n" + env if env else "")
    count = 5_000_000 // len(whole)
    done = inject(stdin="---\n".join(whole % f"web{n}" for n in range(count)))
    assert done.returncode == 0 and done.stdout.count(b"initContainers:") == count
