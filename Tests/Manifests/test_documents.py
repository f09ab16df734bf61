"""The configurations that the READMEs show: `remora check` finds nothing wrong with them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

import cel
import schemas
from tools import BINARY, ROOT, check, code_blocks, free_port, kustomize, run

READMES = [
    ROOT / place
    for place in (
        "README.md", "Sources/Config/README.md", "Sources/Policy/README.md", "Sources/Proxy/README.md",
        "Sources/Dialects/README.md", "Sources/Telemetry/README.md", "k8s/pods.md", "charts/remora/README.md",
    )
]


def shown() -> list[str]:
    """Every YAML block that is a configuration, whole or in part: those of templates aren't YAML."""
    found = []
    for file in READMES:
        for block in re.findall(r"^```yaml\n(.*?)^```$", file.read_text(), re.DOTALL | re.MULTILINE):
            tree = None if "{{" in block else yaml.safe_load(block)
            if isinstance(tree, dict) and not {"kind", "remora", "dependencies", "services"} & set(tree):
                found.append(block)
    return found


def test_there_are_some():
    assert len(shown()) >= 10


def anchors(page: Path) -> set[str]:
    """What links can name in a page: its headings, as GitHub writes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.strip().lower()).replace(" ", "-") for each in headings}


def pages() -> list[Path]:
    folders = (ROOT / each for each in ("Sources", "Tests", "k8s", "charts"))
    return [ROOT / "README.md", *sorted(page for folder in folders for page in folder.rglob("*.md"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_first_page_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= 15_000


@pytest.mark.parametrize("text", shown(), ids=lambda text: text.split()[0].rstrip(":"))
def test_valid(text, tmp_path):
    tree = yaml.safe_load(text)
    if "providers" not in tree:
        # A part of one: what it leaves out and refers to is added below, so that its lines stay.
        text += "providers: { local: { kind: mock } }\ndefault_provider: local\n"
    checked = check(text, tmp_path)
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout + checked.stderr


# The ten steps of k8s/README.md, as far as they go without a cluster.

STEPS = ROOT / "k8s/README.md"


def commands() -> list[str]:
    """Every command of the steps, one a line."""
    text = STEPS.read_text().partition("## Other ways in")[0]
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.split("   #")[0].strip() for line in lines]


@pytest.fixture
def place(tmp_path):
    """The project, with the files that the steps have made."""
    shutil.copytree(ROOT / "k8s", tmp_path / "k8s")
    (tmp_path / "remora.yaml").write_text((tmp_path / "k8s/base/remora.yaml").read_text())
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/openai").write_text("sk-made-up\n")
    return tmp_path


def created(command: str, place) -> dict:
    """What a command would send: kubectl's own dry run, for there is no API server."""
    words = shlex.split(command.split(" --dry-run")[0])
    return json.loads(run("kubectl", *words[1:], "--dry-run=client", "-o", "json", cwd=place).stdout)


def test_there_are_ten_steps():
    found = re.findall(r"^(\d+)\. \*\*", STEPS.read_text(), re.MULTILINE)
    assert found == [str(number) for number in range(1, 11)]


@pytest.mark.usefixtures("needs_kubectl")
def test_steps_make_what_the_pod_names(place):
    made = [created(each, place) for each in commands() if " create " in each]
    assert {(each["kind"], each["metadata"]["name"]) for each in made} == {
        ("Secret", "remora"),
        ("ConfigMap", "remora"),
        ("ConfigMap", "remora-injection"),
    }
    for each in made:
        assert schemas.problems(each) == [] and each["metadata"]["namespace"] == "NS"
    config = next(each for each in made if "remora.yaml" in each.get("data", {}))
    named = yaml.safe_load(config["data"]["remora.yaml"])["providers"]["openai"]["api_key"]["file"]
    secret = next(each for each in made if each["kind"] == "Secret")
    assert named.removeprefix("/var/run/secrets/remora/") in secret["data"]
    checked = check(config["data"]["remora.yaml"], place / "checked")
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.usefixtures("needs_kubectl")
def test_steps_inject(place):
    """The pod of step 7, and the one of step 8's template, under step 3's policy and step 6's parameters."""
    policy, *_ = [each for each in kustomize(place / "k8s/policy") if each["kind"] == "MutatingAdmissionPolicy"]
    assert len(kustomize(place / "k8s/policy")) == 4
    params = created(next(each for each in commands() if "remora-injection" in each), place)
    # `run` asks a server for its kinds, whatever it is to do.
    words = shlex.split(next(each for each in commands() if " run t " in each))
    labels = dict([words[words.index("--labels") + 1].split("=")])
    asked = {"metadata": {"name": "t", "labels": labels}, "spec": {"containers": [{"name": "t", "image": "x"}]}}
    words = shlex.split(next(each for each in commands() if " patch " in each))
    deployment = yaml.safe_load((place / "k8s/examples/policy/deployment.yaml").read_text())
    deployment["spec"]["template"]["metadata"]["labels"].pop("remora.dev/inject")
    (place / "app.yaml").write_text(yaml.safe_dump(deployment))
    local = run("kubectl", "patch", "--local", "-f", place / "app.yaml", *words[words.index("-p") :], "-o", "json")
    for pod in (asked, json.loads(local.stdout)["spec"]["template"]):
        admitted = cel.admit(policy, pod, params)
        assert [each["name"] for each in admitted["spec"]["initContainers"]] == ["remora"]
        assert admitted["spec"]["initContainers"][0]["image"] == params["data"]["image"]


