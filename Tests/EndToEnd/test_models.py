"""`GET /v1/models` and `GET /v1/models/NAME`: what is answered here, and what a provider is asked."""

from __future__ import annotations

import json
import time

import pytest
from remora import default_config, merged
from upstream import STALL
from wire import json_answer

pytestmark = pytest.mark.proxy


def get(proxy, path: str, method: str = "GET"):
    with proxy.connect() as peer:
        peer.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return peer.response(method)


LENGTHS = ["o1", "abc", "fast", "a" * 9, "b" * 11, "org/model", "meta/llama-3"]
"""Names with which the path is as long as another endpoint's, among others."""


@pytest.mark.parametrize("prefix", ["/v1", ""])
@pytest.mark.parametrize("name", LENGTHS)
def test_a_configured_name_is_answered_whatever_its_length(start_remora, upstream, name, prefix):
    proxy = start_remora(upstream, {"models": {name: "gateway/gpt-4o"}})
    for written in (name, name.replace("/", "%2F")):
        got = get(proxy, f"{prefix}/models/{written}")
        assert (got.status, got.json()["id"]) == (200, name)
    assert upstream.requests == []
    assert {line["endpoint"] for line in proxy.access_log(2)} == {"models"}


@pytest.mark.parametrize("name", LENGTHS)
def test_any_other_name_is_the_providers_to_know(remora, upstream, name):
    upstream.reply(json_answer({"id": name, "object": "model"}))
    got = get(remora, f"/v1/models/{name}")
    assert (got.status, got.json()["id"]) == (200, name)
    assert upstream.last.target == f"/v1/models/{name}"


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("gateway/gpt-4o", "gpt-4o"),
        ("gateway%2Fgpt-4o", "gpt-4o"),
        ("gateway/meta-llama/Llama-3", "meta-llama/Llama-3"),
        ("gateway%2Fmeta-llama%2FLlama-3", "meta-llama%2FLlama-3"),
    ],
)
def test_a_pinned_provider_is_asked_for_its_own_name(remora, upstream, asked, sent):
    upstream.reply(json_answer({"id": "it", "object": "model"}))
    got = get(remora, f"/v1/models/{asked}?x=1")
    assert (got.status, got.get("x-remora-provider")) == (200, "gateway")
    assert upstream.last.target == f"/v1/models/{sent}?x=1"


def test_head_of_a_merged_list_is_that_of_the_list(start_remora, upstream):
    """Providers are asked for the list itself: its length depends on what they say."""
    proxy = start_remora(upstream, {"models": {"mine": "gateway/gpt-4o"}})
    whole, head = get(proxy, "/v1/models"), get(proxy, "/v1/models", "HEAD")
    assert [request.method for request in upstream.requests] == ["GET", "GET"]
    assert head.status == 200 and head.body == b""
    assert head.get("content-length") == whole.get("content-length")


@pytest.mark.parametrize("written", ["anthropic/claude-x", "anthropic%2Fclaude-x"])
def test_a_name_that_a_translated_provider_lacks(replayer, written):
    replayer.upstream.reply(json_answer({"data": [{"type": "model", "id": "claude-y"}], "has_more": False}))
    got = get(replayer.proxy, f"/v1/models/{written}")
    assert (got.status, got.error["code"]) == (404, "model_not_found")
    assert "'anthropic'" in got.error["message"] and "'claude-x'" in got.error["message"]
    assert got.get("x-remora-model") == "claude-x"


def test_the_root_of_the_api_is_the_providers(remora, upstream):
    get(remora, "/v1/")
    assert upstream.last.target == "/v1/"


def test_a_provider_that_fails_is_left_out(start_remora, start_upstream, upstream, tmp_path, authority):
    other = start_upstream()
    config = default_config(tmp_path, upstream, authority.ca_file)
    second = {"second": {**config["providers"]["gateway"], "base_url": other.base_url}}
    proxy = start_remora(whole=json.loads(json.dumps(merged(config, {"providers": second}))))
    other.reply(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
    got = get(proxy, "/v1/models")
    names = [model["id"] for model in got.json()["data"]]
    assert got.status == 200 and names[:2] == ["alias", "broken"] and "gpt-4o" in names


@pytest.mark.slow
def test_a_provider_that_stalls_is_left_out_after_five_seconds(start_remora, start_upstream, upstream, tmp_path, authority):
    """Whatever its own patience for answers is: the list is not one of them."""
    other = start_upstream()
    config = default_config(tmp_path, upstream, authority.ca_file)
    second = {"second": {**config["providers"]["gateway"], "base_url": other.base_url}}
    second["second"]["timeouts"] = {"first_byte": "10m"}
    proxy = start_remora(whole=json.loads(json.dumps(merged(config, {"providers": second}))))
    other.reply(STALL)
    began = time.monotonic()
    got = get(proxy, "/v1/models")
    assert got.status == 200 and "gpt-4o" in [model["id"] for model in got.json()["data"]]
    assert 4 < time.monotonic() - began < 8
