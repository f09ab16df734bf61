"""Anthropic's Messages where the provider speaks them: the bytes pass, the rest is Remora's as everywhere."""

from __future__ import annotations

import json

import anthropic
import pytest
from remora import PROMPT, SECRET
from wire import post_json, request

pytestmark = pytest.mark.proxy

ASK = {"model": "claude-sonnet-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": PROMPT}]}
USAGE = {"input_tokens": 7, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 5}
ANSWER = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
    "content": [{"type": "text", "text": "Hello."}], "stop_reason": "end_turn", "stop_sequence": None, "usage": USAGE,
}
EVENTS = [
    {"type": "message_start", "message": {**ANSWER, "content": [], "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo."}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 5}},
    {"type": "message_stop"},
]


def written(events) -> bytes:
    return b"".join(b"event: %s\ndata: %s\n\n" % (each["type"].encode(), json.dumps(each).encode()) for each in events)


def whole(body, status=200, **fields) -> bytes:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(text)}", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + text


def stream(data: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)


PROVIDERS = {
    "anthropic": {"kind": "anthropic"},
    "native": {"kind": "openai_compatible", "messages": "native"},
    "ollama": {"kind": "ollama", "messages": "native"},
    "vertex": {"kind": "vertex", "project": "p", "location": "eu"},
}


@pytest.fixture
def begin(start_remora, upstream):
    def make(name="anthropic", changes=None, **provider):
        own = {**PROVIDERS[name], **provider}
        url = upstream.base_url if own["kind"] == "openai_compatible" else upstream.origin
        models = {"models": {"alias": "gateway/claude-sonnet-4-5", "broken": "gateway/x"}, "response_metadata": "off"}
        return start_remora(upstream, {**models, **(changes or {})}, provider={**own, "base_url": url})

    return make


