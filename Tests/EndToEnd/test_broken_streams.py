"""Streams that pass and break off: each ends in the grammar of its own API, so that no client takes it for whole, or waits."""

from __future__ import annotations

import asyncio
import gzip
import json

import anthropic
import openai
import pytest
from conftest import sdk_options
from upstream import CLOSE, CUT, RESET, STALL
from wire import LAST_CHUNK, SSE_HEAD, chunk, post_json

pytestmark = pytest.mark.proxy

RESPONSE = {
    "id": "resp_abc", "object": "response", "created_at": 1700000000, "status": "in_progress", "error": None,
    "model": "gpt-4o-2024", "output": [], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": None,
    "instructions": "x" * 3000,
}
PART = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
MESSAGE = {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}


def numbered(events, first=0):
    return [{**each, "sequence_number": number} for number, each in enumerate(events, first)]


RESPONSES = [
    {"type": "response.created", "response": RESPONSE},
    {"type": "response.in_progress", "response": RESPONSE},
    {"type": "response.output_item.added", "output_index": 0, "item": MESSAGE},
    {"type": "response.content_part.added", **PLACE, "part": PART},
    {"type": "response.output_text.delta", **PLACE, "delta": "Hel", "logprobs": []},
]
MESSAGES = [
    {"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": 7, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
]  # fmt: skip
COMPLETION = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": [
    {"index": 0, "text": "Hel", "logprobs": None, "finish_reason": None}]}  # fmt: skip
