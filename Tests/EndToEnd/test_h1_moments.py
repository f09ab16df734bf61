"""Rows of strictness that need more than bytes: an order, a moment, a time. See `test_h1_requests.py`."""

from __future__ import annotations

import threading
import time

import pytest

from strict import CHUNKED, HOST, LAST, SEVEN, covers, get, message_of, plain_text, post, refusal, to_client
from strict import to_provider
from upstream import CLOSE, Gate, UNREAD
from wire import SSE_HEAD, Broken, RawClient, answer, event, post_json, request

pytestmark = pytest.mark.proxy


@covers("H1-04")
@pytest.mark.parametrize("keeps", [False, True])
def test_1_0_without_host(plain, upstream, keeps):
    """Closed behind the answer, unless the client asks for more."""
    upstream.reply(answer(200, {}, b"ok"))
    fields = b"Connection: keep-alive\r\n" if keeps else b""
    with plain.connect() as client:
        client.send(b"GET /v1/echo HTTP/1.0\r\n" + fields + b"\r\n")
        got = plain_text(client.until(b"ok") if keeps else client.rest(), upstream)
    expected = to_client(200, body=b"ok", closes=not keeps)
    if keeps:
        expected = expected.replace(b"Content-Length", b"Connection: keep-alive\r\nContent-Length")
    assert got == expected
    assert plain_text(upstream.raw, upstream) == to_provider(b"GET /v1/echo")


