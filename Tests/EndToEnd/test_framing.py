"""Answers in another framing than was asked for: JSON for a stream, a stream for a whole answer, and what bears another
name, or none."""

from __future__ import annotations

import itertools
import json

import openai
import pytest

from remora import PROMPT, SECRET
from upstream import CLOSE, Gate
from wire import LAST_CHUNK, answer, chunk, event, json_answer, post_json

pytestmark = pytest.mark.proxy

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}]}
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "a\\u00e9"}'}}
WHOLE = {
    "id": "c1", "object": "chat.completion", "created": 7, "model": "gpt-4o", "usage": USAGE,
    "choices": [{
        "index": 0, "finish_reason": "tool_calls",
        "message": {"role": "assistant", "content": "zwölf", "tool_calls": [CALL]},
    }],
}


def chunk_of(delta: dict, reason: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return event(json.dumps({
        "id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "gpt-4o", "choices": [choice], **more,
    }))


STREAM = [
    chunk_of({"role": "assistant", "content": ""}),
    chunk_of({"content": "zw"}),
    chunk_of({"content": "ölf"}),
    chunk_of({"tool_calls": [{"index": 0, **CALL, "function": {"name": "look", "arguments": '{"at": '}}]}),
    chunk_of({"tool_calls": [{"index": 0, "function": {"arguments": '"a\\u00e9"}'}}]}),
    chunk_of({}, "tool_calls"),
    event(json.dumps({"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "gpt-4o", "choices": [],
                      "usage": USAGE})),
    event("[DONE]"),
]


def head(kind: bytes | None) -> bytes:
    named = b"" if kind is None else b"Content-Type: " + kind + b"\r\n"
    return b"HTTP/1.1 200 OK\r\n" + named + b"Transfer-Encoding: chunked\r\n\r\n"


def text_of(stream: object) -> str:
    return "".join(each.choices[0].delta.content or "" for each in stream if each.choices)


def says(message: object) -> tuple:
    calls = message.tool_calls
    return message.content, [(each.id, each.function.name, each.function.arguments) for each in calls]


SAID = ("zwölf", [("call_1", "look", '{"at": "a\\u00e9"}')])


@pytest.mark.parametrize("kind", [b"application/json", b"text/plain", None])
def test_json_for_a_stream_becomes_a_stream(start_remora, upstream, sdk, kind):
    proxy = start_remora(upstream)
    upstream.reply(head(kind), chunk(json.dumps(WHOLE).encode()), LAST_CHUNK)
    with sdk(proxy).chat.completions.stream(
        model="gpt-4o", messages=[{"role": "user", "content": PROMPT}]
    ) as stream:
        final = stream.get_final_completion()
    assert says(final.choices[0].message) == SAID and final.choices[0].finish_reason == "tool_calls"
    assert proxy.access_log()[-1]["stream"] is True
    # Usage that the client didn't ask for isn't shown, and is counted.
    assert proxy.total("remora_tokens_total", kind="output") == 4


@pytest.mark.parametrize("kind", [b"text/event-stream", b"text/plain; charset=utf-8", None])
def test_a_stream_for_a_whole_answer_is_collected(start_remora, upstream, sdk, kind):
    proxy = start_remora(upstream)
    upstream.reply(head(kind), *STREAM, LAST_CHUNK)
    got = sdk(proxy).chat.completions.create(**CHAT)
    assert says(got.choices[0].message) == SAID and got.choices[0].finish_reason == "tool_calls"
    assert got.usage.completion_tokens == 4 and got.model_extra["x_remora"]["provider"] == "gateway"
    assert proxy.total("remora_tokens_total", kind="output") == 4


@pytest.mark.parametrize("kind", [b"text/plain", b"application/octet-stream", None])
def test_a_stream_under_another_name_streams(start_remora, upstream, sdk, kind):
    """Event by event, and one that breaks off is no whole one."""
    proxy = start_remora(upstream)
    gate = Gate()
    upstream.reply(head(kind), STREAM[0] + STREAM[1], gate, *STREAM[2:], LAST_CHUNK)
    stream = sdk(proxy).chat.completions.create(**CHAT, stream=True)
    assert next(each.choices[0].delta.content for each in stream if each.choices[0].delta.content) == "zw"
    gate.open()
    assert "ölf" in [each.choices[0].delta.content for each in stream]
    assert stream.response.headers["content-type"].startswith("text/event-stream")
    upstream.reply(head(kind), STREAM[0] + STREAM[1], CLOSE)
    with pytest.raises(openai.APIError):
        list(sdk(proxy).chat.completions.create(**CHAT, stream=True))
    assert [line["end"] for line in proxy.access_log(2)] == ["complete", "upstream_eof"]


def test_a_stream_for_a_whole_answer_that_breaks_off_is_no_answer(start_remora, upstream):
    proxy = start_remora(upstream)
    upstream.reply(head(b"text/event-stream"), *STREAM[:3], LAST_CHUNK)
    got = proxy.ask(post_json("/v1/chat/completions", CHAT))
    assert got.status == 502 and got.json()["error"]["code"] == "upstream_protocol"


def test_an_error_in_a_stream_for_a_whole_answer_is_an_error(start_remora, upstream):
    proxy = start_remora(upstream)
    upstream.reply(head(b"text/event-stream"), event('{"error":{"message":"too much","code":429}}'), LAST_CHUNK)
    got = proxy.ask(post_json("/v1/chat/completions", CHAT))
    assert got.status == 429 and "too much" in got.json()["error"]["message"]


def test_an_error_under_200_for_a_stream_is_an_error(start_remora, upstream):
    proxy = start_remora(upstream)
    upstream.reply(json_answer({"error": {"message": "too much", "code": 429}}))
    got = proxy.ask(post_json("/v1/chat/completions", {**CHAT, "stream": True}))
    assert got.status == 429 and "too much" in got.json()["error"]["message"]


# What only Remora asked for.

UNKNOWN = json_answer({"error": {"message": "Unrecognized request argument supplied: stream_options",
                                 "type": "invalid_request_error", "param": None, "code": None}}, 400)


def test_stream_options_that_are_refused_are_left_out(start_remora, upstream, sdk):
    """Once it was told, the provider isn't asked again; the client never hears of it."""
    proxy = start_remora(upstream)
    upstream.reply(UNKNOWN)
    upstream.reply(head(b"text/event-stream"), *STREAM, LAST_CHUNK)
    assert text_of(sdk(proxy).chat.completions.create(**CHAT, stream=True)) == "zwölf"
    assert [b"stream_options" in each.body for each in upstream.requests[-2:]] == [True, False]
    upstream.reply(head(b"text/event-stream"), *STREAM, LAST_CHUNK)
    assert text_of(sdk(proxy).chat.completions.create(**CHAT, stream=True)) == "zwölf"
    assert b"stream_options" not in upstream.last.body and len(upstream.requests) == 3
    assert proxy.access_log()[0]["attempts"] == 2


def test_stream_options_of_the_clients_own_are_its_own(start_remora, upstream):
    proxy = start_remora(upstream)
    upstream.reply(UNKNOWN)
    asked = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    got = proxy.ask(post_json("/v1/chat/completions", asked))
    assert got.status == 400 and "stream_options" in got.json()["error"]["message"]
    assert len(upstream.requests) == 1


def test_another_refusal_is_the_clients(start_remora, upstream):
    proxy = start_remora(upstream)
    upstream.reply(json_answer({"error": {"message": "no such temperature", "param": "temperature"}}, 400))
    got = proxy.ask(post_json("/v1/chat/completions", {**CHAT, "stream": True}))
    assert got.status == 400 and got.json()["error"]["message"] == "no such temperature"
    assert len(upstream.requests) == 1


# What a provider repeats.


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_a_key_that_an_error_repeats_is_masked(start_remora, upstream, status):
    proxy = start_remora(upstream)
    told = {"error": {"message": f"the key {SECRET} is odd, and so is {SECRET}"}}
    fields = {"Content-Type": "application/json", "X-Debug": f"key={SECRET}"}
    upstream.reply(answer(status, fields, json.dumps(told).encode()))
    got = proxy.ask(post_json("/v1/chat/completions", CHAT))
    assert got.status == status
    assert got.json()["error"]["message"] == "the key [redacted] is odd, and so is [redacted]"
    assert got.get("x-debug") == "key=[redacted]"
    upstream.reply(answer(status, {"Content-Type": "text/plain"}, f"odd: {SECRET}".encode()))
    got = proxy.ask(post_json("/v1/files", {}))
    assert got.status == status and SECRET.encode() not in got.body and b"[redacted]" in got.body


ODD = f"the key {SECRET} is odd"
ERROR = {"error": {"message": ODD, "type": "t", "code": "c"}}
ERRORS = {"anthropic": {"type": "error", "error": {"type": "api_error", "message": ODD}}, "ollama": {"error": ODD}}
TRANSLATED = ("anthropic", "gemini", "ollama", "cohere")


def of_kind(kind: str, upstream) -> dict:
    """A provider of this kind behind the upstream, asked for chats alone."""
    own = {"base_url": upstream.origin} if kind in TRANSLATED else {"responses": "translated"}
    return {"kind": kind, **own}


@pytest.mark.parametrize("kind", ["openai", "mistral", "anthropic", "gemini", "ollama"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_a_key_that_an_error_in_a_stream_repeats_is_masked(start_remora, upstream, kind, path):
    proxy = start_remora(upstream, provider=of_kind(kind, upstream))
    told = json.dumps(ERRORS.get(kind, ERROR))
    name = "error" if kind == "anthropic" else None
    lines = kind == "ollama"
    media = b"application/x-ndjson" if lines else b"text/event-stream"
    upstream.reply(head(media), chunk(told.encode() + b"\n") if lines else event(told, name), LAST_CHUNK)
    asked = {"model": "gateway/m", "stream": True, "max_tokens": 9}
    asked |= {"input": "Hi"} if path == "/v1/responses" else {"messages": [{"role": "user", "content": "Hi"}]}
    got = proxy.ask(post_json(path, asked))
    assert SECRET.encode() not in got.body and b"[redacted]" in got.body, got.body


BODIES = {"/v1/chat/completions": {"messages": [{"role": "user", "content": "Hi"}]}, "/v1/completions": {"prompt": "Hi"},
          "/v1/embeddings": {"input": "Hi"}, "/v1/responses": {"input": "Hi"},
          "/v1/messages": {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}}
PASSED = ("openai", "azure", "openai_compatible", "mistral")


@pytest.mark.parametrize("kind, path", [
    pair for pair in itertools.product([*PASSED, *TRANSLATED], BODIES) if pair != ("anthropic", "/v1/embeddings")])
def test_a_key_that_an_error_under_200_repeats_is_masked(start_remora, upstream, kind, path):
    own = of_kind(kind, upstream) if kind in TRANSLATED else {"kind": kind}
    proxy = start_remora(upstream, provider=own)
    fields = {"Content-Type": "application/json", "X-Debug": f"key={SECRET}"}
    upstream.reply(answer(200, fields, json.dumps(ERRORS.get(kind, ERROR)).encode()))
    got = proxy.ask(post_json(path, {"model": "gateway/m", **BODIES[path]}))
    assert got.status >= 400 and SECRET.encode() not in got.body and SECRET not in (got.get("x-debug") or "")


@pytest.mark.parametrize("opening", [
    b'{"error":', b' \r\n\n {\n  "error" : ', b'{"object":"error","error":', b'{"type":"error","error":', b'{"status":500,"error":'])
@pytest.mark.parametrize("chunks", [0, 1, 7])
def test_an_error_under_200_is_one_however_it_begins(start_remora, upstream, opening, chunks):
    proxy = start_remora(upstream, provider={"kind": "openai"})
    body = opening + json.dumps({"message": ODD}).encode() + b"}"
    if chunks:
        pieces = [body[at:at + chunks] for at in range(0, len(body), chunks)]
        upstream.reply(head(b"application/json"), *map(chunk, pieces), LAST_CHUNK)
    else:
        upstream.reply(answer(200, {"Content-Type": "application/json"}, body))
    got = proxy.ask(post_json("/v1/chat/completions", {"model": "gateway/m", **BODIES["/v1/chat/completions"]}))
    assert got.status == 502 and SECRET.encode() not in got.body and b"[redacted]" in got.body, got.body


def test_a_response_that_failed_is_an_answer(start_remora, upstream):
    proxy = start_remora(upstream, provider={"kind": "openai"})
    told = {"status": "failed", "object": "response", "error": {"code": "server_error", "message": "odd"}, "output": []}
    upstream.reply(answer(200, {"Content-Type": "application/json"}, json.dumps(told).encode()))
    got = proxy.ask(post_json("/v1/responses", {"model": "gateway/m", "input": "Hi"}))
    assert got.status == 200 and got.json()["error"] == told["error"]


@pytest.mark.parametrize("path, status", [
    ("/v1/chat/completions", 200), ("/v1/chat/completions", 201), ("/v1/files", 200), ("/v1/files", 204)])
def test_a_key_in_the_head_of_a_good_answer_is_masked(start_remora, upstream, status, path):
    proxy = start_remora(upstream)
    body = b"" if status == 204 else b'{"id":"c","object":"chat.completion","choices":[]}'
    fields = {"Content-Type": "application/json", "X-Debug": f"key={SECRET}", "Server": "odd"}
    upstream.reply(answer(status, fields, body))
    got = proxy.ask(post_json(path, {"model": "gateway/m", **BODIES["/v1/chat/completions"]}))
    assert got.status == status and got.get("x-debug") == "key=[redacted]" and got.get("server") == "odd"


def test_a_key_in_a_trailer_is_not_passed_on(start_remora, upstream):
    proxy = start_remora(upstream)
    upstream.reply(head(b"application/octet-stream"), chunk(b"bytes"), f"0\r\nx-debug: {SECRET}\r\n\r\n".encode())
    got = proxy.ask(b"GET /v1/files/f/content HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n")
    assert got.body == b"bytes" and SECRET.encode() not in repr(got.__dict__).encode()


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses"])
def test_a_key_in_an_error_that_becomes_a_stream_is_masked(start_remora, upstream, path):
    proxy = start_remora(upstream, provider=of_kind("openai", upstream))
    upstream.reply(answer(200, {"Content-Type": "application/json"}, json.dumps(ERROR).encode()))
    asked = {"model": "gateway/m", "stream": True, "max_tokens": 9}
    asked |= {"input": "Hi"} if path == "/v1/responses" else {"messages": [{"role": "user", "content": "Hi"}]}
    got = proxy.ask(post_json(path, asked))
    assert SECRET.encode() not in got.body and b"[redacted]" in got.body, got.body


def test_a_stream_that_failed_leaves_the_answers_behind_it_alone(start_remora, upstream):
    """What an exchange was is kept for its memory alone: a file that holds the key's text is the client's own."""
    proxy = start_remora(upstream, provider=of_kind("openai", upstream))
    upstream.reply(head(b"text/event-stream"), event(json.dumps(ERROR)), LAST_CHUNK)
    turns = {"model": "gateway/m", "messages": [{"role": "user", "content": "Hi"}]}
    assert b"[redacted]" in proxy.ask(post_json("/v1/chat/completions", turns | {"stream": True})).body
    file = json.dumps({"text": ODD}).encode()
    upstream.reply(answer(200, {"Content-Type": "application/json"}, file))
    assert proxy.ask(post_json("/v1/files", {})).body == file