CHAT = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [
    {"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "finish_reason": None}]}  # fmt: skip


def named(events) -> list[bytes]:
    return [b"event: %s\ndata: %s\n\n" % (each["type"].encode(), json.dumps(each).encode()) for each in events]


FORMATS = {
    "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}]}, [b"data: %s\n\n" % json.dumps(CHAT).encode()]),
    "completions": ("/v1/completions", {"prompt": "x"}, [b"data: %s\n\n" % json.dumps(COMPLETION).encode()]),
    "responses": ("/v1/responses", {"input": "x"}, named(numbered(RESPONSES))),
    "messages": ("/v1/messages", {"max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}, named(MESSAGES)),
}
UNCHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
CODED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"


def packed(data: bytes) -> bytes:
    """All of `data` is in it, but not its end."""
    import zlib

    coder = zlib.compressobj(wbits=31)
    return coder.compress(data) + coder.flush(zlib.Z_SYNC_FLUSH)


CUTS = {
    "close": lambda begun: (SSE_HEAD, chunk(begun), CLOSE),
    "no close_notify": lambda begun: (SSE_HEAD, chunk(begun), CUT),
    "reset": lambda begun: (SSE_HEAD, chunk(begun), RESET),
    "within a chunk": lambda begun: (SSE_HEAD, chunk(begun), b"ff\r\nevent: response.output_te", CLOSE),
    "within an event": lambda begun: (SSE_HEAD, chunk(begun + b'data: {"type":"respo'), CLOSE),
    "last chunk": lambda begun: (SSE_HEAD, chunk(begun), LAST_CHUNK),
    "last chunk within an event": lambda begun: (SSE_HEAD, chunk(begun + b'data: {"type":"respo'), LAST_CHUNK),
    "no JSON": lambda begun: (SSE_HEAD, chunk(begun + b"data: {x\n\n"), STALL),
    "bad chunk size": lambda begun: (SSE_HEAD, chunk(begun), b"zz\r\nabc\r\n", STALL),
    "by its close": lambda begun: (UNCHUNKED + begun, CLOSE),
    "silence": lambda begun: (SSE_HEAD, chunk(begun), STALL),
    "gzip, last chunk": lambda begun: (CODED, chunk(packed(begun)), LAST_CHUNK),
    "gzip, close": lambda begun: (CODED, chunk(packed(begun)), CLOSE),
    "gzip, bad": lambda begun: (CODED, chunk(packed(begun) + b"\xff" * 40), STALL),
    "gzip, foreign": lambda begun: (CODED, chunk(gzip.compress(begun)), chunk(b"no gzip"), STALL),
}


@pytest.fixture
def begin(start_remora, upstream):
    def make(name, **changes):
        kind = "anthropic" if name == "messages" else "openai"
        url = upstream.origin if kind == "anthropic" else upstream.base_url
        provider = {"kind": kind, "base_url": url, "timeouts": {"idle": "1s"}}
        return start_remora(upstream, {"response_metadata": "off", **changes}, provider=provider)

    return make


def events(body: bytes) -> list[tuple[str, dict]]:
    found = []
    for block in body.decode().split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if lines:
            name = next((line[7:] for line in lines if line.startswith("event: ")), "")
            found.append((name, json.loads(next(line[6:] for line in lines if line.startswith("data: ")))))
    return found


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name", FORMATS)
def test_the_last_words(begin, upstream, name, cut):
    path, ask, begun = FORMATS[name]
    proxy = begin(name)
    upstream.reply(*CUTS[cut](b"".join(begun)))
    with proxy.connect() as peer:
        got = peer.ask(post_json(path, {"model": "m", "stream": True, **ask}))
    assert got.status == 200 and not got.complete
    assert got.body.startswith(b"".join(begun)), got.body
    rest = events(got.body[len(b"".join(begun)) :])
    if name == "responses":
        (first, error), (second, failed) = rest
        assert (first, error["type"], error["sequence_number"]) == ("error", "error", 5)
        assert error["error"]["message"] == error["message"] and error["error"]["code"] == error["code"]
        assert (second, failed["type"], failed["sequence_number"]) == ("response.failed", "response.failed", 6)
        told = failed["response"]
        assert (told["id"], told["created_at"], told["model"]) == ("resp_abc", 1700000000, "gpt-4o-2024")
        assert (told["status"], told["error"]) == ("failed", {"code": error["code"], "message": error["message"]})
    elif name == "messages":
        ((first, error),) = rest
        assert (first, error["type"]) == ("error", "error") and error["error"]["type"] and error["error"]["message"]
    else:
        ((first, error),) = rest
        assert first == "" and set(error["error"]) == {"message", "type", "param", "code"}
    line = proxy.log_line(got.get("x-request-id"))
    assert line["status"] == 200 and line["end"] != "complete"


@pytest.mark.parametrize("cut", ["close", "last chunk within an event", "silence", "gzip, last chunk"])
@pytest.mark.parametrize("name", FORMATS)
def test_the_sdks_raise(begin, upstream, sdk, name, cut):
    path, ask, begun = FORMATS[name]
    proxy = begin(name)
    seen = []

    def ways():
        if name == "messages":
            http = anthropic.DefaultHttpxClient(trust_env=False)
            claude = anthropic.Anthropic(base_url=proxy.origin, api_key="any", max_retries=0, timeout=10, http_client=http)
            yield anthropic.APIError, lambda: seen.extend(claude.messages.create(model="m", stream=True, **ask))

            def helper():
                with claude.messages.stream(model="m", **ask) as stream:
                    seen.extend(stream)

            yield anthropic.APIError, helper
            return
        client = sdk(proxy)
        calls = {"chat": client.chat.completions, "completions": client.completions, "responses": client.responses}
        yield openai.APIError, lambda: seen.extend(calls[name].create(model="m", stream=True, **ask))

        async def later():
            http = openai.DefaultAsyncHttpxClient(trust_env=False)
            async with openai.AsyncOpenAI(**sdk_options(proxy, http_client=http)) as other:
                calls = {"chat": other.chat.completions, "completions": other.completions, "responses": other.responses}
                async for each in await calls[name].create(model="m", stream=True, **ask):
                    seen.append(each)

        yield openai.APIError, lambda: asyncio.run(later())
        if name == "completions":
            return

        def helper():
            own = {"chat": client.chat.completions, "responses": client.responses}[name]
            with own.stream(model="m", **ask) as stream:
                seen.extend(stream)

        yield openai.APIError, helper

    for error, way in ways():
        seen.clear()
        upstream.reply(*CUTS[cut](b"".join(begun)))
        with pytest.raises(error) as caught:
            way()
        assert seen and caught.value.message


def test_before_the_first_event(begin, upstream):
    proxy = begin("responses")
    upstream.reply(SSE_HEAD, LAST_CHUNK)
    with proxy.connect() as peer:
        got = peer.ask(post_json("/v1/responses", {"model": "m", "stream": True, "input": "x"}))
    (_, error), (_, failed) = events(got.body)
    assert (error["sequence_number"], failed["sequence_number"]) == (0, 1)
    told = failed["response"]
    assert told["id"].startswith("resp_") and told["model"] == "m" and told["created_at"] > 1700000000
    assert not got.complete


@pytest.mark.parametrize("first", [0, 1, 40])
def test_numbers_go_on_where_they_were(begin, upstream, first):
    """A stream that is taken up again begins at another number, and some servers count from 1."""
    proxy = begin("responses")
    upstream.reply(SSE_HEAD, chunk(b"".join(named(numbered(RESPONSES, first)))), LAST_CHUNK)
    with proxy.connect() as peer:
        got = peer.ask(post_json("/v1/responses", {"model": "m", "stream": True, "input": "x"}))
    assert [data["sequence_number"] for _, data in events(got.body)] == list(range(first, first + 7))


SAID = {"type": "error", "error": {"type": "server_error", "code": "server_error", "message": "theirs", "param": None}}
FAILED = {"type": "response.failed", "response": {**RESPONSE, "status": "failed", "error": {"code": "server_error", "message": "theirs"}}}


@pytest.mark.parametrize("ending", [CLOSE, STALL, LAST_CHUNK])
def test_the_providers_own_failure_is_the_last_word(begin, upstream, ending):
    proxy = begin("responses")
    upstream.reply(SSE_HEAD, chunk(b"".join(named(numbered([*RESPONSES, SAID, FAILED])))), ending)
    with proxy.connect() as peer:
        got = peer.ask(post_json("/v1/responses", {"model": "m", "stream": True, "input": "x"}))
    assert [data["type"] for _, data in events(got.body)][-3:] == ["response.output_text.delta", "error", "response.failed"]
    assert got.body.count(b"theirs") == 2


def test_only_the_half_of_a_failure(begin, upstream):
    """What coding agents wait for comes behind the provider's error, where the connection breaks between the two."""
    proxy = begin("responses")
    upstream.reply(SSE_HEAD, chunk(b"".join(named(numbered([*RESPONSES, SAID])))), CLOSE)
    with proxy.connect() as peer:
        got = peer.ask(post_json("/v1/responses", {"model": "m", "stream": True, "input": "x"}))
    types = [(data["type"], data["sequence_number"]) for _, data in events(got.body)]
    assert types[-2:] == [("error", 5), ("response.failed", 6)]
