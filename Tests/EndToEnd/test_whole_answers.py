"""Whole answers and streams of kinds `openai` and `azure`, whose servers may be of another make: where tools may be called,
what no SDK can read is brought into form, and what needs nothing passes byte for byte."""

from __future__ import annotations

import gzip
import json

import openai
import pytest

from remora import PROMPT
from upstream import CLOSE
from wire import LAST_CHUNK, SSE_HEAD, answer, chunk, event, post_json

pytestmark = pytest.mark.proxy

TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}}]
CHAT = {"model": "m", "messages": [{"role": "user", "content": PROMPT}], "tools": TOOLS}
PLAIN = {name: value for name, value in CHAT.items() if name != "tools"}
KINDS = ["openai", "azure", "openai_compatible"]
TYPE = {"Content-Type": "application/json"}


@pytest.fixture
def proxy_for(start_remora, upstream):
    def make(kind: str, **changes):
        url = upstream.origin if kind == "azure" else upstream.base_url
        return start_remora(upstream, {"response_metadata": "headers", **changes}, provider={"kind": kind, "base_url": url})

    return make


def whole(message: dict, reason="stop", index=0, **more) -> dict:
    own = {"index": index, "message": {"role": "assistant", "content": None, **message}, "finish_reason": reason}
    own = {name: value for name, value in own.items() if value != "absent"}
    text = {"id": "c", "object": "chat.completion", "created": 7, "model": "m", "choices": [own], **more}
    return {name: value for name, value in text.items() if value != "absent"}


def call(**changes) -> dict:
    own = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}, **changes}
    return {name: value for name, value in own.items() if value != "absent"}


CALLS = {
    "null id": call(id=None), "no id": call(id="absent"), "numeric id": call(id=17), "empty id": call(id=""),
    "no type": call(type="absent"), "null type": call(type=None), "empty type": call(type=""),
    "object": call(function={"name": "f", "arguments": {"a": 1}}),
}  # fmt: skip


