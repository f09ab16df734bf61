"""Requests at HTTP/1.1's edges: one reading or a refusal, never two readings.

Each row is what a client sends and what must come of it, both sides compared byte by byte. Ids such as H1-23 name
the rows of one list of parsing behaviours; `test_every_row_is_covered` holds these tables to it.
"""

from __future__ import annotations

import pytest

import test_h1_answers  # noqa: F401  Its rows count too.
from strict import CHUNKED, COVERED, HOST, LAST, SEVEN, get, listed, plain_text, post, take
from strict import message_of, refusal, to_client, to_provider, unchunked
from wire import answer

pytestmark = pytest.mark.proxy

GET, POST = b"GET /v1/echo", b"POST /v1/echo"
LENGTH = b"Content-Length: 7\r\n"


def line(text: bytes, fields: bytes = HOST) -> bytes:
    """A request with this first line."""
    return text + b"\r\n" + fields + b"\r\n"


def host(value: bytes) -> bytes:
    return get().replace(b"localhost", value, 1)


def coded(value: bytes) -> bytes:
    return post(b"Transfer-Encoding:" + value + b"\r\n", SEVEN + LAST)


def long(value: bytes) -> bytes:
    return post(b"Content-Length:" + value + b"\r\n", b"7 bytes")


WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"

