"""HTTP/1.1 at its edges, byte by byte: one reading or a refusal, never two readings.

Each row is a request or an answer as bytes, and what must come of it. Ids such as H1-23 name rows of one list
of parsing behaviours, so that a failure can be looked up.
"""

from __future__ import annotations

import threading
import time

import pytest

from upstream import CLOSE, CUT, STALL
from wire import Broken, answer, request

pytestmark = pytest.mark.proxy

HOST = b"Host: localhost\r\n"


def post(fields: bytes, body: bytes = b"") -> bytes:
    return b"POST /v1/echo HTTP/1.1\r\n" + HOST + fields + b"\r\n" + body


def get(fields: bytes = b"", target: bytes = b"/v1/echo") -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + fields + b"\r\n"


CHUNKED = b"Transfer-Encoding: chunked\r\n"

# id: (bytes, the statuses that are right). A refusal closes the connection and reaches no provider.
REFUSED = {
    "H1-01 no Host": (b"GET /v1/echo HTTP/1.1\r\n\r\n", 400),
    "H1-02 two Hosts": (get(HOST), 400),
    "H1-03 odd Host": (b"GET /v1/echo HTTP/1.1\r\nHost: x/evil y\r\n\r\n", 400),
    "H1-06 HTTP/2.0": (b"GET /v1/echo HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    "H1-07 lower-case version": (b"GET /v1/echo http/1.1\r\n" + HOST + b"\r\n", 400),
    "H1-08 space before colon": (get(b"X : 1\r\n"), 400),
    "H1-09 folded line": (get(b"X: 1\r\n 2\r\n"), 400),
    "H1-10 space before the first field": (b"GET /v1/echo HTTP/1.1\r\n " + HOST + b"\r\n", 400),
    "H1-11 bare LF": (b"GET /v1/echo HTTP/1.1\nHost: localhost\n\n", 400),
    "H1-12 bare CR": (get(b"X: a\rb\r\n"), 400),
    "H1-13 NUL": (get(b"X: a\0b\r\n"), 400),
    "H1-15 odd name": (get(b"X(A): 1\r\n"), 400),
    "H1-16 empty name": (get(b": 1\r\n"), 400),
    "H1-17 no colon": (get(b"nonsense\r\n"), 400),
    "H1-18 length twice": (post(b"Content-Length: 7\r\nContent-Length: 7\r\n", b"7 bytes"), 400),
    "H1-19 two lengths": (post(b"Content-Length: 7\r\nContent-Length: 6\r\n", b"7 bytes"), 400),
    "H1-20 list of lengths": (post(b"Content-Length: 7, 7\r\n", b"7 bytes"), 400),
    "H1-21 plus": (post(b"Content-Length: +7\r\n", b"7 bytes"), 400),
    "H1-21 minus": (post(b"Content-Length: -7\r\n", b"7 bytes"), 400),
    "H1-21 hexadecimal": (post(b"Content-Length: 0x7\r\n", b"7 bytes"), 400),
    "H1-21 overflow": (post(b"Content-Length: 18446744073709551623\r\n", b"7 bytes"), (400, 413)),
    "H1-22 empty length": (post(b"Content-Length: \r\n", b"7 bytes"), 400),
    "H1-23 both framings": (post(CHUNKED + b"Content-Length: 7\r\n", b"0\r\n\r\n"), 400),
    "H1-24 chunked twice": (post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"), 400),
    "H1-25 two codings": (post(CHUNKED + b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n"), (400, 501)),
    "H1-26 gzip, chunked": (post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"), 501),
    "H1-27 chunked, gzip": (post(b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n"), (400, 501)),
    "H1-28 trailing comma": (post(b"Transfer-Encoding: chunked,\r\n", b"0\r\n\r\n"), 400),
    "H1-29 unknown coding": (post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), 501),
    "H1-29 vertical tab": (post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"), 400),
    "H1-31 chunked in 1.0": (b"POST /v1/echo HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n", 400),
    "H1-43 tabs": (b"GET\t/v1/echo\tHTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "H1-44 doubled spaces": (b"GET  /v1/echo  HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "H1-45 HTTP/0.9": (b"GET /v1/echo\r\n\r\n", 400),
    "H1-46 foreign absolute form": (b"GET http://evil.test/v1/echo HTTP/1.1\r\nHost: evil.test\r\n\r\n", 421),
    "H1-48 CONNECT": (b"CONNECT api.test:443 HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "H1-50 TRACE": (b"TRACE /v1/echo HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "H1-51 WebSocket": (
        get(
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            b"/v1/realtime",
        ),
        501,
    ),
    "H1-53 HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "H1-58 odd expectation": (post(b"Expect: 200-ok\r\nContent-Length: 0\r\n"), 417),
    "H1-62 field of 70 kB": (get(b"X: " + b"y" * 70_000 + b"\r\n"), 431),
    "H1-63 300 fields": (get(b"X: 1\r\n" * 300), 431),
    "H1-64 long target": (get(target=b"/v1/echo/" + b"x" * 20_000), 414),
    "H1-65 fragment": (get(target=b"/v1/echo#frag"), 400),
    "H1-66 dot segments": (get(target=b"/v1/../admin"), 400),
    "H1-66 encoded dot segments": (get(target=b"/v1/%2e%2e/admin"), 400),
    "H1-67 NUL in the path": (get(target=b"/v1/%00"), 400),
    "H1-68 unknown method": (b"FOO /v1/echo HTTP/1.1\r\n" + HOST + b"\r\n", (501, 405)),
    "H1-69 lower-case method": (b"get /v1/echo HTTP/1.1\r\n" + HOST + b"\r\n", (501, 405)),
    "two targets": (b"GET /v1/echo /v1/echo HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "high byte in the target": (get(target=b"/v1/\xff"), 400),
    "Host of a web page": (b"GET /v1/echo HTTP/1.1\r\nHost: attacker.test\r\n\r\n", 421),
    "Origin of a web page": (post(b"Origin: http://attacker.test\r\nContent-Length: 2\r\n", b"{}"), 403),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("cut", ["whole", "bytes"])
def test_refused(plain, upstream, name, cut):
    data, expected = REFUSED[name]
    if cut == "bytes" and len(data) > 1000:
        pytest.skip("too long to send byte by byte")
    with plain.connect() as client:
        if cut == "whole":
            client.send_quietly(data)
        else:
            for byte in data:
                client.send_quietly(bytes([byte]))
        got = client.response(data.split(b" ", 1)[0].decode("latin-1"))
        assert got.status in (expected if isinstance(expected, tuple) else (expected,)), got.head
        if got.status == 405:
            assert got.get("allow")
        if got.body and (got.get("content-type") or "").startswith("application/json"):
            assert set(got.error) >= {"message", "type", "param", "code"}
        # Whatever followed in the same bytes must not be read as a request of its own.
        assert client.closed()
    assert upstream.requests == []
    plain.check_alive()


# Bodies whose framing is wrong: the head may be on its way upstream already, but never a whole request.
BAD_CHUNKS = {
    "H1-32 size ends in LF": b"7\n7 bytes\r\n0\r\n\r\n",
    "H1-33 LF after data": b"7\r\n7 bytes\n0\r\n\r\n",
    "H1-34 last chunk with LF": b"7\r\n7 bytes\r\n0\n\n",
    "H1-36 extension ends in LF": b"7;\n7 bytes\r\n0\r\n\r\n",
    "H1-37 space before the size": b" 7\r\n7 bytes\r\n0\r\n\r\n",
    "H1-38 space after the size": b"7 \r\n7 bytes\r\n0\r\n\r\n",
    "H1-39 0x": b"0x7\r\n7 bytes\r\n0\r\n\r\n",
    "H1-39 17 digits": b"f" * 17 + b"\r\n7 bytes\r\n0\r\n\r\n",
    "H1-40 20 digits": b"0" * 19 + b"7\r\n7 bytes\r\n0\r\n\r\n",
    "negative": b"-7\r\n7 bytes\r\n0\r\n\r\n",
    "no size": b"\r\n7 bytes\r\n0\r\n\r\n",
    "more data than said": b"3\r\n7 bytes\r\n0\r\n\r\n",
    "long extension": b"7;" + b"a" * 5000 + b"\r\n7 bytes\r\n0\r\n\r\n",
    "endless trailers": b"7\r\n7 bytes\r\n0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    "folded trailer": b"7\r\n7 bytes\r\n0\r\nX: 1\r\n 2\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_bad_chunks(plain, upstream, name):
    with plain.connect() as client:
        client.send_quietly(post(CHUNKED, BAD_CHUNKS[name]))
        got = client.response()
        assert got.status in (400, 413, 431), got.head
        assert client.closed()
    assert not any(each.complete for each in list(upstream.requests))
    plain.check_alive()


@pytest.mark.parametrize("name", ["H1-32 size ends in LF", "H1-33 LF after data", "H1-39 0x"])
def test_bad_chunks_of_json(plain, upstream, name):
    """The same on a body that is read whole."""
    data = post(CHUNKED, BAD_CHUNKS[name]).replace(b"/v1/echo", b"/v1/chat/completions")
    assert plain.ask(data).status == 400
    assert upstream.requests == []


# id: (bytes, what the provider must have got as length). All answered 200.
ACCEPTED = {
    "H1-05 version 1.2": (b"GET /v1/echo HTTP/1.2\r\n" + HOST + b"\r\n", 0),
    "H1-14 high bytes in a value": (get(b"X-High: \xc3\xa9\xff\r\n"), 0),
    "H1-30 CHUNKED": (post(b"Transfer-Encoding: CHUNKED\r\n", b"7\r\n7 bytes\r\n0\r\n\r\n"), 7),
    "H1-35 extension": (post(CHUNKED, b"7;a=b\r\n7 bytes\r\n0\r\n\r\n"), 7),
    "H1-41 trailers": (post(CHUNKED, b"7\r\n7 bytes\r\n0\r\nContent-Length: 3\r\nX: y\r\n\r\n"), 7),
    "H1-42 empty line first": (b"\r\n" + get(), 0),
    "H1-47 own absolute form": (b"GET http://localhost/v1/echo HTTP/1.1\r\n" + HOST + b"\r\n", 0),
    "H1-59 GET with a body": (get(b"Content-Length: 7\r\n") + b"7 bytes", 7),
    "upper-case size": (post(CHUNKED, b"A\r\n0123456789\r\n0\r\n\r\n"), 10),
    "leading zeros": (post(CHUNKED, b"0007\r\n7 bytes\r\n000\r\n\r\n"), 7),
    "no space after the colon": (get(b"X:1\r\n"), 0),
    "spaces around a value": (get(b"X: \t 1 \t\r\n"), 0),
    "empty value": (get(b"X:\r\n"), 0),
    "Host with a port": (b"GET /v1/echo HTTP/1.1\r\nHost: localhost:4141\r\n\r\n", 0),
    "Host in brackets": (b"GET /v1/echo HTTP/1.1\r\nHost: [::1]:4141\r\n\r\n", 0),
}


@pytest.mark.parametrize("name", ACCEPTED)
@pytest.mark.parametrize("cut", ["whole", "bytes"])
def test_accepted(plain, upstream, name, cut):
    data, length = ACCEPTED[name]
    with plain.connect() as client:
        for piece in [data] if cut == "whole" else [bytes([byte]) for byte in data]:
            client.send(piece)
        got = client.response(data.split(b" ", 1)[0].decode("latin-1").strip())
        assert (got.status, got.json()["length"]) == (200, length), got.head
        # The connection's next request starts where this one ended.
        assert client.ask(request("GET", "/v1/echo/next")).json()["target"] == "/v1/echo/next"
    # A refused request of an earlier test may reach the provider late, and never whole.
    assert len([each for each in upstream.requests if each.complete]) == 2


def test_one_field_line_reaches_upstream_as_sent(plain, upstream):
    plain.ask(get(b"X-High: \xc3\xa9\xff\r\nX-Space: \t a  b \t\r\n"))
    assert b"\r\nX-High: \xc3\xa9\xff\r\n" in upstream.last.head
    assert upstream.last.get("x-space") == "a  b"


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_h2c_offer_is_declined(plain, upstream, framing):
    """H1-52: Java clients offer h2c on every cleartext request; the body must get there all the same."""
    fields = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    if framing == "length":
        data = post(fields + b"Content-Length: 7\r\n", b"7 bytes")
    else:
        data = post(fields + CHUNKED, b"7\r\n7 bytes\r\n0\r\n\r\n")
    assert plain.ask(data).json()["length"] == 7
    assert not {"upgrade", "http2-settings"} & upstream.last.names
    assert "upgrade" not in (upstream.last.get("connection") or "").lower()


def test_nominated_fields(plain, upstream):
    """H1-56: Connection cannot be used to take away what the message needs."""
    fields = b"Connection: Authorization, Host, Content-Length, Content-Type, X-Mine\r\nX-Mine: 1\r\n"
    plain.ask(post(fields + b"Content-Type: text/plain\r\nContent-Length: 7\r\n", b"7 bytes"))
    got = upstream.last
    assert (got.length, got.get("content-type")) == (7, "text/plain")
    assert got.get("authorization") and got.get("host")
    assert "x-mine" not in got.names


def test_options_star(plain, upstream):
    got = plain.ask(b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n")
    assert got.status == 204 and got.get("allow")
    assert upstream.requests == []


def test_smuggled_request_stays_a_body(plain, upstream):
    inner = get(target=b"/v1/echo/smuggled")
    plain.ask(post(b"Content-Length: %d\r\n" % len(inner), inner))
    assert [each.target for each in upstream.requests] == ["/v1/echo"]
    assert upstream.last.body == inner


def test_client_leaves_within_its_request(plain, upstream):
    """Half a head, half a body: nobody is left waiting."""
    for data in (b"POST /v1/ec", post(b"Content-Length: 70\r\n", b"7 bytes"), post(CHUNKED, b"7\r\n7 by")):
        with plain.connect() as client:
            client.send(data)
    assert plain.ask(get()).status == 200
    for each in list(upstream.requests):
        assert each.complete or each.connection.closed.wait(5)
    assert plain.total("remora_requests_in_flight") == 0


@pytest.mark.slow
@pytest.mark.timeout(90)
def test_slow_clients_time_out(plain, upstream):
    """H1-70: a head that never ends, one that drips, and a body that stops. All wait at once."""
    results: dict[str, tuple[int, float]] = {}

    def wait(name: str, data: bytes, drip: bool) -> None:
        started = time.monotonic()
        with plain.connect(timeout=60) as client:
            client.send(data)
            client.socket.settimeout(2)
            while not client.buffer and time.monotonic() - started < 60:
                try:
                    if not client.fill():
                        break
                except TimeoutError:
                    if drip:
                        client.send_quietly(b"x")
            client.socket.settimeout(10)
            try:
                results[name] = client.response().status, time.monotonic() - started
            except Broken:
                results[name] = 0, time.monotonic() - started

    rows = {
        "head": (b"GET /v1/echo HTTP/1.1\r\nHost: loc", False),
        "dripping head": (b"GET /v1/echo HTTP/1.1\r\nX: ", True),
        "body": (post(b"Content-Length: 70\r\n", b"7 bytes"), False),
    }
    threads = [threading.Thread(target=wait, args=(name, *row)) for name, row in rows.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in rows:
        status, seconds = results[name]
        assert status == 408, (name, status)
        assert 5 < seconds < 50, (name, seconds)


# Answers.


@pytest.mark.parametrize("reading", ["/v1/files/any", "/v1/chat/completions"])
@pytest.mark.parametrize(
    ("name", "reply"),
    {
        "H1-83 two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "H1-88 unasked 101": b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "H1-90 short status": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        "H1-91 status 999": b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        "H1-92 NUL": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
        "H1-93 head of 70 kB": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2 status line": b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
        "unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "space before colon": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    }.items(),
)
def test_bad_answers(plain, upstream, name, reply, reading):
    for _ in range(2):
        upstream.reply(reply, STALL)
    method, body = ("GET", None) if reading.endswith("any") else ("POST", b'{"model":"gpt-4o","messages":[]}')
    got = plain.ask(request(method, reading, {}, body))
    assert (got.status, got.error["code"]) == (502, "upstream_protocol"), name


def test_short_body(plain, upstream):
    """H1-80: what came is passed on, and the end is no end."""
    upstream.reply(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", CLOSE)
    got = plain.ask(request("GET", "/v1/files/any"))
    assert not got.complete


@pytest.mark.parametrize("ending", [(CLOSE,), (b"zz\r\n", STALL), (b"5\r\nab", CLOSE)])
def test_broken_chunks(plain, upstream, ending):
    """H1-81, H1-82: no last chunk is made up."""
    upstream.reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", *ending)
    got = plain.ask(request("GET", "/v1/files/any"))
    assert not got.complete and not got.raw_body.endswith(b"0\r\n\r\n")


def test_chunked_wins_over_length(plain, upstream):
    """H1-84: and the connection is not used again."""
    upstream.reply(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    )
    got = plain.ask(request("GET", "/v1/files/any"))
    assert (got.body, got.complete, got.get("content-length")) in ((b"abc", True, None), (b"abc", True, "3"))
    plain.ask(get())
    assert upstream.requests[0].connection is not upstream.requests[1].connection


@pytest.mark.parametrize("ending", [CLOSE, CUT])
def test_body_delimited_by_the_end(plain, upstream, ending):
    """H1-85: over TLS only close_notify is an end."""
    upstream.reply(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nabc", ending)
    got = plain.ask(request("GET", "/v1/files/any"))
    assert got.complete == (ending == CLOSE)


def test_extra_bytes_are_not_the_next_answer(plain, upstream):
    """H1-86: response splitting."""
    upstream.reply(answer(200, {}, b"ok") + answer(200, {}, b"evil"))
    assert plain.ask(request("GET", "/v1/files/any")).body == b"ok"
    for _ in range(3):
        assert plain.ask(get()).json()["target"] == "/v1/echo"


def test_interim_answers(plain, upstream):
    """H1-87: 100 and 102 are the hop's own; 103 may be passed on; the final one is the answer."""
    upstream.reply(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answer(200, {}, b"ok")
    )
    with plain.connect() as client:
        client.send(request("GET", "/v1/files/any"))
        got = client.response()
        while got.status == 103:
            got = client.response()
        assert (got.status, got.body) == (200, b"ok")


def test_endless_interim_answers(plain, upstream):
    for _ in range(2):
        upstream.reply(b"HTTP/1.1 102 Processing\r\n\r\n" * 5000, STALL)
    assert plain.ask(request("GET", "/v1/files/any")).status == 502


@pytest.mark.parametrize("status", [204, 304])
def test_no_body_whatever_is_said(plain, upstream, status):
    """H1-89: a length on an answer that has no body, and bytes behind it, poison nothing."""
    extra = b"abc" if status == 204 else b""
    upstream.reply(b"HTTP/1.1 %d X\r\nContent-Length: 3\r\n\r\n%s" % (status, extra))
    with plain.connect() as client:
        assert client.ask(request("DELETE", "/v1/files/any")).status == status
        assert client.ask(request("GET", "/v1/echo")).json()["target"] == "/v1/echo"


def test_http_1_0_answer(plain, upstream):
    upstream.reply(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", CLOSE)
    assert plain.ask(request("GET", "/v1/files/any")).body == b"ok"


def test_answer_in_single_bytes(plain, upstream):
    head = b"HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n"
    whole = head + b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n"
    upstream.reply(*(whole[index : index + 1] for index in range(len(whole))))
    got = plain.ask(request("GET", "/v1/files/any"))
    assert (got.status, got.get("x-a"), got.body, got.complete) == (200, "b", b"abcde", True)


@pytest.mark.parametrize("length, status", [(2**63 - 1, 502), (2**58 + 1, 502), (2**58, 200)])
def test_length_near_the_end_of_counting(remora, upstream, length, status):
    """A length from which counting on would overflow is refused; the largest that is taken can still grow."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % length
    upstream.reply(head + b'{"object":"chat.completion"', CLOSE)
    body = b'{"model":"gpt-4o","messages":[]}'
    with remora.connect() as client:
        client.send(request("POST", "/v1/chat/completions", {"Content-Type": "application/json"}, body))
        assert client.head().status == status
    assert remora.ask(request("GET", "/v1/echo")).status == 200