def framed(body: bytes) -> dict[str, tuple]:
    chunked = answer(200, {**TYPE, "Transfer-Encoding": "chunked"}, None)
    middle = len(body) // 2
    coded = gzip.compress(body)
    return {
        "a length": (answer(200, TYPE, body),),
        "a length, in pieces": (answer(200, {**TYPE, "Content-Length": str(len(body))}, None) + body[:middle], body[middle:]),
        "a chunk": (chunked, chunk(body), LAST_CHUNK),
        "chunks": (chunked, chunk(body[:middle]), chunk(body[middle:]), LAST_CHUNK),
        "chunks of a byte": (chunked, *(chunk(body[at : at + 1]) for at in range(len(body))), LAST_CHUNK),
        "trailers": (chunked, chunk(body), b"0\r\nx-a: b\r\n\r\n"),
        "the close": (answer(200, {**TYPE, "Connection": "close"}, None) + body, CLOSE),
        "gzip": (answer(200, {**TYPE, "Content-Encoding": "gzip"}, coded),),
    }


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", KINDS)
def test_calls(proxy_for, sdk, upstream, kind, name):
    client = sdk(proxy_for(kind))
    for steps in framed(json.dumps(whole({"tool_calls": [CALLS[name], CALLS[name]]}, "tool_calls")).encode()).values():
        upstream.reply(*steps)
        made = client.chat.completions.create(**CHAT).choices[0].message.tool_calls
        assert [each.type for each in made] == ["function"] * 2 and json.loads(made[0].function.arguments) == {"a": 1}
        assert all(isinstance(each.id, str) and each.id for each in made)
        if name in ("null id", "no id", "empty id"):
            assert made[0].id != made[1].id
        if name == "numeric id":
            assert made[0].id == "17"


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", KINDS)
def test_calls_in_streams(proxy_for, sdk, upstream, kind, name):
    def piece(delta, reason=None):
        one = {"id": "c", "object": "chat.completion.chunk", "created": 7, "model": "m"}
        return event({**one, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    upstream.reply(
        SSE_HEAD, piece({"role": "assistant", "tool_calls": [{"index": 0, **CALLS[name]}]}), piece({}, "tool_calls"),
        event("[DONE]"), LAST_CHUNK,
    )
    with sdk(proxy_for(kind)).chat.completions.stream(**CHAT) as stream:
        made = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert made.type == "function" and isinstance(made.id, str) and made.id and json.loads(made.function.arguments) == {"a": 1}


def piece(*calls, reason=None) -> bytes:
    one = {"id": "c", "object": "chat.completion.chunk", "created": 7, "model": "m"}
    delta = {"role": "assistant", "tool_calls": list(calls)} if calls else {}
    return event({**one, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})


NUMBERS = {"from 1": (1, 2), "with gaps": (0, 7), "backwards": (1, 0), "all one": (4, 4), "null": (None, None), "absent": ("absent",) * 2}


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize("kind", KINDS)
def test_calls_are_counted_from_0(proxy_for, sdk, upstream, kind, numbers):
    """The SDK takes a call's number for its place in a list."""
    begun = [call(index=number, id=f"call_{at}", function={"name": "f", "arguments": ""}) for at, number in enumerate(NUMBERS[numbers])]
    said = [call(index=each.get("index", "absent"), id="absent", type="absent", function={"arguments": '{"a":1}'}) for each in begun]
    upstream.reply(
        SSE_HEAD, *(piece(each) for pair in zip(begun, said, strict=True) for each in pair), piece(reason="tool_calls"), event("[DONE]"),
        LAST_CHUNK,
    )  # fmt: skip
    with sdk(proxy_for(kind)).chat.completions.stream(**CHAT) as stream:
        made = stream.get_final_completion().choices[0].message.tool_calls
    assert [(each.id, each.index, json.loads(each.function.arguments)) for each in made] == [("call_0", 0, {"a": 1}), ("call_1", 1, {"a": 1})]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_call(proxy_for, sdk, upstream, kind):
    client = sdk(proxy_for(kind))
    upstream.reply(
        SSE_HEAD, piece(None), piece(call(index=0, function=None), None), piece({"index": 0, "function": {"name": "f", "arguments": "{}"}}),
        piece({"index": 0, "type": "function"}), piece(reason="tool_calls"), event("[DONE]"), LAST_CHUNK,
    )  # fmt: skip
    with client.chat.completions.stream(**CHAT) as stream:
        made = stream.get_final_completion().choices[0].message.tool_calls
    assert [(each.id, each.type, each.function.name, each.function.arguments) for each in made] == [("call_1", "function", "f", "{}")]
    upstream.reply(answer(200, TYPE, json.dumps(whole({"tool_calls": [None, call(function=None), call()]}, "tool_calls")).encode()))
    assert [each.id for each in client.chat.completions.create(**CHAT).choices[0].message.tool_calls] == ["call_1"]
    upstream.reply(answer(200, TYPE, json.dumps(whole({"content": "a", "tool_calls": [None]}, "tool_calls")).encode()))
    choice = client.chat.completions.create(**CHAT).choices[0]
    assert (choice.message.content, choice.message.tool_calls, choice.finish_reason) == ("a", [], "stop")


ODD = {
    "no message": (whole({}) | {"choices": [{"index": 0, "finish_reason": "stop"}]}, {}),
    "null message": (whole({}) | {"choices": [{"index": 0, "finish_reason": "stop", "message": None}]}, {}),
    "a delta": (whole({}) | {"choices": [{"index": 0, "finish_reason": "stop", "delta": {"content": "a"}}]}, {}),
    "a null choice": (whole({}) | {"choices": [None, *whole({"content": "a"})["choices"]]}, {}),
    "no index": (whole({"content": "a"}, index="absent"), {}),
    "null index": (whole({"content": "a"}, index=None), {}),
    "no reason": (whole({"content": "a"}, "absent"), {}),
    "null reason": (whole({"content": "a"}, None), {}),
    "another reason": (whole({"content": "a"}, "eos_token"), {}),
    "no reason, calls": (whole({"tool_calls": [call()]}, None), {"finish_reason": "tool_calls"}),
    "no object": (whole({"content": "a"}, object="absent"), {}),
    "null object": (whole({"content": "a"}, object=None), {}),
    "a list": (whole({"content": [{"type": "text", "text": "a"}]}), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing(proxy_for, upstream, kind, name):
    body, wanted = ODD[name]
    proxy = proxy_for(kind)
    for steps in framed(json.dumps(body).encode()).values():
        upstream.reply(*steps)
        got = proxy.ask(post_json("/v1/chat/completions", CHAT)).json()
        choice = got["choices"][0]
        assert (got["object"], choice["index"]) == ("chat.completion", 0)
        assert choice["finish_reason"] == wanted.get("finish_reason", "stop")
        assert choice["message"]["content"] in ("a", "", None)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_under_200(proxy_for, sdk, upstream, kind):
    upstream.reply(answer(200, TYPE, json.dumps({"error": {"message": "slow down", "code": 429}}).encode()))
    with pytest.raises(openai.RateLimitError, match="slow down"):
        sdk(proxy_for(kind)).chat.completions.create(**CHAT)


GOOD = {
    "plain": json.dumps(whole({"content": "a", "refusal": None, "annotations": []}), separators=(",", ":")),
    "spaced": json.dumps(whole({"content": "a \u00e9 \"index\": x"}), indent=3),
    "escaped keys": json.dumps(whole({"content": "a"})).replace('"index"', '"\\u0069ndex"'),
    "calls": json.dumps(whole({"tool_calls": [call(), call(id="call_2")]}, "tool_calls", usage={"prompt_tokens": 1})),
    "a custom call": json.dumps(whole({"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "f", "input": "x"}}]}, "tool_calls")),
    "no calls": json.dumps(whole({"content": "a", "tool_calls": None})),
    "empty calls": json.dumps(whole({"content": "a", "tool_calls": []})),
    "unknown members": json.dumps({"x": [{"index": None}], **whole({"content": "a", "x": {"tool_calls": [1]}}, service_tier=None)}),
    "object last": json.dumps({name: value for name, value in reversed(whole({"content": "a"}).items())}),
    "two choices": json.dumps({**whole({"content": "a"}), "choices": [*whole({"content": "a"})["choices"], *whole({"content": "b"}, "length", 1)["choices"]]}),
    "long": json.dumps(whole({"content": "b" * 400_000})),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("kind", ["openai", "azure"])
def test_what_needs_nothing(proxy_for, upstream, kind, name):
    body = GOOD[name].encode()
    proxy = proxy_for(kind)
    ways = framed(body)
    if len(body) > 1000:
        ways = {way: ways[way] for way in ("a length", "a chunk")}
    for way, steps in ways.items():
        upstream.reply(*steps)
        got = proxy.ask(post_json("/v1/chat/completions", CHAT))
        assert (got.status, got.body, got.complete) == (200, body, True), way
    upstream.reply(answer(200, {**TYPE, "x-request-id": "theirs", "openai-version": "1"}, body))
    got = proxy.ask(post_json("/v1/chat/completions", CHAT))
    assert (got.body, got.get("content-length"), got.get("openai-version")) == (body, str(len(body)), "1")


NONE = {
    "a list": [1, 2], "a word": "ok", "nothing": None, "an empty object": {}, "no choices": whole({}, choices="absent"),
    "null choices": whole({}, choices=None), "choices that are none": whole({}, choices={"0": {}}),
}  # fmt: skip


@pytest.mark.parametrize("name", NONE)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_answer(proxy_for, sdk, upstream, kind, name):
    """Under 200 the SDKs fail on it in the caller's code."""
    client = sdk(proxy_for(kind))
    for steps in framed(json.dumps(NONE[name]).encode()).values():
        upstream.reply(*steps)
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(**CHAT)
        assert (caught.value.status_code, caught.value.code) == (502, "upstream_protocol")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_too_short_to_tell_anything_is_not_waited_for(proxy_for, upstream, kind):
    proxy = proxy_for(kind)
    for body in (b"{", b"{}", b" ", b'{"'):
        for way, steps in framed(body).items():
            upstream.reply(*steps)
            assert proxy.ask(post_json("/v1/chat/completions", CHAT)).status == 502, (body, way)


@pytest.mark.parametrize("choices", ["absent", None, []])
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_in_the_place_of_choices(proxy_for, sdk, upstream, kind, choices):
    body = whole({}, choices=choices, error={"message": "slow down", "code": 429})
    upstream.reply(answer(200, TYPE, json.dumps(body).encode()))
    with pytest.raises(openai.RateLimitError, match="slow down"):
        sdk(proxy_for(kind)).chat.completions.create(**CHAT)


@pytest.mark.parametrize("kind", KINDS)
def test_half_an_answer(proxy_for, sdk, upstream, kind):
    upstream.reply(answer(200, TYPE, b'{"object":"chat.completion","choices":[{"index":'))
    with pytest.raises(openai.InternalServerError) as caught:
        sdk(proxy_for(kind)).chat.completions.create(**CHAT)
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_protocol")


@pytest.mark.parametrize("kind", ["openai", "azure"])
def test_without_tools_answers_pass_as_they_come(proxy_for, upstream, kind):
    """Piece by piece, whatever they say: nothing of them is awaited."""
    proxy = proxy_for(kind)
    for body in [*(json.dumps(odd).encode() for odd, _ in ODD.values()), b'{"choices":[{"index":']:
        upstream.reply(answer(200, TYPE, body))
        assert proxy.ask(post_json("/v1/chat/completions", PLAIN)).body == body


@pytest.mark.parametrize("kind", ["openai", "azure"])
def test_tools_behind_a_long_conversation(proxy_for, sdk, upstream, kind):
    """Of a body that is sent on while it comes nobody knows yet whether it has tools."""
    upstream.reply(answer(200, TYPE, json.dumps(whole({"tool_calls": [call(id=None)]}, "tool_calls")).encode()))
    turns = [{"role": "user", "content": "x" * 600_000}]
    made = sdk(proxy_for(kind)).chat.completions.create(model="m", messages=turns, tools=TOOLS)
    assert made.choices[0].message.tool_calls[0].id