# (title, bytes, status, code). A refusal is one answer and the end of the connection; nothing reaches a provider.
REFUSED = take([
    ("H1-01 no Host", line(GET + b" HTTP/1.1", b""), 400, "bad_host"),
    ("H1-02 two Hosts", get(HOST), 400, "bad_host"),
    ("H1-02 two Hosts that differ", get(b"HOST: other\r\n"), 400, "bad_host"),
    ("H1-03 Host with a path", host(b"x/evil y"), 400, "bad_host"),
    ("Host that is empty", host(b""), 400, "bad_host"),
    ("Host with a user", host(b"a@localhost"), 400, "bad_host"),
    ("Host with a comma", host(b"localhost, localhost"), 400, "bad_host"),
    ("Host with a fragment", host(b"localhost#a"), 400, "bad_host"),
    ("Host with a wrong port", host(b"localhost:65536"), 400, "bad_host"),
    ("Host with an open bracket", host(b"[::1"), 400, "bad_host"),
    ("H1-06 version 2.0", line(GET + b" HTTP/2.0"), 505, "http_version_not_supported"),
    ("version 0.9", line(GET + b" HTTP/0.9"), 505, "http_version_not_supported"),
    ("H1-07 version in lower case", line(GET + b" http/1.1"), 400, "bad_request_line"),
    ("version with a third number", line(GET + b" HTTP/1.1.1"), 400, "bad_request_line"),
    ("version of two digits", line(GET + b" HTTP/1.10"), 400, "bad_request_line"),
    ("version of letters", line(GET + b" HTTP/1.x"), 400, "bad_request_line"),
    ("version of another protocol", line(GET + b" RTSP/1.0"), 400, "bad_request_line"),
    ("version with a blank inside", line(GET + b" HTTP/ 1.1"), 400, "bad_request_line"),
    ("H1-08 space before the colon", get(b"X : 1\r\n"), 400, "bad_header"),
    ("H1-08 space before Content-Length's colon", post(b"Content-Length : 7\r\n", b"7 bytes"), 400, "bad_header"),
    ("H1-08 tab before the colon", get(b"X\t: 1\r\n"), 400, "bad_header"),
    ("H1-08 space before Transfer-Encoding's colon", post(b"Transfer-Encoding : chunked\r\n", LAST), 400, "bad_header"),
    ("H1-09 folded line", get(b"X: 1\r\n 2\r\n"), 400, "bad_header"),
    ("H1-09 folded with a tab", get(b"X: 1\r\n\t2\r\n"), 400, "bad_header"),
    ("H1-09 folded coding", coded(b"\r\n chunked"), 400, "bad_header"),
    ("H1-09 line of a blank", get(b"X: 1\r\n \r\n"), 400, "bad_header"),
    ("H1-10 space before the first field", line(GET + b" HTTP/1.1", b" " + HOST), 400, "bad_header"),
    ("H1-11 bare LF everywhere", b"GET /v1/echo HTTP/1.1\nHost: localhost\n\n", 400, "bad_request_bytes"),
    ("H1-11 bare LF behind a field", get(b"X: 1\nY: 2\r\n"), 400, "bad_request_bytes"),
    ("H1-11 bare LF as the last line", get()[:-2] + b"\n", 400, "bad_request_bytes"),
    ("H1-11 LF and CR by turns", get().replace(b"\r\n", b"\n\r"), 400, "bad_request_bytes"),
    ("H1-11 bare LF before the request", b"\n" + get(), 400, "bad_request_bytes"),
    ("H1-12 bare CR inside a value", get(b"X: a\rb\r\n"), 400, "bad_request_bytes"),
    ("H1-12 bare CR before a field", get(b"X: a\r\n\rTransfer-Encoding: chunked\r\n"), 400, "bad_request_bytes"),
    ("H1-12 bare CR everywhere", get().replace(b"\r\n", b"\r") + b"x", 400, "bad_request_bytes"),
    ("H1-12 two CRs at a line's end", get(b"X: a\r\r\n"), 400, "bad_request_bytes"),
    ("H1-12 bare CR in the request line", line(GET + b"\r HTTP/1.1"), 400, "bad_request_bytes"),
    ("H1-13 NUL in a value", get(b"X: a\0b\r\n"), 400, "bad_request_bytes"),
    ("H1-13 NUL behind a coding", coded(b" chunked\0"), 400, "bad_request_bytes"),
    ("H1-13 DEL in a value", get(b"X: a\x7fb\r\n"), 400, "bad_request_bytes"),
    ("H1-15 brackets in a name", get(b"X(A): 1\r\n"), 400, "bad_header"),
    ("blank inside a name", post(b"Transfer Encoding: chunked\r\n", LAST), 400, "bad_header"),
    ("NUL in a name", get(b"X\0: 1\r\n"), 400, "bad_request_bytes"),
    ("high byte in a name", get(b"X\xe9: 1\r\n"), 400, "bad_header"),
    ("quoted name", get(b'"X": 1\r\n'), 400, "bad_header"),
    ("H1-16 empty name", get(b": 1\r\n"), 400, "bad_header"),
    ("H1-17 line without a colon", get(b"nonsense\r\n"), 400, "bad_header"),
    ("H1-18 length twice", post(LENGTH + LENGTH, b"7 bytes"), 400, "bad_content_length"),
    ("H1-19 two lengths", post(LENGTH + b"Content-Length: 6\r\n", b"7 bytes"), 400, "bad_content_length"),
    ("H1-20 list of lengths", long(b" 7, 7"), 400, "bad_content_length"),
    ("H1-20 list of different lengths", long(b" 7, 8"), 400, "bad_content_length"),
    ("H1-20 length and a comma", long(b" 7,"), 400, "bad_content_length"),
    ("H1-21 plus", long(b" +7"), 400, "bad_content_length"),
    ("H1-21 minus", long(b" -7"), 400, "bad_content_length"),
    ("H1-21 hexadecimal", long(b" 0x7"), 400, "bad_content_length"),
    ("H1-21 2^64 + 7", long(b" 18446744073709551623"), 400, "bad_content_length"),
    ("H1-21 2^63", long(b" 9223372036854775808"), 400, "bad_content_length"),
    ("H1-21 400 digits", long(b" " + b"9" * 400), 400, "bad_content_length"),
    ("length with an underscore", long(b" 1_0"), 400, "bad_content_length"),
    ("length with a fraction", long(b" 7.0"), 400, "bad_content_length"),
    ("length with an exponent", long(b" 7e0"), 400, "bad_content_length"),
    ("length in quotes", long(b' "7"'), 400, "bad_content_length"),
    ("length with a parameter", long(b" 7;a=b"), 400, "bad_content_length"),
    ("length of two words", long(b" 7 7"), 400, "bad_content_length"),
    ("length in other digits", long(b" \xd9\xa7"), 400, "bad_content_length"),
    ("length behind a vertical tab", long(b" \x0b7"), 400, "bad_request_bytes"),
    ("H1-22 empty length", long(b" "), 400, "bad_content_length"),
    ("H1-23 chunked and length", post(CHUNKED + LENGTH, SEVEN + LAST), 400, "bad_transfer_encoding"),
    ("H1-23 length and chunked", post(b"Content-Length: 0\r\n" + CHUNKED, SEVEN + LAST), 400, "bad_transfer_encoding"),
    ("H1-24 chunked twice", coded(b" chunked, chunked"), 400, "bad_transfer_encoding"),
    ("H1-24 chunked in two lines", post(CHUNKED + CHUNKED, LAST), 400, "bad_transfer_encoding"),
    ("H1-25 chunked and identity", coded(b" chunked\r\nTransfer-Encoding: identity"), 400, "bad_transfer_encoding"),
    ("H1-26 gzip, chunked", coded(b" gzip, chunked"), 501, "transfer_encoding_not_implemented"),
    ("H1-27 chunked, gzip", coded(b" chunked, gzip"), 400, "bad_transfer_encoding"),
    ("H1-27 chunked, identity", coded(b" chunked, identity"), 400, "bad_transfer_encoding"),
    ("H1-28 chunked and a comma", coded(b" chunked,"), 400, "bad_transfer_encoding"),
    ("H1-28 a comma and chunked", coded(b" , chunked"), 400, "bad_transfer_encoding"),
    ("H1-29 xchunked", coded(b" xchunked"), 501, "transfer_encoding_not_implemented"),
    ("H1-29 vertical tab before chunked", coded(b" \x0bchunked"), 400, "bad_request_bytes"),
    ("H1-29 form feed behind chunked", coded(b" chunked\x0c"), 400, "bad_request_bytes"),
    ("coding that is empty", coded(b""), 400, "bad_transfer_encoding"),
    ("coding in quotes", coded(b' "chunked"'), 400, "bad_transfer_encoding"),
    ("coding with a parameter", coded(b" chunked;q=1"), 400, "bad_transfer_encoding"),
    ("coding of two words", coded(b" chunked x"), 400, "bad_transfer_encoding"),
    ("coding with a high byte", coded(b" chunked\xa0"), 400, "bad_transfer_encoding"),
    ("identity", coded(b" identity"), 501, "transfer_encoding_not_implemented"),
    ("H1-31 chunked in 1.0", line(POST + b" HTTP/1.0", CHUNKED) + LAST, 400, "bad_transfer_encoding"),
    ("H1-43 tabs", line(b"GET\t/v1/echo\tHTTP/1.1"), 400, "bad_request_line"),
    ("H1-44 two spaces before the target", line(b"GET  /v1/echo HTTP/1.1"), 400, "bad_request_line"),
    ("H1-44 two spaces behind the target", line(b"GET /v1/echo  HTTP/1.1"), 400, "bad_request_line"),
    ("space behind the version", line(GET + b" HTTP/1.1 "), 400, "bad_request_line"),
    ("space before the method", line(b" " + GET + b" HTTP/1.1"), 400, "bad_request_line"),
    ("two targets", line(GET + b" /v1/echo HTTP/1.1"), 400, "bad_request_line"),
    ("no target", line(b"GET HTTP/1.1"), 400, "bad_request_line"),
    ("a response", b"HTTP/1.1 200 OK\r\n\r\n", 400, "bad_request_line"),
    ("H1-45 HTTP/0.9", b"GET /v1/echo\r\n\r\n", 400, "bad_request_line"),
    ("H1-46 foreign absolute form", line(b"GET http://evil.test/v1/echo HTTP/1.1", b"Host: evil.test\r\n"), 421,
     "misdirected_request"),
    ("H1-46 foreign absolute form, our Host", line(b"GET http://evil.test/v1/echo HTTP/1.1"), 421,
     "misdirected_request"),
    ("H1-46 our absolute form, foreign Host",
     line(b"GET http://localhost/v1/echo HTTP/1.1", b"Host: evil.test\r\n"), 421, "misdirected_request"),
    ("absolute form with a user", line(b"GET http://a@localhost/v1/echo HTTP/1.1"), 400, "bad_request_target"),
    ("absolute form without a host", line(b"GET http:///v1/echo HTTP/1.1"), 400, "bad_request_target"),
    ("absolute form of another scheme", line(b"GET ftp://localhost/v1/echo HTTP/1.1"), 400, "bad_request_target"),
    ("authority form", line(b"GET localhost:80 HTTP/1.1"), 400, "bad_request_target"),
    ("asterisk form of another method", line(b"GET * HTTP/1.1"), 400, "bad_request_target"),
    ("relative target", line(b"GET v1/echo HTTP/1.1"), 400, "bad_request_target"),
    ("H1-48 CONNECT", line(b"CONNECT api.test:443 HTTP/1.1"), 405, "method_not_allowed"),
    ("H1-50 TRACE", line(b"TRACE /v1/echo HTTP/1.1", HOST + b"Authorization: Bearer x\r\n"), 405,
     "method_not_allowed"),
    ("H1-51 WebSocket", get(WEBSOCKET + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 426,
     "upgrade_unsupported"),
    ("H1-51 WebSocket without a key", get(WEBSOCKET), 426, "upgrade_unsupported"),
    ("H1-53 HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http_version_not_supported"),
    ("H1-58 another expectation", post(b"Expect: 200-ok\r\nContent-Length: 0\r\n"), 417, "expectation_failed"),
    ("H1-58 two expectations", post(b"Expect: 100-continue, x\r\n" + LENGTH, b"7 bytes"), 417, "expectation_failed"),
    ("H1-62 field of 70,000 bytes", get(b"X: " + b"y" * 70_000 + b"\r\n"), 431, "header_too_large"),
    ("H1-62 name of 70,000 bytes", get(b"y" * 70_000 + b": x\r\n"), 431, "header_too_large"),
    ("H1-62 field that doesn't end", get()[:-2] + b"X: " + b"y" * 70_000, 431, "header_too_large"),
    ("H1-63 300 fields", get(b"X: 1\r\n" * 300), 431, "header_too_large"),
    ("H1-63 129 fields", get(b"X: 1\r\n" * 128), 431, "header_too_large"),
    ("H1-64 target of 20,000 bytes", get(target=b"/v1/echo/" + b"x" * 20_000), 414, "uri_too_long"),
    ("H1-64 target that doesn't end", b"GET /" + b"x" * 20_000, 414, "uri_too_long"),
    ("H1-65 fragment", get(target=b"/v1/echo#frag"), 400, "bad_request_target"),
    ("H1-66 dot segments", get(target=b"/v1/../admin"), 400, "bad_request_target"),
    ("H1-66 encoded dot segments", get(target=b"/v1/%2e%2e/admin"), 400, "bad_request_target"),
    ("H1-66 dots behind an encoded slash", get(target=b"/v1%2f%2E./admin"), 400, "bad_request_target"),
    ("H1-67 encoded NUL", get(target=b"/v1/%00"), 400, "bad_request_target"),
    ("NUL in the target", get(target=b"/v1/\0"), 400, "bad_request_bytes"),
    ("high byte in the target", get(target=b"/v1/\xff"), 400, "bad_request_target"),
    ("backslash in the target", get(target=b"/v1\\echo"), 400, "bad_request_target"),
    ("escape that is none", get(target=b"/v1/%zz"), 400, "bad_request_target"),
    ("H1-68 unknown method", line(b"FOO /v1/echo HTTP/1.1"), 501, "method_not_implemented"),
    ("H1-69 method in lower case", line(b"get /v1/echo HTTP/1.1"), 501, "method_not_implemented"),
    ("method that is no token", line(b"G@T /v1/echo HTTP/1.1"), 400, "bad_request_line"),
    ("NUL in the method", line(b"G\0T /v1/echo HTTP/1.1"), 400, "bad_request_bytes"),
    ("nine empty lines before the request", b"\r\n" * 9 + get(), 400, "bad_request_line"),
    ("33 connection options", get(b"Connection: " + b"a," * 32 + b"a\r\n"), 400, "bad_header"),
    ("H1-71 Host of a web page", host(b"attacker.test"), 421, "misdirected_request"),
    ("H1-71 Host that begins as ours", host(b"localhost.attacker.test"), 421, "misdirected_request"),
    ("H1-71 Host that ends as an address", host(b"127.0.0.1.attacker.test"), 421, "misdirected_request"),
    ("H1-72 form of a web page",
     post(b"Origin: http://attacker.test\r\nContent-Type: text/plain\r\n" + LENGTH, b"7 bytes"), 403,
     "origin_not_allowed"),
    ("H1-72 JSON of a web page",
     post(b"Origin: null\r\nContent-Type: application/json\r\nContent-Length: 2\r\n", b"{}"), 403,
     "origin_not_allowed"),
])  # fmt: skip


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row[0])
@pytest.mark.parametrize("cut", ["whole", "bytes"])
def test_refused(plain, upstream, row, cut):
    _, sent, status, code = row
    if cut == "bytes" and len(sent) > 1000:
        pytest.skip("too long to send byte by byte")
    with plain.connect() as client:
        for piece in [sent] if cut == "whole" else [bytes([byte]) for byte in sent]:
            client.send_quietly(piece)
        got = plain_text(client.rest(), upstream)
    # To the end of the connection: whatever followed in the same bytes was not read as a request of its own.
    assert got == refusal(status, message_of(got), code)
    assert message_of(got)
    assert upstream.raw == b""