@pytest.fixture
def claude():
    clients = []

    def make(proxy, **options):
        http = anthropic.DefaultHttpxClient(trust_env=False)
        client = anthropic.Anthropic(
            base_url=proxy.origin, api_key="any-string", max_retries=0, timeout=10, http_client=http, **options
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.mark.parametrize("kind", ["anthropic", "native", "ollama"])
@pytest.mark.parametrize("path", ["/v1/messages", "/messages"])
def test_bytes_pass(begin, upstream, kind, path):
    proxy = begin(kind)
    text = b'{ "model" : "claude-sonnet-4-5","max_tokens":9, "x":[1.0e2, "\\u00e9"],"metadata":{"user_id":"u"},"messages":[]  }'
    body = b'  {"id":"msg_1", "type":"message","content":[],"usage":{"input_tokens":1,"output_tokens":2}}\n'
    upstream.reply(whole(body))
    got = proxy.ask(post_json(path + "?beta=true", text, {"x-api-key": "mine"}))
    assert (got.status, got.body) == (200, body)
    assert upstream.last.body == text
    assert upstream.last.target == "/v1/messages?beta=true"
    assert "mine" not in str(upstream.last.headers) and SECRET in str(upstream.last.headers)


def test_the_way_to_claude_at_vertex(begin, upstream):
    proxy = begin("vertex")
    for streams, verb in ((False, "rawPredict"), (True, "streamRawPredict")):
        upstream.reply(stream(written(EVENTS)) if streams else whole(ANSWER))
        assert proxy.ask(post_json("/v1/messages?beta=true", {**ASK, "model": "gateway/claude-x9", "stream": streams})).status == 200
        assert upstream.last.target == f"/v1/projects/p/locations/eu/publishers/anthropic/models/claude-x9:{verb}"
        sent = json.loads(upstream.last.body)
        wanted = {**ASK, "stream": streams, "anthropic_version": "vertex-2023-10-16"}
        assert sent == {name: value for name, value in wanted.items() if name != "model"}
    upstream.reply(whole({"input_tokens": 3}))
    got = proxy.ask(post_json("/v1/messages/count_tokens", {"model": "gateway/claude-x9", "messages": ASK["messages"]}))
    assert got.json() == {"input_tokens": 3}
    assert upstream.last.target.endswith("/models/count-tokens:rawPredict")
    assert json.loads(upstream.last.body)["model"] == "claude-x9"


def test_versions_and_betas(begin, upstream):
    proxy = begin(version="2024-01-01", beta=["a-1", "b-2"])
    for fields, version, beta in (
        ({}, "2024-01-01", "a-1,b-2"),
        ({"anthropic-version": "2023-06-01"}, "2023-06-01", "a-1,b-2"),
        ({"anthropic-beta": "c-3, b-2"}, "2024-01-01", "c-3, b-2,a-1"),
    ):
        upstream.reply(whole(ANSWER))
        assert proxy.ask(post_json("/v1/messages", ASK, fields)).status == 200
        assert upstream.last.all("anthropic-version") == [version]
        assert upstream.last.all("anthropic-beta") == [beta]


def test_the_sdk(begin, upstream, claude):
    proxy = begin(changes={"response_metadata": "body"})
    client = claude(proxy)
    upstream.reply(whole(ANSWER, request_id="req_theirs"))
    said = client.messages.create(**{**ASK, "model": "alias"})
    assert said.content[0].text == "Hello." and said.usage.cache_read_input_tokens == 100
    assert said.x_remora["model"] == "claude-sonnet-4-5"
    assert said._request_id == "req_theirs"
    assert json.loads(upstream.last.body)["model"] == "claude-sonnet-4-5"
    upstream.reply(stream(written(EVENTS)))
    with client.messages.stream(**ASK) as events:
        assert "".join(events.text_stream) == "Hello."
        assert events.get_final_message().stop_reason == "end_turn"
    upstream.reply(whole({"input_tokens": 11}))
    assert client.messages.count_tokens(model="alias", messages=ASK["messages"]).input_tokens == 11


def test_streams_pass(begin, upstream):
    proxy = begin()
    data = written(EVENTS)
    upstream.reply(stream(data))
    got = proxy.ask(post_json("/v1/messages", {**ASK, "stream": True}))
    assert got.body == data


def test_what_was_used_is_counted(begin, upstream):
    proxy = begin(changes={"prices": {"gateway/claude-sonnet-4-5": {"input": 1, "output": 1, "cached_input": 1, "cache_write": 1}}})
    for streams in (False, True):
        upstream.reply(stream(written(EVENTS)) if streams else whole(ANSWER))
        got = proxy.ask(post_json("/v1/messages", {**ASK, "stream": streams}))
        line = proxy.log_line(got.get("x-request-id"))
        assert (line["endpoint"], line["tokens_in"], line["tokens_out"]) == ("messages", 127, 5)
        assert line["tokens_cached"] == 100
    upstream.reply(whole({"input_tokens": 11}))
    got = proxy.ask(post_json("/v1/messages/count_tokens", ASK))
    assert proxy.log_line(got.get("x-request-id"))["endpoint"] == "count_tokens"
    assert proxy.total("remora_tokens_total", kind="input") == 254
    assert proxy.total("remora_requests_total", endpoint="messages") == 2


def test_a_stream_that_breaks_off(begin, upstream):
    proxy = begin()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    data = written(EVENTS[:4])
    upstream.reply(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))
    with proxy.connect() as peer:
        peer.send(post_json("/v1/messages", {**ASK, "stream": True}))
        while peer.fill():
            pass
        said = bytes(peer.received) if hasattr(peer, "received") else bytes(peer.buffer)
    assert b'event: error\ndata: {"type":"error","error":{"type":"api_error"' in said
    assert not said.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    "status,kind,told",
    [
        (400, "invalid_request_error", 400), (404, "not_found_error", 404), (413, "request_too_large", 413),
        (429, "rate_limit_error", 429), (500, "api_error", 500), (503, "overloaded_error", 529),
        (529, "overloaded_error", 529),
    ],
)
def test_errors_of_the_provider(begin, upstream, claude, status, kind, told):
    client = claude(begin())
    own = b'{"type": "error", "error": {"type": "odd_error", "message": "no", "x": 1}, "request_id": "req_z"}'
    for body in (own, {"error": {"message": "no", "code": "c"}}, b"<html>no</html>"):
        upstream.reply(whole(body, status))
        with pytest.raises(anthropic.APIStatusError) as caught:
            client.messages.create(**ASK)
        assert caught.value.status_code == told
        if body == own:
            assert caught.value.response.content == own
        else:
            assert caught.value.body["type"] == "error" and caught.value.body["error"]["type"] == kind


def test_a_refused_key_is_no_fault_of_the_clients(begin, upstream, claude):
    upstream.reply(whole({"type": "error", "error": {"type": "authentication_error", "message": "x"}}, 401))
    with pytest.raises(anthropic.APIStatusError) as caught:
        claude(begin()).messages.create(**ASK)
    assert caught.value.status_code == 502 and caught.value.body["error"]["type"] == "api_error"


