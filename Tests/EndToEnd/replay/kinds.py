"""One proxy with a provider of each kind, all of them at the same upstream."""

from __future__ import annotations

import json
from pathlib import Path

from remora import SECRET, Remora
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
    """Each kind under its own name, `azure-classic` with deployments in its paths, and `bedrock-native` for InvokeModel."""
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
    found["bedrock-native"] = {**found["bedrock"], "kind": "bedrock", "messages": "native"}
    found["azure-classic"] = {**found["azure"], "api_version": "2024-10-21"}
    # Each with dictionaries of its own: YAML would write shared ones as anchors.
    return json.loads(json.dumps(found))


def _written(directory: Path, name: str, text: str) -> str:
    file = directory / name
    file.write_text(text)
    return str(file)


class Replayer:
    """The proxy and the upstream behind it; made once a worker."""

    def __init__(self, directory: Path, server: Upstream, ca_file: Path, **settings) -> None:
        self.upstream = server
        # What a provider says is to be seen as it is.
        config = {"retry": {"attempts": 1}, **settings, "providers": providers(directory, server.origin, ca_file)}
        self.proxy = Remora(directory, config)
        self.proxy.secrets += [AWS_SECRET, AWS_TOKEN]

    def stop(self) -> None:
        self.proxy.stop()

