"""Answers of the Responses and the Messages API in another framing than was asked for, and answers that are none at all."""

from __future__ import annotations

import json

import anthropic
import pytest

from remora import CALLER_KEY
from test_framing import BODIES, PASSED, STREAM, WHOLE, head
from wire import LAST_CHUNK, answer, chunk, event, json_answer, post_json

pytestmark = pytest.mark.proxy

NOTE = {"type": "url_citation", "start_index": 0, "end_index": 2, "url": "https://a", "title": "a"}
RESPONSE = {
    "id": "resp_1", "object": "response", "created_at": 7, "status": "completed", "model": "m", "error": None,
    "incomplete_details": None, "parallel_tool_calls": True, "tools": [], "tool_choice": "auto",
    "output": [
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm\u00e9"}]},
        {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "zw\u00f6lf \"sind\"\nes", "annotations": [NOTE]},
            {"type": "refusal", "refusal": "no"}]},
        {"id": "fc_1", "type": "function_call", "call_id": "c", "name": "look", "arguments": '{"a": 1}',
         "status": "completed"},
        {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}},
    ],
    "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7,
              "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 1}},
}
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "stop_reason": "tool_use",
    "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 4},
    "content": [
        {"type": "thinking", "thinking": "hm\u00e9", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZGF0YQ=="},
        {"type": "text", "text": "zw\u00f6lf \"sind\"\nes", "citations": [
            {"type": "char_location", "cited_text": "a", "document_index": 0, "document_title": None,
             "start_char_index": 0, "end_char_index": 1}]},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"a": [1, "\u00e9"]}},
        {"type": "tool_use", "id": "toolu_2", "name": "wait", "input": {}},
    ],
}
ASK = {"model": "gateway/m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}


def indented(value: dict) -> bytes:
    """With line ends, which would end a line of an event."""
    return answer(200, {"Content-Type": "application/json"}, json.dumps(value, indent=1).encode())


def events_of(stream: bytes) -> list[dict]:
    return [json.loads(line[6:]) for line in stream.decode().splitlines() if line.startswith("data: {")]


@pytest.fixture
def claude():
    """`claude(proxy)` makes a client of Anthropic's SDK, closed when the test ends."""
    clients = []

    def make(proxy):
        clients.append(anthropic.Anthropic(
            base_url=proxy.origin, api_key=CALLER_KEY, max_retries=0, timeout=10,
            http_client=anthropic.DefaultHttpxClient(trust_env=False)))
        return clients[-1]

    yield make
    for each in clients:
        each.close()


def native(upstream) -> dict:
    return {"kind": "anthropic", "base_url": upstream.origin}


# The Responses API.


def test_a_whole_response_for_a_stream_becomes_a_stream(start_remora, upstream, sdk):
    proxy = start_remora(upstream, provider={"kind": "openai"})
    upstream.reply(indented(RESPONSE))
    with sdk(proxy).responses.stream(model="gateway/m", input="Hi") as stream:
        seen = list(stream)
        final = stream.get_final_response()
    assert [each.sequence_number for each in seen] == list(range(len(seen)))
    assert "".join(each.delta for each in seen if each.type == "response.output_text.delta") == 'zw\u00f6lf "sind"\nes'
    assert final.output_text == 'zw\u00f6lf "sind"\nes' and final.usage.output_tokens == 4
    assert proxy.total("remora_tokens_total", kind="output") == 4 and proxy.access_log()[-1]["stream"] is True


def test_the_events_of_a_response_build_up_what_it_says(start_remora, upstream):
    """By the deltas alone, as clients do that show an answer while it comes."""
    proxy = start_remora(upstream, provider={"kind": "openai"})
    upstream.reply(indented(RESPONSE))
    got = proxy.ask(post_json("/v1/responses", {"model": "gateway/m", "input": "Hi", "stream": True}))
    events = events_of(got.body)
    assert events[0]["x_remora"]["provider"] == "gateway" and not any("x_remora" in each for each in events[1:])
    assert events[0]["response"]["output"] == [] and events[0]["response"]["status"] == "in_progress"
    built: list[dict] = []
    for each in events:
        match each["type"]:
            case "response.output_item.added": built.append(each["item"])
            case "response.content_part.added": built[each["output_index"]]["content"].append(each["part"])
            case "response.reasoning_summary_part.added": built[each["output_index"]]["summary"].append(each["part"])
            case "response.output_text.delta":
                built[each["output_index"]]["content"][each["content_index"]]["text"] += each["delta"]
            case "response.output_text.annotation.added":
                built[each["output_index"]]["content"][each["content_index"]]["annotations"].append(each["annotation"])
            case "response.refusal.delta":
                built[each["output_index"]]["content"][each["content_index"]]["refusal"] += each["delta"]
            case "response.reasoning_summary_text.delta":
                built[each["output_index"]]["summary"][each["summary_index"]]["text"] += each["delta"]
            case "response.function_call_arguments.delta": built[each["output_index"]]["arguments"] += each["delta"]
        if each["type"] == "response.output_item.done":
            built[each["output_index"]] |= {"status": each["item"]["status"]} if "status" in each["item"] else {}
            assert built[each["output_index"]] == each["item"]
    assert built == RESPONSE["output"] and events[-1]["type"] == "response.completed"
    assert events[-1]["response"] == RESPONSE


@pytest.mark.parametrize("status, last", [("incomplete", "response.incomplete"), ("failed", "response.failed")])
def test_a_whole_response_ends_its_stream_as_it_ended(start_remora, upstream, status, last):
    proxy = start_remora(upstream, provider={"kind": "openai"})
    told = RESPONSE | {"status": status, "output": [], "error": {"code": "server_error", "message": "odd"}}
    upstream.reply(json_answer(told))
    got = proxy.ask(post_json("/v1/responses", {"model": "gateway/m", "input": "Hi", "stream": True}))
    assert events_of(got.body)[-1]["type"] == last and events_of(got.body)[-1]["response"]["error"] == told["error"]


@pytest.mark.parametrize("refusal", [None, {"a": "\n\ndata: {}\n\n"}, 7])
def test_a_refusal_that_is_no_text_is_no_delta(start_remora, upstream, refusal):
    proxy = start_remora(upstream, provider={"kind": "openai", "responses": "native"})
    item = {"id": "m" * 2000, "type": "message", "content": [{"type": "refusal", "refusal": refusal}]}
    text = json.dumps(RESPONSE | {"output": [item]}, indent=1)
    upstream.reply(answer(200, {"Content-Type": "application/json"}, text.encode()))
    got = proxy.ask(post_json("/v1/responses", {"model": "gateway/m", "input": "Hi", "stream": True}))
    told = [json.loads(line[6:]) for line in got.body.decode().split("\n") if line.startswith("data: ")]
    assert told[-1]["type"] == "response.completed" and "response.refusal.delta" not in [each["type"] for each in told]
    assert all(not each.get("item_id") for each in told)


def test_a_response_that_is_not_over_is_no_stream(start_remora, upstream):
    proxy = start_remora(upstream, provider={"kind": "openai"})
    upstream.reply(json_answer(RESPONSE | {"status": "queued", "output": []}))
    got = proxy.ask(post_json("/v1/responses", {"model": "gateway/m", "input": "Hi", "stream": True}))
    assert got.status == 502 and got.json()["error"]["code"] == "upstream_protocol"


@pytest.mark.parametrize("last, code", [
    ({"type": "response.completed", "response": RESPONSE}, 200),
    ({"type": "response.failed", "response": RESPONSE | {"status": "failed", "error": {"code": "c", "message": "odd"}}}, 200),
    ({"type": "error", "code": "server_error", "message": "odd", "param": None}, 502)])
def test_a_stream_for_a_whole_response_is_collected(start_remora, upstream, last, code):
    proxy = start_remora(upstream, provider={"kind": "openai"})
    first = {"type": "response.created", "response": RESPONSE | {"status": "in_progress", "output": []}}
    upstream.reply(head(b"text/event-stream"), event(json.dumps(first), first["type"]),
                   event(json.dumps(last), last["type"]), LAST_CHUNK)
    got = proxy.ask(post_json("/v1/responses", {"model": "gateway/m", "input": "Hi"}))
    assert got.status == code
    if code == 200:
        assert {name: value for name, value in got.json().items() if name != "x_remora"} == last["response"]
    else:
        assert got.json()["error"]["message"] == "odd"


# The Messages API, of a provider that has it.


def test_a_whole_message_for_a_stream_becomes_a_stream(start_remora, upstream, claude):
    proxy = start_remora(upstream, provider=native(upstream))
    upstream.reply(indented(MESSAGE))
    with claude(proxy).messages.stream(**ASK) as stream:
        assert "".join(stream.text_stream) == 'zw\u00f6lf "sind"\nes'
        final = stream.get_final_message()
    got = json.loads(final.to_json())
    assert {name: got[name] for name in MESSAGE} == MESSAGE
    assert proxy.total("remora_tokens_total", kind="output") == 4


def message_events() -> list[bytes]:
    """As Anthropic says the message: a text in pieces, a call's input in pieces, usage at both ends."""
    def told(name: str, **members: object) -> bytes:
        return event(json.dumps({"type": name, **members}), name)

    def delta(at: int, kind: str, **members: object) -> bytes:
        return told("content_block_delta", index=at, delta={"type": kind, **members})

    thinking, redacted, text, call, bare = MESSAGE["content"]
    start = MESSAGE | {"content": [], "stop_reason": None, "usage": {"input_tokens": 3, "output_tokens": 1}}
    return [
        told("message_start", message=start),
        told("content_block_start", index=0, content_block=thinking | {"thinking": "", "signature": ""}),
        told("ping"),
        delta(0, "thinking_delta", thinking=thinking["thinking"][:1]), delta(0, "thinking_delta", thinking=thinking["thinking"][1:]),
        delta(0, "signature_delta", signature=thinking["signature"]), told("content_block_stop", index=0),
        told("content_block_start", index=1, content_block=redacted), told("content_block_stop", index=1),
        told("content_block_start", index=2, content_block={"type": "text", "text": "", "citations": []}),
        delta(2, "text_delta", text=text["text"][:4]), delta(2, "citations_delta", citation=text["citations"][0]),
        delta(2, "text_delta", text=text["text"][4:]), told("content_block_stop", index=2),
        told("content_block_start", index=3, content_block=call | {"input": {}}),
        delta(3, "input_json_delta", partial_json=""), delta(3, "input_json_delta", partial_json='{"a": [1, '),
        delta(3, "input_json_delta", partial_json='"\u00e9"]}'), told("content_block_stop", index=3),
        told("content_block_start", index=4, content_block=bare), delta(4, "input_json_delta", partial_json=""),
        told("content_block_stop", index=4),
        told("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 4}),
        told("message_stop"),
    ]


@pytest.mark.parametrize("kind", [b"text/event-stream", b"application/json", b"text/plain", None])
def test_a_stream_for_a_whole_message_is_collected(start_remora, upstream, claude, kind):
    proxy = start_remora(upstream, provider=native(upstream))
    upstream.reply(head(kind), *message_events(), LAST_CHUNK)
    got = json.loads(claude(proxy).messages.create(**ASK).to_json())
    assert got.pop("x_remora")["provider"] == "gateway" and got == MESSAGE
    assert proxy.total("remora_tokens_total", kind="output") == 4


def test_a_stream_for_a_whole_message_that_breaks_off_is_no_answer(start_remora, upstream):
    proxy = start_remora(upstream, provider=native(upstream))
    upstream.reply(head(b"text/event-stream"), *message_events()[:-1], LAST_CHUNK)
    got = proxy.ask(post_json("/v1/messages", ASK))
    assert got.status == 502 and got.json()["type"] == "error"


def test_an_error_in_a_stream_for_a_whole_message_is_an_error(start_remora, upstream):
    proxy = start_remora(upstream, provider=native(upstream))
    told = {"type": "error", "error": {"type": "overloaded_error", "message": "too much"}}
    upstream.reply(head(b"text/event-stream"), message_events()[0], event(json.dumps(told), "error"), LAST_CHUNK)
    got = proxy.ask(post_json("/v1/messages", ASK))
    assert got.status == 502 and got.json()["error"]["message"] == "too much"


# What is no answer, and what an answer is called.

ASKED = [(kind, path, streams) for kind in (*PASSED, "anthropic") for path in BODIES for streams in (False, True)
         if kind != "anthropic" or path == "/v1/messages"]


@pytest.mark.parametrize("kind, path, streams", [each for each in ASKED if each[1:] != ("/v1/embeddings", True)])
def test_what_is_no_answer_is_502(start_remora, upstream, kind, path, streams):
    own = {"base_url": upstream.origin} if kind == "anthropic" else {"responses": "native"}
    proxy = start_remora(upstream, provider={"kind": kind, **own})
    asked = {"model": "gateway/m", **BODIES[path]} | ({"stream": True} if streams else {})
    for media in ("application/json", "text/plain", None):
        fields = {"Content-Type": media} if media else {}
        for body in (b"", b"[]", b"[1, 2, 3]", b'"text"', b"no JSON"):
            upstream.reply(answer(200, fields, body))
            got = proxy.ask(post_json(path, asked))
            assert (got.status, proxy.access_log()[-1]["error_code"]) == (502, "upstream_protocol"), (media, body, got.body)
        upstream.reply(head(media and media.encode()), LAST_CHUNK)
        assert proxy.ask(post_json(path, asked)).status == 502, media
    upstream.reply(answer(204, {}, b""))
    got = proxy.ask(post_json(path, asked))
    assert got.status == 502 and b"without a body" in got.body
    if streams:
        upstream.reply(json_answer({}))
        assert proxy.ask(post_json(path, asked)).status == 502


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/responses/input_tokens"])
def test_events_are_no_answer_where_there_are_no_streams(start_remora, upstream, path):
    proxy = start_remora(upstream, provider={"kind": "openai"})
    for media in (b"text/event-stream", b"application/json", None):
        upstream.reply(head(media), *STREAM, LAST_CHUNK)
        got = proxy.ask(post_json(path, {"model": "gateway/m", "input": "Hi"}))
        assert got.status == 502 and got.json()["error"]["code"] == "upstream_protocol"


@pytest.mark.parametrize("kind", PASSED)
def test_events_that_are_called_json_become_what_was_asked_for(start_remora, upstream, kind, sdk):
    proxy = start_remora(upstream, provider={"kind": kind})
    for pieces in (STREAM, [chunk(bytes([byte])) for byte in b"".join(each.split(b"\r\n", 1)[1][:-2] for each in STREAM)]):
        upstream.reply(head(b"application/json"), *pieces, LAST_CHUNK)
        got = sdk(proxy).chat.completions.create(model="gateway/m", messages=ASK["messages"])
        assert got.choices[0].message.content == "zw\u00f6lf" and got.usage.completion_tokens == 4
        upstream.reply(head(b"application/json"), *pieces, LAST_CHUNK)
        stream = sdk(proxy).chat.completions.create(model="gateway/m", messages=ASK["messages"], stream=True)
        assert "".join(each.choices[0].delta.content or "" for each in stream if each.choices) == "zw\u00f6lf"
        assert stream.response.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("kind", ["openai", "mistral"])
@pytest.mark.parametrize("named, wanted", [
    ("text/plain", "application/json"), ("text/json", "application/json"), ("application/octet-stream", "application/json"),
    (None, "application/json"), ("application/vnd.api+json", "application/vnd.api+json"),
    ("application/json; charset=utf-8", "application/json; charset=utf-8")])
def test_json_is_called_json(start_remora, upstream, kind, named, wanted):
    proxy = start_remora(upstream, provider={"kind": kind})
    for name, body in (("/v1/chat/completions", WHOLE), ("/v1/embeddings", {"object": "list", "data": [], "model": "m"})):
        upstream.reply(answer(200, {"Content-Type": named} if named else {}, json.dumps(body).encode()))
        got = proxy.ask(post_json(name, {"model": "gateway/m", **BODIES[name]}))
        assert got.get("content-type") == wanted and got.json()["x_remora"]["provider"] == "gateway"