def test_errors_of_remoras_own(begin, upstream, claude):
    proxy = begin(changes={"max_body": "4KiB"})
    for data, status, kind in (
        (post_json("/v1/messages", b"{"), 400, "invalid_request_error"),
        (post_json("/v1/messages", b"[]"), 400, "invalid_request_error"),
        (post_json("/v1/messages", b'{"model":3}'), 400, "invalid_request_error"),
        (post_json("/v1/messages", b'"' + b"x" * 5000 + b'"'), 413, "request_too_large"),
        (request("GET", "/v1/messages"), 405, "invalid_request_error"),
        (post_json("/v1/messages/", b"{}"), 404, "not_found_error"),
        (post_json("/v1/messages", b"", {"x": "y" * 70000}), 431, "invalid_request_error"),
        (request("GET", "/v1/messages/batches", headers={"origin": "https://evil.example"}), 403, "permission_error"),
    ):
        got = proxy.ask(data)
        said = got.json()
        assert (got.status, said["type"], said["error"]["type"]) == (status, "error", kind), got.body
        assert said["request_id"] == got.get("request-id") == got.get("x-request-id")
        assert got.get("x-remora-error-source") == "remora" and got.get("x-remora-error-code")


def test_models_in_anthropics_form(begin, upstream, claude):
    proxy = begin()
    upstream.reply(whole({"data": [{"type": "model", "id": "claude-b"}, {"type": "model", "id": "claude-c"}]}))
    client = claude(proxy)
    page = client.models.list(limit=2)
    assert [each.id for each in page.data] == ["alias", "broken"] and page.has_more
    assert [each.id for each in client.models.list(limit=2)] == ["alias", "broken", "claude-b", "claude-c"]
    assert client.models.retrieve("alias").type == "model"
    assert client.models.retrieve("gateway/claude-b").id == "claude-b"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("gateway/none")
    assert proxy.ask(request("GET", "/v1/models")).json()["object"] == "list"


def test_greetings(begin, upstream):
    proxy = begin()
    for method, path in (("HEAD", "/"), ("GET", "/"), ("HEAD", "/api/hello")):
        assert proxy.ask(request(method, path)).status == 200
    assert not upstream.requests


@pytest.mark.parametrize("seal", ["", "rmr1.g.AAAA"])
def test_what_another_model_thought_stays_here(begin, upstream, seal):
    proxy = begin()
    ours = {"type": "thinking", "thinking": "x", "signature": seal}
    sealed = {"type": "redacted_thinking", "data": "rmr1.g.BBBB"}
    theirs = {"type": "thinking", "thinking": "y", "signature": "EqQ"}
    text = {"type": "text", "text": "z"}

    def body(*blocks) -> dict:
        return {**ASK, "messages": [*ASK["messages"], {"role": "assistant", "content": [*blocks]}, *ASK["messages"]]}

    for blocks, wanted in (
        ([ours, text], [text]), ([sealed, ours, theirs, text], [theirs, text]), ([text, sealed], [text]),
        ([theirs, ours, text, sealed], [theirs, text]), ([theirs], [theirs]),
    ):
        upstream.reply(whole(ANSWER))
        assert proxy.ask(post_json("/v1/messages", body(*blocks))).status == 200
        assert json.loads(upstream.last.body) == body(*wanted)


def test_a_turn_of_which_nothing_is_left_goes(begin, upstream):
    proxy = begin()
    ours = {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": ""}]}
    upstream.reply(whole(ANSWER))
    assert proxy.ask(post_json("/v1/messages", {**ASK, "messages": [*ASK["messages"], ours, *ASK["messages"]]})).status == 200
    assert json.loads(upstream.last.body)["messages"] == [*ASK["messages"], *ASK["messages"]]


def test_others_keep_what_they_thought(begin, upstream):
    """DeepSeek and others think without signing, and want it back beside calls."""
    proxy = begin("native")
    thought = {"type": "thinking", "thinking": "x", "signature": ""}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    sealed = {"type": "redacted_thinking", "data": "rmr1.g.BBBB"}
    turns = [*ASK["messages"], {"role": "assistant", "content": [thought, sealed, call]}]
    upstream.reply(whole(ANSWER))
    assert proxy.ask(post_json("/v1/messages", {**ASK, "messages": turns})).status == 200
    assert json.loads(upstream.last.body)["messages"][1]["content"] == [thought, call]


def test_any_number_of_thoughts_stays_here(begin, upstream):
    proxy = begin()
    blocks = [{"type": "thinking", "thinking": ""}, {"type": "text", "text": "a"}] * 1_000
    upstream.reply(whole(ANSWER))
    assert proxy.ask(post_json("/v1/messages", {**ASK, "messages": [*ASK["messages"], {"role": "assistant", "content": blocks}]})).status == 200
    assert upstream.last.body.count(b"thinking") == 0