def test_what_can_go_wrong_quotes_what_is_said():
    """Of the messages in the table, those of Remora's own are Remora's words."""
    table = STEPS.read_text().partition("## What can go wrong")[2]
    sources = "".join(file.read_text() for file in (ROOT / "Sources").rglob("*.swift"))
    sources += "".join(file.read_text() for file in (ROOT / "k8s/policy").glob("*.yaml"))
    sources += (ROOT / "charts/remora/templates/policy.yaml").read_text()
    for words in (
        "the pod asks for Remora",
        "is there a ConfigMap remora-injection in the namespace",
        "it uses the host network",
        "what it has of that name is something else; rename it",
        "a container of the pod has port 4141 or 4142, which Remora needs",
        "address already in use",
        "an annotation of the pod begins with remora.dev/ and is none that Remora knows",
        "model_not_found",
        "policy.enabled needs Kubernetes 1.36",
    ):
        assert words in table and words in sources, words


# The container by itself.


def serves(arguments: list[str], environment: dict[str, str], directory) -> None:
    """Runs the image's entry point as the container would, on other ports, and asks it as another container would."""
    port, admin = free_port(), free_port()
    assert arguments[-2:] == ["--listen", "0.0.0.0:4141"], "nothing outside would reach it"
    arguments = [each.replace("/etc/remora", str(directory)).replace(":4141", f":{port}") for each in arguments]
    command = [str(BINARY), *arguments, "--admin", f"127.0.0.1:{admin}"]
    process = subprocess.Popen(command, env={"PATH": os.environ["PATH"], **environment}, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while subprocess.run([str(BINARY), "probe", "--ready", "--admin", f"127.0.0.1:{admin}"]).returncode:
            assert process.poll() is None and time.monotonic() < deadline
        for host in ("remora:4141", "localhost:4141"):
            request = urllib.request.Request(f"http://127.0.0.1:{port}/healthz", headers={"Host": host})
            assert urllib.request.urlopen(request, timeout=10).read() == b"ok\n"
    finally:
        process.terminate()
        assert process.wait(20) == 0


def test_docker_run(tmp_path):
    block = next(each for each in code_blocks(ROOT / "k8s/pods.md", "# In a pod", "sh") if "docker run" in each)
    words = shlex.split(block.replace("\\\n", " "))
    image = next(n for n, word in enumerate(words) if word.startswith("registry.example.com/"))
    assert ("-p", "127.0.0.1:4141:4141") in zip(words, words[1:])
    serves(words[image + 1 :], {words[words.index("-e") + 1]: "sk-made-up"}, tmp_path)


def test_compose(tmp_path):
    block = next(each for each in code_blocks(ROOT / "k8s/pods.md", "# In a pod", "yaml") if "services:" in each)
    services = yaml.safe_load(block)["services"]
    ours, app = services["remora"], services["app"]
    assert app["environment"]["OPENAI_BASE_URL"] == "http://remora:4141/v1"
    assert ours["volumes"] == ["./remora:/etc/remora:ro"]
    assert ours["healthcheck"]["test"][1:3] == ["/usr/local/bin/remora", "probe"]
    (tmp_path / "remora.yaml").write_text("providers: { openai: {} }\n")
    serves(ours["command"], dict.fromkeys(ours["environment"], "sk-made-up"), tmp_path)
