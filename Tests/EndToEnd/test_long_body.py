"""A JSON body too long to be kept follows through a bounded window: checked and changed on its way."""

from __future__ import annotations

import hashlib

import pytest

from upstream import CLOSE, UNREAD
from wire import SSE_HEAD, event, json_answer, post_json, request

pytestmark = pytest.mark.proxy

CHAT = "/v1/chat/completions"
FINE = {
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}],
}
LONG = "The quick brown fox.\\n" * 50_000
OPTIONS = b',"stream_options":{"include_usage":true}'


def body(model=b'"alias"', middle=b"", tail=b"") -> bytes:
    return b'{"model":%s,"messages":[{"role":"user","content":"%s"}]%s,"n":9007199254740993%s}' % (
        model, LONG.encode(), middle, tail)


def chunked(data: bytes, size: int) -> bytes:
    pieces = [data[at:at + size] for at in range(0, len(data), size)]
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    return request("POST", CHAT, headers, b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n")


@pytest.mark.parametrize("size", [0, 777, 65_537])
def test_only_the_model_changes(plain, upstream, size):
    upstream.reply(json_answer(FINE))
    sent = body()
    assert plain.ask(chunked(sent, size) if size else post_json(CHAT, sent)).status == 200
    assert upstream.last.body == sent.replace(b'"alias"', b'"gpt-4o"')
    assert upstream.last.get("transfer-encoding") == "chunked"
    assert upstream.last.get("content-length") is None


# What comes behind the part that is looked at first, and what is left of it.
BEHIND = {
    "own": (b',"customer_identifier":"c","thread_identifier" : "t"', b""),
    "own at the end": (b"", b""),
    "apart": (b',"a":1,"fallback_models":["x",{"y":"}"}],"b":2', b',"a":1,"b":2'),
    "no stream": (b',"stream":false', b',"stream":false'),
    "nested": (b',"metadata":{"stream":true,"group_identifier":"g"}', b',"metadata":{"stream":true,"group_identifier":"g"}'),
    "options": (b',"stream":true,"stream_options":{ "x":1}', b',"stream":true,"stream_options":{"include_usage":true, "x":1}'),
    "options first": (b',"stream_options":null,"stream":true', b',"stream_options":{"include_usage":true},"stream":true'),
    "usage": (b',"stream":true,"stream_options":{"include_usage":false}', b',"stream":true,"stream_options":{"include_usage":true}'),
}


@pytest.mark.parametrize("name", BEHIND)
@pytest.mark.parametrize("size", [0, 1013])
def test_what_steers_may_come_late(plain, upstream, name, size):
    upstream.reply(json_answer(FINE))
    middle, left = BEHIND[name]
    tail = b',"group_identifier":"g"' if name == "own at the end" else b""
    sent = body(b'"gpt-4o"', middle, tail)
    assert plain.ask(chunked(sent, size) if size else post_json(CHAT, sent)).status == 200
    assert upstream.last.body == body(b'"gpt-4o"', left)


def test_usage_of_a_late_stream_is_asked_for_and_kept_from_the_client(plain, upstream):
    done = {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}], "usage": None}
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    upstream.reply(SSE_HEAD, *(b"%x\r\n%s\r\n" % (len(e), e) for e in map(event, (done, usage, "[DONE]"))), b"0\r\n\r\n")
    sent = body(b'"gpt-4o"', b',"stream":true')
    got = plain.ask(post_json(CHAT, sent))
    assert upstream.last.body == sent[:-1] + OPTIONS + b"}"
    assert b"usage" not in got.body and b"[DONE]" in got.body