def test_1_0_gets_no_chunks(plain, upstream):
    upstream.reply(b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n2\r\nok\r\n" + LAST)
    with plain.connect() as client:
        client.send(b"GET /v1/echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        got = plain_text(client.rest(), upstream)
    assert got == to_client(200, framing=b"", body=b"ok", closes=True)


@covers("H1-42")
def test_an_empty_line_behind_a_request_is_none(start_remora, upstream):
    """The connection rests: nothing is answered, no drain waits for it, and a request may still come."""
    proxy = start_remora(upstream, {"response_metadata": "headers"})
    body = post(b"Content-Length: 7\r\n", b"7 bytes") + b"\r\n"
    with proxy.connect() as client, proxy.connect() as other:
        for each in (client, other):
            assert each.ask(body).status == 200
        assert client.ask(get()).status == 200
        proxy.admin("/healthz")
        # Held to an end within two seconds: `other` has sent no more than its empty line.
        proxy.stop()
        assert other.rest() == b""


@covers("H1-49")
def test_options_of_everything(plain, upstream):
    with plain.connect() as client:
        client.send(b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n")
        got = plain_text(client.until(b"\r\n\r\n"), upstream)
        allow = b"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
        assert got == b"HTTP/1.1 204 No Content\r\n" + allow + b"x-request-id: ID\r\n\r\n"
        assert client.ask(get()).status == 200
    assert len(upstream.requests) == 1


@covers("H1-49")
@pytest.mark.parametrize("body", [(b"Content-Length: %d\r\n", get(target=b"/v1/echo/smuggled")), (CHUNKED, SEVEN + LAST)])
def test_options_of_everything_with_a_body(plain, upstream, body):
    """Nobody reads the body, so nothing may come behind it."""
    fields, data = body
    fields = fields % len(data) if b"%d" in fields else fields
    with plain.connect() as client:
        client.send(b"OPTIONS * HTTP/1.1\r\n" + HOST + fields + b"\r\n" + data + get())
        got = plain_text(client.rest(), upstream)
    allow = b"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
    assert got == b"HTTP/1.1 204 No Content\r\n" + allow + b"x-request-id: ID\r\nConnection: close\r\n\r\n"
    assert upstream.raw == b""


@covers("H1-51")
def test_no_upgrade_in_1_0(plain, upstream):
    """There the field means nothing (RFC 9110 section 7.8)."""
    upstream.reply(answer(200, {}, b"ok"))
    with plain.connect() as client:
        client.send(b"GET /v1/echo HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert plain_text(client.rest(), upstream) == to_client(200, body=b"ok", closes=True)
    assert plain_text(upstream.raw, upstream) == to_provider(b"GET /v1/echo")


@covers("H1-54")
def test_tls_on_the_plaintext_port(plain, upstream):
    """An alert that a TLS client can read, nothing behind it, and one line in the log."""
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(509)
    said = plain.stderr.count("client spoke TLS to the plaintext port; use http://")
    for pieces in ([hello], [hello[:1], hello[1:]]):
        with plain.connect() as client:
            for piece in pieces:
                client.send(piece)
            client.finish_sending()
            assert client.rest() == b"\x15\x03\x01\x00\x02\x02\x46"
        said += 1
        assert plain.stderr.count("client spoke TLS to the plaintext port; use http://") == said
    assert upstream.raw == b""


@covers("H1-57")
@pytest.mark.parametrize("target", [b"/v1/echo", b"/v1/chat/completions"])
@pytest.mark.parametrize("expectation", [b"100-continue", b"100-Continue, ,100-continue"])
def test_expect_continue(plain, upstream, target, expectation):
    """100 at once, from Remora: the provider is not asked for it."""
    body = b'{"model":"gpt-4o","messages":[]}'
    fields = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    upstream.reply(answer(200, {}, b'{"id":"ok"}'))
    with plain.connect() as client:
        client.send(post(b"Expect: " + expectation + b"\r\n" + fields, target=target))
        assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(body)
        assert client.until(b'"ok"}').startswith(b"HTTP/1.1 200 OK\r\n")
    framing = b"Content-Length: %d\r\n" % len(body)
    fields = b"Content-Type: application/json\r\n"
    if target.endswith(b"completions"):
        fields += b"Accept-Encoding: identity\r\n"
    assert plain_text(upstream.raw, upstream) == to_provider(b"POST " + target, fields, framing, body)


@covers("H1-57")
def test_expect_continue_with_the_body_behind_it(plain, upstream):
    """A client that doesn't wait is not told to go on."""
    upstream.reply(answer(200, {}, b"ok"))
    with plain.connect() as client:
        client.send(post(b"Expect: 100-continue\r\n" + CHUNKED, SEVEN + LAST))
        assert plain_text(client.until(b"ok"), upstream) == to_client(200, body=b"ok")


@covers("H1-61")
def test_pipelined(plain, upstream):
    """In order, and the second is not looked at before the first is done."""
    gate = Gate()
    upstream.reply(gate, answer(200, {}, b"first"), when=lambda each: each.target.endswith("1"))
    with plain.connect() as client:
        client.send(get(target=b"/v1/echo/1") + post(CHUNKED, SEVEN + LAST, b"/v1/echo/2") + b"GET /v1/../3")
        upstream.wait_requests(1)
        client.send(b" HTTP/1.1\r\n" + HOST + b"\r\n" + get(target=b"/v1/echo/4"))
        assert plain_text(upstream.raw, upstream) == to_provider(b"GET /v1/echo/1")
        upstream.reply(answer(200, {}, b"second"))
        gate.open()
        assert plain_text(client.until(b"first"), upstream) == to_client(200, body=b"first")
        assert plain_text(client.until(b"second"), upstream) == to_client(200, body=b"second")
        got = plain_text(client.rest(), upstream)
        assert got == refusal(400, message_of(got), "bad_request_target")
    second = to_provider(b"POST /v1/echo/2", framing=CHUNKED, body=SEVEN + LAST)
    assert plain_text(upstream.raw, upstream) == to_provider(b"GET /v1/echo/1") + second


@covers("H1-70")
@pytest.mark.slow
@pytest.mark.timeout(90)
def test_slow_clients_time_out(plain, upstream):
    """A head that never ends, one that drips, and bodies that stop. All wait at once."""
    results: dict[str, tuple[bytes, float]] = {}
    rows = {
        "head": (b"GET /v1/echo HTTP/1.1\r\nHost: loc", False),
        "dripping head": (b"GET /v1/echo HTTP/1.1\r\nX: ", True),
        "body": (post(b"Content-Length: 70\r\n", b"7 bytes"), False),
        "body read whole": (post(b"Content-Length: 70\r\n", b'{"model', b"/v1/chat/completions"), False),
        "chunk": (post(CHUNKED, b"70\r\n7 bytes"), False),
    }

    def wait(name: str, data: bytes, drips: bool) -> None:
        started = time.monotonic()
        with plain.connect(timeout=60) as client:
            client.send(data)
            client.socket.settimeout(2)
            while time.monotonic() - started < 60:
                try:
                    if not client.fill():
                        break
                except TimeoutError:
                    if drips and not client.buffer:
                        client.send_quietly(b"x")
            results[name] = client.buffer, time.monotonic() - started

    threads = [threading.Thread(target=wait, args=(name, *row)) for name, row in rows.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = b"x-remora-provider: gateway\r\nx-remora-attempts: 1\r\n"
    for name in rows:
        got, seconds = results[name]
        got = plain_text(got, upstream).replace(told, b"")
        assert got == refusal(408, message_of(got), "request_timeout"), name
        assert 25 < seconds < 50, (name, seconds)
    # The provider was let go of, and had no whole request.
    for each in list(upstream.requests):
        assert not each.complete and each.connection.closed.wait(5)
    assert plain.total("remora_requests_in_flight") == 0


def test_body_that_breaks_behind_the_answer(plain, upstream):
    """The answer has begun, and goes on; of the body, not a byte more than was good, and nothing after it."""
    gate = Gate()
    upstream.reply(UNREAD, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nxy", gate, b"zz")
    with plain.connect() as client:
        client.send(post(CHUNKED, SEVEN))
        assert plain_text(client.until(b"xy"), upstream).endswith(b"Content-Length: 4\r\n\r\nxy")
        client.send(b'3;a="\r\n7 bytes\r\n' + LAST)
        client.send(get(target=b"/v1/echo/smuggled"))
        gate.open()
        assert client.rest() == b"zz"
    upstream.wait_closed()
    assert to_provider(b"POST /v1/echo", framing=CHUNKED, body=SEVEN) == plain_text(upstream.raw, upstream)


def test_body_that_goes_on_behind_a_stream(plain, upstream):
    """A stream may be over before its request is: what is left of the body is no next request."""
    upstream.reply(UNREAD, SSE_HEAD, event('{"choices":[]}') + event("[DONE]"), CLOSE)
    with plain.connect() as client:
        client.send(post(CHUNKED, SEVEN))
        got = client.until(LAST)
        client.send_quietly(get(target=b"/v1/echo/smuggled"))
        assert client.rest() == b""
    assert got.endswith(b"data: [DONE]\n\n\r\n" + LAST)
    assert to_provider(b"POST /v1/echo", framing=CHUNKED, body=SEVEN) == plain_text(upstream.raw, upstream)


def test_client_leaves_within_its_request(plain, upstream):
    """Half a head, half a body: nobody is left waiting."""
    for data in (b"POST /v1/ec", post(b"Content-Length: 70\r\n", b"7 bytes"), post(CHUNKED, b"7\r\n7 by")):
        with plain.connect() as client:
            client.send(data)
    assert plain.ask(get()).status == 200
    for each in list(upstream.requests):
        assert each.complete or each.connection.closed.wait(5)
    assert plain.total("remora_requests_in_flight") == 0


@pytest.mark.parametrize("text", ["a\r\nx: y", "a\0b", "a\nb", "a\x7fb", "a\u0085b", "\r\n\r\nHTTP/1.1 200 OK"])
def test_a_model_name_can_not_split_a_head(plain, upstream, text):
    """It is JSON, where any byte can be said, and stands in a field of the answer."""
    upstream.reply(answer(200, {"Content-Type": "application/json"}, b"{}"))
    got = plain.ask(post_json("/v1/chat/completions", {"model": text, "messages": []}))
    assert len(got.all("x-remora-model")) == 1 and not got.all("x")
    assert upstream.last.json()["model"] == text


@pytest.mark.parametrize("value", [b"a b", b"\xc3\xa9", b"x" * 129, b""])
def test_an_id_that_is_not_fit_is_replaced(plain, upstream, value):
    upstream.reply(answer(200, {}, b"ok"))
    with plain.connect() as client:
        client.send(get(b"x-request-id: " + value + b"\r\n"))
        assert plain_text(client.until(b"ok"), upstream) == to_client(200, body=b"ok")
    assert plain_text(upstream.raw, upstream) == to_provider(b"GET /v1/echo")


def test_the_admin_port_is_as_strict(plain, upstream):
    both = post(CHUNKED + b"Content-Length: 1\r\n")
    for bad in (get(HOST), get(b"X : 1\r\n"), b"GET /healthz HTTP/1.1\nHost: x\n\n", both):
        with RawClient(("127.0.0.1", plain.admin_port)) as client:
            client.send(bad)
            got = client.response()
            assert got.status == 400 and client.closed()


def test_lost_answer_is_broken(plain, upstream):
    """The harness itself: an end where bytes were due is seen as one."""
    upstream.reply(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "close")
    with plain.connect() as client:
        client.send(request("GET", "/v1/files/any"))
        client.head()
        with pytest.raises(Broken):
            client.exactly(10)
