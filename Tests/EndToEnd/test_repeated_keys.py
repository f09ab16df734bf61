"""A provider that repeats the key that it was shown: in words of Remora's own, in every form of an error, escaped."""

from __future__ import annotations

import json
import urllib.parse

import pytest

from remora import SECRET
from test_framing import BODIES, chunk_of, head
from wire import LAST_CHUNK, answer, chunk, event, json_answer, post_json

pytestmark = pytest.mark.proxy

ODD = f"the key {SECRET} is odd"
CHAT = {"model": "gateway/m", **BODIES["/v1/chat/completions"]}
# What writers of JSON and of addresses escape stands in it.
MARKED = "sk/Az+b9=Q.x~77-canary&z<9>'"


def said(proxy) -> str:
    """All that the process has said of what it did."""
    proxy.access_log()
    return proxy.stderr + proxy.stdout


@pytest.mark.parametrize("status", [200, 400, 503])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
def test_a_coding_that_is_a_key(start_remora, upstream, status, path):
    """It is quoted, in the answer and in the logs, without it."""
    proxy = start_remora(upstream, {"telemetry": {"level": "trace"}})
    upstream.reply(answer(status, {"Content-Type": "application/json", "Content-Encoding": SECRET}, b"{}"))
    got = proxy.ask(post_json(path, {"model": "gateway/m", **BODIES[path]}))
    assert SECRET.encode() not in got.head + got.body and b"Content-Encoding '[redacted]'" in got.body
    assert SECRET not in said(proxy)


@pytest.mark.parametrize("told, name", [
    ({"message": ODD}, "error"), ({"detail": ODD}, None), ({"message": ODD}, None),
    ({"object": "error", "message": ODD, "type": "X", "code": 400}, None), ({"error": ODD}, "error"),
    ({"id": "c", "choices": [{"index": 0, "delta": {}, "error": {"message": ODD, "code": 502}}]}, None)])
@pytest.mark.parametrize("kind", ["openai", "azure", "openai_compatible", "mistral"])
@pytest.mark.parametrize("begun", [False, True])
def test_an_error_in_a_stream_is_one_in_any_form(start_remora, upstream, kind, told, name, begun):
    proxy = start_remora(upstream, provider={"kind": kind})
    steps = [chunk_of({"content": "hi"})] if begun else []
    upstream.reply(head(b"text/event-stream"), *steps, event(json.dumps(told), name), LAST_CHUNK)
    got = proxy.ask(post_json("/v1/chat/completions", {**CHAT, "stream": True}))
    error = json.loads([line for line in got.body.decode().splitlines() if line.startswith("data: {")][-1][6:])["error"]
    assert error["message"] == "the key [redacted] is odd" and b"[DONE]" not in got.body
    assert proxy.access_log()[-1]["end"] == "error"


@pytest.mark.parametrize("told, name", [
    ({"error": {"message": ODD}}, None), ({"type": "error", "error": {"message": ODD}}, "error"), ({"message": ODD}, "error")])
@pytest.mark.parametrize("path", ["/v1/images/generations", "/v1/audio/transcriptions", "/v1/responses", "/v1/messages"])
def test_an_error_in_a_stream_of_another_api(start_remora, upstream, path, told, name):
    own = {"kind": "anthropic", "base_url": upstream.origin} if path == "/v1/messages" else {"kind": "openai"}
    proxy = start_remora(upstream, provider=own)
    upstream.reply(head(b"text/event-stream"), event(json.dumps(told), name), LAST_CHUNK)
    got = proxy.ask(post_json(path, {"model": "gateway/m", "stream": True, **BODIES.get(path, {"prompt": "x"})}))
    assert SECRET.encode() not in got.body and b"[redacted]" in got.body
    if path.startswith("/v1/images"):
        assert got.complete and proxy.access_log()[-1]["end"] == "complete"


def test_a_text_that_holds_the_key_is_the_clients_own(start_remora, upstream):
    """In what tells of no error nothing is changed."""
    proxy = start_remora(upstream)
    events = event(json.dumps({"type": "image_generation.completed", "b64_json": ODD}))
    upstream.reply(head(b"text/event-stream"), events, LAST_CHUNK)
    assert SECRET.encode() in proxy.ask(post_json("/v1/images/generations", {"model": "gateway/m", "stream": True})).body