BROKEN = {
    "no JSON": (b',"x":01', "invalid_json"),
    "two models": (b',"model":"other"', "invalid_json"),
    "no boolean": (b',"stream":"yes"', "invalid_value"),
    "trailing": (b"", "invalid_json"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_turns_out_wrong_is_a_400_and_no_request(plain, upstream, name):
    """The provider has seen a beginning by then; without the last chunk it is no request."""
    middle, code = BROKEN[name]
    sent = body(b'"gpt-4o"', middle) + (b"!" if name == "trailing" else b"")
    upstream.reply(json_answer(FINE))
    got = plain.ask(post_json(CHAT, sent))
    assert (got.status, got.error["code"]) == (400, code)
    assert not any(each.complete for each in upstream.requests)


def test_a_late_model_is_waited_for(plain, upstream):
    """What isn't known early can't be acted on early: the body is read whole, and its length is told."""
    upstream.reply(json_answer(FINE))
    sent = b'{"messages":[{"role":"user","content":"%s"}],"model":"alias"}' % LONG.encode()
    assert plain.ask(post_json(CHAT, sent)).status == 200
    expected = sent.replace(b'"alias"', b'"gpt-4o"')
    assert upstream.last.body == expected
    assert upstream.last.get("content-length") == str(len(expected))


@pytest.mark.parametrize("kind", ["mock", "groq", "azure", "anthropic"])
def test_a_body_that_is_needed_whole_names_its_model_once(start_remora, upstream, authority, tmp_path, kind):
    """It is looked at twice: when its model has come, and when all of it has."""
    provider = {"kind": kind}
    if kind != "mock":
        key = tmp_path / "key"
        key.write_text("sk-secret-of-the-long-body")
        provider |= {
            "base_url": upstream.origin, "api_key": {"file": str(key)}, "tls": {"ca_file": str(authority.ca_file)},
        }
    whole = {"providers": {"its-name": provider}, "default_provider": "its-name"}
    proxy = start_remora(upstream, whole=whole)
    upstream.reply(json_answer({"content": [], "model": "m", "usage": {}, **FINE}))
    sent = b'{"model":"gpt-4o","messages":[{"role":"user","content":"%s"}]}' % LONG.encode()
    got = proxy.ask(post_json(CHAT, sent))
    assert (got.status, got.get("x-remora-model")) == (200, "gpt-4o"), got.body[:300]
    if kind != "mock":
        said = upstream.last.target.encode() + upstream.last.body
        assert b"gpt-4o" in said and b"gpt-4ogpt-4o" not in said


def test_an_early_answer_ends_the_upload(plain, upstream):
    upstream.reply(UNREAD, json_answer({"error": {"message": "too long"}}, status=413), CLOSE)
    got = plain.ask(post_json(CHAT, body()))
    assert got.status == 413


def test_max_body_counts_what_follows(start_remora, upstream):
    proxy = start_remora(upstream, {"max_body": "512KiB"})
    got = proxy.ask(chunked(body(), 50_000))
    assert (got.status, got.error["code"]) == (413, "request_too_large")


WEIGHED = {"limits": {"requests_per_minute": 100, "tokens_per_minute": 100_000_000, "budget_usd": {"amount": 1000, "per": "30d"}},
           "prices": {"gateway/gpt-4o": {"input": 1, "output": 1}}}  # fmt: skip
PICKED = {"models": {"gpt-4o": {"targets": ["gateway/gpt-4o", "gateway/gpt-4o-mini"], "pick": "cheapest"}},
          "prices": {"gateway/gpt-4o": {"input": 0.01, "output": 0.01}}}  # fmt: skip


def test_a_long_prompt_is_weighed_by_its_beginning(start_remora, upstream):
    """Before it is here: the promise is for all of it."""
    proxy = start_remora(upstream, WEIGHED)
    usage = {"prompt_tokens": 0, "completion_tokens": 0}
    upstream.reply(json_answer({"choices": [], "usage": usage}))
    sent = body(b'"gpt-4o"')
    got = proxy.ask(post_json(CHAT, sent))
    assert got.status == 200 and upstream.last.body == sent
    promised = 100_000_000 - int(got.get("x-ratelimit-remaining-tokens"))
    # Ten words and signs in 22 bytes, and the answer's 1024.
    assert 200_000 < promised < 600_000


@pytest.mark.parametrize("changes", [{}, WEIGHED, PICKED], ids=["nothing", "weighed", "picked"])
def test_memory_is_that_of_a_window(start_remora, upstream, changes):
    proxy = start_remora(upstream, changes)
    upstream.reply(json_answer(FINE))
    sent = b'{"model":"gpt-4o","messages":[{"role":"user","content":"%s"}]}' % (b"x" * (32 << 20))
    assert proxy.ask(post_json(CHAT, sent)).status == 200
    assert upstream.last.sha256 == hashlib.sha256(sent).hexdigest()
    # With all of the program's code; the body alone would be more.
    assert proxy.peak_resident() < 24 << 20


@pytest.mark.build("its allocator is another")
@pytest.mark.parametrize("size", [100_000, 200_000, 1 << 20])
def test_memory_is_not_fetched_anew_for_each(start_remora, upstream, size):
    """A page that the kernel must find and clear costs more than what is done with it."""
    proxy = start_remora(upstream)
    sent = post_json(CHAT, b'{"model":"gpt-4o","messages":[{"role":"user","content":"%s"}]}' % (b"x" * size))
    with proxy.connect() as client:
        before = 0
        for turn in range(60):
            if turn == 20:
                before = proxy.page_faults()
            assert client.ask(sent).status == 200
    # A trim in between may take back what was kept, once or twice.
    assert proxy.page_faults() - before < 10 * 40
