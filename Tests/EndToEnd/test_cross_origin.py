"""Web pages of `allowed_origins`: what a browser needs to let them use the API, and that no others get it."""

from __future__ import annotations

import json

import pytest
from remora import PROMPT
from wire import json_answer, request

pytestmark = pytest.mark.proxy

PAGE = "https://app.example"
CHAT = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}).encode()
STREAM = json.dumps({**json.loads(CHAT), "stream": True}).encode()
JSON = {"Content-Type": "application/json"}
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-stainless-lang",
}


@pytest.fixture
def proxy(start_remora, upstream):
    return start_remora(upstream, {"allowed_origins": [PAGE]})


def cross_origin(got) -> dict[str, str]:
    return {name.lower(): value for name, value in got.headers if name.lower().startswith("access-control-")}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models", "/v1/files"])
def test_a_preflight_is_answered_here(proxy, upstream, path):
    got = proxy.ask(request("OPTIONS", path, {"Origin": PAGE, **PREFLIGHT}))
    said = cross_origin(got)
    assert (got.status, got.body) == (204, b"")
    assert said["access-control-allow-origin"] == PAGE and got.get("vary") == "Origin"
    assert "POST" in said["access-control-allow-methods"]
    assert said["access-control-allow-headers"] == PREFLIGHT["Access-Control-Request-Headers"]
    assert "access-control-allow-credentials" not in said
    assert upstream.requests == []


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://app.example", f"{PAGE}:8443"])
def test_other_pages_get_nothing(proxy, upstream, origin):
    for method, headers, body in (("OPTIONS", PREFLIGHT, None), ("POST", JSON, CHAT)):
        got = proxy.ask(request(method, "/v1/chat/completions", {"Origin": origin, **headers}, body))
        assert got.status == 403 and cross_origin(got) == {}
    assert upstream.requests == []


@pytest.mark.parametrize("body", [CHAT, STREAM, b"{"], ids=["whole", "stream", "refused"])
def test_answers_can_be_read(proxy, upstream, body):
    got = proxy.ask(request("POST", "/v1/chat/completions", {"Origin": PAGE, **JSON}, body))
    assert got.complete
    assert got.all("access-control-allow-origin") == [PAGE]
    assert got.get("access-control-expose-headers") == "*"


def test_the_providers_word_does_not_count(proxy, upstream):
    upstream.reply(json_answer({"id": "x"}, headers={"Access-Control-Allow-Origin": "*"}))
    got = proxy.ask(request("POST", "/v1/chat/completions", {"Origin": PAGE, **JSON}, CHAT))
    assert got.all("access-control-allow-origin") == [PAGE]


def test_without_an_origin_nothing_is_said(proxy, upstream):
    got = proxy.ask(request("POST", "/v1/chat/completions", JSON, CHAT))
    assert got.status == 200 and cross_origin(got) == {}
    got = proxy.ask(request("OPTIONS", "/v1/chat/completions", PREFLIGHT))
    assert got.status == 405


@pytest.mark.parametrize("members", [{}, {"messages": []}, {"messages": "x"}, {"messages": ["x"]}, {"messages": None}])
def test_the_mock_refuses_what_every_provider_refuses(start_remora, members):
    """Or an application's tests would pass with a conversation that isn't one."""
    mocked = start_remora(whole={"providers": {"mock": {}}, "default_provider": "mock"})
    body = json.dumps({"model": "m", **members}).encode()
    got = mocked.ask(request("POST", "/v1/chat/completions", JSON, body))
    assert (got.status, got.error["code"], got.error["param"]) == (400, "invalid_value", "messages")
