"""One proxy with a provider of each kind, all of them at the same upstream."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from remora import SECRET, Remora, run
from upstream import Upstream

AWS_KEY_ID = "AKIACANARYCANARY0001"
AWS_SECRET = "aws-canary-7f2d9e4b1c/plus+slash"
AWS_TOKEN = "aws-session-canary-55aa"
REGION = "eu-west-3"

TRANSLATED = ("anthropic", "gemini", "vertex", "bedrock", "cohere", "ollama")
KINDS = (
    *TRANSLATED,
    *"azure deepseek fireworks groq mistral openai openrouter perplexity together vllm xai".split(),
    "openai_compatible",
)


def providers(directory: Path, origin: str, ca_file: Path) -> dict[str, dict]:
    """Each kind under its own name, and `azure-classic` with deployments in its paths."""
    key = {"file": _written(directory, "key", SECRET)}
    common = {"tls": {"ca_file": str(ca_file)}, "timeouts": {"connect": "5s", "first_byte": "20s", "idle": "20s"}}
    found = {}
    for kind in KINDS:
        found[kind] = {"kind": kind, "base_url": f"{origin}/v1", "api_key": key, **common}
    for kind in (*TRANSLATED, "azure"):
        found[kind]["base_url"] = origin
    found["vertex"] |= {"project": "remora-project", "location": "europe-west4", "token": key}
    del found["vertex"]["api_key"]
    found["bedrock"] |= {
        "region": REGION,
        "credentials": {
            "access_key_id": {"file": _written(directory, "aws-id", AWS_KEY_ID)},
            "secret_access_key": {"file": _written(directory, "aws-secret", AWS_SECRET)},
            "session_token": {"file": _written(directory, "aws-token", AWS_TOKEN)},
        },
    }
    del found["bedrock"]["api_key"]
    found["azure-classic"] = {**found["azure"], "api_version": "2024-10-21"}
    # Each with dictionaries of its own: YAML would write shared ones as anchors.
    return json.loads(json.dumps(found))


def _written(directory: Path, name: str, text: str) -> str:
    file = directory / name
    file.write_text(text)
    return str(file)


def available(directory: Path, wanted: dict[str, dict]) -> dict[str, dict]:
    """Those providers that this build has: `remora check` is asked. Any other complaint is a failure."""
    file = directory / "asked.yaml"
    kept = {}
    for name, provider in wanted.items():
        file.write_text(yaml.safe_dump({"providers": {name: provider}}))
        checked = run("check", str(file), "--format", "json")
        if checked.returncode == 0:
            kept[name] = provider
        else:
            assert "is not available yet" in checked.stdout + checked.stderr, checked.stdout + checked.stderr
    return kept


class Replayer:
    """The proxy and the upstream behind it; made once a worker."""

    def __init__(self, directory: Path, server: Upstream, ca_file: Path, **settings) -> None:
        self.upstream = server
        self.providers = available(directory, providers(directory, server.origin, ca_file))
        config = {"response_metadata": "headers", **settings, "providers": self.providers}
        self.proxy = Remora(directory, config)
        self.proxy.secrets += [AWS_SECRET, AWS_TOKEN]

    def needs(self, name: str) -> None:
        """Skips a test of a kind that this build says it doesn't have; from the day it has it, the test counts."""
        if name not in self.providers:
            pytest.skip(f"kind {name} is not available yet")

    def stop(self) -> None:
        self.proxy.stop()


def body_of(request) -> dict:
    return json.loads(request.body)
