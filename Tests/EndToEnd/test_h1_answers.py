"""Answers at HTTP/1.1's edges: what a provider sends, and what the client gets of it, byte by byte.

An answer that is not whole must not look whole, and none may leave bytes behind that pass for the next one. Ids
such as H1-83 are explained in `test_h1_requests.py`.
"""

from __future__ import annotations

import pytest

from strict import LAST, covers, message_of, plain_text, refusal, take, to_client, to_provider
from upstream import CLOSE, CUT, Gate, RESET, STALL
from wire import SSE_HEAD, answer, chunk, event, post_json, request

pytestmark = pytest.mark.proxy

OK = b"HTTP/1.1 200 OK\r\n"
CODED = b"Transfer-Encoding: chunked\r\n"
ASK = request("GET", "/v1/files/any")
ASKED = to_provider(b"GET /v1/files/any")
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}


def length(count: int) -> bytes:
    return b"Content-Length: %d\r\n" % count


# (title, the provider's bytes). The client is told what is wrong, and nothing of the answer.
REFUSED = take([
    ("H1-82 bad size at once", OK + CODED + b"\r\nzz\r\n"),
    ("H1-82 bad size behind a chunk", OK + CODED + b"\r\n3\r\nabc\r\nzz\r\n"),
    ("H1-82 bad size of an event stream", OK + CODED + b"Content-Type: text/event-stream\r\n\r\nzz\r\n"),
    ("H1-82 bad size of an error", b"HTTP/1.1 404 Not Found\r\n" + CODED + b"\r\n3\r\nabc\r\nzz\r\n"),
    ("size ends in LF", OK + CODED + b"\r\n3\nabc\r\n" + LAST),
    ("size with a blank", OK + CODED + b"\r\n3 \r\nabc\r\n" + LAST),
    ("H1-83 two lengths", OK + length(3) + length(4) + b"\r\nabcd"),
    ("H1-83 list of lengths", OK + b"Content-Length: 3, 4\r\n\r\nabcd"),
    ("length that is none", OK + b"Content-Length: x\r\n\r\nabcd"),
    ("length with a plus", OK + b"Content-Length: +3\r\n\r\nabc"),
    ("length of 2^64 + 3", OK + b"Content-Length: 18446744073709551619\r\n\r\nabc"),
    ("length that is empty", OK + b"Content-Length:\r\n\r\nabc"),
    ("unknown coding", OK + b"Transfer-Encoding: gzip\r\n\r\n"),
    ("coding under chunked", OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + LAST),
    ("coding over chunked", OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n" + LAST),
    ("chunked twice", OK + CODED + CODED + b"\r\n" + LAST),
    ("chunked in 1.0", b"HTTP/1.0 200 OK\r\n" + CODED + b"\r\n" + LAST),
    ("H1-88 unasked 101", b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
    ("H1-90 status of two digits", b"HTTP/1.1 20 OK\r\n" + length(0) + b"\r\n"),
    ("H1-90 status of four digits", b"HTTP/1.1 2000 OK\r\n" + length(0) + b"\r\n"),
    ("H1-90 status of letters", b"HTTP/1.1 2x0 OK\r\n" + length(0) + b"\r\n"),
    ("H1-91 status 999", b"HTTP/1.1 999 Odd\r\n" + length(0) + b"\r\n"),
    ("H1-91 status 600", b"HTTP/1.1 600 Odd\r\n" + length(0) + b"\r\n"),
    ("H1-91 status 099", b"HTTP/1.1 099 Odd\r\n" + length(0) + b"\r\n"),
    ("H1-92 NUL in a value", OK + b"X: a\0b\r\n" + length(0) + b"\r\n"),
    ("NUL in the reason", b"HTTP/1.1 200 O\0K\r\n" + length(0) + b"\r\n"),
    ("H1-93 field of 70 kB", OK + b"X: " + b"y" * 70_000 + b"\r\n" + length(0) + b"\r\n"),
    ("129 fields", OK + b"X: 1\r\n" * 128 + length(0) + b"\r\n"),
    ("version 2", b"HTTP/2 200\r\n" + length(0) + b"\r\n"),
    ("version 2.0", b"HTTP/2.0 200 OK\r\n" + length(0) + b"\r\n"),
    ("another protocol", b"SSH-2.0-OpenSSH_9\r\n"),
    ("version 0.9", b"hello\r\n"),
    ("empty line first", b"\r\n" + OK + length(0) + b"\r\n"),
    ("space before the colon", OK + b"Content-Length : 0\r\n\r\n"),
    ("folded line", OK + b"X: a\r\n b\r\n" + length(0) + b"\r\n"),
    ("bare LF", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
    ("bare CR in a value", OK + b"X: a\rb\r\n" + length(0) + b"\r\n"),
    ("empty name", OK + b": a\r\n" + length(0) + b"\r\n"),
    ("line without a colon", OK + b"nonsense\r\n" + length(0) + b"\r\n"),
    ("body behind an interim answer", b"HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\nabc" + answer()),
    ("interim answers without end", b"HTTP/1.1 102 Processing\r\n\r\n" * 5_000),
])  # fmt: skip


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row[0])
@pytest.mark.parametrize("cut", ["whole", "bytes"])
def test_refused(plain, upstream, row, cut):
    _, bad = row
    if cut == "bytes" and (len(bad) > 1000 or row[0].startswith("H1-82") or row[0].startswith("size")):
        pytest.skip("too long to send byte by byte, or about what comes at once")
    upstream.reply(*([bad] if cut == "whole" else [bytes([byte]) for byte in bad]), STALL)
    with plain.connect() as client:
        client.send(ASK)
        # The client's own request was in order: its connection goes on.
        got = client.until(b"}}")
        got = plain_text(got, upstream)
        assert got == refusal(502, message_of(got), "upstream_protocol", upstream=True, closes=False)
        assert_next_is_its_own(client, upstream, same_connection=False)


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row[0])
def test_refused_where_json_is_expected(plain, upstream, row):
    upstream.reply(row[1], STALL)
    got = plain.ask(post_json("/v1/chat/completions", CHAT))
    assert (got.status, got.error["code"]) == (502, "upstream_protocol")


# (title, the provider's bytes, what the client gets, whether the provider's connection serves the next request).
PASSED = take([
    ("H1-84 chunked wins over length", OK + length(99) + CODED + b"\r\n3\r\nabc\r\n" + LAST,
     to_client(200, framing=CODED, body=chunk(b"abc") + LAST), False),
    ("equal lengths", OK + length(3) + length(3) + b"\r\nabc", to_client(200, body=b"abc"), True),
    ("H1-86 a second answer behind the body", answer(200, {}, b"ok") + answer(200, {}, b"evil"),
     to_client(200, body=b"ok"), False),
    ("H1-86 a second answer behind the last chunk",
     OK + CODED + b"\r\n2\r\nok\r\n" + LAST + answer(200, {}, b"evil"),
     to_client(200, framing=CODED, body=chunk(b"ok") + LAST), False),
    ("H1-87 100 and 102",
     b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: 1\r\n\r\n" + answer(200, {}, b"ok"),
     to_client(200, body=b"ok"), True),
    ("H1-87 103", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nConnection: X\r\nX: 1\r\n\r\n" + answer(200, {}, b"ok"),
     b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + to_client(200, body=b"ok"), True),
    ("H1-89 204 with a length", b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc",
     to_client(204, framing=b""), False),
    ("H1-89 204 in chunks", b"HTTP/1.1 204 No Content\r\n" + CODED + b"\r\n" + LAST, to_client(204, framing=b""),
     False),
    ("204", b"HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n", to_client(204, b"X: 1\r\n", framing=b""), True),
    ("304 with a length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n",
     to_client(304, framing=length(3)), True),
    ("304 with a body", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\nabc",
     to_client(304, framing=length(3)), False),
    ("H1-94 what ends at this hop",
     OK + b"Connection: keep-alive, X-Int\r\nX-Int: 1\r\nKeep-Alive: timeout=60\r\nProxy-Authenticate: Basic\r\n"
     b"Proxy-Connection: keep-alive\r\nUpgrade: h2c\r\nX: 1\r\n" + length(2) + b"\r\nok",
     to_client(200, b"X: 1\r\n", b"ok"), True),
    ("what a client needs",
     OK + b"Date: today\r\nServer: x\r\nRetry-After: 7\r\nx-ratelimit-limit-requests: 1\r\nopenai-version: 2\r\n"
     b"Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nx-request-id: theirs\r\n" + length(2) + b"\r\nok",
     to_client(200, b"Date: today\r\nServer: x\r\nRetry-After: 7\r\nx-ratelimit-limit-requests: 1\r\n"
               b"openai-version: 2\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nx-remora-upstream-request-id: theirs\r\n",
               b"ok"), True),
    ("H1-95 trailers that nobody asked for",
     OK + CODED + b"Trailer: x-sum\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n",
     to_client(200, framing=CODED, body=chunk(b"ok") + LAST), True),
    ("no reason", b"HTTP/1.1 200\r\n" + length(2) + b"\r\nok", to_client(200, body=b"ok"), True),
    ("a reason of any bytes", b"HTTP/1.1 200 Gr\xfc\xdf\te\r\n" + length(2) + b"\r\nok", to_client(200, body=b"ok"),
     True),
    ("high bytes in a value", OK + b"X: \xc3\xa9\xff\r\n" + length(2) + b"\r\nok",
     to_client(200, b"X: \xc3\xa9\xff\r\n", b"ok"), True),
    ("extensions", OK + CODED + b'\r\n2;a="b"\r\nok\r\n0;c\r\n\r\n',
     to_client(200, framing=CODED, body=chunk(b"ok") + LAST), True),
    ("connection that ends", OK + b"Connection: close\r\n" + length(2) + b"\r\nok", to_client(200, body=b"ok"), False),
    ("version 1.0", b"HTTP/1.0 200 OK\r\n" + length(2) + b"\r\nok", to_client(200, body=b"ok"), False),
    ("version 1.0 that goes on", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + length(2) + b"\r\nok",
     to_client(200, body=b"ok"), True),
    ("version 1.2", b"HTTP/1.2 200 OK\r\n" + length(2) + b"\r\nok", to_client(200, body=b"ok"), True),
    ("no body", OK + length(0) + b"\r\n", to_client(200), True),
])  # fmt: skip


@pytest.mark.parametrize("row", PASSED, ids=lambda row: row[0])
@pytest.mark.parametrize("cut", ["whole", "bytes"])
def test_passed(plain, upstream, row, cut):
    _, sent, expected, is_kept = row
    if cut == "bytes" and CODED in sent:
        pytest.skip("chunks are cut anew: see test_answer_in_single_bytes")
    upstream.reply(*([sent] if cut == "whole" else [bytes([byte]) for byte in sent]))
    with plain.connect() as client:
        client.send(ASK)
        # Not a byte more than is due: the id that Remora makes is longer than the word that stands for it.
        got = client.exactly(len(expected) - len(b"ID") + len(b"req_") + 32)
        assert plain_text(got, upstream) == expected
        upstream.wait_said()
        assert_next_is_its_own(client, upstream, same_connection=is_kept)


def assert_next_is_its_own(client, upstream, *, same_connection: bool) -> None:
    """The same client's next request gets its own answer, and from which of the provider's connections."""
    upstream.reply(answer(200, {}, b"next"))
    client.send(request("GET", "/v1/echo/next"))
    assert plain_text(client.until(b"next"), upstream) == to_client(200, body=b"next")
    first, second = upstream.requests
    assert (first.connection is second.connection) == same_connection
    reached = bytes(first.connection.raw)
    if first.connection is not second.connection:
        reached += bytes(second.connection.raw)
    assert plain_text(reached, upstream) == ASKED + to_provider(b"GET /v1/echo/next")


@covers("H1-89")
def test_no_content_is_no_stream(plain, upstream):
    """Whatever its type says: behind it comes the next answer, and nothing else."""
    upstream.reply(b"HTTP/1.1 204 No Content\r\nContent-Type: text/event-stream\r\n\r\n")
    upstream.reply(answer(200, {}, b"next"))
    with plain.connect() as client:
        client.send(post_json("/v1/files", {**CHAT, "stream": True}) + ASK)
        assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 204 No Content\r\nContent-Type: text/event-stream\r\n")
        assert plain_text(client.until(b"next"), upstream) == to_client(200, body=b"next")


# (title, steps, what the client gets before the connection ends, the log's word for the end).
CUT_SHORT = take([
    ("H1-80 end within a length", (OK + length(10) + b"\r\nabc", CLOSE),
     to_client(200, framing=length(10), body=b"abc"), "upstream_eof"),
    ("H1-80 end of TCP alone within a length", (OK + length(10) + b"\r\nabc", CUT),
     to_client(200, framing=length(10), body=b"abc"), "upstream_eof"),
    ("reset within a length", (OK + length(10) + b"\r\nabc", RESET),
     to_client(200, framing=length(10), body=b"abc"), "upstream_eof"),
    ("H1-81 end before the last chunk", (OK + CODED + b"\r\n" + chunk(b"abc"), CLOSE),
     to_client(200, framing=CODED, body=chunk(b"abc")), "upstream_eof"),
    ("H1-81 end within a chunk", (OK + CODED + b"\r\n" + chunk(b"abc") + b"5\r\nde", CLOSE),
     to_client(200, framing=CODED, body=chunk(b"abcde")), "upstream_eof"),
    ("H1-81 end before the trailers' end", (OK + CODED + b"\r\n" + chunk(b"abc") + b"0\r\nX: 1\r\n", CLOSE),
     to_client(200, framing=CODED, body=chunk(b"abc")), "upstream_eof"),
    ("H1-85 end of TCP alone", (OK + b"\r\nabc", CUT), to_client(200, framing=CODED, body=chunk(b"abc")),
     "upstream_eof"),
])  # fmt: skip


@pytest.mark.parametrize("row", CUT_SHORT, ids=lambda row: row[0])
def test_cut_short(plain, upstream, row):
    _, steps, expected, end = row
    upstream.reply(*steps)
    with plain.connect() as client:
        client.send(ASK)
        got = client.rest()
    assert plain_text(got, upstream) == expected
    assert upstream.raw and plain_text(upstream.raw, upstream) == ASKED
    assert plain.access_log()[-1]["end"] == end
    plain.check_alive()


@covers("H1-82")
def test_bad_size_after_the_head_has_left(plain, upstream):
    """What the client has can't be taken back: it is cut, as by an early end."""
    gate = Gate()
    upstream.reply(OK + CODED + b"\r\n" + chunk(b"abc"), gate, b"zz\r\n", STALL)
    with plain.connect() as client:
        client.send(ASK)
        got = client.until(chunk(b"abc"))
        gate.open()
        got += client.rest()
    assert plain_text(got, upstream) == to_client(200, framing=CODED, body=chunk(b"abc"))


@covers("H1-81")
@pytest.mark.parametrize("ending", [(CLOSE,), (CUT,), (b"zz\r\n", STALL), (b"40\r\ndata: {\"half", CLOSE)])
def test_cut_event_stream(plain, upstream, ending):
    """One error event, where the last event ended, and no last chunk."""
    upstream.reply(SSE_HEAD + event('{"a":1}'), *ending)
    got = plain.ask(request("GET", "/v1/files/any"))
    events = got.body.split(b"\n\n")
    assert events[0] == b'data: {"a":1}' and events[2:] == [b""]
    assert events[1].startswith(b'data: {"error":{"message":') and b'"upstream_protocol"' in events[1]
    assert not got.complete and not got.raw_body.endswith(LAST)


@covers("H1-86")
def test_answer_that_nobody_asked_for(plain, upstream):
    """A second answer that comes while the connection rests is not kept for whoever asks next."""
    gate = Gate()
    upstream.reply(answer(200, {}, b"ok"), gate, answer(200, {}, b"evil"), STALL)
    with plain.connect() as client:
        client.send(ASK)
        assert plain_text(client.until(b"ok"), upstream) == to_client(200, body=b"ok")
        gate.open()
        upstream.wait_closed()
        assert_next_is_its_own(client, upstream, same_connection=False)


@covers("H1-85")
@pytest.mark.parametrize("kind", [b"text/plain", b"text/event-stream"])
def test_body_delimited_by_the_end(plain, upstream, kind):
    body = b'data: {"a":1}\n\ndata: [DONE]\n\n'
    upstream.reply(OK + b"Content-Type: " + kind + b"\r\n\r\n" + body, CLOSE)
    with plain.connect() as client:
        client.send(ASK)
        got = plain_text(client.until(LAST), upstream)
        assert got == to_client(200, b"Content-Type: " + kind + b"\r\n", framing=CODED, body=chunk(body) + LAST)
        upstream.reply(answer(200, {}, b"next"))
        client.send(request("GET", "/v1/echo"))
        assert plain_text(client.until(b"next"), upstream) == to_client(200, body=b"next")


@covers("H1-87")
def test_hints_are_not_for_1_0(plain, upstream):
    upstream.reply(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answer(200, {}, b"ok"))
    with plain.connect() as client:
        client.send(b"GET /v1/files/any HTTP/1.0\r\n\r\n")
        assert plain_text(client.rest(), upstream) == to_client(200, body=b"ok", closes=True)


@covers("H1-87")
def test_hints_arrive_before_the_answer(plain, upstream):
    gate = Gate()
    upstream.reply(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", gate, answer(200, {}, b"ok"))
    with plain.connect() as client:
        client.send(ASK)
        assert client.until(b"\r\n\r\n") == b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        gate.open()
        assert plain_text(client.until(b"ok"), upstream) == to_client(200, body=b"ok")


def test_hints_and_then_nothing(plain, upstream):
    """A refusal stands behind what was said before it."""
    upstream.reply(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 20 OK\r\n\r\n", STALL)
    with plain.connect() as client:
        client.send(ASK)
        assert client.head().status == 103
        assert client.response().status == 502


@covers("H1-95")
def test_trailers_that_were_asked_for(plain, upstream):
    """All but those that would mean something before the body."""
    upstream.reply(
        OK + CODED + b"Trailer: x-sum\r\n\r\n2\r\nok\r\n"
        b"0\r\nx-sum: 7\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nHost: x\r\nSet-Cookie: a=b\r\n\r\n"
    )
    with plain.connect() as client:
        client.send(request("GET", "/v1/files/any", {"TE": "trailers", "Connection": "TE"}))
        got = plain_text(client.until(b"x-sum: 7\r\n\r\n"), upstream)
    body = chunk(b"ok") + b"0\r\nx-sum: 7\r\n\r\n"
    assert got == to_client(200, b"Trailer: x-sum\r\n", framing=CODED, body=body)


@covers("H1-96")
@pytest.mark.parametrize("how", [CLOSE, CUT, RESET])
@pytest.mark.parametrize("ask", [ASK, post_json("/v1/chat/completions", CHAT)], ids=["GET", "POST"])
def test_closes_at_once(start_remora, start_upstream, ask, how):
    """On a fresh connection: one attempt, and a 502."""
    provider = start_upstream()
    proxy = start_remora(provider, {"response_metadata": "headers"})
    provider.reply(how)
    got = proxy.ask(ask)
    assert (got.status, got.error["code"]) == (502, "upstream_connect")
    assert len(provider.requests) == 1


@pytest.mark.parametrize("how", [CLOSE, CUT, RESET])
@pytest.mark.parametrize("first", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Hints\r\nX: 1\r\n\r\n", b"HTTP/1.1 2"])
@pytest.mark.parametrize("ask", [ASK, post_json("/v1/chat/completions", CHAT)], ids=["GET", "POST"])
def test_begins_to_answer_and_closes(start_remora, start_upstream, ask, first, how):
    """On a connection that has served before: who has begun to answer has the request, and it is not sent again."""
    provider = start_upstream()
    proxy = start_remora(provider, {"response_metadata": "headers"})
    with proxy.connect() as client:
        assert client.ask(request("GET", "/v1/echo")).status == 200
        provider.reply(first, how)
        client.send(ask)
        got = client.response()
        assert (got if got.status != 103 else client.response()).status == 502
    assert len(provider.requests) == 2 and provider.requests[0].connection is provider.requests[1].connection


@covers("H1-60")
@pytest.mark.parametrize("extra", [b"", b"ab"])
def test_head(plain, upstream, extra):
    """No body, its length kept; what a provider sends all the same is nobody's answer."""
    upstream.reply(OK + length(2) + b"\r\n" + extra)
    upstream.reply(answer(200, {}, b"next"))
    with plain.connect() as client:
        client.send(request("HEAD", "/v1/files/any"))
        assert plain_text(client.until(b"\r\n\r\n"), upstream) == to_client(200, framing=length(2))
        client.send(ASK)
        assert plain_text(client.until(b"next"), upstream) == to_client(200, body=b"next")
    assert plain_text(upstream.requests[0].head, upstream) == to_provider(b"HEAD /v1/files/any")


def test_answer_in_single_bytes(plain, upstream):
    head = OK + b"X-A: b\r\n" + CODED + b"\r\n"
    whole = head + b'3;x="y"\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n'
    upstream.reply(*(whole[index : index + 1] for index in range(len(whole))))
    got = plain.ask(ASK)
    assert (got.status, got.get("x-a"), got.body, got.complete) == (200, "b", b"abcde", True)


@pytest.mark.parametrize("length, status", [(2**63 - 1, 502), (2**58 + 1, 502), (2**58, 200)])
def test_length_near_the_end_of_counting(remora, upstream, length, status):
    """A length from which counting on would overflow is refused; the largest that is taken can still grow."""
    head = OK + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % length
    upstream.reply(head + b'{"object":"chat.completion"', CLOSE)
    with remora.connect() as client:
        client.send(post_json("/v1/chat/completions", CHAT))
        assert client.head().status == status
    assert remora.ask(request("GET", "/v1/echo")).status == 200