# Bodies whose coding is broken. A body that is passed on as it comes may be under way already, but never to its end.
BAD_CHUNKS = take([
    ("H1-32 size ends in LF", b"7\n7 bytes\r\n" + LAST),
    ("H1-33 LF behind the data", b"7\r\n7 bytes\n" + LAST),
    ("H1-34 last chunk with LFs", SEVEN + b"0\n\n"),
    ("H1-34 last chunk with LF", SEVEN + b"0\r\n\n"),
    ("H1-36 extension ends in LF", b"7;\n7 bytes\r\n" + LAST),
    ("H1-36 named extension ends in LF", b"7;a\n7 bytes\r\n" + LAST),
    ("H1-37 space before the size", b" 7\r\n7 bytes\r\n" + LAST),
    ("H1-38 space behind the size", b"7 \r\n7 bytes\r\n" + LAST),
    ("H1-38 tab behind the size", b"7\t\r\n7 bytes\r\n" + LAST),
    ("H1-39 0x", b"0x7\r\n7 bytes\r\n" + LAST),
    ("H1-39 17 digits", b"f" * 17 + b"\r\n7 bytes\r\n" + LAST),
    ("H1-39 16 digits", b"f" * 16 + b"\r\n7 bytes\r\n" + LAST),
    ("H1-40 20 digits", b"0" * 19 + b"7\r\n7 bytes\r\n" + LAST),
    ("minus", b"-7\r\n7 bytes\r\n" + LAST),
    ("plus", b"+7\r\n7 bytes\r\n" + LAST),
    ("underscore", b"0_7\r\n7 bytes\r\n" + LAST),
    ("no size", b"\r\n7 bytes\r\n" + LAST),
    ("word", b"seven\r\n7 bytes\r\n" + LAST),
    ("bare CR behind the size", b"7\r7 bytes\r\n" + LAST),
    ("more data than said", b"3\r\n7 bytes\r\n" + LAST),
    ("extension without a name", b"7;\r\n7 bytes\r\n" + LAST),
    ("line end in a quoted extension", b'7;a="\r\n7 bytes\r\n' + LAST),
    ("H1-35 extension of 257 bytes", b"7;" + b"a" * 257 + b"\r\n7 bytes\r\n" + LAST),
    ("H1-35 4 KiB of extensions", b"".join(b"1;%s\r\nx\r\n" % (b"a" * 250) for _ in range(17)) + LAST),
    ("endless trailers", SEVEN + b"0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n"),
    ("folded trailer", SEVEN + b"0\r\nX: 1\r\n 2\r\n\r\n"),
    ("trailer without a colon", SEVEN + b"0\r\nnonsense\r\n\r\n"),
    ("trailer with a bare LF", SEVEN + b"0\r\nX: 1\n\r\n"),
    ("a request in place of trailers", SEVEN + b"0\r\n" + get()),
])  # fmt: skip


