"""What holds for every set of objects that has a sidecar, beyond its form."""

from __future__ import annotations

import re

import schemas
import yaml
from tools import ROOT, check, config_maps, named, pod_template, sidecar

CONFIG = "/etc/remora"
SECRETS = "/var/run/secrets/remora"
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def seconds(duration: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h|d)", duration).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}[unit]


def hold(objects: list[dict], directory, secrets: frozenset[str] = frozenset({"remora"})) -> None:
    """Holds all of them to all rules. `secrets` exist already; whatever else is named must be among the objects."""
    assert objects
    wrong = [problem for each in objects for problem in schemas.problems(each)]
    assert not wrong, "\n".join(wrong)
    assert not any(each["kind"] == "Secret" for each in objects), "no manifest of ours holds a secret"
    for number, each in enumerate(config_maps(objects)):
        name = each["metadata"]["name"]
        assert not re.search(r"-[a-z0-9]{8,10}$", name), (
            f"{name} follows its content: every edit restarts pods"
        )
        checked = check(each["data"]["remora.yaml"], directory / f"config{number}")
        assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout + checked.stderr
    names = {each["metadata"]["name"] for each in objects if each["kind"] == "ConfigMap"}
    for each in objects:
        pod = pod_template(each)
        if pod is None:
            continue
        _references(pod, names, secrets)
        if sidecar(pod):
            _sidecar(pod)
            _configuration(pod, objects)


def _references(pod: dict, config_map_names: set[str], secrets: frozenset[str]) -> None:
    """Volumes that are mounted, and what they are made of, exist."""
    volumes = {each["name"]: each for each in pod["spec"].get("volumes", [])}
    for container in (pod["spec"].get("initContainers") or []) + pod["spec"]["containers"]:
        for mount in container.get("volumeMounts", []):
            assert mount["name"] in volumes, f"{container['name']} mounts {mount['name']}, which isn't there"
            assert "subPath" not in mount and "subPathExpr" not in mount, "kubelet never updates these"
    for volume in volumes.values():
        if "configMap" in volume:
            assert volume["configMap"]["name"] in config_map_names, volume
        if "secret" in volume:
            # A certificate's Secret is made by cert-manager, or given.
            assert volume["secret"]["secretName"] in secrets or volume["name"] == "tls", volume
        for source in volume.get("projected", {}).get("sources", []):
            assert source["secret"]["name"] in secrets, volume


def _sidecar(pod: dict) -> None:
    container = sidecar(pod)
    assert pod["spec"]["initContainers"][0] is container, "other init containers may need it"
    assert container["restartPolicy"] == "Always", "this is what makes a sidecar native"
    assert "lifecycle" not in container, "a hook runs while the application still works"
    marks = " ".join([*pod["metadata"].get("annotations", {}), *pod["metadata"].get("labels", {})])
    assert not re.search("checksum|hash|sha", marks), "a change of the configuration must not restart pods"

    # Probes: at the pod's address, of the port that Prometheus looks for, with names as the program has them.
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert ports == {"remora-admin": 4142}
    paths = {}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        get = container[probe]["httpGet"]
        assert "host" not in get and ports[get["port"]] == 4142
        assert container[probe]["timeoutSeconds"] <= 3
        paths[probe] = get["path"]
    assert paths == {"startupProbe": "/readyz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    startup = container["startupProbe"]
    assert startup["periodSeconds"] == 1 and startup["failureThreshold"] >= 30

    restricted(container)
    assert "cpu" not in container["resources"].get("limits", {}), "throttling shows as stutter in streams"
    assert container["resources"]["requests"] and container["resources"]["limits"]["memory"]
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"

    mounts = {each["name"]: each for each in container["volumeMounts"]}
    assert mounts["remora-config"]["mountPath"] == CONFIG
    volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
    for name in mounts.keys() & {"remora-config", "remora-secrets"}:
        source = next(
            volumes[name][kind] for kind in ("configMap", "secret", "projected") if kind in volumes[name]
        )
        assert source["defaultMode"] & 0o444 == 0o444, "files belong to root, and Remora isn't root"
        assert mounts[name]["readOnly"] is True
        others = [each for each in pod["spec"]["containers"] if name in str(each.get("volumeMounts"))]
        assert not others, "the application has no business with the keys"


def restricted(container: dict) -> None:
    """The pod security standard `restricted`, and more; and the image's own user."""
    security = container["securityContext"]
    assert security["runAsNonRoot"] is True and security["allowPrivilegeEscalation"] is False
    assert security["readOnlyRootFilesystem"] is True
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    user, group = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.M).groups()
    assert (security["runAsUser"], security["runAsGroup"]) == (int(user), int(group))


def _configuration(pod: dict, objects: list[dict]) -> None:
    """What the configuration in the pod names is in the pod, and its times fit."""
    volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
    name = volumes["remora-config"]["configMap"]["name"]
    data = next(each["data"] for each in config_maps(objects) if each["metadata"]["name"] == name)
    tree = yaml.safe_load(data["remora.yaml"])
    args = sidecar(pod)["args"]
    assert args[:3] == ["serve", "--config", f"{CONFIG}/remora.yaml"]
    mounted = {each["mountPath"] for each in sidecar(pod)["volumeMounts"]}
    for key, path in named(tree):
        directory, _, file = path.rpartition("/")
        assert directory in mounted, f"{key}: {path} is in no volume of the sidecar"
        assert directory != CONFIG or file in data, f"{key}: {path} is not in the ConfigMap"
    drain = seconds(tree.get("shutdown", {}).get("drain", "30s"))
    grace = pod["spec"].get("terminationGracePeriodSeconds", 30)
    assert drain < grace, f"streams may take {drain} s to end, and the pod is killed after {grace} s"