@pytest.mark.parametrize("chunks", [0, 1, 64])
def test_a_response_that_failed(start_remora, upstream, chunks):
    proxy = start_remora(upstream, provider={"kind": "openai"})
    told = {"id": "resp_1", "object": "response", "created_at": 1, "status": "failed", "background": False,
            "error": {"code": "server_error", "message": ODD}, "output": []}
    body = json.dumps(told).encode()
    if chunks:
        pieces = [chunk(body[at:at + chunks]) for at in range(0, len(body), chunks)]
        upstream.reply(head(b"application/json"), *pieces, LAST_CHUNK)
    else:
        upstream.reply(json_answer(told))
    got = proxy.ask(post_json("/v1/responses", {"model": "gateway/m", "input": "Hi"}))
    assert got.status == 200 and got.json()["error"]["message"] == "the key [redacted] is odd"
    # One that only speaks of it is what it was.
    fine = told | {"status": "completed", "error": None, "metadata": {"a": 'it "failed"'}, "output": [ODD]}
    upstream.reply(json_answer(fine))
    got = proxy.ask(post_json("/v1/responses", {"model": "gateway/m", "input": "Hi"})).json()
    assert {name: got[name] for name in fine} == fine


ESCAPED = {
    "as it is": MARKED,
    "slashes": MARKED.replace("/", "\\/"),
    "all of it": "".join(f"\\u{ord(each):04x}" for each in MARKED),
    "in capitals": "".join(f"\\u{ord(each):04X}" if each in "/+=&<>'" else each for each in MARKED),
    "twice": "".join(f"\\\\u{ord(each):04x}" if each in "+<>&" else each for each in MARKED).replace("/", "\\\\/"),
    "percent": urllib.parse.quote(MARKED, safe=""),
    "percent in small letters": urllib.parse.quote(MARKED, safe="").lower().replace("az", "Az").replace("q.", "Q."),
    "all percent": "".join(f"%{ord(each):02X}" for each in MARKED),
}


@pytest.mark.parametrize("form", ESCAPED)
def test_a_key_is_known_however_it_is_escaped(start_remora, upstream, form):
    proxy = start_remora(upstream, provider={"headers": {"x-team": {"env": "MARKED"}}}, env={"MARKED": MARKED})
    shown = ESCAPED[form]
    for path, body in (("/v1/chat/completions", CHAT), ("/v1/files", {})):
        fields = {"Content-Type": "application/json", "X-Debug": f"a={shown}!", "Location": f"https://x/?k={shown}"}
        upstream.reply(answer(400, fields, ('{"error":{"message":"a ' + shown + ' b","type":"t","param":null,"code":null}}').encode()))
        got = proxy.ask(post_json(path, body))
        assert got.json()["error"]["message"] == "a [redacted] b" and got.get("x-debug") == "a=[redacted]!"
        assert got.get("location") == "https://x/?k=[redacted]"


def test_what_only_looks_like_an_escape_stays(start_remora, upstream):
    proxy = start_remora(upstream)
    message = "\\\\" * 20_000 + "%" * 20_000 + "\\u0073%73"
    upstream.reply(answer(400, {"Content-Type": "text/plain"}, message.encode()))
    got = proxy.ask(post_json("/v1/files", {}))
    assert got.status == 400 and b"[redacted]" not in got.body


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_redirect_beside_the_served_endpoints(start_remora, upstream, status, chunked):
    proxy = start_remora(upstream)
    fields = {"Location": f"https://x/?k={SECRET}", "Content-Type": "text/html"}
    body = f"<a>moved {SECRET}</a>".encode()
    if chunked:
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        opening = f"HTTP/1.1 {status} Moved\r\n{lines}Transfer-Encoding: chunked\r\n\r\n".encode()
        upstream.reply(opening, chunk(body[:12]), chunk(body[12:]), LAST_CHUNK)
    else:
        upstream.reply(answer(status, fields, body))
    got = proxy.ask(post_json("/v1/files", {}))
    assert (got.status, got.body, got.get("location")) == (status, b"<a>moved [redacted]</a>", "https://x/?k=[redacted]")
    assert got.get("content-type") == "text/html" and got.complete