@pytest.mark.parametrize("row", BAD_CHUNKS, ids=lambda row: row[0])
@pytest.mark.parametrize("read", ["passed on", "read whole"])
def test_bad_chunks(plain, upstream, row, read):
    target = b"/v1/echo" if read == "passed on" else b"/v1/chat/completions"
    plain.ask(get(target=b"/v1/echo/first"))
    asked = plain_text(upstream.raw, upstream)
    with plain.connect() as client:
        client.send_quietly(post(CHUNKED, row[1], target))
        got = plain_text(client.rest(), upstream)
    # A provider may have been asked by then, which the answer says.
    told = b"x-remora-provider: gateway\r\nx-remora-attempts: 1\r\n"
    assert got.replace(told, b"") == refusal(400, message_of(got), "invalid_chunked_body")
    if read == "passed on":
        upstream.wait_closed()
    reached = plain_text(upstream.raw, upstream)
    assert reached.startswith(asked)
    if read == "read whole":
        assert reached == asked
    else:
        reached = reached[len(asked) :]
        data = b"1\r\nx\r\n" * 16 if "4 KiB" in row[0] else SEVEN if "more data" not in row[0] else b"3\r\n7 b\r\n"
        assert to_provider(POST, framing=CHUNKED, body=data).startswith(reached)


