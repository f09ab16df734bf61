"""Streams: each event at once, the end only when it is the end, and a cut that cannot be mistaken for one."""

from __future__ import annotations

import json

import openai
import pytest

from openai_server import USAGE, chat_chunks
from remora import PROMPT
from upstream import CLOSE, CUT, Gate, Pause, RESET, STALL
from wire import LAST_CHUNK, SSE_HEAD, answer as http_answer, chunk, event, post_json, request, sse_data

pytestmark = pytest.mark.proxy

CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": PROMPT}], "stream": True}
CHUNKS = [*chat_chunks({"model": "gpt-4o"})]
WITH_USAGE = [*chat_chunks({"model": "gpt-4o", "stream_options": {"include_usage": True}})]
DONE = event("[DONE]") + LAST_CHUNK


def raw_stream(proxy, **changes):
    """Asks for a stream on a raw socket and reads it to its end, clean or not."""
    with proxy.connect() as client:
        return client.ask(post_json("/v1/chat/completions", {**CHAT, **changes}))


def bodies(answer) -> list:
    """The events of an answer, decoded; `[DONE]` as itself."""
    return [data if data == "[DONE]" else json.loads(data) for data in sse_data(answer.body)]


# Promptness: the provider sends the next event only after the client has the last.


def test_each_event_at_once(plain, upstream):
    gates = [Gate() for _ in CHUNKS]
    upstream.reply(
        SSE_HEAD,
        *(step for gate, each in zip(gates, CHUNKS, strict=True) for step in (gate, event(each))),
        DONE,
    )
    with plain.connect() as client:
        client.send(post_json("/v1/chat/completions", CHAT))
        got = client.head()
        assert got.get("content-type").startswith("text/event-stream")
        for count, gate in enumerate(gates, 1):
            gate.open()
            while len(sse_data(got.body)) < count:
                got.body += client.chunk(got)
        while (data := client.chunk(got)) is not None:
            got.body += data
    assert bodies(got) == [*CHUNKS, "[DONE]"]


def test_head_before_the_first_event(plain, upstream):
    """The client may see that the request was accepted while the model still thinks."""
    gate = Gate()
    upstream.reply(SSE_HEAD, gate, event(CHUNKS[0]), DONE)
    with plain.connect() as client:
        client.send(post_json("/v1/chat/completions", CHAT))
        assert client.head().status == 200
        gate.open()


def test_events_in_single_bytes(plain, upstream):
    """Chunks and TLS records cut events anywhere."""
    whole = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in CHUNKS) + b"data: [DONE]\n\n"
    upstream.reply(SSE_HEAD, *(chunk(whole[index : index + 1]) for index in range(len(whole))), LAST_CHUNK)
    got = raw_stream(plain)
    assert got.complete and bodies(got) == [*CHUNKS, "[DONE]"]


def test_many_events_in_one_record(plain, upstream):
    upstream.reply(SSE_HEAD + b"".join(event(each) for each in CHUNKS * 50) + DONE)
    got = raw_stream(plain)
    assert got.complete and bodies(got) == [*(CHUNKS * 50), "[DONE]"]


def test_large_event(plain, upstream):
    big = {**CHUNKS[1], "padding": "x" * 400_000}
    upstream.reply(SSE_HEAD, event(big), DONE)
    assert bodies(raw_stream(plain)) == [big, "[DONE]"]


# Usage.


def test_usage_is_asked_for_and_taken_out(plain, upstream):
    got = raw_stream(plain)
    sent = upstream.last.json()
    assert sent == {**CHAT, "stream_options": {"include_usage": True}}
    events = bodies(got)
    assert events[-1] == "[DONE]"
    assert [each["choices"] for each in events[:-1]] == [each["choices"] for each in CHUNKS]
    assert all(each["choices"] for each in events[:-1]), "the extra chunk was left in"
    assert all(not each.get("usage") for each in events[:-1])


