"""Are these objects what the API server takes? Kubernetes' own schemas, strict, and the Prometheus Operator's."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import jsonschema
import kubernetes_validate
from referencing import Registry, Resource

VERSIONS = ("1.29", "1.33", "1.37")
"""The oldest that has native sidecars, the one that calls them stable, and the newest there is a schema of."""

SINCE = {
    "MutatingAdmissionPolicy": ("1.37",),
    "MutatingAdmissionPolicyBinding": ("1.37",),
    "ValidatingAdmissionPolicy": ("1.33", "1.37"),
    "ValidatingAdmissionPolicyBinding": ("1.33", "1.37"),
}
"""Kinds that older versions don't have."""

OTHERS = frozenset({"cert-manager.io/v1"})
"""What no schema is at hand of."""

SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"


@functools.cache
def _definitions(version: str) -> Registry:
    contents = json.loads((SCHEMAS / f"v{version}.0-local-strict/_definitions.json").read_text())
    return Resource.from_contents(contents) @ Registry()


@functools.cache
def _kubernetes(version: str, api_version: str, kind: str) -> jsonschema.Draft202012Validator:
    group, _, rest = api_version.rpartition("/")
    name = "-".join(part for part in (kind.lower(), group.partition(".")[0], rest) if part)
    schema = json.loads((SCHEMAS / f"v{version}.0-local-strict/{name}.json").read_text())
    registry = Resource.from_contents(schema) @ _definitions(version)
    return jsonschema.Draft202012Validator(schema, registry=registry)


@functools.cache
def _pod_monitor() -> jsonschema.Draft202012Validator:
    """Made from the operator's resource definition by others; closed here, as the API server's strict mode is."""
    from cloudcoil.models.prometheus_operator.v1 import PodMonitor

    def close(node: object) -> None:
        if isinstance(node, list):
            for each in node:
                close(each)
        elif isinstance(node, dict):
            if node.get("type") == "object" and "properties" in node:
                node.setdefault("additionalProperties", False)
            for each in node.values():
                close(each)

    schema = PodMonitor.model_json_schema(by_alias=True)
    close(schema)
    return jsonschema.Draft202012Validator(schema)


def problems(each: dict) -> list[str]:
    """What is wrong with an object, in words."""
    if (each["apiVersion"], each["kind"]) == ("monitoring.coreos.com/v1", "PodMonitor"):
        validators = {"operator": _pod_monitor()}
    elif each["apiVersion"] in OTHERS:
        return []
    else:
        versions = SINCE.get(each["kind"], VERSIONS)
        validators = {version: _kubernetes(version, each["apiVersion"], each["kind"]) for version in versions}
    return [
        f"{each['kind']}/{each['metadata']['name']} ({version}) at {error.json_path}: {error.message}"
        for version, validator in validators.items()
        for error in validator.iter_errors(each)
    ]
