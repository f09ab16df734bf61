"""Well-formed answers that no provider's API gives: redirects, web pages, bodies that can't be read."""

from __future__ import annotations

import gzip
import json

import pytest
from remora import PROMPT
from upstream import Upstream
from wire import answer, post_json

pytestmark = pytest.mark.proxy

MODELS = {
    "anthropic": "anthropic/claude-sonnet-4-5",
    "bedrock": "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0",
    "cohere": "cohere/command-a-03-2025",
    "gemini": "gemini/gemini-2.5-flash",
    "ollama": "ollama/qwen3:8b",
    "openai": "openai/gpt-4o",
    "azure": "azure/gpt-4o",
    "mistral": "mistral/mistral-large-latest",
}
every_kind = pytest.mark.parametrize("kind", MODELS)
whole_and_streamed = pytest.mark.parametrize("stream", [False, True])
TRANSLATED = ("anthropic", "bedrock", "cohere", "gemini", "ollama")


def ask(replayer, kind: str, reply: bytes, stream: bool = False):
    replayer.upstream.reply(reply)
    body = {"model": MODELS[kind], "messages": [{"role": "user", "content": PROMPT}], "stream": stream}
    with replayer.proxy.connect() as peer:
        return peer.ask(post_json("/v1/chat/completions", body))


@every_kind
@whole_and_streamed
def test_a_redirect_is_no_answer(replayer, kind, stream):
    got = ask(replayer, kind, answer(307, {"Location": "https://elsewhere.example/v1/chat/completions"}), stream)
    assert (got.status, got.error["type"], got.error["code"]) == (502, "upstream_error", "upstream_protocol")
    assert "307" in got.error["message"] and f"providers.{kind}.base_url" in got.error["message"]
    # An SDK would follow it, and take the prompt there.
    assert got.get("location") is None
    assert got.get("x-should-retry") == "false" and got.get("x-remora-error-source") == "upstream"
    assert got.get("x-remora-provider") == kind
    assert replayer.proxy.log_line(got.get("x-request-id"))["error_code"] == "upstream_protocol"


@every_kind
@whole_and_streamed
def test_a_web_page_is_no_answer(replayer, kind, stream):
    got = ask(replayer, kind, answer(200, {"Content-Type": "Text/HTML; charset=utf-8"}, b"<html>Sign in</html>"), stream)
    assert (got.status, got.error["code"]) == (502, "upstream_protocol")
    assert "web page" in got.error["message"] and "base_url" in got.error["message"]


@pytest.mark.parametrize("kind", TRANSLATED)
@whole_and_streamed
def test_nothing_is_no_answer(replayer, kind, stream):
    got = ask(replayer, kind, b"HTTP/1.1 204 No Content\r\n\r\n", stream)
    assert (got.status, got.error["code"]) == (502, "upstream_protocol")


@pytest.mark.parametrize("kind", TRANSLATED)
def test_what_is_not_the_format_is_the_protocols_fault(replayer, kind):
    got = ask(replayer, kind, answer(200, {"Content-Type": "application/json"}, b"{"))
    assert (got.status, got.error["type"], got.error["code"]) == (502, "upstream_error", "upstream_protocol")
    assert replayer.proxy.log_line(got.get("x-request-id"))["error_code"] == "upstream_protocol"


@every_kind
@whole_and_streamed
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_in_a_coding_is_a_refused_key(replayer, kind, status, stream):
    body = gzip.compress(json.dumps({"error": {"message": "no"}}).encode())
    reply = answer(status, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, body)
    got = ask(replayer, kind, reply, stream)
    assert (got.status, got.error["code"]) == (502, "upstream_auth")
    assert f"providers.{kind}.{'credentials' if kind == 'bedrock' else 'api_key'} " in got.error["message"] + " "


@every_kind
def test_an_error_in_a_coding_keeps_what_can_be_read(replayer, kind):
    """The status and Retry-After: the SDK obeys them. The body was never asked for in this form."""
    body = gzip.compress(b'{"error":{"message":"slow down"}}')
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Retry-After": "7"}
    got = ask(replayer, kind, answer(429, headers, body))
    assert got.status == 429 and got.get("retry-after") == "7"
    assert got.get("content-encoding") is None and got.error["type"] == "rate_limit_error"
    assert set(got.error) == {"message", "type", "param", "code"}


def test_elsewhere_a_redirect_and_a_page_pass(plain, upstream: Upstream):
    """A file's content may lie in a store of its own, and be a page."""
    upstream.reply(answer(302, {"Location": "https://store.example/file"}))
    got = plain.ask(b"GET /v1/files/file-1/content HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (got.status, got.get("location")) == (302, "https://store.example/file")
    upstream.reply(answer(200, {"Content-Type": "text/html"}, b"<html></html>"))
    got = plain.ask(b"GET /v1/files/file-1/content HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (got.status, got.body) == (200, b"<html></html>")


def test_elsewhere_an_error_in_a_coding_passes(plain, upstream: Upstream):
    """There the client's Accept-Encoding goes on, so it can read what comes; but a refused key is Remora's."""
    body = gzip.compress(b'{"error":{}}')
    for status, told in ((404, 404), (401, 502)):
        upstream.reply(answer(status, {"Content-Encoding": "gzip"}, body))
        got = plain.ask(b"GET /v1/files HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n")
        assert got.status == told
        assert (got.body == body) == (told == 404)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_remoras_without_a_body_too(plain, upstream: Upstream, status):
    upstream.reply(answer(status, {"Content-Length": "20"}, None))
    with plain.connect() as peer:
        peer.send(b"HEAD /v1/files HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = peer.response("HEAD")
    assert got.status == 502 and got.get("x-remora-error-source") == "upstream"