# (title, what the client sends, what the provider gets). The client gets the provider's answer.
FORWARDED = take([
    ("H1-05 version 1.2", line(GET + b" HTTP/1.2"), to_provider(GET)),
    ("H1-14 high bytes in a value", get(b"X-High: \xc3\xa9\xff\r\n"), to_provider(GET, b"X-High: \xc3\xa9\xff\r\n")),
    ("H1-30 CHUNKED", coded(b"CHUNKED"), to_provider(POST, framing=CHUNKED, body=SEVEN + LAST)),
    ("H1-30 chunked between blanks", coded(b" \t chunked\t "), to_provider(POST, framing=CHUNKED, body=SEVEN + LAST)),
    ("H1-35 extension", post(CHUNKED, b"7;a=b\r\n7 bytes\r\n" + LAST),
     to_provider(POST, framing=CHUNKED, body=SEVEN + LAST)),
    ("H1-35 quoted extension", post(CHUNKED, b'7;a="b;\\"c"\r\n7 bytes\r\n0;d\r\n\r\n'),
     to_provider(POST, framing=CHUNKED, body=SEVEN + LAST)),
    ("H1-41 trailers", post(CHUNKED, SEVEN + b"0\r\nContent-Length: 3\r\nX: y\r\n\r\n"),
     to_provider(POST, framing=CHUNKED, body=SEVEN + LAST)),
    ("H1-42 one empty line before", b"\r\n" + get(), to_provider(GET)),
    ("eight empty lines before", b"\r\n" * 8 + get(), to_provider(GET)),
    ("H1-47 our absolute form", line(b"GET http://localhost/v1/echo HTTP/1.1"), to_provider(GET)),
    ("H1-47 our absolute form in capitals", line(b"GET HTTP://LOCALHOST/v1/echo?a HTTP/1.1"),
     to_provider(GET + b"?a")),
    ("H1-52 h2c offer with a length",
     post(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n" + LENGTH, b"7 bytes"),
     to_provider(POST, framing=LENGTH, body=b"7 bytes")),
    ("H1-52 h2c offer with chunks",
     post(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n" + CHUNKED,
          SEVEN + LAST),
     to_provider(POST, framing=CHUNKED, body=SEVEN + LAST)),
    ("H1-52 h2c offer of a GET",
     get(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"), to_provider(GET)),
    ("H1-55 what ends at this hop",
     get(b"Connection: X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authorization: Basic eA==\r\n"
         b"TE: trailers, gzip\r\nProxy-Connection: keep-alive\r\nTrailer: X\r\nX-Mine: 1\r\n"),
     to_provider(GET, b"X-Mine: 1\r\n")),
    ("H1-55 a provider's own challenge", get(b"Proxy-Authenticate: Basic\r\n"), to_provider(GET)),
    ("H1-56 what Connection can't take away",
     post(b"Connection: Authorization, Host, Content-Length, content-type, X-Mine\r\nX-Mine: 1\r\n"
          b"Content-Type: text/plain\r\n" + LENGTH, b"7 bytes"),
     to_provider(POST, b"Content-Type: text/plain\r\n", LENGTH, b"7 bytes")),
    ("H1-56 a coding that Connection names", post(b"Connection: Transfer-Encoding\r\n" + CHUNKED, SEVEN + LAST),
     to_provider(POST, framing=CHUNKED, body=SEVEN + LAST)),
    ("where it comes from, and cookies",
     get(b"Cookie: a=b\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: http\r\nForwarded: for=10.0.0.1\r\n"
         b"Via: 1.1 x\r\nX-Mine: 1\r\n"),
     to_provider(GET, b"X-Mine: 1\r\n")),
    ("keys of the client's own", get(b"Authorization: Bearer sk-x\r\napi-key: x\r\nX-API-Key: x\r\n"
                                     b"x-goog-api-key: x\r\n"), to_provider(GET)),
    ("encodings that the client can read", get(b"Accept-Encoding: gzip, br\r\n"),
     to_provider(GET, b"Accept-Encoding: gzip, br\r\n")),
    ("H1-59 GET with a body", get(LENGTH) + b"7 bytes", to_provider(GET, framing=LENGTH, body=b"7 bytes")),
    ("H1-59 GET with a chunked body", get(CHUNKED) + SEVEN + LAST,
     to_provider(GET, framing=CHUNKED, body=SEVEN + LAST)),
    ("empty query", get(target=b"/v1/echo?"), to_provider(GET + b"?")),
    ("query of another path", get(target=b"/v1/echo?/../..&%2e%2e/?"), to_provider(GET + b"?/../..&%2e%2e/?")),
    ("H1-64 target of 8,000 bytes", get(target=b"/v1/echo/" + b"x" * 8_000),
     to_provider(b"GET /v1/echo/" + b"x" * 8_000)),
    ("H1-63 127 fields", get(b"X: 1\r\n" * 127), to_provider(GET, b"X: 1\r\n" * 127)),
    ("H1-62 field of 60,000 bytes", get(b"X: " + b"y" * 60_000 + b"\r\n"),
     to_provider(GET, b"X: " + b"y" * 60_000 + b"\r\n")),
    ("length of zero", post(b"Content-Length: 0\r\n"), to_provider(POST, framing=b"Content-Length: 0\r\n")),
    ("length with leading zeros", post(b"Content-Length: 007\r\n", b"7 bytes"),
     to_provider(POST, framing=LENGTH, body=b"7 bytes")),
    ("size in capitals", post(CHUNKED, b"A\r\n0123456789\r\n" + LAST),
     to_provider(POST, framing=CHUNKED, body=b"a\r\n0123456789\r\n" + LAST)),
    ("size with leading zeros", post(CHUNKED, b"0007\r\n7 bytes\r\n000\r\n\r\n"),
     to_provider(POST, framing=CHUNKED, body=SEVEN + LAST)),
    ("no chunk but the last", post(CHUNKED, LAST), to_provider(POST, framing=CHUNKED, body=LAST)),
    ("blanks around a value", get(b"X: \t a  b \t\r\n"), to_provider(GET, b"X: a  b\r\n")),
    ("no blank before a value", get(b"X:1\r\n"), to_provider(GET, b"X: 1\r\n")),
    ("empty value", get(b"X:\r\n"), to_provider(GET, b"X: \r\n")),
    ("one name twice", get(b"X: 1\r\nx: 2\r\n"), to_provider(GET, b"X: 1\r\nx: 2\r\n")),
    ("every byte of a token in a name", get(b"!#$%&'*+-.^_`|~09azAZ: 1\r\n"),
     to_provider(GET, b"!#$%&'*+-.^_`|~09azAZ: 1\r\n")),
    ("Host with a port", host(b"localhost:4141"), to_provider(GET)),
    ("Host in brackets", host(b"[::1]:4141"), to_provider(GET)),
    ("a request in a body", post(b"Content-Length: %d\r\n" % len(get()), get()),
     to_provider(POST, framing=b"Content-Length: %d\r\n" % len(get()), body=get())),
])  # fmt: skip


@pytest.mark.parametrize("row", FORWARDED, ids=lambda row: row[0])
@pytest.mark.parametrize("cut", ["whole", "bytes"])
def test_forwarded(plain, upstream, row, cut):
    _, sent, expected = row
    if cut == "bytes" and len(sent) > 1000:
        pytest.skip("too long to send byte by byte")
    upstream.reply(answer(200, {}, b"ok"))
    upstream.reply(answer(200, {}, b"next"))
    with plain.connect() as client:
        for piece in [sent] if cut == "whole" else [bytes([byte]) for byte in sent]:
            client.send(piece)
        assert plain_text(client.until(b"ok"), upstream) == to_client(200, body=b"ok")
        reached = plain_text(upstream.raw, upstream)
        if cut == "bytes" and CHUNKED in expected:
            # Chunks are cut anew, byte by byte at the most: their data is what counts, and that nothing trails.
            head, body = expected.split(b"\r\n\r\n", 1)
            assert reached.startswith(head + b"\r\n\r\n") and reached.endswith(LAST)
            assert upstream.last.body == unchunked(body)
        else:
            assert reached == expected
        # The connection's next request starts where this one ended.
        client.send(get(target=b"/v1/echo/next"))
        assert plain_text(client.until(b"next"), upstream) == to_client(200, body=b"next")
        assert plain_text(upstream.raw, upstream).endswith(to_provider(b"GET /v1/echo/next"))


def test_every_row_is_covered():
    import test_h1_moments  # noqa: F401  Rows that need more than bytes.

    rows = listed()
    if rows is None:
        pytest.skip("ABSENT: ../shared/operations.md")
    assert COVERED == rows
