"""Bodies in content codings: a request is read as what it says, and so is an answer that nobody asked to be coded."""

from __future__ import annotations

import gzip
import json
import random
import zlib

import openai
import pytest

from remora import PROMPT
from upstream import CLOSE, CUT, Gate, Pause
from wire import LAST_CHUNK, answer, chunk, event, json_answer, post_json, request

pytestmark = pytest.mark.proxy

CHAT = "/v1/chat/completions"
BODY = {"model": "alias", "messages": [{"role": "user", "content": PROMPT + " naïve 🐟"}]}
SENT = json.dumps(BODY).encode()
ARRIVED = SENT.replace(b"alias", b"gpt-4o")
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
DONE = {
    "id": "c", "object": "chat.completion", "created": 7, "model": "gpt-4o", "usage": USAGE,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}],
}


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODINGS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:]),
    "deflate": zlib.compress,
    "Deflate": bare,
}


def coded_post(data: bytes, coding: str, size: int = 0, path: str = CHAT) -> bytes:
    fields = {"Content-Type": "application/json", "Content-Encoding": coding}
    if not size:
        return request("POST", path, fields, data)
    pieces = b"".join(chunk(data[at:at + size]) for at in range(0, len(data), size))
    return request("POST", path, {**fields, "Transfer-Encoding": "chunked"}, pieces + LAST_CHUNK)


# Requests.


@pytest.mark.parametrize("size", [0, 1, 1000])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_coded_request_is_read(plain, upstream, coding, size):
    upstream.reply(json_answer(DONE))
    got = plain.ask(coded_post(CODINGS[coding](SENT), coding, size))
    assert got.status == 200, got.body
    assert upstream.last.body == ARRIVED
    assert upstream.last.get("content-encoding") is None
    assert upstream.last.get("content-length") == str(len(ARRIVED))


@pytest.mark.parametrize("size", [0, 999, 100_000])
@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_long_coded_request_follows(plain, upstream, coding, size):
    words = random.Random(1)
    text = " ".join(str(words.random()) for _ in range(40_000)) + "x" * 3_000_000
    sent = json.dumps({"model": "alias", "messages": [{"role": "user", "content": text}], "customer_identifier": "c"}).encode()
    upstream.reply(json_answer(DONE))
    got = plain.ask(coded_post(CODINGS[coding](sent), coding, size))
    assert got.status == 200, got.body[:300]
    assert upstream.last.length == len(sent) + 1 - len(', "customer_identifier": "c"')
    assert upstream.last.body == sent.replace(b'"alias"', b'"gpt-4o"').replace(b', "customer_identifier": "c"', b"")


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, deflate", "gzip, gzip", "aes128gcm", "x"])
def test_another_coding_is_415(plain, upstream, coding):
    got = plain.ask(coded_post(b"\x1b\x00", coding))
    assert (got.status, got.error["code"]) == (415, "unsupported_content_encoding")
    assert got.get("accept-encoding") == "gzip, deflate, identity"
    assert coding in got.error["message"]
    assert not upstream.requests


def test_identity_is_no_coding(plain, upstream):
    upstream.reply(json_answer(DONE))
    assert plain.ask(coded_post(SENT, "identity")).status == 200
    assert upstream.last.body == ARRIVED


PACKED = gzip.compress(SENT)
BROKEN = {
    "no gzip": ("gzip", SENT),
    "cut": ("gzip", PACKED[:-9]),
    "cut in the trailer": ("gzip", PACKED[:-1]),
    "wrong sum": ("gzip", PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:]),
    "garbage behind": ("gzip", PACKED + b"garbage"),
    "wrong data": ("deflate", zlib.compress(SENT)[:20] + b"\xff" * 40),
    "zlib cut": ("deflate", zlib.compress(SENT)[:-1]),
}


@pytest.mark.parametrize("size", [0, 7])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_coding_is_400(plain, upstream, name, size):
    coding, data = BROKEN[name]
    got = plain.ask(coded_post(data, coding, size))
    assert (got.status, got.error["code"]) == (400, "invalid_content_encoding"), got.body
    assert not any(each.complete for each in upstream.requests)


def test_what_a_coded_body_says_must_be_json(plain, upstream):
    got = plain.ask(coded_post(gzip.compress(b"[" + SENT), "gzip"))
    assert (got.status, got.error["code"]) == (400, "invalid_json")
    got = plain.ask(coded_post(b"", "gzip"))
    assert (got.status, got.error["code"]) == (400, "invalid_json")


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_max_body_bounds_what_a_coded_body_says(start_remora, upstream, coding):
    """A bomb is stopped where its text would be, and long before its memory."""
    proxy = start_remora(upstream, {"max_body": "1MiB"})
    sent = json.dumps({"messages": [{"role": "user", "content": "x" * (64 << 20)}], "model": "alias"}).encode()
    with proxy.connect() as client:
        got = client.ask(coded_post(CODINGS[coding](sent), coding))
    assert (got.status, got.error["code"]) == (413, "request_too_large")
    assert not upstream.requests
    upstream.reply(json_answer(DONE))
    small = json.dumps({"messages": [{"role": "user", "content": "x" * 1_000_000}], "model": "alias"}).encode()
    assert proxy.ask(coded_post(CODINGS[coding](small), coding)).status == 200