def test_usage_is_kept_when_asked_for(plain, upstream):
    got = raw_stream(plain, stream_options={"include_usage": True})
    events = bodies(got)
    assert events == [*WITH_USAGE, "[DONE]"]
    assert upstream.last.json()["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("options", [{"include_usage": False}, {}, {"include_obfuscation": False}, None])
def test_usage_with_other_options(plain, upstream, options):
    """The client's other options go along; its `false` is obeyed for what it sees."""
    got = raw_stream(plain, stream_options=options)
    assert all(each == "[DONE]" or each["choices"] for each in bodies(got))
    sent = upstream.last.json()["stream_options"]
    assert {**(options or {}), "include_usage": True} == sent


def test_usage_is_metered_either_way(plain, upstream):
    for asked in ({}, {"stream_options": {"include_usage": True}}):
        plain.mark_log()
        before = plain.total("remora_tokens_total", kind="input")
        raw_stream(plain, **asked)
        plain.access_log()
        assert plain.total("remora_tokens_total", kind="input") - before == USAGE["prompt_tokens"]


def test_usage_on_the_last_choice_chunk_stays(plain, upstream):
    """Some providers put usage beside the last choice: that chunk is no extra one."""
    last = {**CHUNKS[-1], "usage": USAGE}
    upstream.reply(SSE_HEAD, event(CHUNKS[0]), event(last), DONE)
    events = bodies(raw_stream(plain))
    assert [each["choices"] for each in events[:-1]] == [CHUNKS[0]["choices"], last["choices"]]


def test_splice_leaves_the_rest_of_the_request(plain, upstream):
    body = b'{"stream" : true, "seed":9007199254740993,"model":"gpt-4o","messages":[] }'
    upstream.reply(SSE_HEAD, event(CHUNKS[0]), DONE)
    plain.ask(post_json("/v1/chat/completions", body))
    sent = upstream.last.body
    assert json.loads(sent)["stream_options"] == {"include_usage": True}
    assert b'"stream" : true, "seed":9007199254740993,"model":"gpt-4o","messages":[]' in sent


# Framing that SDKs cannot read is made readable; the rest is left alone.


def test_comments_ids_and_retries_are_swallowed(plain, upstream):
    upstream.reply(
        SSE_HEAD,
        chunk(b": OPENROUTER PROCESSING\n\n"),
        chunk(b"retry: 3000\n\n"),
        chunk(b"id: 1\ndata: " + json.dumps(CHUNKS[0]).encode() + b"\n\n"),
        chunk(b":\n\n: ping\n\nid: 2\n\n"),
        chunk(b"event: ping\n\n"),
        event(CHUNKS[1]),
        DONE,
    )
    got = raw_stream(plain)
    assert bodies(got) == [CHUNKS[0], CHUNKS[1], "[DONE]"]
    for line in got.body.split(b"\n"):
        assert line == b"" or line.startswith(b"data: "), line


@pytest.mark.parametrize("ending", [LAST_CHUNK, CLOSE])
@pytest.mark.parametrize("cut", ["whole", "bytes"])
def test_a_stream_of_another_api_passes_byte_for_byte(plain, upstream, cut, ending):
    """A mark at its start, comments, ids, retry times, empty data, every line end, and a part without its end."""
    sent = b"\xef\xbb\xbf: hi\n\nid: 1\r\nretry: 7\r\ndata:\r\n\r\nevent: x\rdata: a\rdata\r\r"
    sent += b"\n\ndata: [DONE]\n\ndata:b\n\nx\0: 1\nid: 2\ndata: \xff"
    head = SSE_HEAD if ending == LAST_CHUNK else SSE_HEAD.replace(b"Transfer-Encoding: chunked\r\n", b"")
    pieces = [sent] if cut == "whole" else [sent[at : at + 1] for at in range(len(sent))]
    upstream.reply(head, *(chunk(each) if ending == LAST_CHUNK else each for each in pieces), ending)
    got = plain.ask(request("GET", "/v1/files/any"))
    assert (got.status, got.body, got.complete) == (200, sent, True)


def test_sdk_reads_odd_framing(sdk, plain, upstream):
    """CRLF, no space after the colon, a byte order mark, data over two lines: the SDK sees plain chunks."""
    first = json.dumps(CHUNKS[0]).encode()
    cut = first.index(b", ") + 1
    second = json.dumps(CHUNKS[1]).encode()
    upstream.reply(
        SSE_HEAD,
        chunk(b"\xef\xbb\xbf: hello\r\n\r\n"),
        chunk(b"data:" + first[:cut] + b"\r\ndata: " + first[cut:] + b"\r\n\r\n"),
        chunk(b"id: 7\r\nretry: 1\r\n\r\n"),
        chunk(b"data: " + second + b"\r\n\r"),
        chunk(b"\n"),
        DONE,
    )
    got = list(sdk(plain).chat.completions.create(**CHAT))
    assert [each.choices[0].delta.content for each in got] == [
        "",
        CHUNKS[1]["choices"][0]["delta"]["content"],
    ]


def test_empty_data_is_not_sent_on(sdk, plain, upstream):
    upstream.reply(SSE_HEAD, chunk(b"data:\n\n"), event(CHUNKS[0]), chunk(b"data: \n\n"), DONE)
    assert len(list(sdk(plain).chat.completions.create(**CHAT))) == 1


def test_named_events_keep_their_names(plain, upstream):
    upstream.reply(SSE_HEAD, event({"type": "response.created"}, "response.created"), LAST_CHUNK)
    got = plain.ask(post_json("/v1/responses", {"model": "gpt-4o", "input": "x", "stream": True}))
    assert b"event: response.created\ndata: " in got.body


def test_provider_error_event_reaches_the_client(sdk, plain, upstream):
    failure = {"error": {"message": "model fell over", "type": "server_error", "param": None, "code": None}}
    upstream.reply(SSE_HEAD, event(CHUNKS[0]), event(failure), LAST_CHUNK)
    with pytest.raises(openai.APIError, match="model fell over"):
        list(sdk(plain).chat.completions.create(**CHAT))


# The end.


def test_done_only_after_the_end(plain, upstream):
    """A finish reason for every choice is an end; the missing [DONE] is the proxy's to add."""
    upstream.reply(SSE_HEAD, *(event(each) for each in CHUNKS), LAST_CHUNK)
    got = raw_stream(plain)
    assert got.complete and bodies(got)[: len(CHUNKS)] == CHUNKS
    assert sse_data(got.body).count("[DONE]") <= 1


def test_clean_close_after_done(plain, upstream):
    """A stream delimited by the connection's end, ended as TLS ends."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    whole = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in CHUNKS) + b"data: [DONE]\n\n"
    upstream.reply(head + whole, CLOSE)
    got = raw_stream(plain)
    assert got.complete and bodies(got) == [*CHUNKS, "[DONE]"]


BEGUN = (SSE_HEAD, event(CHUNKS[0]), event(CHUNKS[1]))
UNCHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
CUTS = {
    "FIN": (*BEGUN, CLOSE),
    "TLS without close_notify": (*BEGUN, CUT),
    "RST": (*BEGUN, RESET),
    "within a chunk": (*BEGUN, b'ff\r\ndata: {"choi', CLOSE),
    "within an event": (*BEGUN, chunk(b'data: {"choices":[{"ind'), CLOSE),
    "last chunk within an event": (*BEGUN, chunk(b'data: {"choices":[{"ind'), LAST_CHUNK),
    "last chunk before any finish": (*BEGUN, LAST_CHUNK),
    "bad chunk size": (*BEGUN, b"zz\r\nabc\r\n", STALL),
    "close-delimited, no close_notify": (
        UNCHUNKED + b"data: " + json.dumps(CHUNKS[0]).encode() + b"\n\n",
        CUT,
    ),
    "close-delimited, no finish": (UNCHUNKED + b"data: " + json.dumps(CHUNKS[0]).encode() + b"\n\n", CLOSE),
}


@pytest.mark.parametrize("name", CUTS)
def test_cut_is_an_error(sdk, plain, upstream, name):
    """The SDK raises, after it has had every event that arrived."""
    upstream.reply(*CUTS[name])
    seen = []
    with pytest.raises(openai.APIError) as caught:
        for each in sdk(plain).chat.completions.create(**CHAT):
            seen.append(each)
    assert seen and seen[0].choices[0].delta.role == "assistant"
    assert caught.value.message
    plain.check_alive()


@pytest.mark.parametrize("name", CUTS)
def test_cut_breaks_the_transfer_coding(plain, upstream, name):
    upstream.reply(*CUTS[name])
    got = raw_stream(plain)
    assert not got.complete, "the transfer coding ended as if all were well"
    events = bodies(got)
    assert "[DONE]" not in events
    error = events[-1]["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "upstream_error"


def test_idle_stream_ends_in_an_error(start_remora, sdk, upstream):
    proxy = start_remora(upstream, provider={"timeouts": {"idle": "300ms"}})
    upstream.reply(*BEGUN, STALL)
    with pytest.raises(openai.APIError):
        list(sdk(proxy).chat.completions.create(**CHAT))
    assert upstream.last.connection.closed.wait(5)


def test_slow_stream_is_not_idle(start_remora, sdk, upstream):
    """The idle limit is between bytes, not over the whole."""
    proxy = start_remora(upstream, provider={"timeouts": {"idle": "400ms", "first_byte": "400ms"}})
    upstream.reply(SSE_HEAD, *(step for each in CHUNKS for step in (Pause(0.15), event(each))), DONE)
    assert len(list(sdk(proxy).chat.completions.create(**CHAT))) == len(CHUNKS)


@pytest.mark.parametrize("name", ["FIN", "TLS without close_notify", "RST", "within a chunk"])
def test_cut_stream_is_logged_as_one(plain, upstream, name):
    plain.mark_log()
    upstream.reply(*CUTS[name])
    raw_stream(plain)
    line = plain.access_log()[-1]
    assert line["status"] == 200
    assert any(
        "eof" in str(value) or "cut" in str(value) or "error" in str(value) for value in line.values()
    ), line


def test_cut_answer_is_never_whole(plain, upstream):
    """The same for answers that are no stream: a short body is a broken one."""
    for ending in (CLOSE, CUT, RESET):
        upstream.reply(
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Type: text/plain\r\n\r\nabc", ending
        )
        with plain.connect() as client:
            client.send(b"GET /v1/files/any HTTP/1.1\r\nHost: localhost\r\n\r\n")
            got = client.response()
            assert not got.complete or got.status == 502


# The client's side.


@pytest.mark.parametrize("leave", ["close", "reset", "finish_sending"])
def test_client_gone(plain, upstream, leave):
    """FIN or RST while the answer is under way: the provider is told at once."""
    upstream.reply(*BEGUN, STALL)
    with plain.connect() as client:
        client.send(post_json("/v1/chat/completions", CHAT))
        client.head()
        getattr(client, leave)()
        assert upstream.wait_requests(1)[0].connection.closed.wait(2)
    plain.check_alive()


@pytest.mark.parametrize("leave", ["close", "reset", "finish_sending"])
def test_client_that_leaves_behind_the_last_event_has_had_it_all(start_remora, upstream, leave):
    """SDKs do: they see `[DONE]`, and don't wait for the end of the framing, which comes in a packet of its own."""
    proxy = start_remora(upstream)
    gate = Gate()
    upstream.reply(SSE_HEAD, *map(event, CHUNKS), event("[DONE]"), gate, LAST_CHUNK)
    with proxy.connect() as client:
        client.send(post_json("/v1/chat/completions", CHAT))
        client.until(b"[DONE]\n\n")
        getattr(client, leave)()
        assert proxy.access_log()[0]["end"] == "complete"
        if leave == "finish_sending":
            assert client.rest().endswith(b"0\r\n\r\n")
    gate.open()
    assert proxy.total("remora_streams_ended_total", reason="client_gone") == 0


def test_client_gone_is_counted_once(start_remora, upstream):
    # One of its own: whoever left a shared one just now may still be about to be counted.
    proxy = start_remora(upstream)
    upstream.reply(*BEGUN, STALL)
    with proxy.connect() as client:
        client.send(post_json("/v1/chat/completions", CHAT))
        client.head()
    proxy.access_log()
    assert proxy.total("remora_requests_total") == 1
    assert proxy.total("remora_requests_in_flight") == 0


def test_connection_serves_on_after_a_stream(plain, upstream):
    """A whole stream leaves both connections usable."""
    with plain.connect() as client:
        for _ in range(3):
            got = client.ask(post_json("/v1/chat/completions", CHAT))
            assert got.complete and bodies(got)[-1] == "[DONE]"
    assert len({id(each.connection) for each in upstream.requests}) == 1


@pytest.mark.slow
@pytest.mark.proxy
def test_silence_is_bridged_and_has_an_end(start_remora, upstream):
    """After 15 s a comment in the one form that every SDK ignores; it does not put off the idle limit."""
    proxy = start_remora(upstream, provider={"timeouts": {"idle": "17s"}})
    upstream.reply(SSE_HEAD, event(next(chat_chunks({"model": "gpt-4o"}))), STALL)
    with proxy.connect(timeout=30) as client:
        client.send(post_json("/v1/chat/completions", {**CHAT, "stream": True}))
        got = client.response()
    assert not got.complete
    # A single line end: the next event follows at once.
    assert got.body.count(b"\n\n: remora\ndata: ") == 1 and got.body.count(b": remora") == 1
    assert b"upstream_timeout" in got.body


def test_a_length_that_the_provider_gives_for_its_stream(plain, sdk, upstream):
    """Usage that nobody asked for is taken out again: the provider's length is no longer the body's."""
    body = b"".join(b"data: %s\n\n" % json.dumps(each).encode() for each in WITH_USAGE) + b"data: [DONE]\n\n"
    upstream.reply(http_answer(200, {"Content-Type": "text/event-stream"}, body))
    got = raw_stream(plain)
    assert got.complete
    assert bodies(got)[-1] == "[DONE]" and not any("usage" in each for each in bodies(got)[:-1])
