"""`GET /v1/models` through providers that list their models in forms of their own."""

from __future__ import annotations

import json

import pytest
from remora import SECRET
from replay.serving import head

pytestmark = pytest.mark.proxy

LISTS = {
    "anthropic": (
        "/v1/models",
        {
            "data": [
                {"type": "model", "id": "claude-a", "display_name": "A", "created_at": "2025-02-19T00:00:00Z"},
                {"type": "model", "id": "claude-b", "display_name": "B", "created_at": "2025-03-19T00:00:00Z"},
            ],
            "has_more": False,
            "first_id": "claude-a",
            "last_id": "claude-b",
        },
        ["claude-a", "claude-b"],
    ),
    "gemini": (
        "/v1beta/models",
        {"models": [{"name": "models/gemini-a", "displayName": "A", "inputTokenLimit": 9}, {"name": "models/gemini-b"}]},
        ["gemini-a", "gemini-b"],
    ),
    "cohere": (
        "/v1/models",
        {"models": [{"name": "command-a", "endpoints": ["chat"]}, {"name": "embed-a", "endpoints": ["embed"]}]},
        ["command-a", "embed-a"],
    ),
    "ollama": (
        "/api/tags",
        {"models": [{"name": "qwen3:8b", "model": "qwen3:8b", "modified_at": "2026-01-02T03:04:05.6Z", "size": 5}]},
        ["qwen3:8b"],
    ),
}


def provider_of(kind, server, authority, tmp_path) -> dict:
    """The configuration of a provider of this kind, which is `server`."""
    key = tmp_path / "key"
    key.write_text(SECRET)
    return {
        "kind": kind,
        "base_url": server.origin,
        "api_key": {"file": str(key)},
        "tls": {"ca_file": str(authority.ca_file)},
    }


@pytest.mark.parametrize("kind", LISTS)
def test_models(start_remora, start_upstream, authority, tmp_path, sdk, kind):
    path, body, wanted = LISTS[kind]
    server = start_upstream()
    provider = provider_of(kind, server, authority, tmp_path)
    proxy = start_remora(server, whole={"providers": {"its-name": provider}})
    data = json.dumps(body).encode()
    server.reply(head(200, {"Content-Type": "application/json"}, len(data)) + data)
    got = sdk(proxy).models.list().data
    assert [each.id.removeprefix("its-name/") for each in got] == wanted
    assert all(each.object == "model" and isinstance(each.created, int) and each.owned_by for each in got)
    request = server.last
    assert request.method == "GET" and request.target.split("?")[0] == path
    assert "key=" not in request.target and SECRET in str(request.headers)


@pytest.mark.parametrize("kind", LISTS)
def test_a_provider_that_does_not_list(start_remora, start_upstream, authority, tmp_path, sdk, kind):
    """What is configured is listed all the same."""
    server = start_upstream()
    provider = provider_of(kind, server, authority, tmp_path)
    whole = {"providers": {"its-name": provider}, "models": {"alias": "its-name/model-1"}}
    proxy = start_remora(server, whole=whole)
    server.reply(head(500, {"Content-Type": "text/html"}, 3) + b"<p>")
    assert [each.id for each in sdk(proxy).models.list().data] == ["alias"]