def test_elsewhere_a_coded_body_is_opaque(plain, upstream):
    for coding in ("gzip", "br", "gzip, br"):
        upstream.reply(json_answer({"id": "x"}))
        assert plain.ask(coded_post(PACKED, coding, path="/v1/files")).status == 200
        assert (upstream.last.body, upstream.last.get("content-encoding")) == (PACKED, coding)


@pytest.mark.parametrize("kind", ["anthropic", "mock"])
def test_a_coded_request_is_translated(start_remora, upstream, authority, tmp_path, kind):
    provider = {"kind": kind}
    if kind != "mock":
        key = tmp_path / "key"
        key.write_text("sk-secret-of-a-coded-request")
        provider |= {"base_url": upstream.origin, "api_key": {"file": str(key)}, "tls": {"ca_file": str(authority.ca_file)}}
    proxy = start_remora(upstream, whole={"providers": {"it": provider}, "default_provider": "it", "retry": {"attempts": 1}})
    upstream.reply(json_answer({"content": [{"type": "text", "text": "a"}], "model": "m", "stop_reason": "end_turn",
                                "usage": {"input_tokens": 1, "output_tokens": 1}}))
    got = proxy.ask(coded_post(PACKED, "gzip"))
    assert got.status == 200, got.body
    if kind != "mock":
        assert PROMPT in upstream.last.body.decode() and upstream.last.get("content-encoding") is None


# Answers.


def packed(coding: str, data: bytes, status: int = 200, kind: str = "application/json", **fields) -> bytes:
    return answer(status, {"Content-Type": kind, "Content-Encoding": coding, **fields}, CODINGS[coding](data))


@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/embeddings"])
def test_answers_are_asked_for_as_they_are(plain, upstream, path):
    upstream.reply(json_answer(DONE))
    plain.ask(post_json(path, BODY, {"Accept-Encoding": "gzip, br"}))
    assert upstream.last.all("accept-encoding") == ["identity"]


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_a_coded_answer_is_read(remora, upstream, coding, framing):
    data = CODINGS[coding](json.dumps(DONE).encode())
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: {coding}\r\n".encode()
    if framing == "length":
        upstream.reply(head + b"Content-Length: %d\r\n\r\n" % len(data) + data)
    elif framing == "chunked":
        upstream.reply(head + b"Transfer-Encoding: chunked\r\n\r\n", *(chunk(data[at:at + 7]) for at in range(0, len(data), 7)), LAST_CHUNK)
    else:
        upstream.reply(head + b"\r\n" + data, CLOSE)
    got = remora.ask(post_json(CHAT, BODY, {"Accept-Encoding": "gzip"}))
    assert (got.status, got.get("content-encoding"), got.complete) == (200, None, True)
    said = got.json()
    assert said.pop("x_remora")["provider"] == "gateway" and said == DONE
    assert remora.log_line(got.get("x-request-id"))["tokens_out"] == 4


ERROR = {"error": {"message": "slow down", "type": "rate_limit_error", "code": "rate"}}


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("status", [400, 429, 500])
def test_a_coded_error_is_read(plain, upstream, coding, status):
    upstream.reply(packed(coding, json.dumps(ERROR).encode(), status, **{"Retry-After": "7"}))
    got = plain.ask(post_json(CHAT, BODY))
    assert (got.status, got.error["message"], got.get("retry-after")) == (status, "slow down", "7")
    assert got.get("content-encoding") is None


def test_of_a_broken_error_the_status_counts(plain, upstream):
    data = gzip.compress(json.dumps(ERROR).encode())
    upstream.reply(answer(429, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, data[:15]))
    assert plain.ask(post_json(CHAT, BODY)).status == 429


def test_a_broken_answer_is_502(plain, upstream):
    data = gzip.compress(json.dumps(DONE).encode())
    for broken in (b"{}", data[:-1] + b"\x01", data[:-5], data + b"x"):
        upstream.reply(answer(200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, broken))
        got = plain.ask(post_json(CHAT, BODY))
        # What has left can't be taken back: then it must not look whole.
        assert got.status == 502 or not got.complete, (broken, got.body)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", "nonsense"])
def test_an_answer_in_another_coding_is_502(plain, upstream, coding):
    upstream.reply(answer(200, {"Content-Type": "application/json", "Content-Encoding": coding}, b"\x1b"))
    got = plain.ask(post_json(CHAT, BODY))
    assert (got.status, got.error["code"]) == (502, "upstream_protocol")
    assert coding in got.error["message"] and "200" in got.error["message"]


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", "nonsense"])
@pytest.mark.parametrize(("status", "type"), [(400, "invalid_request_error"), (429, "rate_limit_error"), (503, "overloaded_error")])
def test_of_an_error_in_another_coding_the_status_counts(plain, upstream, coding, status, type):
    upstream.reply(answer(status, {"Content-Type": "application/json", "Content-Encoding": coding, "Retry-After": "7"}, b"\x1b"))
    got = plain.ask(post_json(CHAT, BODY))
    assert (got.status, got.error["type"], got.get("retry-after")) == (status, type, "7")
    assert coding in got.error["message"] and got.get("content-encoding") is None


def events() -> list[bytes]:
    texts = [{"id": "c", "object": "chat.completion.chunk", "created": 7, "model": "m",
              "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]} for word in ("one ", "two ", "three")]
    texts.append({**texts[0], "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    texts.append({**texts[0], "choices": [], "usage": USAGE})
    return [b"data: " + json.dumps(text).encode() + b"\n\n" for text in texts] + [b"data: [DONE]\n\n"]


def stream_head(coding: str) -> bytes:
    return (f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: {coding}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n").encode()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_coded_stream_comes_event_by_event(remora, sdk, upstream, coding):
    packer = zlib.compressobj(wbits=31 if coding == "gzip" else 15)
    steps, gates = [stream_head(coding)], []
    for each in events():
        steps += [chunk(packer.compress(each) + packer.flush(zlib.Z_SYNC_FLUSH)), gate := Gate()]
        gates.append(gate)
    upstream.reply(*steps, chunk(packer.flush()) + LAST_CHUNK)
    stream = sdk(remora).chat.completions.create(**{**BODY, "model": "gpt-4o"}, stream=True, stream_options={"include_usage": True})
    words, usage = [], None
    for each, gate in zip(stream, gates, strict=False):
        words += [choice.delta.content for choice in each.choices if choice.delta.content]
        usage = each.usage or usage
        gate.open()
        if usage:
            break
    gates[-1].open()
    assert words == ["one ", "two ", "three"] and usage.completion_tokens == 4
    assert list(stream) == []


@pytest.mark.parametrize("how", [CUT, CLOSE])
def test_a_coded_stream_that_breaks_off_is_broken(remora, sdk, upstream, how):
    packer = zlib.compressobj(wbits=31)
    part = packer.compress(events()[0]) + packer.flush(zlib.Z_SYNC_FLUSH)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n"
    upstream.reply(head + part, Pause(0.05), how)
    with pytest.raises(openai.APIError) as broken:
        list(sdk(remora).chat.completions.create(**{**BODY, "model": "gpt-4o"}, stream=True))
    assert "protocol" in str(broken.value)


def test_a_large_coded_answer_is_made_as_the_client_takes_it(plain, upstream):
    """Megabytes of it in a hundred kilobytes."""
    text = json.dumps({**DONE, "padding": "x" * (20 << 20)}).encode()
    upstream.reply(packed("gzip", text))
    with plain.connect() as client:
        client.send(post_json("/v1/responses", BODY))
        got = client.response()
    assert got.complete and got.body == text


@pytest.mark.parametrize("kind", ["mistral", "anthropic"])
@pytest.mark.parametrize("status", [200, 429])
def test_a_coded_answer_is_read_where_it_is_changed(start_remora, upstream, authority, tmp_path, kind, status):
    key = tmp_path / "key"
    key.write_text("sk-secret-of-a-coded-answer")
    provider = {"kind": kind, "base_url": upstream.origin, "api_key": {"file": str(key)}, "tls": {"ca_file": str(authority.ca_file)}}
    proxy = start_remora(upstream, whole={"providers": {"it": provider}, "default_provider": "it", "retry": {"attempts": 1}})
    native = {"id": "m", "type": "message", "role": "assistant", "content": [{"type": "text", "text": "a"}], "model": "m",
              "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 4}}
    said = DONE if kind == "mistral" else native
    if status == 429:
        said = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
    upstream.reply(packed("gzip", json.dumps(said).encode(), status))
    got = proxy.ask(post_json(CHAT, BODY))
    assert got.status == status and got.get("content-encoding") is None, got.body
    if status == 200:
        assert got.json()["choices"][0]["message"]["content"] == "a" and got.json()["usage"]["completion_tokens"] == 4
    else:
        assert got.error["message"] == "slow down"
    assert upstream.last.get("accept-encoding") == "identity"


def test_a_coded_list_of_models_is_read(start_remora, upstream):
    remora = start_remora(upstream)
    listed = {"object": "list", "data": [{"id": "m-of-the-list", "object": "model", "created": 1, "owned_by": "x"}]}
    upstream.reply(packed("gzip", json.dumps(listed).encode()))
    got = remora.ask(request("GET", "/v1/models", {"Accept-Encoding": "gzip"}))
    assert "m-of-the-list" in [each["id"] for each in got.json()["data"]]
    assert upstream.last.get("accept-encoding") == "identity"


def test_elsewhere_a_coded_answer_is_opaque(plain, upstream):
    data = gzip.compress(b'{"id":"x"}')
    for coding in ("gzip", "br"):
        upstream.reply(answer(200, {"Content-Type": "application/json", "Content-Encoding": coding}, data))
        got = plain.ask(request("GET", "/v1/files/f", {"Accept-Encoding": "gzip, br"}))
        assert (got.status, got.get("content-encoding"), got.body) == (200, coding, data)
        assert upstream.last.get("accept-encoding") == "gzip, br"
